% rebase('layout.tpl', title=get('title') or 'Upload', page='upload', styles=['upload.css'], scripts=['upload.js'])
<div class="page-head">
  <h1>Upload</h1>
</div>
<form class="drop" id="drop" method="post" action="/upload" enctype="multipart/form-data" data-max-size="{{max_size}}" data-paused="{{paused}}" data-user="{{user.id}}">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <svg class="drop-art" viewBox="0 0 96 72" aria-hidden="true"><rect class="p1" x="10" y="18" width="38" height="46" rx="6" transform="rotate(-9 29 41)"/><rect class="p2" x="48" y="18" width="38" height="46" rx="6" transform="rotate(9 67 41)"/><rect class="p3" x="27" y="10" width="42" height="52" rx="7"/><path class="p4" d="M48 46V28m0 0-8 8m8-8 8 8"/></svg>
  <p class="drop-title"><span class="for-mouse">Drop photos anywhere on this page</span><span class="for-touch">Send photos home</span></p>
  <label class="button primary choose" for="files">Choose photos</label>
  <input id="files" class="file-input" type="file" name="file" multiple accept="{{accept}}">
  <div class="ways js-only">
    <label class="way for-touch"><input class="file-input" type="file" accept="image/*" capture="environment">Camera</label>
    <label class="way"><input class="file-input" type="file" multiple>Files</label>
    <label class="way for-mouse"><input class="file-input" type="file" webkitdirectory>A folder</label>
  </div>
  <p class="quiet small">Up to {{max_size_label}} each. Photos already here are recognised, so choosing too many does no harm.</p>
  <button class="button no-js-only" type="submit">Upload the chosen photos</button>
</form>
<p class="page-note paused-note" id="phone-note" role="status" hidden><span></span></p>
<p class="page-note paused-note" id="paused"{{'' if paused else ' hidden'}}><span>{{paused or 'Paused.'}}</span> Photos are kept safe meanwhile; their previews are made afterwards. <a href="/activity">Activity</a></p>
<p class="page-note last-note" id="last" hidden><span></span> <button class="button small-button" type="button">Move them to the trash</button></p>
% include('_upload_rows.tpl')
% if latest:
<p class="page-note last-note"><a href="/batches/{{latest}}">What became of the files of your last upload</a></p>
% end
% if get('results') is not None:
% sent = [r for r in results if r.get('id')]
<section class="batch" aria-label="What was uploaded">
  <p class="overall" role="status">{{len(sent)}} of {{len(results)}} {{'photo' if len(results) == 1 else 'photos'}} sent</p>
  <ul class="rows">
  % for r in sorted(results, key=lambda r: not r.get('error')):
    <li class="row{{' bad' if r.get('error') else ' good'}}">
      <span class="slot"><svg class="icon" aria-hidden="true"><use href="#i-{{'alert' if r.get('error') else 'check'}}"></use></svg></span>
      <span class="what">
        % if r.get('id'):
        <a class="name" href="/assets/{{r['id']}}">{{r['filename']}}</a>
        % else:
        <span class="name">{{r['filename']}}</span>
        % end
        % fresh = 'Sent – its preview comes later' if paused else 'Sent – making its preview'
        % known = 'Already here – taken back out of the trash' if r.get('restored') else 'Already here'
        <span class="state">{{r.get('error') or (known if r.get('duplicate') else fresh)}}</span>
      </span>
    </li>
  % end
  </ul>
  <p><a class="button" href="/">See all photos</a></p>
</section>
% end
