/** Sending what waits: three files at a time, small ones first, and no file forgotten on the way. */

import { check, onChecked } from './check.js';
import { csrfToken, fetchPage, sessionEnded } from './http.js';
import { forget, remember, update } from './memory.js';
import { say } from './notice.js';
import { goGently, isAwake, isReadable, send, withdraw } from './send.js';
import { items, move, PENDING } from './states.js';
import { arrived, progress } from './speed.js';
import { watch } from './watch.js';

const LANES = 3;
const LONGEST_WAIT = 60_000;
const REFUSALS = 5;

const form = document.getElementById('drop');
const line = [];
const naps = new Map();
let lanes = 0;
/** What keeps all files waiting, as the page says it. */
export const trouble = { signedOut: false, words: '' };

/** Rests, but not longer than until somebody wants this file or finds the server awake again. */
function nap(item, ms) {
  return new Promise((resolve) => {
    const wake = () => { clearTimeout(timer); naps.delete(item); resolve(); };
    const timer = setTimeout(wake, ms);
    naps.set(item, wake);
  });
}

/** Ends all pauses between tries: the server is there. */
export function wakeAll() {
  trouble.words = '';
  for (const wake of [...naps.values()]) wake();
}

/* ---- what became of a file ---- */

function kept(item, { id, outcome }) {
  item.id = id;
  forget(item);
  arrived(item);
  if (outcome === 'known') { move(item, 'known'); return; }
  if (outcome === 'restored') { move(item, 'known', 'Already here – taken back out of the trash'); return; }
  move(item, 'making');
  watch(id, (asset) => pictured(item, asset));
}

function pictured(item, asset) {
  const url = asset.renditions?.thumbnail;
  if (typeof url === 'string') item.thumbnail = url;
  if (asset.state !== 'ready') move(item, 'unmade', asset.error);
  else move(item, 'ready', asset.damaged ? 'Kept, but damaged: it shows as far as it goes.' : '');
}

/** Has the pictures of a photo made once more, after that has failed. */
export async function remake(item) {
  const headers = { Accept: 'application/json', 'X-CSRF-Token': csrfToken() };
  const failed = await fetch(`/api/jobs?asset=${item.id}&state=failed,quarantined`, { headers }).catch(() => null);
  const job = failed?.ok ? (await failed.json()).jobs[0] : null;
  const answer = job && await fetch(`/api/jobs/${job.id}/retry`, { method: 'POST', headers }).catch(() => null);
  if (!answer?.ok) { say('That did not work. Try it from the page of the photo.'); return; }
  if (move(item, 'making')) watch(item.id, (asset) => pictured(item, asset));
}

function here(item, asset) {
  item.id = asset.id;
  const url = asset.renditions?.thumbnail;
  if (typeof url === 'string') item.thumbnail = url;
  forget(item);
  item.bare = asset.state === 'failed';
  const words = item.bare ? 'Already here, but without a preview' : '';
  move(item, 'known', asset.restored ? 'Already here – taken back out of the trash' : words);
}

/** `forGood`: the same file will not be taken another time either, so nobody is asked to try. */
export function refused(item, words, forGood = false) {
  if (!move(item, 'bad', words)) return;
  item.forGood = forGood;
  if (forGood && item.key) forget(item);
}

/* ---- sending ---- */

function restLabel(rest) {
  if (rest < 15_000) return 'trying again in a moment';
  return rest < 90_000 ? 'trying again within a minute or so' : `trying again in about ${Math.round(rest / 60_000)} minutes`;
}

/** Waits out a failure that may pass. Says whether another try makes sense. */
async function waitOut(item, answer, sentBefore) {
  item.tries = item.sent > sentBefore ? 1 : item.tries + 1;
  if (answer.lost && !(await isReadable(item.file))) {
    refused(item, 'This device no longer lets the page read the file. Choose it once more.', true);
    return false;
  }
  if (item.sent > sentBefore) item.refusals = 0;
  if (answer.lost && (await isAwake())) {
    item.refusals += 1;
    goGently();
  }
  if (answer.server) item.refusals += 1;
  if (item.refusals >= REFUSALS) {
    refused(item, answer.words || 'The connection broke off every time.');
    return false;
  }
  const growing = Math.min(LONGEST_WAIT, 1_000 * 2 ** (item.tries - 1)) * (0.8 + 0.4 * Math.random());
  const rest = Math.max(growing, (answer.after ?? 0) * 1_000);
  const words = (answer.words || (answer.lost ? 'The server cannot be reached' : 'The server is busy')).replace(/\.$/, '');
  if (!move(item, 'again', `${words} – ${restLabel(rest)}`)) return false;
  trouble.words = `${words}, ${restLabel(rest)}`;
  await nap(item, rest);
  return item.state === 'again';
}

/** A 403 may be a token from before a restart: takes a fresh one; another person's is not ours. */
async function freshToken() {
  const page = await fetchPage('/upload');
  if (page.getElementById('drop').dataset.user !== form.dataset.user) throw new Error('somebody else');
  const now = page.querySelector('meta[name="csrf-token"]');
  document.querySelector('meta[name="csrf-token"]').content = now.content;
}

async function deliver(item) {
  let renewed = false;
  while (move(item, 'sending')) {
    const before = item.sent;
    const answer = await send(item, (sent) => progress(item, sent));
    if (answer.kind === 'kept') { wakeAll(); kept(item, answer); return; }
    if (answer.kind === 'stopped' || item.state !== 'sending') return;
    if (answer.kind === 'signed-out') { signOut(item); return; }
    if (answer.kind === 'at once') continue;
    if (answer.kind === 'forbidden' && !renewed) {
      renewed = true;
      await freshToken().catch(() => {});
      continue;
    }
    if (answer.kind !== 'later') { refused(item, answer.words, true); return; }
    if (!(await waitOut(item, answer, before))) return;
  }
}

function signOut(item) {
  if (move(item, 'waiting')) line.unshift(item);
  trouble.signedOut = true;
  sessionEnded({ newTab: true });
}

async function lane() {
  lanes += 1;
  while (line.length && !trouble.signedOut) {
    const item = line.shift();
    if (item.state === 'waiting') await deliver(item);
  }
  lanes -= 1;
}

/** Sends what is in line. */
function start() {
  for (let n = Math.min(LANES - lanes, line.length); n > 0; n -= 1) lane();
}

/** Takes the signed-in state up again, then sends what waits. */
export async function signedIn() {
  try {
    await freshToken();
  } catch {
    sessionEnded({ newTab: true });
    return;
  }
  trouble.signedOut = false;
  say('');
  start();
}

/* ---- what a person may want ---- */

/** Sends items that were not in line: new ones, paused ones, ones to be tried again. */
export function enqueue(some) {
  const going = some.filter((item) => item.file && move(item, 'waiting'));
  for (const item of going) {
    item.tries = 0;
    item.refusals = 0;
    item.forgotten = false;
  }
  remember(going);
  line.push(...going.filter((item) => item.checked));
  line.sort((a, b) => a.size - b.size);
  check(going.filter((item) => !item.checked));
  if (trouble.signedOut) signedIn();
  else start();
}

function leave(item, state) {
  const url = item.url;
  if (!move(item, state)) return false;
  item.stop?.();
  item.stopHashing?.();
  naps.get(item)?.();
  update(item);
  if (state === 'cancelled') {
    forget(item);
    item.url = '';
    item.sent = 0;
    if (url) withdraw(url);
  }
  return true;
}

/** Lets items wait until somebody resumes them. */
export function pause(some) {
  for (const item of some) leave(item, 'paused');
}

/** Does not send items after all. One whose last bytes are on their way cannot be held back. */
export function cancel(some) {
  for (const item of some) {
    if (item.state !== 'sending' || item.sent < item.size) leave(item, 'cancelled');
  }
}

/** Whether anything would be lost if the page were closed now. */
export function mustStay() {
  return items.some((item) => PENDING.includes(item.state) && !item.stored);
}

onChecked((some) => {
  line.push(...some);
  line.sort((a, b) => a.size - b.size);
  start();
}, here);
