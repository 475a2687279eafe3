<figure class="picture">
  <figcaption><span class="picture-title">{{picture['title']}}</span> <span class="quiet small">{{picture['words']}}</span></figcaption>
  <div class="plot">
    <span class="quiet small most">{{picture['most']}}</span>
    <svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label="{{picture['title']}}. {{picture['words']}}">
      % for bar in picture['bars']:
      % if bar.high:
      <rect class="{{high}}" x="{{bar.x}}" y="{{100 - bar.high}}" width="{{bar.width}}" height="{{bar.high}}"></rect>
      % end
      % if bar.low:
      <rect class="bar" x="{{bar.x}}" y="{{100 - bar.low}}" width="{{bar.width}}" height="{{bar.low}}"></rect>
      % end
      % end
    </svg>
  </div>
  <p class="marks quiet small" aria-hidden="true"><span>{{marks[0]}}</span><span>{{marks[1]}}</span><span>{{marks[2]}}</span></p>
</figure>
