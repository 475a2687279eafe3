"""ThumbHash: a picture in about 25 bytes, shown blurred until the thumbnail is there.

The algorithm is Evan Wallace's (https://evanw.github.io/thumbhash/): a cosine transform of which
only the lowest frequencies are kept, four bits each. Pictures here are opaque: alpha is left out.
"""

import math
from collections.abc import Sequence
from operator import mul

#: The long edge, in pixels, of the picture to encode: seven waves need no more than this.
EDGE = 32
#: Waves along the long edge in brightness; colours have three both ways.
WAVES, COLOUR_WAVES = 7, 3
#: Waves below this are rounding errors of a channel that is flat.
NOISE = 1e-9


def encode(width: int, height: int, pixels: bytes) -> bytes:
    """Return the hash of a small picture, given as its rows of red, green and blue bytes."""
    long = max(width, height)
    wide, high = (max(1, _round(WAVES * side / long)) for side in (width, height))
    red, green, blue = ([value / 255 for value in pixels[n::3]] for n in range(3))
    channels = (
        ([(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)], wide, high),
        ([(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)], 0, 0),
        ([r - g for r, g in zip(red, green, strict=True)], 0, 0),
    )
    light, yellow, redness = (
        _transform(channel, width, max(COLOUR_WAVES, across), max(COLOUR_WAVES, down))
        for channel, across, down in channels
    )
    is_wide = width > height
    head = _round(63 * light[0])
    head |= _round(31.5 + 31.5 * yellow[0]) << 6 | _round(31.5 + 31.5 * redness[0]) << 12
    head |= _round(31 * light[1]) << 18 | (high if is_wide else wide) << 24
    head |= _round(63 * yellow[1]) << 27 | _round(63 * redness[1]) << 33 | is_wide << 39
    waves = [_round(15 * wave) for channel in (light, yellow, redness) for wave in channel[2]]
    pairs = zip(waves[::2], [*waves[1::2], 0], strict=False)
    return head.to_bytes(5, "little") + bytes(low | upper << 4 for low, upper in pairs)


def _transform(
    channel: Sequence[float], width: int, across: int, down: int
) -> tuple[float, float, list[float]]:
    """The mean of a channel, how far its waves go, and the waves in shares of that from 0 to 1."""
    height = len(channel) // width
    rows = [channel[at : at + width] for at in range(0, len(channel), width)]
    # One direction after the other: a tenth of the work of both at once.
    columns = [[sum(map(mul, row, wave)) for row in rows] for wave in _waves(across, width)]
    found = [
        sum(map(mul, columns[x], wave)) / (width * height)
        for y, wave in enumerate(_waves(down, height))
        for x in range(across)
        if x * down < across * (down - y)
    ]
    mean, *waves = found
    most = max(map(abs, waves))
    if most < NOISE:
        return mean, 0, [0.5] * len(waves)
    return mean, most, [0.5 + 0.5 * wave / most for wave in waves]


def _waves(count: int, length: int) -> list[list[float]]:
    step = math.pi / length
    return [[math.cos(step * n * (at + 0.5)) for at in range(length)] for n in range(count)]


def _round(value: float) -> int:
    """To the nearest whole number, halves up: Python would round them to even."""
    return math.floor(value + 0.5)
