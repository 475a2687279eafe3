% if job['thumbnail']:
<img class="job-pic" src="{{job['thumbnail']}}" width="56" height="56" loading="lazy" decoding="async" alt="">
% else:
<span class="job-pic none"><svg class="icon" aria-hidden="true"><use href="#i-{{'photos' if job['is_photo'] else 'clock'}}"></use></svg></span>
% end
