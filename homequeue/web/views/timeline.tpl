% from urllib.parse import quote
% rebase('layout.tpl', title=get('title') or 'Photos', page='photos', scripts=['timeline.js'])
% total, waiting, broken = get('count') or 0, get('busy') or 0, get('failed') or 0
<div class="page-head">
  <h1>Photos</h1>
  % if total:
  <p class="quiet">{{'{:,}'.format(total)}} {{'photo' if total == 1 else 'photos'}}</p>
  % end
</div>
<div id="news" class="news" role="status" aria-live="polite">
  % if waiting:
  <a class="pill busy" href="/activity"><span class="pulse" aria-hidden="true"></span>Making previews for {{'{:,}'.format(waiting)}} {{'photo' if waiting == 1 else 'photos'}}</a>
  % end
  % if broken:
  <a class="pill warn" href="/activity#failed"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>{{'{:,}'.format(broken)}} {{'photo needs' if broken == 1 else 'photos need'}} a look</a>
  % end
</div>
% if not days and not get('next'):
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
    <li class="tile r{{ratio}}" id="a-{{a['id']}}" data-state="{{a['state']}}">
      % if a['state'] == 'failed':
      <a class="blank failed" href="/assets/{{a['id']}}"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg><span class="name">{{a['filename']}}</span><span class="why">{{a['error'] or 'Something went wrong'}}</span></a>
      % elif a['thumbnail']:
      <a href="/assets/{{a['id']}}"><img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
      % if a['favorite']:
        <span class="badge heart"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg><span class="sr">favorite</span></span>
      % end
      % if a['kind'] == 'video':
        <span class="badge play"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg><span class="sr">video</span></span>
      % end
      % if a['damaged']:
        <span class="badge hurt"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg><span class="sr">damaged</span></span>
      % end
      </a>
      % else:
      <a class="blank pending" href="/assets/{{a['id']}}"><span class="sr">{{a['filename']}}, making its preview</span></a>
      % end
    </li>
  % end
  </ul>
</section>
% end
</div>
% if get('next'):
<p class="older"><a id="older" class="button" href="/?cursor={{quote(str(next), safe='')}}">Show older photos</a></p>
% end
