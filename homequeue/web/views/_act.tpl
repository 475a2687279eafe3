<form method="post" action="{{action}}">
  <input type="hidden" name="csrf" value="{{csrf}}">
  <input type="hidden" name="next" value="{{back(said)}}">
  % for name, value in fields.items():
  <input type="hidden" name="{{name}}" value="{{value}}">
  % end
  <button class="button {{look}} small-button" id="{{ident}}" type="submit" aria-label="{{spoken}}">{{words}}</button>
</form>
