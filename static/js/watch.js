/**
 * Waits for uploaded photos to become pictures: one timer, one question for the photos at the head of
 * the line, because they are made in the order they came.
 */

import { isSignedOut, patience, sessionEnded } from './http.js';
import { repeat } from './poll.js';

const TICK = 700;
const HEAD = 40;
const AFTER_TROUBLE = 2_500;
const WHILE_PAUSED = 5_000;

const waiting = new Map();
let tellPause = () => {};

/** Calls `tell(until)` at every look: until when nothing is made, or null. */
export function onPause(tell) {
  tellPause = tell;
}

function settle(id, asset) {
  const tell = waiting.get(id);
  waiting.delete(id);
  tell(asset);
}

async function ask() {
  const ids = [...waiting.keys()].slice(0, HEAD);
  let answer;
  try {
    const url = `/api/assets?limit=${HEAD}&ids=${ids.join(',')}`;
    answer = await fetch(url, { headers: { Accept: 'application/json' }, signal: patience() });
  } catch {
    return AFTER_TROUBLE;
  }
  if (isSignedOut(answer)) {
    sessionEnded({ newTab: true });
    return AFTER_TROUBLE * 4;
  }
  if (!answer.ok) return AFTER_TROUBLE;
  const told = await answer.json();
  tellPause(told.paused_until ?? null);
  const found = new Map(told.assets.map((asset) => [asset.id, asset]));
  for (const id of ids) {
    const asset = found.get(id);
    if (!asset) settle(id, { state: 'failed', error: 'It was removed in the meantime.' });
    else if (asset.state === 'ready' || asset.state === 'failed') settle(id, asset);
    else if (ids.length === HEAD) moveToTheEnd(id);
  }
  return told.paused_until ? WHILE_PAUSED : TICK;
}

/** Lets one that takes long not keep the line waiting. */
function moveToTheEnd(id) {
  const tell = waiting.get(id);
  waiting.delete(id);
  waiting.set(id, tell);
}

const clock = repeat(() => (waiting.size ? ask() : null), TICK);

/** Calls `tell(asset)` once the photo with this id is ready or has failed. */
export function watch(id, tell) {
  const sleeping = !waiting.size;
  waiting.set(id, tell);
  if (sleeping) clock.wake(TICK / 2);
}
