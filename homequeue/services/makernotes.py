"""Maker notes: what Apple's phones write into EXIF in a form of their own."""

import struct
from typing import Any

from homequeue.services import values

#: How Apple's note begins; then two bytes of version, the order of bytes and a directory.
APPLE, DIRECTORY = b"Apple iOS\0", 14
ORDERS = {b"MM": ">", b"II": "<"}
#: The entry whose text a Live Photo and its clip share; entries that are looked at.
CONTENT_ID, STEPS = 0x0011, 256
#: Characters of such a text that are kept: it is a UUID.
LONGEST = 64


def content_id(note: Any) -> str | None:
    """Return the mark that Apple's note says a photo shares with its clip; None without."""
    if not isinstance(note, bytes) or not note.startswith(APPLE):
        return None
    order = ORDERS.get(note[12:14])
    try:
        return _text(note, order) if order else None
    except struct.error:
        return None  # it points out of the note


def mark(text: Any) -> str | None:
    """Return such a mark as it is compared: in capitals, and not longer than one can be."""
    line = values.line(text)
    return line[:LONGEST].upper() if line else None


def _text(note: bytes, order: str) -> str | None:
    (count,) = struct.unpack_from(order + "H", note, DIRECTORY)
    for entry in range(min(count, STEPS)):
        at = DIRECTORY + 2 + 12 * entry
        tag, kind, length, place = struct.unpack_from(order + "HHII", note, at)
        if (tag, kind) == (CONTENT_ID, 2) and length > 4:
            return mark(note[place : place + length])
    return None
