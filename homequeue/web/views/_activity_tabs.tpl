% ways = [('/activity', 'Now'), ('/activity/history', 'History')] + ([('/activity/machine', 'Behind the scenes')] if user.is_admin else [])
<nav class="ways" aria-label="Activity">
  % for href, words in ways:
  <a href="{{href}}"{{' aria-current=page' if path == href else ''}}>{{words}}</a>
  % end
</nav>
