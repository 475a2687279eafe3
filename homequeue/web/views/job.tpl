% rebase('layout.tpl', title=job['label'], page='activity', scripts=['activity.js'], styles=['activity.css'])
<div class="page-head">
  <h1>Activity</h1>
</div>
% include('_activity_tabs.tpl')
<div id="activity" data-rest="{{rest}}">
<section class="jobs one-job" aria-label="How it is">
  <ul>
  % include('_job.tpl', job=job, plain=False)
  </ul>
  % if job['traceback'] and job['state'] != 'succeeded':
  <details class="trace" id="trace"><summary id="trace-s">Technical details</summary><pre tabindex="0">{{job['traceback']}}</pre></details>
  % end
</section>
<div class="two">
<section class="jobs" aria-labelledby="facts-title">
  <div class="jobs-head"><h2 id="facts-title">Job {{job['id']}}</h2></div>
  <dl class="facts">
    % for name, words in facts:
    <div><dt>{{name}}</dt><dd>{{words}}</dd></div>
    % end
    % if worker:
    <div><dt>Worker</dt><dd title="{{worker[1]}}">{{worker[0]}}</dd></div>
    % end
    % if batch:
    <div><dt>Part of</dt><dd><a href="/activity/history?batch={{batch}}">Batch {{batch}}</a>\\
    % if receipt:
 · <a href="{{receipt}}">What became of each file</a>\\
    % end
</dd></div>
    % end
  </dl>
</section>
<section class="jobs" aria-labelledby="moves-title">
  <div class="jobs-head"><h2 id="moves-title">What happened</h2></div>
  <ol class="moves">
    % for move in moves:
    <li><time class="quiet small" title="{{move['day']}}">{{move['when']}}</time><span class="line-main"><span>{{move['state']}}\\
% if move['span']:
 <span class="quiet small">{{move['span']}}</span>\\
% end
</span>
      % if move['words'] or move['who']:
      <span class="quiet small">{{' · '.join(part for part in (move['words'], move['who']) if part)}}</span>
      % end
    </span></li>
    % end
  </ol>
  % if not moves:
  <p class="quiet">Nothing was written down.</p>
  % end
</section>
</div>
% for name, found in family:
<section class="jobs" aria-label="{{name}}">
  <div class="jobs-head"><h2>{{name}}</h2></div>
  <ul>
  % for job in found:
    % include('_job.tpl', job=job, plain=False)
  % end
  </ul>
</section>
% end
% if log:
<section class="jobs" aria-labelledby="log-title">
  <div class="jobs-head"><h2 id="log-title">Log</h2></div>
  <div class="trace"><pre tabindex="0" aria-labelledby="log-title">{{log}}</pre></div>
</section>
% end
</div>
