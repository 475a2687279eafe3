/** What moves in a photo: the clip of a Live Photo, or a heavy animation, played when asked for. */

const clip = () => document.getElementById('clip');

function show(isOn) {
  document.getElementById('live')?.classList.toggle('on', isOn);
  clip()?.classList.toggle('on', isOn);
}

/** Plays the clip over the photo, once and without sound; the photo is there again after it. */
export function startLive() {
  const film = clip();
  if (!film) return;
  film.onended = () => show(false);
  film.onplaying = () => show(true);
  film.currentTime = 0;
  film.play().catch(stopLive);
}

/** Shows the photo again. */
export function stopLive() {
  clip()?.pause();
  show(false);
}

/** Plays what rests, and rests what plays. */
export function turnLive() {
  if (clip()) {
    if (clip().paused) startLive();
    else stopLive();
    return;
  }
  const photo = document.getElementById('photo');
  const link = document.getElementById('live');
  const isOn = !link.classList.contains('on');
  link.dataset.still ??= photo.getAttribute('src');
  photo.src = isOn ? link.getAttribute('href') : link.dataset.still;
  show(isOn);
}
