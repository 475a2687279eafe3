/** Taking an upload back: what it brought goes to the trash, at once or when the page is next opened. */

import { write } from './http.js';
import { watchAgain } from './lanes.js';
import { broughtLast, goOnWithLast, noteLast } from './memory.js';
import { say, sayInPassing } from './notice.js';
import { BROUGHT, move, those } from './states.js';

const LANES = 4;

const button = document.getElementById('undo');
const note = document.getElementById('last');

/** “1 photo”, “3 photos”. */
export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Offers to take back what this upload brought. */
export function offerUndo() {
  // Guests are told no ids: what they sent is not theirs to throw away.
  const ids = those(...BROUGHT).map((item) => item.id).filter(Boolean);
  button.hidden = !ids.length;
  button.textContent = `Move ${ids.length === 1 ? 'this photo' : `these ${ids.length} photos`} to the trash`;
}

/** Offers to take back the upload before this one, until there is a new one. */
export function offerLast() {
  if (!note) return;
  const ids = broughtLast();
  note.hidden = !ids.length;
  note.querySelector('span').textContent = `Your last upload here brought ${plural(ids.length, 'photo', 'photos')}.`;
  note.querySelector('button').textContent = `Move ${ids.length === 1 ? 'it' : 'them'} to the trash`;
  note.querySelector('button').onclick = async () => {
    note.hidden = true;
    goOnWithLast();
    await takeBack(ids, () => {}, () => {});
  };
}

/** Does not offer the upload before this one any more. */
export function forgetLast() {
  if (note) note.hidden = true;
}

/** Asks for each of some photos, a few at a time, and tells of those that went well; returns the others. */
async function each(ids, method, address, done) {
  const line = [...ids];
  const left = [];
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let id = line.pop(); id; id = line.pop()) {
      const answer = await write(method, address(id));
      if (answer?.ok || answer?.status === 404) done(id);
      else left.push(id);
    }
  }));
  return left;
}

/** A button that takes exactly these photos out of the trash again. */
function undoButton(ids, back) {
  const undo = document.createElement('button');
  undo.type = 'button';
  undo.className = 'notice-button';
  undo.textContent = 'Undo';
  undo.onclick = async () => {
    undo.disabled = true;
    const left = await each(ids, 'POST', (id) => `/api/assets/${id}/restore`, (id) => { noteLast(id); back(id); });
    const words = `${plural(ids.length - left.length, 'photo is', 'photos are')} back.`;
    if (left.length) say(`${words} ${left.length} could not be taken out of the trash; try again.`, undoButton(left, back));
    else sayInPassing(words);
  };
  return undo;
}

/** Moves photos to the trash; those that could not be moved are offered again. */
async function takeBack(ids, gone, back) {
  const left = await each(ids, 'DELETE', (id) => `/api/assets/${id}`, (id) => { noteLast(id, true); gone(id); });
  const moved = ids.filter((id) => !left.includes(id));
  const words = `${plural(moved.length, 'photo is', 'photos are')} in the trash.`;
  const more = left.length ? `${words} ${left.length} could not be moved; try again.` : words;
  say(more, moved.length && undoButton(moved, back));
}

button.addEventListener('click', async () => {
  const some = new Map(those(...BROUGHT).map((item) => [item.id, item]));
  button.disabled = true;
  const gone = (id) => move(some.get(id), 'undone');
  await takeBack([...some.keys()], gone, (id) => watchAgain(some.get(id)));
  button.disabled = false;
});
