"""Motion photos: where in a photo its clip is, and how its pictures are encoded."""

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from homequeue.services import xmp
from homequeue.services.headers import boxes, unpack

#: Entries of a trailer and boxes of a file that are looked at.
STEPS = 256
#: Type of the entry in Samsung's trailer that holds the clip.
SAMSUNG_CLIP = 0x0A30
#: Codes of pictures in MP4 that browsers play, and that not all of them do.
PLAYED = ("avc1", "avc3", "av01", "vp09")
UNPLAYED = ("hvc1", "hev1", "dvh1", "dvhe", "mp4v", "s263")
#: The most bytes of a clip's directory that are read.
MOST_DIRECTORY = 4 << 20


def find(file: BinaryIO, properties: xmp.Properties) -> dict[str, Any] | None:
    """Return where the clip of a motion photo begins and its size, both in bytes; None without.

    With its `codec` where that can be told: one of PLAYED or UNPLAYED.
    """
    end = file.seek(0, io.SEEK_END)
    for look in (_google, _samsung, _boxed):
        try:
            found = look(file, end, properties)
        except (struct.error, ValueError, OSError):
            continue  # it points out of the file
        if found is not None and _is_clip(file, *found, end):
            codec = _codec(file, *found)
            return {"at": found[0], "size": found[1]} | ({"codec": codec} if codec else {})
    return None


def is_played(place: dict[str, Any]) -> bool:
    """Tell whether browsers play a clip, or might: of one that says nothing nobody knows."""
    return place.get("codec") not in UNPLAYED


def _codec(file: BinaryIO, at: int, size: int) -> str | None:
    """The code of the pictures, from the descriptions of its tracks."""
    for name, start, length in _boxes(file, at, at + size):
        if name == b"moov":
            file.seek(start)
            data = file.read(min(length, MOST_DIRECTORY))
            found = boxes(data, b"trak", b"mdia", b"minf", b"stbl", b"stsd")
            codes = (box[12:16].decode("latin-1") for box in found)
            return next((code for code in codes if code in (*PLAYED, *UNPLAYED)), None)
    return None


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of this part of a file: name, and place and size of what is in them."""
    for _ in range(STEPS):
        if at + 8 > end:
            return
        length, name = unpack(file, ">I4s", at)
        head = 16 if length == 1 else 8
        length = unpack(file, ">Q", at + 8)[0] if length == 1 else length or end - at
        yield name, at + head, max(0, min(length, end - at) - head)
        at += max(length, head)


def _is_clip(file: BinaryIO, at: int, size: int, end: int) -> bool:
    """Whether an MP4 begins there, whatever the file says: it may have been cut or edited."""
    if at <= 0 or size < 8 or at + size > end:
        return False
    file.seek(at + 4)
    return file.read(4) == b"ftyp"


def _google(_file: BinaryIO, end: int, properties: xmp.Properties) -> tuple[int, int] | None:
    """XMP names the lengths of what follows the photo, from the clip on to the end of the file."""
    kinds = properties.get("Item:Semantic", [])
    if "MotionPhoto" in kinds:
        lengths = properties.get("Item:Length", [])[kinds.index("MotionPhoto") - len(kinds) :]
        sizes = [int(length) for length in lengths]
        return end - sum(sizes), sizes[0] if sizes else 0
    # As it was until 2020.
    offset = xmp.first(properties, "GCamera:MicroVideoOffset")
    return (end - int(offset), int(offset)) if offset else None


def _samsung(file: BinaryIO, end: int, _properties: xmp.Properties) -> tuple[int, int] | None:
    """A directory at the very end names blocks by type, their distance before it and their size."""
    length, mark = unpack(file, "<I4s", end - 8)
    if mark != b"SEFT":
        return None
    start = end - 8 - length
    mark, _, count = unpack(file, "<4sII", start)
    for entry in range(min(count, STEPS) if mark == b"SEFH" else 0):
        kind, before, size = unpack(file, "<2xHII", start + 12 + 12 * entry)
        if kind == SAMSUNG_CLIP:
            (name,) = unpack(file, "<4xI", start - before)
            return start - before + 8 + name, size - 8 - name
    return None


def _boxed(file: BinaryIO, end: int, _properties: xmp.Properties) -> tuple[int, int] | None:
    """In a HEIC the clip is the box `mpvd`."""
    if unpack(file, "4s", 4) != (b"ftyp",):
        return None
    found = ((at, size) for name, at, size in _boxes(file, 0, end) if name == b"mpvd")
    return next(found, None)
