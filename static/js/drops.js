/** Files dropped anywhere on a page: for whoever takes them, and never opened in the page's place. */

import { filesOf } from './files.js';
import { say } from './notice.js';

let take = null;
let depth = 0;

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
const over = (is) => document.documentElement.classList.toggle('over', is && take !== null);

/** Calls `wanted(files)` whenever a person drops some, instead of whoever took them before. */
export function onDrop(wanted) {
  take = wanted;
}

function turnDown() {
  if (!document.body.classList.contains('signed-in')) return;
  const link = document.createElement('a');
  link.href = '/upload';
  link.textContent = 'Upload';
  say('Nothing was taken. Photos can be dropped on the pages Photos and Upload.', link);
}

window.addEventListener('dragenter', (event) => {
  if (!carriesFiles(event)) return;
  depth += 1;
  over(true);
});

window.addEventListener('dragleave', (event) => {
  if (!carriesFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) over(false);
});

window.addEventListener('dragover', (event) => {
  if (carriesFiles(event)) event.preventDefault();
});

window.addEventListener('drop', async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  over(false);
  if (take) take(await filesOf(event.dataTransfer));
  else turnDown();
});
