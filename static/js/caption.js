/** The caption in the viewer: what somebody wrote is saved, whichever way they leave it. */

import { isSignedOut, sessionEnded, write } from './http.js';
import { say, sayInPassing } from './notice.js';

const field = () => document.querySelector('.caption textarea');
let saving = Promise.resolve(true);
let tellSaved = () => {};

/** Calls `tell()` whenever a caption was saved: pages fetched before do not know it. */
export function onSaved(tell) {
  tellSaved = tell;
}

function patch(id, caption) {
  // It arrives even if the page goes away meanwhile.
  return write('PATCH', `/api/assets/${id}`, { keepalive: true, data: { caption } });
}

function paint(sheet, words) {
  const shown = sheet.querySelector('.caption-words');
  shown.textContent = words;
  shown.hidden = !words;
  sheet.querySelector('#caption-s').textContent = words ? 'Change the caption' : 'Add a caption';
}

async function store(area) {
  const sheet = area.closest('#viewer');
  const words = area.value.trim();
  const before = area.defaultValue;
  area.defaultValue = area.value;
  const answer = await patch(sheet.dataset.id, words || null);
  if (answer?.ok) {
    paint(sheet, words);
    tellSaved();
    sayInPassing('The caption is saved.');
    return true;
  }
  area.defaultValue = before;
  if (answer && isSignedOut(answer)) sessionEnded({ newTab: true });
  else say(answer ? 'The caption could not be saved.' : 'The caption is not saved: homequeue cannot be reached.');
  return false;
}

/** Saves the caption if it is another; resolves to whether nothing would be lost now. */
export function saveCaption() {
  const area = field();
  if (area && area.value.trim() !== area.defaultValue.trim()) saving = store(area);
  return saving;
}

/** Saves the caption and closes its field, if it could be saved. */
export async function finishCaption() {
  if (!(await saveCaption())) return;
  const details = field().closest('details');
  details.open = false;
  details.querySelector('summary').focus();
}

document.addEventListener('focusout', (event) => {
  const inside = event.target === field() && !event.target.closest('details').contains(event.relatedTarget);
  if (inside) saveCaption();
});

/** Opened, it is to be written in; closed, it is done. */
document.addEventListener('toggle', (event) => {
  if (!event.target.matches('.caption-edit')) return;
  if (!event.target.open) {
    saveCaption();
    return;
  }
  const area = field();
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}, true);

window.addEventListener('pagehide', saveCaption);
document.addEventListener('visibilitychange', () => { if (document.hidden) saveCaption(); });
