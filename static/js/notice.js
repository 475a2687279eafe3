/** What the page has to say: a line at its foot, read out, and gone after a while if it may go. */

const STAYS = 12_000;
/** A region is read out when it changes, not for what was in it from the start. */
const SETTLED = 150;

const notice = document.getElementById('notice');
let timer = 0;

function leave() {
  if (notice.matches(':hover, :focus-within')) timer = setTimeout(leave, 2_000);
  else notice.replaceChildren();
}

/** Shows a line and reads it out; no words take it away. */
export function say(words, link) {
  clearTimeout(timer);
  notice.textContent = words ? `${words} ` : '';
  if (words && link) notice.append(link);
}

/** Shows a line that may go after a while. */
export function sayInPassing(words) {
  say(words);
  timer = setTimeout(leave, STAYS);
}

/** Shows what the server says on a page of ours: this one, or one that was fetched. */
export function sayAsTold(page) {
  const told = [...page.getElementById('notice').childNodes].map((node) => document.importNode(node, true));
  if (!told.length) return;
  clearTimeout(timer);
  notice.replaceChildren();
  timer = setTimeout(() => {
    notice.replaceChildren(...told);
    timer = setTimeout(leave, STAYS);
  }, SETTLED);
}

/** An address without what it tells its page to say, so that a reload does not say it again. */
export function withoutSaid(url) {
  const plain = new URL(url, location.href);
  plain.searchParams.delete('said');
  return plain.href;
}
