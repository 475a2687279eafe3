/** On every page: menus close on Escape and on a tap beside them, what was done is said once. */

import './drops.js';
import { sayAsTold, withoutSaid } from './notice.js';

const MENUS = 'details:is(.account, .confirm, .caption-edit)[open]';

document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll(MENUS)) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll(MENUS)) {
    // Whoever else listens to Escape knows by this that it has done its work.
    event.preventDefault();
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

/* The upload page may have come without a load (see handover.js); leafing back and forth then has none either. */
window.addEventListener('popstate', () => {
  if ((location.pathname === '/upload') !== document.body.classList.contains('upload')) location.reload();
});

if (document.getElementById('notice').childNodes.length) {
  history.replaceState(history.state, '', withoutSaid(location.href));
  sayAsTold(document);
}
