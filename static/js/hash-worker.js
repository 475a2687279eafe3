/** A worker that reads files in slices and tells their SHA-256; plain http has no `crypto.subtle`. */

import { sha256 } from '../vendor/noble-hashes/sha2.js';

const SLICE = 2 ** 20;
const stopped = new Set();

async function digest(id, file) {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += SLICE) {
    if (stopped.delete(id)) return;
    hash.update(new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer()));
    if (file.size > 16 * SLICE) postMessage({ id, done: Math.min(at + SLICE, file.size) });
  }
  const checksum = Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
  postMessage({ id, checksum });
}

onmessage = ({ data: { id, file } }) => {
  if (file) digest(id, file).catch(() => postMessage({ id, checksum: '' }));
  else stopped.add(id);
};
