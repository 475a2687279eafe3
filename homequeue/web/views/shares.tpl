% rebase('layout.tpl', title='Drop links', page='sheet', styles=['doors.css'], scripts=['copy.js'])
<div class="page-head">
  <h1>Drop links</h1>
</div>
<p class="page-note">Whoever has such a link can send you photos and videos, without an account. They see nothing of yours.</p>
% if made:
<section class="made" aria-labelledby="made-title">
  <h2 id="made-title">The link for “{{made['title']}}”</h2>
  <p>Send it to your guests, or let them point their camera at the code. It is shown <strong>only now</strong>: copy it, or make another one later.</p>
  % if only_here:
  <p class="problem">It opens on this machine only, for you came by an address that no other knows. Open homequeue by the machine’s name or address in your network, or set <code>[server] url</code>, and make another link.</p>
  % end
  <p class="secret" data-copy><input type="text" readonly value="{{made['url']}}" aria-label="The link"></p>
  <div class="code" role="img" aria-label="The link as a QR code">{{!made['code']}}</div>
</section>
% end
% if links:
<ul class="cards">
% for link in links:
  <li class="card{{'' if link['is_open'] else ' ended'}}" id="link-{{link['id']}}">
    <h2>{{link['title']}}</h2>
    <p>{{link['until']}}. {{link['came']}}.</p>
    % if link['album']:
    <p class="quiet small">{{'They go into the album' if link['shows_at_once'] else 'With your yes they go into the album'}} “{{link['album']}}”.</p>
    % end
    % if link['shows_at_once']:
    <p class="quiet small">What comes shows at once among your photos.</p>
    % end
    <div class="card-acts">
      % if link['waiting']:
      <a class="button small-button" href="/waiting">{{'{:,}'.format(link['waiting'])}} {{'waits' if link['waiting'] == 1 else 'wait'}} for your yes</a>
      % end
      % if link['can_end']:
      <details class="confirm asks">
        <summary class="button small-button" aria-label="End this link: {{link['title']}}">End this link</summary>
        <div class="confirm-box">
          <p>Nobody can send by it any more, and it cannot be opened again. What came stays.</p>
          <form method="post" action="/shares/{{link['id']}}/end">
            <input type="hidden" name="csrf" value="{{csrf}}">
            <button class="button danger small-button" type="submit" aria-label="End it for good: {{link['title']}}">End it for good</button>
          </form>
        </div>
      </details>
      % end
    </div>
  </li>
% end
</ul>
% end
<section class="maker" aria-labelledby="maker-title">
  <h2 id="maker-title">Make a link</h2>
  % if error:
  <p class="problem" id="problem" role="alert">{{error}}</p>
  % end
  <form class="stack" method="post" action="/shares">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <div class="field">
      <label for="title">What do you ask for?</label>
      <input id="title" name="title" value="{{form['title']}}" placeholder="Photos of our wedding" maxlength="200" required autocomplete="off"{{' aria-describedby=problem' if error else ''}}>
    </div>
    <div class="field">
      <label for="album">Into which album? <span class="quiet">(if you like)</span></label>
      <input id="album" name="album" value="{{form['album']}}" maxlength="200" autocomplete="off">
    </div>
    <div class="field">
      <label for="days">For how long?</label>
      <select id="days" name="days">
        % for days, words in (('1', 'A day'), ('7', 'A week'), ('30', 'A month'), ('366', 'A year')):
        <option value="{{days}}"{{' selected' if form['days'] == days else ''}}>{{words}}</option>
        % end
      </select>
    </div>
    <div class="field">
      <label for="max_files">How many photos at most, of all guests together?</label>
      <input id="max_files" name="max_files" type="number" inputmode="numeric" min="1" max="100000" value="{{form['max_files']}}" required>
    </div>
    <div class="field">
      <label for="max_gb">How much room at most?</label>
      <select id="max_gb" name="max_gb">
        % for size in ('1', '5', '20', '100'):
        <option value="{{size}}"{{' selected' if form['max_gb'] == size else ''}}>{{size}} GB</option>
        % end
      </select>
    </div>
    <label class="tick"><input type="checkbox" name="needs_approval" value="1"{{' checked' if form['approve'] else ''}}><span>Ask me before anything shows among my photos</span></label>
    <button class="button primary wide" type="submit">Make the link</button>
  </form>
</section>
