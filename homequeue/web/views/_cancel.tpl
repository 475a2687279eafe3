% number = '{:,}'.format(count)
<details class="confirm choices" id="cancel-{{ident}}">
  <summary class="button ghost small-button" id="cancel-s-{{ident}}" aria-label="Cancel{{of}}">Cancel…</summary>
  <div class="confirm-box">
    <p>{{'Cancel the one that waits?' if count == 1 else 'Cancel all %s that wait?' % number}}</p>
    <p class="quiet small">What has begun is finished, and no photo is lost by it.</p>
    % include('_act.tpl', action='/api/jobs/cancel-waiting', said='cancelled', fields=fields, look='', ident='cancel-yes-%s' % ident, words='Yes, cancel %s' % ('it' if count == 1 else number), spoken='Yes, cancel %s%s' % (number, of))
  </div>
</details>
