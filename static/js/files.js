/** Files out of a drop, folders included. */

const TEMPORARY = /^(\.|Thumbs\.db$|desktop\.ini$)/i;

/** Whether a file of a folder is one somebody put there. */
export const worth = (file) => !TEMPORARY.test(file.name);

function fileOf(entry) {
  return new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
}

/** A directory tells its entries in slices of a hundred; an empty slice is the end. */
async function entriesOf(directory) {
  const reader = directory.createReader();
  const all = [];
  for (;;) {
    const slice = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
    if (!slice.length) return all;
    all.push(...slice);
  }
}

async function walk(entry, found) {
  if (!entry || !worth(entry)) return;
  if (entry.isFile) {
    const file = await fileOf(entry);
    if (file) found.push(file);
  } else if (entry.isDirectory) {
    for (const inner of await entriesOf(entry)) await walk(inner, found);
  }
}

/** All files of a drop. The entries must be taken before the first await: a drop forgets them after. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}
