/** The SHA-256 of files, computed beside the page so that it stays quick. */

/** Of files larger than this it is told how far they are. */
const LARGE = 2 ** 25;
let worker = null;

/** The checksum of a file, or '' if it cannot be had; `hear` is told the bytes read of a large one. One after the other. */
export function checksumOf(item, hear) {
  worker ??= new Worker(new URL('hash-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve) => {
    let silent = 0;
    const end = (checksum) => { clearInterval(clock); resolve(checksum); };
    const stop = () => { worker?.terminate(); worker = null; end(''); };
    // A file that lives in a cloud may never come. Looks are counted: a phone that slept had none.
    const clock = setInterval(() => { silent += 1; if (silent > 5) stop(); }, 10_000);
    worker.onmessage = ({ data: { checksum, done } }) => {
      silent = 0;
      if (!done) end(checksum);
      else if (item.size > LARGE) hear(done);
    };
    // A browser without module workers: the server will know the photo when it has it.
    worker.onerror = stop;
    item.stopHashing = stop;
    worker.postMessage(item.file);
  });
}
