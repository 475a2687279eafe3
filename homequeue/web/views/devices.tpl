% rebase('layout.tpl', title='Your phone', page='sheet', styles=['doors.css'], scripts=['copy.js'])
% token = made['token'] if made else 'YOUR-TOKEN'
<div class="page-head">
  <h1>Your phone</h1>
</div>
<p class="page-note">So that photos come without opening this page: a phone gets a token, with which it may send to you and do nothing else.</p>
% if made:
<section class="made" aria-labelledby="made-title">
  <h2 id="made-title">The token for “{{made['name']}}”</h2>
  <p>It is shown <strong>only now</strong>. Copy it into the phone, or point its camera at the code.</p>
  <p class="secret" data-copy><input type="text" readonly value="{{token}}" aria-label="The token"></p>
  <div class="code" role="img" aria-label="The token as a QR code">{{!made['code']}}</div>
</section>
% end
<section class="maker" aria-labelledby="maker-title">
  <h2 id="maker-title">Make a token</h2>
  % if error:
  <p class="problem" id="problem" role="alert">{{error}}</p>
  % end
  <form class="stack" method="post" action="/devices">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <div class="field">
      <label for="name">For which device?</label>
      <input id="name" name="name" value="{{name}}" placeholder="My phone" maxlength="200" required autocomplete="off"{{' aria-describedby=problem' if error else ''}}>
    </div>
    <div class="field">
      <label for="days">For how long?</label>
      <select id="days" name="days">
        % for number, words in days.items():
        <option value="{{number}}"{{' selected' if number == '366' else ''}}>{{words}}</option>
        % end
      </select>
    </div>
    <button class="button primary wide" type="submit">Make the token</button>
  </form>
</section>
<section class="steps" aria-labelledby="set-up-title">
  <h2 id="set-up-title">Set it up</h2>
  % if only_here:
  <p class="problem">The addresses below lead to this machine from itself only. Open this page by the machine’s name or address in your network, or set <code>[server] url</code>.</p>
  % end
  <details{{' open' if made else ''}}>
    <summary>iPhone and iPad: “Send home” in the share sheet</summary>
    <p>In the app Shortcuts, whose words are those of iOS in English:</p>
    <ol>
      <li>Tap <b>+</b>, name the shortcut “Send home”, and in its details (the <b>i</b> in a circle) switch on <b>Show in Share Sheet</b>.</li>
      <li>At the top it now says <b>Receive … from Share Sheet</b>: of the kinds leave <b>Images</b> and <b>Media</b>.</li>
      <li>Add the action <b>Repeat with Each</b>; what it repeats with is <b>Shortcut Input</b>.</li>
      <li>Into the repetition goes the action <b>Get Contents of URL</b>, with the address<pre tabindex="0">{{site}}/api/assets</pre></li>
      <li>Tap its arrow. <b>Method</b>: POST. <b>Request Body</b>: File, and as the file <b>Repeat Item</b>.</li>
      <li><b>Headers</b>, two of them:
        <dl>
          <dt>Authorization</dt><dd><code>Bearer {{token}}</code></dd>
          <dt>X-Filename</dt><dd>the variable <b>Repeat Item</b>: tap it and choose <b>Name</b></dd>
        </dl>
      </li>
      <li>Below it, still in the repetition: <b>Get Dictionary Value</b>, the <b>Value</b> for <code>error</code> in <b>Contents of URL</b>. It says why a photo is not taken, and is in no other answer.</li>
      <li>After the repetition, below <b>End Repeat</b>: the action <b>If</b>, with <b>Repeat Results</b> and <b>has any value</b>. Into it: <b>Show Notification</b> with <b>Repeat Results</b>.</li>
      <li>Below <b>Otherwise</b>: <b>Show Notification</b> “Sent home”.</li>
    </ol>
    <p>In Photos choose some, tap <b>Share</b>, then <b>Send home</b>. The first time the phone asks whether the shortcut may talk to homequeue: yes, always. Under <b>Options</b> of the share sheet, <b>All Photos Data</b> keeps the place and the original.</p>
  </details>
  <details>
    <summary>Apps that send by themselves: PhotoSync, FolderSync and others</summary>
    <p>Any app that speaks WebDAV does. Its settings:</p>
    <dl>
      <dt>Address</dt><dd><code>{{site}}/dav/</code></dd>
      <dt>User</dt><dd><code>{{user.name}}</code></dd>
      <dt>Password</dt><dd>the token{{!': <code>' + made['token'] + '</code>' if made else ''}}</dd>
    </dl>
    <p>The same in rclone, which then also sends when each file was last changed:</p>
    <pre tabindex="0">rclone config create home webdav url={{site}}/dav vendor=owncloud user={{shell(user.name)}} pass={{token}} --obscure</pre>
  </details>
  <details>
    <summary>A terminal</summary>
    <pre tabindex="0">curl --fail-with-body -T IMG_1234.jpg -H "X-Modified: $(date -r IMG_1234.jpg +%s)000" -H "Authorization: Bearer {{token}}" {{site}}/api/assets/</pre>
  </details>
  <details>
    <summary>Android: homequeue in the share menu</summary>
    % if is_secure:
    <p>In Chrome, open the menu of this page and choose <b>Add to home screen</b>, then <b>Install</b>. From then on homequeue is among the apps to which photos can be shared. It takes no token: you stay signed in.</p>
    % else:
    <p>This takes a page that was opened by https: browsers install nothing from plain http, as this page came. How homequeue gets https is in its documentation, in <i>deployment</i>. Until then an app with WebDAV does.</p>
    % end
  </details>
</section>
% if tokens:
<section class="maker" aria-labelledby="tokens-title">
  <h2 id="tokens-title">Devices with a token</h2>
</section>
<ul class="cards">
% for one in tokens:
  <li class="card" id="token-{{one['id']}}">
    <h3>{{one['name']}}</h3>
    <p class="quiet small">{{one['words'][:1].upper() + one['words'][1:]}}. Made {{one['made']}}, {{one['used']}}.</p>
    <div class="card-acts">
      <form method="post" action="/devices/{{one['id']}}/remove">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="button small-button" type="submit" aria-label="Remove: {{one['name']}}">Remove</button>
      </form>
    </div>
  </li>
% end
</ul>
% end
