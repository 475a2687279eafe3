% rebase('layout.tpl', title=kind, page='upload')
<div class="page-head">
  <h1>{{kind}}{{' from ' + owner if owner else ''}} <span class="quiet small">{{made_label}}</span></h1>
</div>
<section class="batch" aria-label="What became of the files">
  % if has_files:
  <p class="overall" id="summary">{{summary}}</p>
  % else:
  <p><a href="/activity/history?batch={{batch}}">What was done</a></p>
  % end
  <ul class="rows" id="rows">
  % for row in rows:
    <li class="row{{' bad' if row['is_bad'] else ' good'}}">
      <span class="slot">
        % if row['thumbnail']:
        <img src="{{row['thumbnail']}}" alt="" loading="lazy" decoding="async">
        % else:
        <svg class="icon" aria-hidden="true"><use href="#i-{{'alert' if row['is_bad'] else 'check'}}"></use></svg>
        % end
      </span>
      <span class="what">
        % if row['asset']:
        <a class="name" href="/assets/{{row['asset']}}">{{row['filename']}}</a>
        % else:
        <span class="name">{{row['filename']}}</span>
        % end
        <span class="state">{{row['words']}}\\
% if row['group']:
, <a href="/duplicates?cursor={{row['group'] + 1}}">looks like one you have</a>\\
% end
</span>
      </span>
      <span class="size">{{row['size_label']}}</span>
    </li>
  % end
  </ul>
  % if more_refused:
  <p class="quiet">And {{'{:,}'.format(more_refused)}} more that were not accepted.</p>
  % end
</section>
% if earlier:
<p class="older"><a class="button" href="/batches/{{batch}}">Show also the {{'{:,}'.format(earlier)}} from before</a></p>
% end
% if next:
<p class="older"><a class="button" href="/batches/{{batch}}?cursor={{next}}{{f'&since={since}' if since else ''}}">Show the next ones</a></p>
% end
