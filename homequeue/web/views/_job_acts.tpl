% path, name = '/api/jobs/%s/' % job['id'], job['label']
% if job['can_retry']:
% include('_act.tpl', action=path + 'retry', said='retried', fields={}, look='', ident='retry-%s' % job['id'], words='Try again', spoken='Try again: ' + name)
% end
% if job['can_dismiss']:
% include('_act.tpl', action=path + 'dismiss', said='dismissed', fields={}, look='ghost', ident='dismiss-%s' % job['id'], words='Dismiss', spoken='Dismiss: ' + name)
% end
% if job['can_cancel']:
% include('_act.tpl', action=path + 'cancel', said='cancelled', fields={}, look='ghost', ident='cancel-%s' % job['id'], words='Cancel', spoken='Cancel: ' + name)
% end
% if job['can_stop'] and not job['is_stopping']:
% include('_act.tpl', action=path + 'stop', said='stopped', fields={}, look='ghost', ident='stop-%s' % job['id'], words='Stop', spoken='Stop: ' + name)
% end
