/**
 * Files dropped on another page than the upload page: that one takes its place without a load,
 * because a load would lose the files.
 */

import { fetchPage } from './http.js';
import { say } from './notice.js';

/** Brings a style sheet of another page here; resolves when it can be seen. */
function dress(link) {
  const mine = document.importNode(link);
  return new Promise((resolve) => {
    mine.onload = resolve;
    mine.onerror = resolve;
    document.head.append(mine);
  });
}

/** Puts a page in place of this one; what belongs to all pages stays. */
async function change(page, url) {
  const worn = new Set([...document.querySelectorAll('link[rel="stylesheet"]')].map((link) => link.href));
  await Promise.all([...page.querySelectorAll('link[rel="stylesheet"]')].filter((link) => !worn.has(link.href)).map(dress));
  document.querySelector('.top').replaceWith(document.adoptNode(page.querySelector('.top')));
  const main = document.getElementById('main');
  main.replaceChildren(...page.getElementById('main').childNodes);
  document.body.className = page.body.className;
  document.title = page.title;
  history.pushState(null, '', url);
  window.scrollTo(0, 0);
  main.focus();
}

/** Opens the upload page with these files, as if they had been chosen there. */
export async function handOver(files) {
  if (!files.length) {
    say('There was no photo in it.');
    return;
  }
  const page = await fetchPage('/upload').catch(() => null);
  if (!page) {
    if (!document.getElementById('notice').childNodes.length) say('Nothing was taken: homequeue cannot be reached.');
    return;
  }
  const script = page.querySelector('script[src*="/upload.js"]').src;
  await change(page, '/upload');
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  document.getElementById('files').files = chosen.files;
  await import(script);
}
