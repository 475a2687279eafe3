/** The timeline: older photos come while scrolling, waiting ones turn into pictures by themselves. */

import { onDrop } from './drops.js';
import { handOver } from './handover.js';
import { fetchPage, parse } from './http.js';
import { conditional, repeat } from './poll.js';
import { placeholders } from './thumbhash.js';

const BUSY_REST = 1_500;
/** Somebody else's phone may send photos while this page is looked at. */
const IDLE_REST = 15_000;

const timeline = document.getElementById('timeline');
const pages = [];

/** Remembers a page that is on show, so that its waiting photos can be asked for. */
function keep(url, list) {
  pages.push({ read: conditional(url), ids: [...list.querySelectorAll('.tile')].map((tile) => tile.id) });
}

function sectionFor(day) {
  return timeline.querySelector(`.day[data-day="${CSS.escape(day)}"]`);
}

/** Adds an older page below what is there; a day that was cut in two is joined. */
function append(older) {
  for (const day of older.querySelectorAll('#timeline > .day')) {
    const here = sectionFor(day.dataset.day);
    if (!here) {
      day.classList.add('later');
      timeline.append(document.adoptNode(day));
    } else {
      const fresh = [...day.querySelectorAll('.tile')].filter((tile) => !document.getElementById(tile.id));
      here.querySelector('.grid').append(...fresh);
    }
  }
  placeholders(timeline);
}

/** Puts a tile where it now belongs: in place of its old self, or (on the first page) as a new one. */
function placeTile(tile, grid, before, mayAdd) {
  const here = document.getElementById(tile.id);
  if (!here) {
    if (!mayAdd) return null;
    document.adoptNode(tile);
    if (before) before.after(tile);
    else grid.prepend(tile);
    return tile;
  }
  if (here.dataset.state === tile.dataset.state && here.dataset.live === tile.dataset.live) return here;
  const hadFocus = here.contains(document.activeElement);
  tile.classList.add('fresh');
  here.replaceWith(document.adoptNode(tile));
  if (hadFocus) tile.querySelector('a').focus();
  return tile;
}

/** Brings what is on show up to date with a fresh copy of one page. */
function refresh(fresh, mayAdd) {
  if (mayAdd) removeGone(fresh);
  let lastDay = null;
  for (const day of fresh.querySelectorAll('#timeline > .day')) {
    let here = sectionFor(day.dataset.day);
    if (!here && mayAdd) {
      here = document.adoptNode(day);
      if (lastDay) lastDay.after(here);
      else timeline.prepend(here);
    } else if (here) {
      let last = null;
      for (const tile of day.querySelectorAll('.tile')) {
        last = placeTile(tile, here.querySelector('.grid'), last, mayAdd) ?? last;
      }
    }
    lastDay = here ?? lastDay;
  }
  const finder = fresh.querySelector('.finder');
  if (finder && !document.querySelector('.finder')) document.querySelector('.page-head').after(finder);
  for (const part of ['.page-head', '#news']) {
    const old = document.querySelector(part);
    const now = fresh.querySelector(part);
    if (old && now && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  }
  if (timeline.firstElementChild) document.querySelector('.empty')?.remove();
  placeholders(timeline);
}

/** Removes what the first page no longer has, down to where it ends; below that other pages begin. */
function removeGone(fresh) {
  const ids = new Set([...fresh.querySelectorAll('.tile')].map((tile) => tile.id));
  const shown = [...timeline.querySelectorAll('.tile')];
  const end = fresh.getElementById('older') ? shown.findLastIndex((tile) => ids.has(tile.id)) : shown.length;
  for (const tile of shown.slice(0, Math.max(0, end))) if (!ids.has(tile.id)) tile.remove();
  for (const day of timeline.querySelectorAll('.day')) if (!day.querySelector('.tile')) day.remove();
}

const stateOf = (id) => document.getElementById(id)?.dataset.state;
const isMade = (id) => ['pending', 'processing'].includes(stateOf(id));
/** Made, or held back by a pause. */
const isWaiting = (id) => isMade(id) || stateOf(id) === 'held';

const isBusy = () => Boolean(document.querySelector('#news .busy')) || pages.some((page) => page.ids.some(isMade));

let turn = 0;

async function lookAgain() {
  const waiting = pages.filter((page, n) => n > 0 && page.ids.some(isWaiting));
  turn += 1;
  const page = waiting.length && turn % 2 ? waiting[(turn >> 1) % waiting.length] : pages[0];
  const html = await page.read();
  if (html === undefined || !timeline.isConnected) return null;
  if (html) {
    const fresh = parse(html);
    if (page === pages[0]) page.ids = [...fresh.querySelectorAll('.tile')].map((tile) => tile.id);
    refresh(fresh, page === pages[0]);
  }
  return isBusy() ? BUSY_REST : IDLE_REST;
}

/** Fetches one older page and puts it below; the link then leads to the next one, or goes. */
async function loadOlder(link) {
  link.setAttribute('aria-busy', 'true');
  link.textContent = 'Fetching older photos…';
  try {
    const page = await fetchPage(link.href);
    keep(link.href, page);
    append(page);
    const further = page.getElementById('older');
    if (further) link.href = further.href;
    else link.parentElement.remove();
    link.textContent = 'Show older photos';
    return Boolean(further);
  } catch {
    link.textContent = 'Could not fetch them. Try again';
    return false;
  } finally {
    link.removeAttribute('aria-busy');
  }
}

/** Turns the "Show older" link into loading on the way down; gives back the function that loads. */
function loadOnScroll(link) {
  let running = null;
  const load = () => {
    running ??= loadOlder(link).then((more) => {
      running = null;
      if (more) watcher.observe(link);
      return more;
    });
    return running;
  };
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watcher.unobserve(link);
    load();
  }, { rootMargin: '1500px' });
  watcher.observe(link);
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load();
  });
  return load;
}

const NOTE = 'came-from-timeline';

/** Leaves a note for the viewer: "back" may go back, to the very place one came from. */
timeline.addEventListener('click', (event) => {
  const tile = event.target.closest('.tile');
  try {
    if (tile) sessionStorage.setItem(NOTE, tile.id.slice(2));
  } catch { /* storage switched off: "back" is a plain link then */ }
});

/** Reads the note the viewer brought back, once. */
function lastSeen() {
  try {
    const id = sessionStorage.getItem(NOTE);
    sessionStorage.removeItem(NOTE);
    return id && `a-${id}`;
  } catch {
    return null;
  }
}

/** Puts a photo on the screen, and the keyboard on it. */
function show(id, block) {
  const tile = document.getElementById(id);
  tile?.scrollIntoView({ block });
  tile?.querySelector('a').focus({ preventScroll: true });
}

/** Back from the viewer: the photo seen last is on the screen again, however far down it is. */
async function findPlace(load) {
  const id = lastSeen();
  if (!id || performance.getEntriesByType('navigation')[0]?.type !== 'back_forward') return;
  let more = Boolean(load);
  while (!document.getElementById(id) && more) more = await load();
  show(id, 'center');
}

window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  const id = lastSeen();
  if (id) show(id, 'nearest');
  clock?.wake();
});

placeholders(timeline);
onDrop(handOver);
keep(location.href, document);
const older = document.getElementById('older');
findPlace(older && loadOnScroll(older));
const onFirstPage = !new URLSearchParams(location.search).has('cursor');
const worthALook = onFirstPage || pages[0].ids.some(isWaiting);
const clock = worthALook ? repeat(lookAgain, pages[0].ids.some(isWaiting) ? 800 : BUSY_REST) : null;
