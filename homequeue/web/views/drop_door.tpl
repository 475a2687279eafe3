% rebase('layout.tpl', title=share.title, page='door', styles=['doors.css'])
<section class="door-card">
  <img class="door-art" src="{{asset_url('img/house.svg')}}" width="240" height="168" alt="">
  <h1>{{share.title}}</h1>
  <p class="lead">{{asker}} asks you for photos and videos. No account is needed.</p>
  <form class="stack" method="post" action="{{home}}">
    <div class="field">
      <label for="name">Your name <span class="quiet">(if you like)</span></label>
      <input id="name" name="name" autocomplete="name" autocapitalize="words" autocorrect="off" spellcheck="false" maxlength="80" aria-describedby="name-hint">
      <p class="hint" id="name-hint">{{asker}} sees it beside your photos.</p>
    </div>
    <button class="button primary wide" type="submit">Go on to the photos</button>
  </form>
  <p class="hint door-foot">This browser is remembered for this link, so that it can show you what you have sent. Nothing else is kept of you.</p>
</section>
