<ul class="change-list">
% for done in changes:
  <li>
    <p>{{done['words']}} <span class="quiet small">{{done['when']}}</span></p>
    % if done['undone']:
    <p class="quiet">Undone</p>
    % else:
    <form method="post" action="/api/retimings/{{done['id']}}/undo">
      <input type="hidden" name="csrf" value="{{csrf}}">
      <input type="hidden" name="next" value="{{here}}">
      <button class="button small-button" type="submit" aria-label="Undo: {{done['words']}}">Undo</button>
    </form>
    % end
  </li>
% end
</ul>
