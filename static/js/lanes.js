/** Sending what waits: three files at a time, small ones first, and no file forgotten on the way. */

import { check, lookFor, onChecked } from './check.js';
import { isGuest, pictureOf } from './guest.js';
import { fetchPage, json, patience, sessionEnded, SignedOut, write } from './http.js';
import { forget, noteLast, remember, update } from './memory.js';
import { say } from './notice.js';
import { addPicture } from './rows.js';
import { goGently, isAwake, isReadable, send, withdraw } from './send.js';
import { items, move, PENDING } from './states.js';
import { arrived, progress } from './speed.js';
import { watch } from './watch.js';

const LANES = 3;
const LONGEST_WAIT = 60_000;
const REFUSALS = 5;

const form = document.getElementById('drop');
const maxSize = Number(form.dataset.maxSize) || Infinity;
const line = [];
const naps = new Map();
let lanes = 0;
let sidecars = Promise.resolve();
/** What keeps all files waiting, as the page says it. */
export const trouble = { signedOut: false, words: '' };

/** What counts of a file's size: nothing of one that the server refuses by that alone, with a receipt. */
const weight = ({ size }) => (size > maxSize ? 0 : size);

export const smallFirst = (a, b) => weight(a) - weight(b);

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

/** Notes the photo of an item, which is forgotten, but not before its sidecar is there. */
function settle(item, { id, batch }) {
  Object.assign(item, { id, batch });
  if (!item.sidecar) { forget(item); return; }
  sidecars = sidecars.then(() => bring(item)).then(() => forget(item));
}

/** Gives a photo its sidecar, trying until the server has said what it thinks of it. */
async function bring(item) {
  let refusals = 0;
  for (let rest = 1_000; ; rest = Math.min(2 * rest, LONGEST_WAIT)) {
    const answer = await write('PUT', `/api/assets/${item.id}/sidecar`, { body: item.sidecar, signal: patience() });
    if (answer?.status === 204) return;
    const { error, code } = await answer?.json().catch(() => null) ?? {};
    if ([401, 403].includes(answer?.status)) await signedIn();
    else if (answer) refusals += code && [404, 409, 413, 422].includes(answer.status) ? REFUSALS : 1;
    if (refusals >= REFUSALS) {
      item.note = `Its sidecar was not taken${error ? `: ${error}` : ''}`;
      move(item, item.state, item.words);
      return;
    }
    await nap(item, rest);
  }
}

function kept(item, photo) {
  settle(item, photo);
  arrived(item);
  if (isGuest) { arrivedFromGuest(item); return; }
  if (photo.outcome !== 'added') { wasHere(item, { restored: photo.outcome === 'restored' }); return; }
  noteLast(item.id);
  watchAgain(item);
}

function arrivedFromGuest(item) {
  item.bare = true;
  move(item, 'ready', 'Arrived');
  pictureOf(item.file).then((url) => {
    item.thumbnail = url;
    if (url) addPicture(item);
  });
}

/** What is to be said of a photo besides how it came: the words of its receipt. */
function withFlaws(words, asset) {
  if (asset.state === 'failed') return `${words}, but cannot be shown: ${asset.error}`;
  return asset.damaged ? `${words}, but damaged: it shows as far as it goes.` : words;
}

function takePicture(item, { renditions }) {
  if (typeof renditions?.thumbnail === 'string') item.thumbnail = renditions.thumbnail;
}

function pictured(item, asset) {
  takePicture(item, asset);
  move(item, asset.state === 'ready' ? 'ready' : 'unmade', withFlaws('Added', asset));
}

function wasHere(item, asset) {
  item.restored = Boolean(asset.restored);
  move(item, 'known', withFlaws(item.restored ? 'Already here – taken back out of the trash' : 'Already here', asset));
}

/** Has the pictures of a photo made once more, after that has failed. */
export async function remake(item) {
  const failed = await json(fetch(`/api/jobs?asset=${item.id}&state=failed,quarantined`)).catch(() => null);
  const job = failed?.jobs[0];
  const answer = job && await write('POST', `/api/jobs/${job.id}/retry`);
  if (!answer?.ok) { say('That did not work. Try it from the page of the photo.'); return; }
  watchAgain(item);
}

/** Waits for the picture of what was sent, perhaps once more. */
export function watchAgain(item) {
  if (move(item, 'making')) watch(item.id, (asset) => pictured(item, asset));
}

function here(item, asset) {
  takePicture(item, asset);
  settle(item, asset);
  item.bare = asset.state === 'failed';
  wasHere(item, asset);
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

const LOST = { kind: 'later', words: '', lost: true };
const OTHERS = { words: 'Somebody else is signed in here now.' };
const DOOR = { words: 'Please open the link that you were sent once more.', url: location.pathname, act: 'Open it' };

/**
 * A 403 may be a token from before a restart: takes a fresh one; another person's is not ours. Says
 * how to go on, as `send` does. A guest whose cookie is gone comes back as another guest.
 */
async function freshToken() {
  let page;
  try {
    page = await fetchPage(location.pathname);
  } catch (error) {
    // A link that has ended says so itself, when it is tried once more.
    if (isGuest && [404, 410].includes(error.status)) return { kind: 'at once' };
    return error instanceof SignedOut ? { kind: 'signed-out' } : LOST;
  }
  const token = page.querySelector('meta[name="csrf-token"]');
  if (!token) return LOST;
  const user = page.getElementById('drop')?.dataset.user;
  if (isGuest ? !user : user !== form.dataset.user) return { kind: 'signed-out', why: isGuest ? DOOR : OTHERS };
  document.querySelector('meta[name="csrf-token"]').content = token.content;
  return { kind: 'at once' };
}

function mustSignIn(why) {
  trouble.signedOut = true;
  sessionEnded({ newTab: true, ...why });
}

async function deliver(item) {
  let renewed = false;
  while (move(item, 'sending')) {
    const before = item.sent;
    let answer = await send(item, (sent) => progress(item, sent));
    if (answer.kind === 'kept') { wakeAll(); kept(item, answer); return; }
    // Other people's uploads are gone, too: first it is seen whether we are who we were.
    if (answer.kind === 'gone' || (answer.kind === 'forbidden' && !renewed)) {
      const isGone = answer.kind === 'gone';
      answer = await freshToken();
      if (answer.kind === 'at once' && isGone) item.url = '';
      else renewed = answer.kind === 'at once';
    }
    if (answer.kind === 'stopped' || item.state !== 'sending') return;
    if (answer.kind === 'signed-out') { signOut(item, answer.why); return; }
    if (answer.kind === 'at once') continue;
    if (answer.kind !== 'later') { refused(item, answer.words, answer.forGood); return; }
    if (!(await waitOut(item, answer, before))) return;
  }
}

function signOut(item, why) {
  if (move(item, 'waiting')) line.unshift(item);
  mustSignIn(why);
}

async function lane() {
  lanes += 1;
  while (line.length && !trouble.signedOut) {
    const item = line.shift();
    if (item.state === 'waiting') await deliver(item);
  }
  lanes -= 1;
}

function join(some) {
  line.push(...some);
  line.sort(smallFirst);
}

/** Sends what is in line. */
function start() {
  for (let n = Math.min(LANES - lanes, line.length); n > 0; n -= 1) lane();
}

/** Takes the signed-in state up again, then sends what waits. */
export async function signedIn() {
  const { kind, why } = await freshToken();
  if (kind === 'signed-out') mustSignIn(why);
  if (kind !== 'at once') return;
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
    // What is here already is not for guests to know.
    item.checked ||= isGuest || !weight(item);
  }
  remember(going);
  join(going.filter((item) => item.checked));
  check(going.filter((item) => !item.checked));
  if (trouble.signedOut) signedIn();
  else start();
}

/** Says of a cancelled file if it had arrived. */
async function lookBack(item, url) {
  for (const rest of [0, 1_000, 4_000, 16_000]) {
    if (rest) await nap(item, rest);
    const photo = await (url ? withdraw(url) : lookFor(item));
    if (photo && item.state === 'cancelled') {
      const isIts = photo.outcome === 'added' && !items.some(({ id }) => id === photo.id);
      if (isIts) item.note = 'It had arrived before it was cancelled';
      kept(item, isIts ? photo : { ...photo, outcome: 'known' });
    }
    if (photo !== undefined) return;
  }
}

function leave(item, state) {
  const { url } = item;
  const isBegun = ['sending', 'again'].includes(item.state) || item.sent > 0;
  if (!move(item, state)) return false;
  item.stop?.();
  item.stopHashing?.();
  naps.get(item)?.();
  update(item);
  if (state === 'cancelled') {
    forget(item);
    item.url = '';
    item.sent = 0;
    // What is here is not for guests to know.
    if (url || (isBegun && !isGuest)) lookBack(item, url);
  }
  return true;
}

/** Lets items wait until somebody resumes them. */
export function pause(some) {
  for (const item of some) leave(item, 'paused');
}

/** Does not send items after all. One whose last bytes are on their way cannot be held back, and says so. */
export function cancel(some) {
  for (const item of some) {
    if (item.state === 'sending' && item.sent >= item.size) move(item, 'sending', 'All of it is on its way: too late to cancel');
    else leave(item, 'cancelled');
  }
}

/** Whether anything would be lost if the page were closed now. */
export function mustStay() {
  return items.some((item) => PENDING.includes(item.state) && !item.stored);
}

onChecked((some) => {
  join(some);
  start();
}, here);
