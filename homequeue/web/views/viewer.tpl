% a = asset
% rebase('layout.tpl', title=a['filename'], page='viewer', stage=True, scripts=['viewer.js'])
<article class="viewer-sheet" id="viewer" data-id="{{a['id']}}" data-state="{{'converting' if (a['film'] or a['clip'] or {}).get('is_coming') else a['state']}}" tabindex="-1" aria-labelledby="title">
  <div class="stage">
    <a class="round back" id="back" href="{{'/waiting' if a['awaits'] else '/trash' if a['trashed'] else '/'}}#photo-{{a['id']}}"><svg class="icon" aria-hidden="true"><use href="#i-left"></use></svg><span class="sr">{{'Back to what waits' if a['awaits'] else 'Back to the trash' if a['trashed'] else 'Back to all photos'}}</span></a>
    <div class="frame" id="frame">
    % if a['film'] and a['state'] == 'ready':
      % include('_video.tpl')
    % elif a['preview']:
      % include('_still.tpl')
    % elif a['state'] == 'failed':
      <div class="stand-in">
        <svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>
        <p class="big">No picture of this one</p>
        <p>{{a['error'] or 'Something went wrong while making its preview.'}}</p>
        % if a['has_original']:
        <p class="quiet">The original is safe, exactly as it came.</p>
        % else:
        <p class="quiet">The original is not in its place. If there is a backup, put the file back from it, then try again.</p>
        % end
        % if a.get('job_id'):
        <form method="post" action="/api/jobs/{{a['job_id']}}/retry">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="/assets/{{a['id']}}">
          <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-retry"></use></svg>Try again</button>
        </form>
        % end
      </div>
    % elif paused:
      <div class="stand-in">
        <svg class="icon calm" aria-hidden="true"><use href="#i-pause"></use></svg>
        <p class="big">Its preview has to wait</p>
        <p>{{paused}} <a href="/activity">Activity</a></p>
        <p class="quiet">The original is safe already. The picture shows up here by itself.</p>
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
    <a class="round newer" id="go-newer" rel="prev" href="/assets/{{newer}}"><svg class="icon" aria-hidden="true"><use href="#i-left"></use></svg><span class="sr">Newer photo</span></a>
    % end
    % if older:
    <a class="round older-one" id="go-older" rel="next" href="/assets/{{older}}"><svg class="icon" aria-hidden="true"><use href="#i-right"></use></svg><span class="sr">Older photo</span></a>
    % end
  </div>
  <div class="panel">
    <div class="panel-head">
      <h1 id="title">{{a['taken_label']}}</h1>
      <p class="filename">{{a['filename']}}</p>
    </div>
    % if a['trashed']:
    <p class="callout">This one is in the trash.</p>
    % elif a['awaits']:
    <p class="callout">From {{a['sender']}}. It waits for your yes, and does not show among your photos yet.</p>
    % end
    % if a['damaged']:
    <p class="callout">The file came damaged: part of the picture may be missing. It is kept as it is.</p>
    % end
    % if a['preview'] and a['state'] == 'failed':
    <p class="callout">{{a['error'] or 'Something went wrong.'}}</p>
    % end
    <div class="actions">
      <form class="favorite" method="post" action="/assets/{{a['id']}}/edit">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <input type="hidden" name="favorite" value="{{0 if a['favorite'] else 1}}">
        <button class="button light" id="favorite" type="submit" aria-label="Favorite" aria-pressed="{{'true' if a['favorite'] else 'false'}}"><svg class="icon" aria-hidden="true"><use href="#i-heart"></use></svg></button>
      </form>
      <a class="button light" href="{{a['original']}}?download=1" download><svg class="icon" aria-hidden="true"><use href="#i-download"></use></svg>Original</a>
      % if a['awaits']:
      % for answer, words, icon in (('yes', 'Keep it', 'check'), ('no', 'Throw it away', 'trash')):
      <form method="post" action="/waiting">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <input type="hidden" name="id" value="{{a['id']}}">
        <input type="hidden" name="next" value="{{'/assets/%s' % (older or newer) if older or newer else '/waiting'}}">
        <input type="hidden" name="do" value="{{answer}}-chosen">
        <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-{{icon}}"></use></svg>{{words}}</button>
      </form>
      % end
      % elif a['trashed']:
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
    <div class="caption">
      <p class="caption-words"{{'' if a['caption'] else ' hidden'}}>{{a['caption']}}</p>
      <details class="caption-edit">
        <summary id="caption-s">{{'Change the caption' if a['caption'] else 'Add a caption'}}</summary>
        <form method="post" action="/assets/{{a['id']}}/edit">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <textarea name="caption" rows="3" maxlength="2000" aria-label="Caption">{{a['caption']}}</textarea>
          <button class="button light small-button" type="submit">Save</button>
        </form>
      </details>
    </div>
    <dl class="facts">
      <div><dt>Date</dt><dd>{{a['taken_full_label']}} <span class="quiet">{{a['taken_source_label']}}</span>
        % if not a['trashed']:
        <a class="quiet" href="/dates/move?id={{a['id']}}&amp;how=first&amp;next=/assets/{{a['id']}}">Change the date</a>
        % end
      </dd></div>
      % if a['tags']:
      <div><dt>Tags</dt><dd><ul class="tags">
        % for tag in a['tags']:
        <li>{{tag}}</li>
        % end
      </ul></dd></div>
      % end
      % if a['rating']:
      <div><dt>Rating</dt><dd><span aria-hidden="true">{{'★' * a['rating'] + '☆' * (5 - a['rating'])}}</span><span class="sr">{{a['rating']}} of 5 stars</span></dd></div>
      % end
      % if a['camera_label']:
      <div><dt>Camera</dt><dd>{{a['camera_label']}}</dd></div>
      % end
      % if a['lens']:
      <div><dt>Lens</dt><dd>{{a['lens']}}</dd></div>
      % end
      % if a['exposure_label']:
      <div><dt>Exposure</dt><dd>{{a['exposure_label']}}</dd></div>
      % end
      % if a.get('gps'):
      % lat, lon = a['gps']['lat'], a['gps']['lon']
      <div><dt>Place</dt><dd>{{'%.5f' % lat}}, {{'%.5f' % lon}}
        % if a['altitude_label']:
        <span class="quiet">{{a['altitude_label']}}</span>
        % end
        <a class="quiet" href="https://www.openstreetmap.org/?mlat={{'%.6f' % lat}}&amp;mlon={{'%.6f' % lon}}#map=16/{{'%.6f' % lat}}/{{'%.6f' % lon}}" target="_blank" rel="noopener noreferrer">Show on OpenStreetMap</a></dd></div>
      % end
      % if a['clip'] and a['clip']['words']:
      <div><dt>Live</dt><dd>{{a['clip']['words']}}</dd></div>
      % end
      % if a['live_photo']:
      <div><dt>Live</dt><dd>This is the clip of a Live Photo. <a href="/assets/{{a['live_photo']}}">Show the photo</a></dd></div>
      % end
      <div><dt>File</dt><dd>{{a.get('size_label') or ''}}
        % if a['width'] and a['height']:
        <span class="quiet">{{a['width']}} × {{a['height']}}</span>
        % end
        % if a['duration_label']:
        <span class="quiet">{{a['duration_label']}}</span>
        % end
      </dd></div>
      % if a['sender']:
      <div><dt>Sent by</dt><dd>{{a['sender']}}</dd></div>
      % end
      % if a.get('uploaded_label'):
      <div><dt>Uploaded</dt><dd>{{a['uploaded_label']}}</dd></div>
      % end
    </dl>
    <p class="keys" aria-hidden="true"><kbd>←</kbd> <kbd>→</kbd> browse <kbd>Esc</kbd> back</p>
  </div>
</article>
