% a = asset
% rebase('layout.tpl', title=a['filename'], page='viewer', stage=True, scripts=['viewer.js'])
<article class="viewer-sheet" id="viewer" data-id="{{a['id']}}" data-state="{{a['state']}}">
  <div class="stage">
    <a class="round back" id="back" href="{{'/trash' if a['trashed'] else '/'}}"><svg class="icon" aria-hidden="true"><use href="#i-left"></use></svg><span class="sr">{{'Back to the trash' if a['trashed'] else 'Back to all photos'}}</span></a>
    <div class="frame" id="frame">
    % if a['kind'] == 'video' and a['state'] == 'ready':
      <video id="photo" controls playsinline preload="metadata" src="{{a['original']}}"
        % if a['preview']:
        poster="{{a['preview']}}"
        % end
        width="{{a['width'] or 1440}}" height="{{a['height'] or 1080}}" aria-label="{{a['filename']}}"></video>
    % elif a['preview']:
      <img id="photo" src="{{a['preview']}}" width="{{a['width'] or 1440}}" height="{{a['height'] or 1080}}" alt="{{a['filename']}}" decoding="async" fetchpriority="high" draggable="false">
    % elif a['state'] == 'failed':
      <div class="stand-in">
        <svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>
        <p class="big">No picture of this one yet</p>
        <p>{{a['error'] or 'Something went wrong while making its preview.'}}</p>
        <p class="quiet">The original is safe, exactly as it came.</p>
        % if a.get('job_id'):
        <form method="post" action="/jobs/{{a['job_id']}}/retry">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="/assets/{{a['id']}}">
          <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-retry"></use></svg>Try again</button>
        </form>
        % end
      </div>
    % else:
      <div class="stand-in">
        <span class="pulse large" aria-hidden="true"></span>
        <p class="big">Making its preview</p>
        <p class="quiet">The original is safe already. The picture shows up here by itself.</p>
      </div>
    % end
    </div>
    % if newer:
    <a class="round newer" rel="prev" href="/assets/{{newer}}"><svg class="icon" aria-hidden="true"><use href="#i-left"></use></svg><span class="sr">Newer photo</span></a>
    % end
    % if older:
    <a class="round older-one" rel="next" href="/assets/{{older}}"><svg class="icon" aria-hidden="true"><use href="#i-right"></use></svg><span class="sr">Older photo</span></a>
    % end
  </div>
  <div class="panel">
    <div class="panel-head">
      <h1>{{a.get('taken_label') or a['filename']}}</h1>
      % if a.get('taken_label'):
      <p class="filename">{{a['filename']}}</p>
      % end
      % if a['favorite']:
      <p class="tag"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg>Favorite</p>
      % end
    </div>
    % if a['trashed']:
    <p class="callout">This one is in the trash.</p>
    % end
    % if a['damaged']:
    <p class="callout">The file came damaged: part of the picture may be missing. It is kept as it is.</p>
    % end
    % if a['preview'] and a['state'] == 'failed':
    <p class="callout">{{a['error'] or 'Something went wrong.'}}</p>
    % end
    <div class="actions">
      <a class="button light" href="{{a['original']}}?download=1" download><svg class="icon" aria-hidden="true"><use href="#i-download"></use></svg>Original</a>
      % if a['trashed']:
      <form method="post" action="/assets/{{a['id']}}/restore">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-restore"></use></svg>Restore</button>
      </form>
      % else:
      <form method="post" action="/assets/{{a['id']}}/trash">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <input type="hidden" name="next" value="{{'/assets/%s' % (older or newer) if older or newer else '/'}}">
        <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-trash"></use></svg>Move to trash</button>
      </form>
      % end
    </div>
    <dl class="facts">
      % if a.get('taken_label') and a.get('taken_source_label'):
      <div><dt>Date</dt><dd>{{a['taken_source_label']}}</dd></div>
      % end
      % if a.get('camera_label') or a.get('exposure_label'):
      <div><dt>Camera</dt><dd>{{a.get('camera_label') or 'Unknown camera'}}
        % if a.get('exposure_label'):
        <span class="quiet">{{a['exposure_label']}}</span>
        % end
      </dd></div>
      % end
      % if a.get('gps'):
      % lat, lon = a['gps']['lat'], a['gps']['lon']
      <div><dt>Place</dt><dd>{{'%.5f' % lat}}, {{'%.5f' % lon}}
        <a class="quiet" href="https://www.openstreetmap.org/?mlat={{'%.6f' % lat}}&amp;mlon={{'%.6f' % lon}}#map=16/{{'%.6f' % lat}}/{{'%.6f' % lon}}" target="_blank" rel="noopener noreferrer">Show on OpenStreetMap</a></dd></div>
      % end
      <div><dt>File</dt><dd>{{a.get('size_label') or ''}}
        % if a['width'] and a['height']:
        <span class="quiet">{{a['width']}} × {{a['height']}}</span>
        % end
      </dd></div>
      % if a.get('uploaded_label'):
      <div><dt>Uploaded</dt><dd>{{a['uploaded_label']}}</dd></div>
      % end
    </dl>
    <p class="keys" aria-hidden="true"><kbd>←</kbd> <kbd>→</kbd> browse <kbd>Esc</kbd> back</p>
  </div>
</article>
