/** A worker that reads files bit by bit and tells their SHA-256; plain http has no `crypto.subtle`. */

import { sha256 } from '../vendor/noble-hashes/sha2.js';

const PART = 2 ** 21;
/** Of files larger than this it is told how far they are. */
const LARGE = 2 ** 25;
const stopped = new Set();

/** A reader that fills the same memory again and again, where browsers have it; others take new. */
function readerOf(file) {
  try {
    return file.stream().getReader({ mode: 'byob' });
  } catch {
    return file.stream().getReader();
  }
}

async function digest(id, file) {
  const hash = sha256.create();
  const reader = readerOf(file);
  let buffer = new ArrayBuffer(PART);
  let told = 0;
  for (let at = 0; at < file.size;) {
    if (stopped.delete(id)) {
      reader.cancel();
      return;
    }
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) throw new Error('the file became shorter');
    hash.update(value);
    at += value.length;
    buffer = value.buffer;
    if (at - told < LARGE) continue;
    told = at;
    postMessage({ id, done: at });
  }
  const checksum = Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
  postMessage({ id, checksum });
}

onmessage = ({ data: { id, file } }) => {
  if (file) digest(id, file).catch(() => postMessage({ id, checksum: '' }));
  else stopped.add(id);
};
