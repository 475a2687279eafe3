/** What every request of ours needs: the CSRF token, plain words for failures, the end of a session. */

import { say } from './notice.js';

/** The token that writes must carry. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? '';
}

/** Where to sign in and come back to this page. */
export function signInUrl() {
  return `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** Tells that nobody is signed in any more. */
export function sessionEnded({ newTab = false } = {}) {
  const link = document.createElement('a');
  link.href = signInUrl();
  link.textContent = 'Sign in again';
  if (newTab) link.target = '_blank';
  say(newTab ? 'You were signed out. The rest waits here until you are back.' : 'You were signed out.', link);
}

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
    throw new Error('signed out');
  }
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return parse(await answer.text());
}

/** Fetches a page of ours as a document; throws when it is not to be had. */
export async function fetchPage(url) {
  return pageOf(await fetch(url, { headers: { Accept: 'text/html' } }));
}

/** Submits a form of ours; gives back the page it leads to and its address, or throws as above. */
export async function submitForm(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'text/html' } });
  return { page: await pageOf(answer), url: answer.url };
}
