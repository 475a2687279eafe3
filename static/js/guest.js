/** What is other for guests of a drop link: the server gives them no pictures and tells them nothing it has. */

/** The edge of a small picture, in pixels: twice what a row shows. */
const EDGE = 112;

const form = document.getElementById('drop');

/** Where files are sent to. */
export const WHERE = new URL(form.dataset.uploads ?? '/api/uploads', location.href).href;
/** Whether it is a guest who sends. */
export const isGuest = Boolean(form.dataset.uploads);

let line = Promise.resolve();

async function draw(file) {
  const bitmap = await createImageBitmap(file);
  const scale = EDGE / Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', 0.8); });
  return URL.createObjectURL(blob);
}

/** The address of a small picture of a file, made here, one at a time; empty where the browser cannot show it. */
export function pictureOf(file) {
  line = line.then(() => draw(file)).catch(() => '');
  return line;
}
