/** The SHA-256 of files, computed beside the page so that it stays quick. */

const waiting = new Map();
let worker = null;
let last = 0;

function open() {
  const opened = new Worker(new URL('hash-worker.js', import.meta.url), { type: 'module' });
  opened.onmessage = ({ data: { id, checksum, done } }) => {
    const one = waiting.get(id);
    if (checksum === undefined) one?.hear(done);
    else settle(id, checksum);
  };
  // A browser without module workers: the server will know the photo when it has it.
  opened.onerror = () => { for (const id of [...waiting.keys()]) settle(id, ''); };
  return opened;
}

function settle(id, checksum) {
  const one = waiting.get(id);
  waiting.delete(id);
  one?.resolve(checksum);
}

/** The checksum of a file, or '' if it cannot be had; `hear` is told the bytes read of a large one. */
export function checksumOf(item, hear) {
  worker ??= open();
  last += 1;
  const id = last;
  item.stopHashing = () => { worker.postMessage({ id }); settle(id, ''); };
  return new Promise((resolve) => {
    waiting.set(id, { resolve, hear });
    worker.postMessage({ id, file: item.file });
  });
}
