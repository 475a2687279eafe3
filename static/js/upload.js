/** The upload page: files come in, each has its row, and all of them arrive. */

import { onDrop } from './drops.js';
import { isCompanion, isSidecar, pair, UNREAD, worth } from './files.js';
import { isGuest } from './guest.js';
import { cancel, enqueue, mustStay, pause, refused, remake, signedIn, smallFirst, trouble, wakeAll } from './lanes.js';
import { adopt, goOnWithLast, open } from './memory.js';
import { leftOut, moment, passOver, paintOverall, promiseNothing } from './overall.js';
import { sayInPassing } from './notice.js';
import { look } from './phones.js';
import { onAct, paintRow, showRefused, showRows, wordsWhilePaused } from './rows.js';
import { onProgress } from './speed.js';
import { counts, items, move, newItem, onMove, PENDING, those, toTryAgain } from './states.js';
import { forgetLast, offerLast } from './undo.js';
import { onPause } from './watch.js';

const form = document.getElementById('drop');
const pausedNote = document.getElementById('paused');
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

/** The item that waits for this file to be chosen again, if there is one. */
function wanted(file) {
  return counts.choose && items.find((item) => item.state === 'choose' && item.name === file.name && item.size === file.size);
}

/** What lies beside photos is no refusal: what does not go with one of them is counted. */
function leaveOut(beside, taken) {
  const others = beside.filter((file) => !taken.has(file));
  if (!others.length) return;
  passOver(others.length);
  const words = `${leftOut(others.length)}.`;
  const isAlone = !isGuest && others.some(isSidecar);
  sayInPassing(isAlone ? `${words} A sidecar (.xmp) comes along with the photo it is named after.` : words);
}

/** The item of a file: a new one, or the one that waited for it to be chosen again. */
function itemOf(file) {
  const item = wanted(file);
  if (!item) return newItem(file);
  Object.assign(item, { file, modified: file.lastModified, checked: false, hashed: false });
  move(item, 'waiting');
  return item;
}

/** Every photo that is chosen is sent, unless the server says that it has it. */
async function add(files) {
  const photos = files.filter((file) => !isCompanion(file));
  const beside = files.filter(isCompanion);
  const sidecars = isGuest ? new Map() : pair(photos, beside);
  leaveOut(beside, new Set(sidecars.values()));
  const found = photos.map(itemOf);
  if (!found.length) return;
  found.sort(smallFirst);
  for (const item of found) if (item.type === UNREAD) refused(item, 'This could not be read. Choose it once more.', true);
  show(found.filter((item) => !item.row));
  await Promise.all([...sidecars].map(([photo, sidecar]) => readSidecar(found.find((item) => item.file === photo), sidecar)));
  enqueue(found.filter((item) => item.state !== 'bad'));
  look(files);
}

async function readSidecar(item, sidecar) {
  item.sidecar = await sidecar.text().catch(() => '');
  if (!item.sidecar) item.note = 'Its sidecar could not be read';
}

function show(some) {
  document.getElementById('batch').hidden = false;
  document.documentElement.classList.add('has-batch');
  forgetLast();
  showRows(some);
  repaint();
}

function listen(input) {
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

/** Takes what comes by buttons, by a paste and by a drop anywhere. */
function listenEverywhere() {
  for (const input of document.querySelectorAll('#drop input[type="file"]')) listen(input);
  window.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    add(files);
  });
  onDrop(add);
}

/** Goes on with what was not sent when the page was closed, unless another tab is at it. */
async function goOn() {
  const found = (await adopt()).map((kept) => ({ kept, item: newItem(kept.file, kept) }));
  if (!found.length) return;
  goOnWithLast();
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
onClick('retry-all', () => enqueue(toTryAgain()));
onClick('see-bad', showRefused);
onAct((what, item) => DEEDS[what](item));

/* ---- the queue may be paused ---- */

function pausedWords(until) {
  if (until - Date.now() > 365 * 86_400_000) return 'Paused until somebody resumes.';
  const when = moment(until);
  return `Paused until ${until - Date.now() < 20 * 3_600_000 ? when.slice(-5) : when}.`;
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
for (const back of ['visibilitychange', 'focus']) {
  window.addEventListener(back, () => { if (trouble.signedOut) signedIn(); });
}
setPaused(Boolean(form.dataset.paused));
onMove(repaint);
onProgress(repaint);
open(form.dataset.user);
offerLast();
listenEverywhere();
goOn();
