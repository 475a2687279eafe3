% rebase('layout.tpl', title=share.title, page='upload', styles=['upload.css', 'doors.css'], scripts=[] if is_full else ['upload.js'])
<div class="guest-head">
  <h1>{{share.title}}</h1>
  <p class="quiet">for {{asker}}{{', from ' + guest.name if guest.name else ''}}</p>
</div>
% if arrived is not None:
<p class="page-note last-note" id="summary" role="status"><span>{{f'{arrived} of {arrived + problems} arrived.' if problems else 'All arrived. Thank you!'}}</span></p>
% for one in passing:
<p class="page-note" role="alert">{{one['filename']}}: {{one['error']}}</p>
% end
% end
% if is_full:
<p class="page-note" id="full"><span>This link takes no more photos. Ask {{asker}} for a new one.</span></p>
% else:
<form class="drop" id="drop" method="post" action="{{home}}/upload" enctype="multipart/form-data" data-max-size="{{max_size}}" data-paused="" data-user="guest-{{guest.id}}" data-uploads="{{home}}/uploads">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <p class="drop-title"><span class="for-mouse">Drop photos anywhere on this page</span><span class="for-touch">Send your photos</span></p>
  <label class="button primary choose" for="files">Choose photos</label>
  <input id="files" class="file-input" type="file" name="file" multiple accept="{{accept}}">
  <div class="ways js-only">
    <label class="way for-touch"><input class="file-input" type="file" accept="image/*" capture="environment">Camera</label>
    <label class="way"><input class="file-input" type="file" multiple>Files</label>
    <label class="way for-mouse"><input class="file-input" type="file" webkitdirectory>A folder</label>
  </div>
  <p class="quiet small">{{asker}} gets them as they are, with the time and the place that are written in them. Up to {{max_size_label}} each.</p>
  <button class="button no-js-only" type="submit">Send the chosen photos</button>
</form>
<p class="page-note paused-note" id="phone-note" role="status" hidden><span></span></p>
% include('_upload_rows.tpl')
% end
% if sent:
<section class="batch" id="sent" aria-labelledby="sent-title">
  <h2 id="sent-title" class="overall">What you have sent</h2>
  <ul class="rows">
  % for row in sent:
    <li class="row{{' bad' if row['is_bad'] else ' good'}}">
      <span class="slot">
        <svg class="icon" aria-hidden="true"><use href="#i-{{'alert' if row['is_bad'] else 'check'}}"></use></svg>
      </span>
      <span class="what"><span class="name">{{row['filename']}}</span><span class="state">{{row['words']}}</span></span>
      <span class="size">{{row['size_label']}}</span>
    </li>
  % end
  </ul>
</section>
% end
