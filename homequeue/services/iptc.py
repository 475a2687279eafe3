"""IPTC: what agencies and older programs write into a photo, beside XMP or before it (IIM 4.2)."""

import struct
from dataclasses import dataclass

#: Number of the Photoshop resource that holds it, and datasets of its record 2.
RESOURCE = 0x0404
KEYWORD, DATE, TIME, CAPTION = 25, 55, 60, 120
#: Datasets looked at.
STEPS = 1000


@dataclass(frozen=True)
class Iptc:
    """The datasets homequeue asks for."""

    keywords: tuple[str, ...] = ()
    caption: str | None = None
    #: As '2024-07-12T18:15:00+0200', or the day alone; a time without its day says nothing.
    created: str | None = None


def parse(resources: object) -> Iptc:
    """Read the datasets from Photoshop's resources, as Pillow gives them, up to the first error."""
    block = resources.get(RESOURCE) if isinstance(resources, dict) else None
    found: dict[int, list[str]] = {}
    at = 0
    for _ in range(STEPS):
        if not isinstance(block, bytes) or block[at : at + 1] != b"\x1c" or len(block) < at + 5:
            break
        record, dataset, length = struct.unpack_from(">BBH", block, at + 1)
        if record == 2:
            found.setdefault(dataset, []).append(_text(block[at + 5 : at + 5 + length]))
        at += 5 + length
    captions = found.get(CAPTION, [])
    return Iptc(tuple(found.get(KEYWORD, ())), next(iter(captions), None), _created(found))


def _text(value: bytes) -> str:
    """UTF-8 if it is that, whether or not dataset 1:90 says so; else what Windows wrote."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _created(found: dict[int, list[str]]) -> str | None:
    (day, *_), (time, *_) = found.get(DATE, [""]), found.get(TIME, [""])
    if len(day) != 8 or not day.isdecimal():
        return None
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if len(time) < 6 or not time[:6].isdecimal():
        return date
    return f"{date}T{time[:2]}:{time[2:4]}:{time[4:6]}{time[6:11]}"
