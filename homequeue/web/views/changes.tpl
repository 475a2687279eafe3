% rebase('layout.tpl', title='Changed dates', page='tidy', styles=['tidy.css'])
<div class="page-head">
  <h1>Changed dates</h1>
</div>
<p class="page-note"><a href="/dates">Back to the dates to check</a></p>
% if changes:
<section class="changes">
% include('_changes.tpl')
</section>
% else:
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>No date was changed yet</h2>
  <p>Whatever you change can be undone here.</p>
</section>
% end
% if older:
<p class="older"><a class="button" href="{{older}}">Show older ones</a></p>
% end
