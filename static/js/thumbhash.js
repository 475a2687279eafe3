/** Placeholders: what a ThumbHash of some 25 bytes tells of a picture that is still to come. */

/** Pixels of the long edge: enough for seven waves, which the browser draws out softly. */
const EDGE = 16;
const brush = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

/** The waves of one channel, one of four bits after the other. */
function waves(nibble, across, down, scale) {
  const found = [];
  for (let y = 0; y < down; y += 1) {
    for (let x = y ? 0 : 1; x * down < across * (down - y); x += 1) {
      found.push({ x, y, size: (nibble() / 7.5 - 1) * scale });
    }
  }
  return found;
}

/** The channels of a hash and its shape, after Evan Wallace's description; alpha is never there. */
function read(hash) {
  const head = hash[0] | hash[1] << 8 | hash[2] << 16;
  const more = hash[3] | hash[4] << 8;
  const isWide = Boolean(more >> 15);
  const short = Math.max(3, more & 7);
  const [across, down] = isWide ? [7, short] : [short, 7];
  let at = 9;
  const nibble = () => { at += 1; return hash[at >> 1] >> (at & 1) * 4 & 15; };
  const light = waves(nibble, across, down, (head >> 18 & 31) / 31);
  // Colours are written weaker than they are seen.
  const yellow = waves(nibble, 3, 3, (more >> 3 & 63) / 63 * 1.25);
  const red = waves(nibble, 3, 3, (more >> 9 & 63) / 63 * 1.25);
  return {
    wide: isWide ? EDGE : Math.max(1, Math.round(EDGE * (more & 7) / 7)),
    high: isWide ? Math.max(1, Math.round(EDGE * (more & 7) / 7)) : EDGE,
    channels: [
      [(head & 63) / 63, light],
      [(head >> 6 & 63) / 31.5 - 1, yellow],
      [(head >> 12 & 63) / 31.5 - 1, red],
    ],
  };
}

/** Draws a hash as a tiny picture; gives back its address. */
function draw(text) {
  const { wide, high, channels } = read(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)));
  const picture = new ImageData(wide, high);
  for (let y = 0, at = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1, at += 4) {
      const [light, yellow, red] = channels.map(([mean, parts]) => parts.reduce(
        (sum, wave) => sum + 2 * wave.size * Math.cos(Math.PI / wide * (x + 0.5) * wave.x)
          * Math.cos(Math.PI / high * (y + 0.5) * wave.y),
        mean,
      ));
      const blue = light - 2 / 3 * yellow;
      const first = (3 * light - blue + red) / 2;
      picture.data.set([first, first - red, blue, 1].map((part) => 255 * part), at);
    }
  }
  Object.assign(brush.canvas, { width: wide, height: high });
  brush.putImageData(picture, 0, 0);
  return brush.canvas.toDataURL();
}

/** Gives each tile whose picture is still to come its placeholder. */
export function placeholders(root) {
  for (const tile of root.querySelectorAll('[data-thumbhash]')) {
    const { thumbhash } = tile.dataset;
    if (thumbhash && !tile.querySelector('img')?.complete) {
      tile.style.setProperty('background', `center / cover url("${draw(thumbhash)}")`);
    }
    delete tile.dataset.thumbhash;
  }
}
