% rebase('layout.tpl', title=get('title') or 'Activity', page='activity', scripts=['activity.js'])
% boss = bool(get('user') and user.is_admin)
% paused_label = get('paused') or ''
<div class="page-head">
  <h1>Activity</h1>
</div>
<div id="activity" data-busy="{{'yes' if running or waiting else ''}}">
<section class="now{{' is-busy' if running else ''}}{{' is-paused' if paused_label else ''}}" aria-label="Right now">
  <span class="now-sign" aria-hidden="true"></span>
  <div>
    <p id="summary" class="summary">{{summary}}</p>
    % if paused_label:
    <p class="quiet">{{paused_label}}</p>
    % end
  </div>
  % if boss:
  <form method="post" action="/api/queue/{{'resume' if paused_label else 'pause'}}">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <button class="button small-button" id="pause" type="submit"><svg class="icon" aria-hidden="true"><use href="#i-{{'play' if paused_label else 'pause'}}"></use></svg>{{'Resume' if paused_label else 'Pause'}}</button>
  </form>
  % end
</section>
% def face(job):
  % if job['thumbnail']:
  <img class="job-pic" src="{{job['thumbnail']}}" width="56" height="56" loading="lazy" decoding="async" alt="">
  % else:
  <span class="job-pic none"><svg class="icon" aria-hidden="true"><use href="#i-{{'photos' if job['asset'] else 'clock'}}"></use></svg></span>
  % end
% end
% def label(job):
  % if job['asset']:
  <a class="job-label" id="label-{{job['id']}}" href="/assets/{{job['asset']}}">{{job['label']}}</a>
  % else:
  <span class="job-label">{{job['label']}}</span>
  % end
% end
% def cancel(job):
  % if job['can_cancel']:
  <form method="post" action="/api/jobs/{{job['id']}}/cancel">
    <input type="hidden" name="csrf" value="{{csrf}}">
    <button class="button ghost small-button" id="cancel-{{job['id']}}" type="submit" aria-label="Stop: {{job['label']}}">Stop</button>
  </form>
  % end
% end
% if failed:
<section class="jobs" id="failed" aria-labelledby="failed-title">
  <div class="jobs-head">
    <h2 id="failed-title">Needs a look <span class="number">{{'{:,}'.format(failed_total)}}</span></h2>
    % if failed_total > 1:
    <form method="post" action="/api/jobs/retry-failed">
      <input type="hidden" name="csrf" value="{{csrf}}">
      <button class="button small-button" id="retry-failed" type="submit">Try all again</button>
    </form>
    % end
  </div>
  <ul>
  % for job in failed:
    <li class="job bad" id="job-{{job['id']}}">
      % face(job)
      <div class="job-words">
        % label(job)
        <p class="job-error">{{job['error'] or job['state_label']}}</p>
        <p class="quiet small">{{job['state_label']}}{{' · tried %s times' % job['attempts'] if job['attempts'] and job['attempts'] > 1 else ''}}{{' · ' + job['queued_label'] if job['queued_label'] else ''}}</p>
        % if job.get('traceback'):
        <details class="trace" id="trace-{{job['id']}}"><summary id="trace-s-{{job['id']}}">Technical details</summary><pre tabindex="0">{{job['traceback']}}</pre></details>
        % end
      </div>
      <div class="job-actions">
        % if job['can_retry']:
        <form method="post" action="/api/jobs/{{job['id']}}/retry">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="/activity">
          <button class="button small-button" id="retry-{{job['id']}}" type="submit" aria-label="Try again: {{job['label']}}">Try again</button>
        </form>
        % end
        % cancel(job)
      </div>
    </li>
  % end
  </ul>
  % if failed_total > len(failed):
  <p class="more quiet">and {{'{:,}'.format(failed_total - len(failed))}} more</p>
  % end
</section>
% end
% if running:
<section class="jobs" aria-labelledby="running-title">
  <div class="jobs-head"><h2 id="running-title">In the works</h2></div>
  <ul>
  % for job in running:
    <li class="job" id="job-{{job['id']}}">
      % face(job)
      <div class="job-words">
        % label(job)
        <progress class="endless" aria-label="{{job['label']}}"></progress>
        <p class="quiet small">{{job['elapsed_label']}}{{' · try %s of %s' % (job['attempts'], job['max_attempts']) if job['attempts'] and job['attempts'] > 1 else ''}}</p>
      </div>
      <div class="job-actions">
        % cancel(job)
      </div>
    </li>
  % end
  </ul>
</section>
% end
% if waiting:
<section class="jobs" aria-labelledby="waiting-title">
  <div class="jobs-head"><h2 id="waiting-title">Waiting <span class="number">{{'{:,}'.format(waiting_total)}}</span></h2></div>
  <ul>
  % for job in waiting:
    <li class="job" id="job-{{job['id']}}">
      % face(job)
      <div class="job-words">
        % label(job)
        <p class="quiet small">{{job['state_label']}}{{' · ' + job['queued_label'] if job['queued_label'] else ''}}</p>
        % if job['error']:
        <p class="job-error">{{job['error']}}</p>
        % end
      </div>
      <div class="job-actions">
        % cancel(job)
      </div>
    </li>
  % end
  </ul>
  % if waiting_total > len(waiting):
  <p class="more quiet">and {{'{:,}'.format(waiting_total - len(waiting))}} more</p>
  % end
</section>
% end
% if recent:
<section class="jobs" aria-labelledby="recent-title">
  <div class="jobs-head"><h2 id="recent-title">Done lately</h2></div>
  <ul>
  % for job in recent:
    <li class="job done" id="job-{{job['id']}}">
      % face(job)
      <div class="job-words">
        % label(job)
        <p class="quiet small">{{job['state_label']}}{{' · ' + job['elapsed_label'] if job['elapsed_label'] else ''}}</p>
        % if job['error']:
        <p class="job-error">{{job['error']}}</p>
        % end
      </div>
      % if job['can_retry']:
      <div class="job-actions">
        <form method="post" action="/api/jobs/{{job['id']}}/retry">
          <input type="hidden" name="csrf" value="{{csrf}}">
          <input type="hidden" name="next" value="/activity">
          <button class="button small-button" id="retry-{{job['id']}}" type="submit" aria-label="Try again: {{job['label']}}">Try again</button>
        </form>
      </div>
      % end
    </li>
  % end
  </ul>
</section>
% end
% if not (failed or running or waiting or recent):
<section class="empty">
  <svg class="empty-icon" aria-hidden="true"><use href="#i-check"></use></svg>
  <h2>All quiet</h2>
  <p>When photos arrive, you can watch here how their previews are made.</p>
</section>
% end
% awake = [w for w in workers if w['alive']]
<details class="machine" id="machine">
  <summary id="machine-s"><span>Behind the scenes</span><span class="quiet">{{len(awake)}} of {{len(workers)}} {{'worker' if len(workers) == 1 else 'workers'}} awake</span></summary>
  <div class="machine-body">
    <h3>Workers</h3>
    <ul class="lines">
    % for w in workers:
      <li><span class="dot{{' on' if w['alive'] else ''}}" aria-hidden="true"></span><span>{{w['name']}}</span><span class="quiet">{{'' if w['alive'] else 'gone · '}}{{w['since_label']}}</span></li>
    % end
    % if not workers:
      <li><span class="dot" aria-hidden="true"></span><span>No worker is awake</span><span class="quiet">photos wait until one starts</span></li>
    % end
    </ul>
    % if periodic:
    <h3>Housekeeping</h3>
    <ul class="lines">
    % for p in periodic:
      <li><span class="line-main"><span>{{p['label']}}</span>
        % if p.get('result'):
        <span class="quiet small">{{p['result']}}</span>
        % end
        </span><span class="quiet small line-when"><span>{{p['last_label']}}</span> <span>{{p['next_label']}}</span></span></li>
    % end
    </ul>
    % end
    % if counts:
    <h3>Jobs by state</h3>
    <ul class="tally">
    % for state, n in counts.items():
      <li><strong>{{'{:,}'.format(n)}}</strong> <span class="quiet">{{state}}</span></li>
    % end
    </ul>
    % end
  </div>
</details>
</div>
