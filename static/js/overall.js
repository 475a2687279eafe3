/** The line above the rows: how far all of it is, how fast, and what a person may do about it. */

import { trouble } from './lanes.js';
import { paceLabel, totals } from './speed.js';
import { BROUGHT, count, counts, items, PENDING, those } from './states.js';
import { paintTally } from './tally.js';
import { offerUndo } from './undo.js';

const TITLE = 'Upload · homequeue';

const $ = (id) => document.getElementById(id);
const line = $('overall');
const bar = $('overall-bar');
let spokenAt = -Infinity;
let later = 0;
let paused = false;

/** Does not promise previews while the queue is paused. */
export function promiseNothing(isPaused) {
  paused = isPaused;
}

function sentence() {
  const sent = count([...BROUGHT, 'known', 'undone']);
  const parts = [`${sent} of ${items.length - counts.cancelled} sent`];
  if (counts.ready) parts.push(`${counts.ready} ready`);
  if (counts.known) parts.push(`${counts.known} already here`);
  if (counts.paused) parts.push(`${counts.paused} paused`);
  if (counts.choose) parts.push(`${counts.choose} to be chosen again`);
  if (counts.bad) parts.push(`${counts.bad} not accepted`);
  if (counts.unmade) parts.push(`${counts.unmade} without a preview`);
  return { sent, parts };
}

function hint() {
  if (trouble.signedOut) return 'Waiting until you are signed in again';
  if (trouble.words && counts.again) return trouble.words;
  if (count(PENDING)) return paceLabel() || 'Keep this page open until everything is sent';
  if (!counts.making) return '';
  const afterwards = paused ? 'the previews are made when homequeue goes on' : 'the previews make themselves';
  return `All sent. You can close this page; ${afterwards}`;
}

/** A part of the line that does not break in the middle. */
function unbroken(words, n, all) {
  const part = document.createElement('span');
  part.textContent = n < all.length - 1 ? `${words} · ` : words;
  return part;
}

function paintButtons() {
  const pending = count(PENDING);
  $('pause-all').hidden = !pending;
  $('resume-all').hidden = pending > 0 || !counts.paused;
  $('cancel-all').hidden = pending + counts.paused + counts.choose < 2;
  $('retry-all').hidden = !those('bad').some((item) => !item.forGood) && !trouble.signedOut;
  $('see-bad').hidden = counts.bad + counts.choose === 0 || items.length < 6;
  $('after').hidden = pending + counts.paused > 0 || count([...BROUGHT, 'known', 'bad', 'undone']) === 0;
}

/** Brings it up to date; the line is read out, so it changes at most once a second. */
export function paintOverall() {
  const { all, sent } = totals();
  bar.value = all ? sent / all : 1;
  paintButtons();
  const left = 1_000 - (performance.now() - spokenAt);
  if (left > 0) {
    later ||= setTimeout(() => { later = 0; paintOverall(); }, left);
    return;
  }
  spokenAt = performance.now();
  $('waiting').textContent = hint();
  const { sent: files, parts } = sentence();
  if (line.textContent !== parts.join(' · ')) line.replaceChildren(...parts.map(unbroken));
  const pending = count(PENDING);
  document.title = pending ? `(${files}/${items.length - counts.cancelled}) ${TITLE}` : TITLE;
  paintBadge(pending);
  if ($('after').hidden) return;
  paintTally();
  offerUndo();
}

/** On the icon of an installed page, where the browser lets it (not on plain http). */
function paintBadge(pending) {
  if (!navigator.setAppBadge) return;
  (pending ? navigator.setAppBadge(pending) : navigator.clearAppBadge()).catch(() => {});
}
