/** The rows of the upload page: one for each file, with its progress, its picture or its reason. */

import { sizeLabel } from './speed.js';

const MOST_MISSES = 6;
const SLICE = 100;

const rows = document.getElementById('rows');
const blank = document.getElementById('row').content.firstElementChild;
const unbuilt = [];
const itemOf = new WeakMap();

/** What a person may want of a row: its button's name and icon, and what it is called for others. */
const ACTS = {
  pause: ['Pause', 'pause'],
  resume: ['Resume', 'play'],
  cancel: ['Cancel', 'close'],
  retry: ['Try again', ''],
  remake: ['Try again', ''],
  choose: ['Choose it again', ''],
};
const OFFERS = {
  waiting: ['pause', 'cancel'],
  checking: ['pause', 'cancel'],
  sending: ['pause', 'cancel'],
  again: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  choose: ['choose', 'cancel'],
  bad: ['retry'],
  unmade: ['remake'],
  cancelled: ['retry'],
};
const WORDS = {
  waiting: 'Waiting',
  checking: 'Looking whether it is here already',
  sending: 'Sending',
  again: 'Trying again soon',
  paused: 'Paused',
  choose: 'Not finished before this page was closed',
  making: 'Sent – making its preview',
  bad: 'Not accepted',
  cancelled: 'Cancelled',
  undone: 'In the trash',
};
const ICONS = {
  ready: 'check', known: 'check', bad: 'alert', unmade: 'alert', choose: 'alert', paused: 'pause', cancelled: 'close', undone: 'trash',
};

/** Does not promise a preview while the queue is paused. */
export function wordsWhilePaused(isPaused) {
  WORDS.making = isPaused ? 'Sent – its preview comes later' : 'Sent – making its preview';
}

/** Calls `act(what, item)` when a person wants something of a row: a key of ACTS. */
export function onAct(act) {
  rows.addEventListener('click', (event) => {
    const what = event.target.closest('button')?.dataset.act;
    if (what) act(what, itemOf.get(event.target.closest('.row')));
  });
}

/** Shows rows for new items. */
export function showRows(items) {
  const idle = !unbuilt.length;
  unbuilt.push(...items);
  if (idle) buildSlice();
}

/** Builds rows a hundred at a time, so that two thousand files do not stop the page. */
function buildSlice() {
  const slice = document.createDocumentFragment();
  for (const item of unbuilt.splice(0, SLICE)) {
    const row = blank.cloneNode(true);
    itemOf.set(row, item);
    row.querySelector('.name').textContent = item.name;
    row.querySelector('.size').textContent = sizeLabel(item.size);
    item.row = row;
    item.bar = row.querySelector('progress');
    item.bar.setAttribute('aria-label', `Sending ${item.name}`);
    slice.append(row);
    paintRow(item);
  }
  const bad = [...slice.querySelectorAll('.row.bad')];
  rows.append(slice);
  bad.forEach(bringForward);
  if (unbuilt.length) requestAnimationFrame(buildSlice);
}

function wordsOf(item) {
  const told = item.words || WORDS[item.state];
  const words = item.note ? `${told} · ${item.note}` : told;
  const partly = item.sent > 0 && item.sent < item.size && ['sending', 'again', 'paused', 'choose'].includes(item.state);
  if (!partly) return words;
  const part = `${sizeLabel(item.sent)} of ${sizeLabel(item.size)}`;
  return item.state === 'sending' ? part : `${words} · ${part}`;
}

/** Brings a row up to date with its item; cheap when nothing changed. */
export function paintRow(item) {
  if (!item.row) return;
  item.bar.value = item.size ? item.sent / item.size : 0;
  const { row, state } = item;
  const words = wordsOf(item);
  if (item.painted === `${state} ${words}`) return;
  row.querySelector('.state').textContent = words;
  const moved = !item.painted?.startsWith(`${state} `);
  item.painted = `${state} ${words}`;
  if (moved) paintState(item);
}

function paintState(item) {
  const { row, state } = item;
  const good = state === 'ready' || state === 'known';
  const bad = state === 'bad' || state === 'unmade' || state === 'choose';
  row.className = `row ${state}${good ? ' good' : ''}${bad ? ' bad' : ''}`;
  row.querySelector('use').setAttribute('href', `#i-${ICONS[state] ?? 'photos'}`);
  item.bar.hidden = !(['sending', 'again', 'paused', 'choose'].includes(state) && (item.sent || state === 'sending'));
  if (item.id && row.querySelector('span.name')) linkName(item);
  if (good && !item.bare && !row.querySelector('img')) addPicture(item);
  offer(item);
  if (bad) bringForward(row);
}

/** Puts a refused row above the others, below those refused before: nobody looks for it in thousands. */
function bringForward(row) {
  const others = rows.querySelector('.row:not(.bad)');
  if (!others || row.parentElement !== rows) return;
  if (others.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING) rows.insertBefore(row, others);
}

/** Brings the refused rows, which are the first, onto the screen, below the head that stays there. */
export function showRefused() {
  const first = rows.querySelector('.row.bad');
  const head = document.querySelector('.batch-head');
  const stuck = Number.parseFloat(getComputedStyle(head).top);
  first?.focus({ preventScroll: true });
  window.scrollBy({ top: rows.getBoundingClientRect().top - stuck - head.offsetHeight });
}

function linkName(item) {
  const link = document.createElement('a');
  link.className = 'name';
  link.href = `/assets/${item.id}`;
  link.textContent = item.name;
  item.row.querySelector('.name').replaceWith(link);
}

/** Shows the small picture of an item in its row. */
export function addPicture(item) {
  const picture = document.createElement('img');
  picture.alt = '';
  picture.loading = 'lazy';
  picture.decoding = 'async';
  picture.width = 56;
  picture.height = 56;
  picture.onerror = () => {
    picture.remove();
    item.misses = (item.misses ?? 0) + 1;
    // The server may be away for a moment; what it has not got, it will not have a minute later.
    if (item.misses <= MOST_MISSES) setTimeout(() => addPicture(item), 500 * 2 ** item.misses);
  };
  picture.src = item.thumbnail || `/api/assets/${item.id}/thumbnail`;
  item.row.querySelector('.slot').append(picture);
}

/** Offers what may be done about a row now; the keyboard stays where it was. */
function offer(item) {
  const wanted = item.state === 'bad' && item.forGood ? [] : OFFERS[item.state] ?? [];
  const acts = item.row.querySelector('.acts');
  const focused = acts.contains(document.activeElement) ? document.activeElement.dataset.act : '';
  const there = [...acts.children].map((button) => button.dataset.act);
  if (there.join() === wanted.join()) return;
  acts.replaceChildren(...wanted.map((what) => button(what, item)));
  if (focused) (acts.querySelector(`[data-act="${focused}"]`) ?? acts.firstElementChild ?? item.row).focus();
}

function button(what, item) {
  const [words, symbol] = ACTS[what];
  const made = document.createElement('button');
  made.type = 'button';
  made.dataset.act = what;
  made.setAttribute('aria-label', `${words}: ${item.name}`);
  if (!symbol) {
    made.className = 'button small-button';
    made.textContent = words;
    return made;
  }
  made.className = 'act';
  made.title = words;
  made.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#i-${symbol}"></use></svg>`;
  return made;
}
