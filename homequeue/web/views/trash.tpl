% from urllib.parse import quote
% rebase('layout.tpl', title=get('title') or 'Trash', page='trash')
<div class="page-head">
  <h1>Trash</h1>
</div>
% if assets:
<div class="page-note">
  % stay = 'for 1 day' if days == 1 else f'for {days} days'
  <p>Photos stay here {{f'{stay}, then they go for good' if days else 'until you delete them for good'}}.</p>
  % every = {1: 'this photo', 2: 'both photos'}.get(total, 'all {:,} photos'.format(total))
  % if total > 1:
  <form class="restore-all" method="post" action="/trash/restore">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <button class="button small-button" type="submit">Restore {{'both' if total == 2 else 'all {:,}'.format(total)}}</button>
  </form>
  % end
  <details class="confirm" id="empty">
    <summary class="button small-button">Empty the trash</summary>
    <div class="confirm-box">
      <p>Delete {{every}} for good? Nobody can bring {{'them' if total > 1 else 'it'}} back.</p>
      <form method="post" action="/trash/empty">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="button danger small-button" type="submit">Delete {{every}} for good</button>
      </form>
    </div>
  </details>
</div>
% end
% if not assets:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-trash"></use></svg>
  <h2>Nothing in the trash</h2>
  <p>Photos you throw away wait here{{f" for {days} day{'s' * (days != 1)}" if days else ''}}, in case you change your mind.</p>
  <p><a class="button" href="/">Back to all photos</a></p>
</section>
% end
<ul class="bin">
% for a in assets:
  <li class="bin-card" id="a-{{a['id']}}">
    <a class="bin-pic" id="photo-{{a['id']}}" href="/assets/{{a['id']}}">
      % if a['thumbnail']:
      <img src="{{a['thumbnail']}}" width="{{a['width'] or 480}}" height="{{a['height'] or 480}}" loading="lazy" decoding="async" alt="{{a['filename']}}">
      % else:
      <svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg><span class="sr">{{a['filename']}}</span>
      % end
    </a>
    <p class="bin-name" title="{{a['filename']}}">{{a['filename']}}</p>
    <p class="bin-when">{{a.get('purge_label') or ''}}</p>
    <div class="bin-actions">
      <form method="post" action="/assets/{{a['id']}}/restore">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="button small-button" type="submit" aria-label="Restore {{a['filename']}}">Restore</button>
      </form>
      <details class="confirm">
        <summary aria-label="Delete {{a['filename']}} for good"><svg class="icon" aria-hidden="true"><use href="#i-trash"></use></svg></summary>
        <div class="confirm-box">
          <p>Delete for good? Nobody can bring it back.</p>
          <form method="post" action="/assets/{{a['id']}}/purge">
            <input type="hidden" name="csrf" value="{{csrf}}">
            <button class="button danger small-button" type="submit" aria-label="Delete for good: {{a['filename']}}">Delete for good</button>
          </form>
        </div>
      </details>
    </div>
  </li>
% end
</ul>
% if get('next'):
<p class="older"><a class="button" href="/trash?cursor={{quote(str(next), safe='')}}">Show what was taken before</a></p>
% end
