/** Looks whether files are here already before a byte of them is sent. */

import { checksumOf } from './checksum.js';
import { json, patience, write } from './http.js';
import { update } from './memory.js';
import { move } from './states.js';

const MOST = 50;
/** The first are asked for soon, so that sending begins. */
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

/** What the server has of these, which it writes down; nothing when it cannot be asked. */
async function ask(some) {
  const found = new Map();
  if (!some.length) return found;
  try {
    const files = some.map(({ checksum, name }) => ({ checksum, filename: name }));
    const { known, restored, batch } = await look({ files });
    const here = Object.entries({ ...known, ...restored });
    for (const item of some) item.missing = !(item.checksum in known) && !(item.checksum in restored);
    if (!here.length) return found;
    const ids = here.map(([, id]) => id);
    const { assets } = await json(fetch(`/api/assets?limit=${MOST}&ids=${ids}`, { signal: patience() })).catch(() => ({ assets: [] }));
    const shown = new Map(assets.map((asset) => [asset.id, asset]));
    for (const [checksum, id] of here) found.set(checksum, { id, ...shown.get(id), batch, restored: checksum in restored });
  } catch { /* the server looks again at the end */ }
  return found;
}

/** The photo that a file has become, if it arrived though its request was broken off. */
export async function lookFor({ checksum, missing }) {
  const { known } = await look({ checksums: [checksum] }).catch(() => ({ known: {} }));
  return known[checksum] && { id: known[checksum], outcome: missing ? 'added' : 'known', batch: 0 };
}

function look(data) {
  return json(write('POST', '/api/assets/check', { data, signal: patience() }));
}
