/** Activity: the page keeps itself up to date without taking focus, scroll or open details away. */

import { parse } from './http.js';
import { conditional, repeat } from './poll.js';

const BUSY_REST = 2_000;
const IDLE_REST = 10_000;

const box = document.getElementById('activity');
const read = conditional(location.pathname + location.search);

const voice = document.createElement('p');
voice.className = 'sr';
voice.setAttribute('role', 'status');
box.before(voice);

const summary = () => document.getElementById('summary')?.textContent ?? '';
const withoutNumbers = (words) => words.replace(/[\d.,]+/g, '');

/** Carries over open details, and the old nodes themselves where nothing changed. */
function merge(fresh) {
  for (const details of box.querySelectorAll('details[open][id]')) {
    const twin = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (twin) twin.open = true;
  }
  for (const twin of fresh.querySelectorAll('[id]')) {
    const old = document.getElementById(twin.id);
    if (fresh.contains(twin) && old?.isEqualNode(twin)) twin.replaceWith(old);
  }
}

/** Shows a fresh copy; reads the summary out only when it says something new, not at every number. */
function replace(fresh) {
  const focused = box.contains(document.activeElement) ? document.activeElement.id : '';
  const before = summary();
  merge(fresh);
  box.dataset.busy = fresh.dataset.busy;
  box.replaceChildren(...fresh.childNodes);
  if (withoutNumbers(summary()) !== withoutNumbers(before)) voice.textContent = summary();
  if (focused) (document.getElementById(focused) ?? document.getElementById('main')).focus({ preventScroll: true });
}

repeat(async () => {
  const html = await read();
  if (html === undefined) return null;
  const fresh = html ? parse(html).getElementById('activity') : null;
  if (fresh) replace(document.adoptNode(fresh));
  return box.dataset.busy ? BUSY_REST : IDLE_REST;
}, BUSY_REST);
