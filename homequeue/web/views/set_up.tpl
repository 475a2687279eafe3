% rebase('layout.tpl', title=get('title') or 'Set up', page='door', scripts=['password.js'])
<section class="door-card">
  <img class="door-art" src="{{asset_url('img/house.svg')}}" width="240" height="168" alt="">
  <h1>A home for your photos</h1>
  <p class="lead">Make the first account, and start dropping photos here. They stay on this machine, in your house.</p>
  % if error:
  <p class="problem" id="problem" role="alert">{{error}}</p>
  % end
  <form class="stack" method="post" action="/set-up">
    <input type="hidden" name="csrf" value="{{get('csrf') or ''}}">
    <div class="field">
      <label for="code">Set-up code</label>
      <input id="code" class="code" name="code" value="{{get('code') or ''}}" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="200" required aria-describedby="code-hint{{' problem' if error else ''}}"{{' autofocus' if not get('code') else ''}}>
      <p class="hint" id="code-hint">It was printed where homequeue was started, and works once.</p>
    </div>
    <div class="field">
      <label for="name">Your name</label>
      <input id="name" name="name" value="{{get('name') or ''}}" autocomplete="username" autocapitalize="words" autocorrect="off" spellcheck="false" maxlength="200" required{{' autofocus' if get('code') else ''}}>
    </div>
    <div class="field">
      <label for="password">Password</label>
      <div class="with-button" data-reveal>
        <input id="password" name="password" type="password" autocomplete="new-password" minlength="8" required aria-describedby="password-hint">
      </div>
      <p class="hint" id="password-hint">8 characters or more. Three words that make you smile are a good start.</p>
    </div>
    <button class="button primary wide" type="submit">Open the door</button>
  </form>
</section>
