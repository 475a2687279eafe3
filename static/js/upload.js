/** The upload page: files come in, each has its row, and all of them arrive. */

import { onFiles } from './choosing.js';
import { cancel, enqueue, mustStay, pause, refused, remake, signedIn, trouble, wakeAll } from './lanes.js';
import { adopt, open } from './memory.js';
import { paintOverall, promiseNothing } from './overall.js';
import { look } from './phones.js';
import { onAct, paintRow, showRefused, showRows, wordsWhilePaused } from './rows.js';
import { onProgress } from './speed.js';
import { counts, items, move, newItem, onMove, PENDING, those } from './states.js';
import { livingTabs, tab } from './tabs.js';
import { forgetLast, offerLast } from './undo.js';
import { onPause } from './watch.js';

const form = document.getElementById('drop');
const pausedNote = document.getElementById('paused');
const maxSize = Number(form.dataset.maxSize) || Infinity;
const toPaint = new Set();
let frame = 0;
let paused = false;

function repaint(item) {
  if (item) toPaint.add(item);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    for (const one of toPaint) paintRow(one);
    toPaint.clear();
    paintOverall();
  });
}

/* ---- files come in ---- */

function whyNot(file) {
  if (file.size > maxSize) return `Too big: up to ${form.dataset.maxLabel} can be sent.`;
  return file.size === 0 ? 'The file is empty.' : '';
}

/** The item that waits for this file to be chosen again, if there is one. */
function wanted(file) {
  return counts.choose && items.find((item) => item.state === 'choose' && item.name === file.name && item.size === file.size);
}

/** Every file that is chosen is sent, unless the server says that it has it. */
function add(files) {
  const found = files.map((file) => {
    const item = wanted(file);
    if (!item) return newItem(file);
    Object.assign(item, { file, modified: file.lastModified, checked: false, hashed: false });
    move(item, 'waiting');
    return item;
  });
  if (!found.length) return;
  found.sort((a, b) => a.size - b.size);
  for (const item of found) {
    const no = whyNot(item);
    if (no) refused(item, no, true);
  }
  show(found.filter((item) => !item.row));
  enqueue(found.filter((item) => item.state !== 'bad'));
  look(files);
}

function show(some) {
  document.getElementById('batch').hidden = false;
  document.documentElement.classList.add('has-batch');
  forgetLast();
  showRows(some);
  repaint();
}

/** Goes on with what was not sent when the page was closed, unless another tab is at it. */
async function goOn() {
  const found = (await adopt(await livingTabs())).map((kept) => ({ kept, item: newItem(kept.file, kept) }));
  if (!found.length) return;
  for (const { item } of found) if (!item.file) move(item, 'choose');
  show(found.map(({ item }) => item));
  enqueue(found.filter(({ kept }) => kept.file).map(({ item }) => item));
  pause(found.filter(({ kept }) => kept.paused).map(({ item }) => item));
}

/* ---- what a person may want ---- */

const DEEDS = {
  pause: (item) => pause([item]),
  resume: (item) => enqueue([item]),
  cancel: (item) => cancel([item]),
  retry: (item) => enqueue([item]),
  remake,
  choose: () => document.getElementById('files').click(),
};

function onClick(id, act) {
  document.getElementById(id).addEventListener('click', act);
}

onClick('pause-all', () => pause(those(...PENDING)));
onClick('resume-all', () => enqueue(those('paused')));
onClick('cancel-all', () => cancel(those(...PENDING, 'paused', 'choose')));
onClick('retry-all', () => enqueue(those('bad').filter((item) => !item.forGood)));
onClick('see-bad', showRefused);
onAct((what, item) => DEEDS[what](item));

/* ---- the queue may be paused ---- */

function pausedWords(until) {
  if (until - Date.now() > 365 * 86_400_000) return 'Paused until somebody resumes.';
  const soon = until - Date.now() < 20 * 3_600_000;
  const when = until.toLocaleString([], soon ? { timeStyle: 'short' } : { dateStyle: 'long', timeStyle: 'short' });
  return `Paused until ${when}.`;
}

function setPaused(is) {
  paused = is;
  wordsWhilePaused(is);
  promiseNothing(is);
}

/** Says of the photos that wait for a preview whether anything is being made at all. */
onPause((until) => {
  if (paused === Boolean(until)) return;
  setPaused(Boolean(until));
  pausedNote.hidden = !paused;
  if (paused) pausedNote.querySelector('span').textContent = pausedWords(new Date(until));
  for (const item of those('making')) toPaint.add(item);
  repaint();
});

/* ---- all of it together ---- */

document.documentElement.classList.add('with-js');
form.addEventListener('submit', (event) => event.preventDefault());
window.addEventListener('online', wakeAll);
window.addEventListener('beforeunload', (event) => { if (mustStay()) event.preventDefault(); });
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && trouble.signedOut) signedIn();
});
setPaused(Boolean(form.dataset.paused));
onMove(repaint);
onProgress(repaint);
open(form.dataset.user, tab);
offerLast();
onFiles(add);
goOn();
