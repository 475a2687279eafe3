% bad = job['is_bad']
% runs = job['state'] == 'running'
% line = [] if runs or (plain and not bad and not job['next_try']) else [job['state_label']]
% line += [job['step']] if runs and job['step'] else []
% line += [job['took_label']] if job['took_label'] and (runs or job['state'] == 'succeeded') else []
% line += ['try %s of %s' % (job['attempts'], job['max_attempts'])] if runs and job['attempts'] > 1 else []
% line += ['try %s of %s' % (job['next_try'], job['max_attempts'])] if job['next_try'] else []
% line += ['tried %s times' % job['attempts']] if bad and job['attempts'] > 1 else []
% line += [job['when_label']] if not runs else []
% line += [job['worker']] if runs and job['worker'] else []
% line += ['from ' + job['owner']] if job['owner'] else []
<li class="job{{' bad' if bad else ''}}" id="job-{{job['id']}}">
  % include('_job_face.tpl', job=job)
  <div class="job-words">
    % if job['asset']:
    <a class="job-label" id="label-{{job['id']}}" href="/assets/{{job['asset']}}">{{job['label']}}</a>
    % else:
    <span class="job-label">{{job['label']}}</span>
    % end
    % if runs and job['percent'] is not None:
    <progress max="100" value="{{job['percent']}}" aria-label="{{job['label']}}"></progress>
    % elif runs:
    <progress class="endless" aria-label="{{job['label']}}"></progress>
    % end
    % if job['error']:
    <p class="{{'job-error' if bad else 'small quiet'}}">{{job['error']}}</p>
    % end
    % if job['is_stopping']:
    <p class="job-error">It is being stopped.</p>
    % elif job['is_slow']:
    <p class="job-error">This takes far longer than usual. It may be stuck.</p>
    % end
    <p class="quiet small">{{' · '.join(line)}}\\
% if path != '/jobs/%s' % job['id']:
{{' · ' if line else ''}}<a class="more-of" id="more-{{job['id']}}" href="/jobs/{{job['id']}}" aria-label="Details: {{job['label']}}">Details</a>\\
% end
</p>
  </div>
  <div class="job-actions">
    % include('_job_acts.tpl', job=job)
  </div>
</li>
