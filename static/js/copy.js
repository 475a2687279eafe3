/** A button beside what is shown only once: it copies it, also on plain http, where the clipboard's newer ways are not. */

import { sayInPassing } from './notice.js';

for (const box of document.querySelectorAll('[data-copy]')) {
  const input = box.querySelector('input, textarea');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button small-button';
  button.textContent = 'Copy';
  button.addEventListener('click', () => {
    input.select();
    sayInPassing(document.execCommand('copy') ? 'Copied.' : 'It is selected: copy it as you copy any text.');
  });
  box.append(button);
}
