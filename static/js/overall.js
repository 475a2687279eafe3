/** Above the rows: how far all of it is, how fast, what became of it and what a person may do about it. */

import './copy.js';
import { isGuest } from './guest.js';
import { trouble } from './lanes.js';
import { paceLabel, totals } from './speed.js';
import { BROUGHT, count, counts, items, PENDING, RESTING, those, toTryAgain } from './states.js';
import { offerUndo, plural } from './undo.js';

const TITLE = document.title;

const $ = (id) => document.getElementById(id);
const line = $('overall');
const bar = $('overall-bar');
const summary = $('tally-words');
const linked = new Set();
let spokenAt = -Infinity;
let later = 0;
let busy = false;
let paused = false;
let passed = 0;

/** Does not promise previews while the queue is paused. */
export function promiseNothing(isPaused) {
  paused = isPaused;
}

/** Counts files that were left out, for they only lay beside photos. */
export function passOver(some) {
  passed += some;
}

/** How many were left out, and why. */
export const leftOut = (n) => plural(n, 'file that only belongs to photos was left out', 'files that only belong to photos were left out');

const told = (state, words) => counts[state] && `${counts[state]} ${words}`;

function sentence() {
  const sent = count([...BROUGHT, 'known', 'undone']);
  const wanted = items.length - counts.cancelled;
  const parts = [
    wanted && `${sent} of ${wanted} sent`,
    !isGuest && told('ready', 'ready'),
    told('known', 'already here'),
    told('paused', 'paused'),
    told('choose', 'to be chosen again'),
    told('bad', 'not accepted'),
    told('unmade', 'without a preview'),
    told('undone', 'in the trash'),
    told('cancelled', 'cancelled'),
    passed && `${plural(passed, 'other file', 'other files')} left out`,
  ];
  return { sent, parts: parts.filter(Boolean) };
}

function hint() {
  if (trouble.signedOut) return 'Waiting until you are signed in again';
  if (trouble.words && counts.again) return trouble.words;
  if (count(PENDING)) return paceLabel() || 'Keep this page open until everything is sent';
  const left = counts.bad + count(RESTING);
  if (isGuest && left) return `${counts.ready} arrived, ${left} did not`;
  const rest = counts.cancelled ? 'The others' : 'All';
  if (isGuest && counts.ready) return `${rest} arrived. Thank you! You can close this page`;
  if (!counts.making) return '';
  if (left) return `${left} of ${items.length - counts.cancelled} not sent`;
  const afterwards = paused ? 'the previews are made when homequeue goes on' : 'the previews make themselves';
  return `${rest} sent. You can close this page; ${afterwards}`;
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
  $('retry-all').hidden = !toTryAgain().length && !trouble.signedOut;
  $('see-bad').hidden = counts.bad + counts.choose === 0 || items.length < 6;
  $('after').hidden = pending + counts.paused > 0 || count([...BROUGHT, 'known', 'bad', 'undone']) === 0;
}

/**
 * Brings it up to date. The line is read out, so it changes at most once a second, but at once when
 * all is sent: nobody shall read of a rest that is not there.
 */
export function paintOverall() {
  const { all, sent } = totals();
  bar.value = all ? sent / all : 0;
  bar.hidden = !all;
  paintButtons();
  const left = 1_000 - (performance.now() - spokenAt);
  if (left > 0 && busy === count(PENDING) > 0) {
    later ||= setTimeout(() => { later = 0; paintOverall(); }, left);
    return;
  }
  spokenAt = performance.now();
  $('waiting').textContent = hint();
  const { sent: files, parts } = sentence();
  if (line.textContent !== parts.join(' · ')) line.replaceChildren(...parts.map(unbroken));
  const pending = count(PENDING);
  busy = pending > 0;
  document.title = pending ? `(${files}/${items.length - counts.cancelled}) ${TITLE}` : TITLE;
  paintBadge(pending);
  if ($('after').hidden) return;
  paintTally();
  paintReceipts();
  offerUndo();
}

function why(item) {
  return `${item.name}: ${item.words}`;
}

/** A moment as the server writes it. */
export function moment(at) {
  return at.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' }).replace(' at', ',');
}

/** What became of each file, in words that can be copied. */
function tally() {
  const restored = those('known').filter((item) => item.restored).length;
  const lines = [
    `${moment(items[0].chosenAt)}: ${plural(items.length + passed, 'file', 'files')}`,
    `${count([...BROUGHT, 'undone'])} added`,
    told('undone', 'of them moved to the trash again'),
    told('unmade', 'of them without a preview'),
    ...those('unmade').map(why),
    counts.known > restored && `${counts.known - restored} already here`,
    restored && `${restored} taken back out of the trash`,
    told('bad', 'not accepted'),
    ...those('bad').map(why),
    told('choose', 'to be chosen again'),
    ...those('choose').map((item) => item.name),
    told('cancelled', 'cancelled'),
    passed && leftOut(passed),
  ];
  return lines.filter(Boolean).join('\n');
}

function paintTally() {
  const now = tally();
  // Writing would undo what somebody has selected.
  if (summary.value !== now) summary.value = now;
  summary.rows = Math.min(10, now.split('\n').length + 1);
}

/** Links to what became of each file: after minutes it goes on in another batch. Guests are told of none. */
function paintReceipts() {
  for (const { batch } of items) {
    if (!batch || linked.has(batch)) continue;
    linked.add(batch);
    const link = $('receipts').cloneNode(true);
    link.removeAttribute('id');
    link.hidden = false;
    link.href = `/batches/${batch}`;
    if (linked.size > 1) link.textContent += ` (part ${linked.size})`;
    $('receipts').before(link);
  }
}

/** On the icon of an installed page, where the browser lets it (not on plain http). */
function paintBadge(pending) {
  if (!navigator.setAppBadge) return;
  (pending ? navigator.setAppBadge(pending) : navigator.clearAppBadge()).catch(() => {});
}
