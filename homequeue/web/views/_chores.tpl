<section class="jobs" aria-labelledby="chores-title">
  <div class="jobs-head"><h2 id="chores-title">Housekeeping</h2></div>
  <ul class="lines chores">
  % for p in periodic:
    % path = '/api/periodic/%s/' % p['task']
    <li id="chore-{{p['task']}}"><span class="line-main"><span>{{p['label']}}</span>
      <span class="quiet small">{{p['last_label']}}\\
% if p['job']:
 · <a class="{{'job-error' if p['is_bad'] else 'more-of'}}" id="last-{{p['task']}}" href="/jobs/{{p['job']}}">{{p['result']}}<span class="sr">: {{p['label']}}</span></a>\\
% end
 · {{p['next_label']}}</span></span>
      <div class="job-actions">
        % include('_act.tpl', action=path + 'run', said='started', fields={}, look='', ident='run-' + p['task'], words='Run now', spoken='Run now: ' + p['label'])
        % word = 'off' if p['is_on'] else 'on'
        % include('_act.tpl', action=path + 'switch', said='switched', fields={'on': 0 if p['is_on'] else 1}, look='ghost', ident='switch-' + p['task'], words='Switch ' + word, spoken='Switch %s: %s' % (word, p['label']))
      </div>
    </li>
  % end
  </ul>
</section>
