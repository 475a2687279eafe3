/** The rows of the upload page: one for each file, with its progress, its picture or its reason. */

const MOST_MISSES = 6;
const SLICE = 100;

const rows = document.getElementById('rows');
const blank = document.getElementById('row').content.firstElementChild;
const unbuilt = [];
let onRetry = () => {};

/** Shows rows for new items; `retry(item)` is called when a person asks for another try. */
export function showRows(items, retry) {
  onRetry = retry;
  const idle = !unbuilt.length;
  unbuilt.push(...items);
  if (idle) buildSlice();
}

function sizeLabel(size) {
  if (size < 1e3) return size === 1 ? '1 byte' : `${size} bytes`;
  if (size < 999.5e3) return `${Math.round(size / 1e3)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`;
}

const WORDS = {
  waiting: 'Waiting',
  sending: 'Sending',
  again: 'Trying again soon',
  making: 'Sent – making its preview',
  ready: 'Ready',
  known: 'Already here',
  bad: 'Not accepted',
  unmade: 'Kept, but without a preview',
};

/** Does not promise a preview while the queue is paused. */
export function wordsWhilePaused(isPaused) {
  WORDS.making = isPaused ? 'Sent – its preview comes later' : 'Sent – making its preview';
}

function icon(name) {
  return `#i-${{ ready: 'check', known: 'check', making: 'photos', bad: 'alert', unmade: 'alert' }[name] ?? 'photos'}`;
}

/** Builds rows a hundred at a time, so that two thousand files do not stop the page. */
function buildSlice() {
  const slice = document.createDocumentFragment();
  for (const item of unbuilt.splice(0, SLICE)) {
    const row = blank.cloneNode(true);
    row.querySelector('.name').textContent = item.file.name;
    row.querySelector('.size').textContent = sizeLabel(item.file.size);
    item.row = row;
    item.bar = row.querySelector('progress');
    item.bar.setAttribute('aria-label', `Sending ${item.file.name}`);
    slice.append(row);
    paintRow(item);
  }
  const bad = [...slice.querySelectorAll('.row.bad')];
  rows.append(slice);
  bad.forEach(bringForward);
  if (unbuilt.length) requestAnimationFrame(buildSlice);
}

/** Brings a row up to date with its item; cheap when nothing changed. */
export function paintRow(item) {
  if (!item.row) return;
  item.bar.value = item.file.size ? item.sent / item.file.size : 0;
  const { row, state } = item;
  const words = item.words || WORDS[state];
  if (item.painted === `${state} ${words}`) return;
  item.painted = `${state} ${words}`;
  const good = state === 'ready' || state === 'known';
  const bad = state === 'bad' || state === 'unmade';
  row.className = `row ${state}${good ? ' good' : ''}${bad ? ' bad' : ''}`;
  row.querySelector('.state').textContent = words;
  row.querySelector('use').setAttribute('href', icon(state));
  item.bar.hidden = state !== 'sending';
  if (item.id && row.querySelector('span.name')) linkName(item);
  if (good && !row.querySelector('img')) addPicture(item);
  offerRetry(item, state === 'bad' && !item.hopeless);
  if (state === 'bad') bringForward(row);
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
  link.textContent = item.file.name;
  item.row.querySelector('.name').replaceWith(link);
}

function addPicture(item) {
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

function offerRetry(item, wanted) {
  const old = item.row.querySelector('button');
  if (!wanted) {
    const hadFocus = old === document.activeElement;
    old?.remove();
    if (old && hadFocus) item.row.focus();
    return;
  }
  if (old) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button small-button';
  button.textContent = 'Try again';
  button.setAttribute('aria-label', `Try again: ${item.file.name}`);
  item.row.append(button);
  button.addEventListener('click', () => onRetry(item));
}
