"""What stays the same when a photo is sent around, and what does not."""

import io
from typing import Any

import pytest
from PIL import ImageEnhance

from homequeue.services import fingerprint, imaging
from tests import pictures

PHOTO = pictures.photo(1200, 900)


def look(content: bytes) -> imaging.Looks:
    return imaging.render(io.BytesIO(content)).looks


def test_brighter_to_the_right_is_a_one() -> None:
    rising, falling = bytes(range(9)) * 8, bytes(range(9, 0, -1)) * 8
    assert fingerprint.dhash(rising) == "f" * 16
    assert fingerprint.dhash(falling) == "0" * 16
    assert fingerprint.dhash(rising[:9] + falling[9:]) == "ff" + "0" * 14
    assert fingerprint.dhash(bytes(72)) == "0" * 16


def test_mode_and_size_count_not_only_bytes() -> None:
    found = {
        fingerprint.fingerprint(mode, *size, bytes(12))
        for mode, size in (("L", (3, 4)), ("L", (4, 3)), ("RGB", (2, 2)), ("RGB", (4, 1)))
    }
    assert len(found) == 4


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "edit",
    [
        {"exif": pictures.exif({0x010E: "A new caption", 0x4746: 5})},
        {"exif": pictures.exif({0x0112: 6})},
        {"icc_profile": pictures.display_p3()},
    ],
    ids=["caption", "orientation", "profile"],
)
def test_edited_tags_leave_the_fingerprint(form: str, edit: dict[str, Any]) -> None:
    before, after = pictures.data(PHOTO, form), pictures.data(PHOTO, form, **edit)
    assert before != after
    assert look(before).fingerprint == look(after).fingerprint


def test_other_pixels_are_another_photo() -> None:
    retouched = PHOTO.copy()
    retouched.paste("white", (500, 400, 530, 430))
    others = (
        pictures.data(retouched),
        pictures.data(PHOTO, quality=60),
        pictures.data(PHOTO, "PNG"),
    )
    found = {look(content).fingerprint for content in (pictures.data(PHOTO), *others)}
    assert len(found) == 4


@pytest.mark.parametrize(
    "copy",
    [
        pictures.data(PHOTO, quality=40),
        pictures.data(PHOTO.resize((800, 600))),
        pictures.data(PHOTO, "PNG"),
        pictures.data(ImageEnhance.Brightness(PHOTO).enhance(0.8)),
        pictures.turned(6, picture=PHOTO),
    ],
    ids=["quality", "size", "format", "brightness", "orientation"],
)
def test_a_copy_is_near(copy: bytes) -> None:
    original = look(pictures.data(PHOTO)).dhash
    assert fingerprint.distance(original, look(copy).dhash) <= 6


def test_another_photo_is_far() -> None:
    others = [look(pictures.data(pictures.photo(1200, 900, seed))).dhash for seed in (2, 3, 4)]
    original = look(pictures.data(PHOTO)).dhash
    assert min(fingerprint.distance(original, other) for other in others) > 12
