/** Sending one file: a raw POST with progress, and a plain answer to "what became of it". */

import { csrfToken } from './http.js';

const STALLED = 60_000;
const SILENT = 180_000;

/** What the server said, as JSON, or an empty object. */
function wordsOf(request) {
  try {
    return JSON.parse(request.responseText) ?? {};
  } catch {
    return {};
  }
}

function seconds(value) {
  if (!value) return 0;
  const number = Number(value);
  const wait = Number.isFinite(number) ? number : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), 600) : 0;
}

/** One answer of the server, told as one of: kept, refused, later (with its words), signed-out, stale. */
function verdict(request) {
  const { status } = request;
  const body = wordsOf(request);
  const refused = body.rejected?.[0];
  const kept = body.assets?.[0];
  if (status >= 200 && status < 300) {
    if (kept) return { kind: 'kept', asset: kept };
    if (refused) return { kind: 'refused', words: refused.error };
    return { kind: 'later', words: 'The answer made no sense', server: true };
  }
  if (status === 401) return { kind: 'signed-out' };
  if (status === 408 || status === 429 || status >= 500) {
    const reachable = status === 500 || status === 501;
    return { kind: 'later', words: body.error, server: reachable, after: seconds(request.getResponseHeader('Retry-After')) };
  }
  const words = refused?.error ?? body.error ?? `The server said no (${status}).`;
  return { kind: status === 403 ? 'forbidden' : 'refused', words };
}

/** Sends a file once; `onProgress` hears the bytes sent so far. Always resolves. */
export function send(file, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let watchdog = 0;
    const breathe = (limit) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), limit);
    };
    const lost = () => {
      clearTimeout(watchdog);
      resolve({ kind: 'later', words: '', lost: true });
    };
    request.open('POST', '/api/assets');
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('X-Filename', encodeURIComponent(file.name));
    request.setRequestHeader('X-Modified', String(file.lastModified || ''));
    request.setRequestHeader('X-CSRF-Token', csrfToken());
    request.upload.onprogress = (event) => { breathe(STALLED); onProgress(event.loaded); };
    request.upload.onload = () => { breathe(SILENT); onProgress(file.size); };
    request.onerror = lost;
    request.onabort = lost;
    request.onload = () => { clearTimeout(watchdog); resolve(verdict(request)); };
    breathe(STALLED);
    request.send(file);
  });
}

/** Whether the device still lets us read the file (it may have been moved, or live in a cloud). */
export async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/** Whether the server answers at all. */
export async function isAwake() {
  try {
    return (await fetch('/healthz', { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}
