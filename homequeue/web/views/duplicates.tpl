% rebase('layout.tpl', title='Possible duplicates', page='tidy', scripts=['tidy.js'], styles=['tidy.css'])
<div class="page-head">
  <h1>Possible duplicates</h1>
</div>
% if not groups:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>Nothing looks double</h2>
  <p>The same file is never kept twice. Photos that show the same picture in another file are offered here.</p>
  <p><a class="button" href="/">Back to all photos</a></p>
</section>
% else:
<p class="page-note">Nothing happens by itself. If you keep one, the others go to the trash, and what you gave them (favorite, albums, caption, tags) goes over to it.</p>
% end
% for group in groups:
<section class="twins" id="g-{{group['id']}}" aria-labelledby="g-{{group['id']}}-title">
  <div class="jobs-head"><h2 id="g-{{group['id']}}-title">{{'The same picture, other details' if group['same'] else 'Looks the same'}}</h2>
    <form class="at-once" method="post" action="/api/duplicates/{{group['id']}}/keep">
      <input type="hidden" name="csrf" value="{{csrf}}">
      <input type="hidden" name="next" value="{{here}}">
      <input type="hidden" name="keep" value="all">
      <button class="button small-button" type="submit" aria-label="Keep {{group['both']}}: {{', '.join(a['filename'] for a in group['members'])}}">Keep {{group['both']}}</button>
    </form>
  </div>
  <ul class="twin-list">
  % for a in group['members']:
    <li>
      <a class="bin-pic whole" href="/assets/{{a['id']}}">
        % if a['thumbnail']:
        <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
        % else:
        <svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg><span class="sr">{{a['filename']}}</span>
        % end
      </a>
      <p class="bin-name" title="{{a['filename']}}">{{a['filename']}}</p>
      <dl class="twin-facts">
        % for name, words, differs in a['facts']:
        <div{{!' class="differs"' if differs else ''}}><dt>{{name}}</dt><dd>{{words}}</dd></div>
        % end
      </dl>
      <form class="at-once" method="post" action="/api/duplicates/{{group['id']}}/keep">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <input type="hidden" name="next" value="{{here}}">
        <input type="hidden" name="keep" value="{{a['id']}}">
        <button class="button small-button" type="submit" aria-label="Keep only this one: {{a['filename']}}, {{a['size_label']}}{{', damaged' if a['damaged'] else ''}}">Keep only this one</button>
      </form>
    </li>
  % end
  </ul>
</section>
% end
% if older:
<p class="older"><a class="button" href="{{older}}">Show older ones</a></p>
% end
