"""Painted landscapes with the dates and cameras of a family's year, for the screenshots."""

import io
import random
from datetime import datetime, timedelta

from PIL import Image, ImageDraw, ImageFilter

SIZES = ((1600, 1200), (1600, 1200), (1200, 1600), (1600, 1067), (1600, 900), (1400, 1400))
#: Sky above, sky at the horizon, land far away, land nearby.
PALETTES = (
    ("#274690", "#f6bd60", "#5b7b9c", "#1d3557"),
    ("#89c2d9", "#f1faee", "#7ba592", "#2d6a4f"),
    ("#5f0f40", "#fb8b24", "#9a031e", "#310416"),
    ("#caf0f8", "#ffffff", "#90b8c8", "#3d5a6c"),
    ("#0b132b", "#3a506b", "#1c2541", "#05070f"),
    ("#ffcad4", "#fff1e6", "#b5838d", "#6d6875"),
    ("#4cc9f0", "#ffe5d9", "#a7c957", "#386641"),
    ("#f4a261", "#ffe8d6", "#cb997e", "#6b705c"),
)
DAYS = ("2026-08-14", "2026-08-13", "2026-07-02", "2026-05-24", "2026-04-05", "2025-12-25")


def scenes(count: int) -> list[tuple[str, bytes]]:
    """Return so many (file name, JPEG): always the same ones."""
    chance = random.Random(7)
    return [_scene(number, chance) for number in range(count)]


def _scene(number: int, chance: random.Random) -> tuple[str, bytes]:
    width, height = chance.choice(SIZES)
    high, low, far, near = (_rgb(text) for text in chance.choice(PALETTES))
    picture = _gradient((width, height), high, low)
    draw = ImageDraw.Draw(picture)
    horizon = height * chance.uniform(0.45, 0.65)
    _sun(picture, chance, horizon)
    if chance.random() < 0.35:
        _sea(draw, (width, height), horizon, low, near, chance)
    else:
        _hills(draw, (width, height), horizon, far, near, chance)
    taken = datetime.fromisoformat(DAYS[number * len(DAYS) // 60 % len(DAYS)])
    return f"IMG_{4200 + number}.jpg", _saved(picture, taken + timedelta(minutes=600 + 7 * number))


def _gradient(size: tuple[int, int], above: tuple[int, ...], below: tuple[int, ...]) -> Image.Image:
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), mask)


def _sun(picture: Image.Image, chance: random.Random, horizon: float) -> None:
    x, y = picture.width * chance.uniform(0.15, 0.85), horizon * chance.uniform(0.35, 0.95)
    for radius, glow in (
        (picture.width * 0.22, 40),
        (picture.width * 0.1, 70),
        (picture.width * 0.045, 255),
    ):
        mask = Image.new("L", picture.size)
        ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=glow)
        picture.paste((255, 246, 224), mask=mask.filter(ImageFilter.GaussianBlur(radius / 6)))


def _hills(draw, size, horizon, far, near, chance) -> None:
    layers = chance.randint(3, 6)
    for layer in range(layers):
        part = layer / (layers - 1)
        shade = tuple(int(a + (b - a) * part) for a, b in zip(far, near, strict=True))
        base = horizon + (size[1] - horizon) * part * 0.8
        points = _ridge(size[0], base, size[1] * (0.16 - 0.09 * part), chance)
        draw.polygon([(0, size[1]), *points, (size[0], size[1])], fill=shade)
        if part > 0.6:
            _trees(draw, points, size[1] * 0.05, tuple(int(c * 0.75) for c in shade), chance)


def _ridge(width, base, rise, chance) -> list[tuple[float, float]]:
    count, level, points = 64, 0.0, []
    for step in range(count + 1):
        level = level * 0.9 + chance.uniform(-1, 1) * 0.45
        points.append((width * step / count, base - level * rise))
    return points


def _trees(draw, points, tall, shade, chance) -> None:
    for x, y in points:
        for _ in range(chance.randint(0, 3)):
            left, height = x + chance.uniform(-14, 14), tall * chance.uniform(0.6, 1.4)
            draw.polygon(
                [(left - height / 4, y + 6), (left, y - height), (left + height / 4, y + 6)],
                fill=shade,
            )


def _sea(draw, size, horizon, low, near, chance) -> None:
    for y in range(int(horizon), size[1]):
        part = max(0.0, (y - horizon) / (size[1] - horizon))
        shade = tuple(int(a + (b - a) * part**0.7) for a, b in zip(low, near, strict=True))
        draw.line((0, y, size[0], y), fill=shade)
    for _ in range(400):
        y = horizon + (size[1] - horizon) * chance.random() ** 2
        x, length = chance.uniform(0, size[0]), chance.uniform(10, 90) * (y - horizon) / size[1] + 6
        glint = tuple(min(255, c + 40) for c in low)
        draw.line((x, y, x + length, y), fill=glint, width=2)


def _saved(picture: Image.Image, taken: datetime) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Fairphone", "FP5"
    camera = exif.get_ifd(0x8769)
    camera[0x9003], camera[0x9011] = f"{taken:%Y:%m:%d %H:%M:%S}", "+02:00"
    camera[0x829A], camera[0x829D], camera[0x8827] = 1 / 400, 1.88, 80
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=88, exif=exif)
    return target.getvalue()


def _rgb(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text[1:]))
