/** What every request of ours needs: the CSRF token, plain words for failures, the end of a session. */

import { say } from './notice.js';

/** The token that writes must carry. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? '';
}

/** Ends a request that gets no answer. */
export const patience = () => AbortSignal.timeout?.(30_000);

/** Asks for a change, with `data` as JSON; resolves to the answer, or to null if there is none. */
export function write(method, url, { headers, data, ...more } = {}) {
  const all = { Accept: 'application/json', 'X-CSRF-Token': csrfToken(), ...headers };
  if (data) Object.assign(all, { 'Content-Type': 'application/json' });
  return fetch(url, { method, headers: all, body: JSON.stringify(data), ...more }).catch(() => null);
}

/** The JSON of an answer; throws when there is none. */
export async function json(asked) {
  const answer = await asked;
  if (!answer?.ok) throw new Error('No answer');
  return answer.json();
}

/** Where to sign in and come back to this page. */
function signInUrl() {
  return `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** Tells that nobody is signed in any more, or what else `words` say, and the way back. */
export function sessionEnded({ newTab = false, words = 'You were signed out.', url = signInUrl(), act = 'Sign in again' } = {}) {
  const link = document.createElement('a');
  link.href = url;
  link.textContent = act;
  if (newTab) link.target = '_blank';
  say(newTab ? `${words} The rest waits here until you are back.` : words, link);
}

/** That a page is not to be had because the session ended. */
export class SignedOut extends Error {}

/** Whether an answer says that the session ended, be it 401 or a bounce to the sign-in page. */
export function isSignedOut(answer) {
  return answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === '/sign-in');
}

/** Reads a page of ours as a document. */
export function parse(html) {
  return new DOMParser().parseFromString(html, 'text/html');
}

async function pageOf(answer) {
  if (isSignedOut(answer)) {
    sessionEnded();
    throw new SignedOut();
  }
  if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}`), { status: answer.status });
  return parse(await answer.text());
}

/** Fetches a page of ours as a document; throws when it is not to be had. */
export async function fetchPage(url) {
  return pageOf(await fetch(url, { headers: { Accept: 'text/html' }, signal: patience() }));
}

/** Submits a form of ours; gives back the page it leads to and its address, or throws as above. */
export async function submitForm(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'text/html' } });
  return { page: await pageOf(answer), url: answer.url };
}
