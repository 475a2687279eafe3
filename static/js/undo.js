/** Taking an upload back: what it brought goes to the trash, at once or when the page is next opened. */

import { csrfToken } from './http.js';
import { say } from './notice.js';
import { BROUGHT, move, those } from './states.js';

const KEY = 'homequeue-last-upload';
const LANES = 4;

const user = document.getElementById('drop').dataset.user;
const button = document.getElementById('undo');
const note = document.getElementById('last');

/** “1 photo”, “3 photos”. */
export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Remembers what this upload brought, and offers to take it back. */
export function offerUndo() {
  const ids = those(...BROUGHT).map((item) => item.id);
  button.hidden = !ids.length;
  button.textContent = `Move ${ids.length === 1 ? 'this photo' : `these ${ids.length} photos`} to the trash`;
  if (ids.length) localStorage.setItem(KEY, JSON.stringify({ user, ids }));
}

/** Offers to take back the upload before this one, until there is a new one. */
export function offerLast() {
  const last = JSON.parse(localStorage.getItem(KEY) ?? '{}');
  note.hidden = last.user !== user;
  if (note.hidden) return;
  note.querySelector('span').textContent = `Your last upload here brought ${plural(last.ids.length, 'photo', 'photos')}.`;
  note.querySelector('button').onclick = async () => {
    note.hidden = true;
    await takeBack(last.ids, () => {});
  };
}

/** Does not offer the upload before this one any more. */
export function forgetLast() {
  note.hidden = true;
}

async function discard(id) {
  try {
    const answer = await fetch(`/api/assets/${id}`, { method: 'DELETE', headers: { 'X-CSRF-Token': csrfToken() } });
    return answer.ok || answer.status === 404;
  } catch {
    return false;
  }
}

/** Moves photos to the trash, a few at a time; those that could not be moved are offered again. */
async function takeBack(ids, gone) {
  const line = [...ids];
  const left = [];
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let id = line.pop(); id; id = line.pop()) {
      if (await discard(id)) gone(id);
      else left.push(id);
    }
  }));
  if (left.length) localStorage.setItem(KEY, JSON.stringify({ user, ids: left }));
  else localStorage.removeItem(KEY);
  const link = document.createElement('a');
  link.href = '/trash';
  link.textContent = 'Show the trash';
  const moved = ids.length - left.length;
  const words = `${plural(moved, 'photo is', 'photos are')} in the trash.`;
  say(left.length ? `${words} ${left.length} could not be moved; try again.` : words, link);
}

button.addEventListener('click', async () => {
  const some = new Map(those(...BROUGHT).map((item) => [item.id, item]));
  button.disabled = true;
  await takeBack([...some.keys()], (id) => move(some.get(id), 'undone'));
  button.disabled = false;
});
