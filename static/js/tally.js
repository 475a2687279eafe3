/** After an upload: what became of each file, in words that can be copied. */

import { say } from './notice.js';
import { BROUGHT, counts, items, those } from './states.js';
import { plural } from './undo.js';

const words = document.getElementById('tally-words');

function why(item) {
  return `${item.name}: ${item.words}`;
}

function tally() {
  const when = new Date().toLocaleString([], { dateStyle: 'long', timeStyle: 'short' });
  const lines = [
    `${when}: ${plural(items.length, 'file', 'files')}`,
    `${those(...BROUGHT).length} added`,
    counts.known && `${counts.known} already here`,
    counts.undone && `${counts.undone} moved to the trash again`,
    counts.unmade && `${counts.unmade} without a preview`,
    ...those('unmade').map(why),
    counts.bad && `${counts.bad} not accepted`,
    ...those('bad').map(why),
    counts.cancelled && `${counts.cancelled} cancelled`,
  ];
  return lines.filter(Boolean).join('\n');
}

/** The clipboard's newer ways are not there on plain http. */
function copy() {
  paintTally();
  words.select();
  say(document.execCommand('copy') ? 'Copied.' : 'Press Ctrl+C to copy it.');
}

/** Brings the words up to date. */
export function paintTally() {
  const now = tally();
  // Writing would undo what somebody has selected.
  if (words.value !== now) words.value = now;
  words.rows = Math.min(10, now.split('\n').length + 1);
}

document.getElementById('tally').addEventListener('toggle', paintTally);
document.getElementById('copy').addEventListener('click', copy);
