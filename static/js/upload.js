/** The upload page: three files at a time, small ones first, and no file forgotten on the way. */

import { filesOf } from './files.js';
import { fetchPage, sessionEnded } from './http.js';
import { say } from './notice.js';
import { paintRow, showRefused, showRows, wordsWhilePaused } from './rows.js';
import { isAwake, isReadable, send } from './send.js';
import { onPause, watch } from './watch.js';

const LANES = 3;
const LONGEST_WAIT = 60_000;
const REFUSALS = 5;

const form = document.getElementById('drop');
const input = document.getElementById('files');
const batch = document.getElementById('batch');
const overall = document.getElementById('overall');
const bar = document.getElementById('overall-bar');
const waitingLine = document.getElementById('waiting');
const retryAll = document.getElementById('retry-all');
const seeAll = document.getElementById('see-all');
const seeBad = document.getElementById('see-bad');
const pausedNote = document.getElementById('paused');
const maxSize = Number(form.dataset.maxSize) || Infinity;

/** Item states: waiting → sending (→ again → sending) → making → ready; or known, bad, unmade. */
const items = [];
const counts = { waiting: 0, sending: 0, again: 0, making: 0, ready: 0, known: 0, bad: 0, unmade: 0 };
const line = [];
const toPaint = new Set();
const naps = new Set();
let lanes = 0;
let bytes = 0;
let bytesSent = 0;
let hopeless = 0;
let signedOut = false;
let trouble = '';
let paused = Boolean(form.dataset.paused);

/* ---- what a person sees ---- */

let frame = 0;

function repaint(item) {
  if (item) toPaint.add(item);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    for (const one of toPaint) paintRow(one);
    toPaint.clear();
    paintOverall();
  });
}

const pending = () => counts.waiting + counts.sending + counts.again;
let spokenAt = 0;
let speakLater = 0;

function sentence() {
  const sent = items.length - pending() - counts.bad;
  const parts = [`${sent} of ${items.length} sent`];
  if (counts.ready) parts.push(`${counts.ready} ready`);
  if (counts.known) parts.push(`${counts.known} already here`);
  if (counts.bad) parts.push(`${counts.bad} not accepted`);
  if (counts.unmade) parts.push(`${counts.unmade} without a preview`);
  return { sent, parts };
}

/** A part of the line that does not break in the middle. */
function unbroken(words, n, all) {
  const part = document.createElement('span');
  part.textContent = n < all.length - 1 ? `${words} · ` : words;
  return part;
}

/** The line above the rows; it is read out, so it changes at most once a second. */
function paintOverall() {
  bar.value = bytes ? bytesSent / bytes : 1;
  waitingLine.textContent = hint();
  retryAll.hidden = counts.bad === hopeless && !signedOut;
  seeBad.hidden = !counts.bad || items.length < 6;
  seeAll.hidden = pending() > 0 || counts.ready + counts.known + counts.making === 0;
  const left = 1_000 - (performance.now() - spokenAt);
  if (left > 0) {
    speakLater ||= setTimeout(() => { speakLater = 0; paintOverall(); }, left);
    return;
  }
  spokenAt = performance.now();
  const { sent, parts } = sentence();
  if (overall.textContent !== parts.join(' · ')) overall.replaceChildren(...parts.map(unbroken));
  document.title = pending() ? `(${sent}/${items.length}) Upload · homequeue` : 'Upload · homequeue';
}

function hint() {
  if (signedOut) return 'Waiting until you are signed in again';
  if (trouble && counts.again) return trouble;
  if (pending()) return 'Keep this page open until everything is sent';
  if (!counts.making) return '';
  const later = paused ? 'the previews are made when homequeue goes on' : 'the previews make themselves';
  return `All sent. You can close this page; ${later}`;
}

/** Says of the photos that wait for a preview whether anything is being made at all. */
function setPaused(until) {
  if (paused === Boolean(until)) return;
  paused = Boolean(until);
  pausedNote.hidden = !paused;
  if (paused) pausedNote.querySelector('span').textContent = pausedWords(new Date(until));
  wordsWhilePaused(paused);
  for (const item of items) if (item.state === 'making') toPaint.add(item);
  repaint();
}

function pausedWords(until) {
  if (until - Date.now() > 365 * 86_400_000) return 'Paused until somebody resumes.';
  const soon = until - Date.now() < 20 * 3_600_000;
  const when = until.toLocaleString([], soon ? { timeStyle: 'short' } : { dateStyle: 'long', timeStyle: 'short' });
  return `Paused until ${when}.`;
}

function setState(item, state, words = '') {
  if (item.state) counts[item.state] -= 1;
  counts[state] += 1;
  item.state = state;
  item.words = words;
  repaint(item);
}

/* ---- sending ---- */

/** Rests, but not longer than until somebody finds the server awake again. */
function nap(ms) {
  return new Promise((resolve) => {
    const wake = () => { clearTimeout(timer); naps.delete(wake); resolve(); };
    const timer = setTimeout(wake, ms);
    naps.add(wake);
  });
}

function wakeAll() {
  trouble = '';
  for (const wake of [...naps]) wake();
}

function progress(item, sent) {
  const now = Math.min(sent, item.file.size);
  bytesSent += now - item.sent;
  item.sent = now;
  repaint(item);
}

function kept(item, asset) {
  item.id = asset.id;
  progress(item, item.file.size);
  if (asset.duplicate) {
    setState(item, 'known', asset.restored ? 'Already here – taken back out of the trash' : '');
    return;
  }
  if (asset.state === 'ready') { setState(item, 'ready'); return; }
  setState(item, 'making');
  watch(asset.id, (now) => {
    const url = now.renditions?.thumbnail;
    if (typeof url === 'string') item.thumbnail = url;
    setState(item, now.state === 'ready' ? 'ready' : 'unmade', now.state === 'ready' ? '' : now.error);
  });
}

/** `forGood`: the same file will not be taken another time either, so nobody is asked to try. */
function refused(item, words, forGood = false) {
  progress(item, 0);
  bytes -= item.file.size;
  item.hopeless = forGood;
  if (forGood) hopeless += 1;
  setState(item, 'bad', words);
}

function restLabel(rest) {
  if (rest < 15_000) return 'trying again in a moment';
  return rest < 90_000 ? 'trying again within a minute or so' : `trying again in about ${Math.round(rest / 60_000)} minutes`;
}

/** Waits out a failure that may pass. Says whether another try makes sense. */
async function waitOut(item, answer) {
  item.tries += 1;
  progress(item, 0);
  if (answer.lost && !(await isReadable(item.file))) {
    refused(item, 'This device no longer lets the page read the file. Choose it once more.', true);
    return false;
  }
  if (answer.server || (answer.lost && (await isAwake()))) item.refusals += 1;
  if (item.refusals >= REFUSALS) {
    refused(item, answer.words || 'The connection broke off every time.');
    return false;
  }
  const growing = Math.min(LONGEST_WAIT, 1_000 * 2 ** (item.tries - 1)) * (0.8 + 0.4 * Math.random());
  const rest = Math.max(growing, (answer.after ?? 0) * 1_000);
  const words = answer.words || (answer.lost ? 'The server cannot be reached' : 'The server is busy');
  const when = restLabel(rest);
  trouble = `${words.replace(/\.$/, '')}, ${when}`;
  setState(item, 'again', `${words.replace(/\.$/, '')} – ${when}`);
  await nap(rest);
  return true;
}

/** A 403 may be a token from before a restart: takes a fresh one, once. */
async function freshToken() {
  const page = await fetchPage('/upload');
  const now = page.querySelector('meta[name="csrf-token"]');
  document.querySelector('meta[name="csrf-token"]').content = now.content;
}

async function deliver(item) {
  let renewed = false;
  for (;;) {
    setState(item, 'sending');
    const answer = await send(item.file, (sent) => progress(item, sent));
    if (answer.kind === 'kept') { wakeAll(); kept(item, answer.asset); return; }
    if (answer.kind === 'signed-out') { pause(item); return; }
    if (answer.kind === 'forbidden' && !renewed) {
      renewed = true;
      progress(item, 0);
      await freshToken().catch(() => {});
      continue;
    }
    if (answer.kind !== 'later') { refused(item, answer.words, true); return; }
    if (!(await waitOut(item, answer))) return;
  }
}

function pause(item) {
  progress(item, 0);
  line.unshift(item);
  setState(item, 'waiting');
  signedOut = true;
  sessionEnded({ newTab: true });
}

async function lane() {
  lanes += 1;
  while (line.length && !signedOut) await deliver(line.shift());
  lanes -= 1;
  if (!lanes) window.removeEventListener('beforeunload', stay);
}

function stay(event) {
  event.preventDefault();
}

function start() {
  if (line.length) window.addEventListener('beforeunload', stay);
  for (let n = Math.min(LANES - lanes, line.length); n > 0; n -= 1) lane();
}

/** Takes the signed-in state up again, then sends what waits. */
async function resume() {
  try {
    await freshToken();
  } catch {
    sessionEnded({ newTab: true });
    return;
  }
  signedOut = false;
  say('');
  start();
}

/* ---- choosing ---- */

function whyNot(file) {
  if (file.size > maxSize) return `Too big: up to ${form.dataset.maxLabel} can be sent.`;
  return file.size === 0 ? 'The file is empty.' : '';
}

/** Every file that is chosen is sent: what is here already only the server knows for sure. */
function add(files) {
  const fresh = files.map((file) => (
    { file, sent: 0, tries: 0, refusals: 0, id: null, row: null, state: '', words: '' }
  ));
  if (!fresh.length) return;
  items.push(...fresh);
  fresh.sort((a, b) => a.file.size - b.file.size);
  batch.hidden = false;
  document.documentElement.classList.add('has-batch');
  for (const item of fresh) {
    bytes += item.file.size;
    const no = whyNot(item.file);
    if (no) refused(item, no, true);
    else { setState(item, 'waiting'); line.push(item); }
  }
  line.sort((a, b) => a.file.size - b.file.size);
  showRows(fresh, (item) => again([item]));
  start();
}

function again(some) {
  for (const item of some) {
    bytes += item.file.size;
    item.tries = 0;
    item.refusals = 0;
    setState(item, 'waiting');
    line.push(item);
  }
  if (signedOut) resume();
  else start();
}

document.documentElement.classList.add('with-js');
input.addEventListener('change', () => {
  add([...input.files]);
  input.value = '';
});
form.addEventListener('submit', (event) => event.preventDefault());
retryAll.addEventListener('click', () => {
  again(items.filter((item) => item.state === 'bad' && !item.hopeless));
});
seeBad.addEventListener('click', showRefused);
window.addEventListener('online', wakeAll);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && signedOut) resume();
});

/* A drop is taken anywhere on the page. */
let depth = 0;
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
const over = (is) => document.documentElement.classList.toggle('over', is);

window.addEventListener('dragenter', (event) => {
  if (!carriesFiles(event)) return;
  depth += 1;
  over(true);
});
window.addEventListener('dragleave', () => {
  depth = Math.max(0, depth - 1);
  if (!depth) over(false);
});
window.addEventListener('dragover', (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
window.addEventListener('drop', async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  over(false);
  add(await filesOf(event.dataTransfer));
});

wordsWhilePaused(paused);
onPause(setPaused);
if (input.files.length) add([...input.files]);
