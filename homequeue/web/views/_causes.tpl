% from urllib.parse import urlencode
<section class="jobs" id="failed" aria-labelledby="failed-title">
  <div class="jobs-head">
    <h2 id="failed-title">Needs a look <span class="number">{{'{:,}'.format(failed_total)}}</span></h2>
    % if failed_total > 1:
    <div class="job-actions">
      % include('_act.tpl', action='/api/jobs/retry-failed', said='retried', fields={}, look='', ident='retry-failed', words='Try all again', spoken='Try all again: %s jobs' % failed_total)
      % include('_act.tpl', action='/api/jobs/dismiss-failed', said='dismissed', fields={}, look='ghost', ident='dismiss-failed', words='Dismiss all', spoken='Dismiss all: %s jobs' % failed_total)
    </div>
    % end
  </div>
  <ul>
  % for cause in causes:
    % shown, count = cause['jobs'], cause['count']
    % if count == 1 and shown:
      % include('_job.tpl', job=shown[0], plain=False)
    % else:
    <li class="job bad cause" id="cause-{{cause['id']}}">
      <span class="job-pic none many" aria-hidden="true">{{count if count < 1000 else '999+'}}</span>
      <div class="job-words">
        <p class="job-label">{{cause['label']}}: {{'{:,}'.format(count)}} times the same</p>
        <p class="job-error">{{cause['error']}}</p>
        <details class="trace" id="those-{{cause['id']}}"><summary id="those-s-{{cause['id']}}">Show {{'them' if count <= len(shown) else 'the last %s' % len(shown)}}</summary>
          <ul class="some">
          % for job in shown:
            <li id="job-{{job['id']}}"><span class="line-main"><a id="more-{{job['id']}}" href="/jobs/{{job['id']}}">{{job['label']}}</a><span class="quiet small">{{job['state_label']}} · {{job['when_label']}}</span></span>
              <div class="job-actions">
                % include('_job_acts.tpl', job=job)
              </div>
            </li>
          % end
          </ul>
          % if count > len(shown):
          <p class="small"><a id="all-{{cause['id']}}" href="/activity/history?state=failed,quarantined&amp;{{urlencode(cause['those'])}}">All {{'{:,}'.format(count)}}</a></p>
          % end
        </details>
        % if shown and shown[0]['traceback']:
        <details class="trace" id="trace-{{cause['id']}}"><summary id="trace-s-{{cause['id']}}">Technical details</summary><pre tabindex="0">{{shown[0]['traceback']}}</pre></details>
        % end
      </div>
      <div class="job-actions">
        % include('_act.tpl', action='/api/jobs/retry-failed', said='retried', fields=cause['those'], look='', ident='retry-those-%s' % cause['id'], words='Try these again', spoken='Try these again: %s times, %s' % (count, cause['error']))
        % include('_act.tpl', action='/api/jobs/dismiss-failed', said='dismissed', fields=cause['those'], look='ghost', ident='dismiss-those-%s' % cause['id'], words='Dismiss', spoken='Dismiss: %s times, %s' % (count, cause['error']))
      </div>
    </li>
    % end
  % end
  </ul>
  % if causes_left:
  <p class="more quiet"><a href="/activity/history?state=failed,quarantined">and {{'{:,}'.format(causes_left)}} more {{'cause' if causes_left == 1 else 'causes'}}</a></p>
  % end
</section>
