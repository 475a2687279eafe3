% rebase('layout.tpl', title='History', page='activity', scripts=['activity.js'], styles=['activity.css'])
<div class="page-head">
  <h1>Activity</h1>
</div>
% include('_activity_tabs.tpl')
<form class="sieve" role="search" method="get" action="/activity/history">
  <div class="search">
    <svg class="icon" aria-hidden="true"><use href="#i-search"></use></svg>
    <input id="q" name="q" type="search" value="{{filters.get('q', '')}}" placeholder="File name" aria-label="Part of a file name" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" enterkeyhint="search">
  </div>
  <label class="pick"><span class="sr">How it is</span>
    <select name="state">
      % for value, words in choices:
      <option value="{{value}}"{{' selected' if value == filters.get('state', '') else ''}}>{{words}}</option>
      % end
    </select>
  </label>
  <label class="pick"><span class="sr">Kind of work</span>
    <select name="task">
      <option value="">All kinds</option>
      % for value, words in kinds:
      <option value="{{value}}"{{' selected' if value == filters.get('task', '') else ''}}>{{words}}</option>
      % end
    </select>
  </label>
  % for name in ('batch', 'asset', 'cause'):
  % if name in filters:
  <input type="hidden" name="{{name}}" value="{{filters[name]}}">
  % end
  % end
  <button class="button small-button" type="submit">Show</button>
</form>
<div id="activity" data-rest="0">
<section class="jobs" aria-labelledby="found-title">
  <div class="jobs-head"><h2 id="found-title">{{'{:,}'.format(total)}} {{'job' if total == 1 else 'jobs'}}{{' of one batch' if 'batch' in filters else ''}}{{' of one photo' if 'asset' in filters else ''}}{{' with the same reason' if 'cause' in filters else ''}}</h2>
    % if filters:
    <a class="button ghost small-button" href="/activity/history">Show all</a>
    % end
  </div>
  % if receipt:
  <p><a id="receipt" href="{{receipt}}">What became of each file</a></p>
  % end
  <ul>
  % for job in rows:
    % include('_job.tpl', job=job, plain=False)
  % end
  </ul>
  % if not rows:
  <p class="quiet">There are no such jobs.</p>
  % end
</section>
</div>
% if older:
<p class="older"><a class="button" id="older" href="{{older}}">Show older ones</a></p>
% end
