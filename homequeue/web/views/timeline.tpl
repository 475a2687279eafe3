% rebase('layout.tpl', title=get('title') or 'Photos', page='photos', scripts=['timeline.js'])
% from urllib.parse import quote
% looking = bool(chosen.q or chosen.favorite or chosen.kind or album)
% total, waiting = get('count') or 0, get('busy') or 0
<div class="page-head">
  <h1>{{album['title'] if album else 'Photos'}}</h1>
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
    % if chosen.kind:
    <input type="hidden" name="kind" value="{{chosen.kind}}">
    % end
    % if album:
    <input type="hidden" name="album" value="{{album['id']}}">
    % end
    <svg class="icon" aria-hidden="true"><use href="#i-search"></use></svg>
    <input id="q" name="q" type="search" value="{{chosen.q or ''}}" placeholder="Search" aria-label="Search names, captions, tags, cameras and dates" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" enterkeyhint="search">
  </form>
  % kept = (['q=' + quote(chosen.q, safe='')] if chosen.q else []) + ([f"album={album['id']}"] if album else [])
  % loved, films = ['favorite=1'] if chosen.favorite else [], ['kind=video'] if chosen.kind else []
  % def where(those):
  %   return '/?' + '&'.join(those) if those else '/'
  % end
  % if chosen.favorite:
  <a class="chip on" href="{{where(kept + films)}}" aria-label="Show all photos, not only favorites"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites<svg class="icon x" aria-hidden="true"><use href="#i-close"></use></svg></a>
  % elif not album:
  <a class="chip" href="{{where(kept + ['favorite=1'] + films)}}"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites</a>
  % end
  % if chosen.kind:
  <a class="chip on" href="{{where(kept + loved)}}" aria-label="Show all photos, not only videos"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>Videos<svg class="icon x" aria-hidden="true"><use href="#i-close"></use></svg></a>
  % elif not album:
  <a class="chip" href="{{where(kept + loved + ['kind=video'])}}"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>Videos</a>
  % end
  <a class="chip" href="/albums">Albums</a>
  % kept += loved + films
  % if days:
  <a class="chip" href="/choose{{'?' + '&'.join(kept) if kept else ''}}">Choose</a>
  % end
  % if album:
  <a class="chip" href="/choose?into={{album['id']}}">Add photos</a>
  % end
  % if looking and days:
  <a class="chip" href="/dates/move?{{'&'.join(kept)}}">Move their dates</a>
  % end
  % if album:
  <details class="album-acts">
    <summary class="chip">Change album</summary>
    <div class="confirm-box">
      <form method="post" action="/albums/{{album['id']}}/rename">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <div class="field">
          <input name="title" aria-label="Title of this album" value="{{album['title']}}" maxlength="200" required autocomplete="off">
        </div>
        <button class="button small-button" type="submit">Rename</button>
      </form>
      <form method="post" action="/albums/{{album['id']}}/delete">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="button danger small-button" type="submit">Delete the album, keep its photos</button>
      </form>
    </div>
  </details>
  % end
</div>
% end
<div id="news" class="news" role="status" aria-live="polite">
  % if waiting and paused:
  <a class="pill" href="/activity"><svg class="icon" aria-hidden="true"><use href="#i-pause"></use></svg>{{paused}} {{'{:,}'.format(waiting)}} {{'photo waits' if waiting == 1 else 'photos wait'}} for a preview</a>
  % elif waiting:
  <a class="pill busy" href="/activity"><span class="pulse" aria-hidden="true"></span>Making previews for {{'{:,}'.format(waiting)}} {{'photo' if waiting == 1 else 'photos'}}</a>
  % end
  % if offered:
  <a class="pill" href="/waiting"><svg class="icon" aria-hidden="true"><use href="#i-check"></use></svg>{{'{:,}'.format(offered)}} {{'photo waits' if offered == 1 else 'photos wait'}} for your yes</a>
  % end
  % if get('untaken'):
  <a class="pill warn" href="{{untaken[1]}}"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>{{untaken[0]}}</a>
  % end
  % if broken:
  <a class="pill warn" href="/activity#failed"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>{{'{:,}'.format(broken)}} {{'photo needs' if broken == 1 else 'photos need'}} a look</a>
  % end
</div>
% if looking and not days:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-{{'search' if chosen.q else 'play' if chosen.kind else 'heart'}}"></use></svg>
  % if chosen.q:
  <h2>Nothing found for “{{chosen.q}}”</h2>
  <p>The search looks at the file names, captions, tags and cameras of your {{'favorites' if chosen.favorite else 'videos' if chosen.kind else 'photos'}}, and at dates such as “2019” or “March 2019”.</p>
  % elif chosen.kind:
  <h2>No videos {{'among these' if album or chosen.favorite else 'yet'}}</h2>
  <p>Videos are sent as photos are, and are all found here.</p>
  % elif album and not chosen.favorite:
  <h2>Nothing in this album yet</h2>
  <p>Add some of your photos. An import or a drop link that names this album brings some, too.</p>
  <p><a class="button primary" href="/choose?into={{album['id']}}">Add photos</a></p>
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
    <li class="tile r{{ratio}}" id="a-{{a['id']}}" data-state="{{'held' if waits and paused else a['state']}}" data-thumbhash="{{a['thumbhash'] or ''}}"{{' data-live=1' if a['is_live'] else ''}}>
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
      % if a['is_live']:
        <span class="badge play moving"><svg class="icon" aria-hidden="true"><use href="#i-live"></use></svg>Live</span>
      % elif a['animated']:
        <span class="badge play"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>moves</span>
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
