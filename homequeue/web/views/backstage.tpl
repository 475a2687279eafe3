% rebase('layout.tpl', title='Behind the scenes', page='activity', scripts=['activity.js'], styles=['activity.css'])
<div class="page-head">
  <h1>Activity</h1>
</div>
% include('_activity_tabs.tpl')
<div id="activity" data-rest="{{rest}}">
<section class="jobs" aria-labelledby="pictures-title">
  <div class="jobs-head"><h2 id="pictures-title">The last {{span}}</h2>
    <nav class="spans" aria-label="Span of the pictures">
      % for one in spans:
      <a id="span-{{one}}" href="/activity/machine?span={{one}}"{{' aria-current=true' if one == span else ''}}>{{one.capitalize()}}</a>
      % end
    </nav>
  </div>
  % include('_picture.tpl', picture=pictures[0], high='bar-bad')
  % include('_picture.tpl', picture=pictures[1], high='bar-pale')
  % include('_picture.tpl', picture=pictures[2], high='bar-pale')
  % if table:
  <details class="trace" id="table"><summary id="table-s">As a table</summary>
    <div class="wide-table" role="region" aria-label="The last {{span}} as a table" tabindex="0">
    <table>
      <thead><tr><th scope="col">From</th><th scope="col">Done</th><th scope="col">Failed</th><th scope="col">Typical</th><th scope="col">95 in 100</th><th scope="col">Waited</th></tr></thead>
      <tbody>
      % for row in table:
      <tr><th scope="row">{{row['when']}}</th><td>{{row['done']}}</td><td>{{row['failed']}}</td><td>{{row['median']}}</td><td>{{row['p95']}}</td><td>{{row['wait']}}</td></tr>
      % end
      </tbody>
    </table>
    </div>
  </details>
  % end
</section>
<section class="jobs" aria-labelledby="workers-title">
  <div class="jobs-head"><h2 id="workers-title">Workers</h2></div>
  <ul class="lines">
  % for w in hands:
    <li><span class="dot{{' stuck' if w['is_stuck'] else ' on'}}" aria-hidden="true"></span><span class="line-main"><span>{{w['name']}}</span>
      <span class="quiet small">\\
% if w['job']:
<a class="more-of" id="doing-{{w['job']}}" href="/jobs/{{w['job']}}">{{w['doing']}}</a> {{w['for_label']}}\\
% else:
{{w['doing']}}\\
% end
{{' · ' + w['heard_label'] if w['heard_label'] else ''}}</span>
      % if w['is_stuck']:
      <span class="job-error small">Seems to be stuck</span>
      % end
      </span><span class="quiet small line-when"><span>{{w['memory']}}</span> <span>{{w['since_label']}}</span></span></li>
  % end
  % if not hands:
    <li><span class="dot" aria-hidden="true"></span><span>No worker is awake</span><span class="quiet">photos wait until one starts</span></li>
  % end
  </ul>
  <form class="setting" method="post" action="/api/queue/workers">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <input type="hidden" name="next" value="{{back('workers')}}">
    <label for="workers">Side by side, at most</label>
    <input id="workers" name="workers" type="number" min="1" max="64" value="{{allowed}}" required inputmode="numeric">
    <button class="button small-button" id="set-workers" type="submit">Save</button>
    % if strained:
    <p class="job-error small">Only one now: the machine is hot or short of memory.</p>
    % end
  </form>
</section>
% include('_kinds.tpl')
<section class="jobs" aria-labelledby="again-title">
  <div class="jobs-head"><h2 id="again-title">Make pictures again</h2></div>
  <p class="quiet small">After everything else, in the background. Originals are never changed.</p>
  <div class="job-actions pair">
    % if missing:
    % include('_act.tpl', action='/api/queue/again', said='again', fields={'which': 'missing'}, look='', ident='again-missing', words='{:,} missing'.format(missing), spoken='{:,} missing: make {}'.format(missing, 'it' if missing == 1 else 'them'))
    % else:
    <p class="small">No photo lacks its pictures.</p>
    % end
    % if photos:
    <details class="confirm choices" id="again-all">
      <summary class="button ghost small-button" id="again-all-s">All {{'{:,}'.format(photos)}}…</summary>
      <div class="confirm-box">
        <p>Make the pictures of {{'{:,}'.format(photos)}} {{'photo' if photos == 1 else 'photos'}} again?</p>
        % include('_act.tpl', action='/api/queue/again', said='again', fields={'which': 'all'}, look='', ident='again-all-yes', words='Yes, all of them', spoken='Yes, all of them: make %s again' % photos)
      </div>
    </details>
    % end
  </div>
</section>
% include('_chores.tpl')
<div class="two">
<section class="jobs" aria-labelledby="machine-title">
  <div class="jobs-head"><h2 id="machine-title">The machine</h2></div>
  <ul class="gauges">
  % for one in machine:
    <li><p><span>{{one['name']}}</span> <span class="{{'job-error' if one['is_bad'] else 'quiet'}} small">{{one['words']}}</span></p>
      <meter{{!' class="is-bad"' if one['is_bad'] else ''}} min="0" max="100" value="{{one['part']}}" aria-label="{{one['name']}}">{{one['part']}} %</meter></li>
  % end
  </ul>
</section>
<section class="jobs" aria-labelledby="storage-title">
  <div class="jobs-head"><h2 id="storage-title">Storage</h2></div>
  <ul class="lines">
  % for one in storage:
    <li><span class="dot{{' stuck' if one['is_bad'] else ' on'}}" aria-hidden="true"></span><span class="line-main"><span>{{one['name']}}</span><span class="{{'job-error' if one['is_bad'] else 'quiet'}} small">{{one['words']}}</span></span></li>
  % end
  </ul>
</section>
</div>
<div class="two">
<section class="jobs" id="deeds" aria-labelledby="deeds-title">
  <div class="jobs-head"><h2 id="deeds-title">Who did what</h2></div>
  <ul class="lines">
  % for deed in deeds:
    <li><span class="line-main"><span>{{deed['who']}} {{deed['words']}}\\
% if deed['job']:
<a class="more-of" id="deed-{{deed['id']}}" href="/jobs/{{deed['job']}}">job {{deed['job']}}</a>{{' (%s)' % deed['label'] if deed['label'] else ''}}{{deed['rest']}}\\
% end
</span><span class="quiet small">{{deed['when']}}</span></span></li>
  % end
  % if not deeds:
    <li class="quiet">Nobody has pressed anything yet.</li>
  % end
  </ul>
  % if newest or older:
  <p class="more quiet">
    % if newest:
    <a id="newest-deeds" href="{{newest}}">Newest</a>
    % end
    % if older:
    <a id="older-deeds" href="{{older}}">Older</a>
    % end
  </p>
  % end
</section>
<section class="jobs" aria-labelledby="states-title">
  <div class="jobs-head"><h2 id="states-title">Jobs by state</h2></div>
  <p class="quiet small">All that are kept, housekeeping too.</p>
  <ul class="lines">
  % for one in counts:
    <li><a id="state-{{one['state']}}" href="/activity/history?state={{one['state']}}">{{one['words']}}</a><span>{{one['count']}}</span></li>
  % end
  </ul>
</section>
</div>
</div>
