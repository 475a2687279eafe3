% rebase('layout.tpl', title='Albums', page='photos')
<div class="page-head">
  <h1>Albums</h1>
</div>
<form class="new-album" method="post" action="/albums">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <div class="field">
    <input name="title" aria-label="Title of a new album" placeholder="Title of a new album" maxlength="200" required autocomplete="off">
  </div>
  <button class="button" type="submit">Make album</button>
</form>
% if not albums:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-photos"></use></svg>
  <h2>No albums yet</h2>
  <p>Make one here, then add photos to it.</p>
</section>
% end
<ul class="albums">
% for album in albums:
  <li>
    <a class="album" href="/?album={{album['id']}}">
      % if album['thumbnail']:
      <img src="{{album['thumbnail']}}" width="240" height="240" loading="lazy" decoding="async" alt="">
      % else:
      <span class="album-empty"><svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg></span>
      % end
      <span class="album-title">{{album['title']}}</span>
      <span class="quiet small">{{album['count_label']}}</span>
    </a>
  </li>
% end
</ul>
