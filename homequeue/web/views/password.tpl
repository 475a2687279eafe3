% rebase('layout.tpl', title='Change password', page='door', scripts=['password.js'])
<section class="door-card">
  <h1>Change your password</h1>
  <p class="lead">All other browsers in which you are signed in have to sign in again.</p>
  % if error:
  <p class="problem" id="problem" role="alert">{{error}}</p>
  % end
  <form class="stack" method="post" action="/password">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <input type="text" name="name" value="{{user.name}}" autocomplete="username" hidden>
    <div class="field">
      <label for="old">Old password</label>
      <div class="with-button" data-reveal>
        <input id="old" name="old" type="password" autocomplete="current-password" required autofocus{{' aria-describedby=problem' if error else ''}}>
      </div>
    </div>
    <div class="field">
      <label for="new">New password</label>
      <div class="with-button" data-reveal>
        <input id="new" name="new" type="password" autocomplete="new-password" minlength="8" required aria-describedby="new-hint">
      </div>
      <p class="hint" id="new-hint">8 characters or more. Three words that make you smile are a good start.</p>
    </div>
    <button class="button primary wide" type="submit">Change password</button>
  </form>
</section>
