<section class="jobs" aria-labelledby="kinds-title">
  <div class="jobs-head"><h2 id="kinds-title">Kinds of work</h2><span class="quiet small">last 24 hours</span></div>
  % if not kinds:
  <p class="quiet">Nothing was done.</p>
  % else:
  <div class="wide-table stacking" role="region" aria-label="Kinds of work as a table" tabindex="0">
  <table>
    <thead><tr><th scope="col">Kind</th><th scope="col">Jobs</th><th scope="col">Typical</th><th scope="col">95 in 100</th><th scope="col">Waited</th><th scope="col">Failed</th><th scope="col"><span class="sr">Pause</span></th></tr></thead>
    <tbody>
    % for kind in kinds:
    <tr><th scope="row">{{kind['label']}}
      % if kind['paused']:
      <span class="quiet small">{{kind['paused']}}</span>
      % end
      </th><td data-label="Jobs">{{kind['runs']}}</td><td data-label="Typical">{{kind['median']}}</td><td data-label="95 in 100">{{kind['p95']}}</td><td data-label="Waited">{{kind['wait']}}</td><td data-label="Failed"{{!' class="job-error"' if kind['is_bad'] else ''}}>{{kind['failed']}}</td><td class="act">
      % if kind['paused']:
      % include('_act.tpl', action='/api/queue/resume', said='resumed', fields={'task': kind['task']}, look='ghost', ident='resume-' + kind['id'], words='Resume', spoken='Resume: ' + kind['label'])
      % else:
      % include('_act.tpl', action='/api/queue/pause', said='paused', fields={'task': kind['task']}, look='ghost', ident='pause-' + kind['id'], words='Pause', spoken='Pause: ' + kind['label'])
      % end
      </td></tr>
    % end
    </tbody>
  </table>
  </div>
  % end
</section>
