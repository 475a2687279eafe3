<section class="batch" id="batch" aria-label="This upload" hidden>
  <div class="batch-head">
    <p id="overall" class="overall" role="status" aria-live="polite"></p>
    <progress id="overall-bar" max="1" value="0" aria-label="All photos"></progress>
    <div class="batch-foot">
      <p id="waiting" class="quiet small"></p>
      <button id="retry-all" class="button small-button" type="button" hidden>Try all again</button>
      <button id="pause-all" class="button small-button" type="button" hidden>Pause all</button>
      <button id="resume-all" class="button small-button" type="button" hidden>Resume all</button>
      <button id="cancel-all" class="button small-button" type="button" hidden>Cancel all</button>
      <button id="see-bad" class="button small-button" type="button" aria-label="Show not accepted" hidden>Not accepted</button>
    </div>
  </div>
  <div id="after" class="after" hidden>
    % if user:
    <a class="button small-button" href="/">See all photos</a>
    % end
    <a id="receipts" class="button small-button" hidden>What became of each file</a>
    <details id="tally" class="tally" data-copy>
      <summary>Copy a summary</summary>
      <textarea id="tally-words" readonly aria-label="The summary"></textarea>
    </details>
    <button id="undo" class="button small-button ghost" type="button" hidden></button>
  </div>
  <ul class="rows" id="rows"></ul>
</section>
<template id="row">
  <li class="row" tabindex="-1">
    <span class="slot"><svg class="icon" aria-hidden="true"><use href="#i-photos"></use></svg></span>
    <span class="what"><span class="name"></span><span class="state"></span><progress max="1" value="0" hidden></progress></span>
    <span class="size"></span>
    <span class="acts"></span>
  </li>
</template>
