% rebase('layout.tpl', title='Move dates', page='tidy', styles=['tidy.css'])
% ticked = form['how'] or 'shift'
<div class="page-head">
  <h1>Move dates</h1>
  % if total:
  <p class="quiet">{{'{:,}'.format(total)}} {{'photo' if total == 1 else 'photos'}}</p>
  % end
</div>
% if not fields or not total:
<form class="move" method="get" action="/dates/move">
  % if fields:
  <p class="problem">There are no such photos.</p>
  % end
  <h2>Which photos?</h2>
  <p class="quiet">Fill in one of these, or several to narrow it down.</p>
  <div class="field"><label for="day">Taken on</label><input id="day" type="date" name="day"></div>
  % if cameras:
  <div class="field"><label for="camera">Camera</label>
    <select id="camera" name="camera"><option value="">Any</option>
      % for name in cameras:
      <option>{{name}}</option>
      % end
    </select></div>
  % end
  % if albums:
  <div class="field"><label for="album">Album</label>
    <select id="album" name="album"><option value="">Any</option>
      % for number, title in albums:
      <option value="{{number}}">{{title}}</option>
      % end
    </select></div>
  % end
  <div class="field"><label for="words">Words to search for</label><input id="words" type="search" name="q" maxlength="200"></div>
  <p><button class="button primary" type="submit">Show these photos</button> <a class="button ghost" href="{{back}}">Back</a></p>
</form>
% else:
<ul class="faces">
  % for a in faces:
  <li><a class="bin-pic" href="/assets/{{a['id']}}">
    % if a['thumbnail']:
    <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
    % else:
    <svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg><span class="sr">{{a['filename']}}</span>
    % end
  </a></li>
  % end
  % if total > len(faces):
  <li class="quiet">and {{'{:,}'.format(total - len(faces))}} more</li>
  % end
</ul>
<form class="move" method="get" action="/dates/move#answer">
  % for name, value in fields:
  <input type="hidden" name="{{name}}" value="{{value}}">
  % end
  <input type="hidden" name="next" value="{{back}}">
  <fieldset>
    <legend>What shall change?</legend>
    <label class="tick"><input type="radio" name="how" value="shift"{{' checked' if ticked == 'shift' else ''}}><span>{{'Move it earlier or later' if total == 1 else 'Move all by the same distance'}}</span></label>
    <div class="amounts">
      % for unit, value in units:
      <label><input type="number" name="{{unit}}" min="0" max="9999999" inputmode="numeric" value="{{value}}" placeholder="0"> {{unit}}</label>
      % end
      <label class="tick"><input type="radio" name="back" value="1"{{' checked' if form['back'] == '1' else ''}}><span>earlier</span></label>
      <label class="tick"><input type="radio" name="back" value="0"{{' checked' if form['back'] == '0' else ''}}><span>later</span></label>
    </div>
    <label class="tick"><input type="radio" name="how" value="first"{{' checked' if ticked == 'first' else ''}}><span>{{'Set it' if total == 1 else 'Set the first one, the others keep their distance'}}</span></label>
    <div class="amounts"><input class="when" type="datetime-local" name="first" step="1" value="{{form['first'] or first}}" aria-label="Date and time{{'' if total == 1 else ' of the first photo'}}, now {{first_label}}"></div>
    <label class="tick"><input type="radio" name="how" value="offset"{{' checked' if ticked == 'offset' else ''}}><span>Say how far the clock was from UTC; the time{{' stays' if total == 1 else 's stay'}}</span></label>
    <div class="amounts"><input class="when zone" type="text" name="offset" pattern="[+\-][01][0-9]:[0-5][0-9]" value="{{form['offset']}}" placeholder="+02:00" aria-label="Distance from UTC, such as +02:00; empty if nobody knows"></div>
  </fieldset>
  % if lacks_way:
  <p class="problem" id="answer" role="alert">Say whether {{'it moves' if total == 1 else 'they move'}} earlier or later.</p>
  % end
  <p><button class="button{{'' if changes else ' primary'}}" type="submit">Show what changes</button> <a class="button ghost" href="{{back}}">Back</a></p>
</form>
% if rows and not changes:
<p class="move problem" id="answer">This changes nothing: {{'it has this date' if total == 1 else 'they have these dates'}} already.</p>
% elif rows:
<section class="move" id="answer" aria-labelledby="preview-title">
  <h2 id="preview-title">{{done}}</h2>
  <table class="before-after">
    <thead><tr><th scope="col">Photo</th><th scope="col">Now</th><th scope="col">Then</th></tr></thead>
    <tbody>
    % for row in rows:
    <tr><td>{{row['filename']}}</td><td>{{row['before_label']}}</td><td><strong>{{row['after_label']}}</strong></td></tr>
    % end
    </tbody>
  </table>
  % if left > 0:
  <p class="quiet">and {{'{:,}'.format(left)}} more</p>
  % end
  <form method="post" action="/api/assets/dates">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <input type="hidden" name="next" value="{{back}}">
    % for name, value in fields + [(name, value) for name, value in form.items() if value] + [(unit, value) for unit, value in units if value]:
    <input type="hidden" name="{{name}}" value="{{value}}">
    % end
    <button class="button primary" type="submit">Change {{'this date' if total == 1 else 'these {:,} dates'.format(total)}}</button>
    <p class="quiet small">It can be undone at any time.</p>
  </form>
</section>
% end
% end
