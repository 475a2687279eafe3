/** The ways files come to the page: buttons, a drop anywhere, a paste. */

import { onDrop } from './drops.js';
import { worth } from './files.js';

/** Calls `add(files)` whenever a person gives some. */
export function onFiles(add) {
  for (const input of document.querySelectorAll('#drop input[type="file"]')) listen(input, add);
  window.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    add(files);
  });
  onDrop(add);
}

function listen(input, add) {
  const take = () => {
    // What a folder holds besides its files is nobody's photo.
    const files = [...input.files];
    add(input.webkitdirectory ? files.filter(worth) : files);
    input.value = '';
  };
  input.addEventListener('change', take);
  // Chosen before this script ran, or kept by the browser over a reload.
  if (input.files.length) take();
}
