/** Looks whether files are here already before a byte of them is sent. */

import { checksumOf } from './checksum.js';
import { csrfToken } from './http.js';
import { update } from './memory.js';
import { move } from './states.js';

const MOST = 50;
/** The first files are asked for soon, so that sending begins. */
const BYTES = 12e6;

const line = [];
let running = false;
let after = () => {};
let here = () => {};

/** Calls `go(items)` with what must be sent, and `known(item, asset)` with what is here. */
export function onChecked(go, known) {
  after = go;
  here = known;
}

/** Takes items that wait, the small ones first. */
export function check(some) {
  line.push(...some);
  line.sort((a, b) => a.size - b.size);
  if (!running) run();
}

async function run() {
  running = true;
  while (line.length) {
    const some = [];
    for (let bytes = 0; line.length && some.length < MOST && bytes < BYTES;) {
      const item = line.shift();
      if (!move(item, 'checking')) continue;
      await hashed(item);
      bytes += item.size;
      some.push(item);
    }
    // The next are read while the server looks for these.
    decide(some);
  }
  running = false;
}

async function hashed(item) {
  if (item.hashed) return;
  const checksum = await checksumOf(item, (done) => {
    if (item.state === 'checking') move(item, 'checking', `Looking whether it is here already: ${Math.floor(100 * done / item.size)} %`);
  });
  item.stopHashing = null;
  if (item.state !== 'checking') return;
  // One that was chosen again may have the name and the size of another.
  if (item.url && checksum !== item.checksum) item.url = '';
  item.checksum = checksum;
  item.hashed = true;
  update(item);
}

async function decide(some) {
  const known = await ask(some.filter((item) => item.state === 'checking' && item.checksum && !item.url));
  for (const item of some) {
    item.checked = item.state === 'checking';
    const asset = known.get(item.checksum);
    if (asset && item.checked) here(item, asset);
  }
  after(some.filter((item) => item.checked && item.state === 'checking' && move(item, 'waiting')));
}

/** What the server has of these; nothing when it cannot be asked, for it looks again at the end. */
async function ask(some) {
  const found = new Map();
  if (!some.length) return found;
  try {
    const { known } = await post('/api/assets/check', { checksums: some.map((item) => item.checksum) });
    const ids = Object.values(known);
    if (!ids.length) return found;
    const shown = await json(fetch(`/api/assets?limit=${MOST}&ids=${ids.join(',')}`));
    const assets = new Map(shown.assets.map((asset) => [asset.id, asset]));
    for (const [checksum, id] of Object.entries(known)) {
      const asset = assets.get(id) ?? { ...(await post(`/api/assets/${id}/restore`)), restored: true };
      found.set(checksum, asset);
    }
  } catch {
    return found;
  }
  return found;
}

async function json(request) {
  const answer = await request;
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

function post(url, body = {}) {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': csrfToken() };
  return json(fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }));
}
