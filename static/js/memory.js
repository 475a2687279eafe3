/**
 * What is still to be sent, in the browser's own database, so that it goes on after a reload or a
 * closed tab. Files that are not too big are kept themselves; the others have to be chosen again.
 */

const FILE_LIMIT = 64 * 2 ** 20;
const TOTAL_LIMIT = 512 * 2 ** 20;

const rest = [];
let room = TOTAL_LIMIT;
let database = null;
let user = '';
let tab = '';
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

/** Opens the memory of one person, as this tab. */
export function open(person, name) {
  user = person;
  tab = name;
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
  const { key, name, size, type, modified, url, checksum, sent } = item;
  const paused = item.state === 'paused';
  return { key, name, size, type, modified, url, checksum, sent, paused, user, tab };
}

/** Writes items down, then their files as long as there is room. */
export function remember(some) {
  some.forEach((item, n) => { item.key ??= `${tab}-${Date.now()}-${n}`; });
  then(() => {
    const [uploads] = stores('uploads');
    for (const item of some) uploads.put(record(item));
  });
  rest.push(...some.filter((item) => item.size <= FILE_LIMIT && !item.reserved));
  storeNext();
}

function storeNext() {
  while (rest.length && rest[0].size <= room) {
    const item = rest.shift();
    if (item.forgotten) continue;
    room -= item.size;
    item.reserved = true;
    then(async () => {
      if (item.forgotten) return;
      await done(stores('files')[0].put(item.file, item.key));
      item.stored = true;
    });
  }
}

/** Writes down what is new about an item. */
export function update(item) {
  then(() => { if (!item.forgotten) stores('uploads')[0].put(record(item)); });
}

/** Forgets an item that needs not be sent any more. */
export function forget(item) {
  item.forgotten = true;
  if (item.reserved) room += item.size;
  item.reserved = false;
  item.stored = false;
  then(() => {
    const [uploads, files] = stores('uploads', 'files');
    uploads.delete(item.key);
    files.delete(item.key);
  });
  storeNext();
}

/** Takes over what this person has still to send and no other tab is at: records, with their files. */
export async function adopt(others) {
  return (await then(async () => {
    const [uploads, files] = stores('uploads', 'files');
    const ours = (one) => one.user === user && one.tab !== tab && !others.has(one.tab);
    const taken = (await done(uploads.getAll())).filter(ours);
    for (const one of taken) {
      uploads.put({ ...one, tab });
      one.file = await done(files.get(one.key));
      if (one.file) room -= one.size;
    }
    return taken;
  })) ?? [];
}
