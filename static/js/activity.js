/** Activity: its pages keep themselves up to date and press their buttons without taking focus, scroll or open details away. */

import { isSignedOut, parse, sessionEnded, write } from './http.js';
import { say, sayAsTold } from './notice.js';
import { conditional, repeat } from './poll.js';

const EASE = 20;

const box = document.getElementById('activity');
const read = conditional(location.pathname + location.search);
const rest = () => Number(box.dataset.rest);

const voice = document.createElement('p');
voice.className = 'sr';
voice.setAttribute('role', 'status');
box.before(voice);

const summary = () => document.getElementById('summary')?.textContent ?? '';
const withoutNumbers = (words) => words.replace(/[\d.,½]+/g, '');

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
  box.dataset.rest = fresh.dataset.rest;
  box.replaceChildren(...fresh.childNodes);
  if (withoutNumbers(summary()) !== withoutNumbers(before)) voice.textContent = summary();
  if (focused) (document.getElementById(focused) ?? document.getElementById('main')).focus({ preventScroll: true });
}

function show(html) {
  const page = parse(html);
  const fresh = page.getElementById('activity');
  if (fresh) replace(document.adoptNode(fresh));
  return page;
}

/** Presses a button of the page; what came of it is said, and seen in the page that comes back. Throws without an answer. */
async function press(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await write('POST', form.action, { body });
  if (isSignedOut(answer)) {
    sessionEnded();
  } else if (answer.ok) {
    for (const menu of box.querySelectorAll('details.confirm[open]')) menu.open = false;
    sayAsTold(show(await answer.text()));
  } else {
    say((await answer.json()).error);
  }
}

const clock = repeat(async () => {
  if (!rest()) return null;
  const begun = performance.now();
  const html = await read();
  if (html === undefined) return null;
  if (html) show(html);
  // A server that has much to look through is asked less often.
  return rest() ? Math.max(rest(), EASE * (performance.now() - begun)) : null;
}, rest() || 2_000);

box.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { submitter } = event;
  submitter?.setAttribute('aria-disabled', 'true');
  try {
    await press(event.target);
  } catch {
    say('That did not get through. Please try again.');
  }
  submitter?.removeAttribute('aria-disabled');
  clock.wake(rest() || 2_000);
});
