/** How fast the bytes go, and how long the rest will take. */

import { BROUGHT, items, PENDING, RESTING } from './states.js';

const SPAN = 10_000;
const FIRST = 1_500;

const COUNTED = new Set([...PENDING, ...RESTING, ...BROUGHT, 'undone']);
const samples = [];
let moved = 0;
let tell = () => {};

/** Calls `hear(item)` whenever a part of a file has gone. */
export function onProgress(hear) {
  tell = hear;
}

/** Notes how many bytes of an item are there; it may be fewer than before when a line broke. */
export function progress(item, sent) {
  const now = Math.min(sent, item.size);
  moved += Math.max(0, now - item.sent);
  item.sent = now;
  const at = performance.now();
  if (at - (samples.at(-1)?.at ?? -SPAN) > 200) samples.push({ at, moved });
  while (at - samples[0].at > SPAN) samples.shift();
  tell(item);
}

/** Notes that all of an item is there. */
export function arrived(item) {
  progress(item, item.size);
}

/** Bytes a second over the last seconds; 0 while that cannot be told. */
function speed() {
  const now = performance.now();
  const first = samples.find((sample) => now - sample.at <= SPAN);
  if (!first || now - first.at < FIRST) return 0;
  return 1_000 * (moved - first.moved) / (now - first.at);
}

/** Bytes of what this page sends: of all, those that have gone, and those that go by themselves. */
export function totals() {
  const sum = { all: 0, sent: 0, left: 0 };
  for (const item of items) {
    if (!COUNTED.has(item.state)) continue;
    sum.all += item.size;
    sum.sent += item.sent;
    if (PENDING.includes(item.state)) sum.left += item.size - item.sent;
  }
  return sum;
}

/** Bytes in words. */
export function sizeLabel(size) {
  if (size < 1e3) return size === 1 ? '1 byte' : `${size} bytes`;
  if (size < 999.5e3) return `${Math.round(size / 1e3)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`;
}

/** Speed and what is left of the time, in words; empty while neither can be told. */
export function paceLabel() {
  const pace = speed();
  if (pace < 1) return '';
  const minutes = totals().left / pace / 60;
  return `${sizeLabel(Math.round(pace))} a second, ${timeLabel(minutes)} left`;
}

function timeLabel(minutes) {
  if (minutes < 1) return 'less than a minute';
  if (minutes < 1.5) return 'about a minute';
  if (minutes < 90) return `about ${Math.round(minutes)} minutes`;
  return `about ${Math.round(minutes / 60)} hours`;
}
