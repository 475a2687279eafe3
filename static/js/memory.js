/**
 * What is still to be sent, in the browser's own database, so that it goes on after a reload or a
 * closed tab. Files that are not too big are kept themselves, while the browser has room for them; the
 * others have to be chosen again.
 */

const FILE_LIMIT = 64 * 2 ** 20;
/** The part of its room that the browser is asked for at most, where it tells how much that is. */
const SHARE = 0.8;
/** How the marks begin of what is to be forgotten. */
const GONE = 'homequeue-gone ';

const LAST = 'homequeue-last-upload';

/** In so many milliseconds other tabs that have this page open answer. */
const WAIT = 250;
/** The name of this tab, another one after every load. */
const tab = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
const others = new Set();
const channel = new BroadcastChannel('homequeue-uploads');
channel.onmessage = ({ data }) => {
  others.add(data.tab);
  if (data.asks) channel.postMessage({ tab });
};

const rest = [];
let last = [];
let storing = false;
let newest = null;
let database = null;
let user = '';
let opened = Promise.resolve();

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function stores(...names) {
  const transaction = database.transaction(names, 'readwrite');
  return names.map((name) => transaction.objectStore(name));
}

/**
 * Does a step once the database is open; without one, or with a full one, it is left out. Steps begin
 * in the order in which they are asked for, and so the database does them.
 */
function then(step) {
  return opened.then(() => (database ? step() : undefined)).catch(() => undefined);
}

/** Opens the memory of one person. */
export function open(person) {
  user = person;
  opened = opened.then(async () => {
    const request = indexedDB.open('homequeue', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('uploads', { keyPath: 'key' });
      request.result.createObjectStore('files');
    };
    database = await done(request);
  }).catch(() => undefined);
}

function record(item) {
  const { key, name, size, type, modified, url, checksum, sent, sidecar } = item;
  const paused = item.state === 'paused';
  return { key, name, size, type, modified, url, checksum, sent, sidecar, paused, user, tab };
}

/** Writes items down, then their files as long as there is room. */
export function remember(some) {
  some.forEach((item, n) => { item.key ??= `${tab}-${Date.now()}-${n}`; });
  then(() => {
    const [uploads] = stores('uploads');
    for (const item of some) uploads.put(record(item));
  });
  const wanted = some.filter((item) => item.size <= FILE_LIMIT && !item.reserved);
  for (const item of wanted) item.reserved = true;
  rest.push(...wanted);
  storeRest();
}

/** Stores one file after the other, so that sending keeps its pace; those first that are sent last. */
async function storeRest() {
  if (storing) return;
  storing = true;
  for (let item = rest.pop(); item; item = rest.pop()) {
    if (item.forgotten || await then(() => store(item))) continue;
    rest.push(item);
    break;
  }
  storing = false;
}

/** Stores a file, if it is still to be sent; says whether there was room. */
async function store(item) {
  const { quota, usage } = await navigator.storage?.estimate() ?? {};
  if (item.forgotten) return true;
  if (usage + item.size > quota * SHARE) return false;
  try {
    const [files] = stores('files');
    files.put(item.file, item.key);
    await new Promise((resolve, reject) => {
      files.transaction.oncomplete = resolve;
      files.transaction.onabort = () => reject(files.transaction.error);
    });
    item.stored = !item.forgotten;
    newest = item;
  } catch (error) {
    // After one that cannot be read, there may be others.
    if (error?.name === 'QuotaExceededError') leaveRoom();
  }
  return true;
}

/** Stores no more, and one less: what is to be written down of all others needs some room, too. */
function leaveRoom() {
  rest.length = 0;
  if (newest?.stored) {
    newest.stored = false;
    stores('files')[0].delete(newest.key);
  }
  newest = null;
}

/** Writes down what is new about an item. */
export function update(item) {
  then(() => { if (!item.forgotten) stores('uploads')[0].put(record(item)); });
}

/** Forgets an item. The page may be left while the database is busy: until it knows, a mark says so. */
export function forget(item) {
  item.forgotten = true;
  item.reserved = false;
  item.stored = false;
  if (database) localStorage.setItem(GONE + item.key, '');
  then(() => erase(item.key, ...stores('uploads', 'files')));
  storeRest();
}

function erase(key, uploads, files) {
  uploads.delete(key);
  files.delete(key);
  uploads.transaction.addEventListener('complete', () => localStorage.removeItem(GONE + key));
}

/** Takes over what this person has still to send and no other tab is at: records, with their files. */
export async function adopt() {
  channel.postMessage({ tab, asks: true });
  await new Promise((resolve) => { setTimeout(resolve, WAIT); });
  return (await then(async () => {
    const [uploads, files] = stores('uploads', 'files');
    const ours = (one) => one.user === user && one.tab !== tab && !others.has(one.tab);
    const found = (await done(uploads.getAll())).filter(ours);
    const isGone = ({ key }) => localStorage.getItem(GONE + key) !== null;
    for (const { key } of found.filter(isGone)) erase(key, uploads, files);
    const taken = found.filter((one) => !isGone(one));
    for (const one of taken) {
      uploads.put({ ...one, tab });
      one.file = await done(files.get(one.key));
    }
    return taken;
  })) ?? [];
}

/* ---- the last upload, which may be taken back ---- */

/** The photos that the last upload brought, as far as they were not taken back. */
export function broughtLast() {
  const kept = JSON.parse(localStorage.getItem(LAST) ?? '{}');
  return kept.user === user ? kept.ids : [];
}

/** What comes from now on belongs to the last upload, not to a new one. */
export function goOnWithLast() {
  last = broughtLast();
}

/** Notes that a photo has come, or was taken back; the first one of an upload ends the one before. */
export function noteLast(id, isGone = false) {
  last = last.filter((one) => one !== id);
  if (!isGone) last.push(id);
  localStorage.setItem(LAST, JSON.stringify({ user, ids: last }));
}
