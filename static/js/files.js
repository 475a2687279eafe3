/** Files out of a drop, folders included. */

const TEMPORARY = /^(\.|Thumbs\.db$|desktop\.ini$)/i;

const COMPANION = /(^\.ds_store|^thumbs\.db|^desktop\.ini|\.(xmp|aae|json|thm))$/i;

/** Whether a file only lies beside photos: what other programs keep of them. */
export const isCompanion = (file) => COMPANION.test(file.name);

/** Whether a file tells of the photo beside it (XMP). */
export const isSidecar = (file) => /\.xmp$/i.test(file.name);

/** The longest sidecar that the server takes, in bytes. */
const LONGEST_SIDECAR = 2 ** 18;

/** Whether a file of a folder is one somebody put there. */
export const worth = (file) => !TEMPORARY.test(file.name);

/** The type of what stands for something that could not be read; unlike a mark of ours, it stays with a file. */
export const UNREAD = 'application/x-unread';

const unread = (entry) => new File([], entry.name, { type: UNREAD });

function fileOf(entry) {
  return new Promise((resolve) => {
    // A file that is dropped with its folder does not say where it was.
    entry.file((file) => resolve(Object.assign(file, { place: entry.fullPath })), () => resolve(unread(entry)));
  });
}

/** A directory tells its entries in slices of a hundred; an empty slice is the end, and none a failure. */
async function walkThrough(directory, found) {
  const reader = directory.createReader();
  const inside = [];
  for (;;) {
    const slice = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve(null)); });
    if (!slice) found.push(unread(directory));
    if (!slice?.length) break;
    inside.push(...slice);
  }
  for (const entry of inside) await walk(entry, found);
}

async function walk(entry, found) {
  if (!entry || !worth(entry)) return;
  if (entry.isFile) found.push(await fileOf(entry));
  else if (entry.isDirectory) await walkThrough(entry, found);
}

/** All files of a drop. The entries must be taken before the first await: a drop forgets them after. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

const placeOf = (file) => file.place || file.webkitRelativePath || file.name;

/** Which photo has which sidecar, of files that came together; by the same rules as in an import. */
export function pair(photos, beside) {
  const fit = beside.filter((file) => isSidecar(file) && file.size && file.size <= LONGEST_SIDECAR);
  const there = new Map(fit.map((file) => [placeOf(file), file]));
  const found = new Map();
  for (const photo of photos) {
    const stems = [placeOf(photo), placeOf(photo).replace(/\.[^./]+$/, '')];
    const name = stems.flatMap((stem) => [`${stem}.xmp`, `${stem}.XMP`]).find((one) => there.has(one));
    if (name) found.set(photo, there.get(name));
  }
  return found;
}
