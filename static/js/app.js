/** On every page: menus close on Escape and on a tap beside them. */

const MENUS = 'details.account[open], details.confirm[open]';

document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll(MENUS)) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll(MENUS)) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
