% from urllib.parse import quote
% rebase('layout.tpl', title='Waiting for your yes', page='sheet', styles=['doors.css'])
<div class="page-head">
  <h1>Waiting for your yes</h1>
</div>
% if not assets:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>Nothing waits for you</h2>
  <p>What guests send by your <a href="/shares">drop links</a> comes here first. It shows among your photos once you say yes.</p>
  <p><a class="button" href="/">Back to all photos</a></p>
</section>
% else:
% all = {1: 'this one', 2: 'both'}.get(total, f'all {total:,}')
<form method="post" action="/waiting" id="waiting">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <input type="hidden" name="until" value="{{until}}">
  <p class="page-note">Guests sent {{'this' if total == 1 else 'these'}}. Nothing of it shows among your photos yet.</p>
  <div class="decide">
    <button class="button primary small-button" type="submit" name="do" value="yes-all">Keep {{all}}</button>
    <details class="confirm asks">
      <summary class="button small-button">Throw {{all}} away</summary>
      <div class="confirm-box">
        <p>Move {{all}} to the trash?</p>
        <button class="button danger small-button" type="submit" name="do" value="no-all">Move {{all}} to the trash</button>
      </div>
    </details>
  </div>
  <ul class="bin">
  % for a in assets:
    <li class="bin-card" id="a-{{a['id']}}">
      <a class="bin-pic" id="photo-{{a['id']}}" href="/assets/{{a['id']}}">
        % if a['thumbnail']:
        <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
        % else:
        <svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg><span class="sr">{{a['filename']}}</span>
        % end
      </a>
      <p class="bin-name">From {{a['sender']}}</p>
      <p class="bin-when">{{a['taken_label']}}</p>
      <label class="tick"><input type="checkbox" name="id" value="{{a['id']}}"><span>Choose<span class="sr"> {{a['filename']}}</span></span></label>
    </li>
  % end
  </ul>
  % if total > 1:
  <div class="decide foot-acts">
    <button class="button small-button" type="submit" name="do" value="yes-chosen">Keep the chosen</button>
    <button class="button small-button" type="submit" name="do" value="no-chosen">Throw the chosen away</button>
  </div>
  % end
</form>
% if next:
<p class="older"><a class="button" href="/waiting?cursor={{quote(str(next), safe='')}}">Show the next ones</a></p>
% end
% end
