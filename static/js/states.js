/** The files of the upload page, the states they may be in, and the only code that moves them. */

/** From each state, those it may go to. */
const MOVES = {
  new: ['waiting', 'choose', 'bad'],
  waiting: ['checking', 'sending', 'paused', 'cancelled'],
  checking: ['waiting', 'known', 'paused', 'cancelled'],
  sending: ['waiting', 'again', 'making', 'ready', 'known', 'bad', 'paused', 'cancelled'],
  again: ['sending', 'bad', 'paused', 'cancelled'],
  paused: ['waiting', 'cancelled'],
  choose: ['waiting', 'cancelled'],
  making: ['ready', 'unmade', 'undone'],
  ready: ['undone'],
  unmade: ['making', 'undone'],
  bad: ['waiting'],
  cancelled: ['waiting', 'making', 'ready', 'known'],
  known: [],
  undone: ['making'],
};

/** What is still to be sent by itself. */
export const PENDING = ['waiting', 'checking', 'sending', 'again'];
/** What a person has to do something about before it is sent. */
export const RESTING = ['paused', 'choose'];
/** What this upload has brought here. */
export const BROUGHT = ['making', 'ready', 'unmade'];

/** All files of the page, in the order they were chosen. */
export const items = [];
/** How many there are of each state. */
export const counts = Object.fromEntries(Object.keys(MOVES).map((state) => [state, 0]));

let hear = () => {};

/** Calls `tell(item)` after every move. */
export function onMove(tell) {
  hear = tell;
}

/** How many there are in some states. */
export function count(states) {
  return states.reduce((sum, state) => sum + counts[state], 0);
}

/** Those in some states. */
export function those(...states) {
  return items.filter((item) => states.includes(item.state));
}

/** Those that are worth another try: what failed and, only if nothing did, what a person has cancelled. */
export function toTryAgain() {
  const failed = those('bad').filter((item) => !item.forGood);
  return failed.length ? failed : those('cancelled').filter((item) => item.file);
}

/** A file to be sent, as the page knows it; `kept` is what it knew of it before it was closed. */
export function newItem(file, kept = {}) {
  const { name, size, lastModified, type } = file ?? kept;
  const item = {
    file, name, size, type: type ?? '', modified: lastModified ?? kept.modified ?? 0, key: kept.key, url: kept.url ?? '',
    sidecar: kept.sidecar ?? '', note: '', checksum: kept.checksum ?? '', checked: Boolean(kept.url), hashed: false,
    stored: Boolean(kept.key && file), reserved: Boolean(kept.key && file),
    chosenAt: new Date(), sent: kept.sent ?? 0, tries: 0, refusals: 0, id: null, batch: 0, row: null, state: 'new', words: '', forGood: false,
  };
  items.push(item);
  counts.new += 1;
  return item;
}

/** Moves an item, if it may go there from where it is; says whether it went. */
export function move(item, state, words = '') {
  if (item.state !== state && !MOVES[item.state].includes(state)) return false;
  counts[item.state] -= 1;
  counts[state] += 1;
  item.state = state;
  item.words = words;
  hear(item);
  return true;
}
