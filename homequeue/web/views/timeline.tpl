% rebase('layout.tpl', title=get('title') or 'Photos', page='photos', scripts=['timeline.js'])
% from urllib.parse import quote
% looking = bool(chosen.q or chosen.favorite)
% total, waiting, broken = get('count') or 0, get('busy') or 0, get('failed') or 0
<div class="page-head">
  <h1>Photos</h1>
  % if looking:
  <p class="quiet">{{'{:,}'.format(found)}} of {{'{:,}'.format(total)}} {{'photo' if total == 1 else 'photos'}}</p>
  % elif total:
  <p class="quiet">{{'{:,}'.format(total)}} {{'photo' if total == 1 else 'photos'}}</p>
  % end
</div>
% if total:
<div class="finder">
  <form class="search" role="search" method="get" action="/">
    % if chosen.favorite:
    <input type="hidden" name="favorite" value="1">
    % end
    <svg class="icon" aria-hidden="true"><use href="#i-search"></use></svg>
    <input id="q" name="q" type="search" value="{{chosen.q or ''}}" placeholder="Search" aria-label="Search names, captions, cameras and dates" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" enterkeyhint="search">
  </form>
  % others = '?q=' + quote(chosen.q, safe='') if chosen.q else ''
  % if chosen.favorite:
  <a class="chip on" href="/{{others}}" aria-label="Show all photos, not only favorites"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites<svg class="icon x" aria-hidden="true"><use href="#i-close"></use></svg></a>
  % else:
  <a class="chip" href="/{{others + '&' if others else '?'}}favorite=1"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites</a>
  % end
</div>
% end
<div id="news" class="news" role="status" aria-live="polite">
  % if waiting and paused:
  <a class="pill" href="/activity"><svg class="icon" aria-hidden="true"><use href="#i-pause"></use></svg>{{paused}} {{'{:,}'.format(waiting)}} {{'photo waits' if waiting == 1 else 'photos wait'}} for a preview</a>
  % elif waiting:
  <a class="pill busy" href="/activity"><span class="pulse" aria-hidden="true"></span>Making previews for {{'{:,}'.format(waiting)}} {{'photo' if waiting == 1 else 'photos'}}</a>
  % end
  % if broken:
  <a class="pill warn" href="/activity#failed"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>{{'{:,}'.format(broken)}} {{'photo needs' if broken == 1 else 'photos need'}} a look</a>
  % end
</div>
% if looking and not days:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-{{'search' if chosen.q else 'heart'}}"></use></svg>
  % if chosen.q:
  <h2>Nothing found for “{{chosen.q}}”</h2>
  <p>The search looks at the file names, captions and cameras of your {{'favorites' if chosen.favorite else 'photos'}}, and at dates such as “2019” or “March 2019”.</p>
  % else:
  <h2>No favorites yet</h2>
  <p>Open a photo and tap the heart, and it is found here.</p>
  % end
  <p><a class="button" href="/">Back to all photos</a></p>
</section>
% elif not days:
<section class="empty">
  <img src="{{asset_url('img/house.svg')}}" width="300" height="210" alt="">
  <h2>This is where your photos will live</h2>
  <p>Drop a few from your phone or laptop. Once they are sent you can close the page; homequeue does the rest.</p>
  <p><a class="button primary" href="/upload">Upload photos</a></p>
</section>
% end
<div id="timeline" class="timeline">
% for group in days:
<section class="day" data-day="{{group['day']}}" aria-labelledby="day-{{group['day']}}">
  <h2 id="day-{{group['day']}}">{{group['label']}}</h2>
  <ul class="grid">
  % for a in group['assets']:
    % ratio = min(20, max(5, round(8 * a['width'] / a['height']))) if a['width'] and a['height'] else 8
    % waits = a['state'] in ('pending', 'processing')
    <li class="tile r{{ratio}}" id="a-{{a['id']}}" data-state="{{'held' if waits and paused else a['state']}}">
      % if a['state'] == 'failed':
      <a class="blank failed" id="photo-{{a['id']}}" href="/assets/{{a['id']}}"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg><span class="name">{{a['filename']}}</span><span class="why">{{a['error'] or 'Something went wrong'}}</span></a>
      % elif a['thumbnail']:
      <a id="photo-{{a['id']}}" href="/assets/{{a['id']}}"><img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
      % if a['favorite']:
        <span class="badge heart"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg><span class="sr">favorite</span></span>
      % end
      % if a['kind'] == 'video':
        <span class="badge play"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>{{a['duration_label']}}<span class="sr">video</span></span>
      % end
      % if a['damaged']:
        <span class="badge hurt"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg><span class="sr">damaged</span></span>
      % end
      </a>
      % else:
      <a class="blank{{'' if paused else ' pending'}}" id="photo-{{a['id']}}" href="/assets/{{a['id']}}">
        % if paused:
        <svg class="icon" aria-hidden="true"><use href="#i-pause"></use></svg>
        % end
        <span class="sr">{{a['filename']}}, {{'its preview has to wait' if paused else 'making its preview'}}</span></a>
      % end
    </li>
  % end
  </ul>
</section>
% end
</div>
% if older:
<p class="older"><a id="older" class="button" href="{{older}}">Show older photos</a></p>
% end
