% rebase('layout.tpl', title='Check these dates', page='tidy', scripts=['tidy.js'], styles=['tidy.css'])
<div class="page-head">
  <h1>Check these dates</h1>
  % if total:
  <p class="quiet">{{'{:,}'.format(total)}} {{'photo' if total == 1 else 'photos'}}</p>
  % end
</div>
% if not every:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>All dates look right</h2>
  <p>Photos whose date is missing or cannot be right are asked about here.</p>
  <p><a class="button" href="/dates/move">Move the dates of photos</a></p>
</section>
% else:
<nav class="finder" aria-label="Reasons">
  <a class="chip{{'' if why else ' on'}}" href="/dates"{{'' if why else ' aria-current=true'}}>All {{'{:,}'.format(every)}}</a>
  % for name, words, count in reasons:
  <a class="chip{{' on' if why == name else ''}}" href="/dates?why={{name}}"{{' aria-current=true' if why == name else ''}}>{{words}} {{'{:,}'.format(count)}}</a>
  % end
</nav>
<form id="chosen" class="chosen-bar" method="post" action="/api/assets/dates">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <input type="hidden" name="next" value="{{here}}">
  <label class="tick choose-all" hidden><input type="checkbox" id="choose-all"><span>Choose all on this page</span></label>
  <p class="quiet" id="how-many">For the photos that are ticked:</p>
  <div class="chosen-acts">
    <button class="button small-button" name="how" value="accept" type="submit">Use what was found</button>
    <button class="button small-button" name="how" value="right" type="submit">They are right</button>
    <button class="button small-button" formaction="/dates/move" type="submit">Move…</button>
  </div>
</form>
% if why and total > 1:
<details class="confirm all-of">
  <summary class="button small-button">{{'Both' if total == 2 else 'All {:,}'.format(total)}} are right</summary>
  <div class="confirm-box">
    <p>“{{why_words}}”: the dates of {{'both' if total == 2 else 'all {:,}'.format(total)}} photos stay as they are. They are not asked about again; it can be undone.</p>
    <form method="post" action="/api/assets/dates">
      <input type="hidden" name="csrf" value="{{csrf}}">
      <input type="hidden" name="doubt" value="{{why}}">
      <button class="button small-button" name="how" value="right" type="submit">{{'Both' if total == 2 else 'All {:,}'.format(total)}} are right</button>
    </form>
  </div>
</details>
% end
% end
<ul class="doubts" id="doubts">
% for a in photos:
  <li class="doubt" id="a-{{a['id']}}">
    <a class="bin-pic" href="/assets/{{a['id']}}">
      % if a['thumbnail']:
      <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
      % else:
      <svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg><span class="sr">{{a['filename']}}</span>
      % end
    </a>
    <div class="doubt-what">
      <label class="tick"><input type="checkbox" name="id" value="{{a['id']}}" form="chosen"{{' data-found' if a['other_label'] else ''}}><span class="name">{{a['filename']}}</span></label>
      <p class="quiet">{{a['why']}}</p>
      <p>Now <strong>{{a['now_label']}}</strong></p>
      % if a['other_label']:
      <p>{{a['tells']}} <strong>{{a['other_label']}}</strong></p>
      % end
      <div class="doubt-acts">
        % if a['other_label']:
        <form class="at-once" method="post" action="/api/assets/dates">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="{{here}}">
          <input type="hidden" name="id" value="{{a['id']}}">
          <input type="hidden" name="how" value="accept">
          <button class="button primary small-button" type="submit" aria-label="Use {{a['other_label']}} for {{a['filename']}}">Use {{a['other_label']}}</button>
        </form>
        % end
        <form class="at-once" method="post" action="/api/assets/dates">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="{{here}}">
          <input type="hidden" name="id" value="{{a['id']}}">
          <input type="hidden" name="how" value="right">
          <button class="button small-button" type="submit" aria-label="It is right: {{a['filename']}}">It is right</button>
        </form>
        <details class="set-date">
          <summary class="button small-button" aria-label="Set another: {{a['filename']}}">Set another</summary>
          <form class="at-once" method="post" action="/api/assets/dates">
            <input type="hidden" name="csrf" value="{{csrf}}">
            <input type="hidden" name="next" value="{{here}}">
            <input type="hidden" name="id" value="{{a['id']}}">
            <input type="hidden" name="how" value="first">
            <input class="when" type="datetime-local" name="first" step="1" required value="{{a['taken_at'][:19]}}" aria-label="Date and time of {{a['filename']}}">
            <button class="button small-button" type="submit">Save</button>
          </form>
          <p class="small">Or move together: <a href="/dates/move?day={{a['day']}}">all of this day</a>\\
% if a['camera']:
, <a href="/dates/move?{{a['camera_query']}}">all of this camera</a>\\
% end
</p>
        </details>
      </div>
    </div>
  </li>
% end
</ul>
% if older:
<p class="older"><a class="button" href="{{older}}">Show what was taken before</a></p>
% end
% if changes:
<section class="changes" aria-labelledby="changes-title">
  <div class="jobs-head"><h2 id="changes-title">Changed last</h2> <a href="/dates/changes">Show all</a></div>
  % include('_changes.tpl')
</section>
% end
