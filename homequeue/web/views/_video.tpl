% film = a['film']
% if film['url']:
      <video id="photo" controls playsinline preload="metadata" src="{{film['url']}}"
        % if a['preview']:
        poster="{{a['preview']}}"
        % end
        width="{{a['width'] or 1440}}" height="{{a['height'] or 1080}}" aria-label="{{a['filename']}}"></video>
% else:
      % if a['preview']:
      <img id="photo" src="{{a['preview']}}" width="{{a['width'] or 1440}}" height="{{a['height'] or 1080}}" alt="{{a['filename']}}" decoding="async" draggable="false">
      % end
      <div class="film-note" id="film-note">
        <p>{{film['words']}}</p>
        % if film['progress'] is not None:
        <progress max="1" value="{{film['progress']}}" aria-label="Being made ready to play"></progress>
        % end
        % if film['is_coming']:
        <p class="quiet">You need not wait: it can be played here as soon as it is done.</p>
        % end
        % if film['job_id']:
        <form method="post" action="/api/jobs/{{film['job_id']}}/retry">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="/assets/{{a['id']}}">
          <button class="button light" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-retry"></use></svg>Try again</button>
        </form>
        % end
      </div>
% end
