/** The viewer: arrow keys, swipes, neighbours at hand before they are asked for. */

import { finishCaption, onSaved, saveCaption } from './caption.js';
import { fetchPage, submitForm } from './http.js';
import { startLive, stopLive, turnLive } from './live.js';
import { sayAsTold, withoutSaid } from './notice.js';
import { repeat } from './poll.js';

const NEAR = new Map();
const KEEP = 7;
const STILL_WAITING = new Set(['pending', 'processing', 'converting']);

const voice = document.createElement('p');
voice.className = 'sr';
voice.setAttribute('aria-live', 'polite');
document.getElementById('main').append(voice);

const sheet = () => document.getElementById('viewer');
const neighbour = (side) => sheet().querySelector(side === 'newer' ? '.newer' : '.older-one');

function note(id) {
  try {
    if (id === undefined) return sessionStorage.getItem('came-from-timeline');
    if (id === null) sessionStorage.removeItem('came-from-timeline');
    else sessionStorage.setItem('came-from-timeline', id);
  } catch { /* storage switched off */ }
  return null;
}

/** Fetches a neighbour's page and its picture ahead of time. */
function fetchAhead(url) {
  if (NEAR.has(url)) return NEAR.get(url);
  const page = fetchPage(url).then((doc) => {
    const photo = doc.querySelector('img#photo');
    if (photo) new Image().src = photo.getAttribute('src');
    return doc;
  });
  page.catch(() => NEAR.delete(url));
  NEAR.set(url, page);
  if (NEAR.size > KEEP) NEAR.delete(NEAR.keys().next().value);
  return page;
}

/** Puts a fetched page in place of this one, without a flash in between. */
function show(doc, url) {
  const fresh = doc.getElementById('viewer');
  if (!fresh) throw new Error('not a viewer page');
  const active = document.activeElement;
  const focused = (active?.closest('details')?.querySelector('summary') ?? active)?.id;
  const before = sheet().dataset.id;
  const cameFrom = note() === before;
  sheet().replaceWith(document.importNode(fresh, true));
  document.title = doc.title;
  if (url !== location.href) history.replaceState(null, '', url);
  if (cameFrom) note(sheet().dataset.id);
  // Never nowhere: on the same button of the new sheet, or on the sheet, which reads out its title.
  const again = focused && focused !== 'viewer' ? document.getElementById(focused) : null;
  if (!active?.closest('#notice')) (again ?? sheet()).focus({ preventScroll: true });
  if (again && sheet().dataset.id !== before) voice.textContent = sheet().querySelector('h1').textContent;
  settleIn();
}

function settleIn() {
  const wanted = new Set();
  for (const side of ['older', 'newer']) {
    const link = neighbour(side);
    if (link) wanted.add(link.href);
  }
  for (const url of wanted) fetchAhead(url).catch(() => {});
  if (STILL_WAITING.has(sheet().dataset.state)) waiting.wake(1_000);
}

async function go(side) {
  if (!(await saveCaption())) return;
  const link = neighbour(side);
  if (!link) return;
  const url = link.href;
  try {
    const doc = await fetchAhead(url);
    if (neighbour(side)?.href !== url) return;
    show(doc, url);
    window.scrollTo({ top: 0 });
  } catch {
    location.assign(url);
  }
}

/** The space bar, wherever no button has the keyboard. */
function playOrPause(event) {
  if (document.getElementById('live')) { event.preventDefault(); turnLive(); return; }
  const film = sheet().querySelector('video');
  if (!film) return;
  event.preventDefault();
  if (film.paused) film.play();
  else film.pause();
}

async function leave() {
  if (!(await saveCaption())) return;
  const back = document.getElementById('back');
  if (note() === sheet().dataset.id && history.length > 1) history.back();
  else location.assign(back.href);
}

const waiting = repeat(async () => {
  if (!STILL_WAITING.has(sheet().dataset.state)) return null;
  const url = location.href;
  const doc = await fetchPage(url);
  const fresh = doc.getElementById('viewer');
  if (url === location.href && fresh && isNews(fresh) && !isWriting()) {
    NEAR.delete(url);
    show(doc, url);
    if (fresh.dataset.state === 'ready') voice.textContent = fresh.querySelector('video#photo') ? 'The video is ready' : 'The preview is ready';
  }
  return 2_000;
}, 1_500);

/** Whether a fresh copy tells anything else of the picture: that it is there, or that it has to wait. */
function isNews(fresh) {
  const words = (one) => one.querySelector('#frame').textContent;
  return fresh.dataset.state !== sheet().dataset.state || words(fresh) !== words(sheet());
}

/** Whether somebody is at a caption: a new sheet would take the words away. */
function isWriting() {
  return Boolean(sheet().querySelector('details[open] textarea'));
}

/** Sends a form of the sheet or of the notice and shows what it leads to, without leaving. */
async function submit(form) {
  if (form.closest('.caption')) { finishCaption(); return; }
  if (!(await saveCaption())) return;
  try {
    const { page, url } = await submitForm(form);
    NEAR.clear();
    if (!page.getElementById('viewer')) { location.assign(url); return; }
    const isSame = page.getElementById('viewer').dataset.id === sheet().dataset.id;
    show(page, withoutSaid(url));
    sayAsTold(page);
    if (!sheet().contains(document.activeElement)) sheet().focus({ preventScroll: true });
    if (!isSame) window.scrollTo({ top: 0 });
  } catch {
    form.submit();
  }
}

document.addEventListener('submit', (event) => {
  event.preventDefault();
  submit(event.target);
});

document.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (event.target.closest('video, textarea')) return;
  if (event.key === 'ArrowLeft') go('newer');
  else if (event.key === 'ArrowRight') go('older');
  else if (event.key === 'Escape') leave();
  else if (event.key === ' ' && event.target === sheet()) playOrPause(event);
});

document.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest('.round, #live');
  if (!link) return;
  event.preventDefault();
  if (link.id === 'live') turnLive();
  else if (link.classList.contains('back')) leave();
  else go(link.classList.contains('newer') ? 'newer' : 'older');
});

onSaved(() => NEAR.clear());

/** Swiping: the picture follows the finger and leaves when it was meant. */
let drag = null;
/** Milliseconds a finger rests on a Live Photo until it plays, for as long as it stays there. */
const HOLD = 350;

const shift = (x) => drag.frame.style.setProperty('transform', `translate3d(${x}px, 0, 0)`);

document.addEventListener('pointerdown', (event) => {
  const frame = event.target.closest('#frame');
  if (!frame || event.pointerType !== 'touch' || !event.isPrimary) { drag = null; return; }
  if ((window.visualViewport?.scale ?? 1) > 1.01 || event.target.closest('video, button, a')) return;
  drag = { frame, x: event.clientX, y: event.clientY, at: event.timeStamp, dx: 0, hold: setTimeout(startLive, HOLD) };
  frame.classList.remove('settle');
});

document.addEventListener('pointermove', (event) => {
  if (!drag || !event.isPrimary) return;
  drag.dx = event.clientX - drag.x;
  if (Math.hypot(drag.dx, event.clientY - drag.y) > 8) clearTimeout(drag.hold);
  if (Math.abs(drag.dx) < 8 || Math.abs(event.clientY - drag.y) > Math.abs(drag.dx)) return;
  const somewhere = neighbour(drag.dx > 0 ? 'newer' : 'older');
  shift(somewhere ? drag.dx : drag.dx / 4);
});

function drop(event) {
  if (!drag || !event.isPrimary) return;
  const { frame, dx, at, hold } = drag;
  clearTimeout(hold);
  if (event.timeStamp - at > HOLD && Math.abs(dx) < 8) stopLive();
  const side = dx > 0 ? 'newer' : 'older';
  const meant = Math.abs(dx) > 90 || Math.abs(dx) / Math.max(1, event.timeStamp - at) > 0.45;
  frame.classList.add('settle');
  if (event.type === 'pointerup' && Math.abs(dx) > 24 && meant && neighbour(side)) {
    shift(Math.sign(dx) * frame.clientWidth);
    setTimeout(() => go(side), 160);
  } else shift(0);
  drag = null;
}

/** A long press is for the clip, where there is one, and not for the menu of the browser. */
document.addEventListener('contextmenu', (event) => {
  if (drag && document.getElementById('clip')) event.preventDefault();
});

document.addEventListener('pointerup', drop);
document.addEventListener('pointercancel', drop);

if (note() !== sheet().dataset.id) note(null);
if (document.activeElement === document.body) sheet().focus({ preventScroll: true });
settleIn();
