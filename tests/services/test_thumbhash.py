"""ThumbHash beside the answers of its author's own encoder (thumbhash 0.1.1 from npm)."""

import base64
import time
from collections.abc import Callable

import pytest

from homequeue.services import thumbhash

PICTURES: dict[str, Callable[[int, int, int, int], tuple[int, int, int]]] = {
    "flat": lambda x, y, w, h: (200, 50, 50),
    "black": lambda x, y, w, h: (0, 0, 0),
    "white": lambda x, y, w, h: (255, 255, 255),
    "slope": lambda x, y, w, h: (255 * x // w, 255 * y // h, 128),
    "weave": lambda x, y, w, h: (
        (x * 37 + y * 11) % 256, (x * x + y * 5) % 256, (x * 3 + y * y * 7) % 256,
    ),
    "halves": lambda x, y, w, h: (30, 60, 200) if 2 * x < w else (240, 220, 20),
}  # fmt: skip
#: Every wave of these is of some size, so that both encoders round it the same way.
EXACT = [
    ("weave", 32, 24, "XQgGFYZCU9cUYppQhwWnNwKE/85s"),
    ("weave", 24, 32, "XggGHQY1ZBGVS2QJeIJpZQVlyP5u"),
    ("weave", 32, 32, "XggGFwRURLYiZKlGhQiIN6ZXRnBT3P4H"),
    ("weave", 32, 5, "migKMYxAZXhyd4eHSX/0jGc="),
    ("weave", 3, 32, "GkcKERCHYAeGk3d0gEB6+CY="),
]
#: Waves of nothing lie between two steps; which one they become is chance.
NEARLY = [
    ("slope", 32, 24, "3wcKNZqAh4dwiIh3iHiHh4CAB/iH"),
    ("slope", 24, 32, "3/cJNRpwd4B4iIh4iIh4iHBwCPd4"),
    ("slope", 3, 32, "XLcJMRpwgIiIh3iHcHAI93g="),
    ("halves", 32, 24, "4PgJ7YhweoaIiHiHiIiHh3B4CIeH"),
    ("halves", 32, 5, "4PgJ6YhweoaIiHiIcIcHh4g="),
]
#: Pictures of one colour: only the colour counts, the scale of the waves is nought.
FLAT = [
    ("flat", 32, 24, "WSoDBYBaeJmIiHiGdwd3hXeIgIcI"),
    ("black", 32, 5, "AAgCAYAAAAAAAAAAAAAAAAA="),
    ("white", 32, 32, "PwgCBwB3eIiIeIiCiPiId3iLBwAAAAAA"),
]


def encode(name: str, width: int, height: int) -> bytes:
    places = ((x, y) for y in range(height) for x in range(width))
    pixels = b"".join(bytes(PICTURES[name](x, y, width, height)) for x, y in places)
    return thumbhash.encode(width, height, pixels)


def steps(made: bytes) -> list[int]:
    return [half for byte in made[5:] for half in (byte & 15, byte >> 4)]


@pytest.mark.parametrize(("name", "width", "height", "wanted"), EXACT)
def test_the_same_bytes_as_the_reference(name: str, width: int, height: int, wanted: str) -> None:
    assert base64.b64encode(encode(name, width, height)).decode() == wanted


@pytest.mark.parametrize(("name", "width", "height", "wanted"), NEARLY)
def test_the_same_picture_as_the_reference(name: str, width: int, height: int, wanted: str) -> None:
    made, reference = encode(name, width, height), base64.b64decode(wanted)
    assert made[:5] == reference[:5]
    pairs = list(zip(steps(made), steps(reference), strict=True))
    assert all(abs(ours - theirs) <= 1 for ours, theirs in pairs)
    assert all(ours == theirs for ours, theirs in pairs if theirs not in (7, 8))


@pytest.mark.parametrize(("name", "width", "height", "wanted"), FLAT)
def test_one_colour_is_that_colour(name: str, width: int, height: int, wanted: str) -> None:
    made, reference = encode(name, width, height), base64.b64decode(wanted)
    assert made[:5] == reference[:5]
    assert len(made) == len(reference)
    assert set(steps(made)) <= {0, 8}


@pytest.mark.parametrize("size", [(1, 1), (1, 32), (32, 1), (2, 3)])
def test_the_smallest_pictures_have_one_too(size: tuple[int, int]) -> None:
    assert 5 < len(encode("halves", *size)) <= 25


def test_it_costs_next_to_nothing() -> None:
    began = time.process_time()
    for _ in range(10):
        encode("weave", 32, 32)
    assert (time.process_time() - began) / 10 < 0.02
