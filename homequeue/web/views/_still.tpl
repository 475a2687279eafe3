% moving, clip = a['moving'], a['clip']
% if moving and not moving['heavy']:
      <picture>
        <source srcset="{{moving['url']}}" type="{{a['mime']}}" media="(prefers-reduced-motion: no-preference)">
% end
      <img id="photo" src="{{a['preview']}}" width="{{a['width'] or 1440}}" height="{{a['height'] or 1080}}" alt="{{a['filename']}}" decoding="async" fetchpriority="high" draggable="false">
% if moving and not moving['heavy']:
      </picture>
% end
% if clip and clip['url']:
      <video id="clip" class="clip" muted playsinline preload="none" src="{{clip['url']}}" aria-hidden="true" tabindex="-1"></video>
      <a class="live" id="live" href="{{clip['url']}}"><svg class="icon" aria-hidden="true"><use href="#i-live"></use></svg>Live<span class="sr">: play its clip</span></a>
% elif moving:
      <a class="live{{'' if moving['heavy'] else ' if-still'}}" id="live" href="{{moving['url']}}"><svg class="icon" aria-hidden="true"><use href="#i-play"></use></svg>{{f"Play ({moving['heavy']})" if moving['heavy'] else 'Play'}}</a>
% end
