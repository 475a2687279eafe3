/** A worker that reads files bit by bit and tells their SHA-256; plain http has no `crypto.subtle`. */

import { sha256 } from '../vendor/noble-hashes/sha2.js';

const PART = 2 ** 21;
/** Here, as Chromium forgets a stream that only a read knows of; the read never ends. */
let reader;

/** A reader that fills the same memory again and again, where browsers have it; others take new. */
function readerOf(file) {
  try {
    return file.stream().getReader({ mode: 'byob' });
  } catch {
    return file.stream().getReader();
  }
}

async function digest(file) {
  const hash = sha256.create();
  reader = readerOf(file);
  let buffer = new ArrayBuffer(PART);
  for (let at = 0; at < file.size;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) throw new Error('the file became shorter');
    hash.update(value);
    at += value.length;
    buffer = value.buffer;
    postMessage({ done: at });
  }
  return Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

onmessage = async ({ data }) => {
  postMessage({ checksum: await digest(data).catch(() => '') });
};
