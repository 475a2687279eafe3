"""Motion photos: where in a photo its clip is; the clip itself is not looked at."""

import io
import struct
from typing import BinaryIO

from homequeue.services import xmp
from homequeue.services.headers import unpack

#: Entries of a trailer and boxes of a file that are looked at.
STEPS = 256
#: Type of the entry in Samsung's trailer that holds the clip.
SAMSUNG_CLIP = 0x0A30


def find(file: BinaryIO, properties: xmp.Properties) -> dict[str, int] | None:
    """Return where the clip of a motion photo begins and its size, both in bytes; None without."""
    end = file.seek(0, io.SEEK_END)
    for look in (_google, _samsung, _boxed):
        try:
            found = look(file, end, properties)
        except (struct.error, ValueError, OSError):
            continue  # it points out of the file
        if found is not None and _is_clip(file, *found, end):
            return {"at": found[0], "size": found[1]}
    return None


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
    at = 0
    if unpack(file, "4s", 4) != (b"ftyp",):
        return None
    for _ in range(STEPS):
        length, name = unpack(file, ">I4s", at)
        head = 16 if length == 1 else 8
        length = unpack(file, ">Q", at + 8)[0] if length == 1 else length or end - at
        if name == b"mpvd":
            return at + head, length - head
        at += max(length, head)
    return None
