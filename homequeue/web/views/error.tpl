% titles = {401: 'Please sign in', 403: 'Not yours to open', 404: 'Nothing here', 410: 'No longer open', 413: 'Too big', 429: 'One moment', 500: 'That went wrong', 503: 'Back in a moment', 507: 'The disk is full'}
% heading = titles.get(status, 'That did not work')
% rebase('layout.tpl', title=f'{heading} ({status})', page='error')
<section class="empty">
  <h1>{{heading}}</h1>
  <p>{{words}}</p>
  % if status != 410:
  <p><a class="button primary" href="{{get('back') or '/'}}">{{'Sign in' if status == 401 else 'Back'}}</a></p>
  % end
</section>
