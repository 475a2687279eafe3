% title = f"Add to “{source.into.title}”" if source.into else f"Choose from “{source.album.title}”" if source.album else 'Choose photos'
% rebase('layout.tpl', title=title, page='photos', styles=['tidy.css'])
% f = source.filter
<div class="page-head">
  <h1>{{title}}</h1>
</div>
<div class="finder">
  <form class="search" role="search" method="get" action="/choose">
    % for name, value in source.query.items():
    % if value and name != 'q':
    <input type="hidden" name="{{name}}" value="{{value}}">
    % end
    % end
    <svg class="icon" aria-hidden="true"><use href="#i-search"></use></svg>
    <input id="q" name="q" type="search" value="{{f.q or ''}}" placeholder="Search" aria-label="Search names, captions, cameras and dates" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" enterkeyhint="search">
  </form>
  % if f.favorite:
  <a class="chip on" href="{{not_only_favorites}}" aria-label="Show all photos, not only favorites"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites<svg class="icon x" aria-hidden="true"><use href="#i-close"></use></svg></a>
  % else:
  <a class="chip" href="{{only_favorites}}"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorites</a>
  % end
  <a class="chip" href="{{source.back}}"><svg class="icon" aria-hidden="true"><use href="#i-left"></use></svg>Back<span class="sr"> to {{'the album' if source.into or source.album else 'the photos'}}</span></a>
</div>
% if not days:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-photos"></use></svg>
  <h2>Nothing to choose from</h2>
  <p>{{'None of your photos match.' if f.q or f.favorite else 'All your photos are in this album.' if source.into else 'No photos are here yet.'}}</p>
</section>
% else:
<form method="post" action="{{here}}">
  <input type="hidden" name="csrf" value="{{csrf}}">
  % for group in days:
  <section class="day" aria-labelledby="day-{{group['day']}}">
    <h2 id="day-{{group['day']}}">{{group['label']}}</h2>
    <ul class="grid">
    % for a in group['assets']:
      % ratio = min(20, max(5, round(8 * a['width'] / a['height']))) if a['width'] and a['height'] else 8
      <li class="tile r{{ratio}}">
        <label class="tick"><input type="checkbox" name="id" value="{{a['id']}}"{{' checked' if a['id'] in ticked else ''}}>
        % if a['thumbnail']:
          <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
        % else:
          <span class="name small">{{a['filename']}}</span>
        % end
        % if a['favorite']:
          <span class="badge heart"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg><span class="sr">favorite</span></span>
        % end
        % if a['kind'] == 'video':
          <span class="badge play"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>{{a['duration_label']}}<span class="sr">video</span></span>
        % end
          <span class="sr">{{a['taken_label']}}</span></label>
      </li>
    % end
    </ul>
  </section>
  % end
  <div class="chosen-bar">
    <p class="count quiet"></p>
    % if words:
    <p role="alert"><strong>{{words}}</strong></p>
    % end
    % if not source.into:
      % if albums:
      <select class="when" name="album" aria-label="Album">
        % for album in albums:
        <option value="{{album.id}}"{{' selected' if picked == str(album.id) else ''}}>{{album.title}}</option>
        % end
        <option value=""{{' selected' if picked == '' else ''}}>A new album…</option>
      </select>
      % end
      <input class="when" name="title" aria-label="Title of a new album" placeholder="Title of a new album" value="{{named}}" maxlength="200" autocomplete="off">
    % end
      <button class="button primary small-button" name="do" value="add" type="submit">Add to album</button>
    % if source.album:
      <button class="button small-button" name="do" value="out" type="submit">Take out of album</button>
    % end
    % if not source.into:
      <button class="button small-button" name="do" value="trash" type="submit">Move to trash</button>
    % end
  </div>
</form>
% end
% if older:
<p class="older"><a class="button" href="{{older}}">Show older photos</a></p>
<p class="older quiet small">What is ticked here stays behind.</p>
% end
