/** Sending one file: in pieces, by tus, with a plain answer to "what became of it". */

import { WHERE } from './guest.js';
import { csrfToken, patience, write } from './http.js';
import { update } from './memory.js';

/** As much as the proxies people have at home let through. */
const PIECE = 2 ** 20;
const SMALLEST = 2 ** 15;
/** How far a large file has come is written down after so many bytes. */
const NOTED = 16 * 2 ** 20;
const STALLED = 60_000;
const SILENT = 180_000;
const STRANGER = 'Your router or a proxy';

/** The most that passes, as far as is known, and how much is tried now. */
let most = PIECE;
let piece = PIECE;
let loading = null;

/** The library comes with the first file: the page is usable before. */
function library() {
  loading ??= import('../vendor/tus-js-client/tus.min.js').then(() => window.tus);
  loading.catch(() => { loading = null; });
  return loading;
}

function seconds(value) {
  if (!value) return 0;
  const number = Number(value);
  const wait = Number.isFinite(number) ? number : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), 600) : 0;
}

function wordsOf(answer) {
  try {
    return JSON.parse(answer.getBody()) ?? {};
  } catch {
    return {};
  }
}

/** A request was too large for something on the way: smaller pieces may pass. */
function tooLarge(tried) {
  if (tried <= SMALLEST) return { kind: 'refused', words: `${STRANGER} lets no files through.` };
  most = Math.min(most, tried / 2);
  piece = Math.min(piece, most);
  return { kind: 'at once' };
}

/** Takes smaller pieces while lines break, until a file has arrived. */
export function goGently() {
  piece = Math.max(SMALLEST, piece / 2);
}

/**
 * One failed request, told as one of: later (with its words), refused (perhaps for good), forbidden,
 * signed-out, gone (what was sent of it), or at once, when the next try will go another way.
 */
function verdict(answer, item, tried) {
  if (!answer) return { kind: 'later', words: '', lost: true };
  const status = answer.getStatus();
  const { error, code } = wordsOf(answer);
  if (status === 401) return { kind: 'signed-out' };
  if (status === 413 && !code) return tooLarge(tried);
  if ([408, 409, 423, 429].includes(status) || status >= 500) {
    const reachable = status === 500 || status === 501;
    return { kind: 'later', words: error, server: reachable, after: seconds(answer.getHeader('Retry-After')) };
  }
  // What the door of a hotel or a proxy says, be it 200 or 404, is no word about this file.
  if (!answer.getHeader('Tus-Resumable')) return { kind: 'later', words: `${STRANGER} answered instead of homequeue (${status})`, server: true };
  if (item.url && (status === 404 || status === 410)) return { kind: 'gone' };
  const words = error ?? `The server said no (${status}).`;
  return status === 403 ? { kind: 'forbidden', words } : { kind: 'refused', words, forGood: true };
}

/** What an upload has become, if it has, by a function that tells a header. */
function became(header) {
  const outcome = header('Homequeue-Outcome');
  return outcome && { id: Number(header('Homequeue-Asset')), outcome, batch: Number(header('Homequeue-Batch')) };
}

function kept(answer) {
  const photo = became((name) => answer.getHeader(name));
  if (!photo) return { kind: 'later', words: 'homequeue did not say whether it arrived', server: true };
  piece = most;
  return { kind: 'kept', ...photo };
}

function optionsOf(item, hear, end) {
  // By the key the server knows a file of which it was asked before, but its answer was lost.
  const metadata = { filename: item.name, modified: String(item.modified), key: item.key + item.checksum };
  if (item.type) metadata.type = item.type;
  const tried = piece;
  return {
    // Where there is an upload already, no other may be made because a proxy has a bad moment.
    ...(item.url ? { uploadUrl: item.url } : { endpoint: WHERE }),
    chunkSize: tried,
    // A photo of one piece is one request; of anything longer, nothing that was sent is sent again.
    uploadDataDuringCreation: item.size <= tried,
    storeFingerprintForResuming: false,
    retryDelays: null,
    metadata,
    onBeforeRequest: (request) => {
      request.setHeader('Accept', 'application/json');
      request.setHeader('X-CSRF-Token', csrfToken());
    },
    onProgress: hear,
    onChunkComplete: (_, there) => {
      if (there - (item.noted ?? 0) < NOTED) return;
      item.noted = there;
      update(item);
    },
    onSuccess: ({ lastResponse }) => end(kept(lastResponse)),
    onError: (error) => end(verdict(error.originalResponse, item, tried)),
  };
}

/** Sends a file once; `onProgress` hears the bytes sent so far. Always resolves; `item.stop()` ends it. */
export async function send(item, onProgress) {
  let tus;
  try {
    tus = await library();
  } catch {
    return { kind: 'later', words: '', lost: true };
  }
  // Somebody may have stopped it meanwhile.
  if (item.state !== 'sending') return { kind: 'stopped' };
  return new Promise((resolve) => {
    let watchdog = 0;
    const end = (what) => { clearTimeout(watchdog); item.stop = null; resolve(what); };
    const stop = (what) => { upload.abort(); end(what); };
    const breathe = (sent) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, sent < item.size ? STALLED : SILENT, { kind: 'later', words: '', lost: true });
    };
    const hear = (sent) => { breathe(sent); onProgress(sent); };
    const upload = new tus.Upload(item.file, optionsOf(item, hear, end));
    upload.options.onUploadUrlAvailable = () => { item.url = upload.url; update(item); };
    item.stop = () => stop({ kind: 'stopped' });
    breathe(0);
    upload.start();
  });
}

/**
 * Has the server forget what it has of a file that is not to be sent. Tells the photo that it has
 * become by then; nothing while it is busy or away.
 */
export async function withdraw(url) {
  const answer = await write('DELETE', url, { headers: { 'Tus-Resumable': '1.0.0' }, signal: patience() });
  return answer && answer.status !== 423 ? became((name) => answer.headers.get(name)) : undefined;
}

/** Whether the device still lets us read the file: not if it was moved. One in a cloud may only be late. */
export function isReadable(file) {
  const late = new Promise((resolve) => { setTimeout(resolve, 30_000, true); });
  return Promise.race([file.slice(0, 1).arrayBuffer().then(() => true, () => false), late]);
}

/** Whether the server answers at all. */
export async function isAwake() {
  try {
    return (await fetch('/healthz', { cache: 'no-store', signal: patience() })).ok;
  } catch {
    return false;
  }
}
