/** What phones do to photos before a page gets them, said when it is seen, with the way around. */

const HEAD = 2 ** 17;
const MOST = 24;

const IOS = 'This iPhone or iPad turns photos into JPEG on their way. To send them as they are, tap “Options” where you choose them and then “Current”, or save them to Files and take them with “Files”.';
const ANDROID = 'This phone takes the places out of photos before a page gets them. Take them with “Files” instead; if they still come without places, only a cable or a card reader keeps them.';

const isIos = /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
const isAndroid = /Android/.test(navigator.userAgent);
const note = document.getElementById('phone-note');

/** Looks at what was chosen, and says what is to be said. */
export async function look(files) {
  const jpegs = files.filter((file) => file.type === 'image/jpeg');
  if (isIos && jpegs.some((file) => file.name.endsWith('.jpeg'))) tell(IOS);
  if (!isAndroid || !note.hidden) return;
  for (const file of jpegs.slice(0, MOST)) {
    if (await isWithoutItsPlace(file)) { tell(ANDROID); return; }
  }
}

function tell(words) {
  note.querySelector('span').textContent = words;
  note.hidden = false;
}

async function isWithoutItsPlace(file) {
  try {
    return hasEmptiedPlace(new DataView(await file.slice(0, HEAD).arrayBuffer()));
  } catch {
    // Not readable, or not built as it should be: nothing to say about places.
    return false;
  }
}

/** Whether a JPEG has a latitude of nothing but zeros: Android leaves the tag and wipes its value. */
function hasEmptiedPlace(view) {
  const tiff = exifAt(view);
  if (!tiff) return false;
  const little = view.getUint16(tiff) === 0x4949;
  const entry = (directory, tag) => {
    for (let n = view.getUint16(directory, little) - 1; n >= 0; n -= 1) {
      const at = directory + 2 + 12 * n;
      if (view.getUint16(at, little) === tag) return at;
    }
    return 0;
  };
  const gps = entry(tiff + view.getUint32(tiff + 4, little), 0x8825);
  const latitude = gps && entry(tiff + view.getUint32(gps + 8, little), 2);
  if (!latitude) return false;
  const value = tiff + view.getUint32(latitude + 8, little);
  return [0, 4, 8, 12, 16, 20].every((n) => view.getUint32(value + n) === 0);
}

/** Where the TIFF header of the EXIF segment is; 0 if there is none. */
function exifAt(view) {
  if (view.getUint16(0) !== 0xffd8) return 0;
  for (let at = 2; view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10;
    if (marker === 0xda) return 0;
    at += 2 + view.getUint16(at + 2);
  }
  return 0;
}
