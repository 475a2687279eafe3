/** The SHA-256 of files, computed beside the page so that it stays quick. */

/** A file that lives in a cloud may never come. */
const SILENT = 60_000;
let worker = null;

/** The checksum of a file, or '' if it cannot be had; `hear` is told the bytes read of a large one. One after the other. */
export function checksumOf(item, hear) {
  worker ??= new Worker(new URL('hash-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve) => {
    let watchdog = 0;
    const end = (checksum) => { clearTimeout(watchdog); resolve(checksum); };
    const stop = () => { worker?.terminate(); worker = null; end(''); };
    const breathe = () => { clearTimeout(watchdog); watchdog = setTimeout(stop, SILENT); };
    worker.onmessage = ({ data: { checksum, done } }) => {
      if (checksum !== undefined) { end(checksum); return; }
      breathe();
      hear(done);
    };
    // A browser without module workers: the server will know the photo when it has it.
    worker.onerror = stop;
    item.stopHashing = stop;
    breathe();
    worker.postMessage(item.file);
  });
}
