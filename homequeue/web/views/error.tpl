% titles = {401: 'Please sign in', 403: 'Not yours to open', 404: 'Nothing here', 413: 'Too big', 429: 'One moment', 500: 'That went wrong', 503: 'Back in a moment', 507: 'The disk is full'}
% rebase('layout.tpl', title=titles.get(status, 'That did not work'), page='error')
<section class="empty error">
  <p class="error-number" aria-hidden="true">{{status}}</p>
  <h1>{{titles.get(status, 'That did not work')}}</h1>
  <p>{{words}}</p>
  <p><a class="button primary" href="{{get('back') or '/'}}">{{'Sign in' if status == 401 else 'Back'}}</a></p>
</section>
