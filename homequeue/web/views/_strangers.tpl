<section class="jobs" id="strangers" aria-labelledby="strangers-title">
  <div class="jobs-head">
    <h2 id="strangers-title">Strange messages <span class="number">{{strangers_total}}</span></h2>
    <div class="job-actions">
      % include('_act.tpl', action='/api/queue/strange/clear', said='cleared', fields={}, look='ghost', ident='clear-strangers', words='Clear', spoken='Clear the strange messages')
    </div>
  </div>
  <p class="quiet small">Something that is not homequeue has written these among the messages that wake its workers. Nothing they say was done, and no photo is in danger. If you do not know what it was, find out who else can reach that server, and give it a password.</p>
  <ul class="lines">
  % for one in strangers:
    <li><span class="line-main"><code class="strange">{{one['text']}}</code><span class="quiet small">{{one['when']}}</span></span></li>
  % end
  </ul>
</section>
