/** Asking again and again, politely: never in a hidden tab, never twice at once, rarely when nothing changes. */

import { isSignedOut, patience, sessionEnded } from './http.js';

const AFTER_TROUBLE = 5_000;
/** So long nobody need know that there was no answer. */
const SILENCE = 10_000;
/** But an answer may take its time. */
const PATIENCE = 5_000;

const line = document.createElement('p');
line.className = 'lost';
line.setAttribute('role', 'status');
document.getElementById('main')?.before(line);

function tellLost(heard) {
  const clock = heard.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
  line.textContent = `No answer from the server; this is as of ${clock}.`;
}

/**
 * Runs `step` until it returns null; it returns the milliseconds to rest before the next turn.
 * A hidden tab rests; coming back to it runs a turn at once. `wake()` brings the next turn forward.
 * While the server is silent the page says so.
 */
export function repeat(step, first = 0) {
  let timer = 0;
  let running = false;
  let ended = false;
  let heard = new Date();
  let alarm = 0;

  function hear() {
    heard = new Date();
    clearTimeout(alarm);
    alarm = 0;
    line.textContent = '';
  }

  async function turn() {
    timer = 0;
    if (document.hidden || running || ended) return;
    running = true;
    let rest;
    alarm ||= setTimeout(() => tellLost(heard), Math.max(PATIENCE, SILENCE - (new Date() - heard)));
    try {
      rest = await step();
      hear();
    } catch {
      rest = AFTER_TROUBLE;
    }
    running = false;
    if (rest === null) ended = true;
    else plan(rest);
  }

  function plan(rest) {
    clearTimeout(timer);
    timer = setTimeout(turn, rest);
  }

  function wake(rest = 0) {
    ended = false;
    if (!running) plan(rest);
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !ended) wake();
  });
  plan(first);
  return { wake };
}

/**
 * A GET that remembers the ETag: resolves to the text when it changed, to null when it did not,
 * to undefined when the session ended (and says so).
 */
export function conditional(url, accept = 'text/html') {
  let etag = '';
  return async () => {
    const headers = { Accept: accept };
    if (etag) headers['If-None-Match'] = etag;
    const answer = await fetch(url, { headers, cache: 'no-store', signal: patience() });
    if (answer.status === 304) return null;
    if (isSignedOut(answer)) {
      sessionEnded();
      return undefined;
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    etag = answer.headers.get('ETag') ?? '';
    return answer.text();
  };
}
