% rebase('layout.tpl', title=get('title') or 'Sign in', page='door', scripts=['password.js'])
<section class="door-card">
  <img class="door-art" src="{{asset_url('img/house.svg')}}" width="240" height="168" alt="">
  <h1>Welcome home</h1>
  <p class="lead">Sign in to see your photos.</p>
  % if error:
  <p class="problem" id="problem" role="alert">{{error}}</p>
  % end
  <form class="stack" method="post" action="/sign-in">
    <input type="hidden" name="csrf" value="{{get('csrf') or ''}}">
    <input type="hidden" name="next" value="{{get('next') or ''}}">
    <div class="field">
      <label for="name">Name</label>
      <input id="name" name="name" value="{{get('name') or ''}}" autocomplete="username" autocapitalize="words" autocorrect="off" spellcheck="false" maxlength="200" required{{' autofocus' if not get('name') else ''}}{{' aria-describedby=problem' if error else ''}}>
    </div>
    <div class="field">
      <label for="password">Password</label>
      <div class="with-button" data-reveal>
        <input id="password" name="password" type="password" autocomplete="current-password" required{{' autofocus' if get('name') else ''}}{{' aria-describedby=problem' if error else ''}}>
      </div>
    </div>
    <button class="button primary wide" type="submit">Sign in</button>
  </form>
</section>
