% path = '/api/queue/'
% fields = {'task': pause['task']} if pause['task'] else {}
% if pause['paused']:
% include('_act.tpl', action=path + 'resume', said='resumed', fields=fields, look='', ident='resume-' + pause['id'], words='Resume', spoken='Resume' + of)
% else:
<details class="confirm choices" id="pause-{{pause['id']}}">
  <summary class="button {{look}} small-button" id="pause-s-{{pause['id']}}" aria-label="Pause{{of}}"><svg class="icon" aria-hidden="true"><use href="#i-pause"></use></svg><span>Pause</span></summary>
  <div class="confirm-box">
    <p class="quiet small">What has begun is finished.</p>
    % include('_act.tpl', action=path + 'pause', said='paused', fields=dict(fields, seconds=3600), look='', ident='pause-hour-' + pause['id'], words='For an hour', spoken='Pause for an hour' + of)
    % include('_act.tpl', action=path + 'pause', said='paused', fields=dict(fields, until='morning'), look='', ident='pause-morning-' + pause['id'], words='Until morning', spoken='Pause until morning' + of)
    % include('_act.tpl', action=path + 'pause', said='paused', fields=fields, look='', ident='pause-ever-' + pause['id'], words='Until I resume', spoken='Pause until I resume' + of)
  </div>
</details>
% end
