/** Checking dates and duplicates: an answer is taken without leaving the place on the page. */

import { submitForm } from './http.js';
import { sayAsTold } from './notice.js';

const main = document.getElementById('main');
const ticks = () => [...main.querySelectorAll('input[name="id"][form="chosen"]')];

function count() {
  const all = main.querySelector('.choose-all');
  if (!all) return;
  const found = ticks();
  const chosen = found.filter((tick) => tick.checked);
  const ticked = chosen.length;
  const knows = chosen.some((tick) => 'found' in tick.dataset);
  all.hidden = !found.length;
  all.parentElement.classList.toggle('ticked', ticked > 0);
  all.querySelector('input').checked = ticked > 0 && ticked === found.length;
  main.querySelector('#how-many').textContent = ticked ? `For the ${ticked === 1 ? 'photo' : `${ticked} photos`} ticked${knows ? '' : ', of which nothing else was found'}:` : 'For the photos that are ticked:';
  for (const button of main.querySelectorAll('#chosen button')) button.disabled = !ticked || (button.value === 'accept' && !knows);
}

/** Takes over the page as it now is; who was at the third card is at the third card again. */
function takeOver(page, at) {
  const ticked = new Set(ticks().filter((tick) => tick.checked).map((tick) => tick.value));
  main.replaceChildren(...[...page.getElementById('main').childNodes].map((node) => document.importNode(node, true)));
  for (const tick of ticks()) tick.checked = ticked.has(tick.value);
  const cards = main.querySelectorAll('.doubt, .twins');
  (cards[Math.min(at, cards.length - 1)]?.querySelector('.at-once button') ?? main).focus({ preventScroll: cards.length > 0 });
  sayAsTold(page);
  count();
}

main.addEventListener('submit', async (event) => {
  const form = event.target.closest('.at-once');
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector('button');
  if (button.disabled) return;
  button.disabled = true;
  const at = [...main.querySelectorAll('.doubt, .twins')].indexOf(form.closest('.doubt, .twins'));
  try {
    const { page } = await submitForm(form);
    takeOver(page, at);
  } catch {
    // The server says why on a page of its own.
    button.disabled = false;
    form.submit();
  }
});

main.addEventListener('change', (event) => {
  if (event.target.id === 'choose-all') for (const tick of ticks()) tick.checked = event.target.checked;
  count();
});

count();
