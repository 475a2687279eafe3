% rebase('layout.tpl', title='Activity', page='activity', scripts=['activity.js'], styles=['activity.css'])
<div class="page-head">
  <h1>Activity</h1>
</div>
% include('_activity_tabs.tpl')
<div id="activity" data-rest="{{rest}}">
<section class="now{{' is-busy' if is_busy else ''}}{{' is-paused' if is_still else ''}}" aria-label="Right now">
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
      <div class="heap-foot">
      <p class="quiet small">{{'{:,}'.format(one['ended'])}} of {{'{:,}'.format(one['total'])}}{{', ' + one['cancelled_label'] if one['cancelled_label'] else ''}}{{' · ' + one['left_label'] if one['left_label'] else ''}}\\
      % if one['failed_label']:
 · <span class="job-error">{{one['failed_label']}}</span>\\
      % end
      % if one['has_files']:
 · <a id="files-{{one['id']}}" href="/batches/{{one['id']}}">What became of each file</a>\\
      % end
</p>
      % if one['waiting']:
      % include('_cancel.tpl', ident='batch-%s' % one['id'], count=one['waiting'], fields={'batch': one['id']}, of=': ' + one['title'])
      % end
      </div>
    </li>
  % end
  </ul>
</section>
% end
% if causes:
% include('_causes.tpl')
% end
% if untaken:
<section class="jobs" id="untaken" aria-labelledby="untaken-title">
  <div class="jobs-head"><h2 id="untaken-title">Not taken from the inbox</h2></div>
  <ul class="lines">
  % for one in untaken:
    <li><span class="line-main"><a id="untaken-{{one['batch']}}" href="/batches/{{one['batch']}}">{{one['words']}}</a>
      <span class="quiet small">{{one['made_label']}}{{' · from ' + one['owner'] if one['owner'] else ''}}</span></span></li>
  % end
  </ul>
  <p class="quiet small">{{'And {:,} before that. '.format(untaken_before) if untaken_before else ''}}What was not taken lies in the folder <code>_refused</code> of the inbox until somebody takes it out of there.</p>
</section>
% end
% if strangers:
% include('_strangers.tpl')
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
      <div class="job-actions">
      % if user.is_admin:
      % include('_pause.tpl', pause=kind, of=': ' + kind['label'], look='ghost')
      % end
      % if kind['count']:
      % include('_cancel.tpl', ident=kind['id'], count=kind['count'], fields={'task': kind['task']}, of=': ' + kind['label'])
      % end
      </div>
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
% if not (causes or untaken or running or kinds or recent):
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>All quiet</h2>
  <p>When photos arrive, you can watch here how their previews are made.</p>
</section>
% end
</div>
