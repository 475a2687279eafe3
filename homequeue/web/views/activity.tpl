% rebase('layout.tpl', title='Activity', page='activity', scripts=['activity.js'], styles=['activity.css'])
<div class="page-head">
  <h1>Activity</h1>
</div>
% include('_activity_tabs.tpl')
<div id="activity" data-rest="{{rest}}">
<section class="now{{' is-busy' if is_busy else ''}}{{' is-paused' if pause['paused'] else ''}}" aria-label="Right now">
  <span class="now-sign" aria-hidden="true"></span>
  <div>
    <p id="summary" class="summary">{{summary}}</p>
    % if pause['paused']:
    <p class="quiet">{{pause['paused']}}</p>
    % end
  </div>
  % if user.is_admin:
  % include('_pause.tpl', pause=pause, of='', look='')
  % end
</section>
% for words in problems:
<p class="alarm" role="alert"><svg class="icon" aria-hidden="true"><use href="#i-alert"></use></svg>{{words}}</p>
% end
% if batches:
<section class="jobs" aria-labelledby="batches-title">
  <div class="jobs-head"><h2 id="batches-title">Under way</h2></div>
  <ul>
  % for one in batches:
    <li class="heap" id="batch-{{one['id']}}">
      <p class="heap-head"><a id="batch-a-{{one['id']}}" href="/activity/history?batch={{one['id']}}">{{one['title']}}{{' from ' + one['owner'] if one['owner'] else ''}}</a> <span class="quiet small">{{one['made_label']}}</span></p>
      <progress max="{{one['total']}}" value="{{one['ended']}}" aria-label="{{one['title']}}: {{one['ended']}} of {{one['total']}}"></progress>
      <p class="quiet small">{{'{:,}'.format(one['ended'])}} of {{'{:,}'.format(one['total'])}}{{' · ' + one['left_label'] if one['left_label'] else ''}}\\
      % if one['failed_label']:
 · <span class="job-error">{{one['failed_label']}}</span>\\
      % end
</p>
    </li>
  % end
  </ul>
</section>
% end
% if causes:
% include('_causes.tpl')
% end
% if running:
<section class="jobs" aria-labelledby="running-title">
  <div class="jobs-head"><h2 id="running-title">In the works</h2></div>
  <ul>
  % for job in running:
    % include('_job.tpl', job=job, plain=True)
  % end
  </ul>
</section>
% end
% if kinds:
<section class="jobs" aria-labelledby="waiting-title">
  <div class="jobs-head"><h2 id="waiting-title">Waiting <span class="number">{{'{:,}'.format(waiting_total)}}</span></h2></div>
  <ul class="lines kinds">
  % for kind in kinds:
    <li id="kind-{{kind['id']}}"><span class="line-main"><span>{{kind['label']}} <span class="number">{{'{:,}'.format(kind['count'])}}</span></span>
      % if kind['paused']:
      <span class="quiet small">{{kind['paused']}}</span>
      % end
      </span>
      % if user.is_admin:
      % include('_pause.tpl', pause=kind, of=': ' + kind['label'], look='ghost')
      % end
    </li>
  % end
  </ul>
  <ul>
  % for job in waiting:
    % include('_job.tpl', job=job, plain=True)
  % end
  </ul>
  % if waiting_total > len(waiting):
  <p class="more quiet"><a id="more-waiting" href="/activity/history?state=queued,scheduled,retrying">and {{'{:,}'.format(waiting_total - len(waiting))}} more</a></p>
  % end
</section>
% end
% if recent:
<section class="jobs" aria-labelledby="recent-title">
  <div class="jobs-head"><h2 id="recent-title">Done lately</h2></div>
  <ul>
  % for job in recent:
    % include('_job.tpl', job=job, plain=False)
  % end
  </ul>
  <p class="more quiet"><a id="more-recent" href="/activity/history">All that was done</a></p>
</section>
% end
% if not (causes or running or kinds or recent):
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>All quiet</h2>
  <p>When photos arrive, you can watch here how their previews are made.</p>
</section>
% end
</div>
