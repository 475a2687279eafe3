"""Camera raw files: which kind one is, the picture that its camera put into it, what it says.

Nearly every camera writes a JPEG of what it saw beside the raw values, and several smaller ones.
They are found by walking the whole file for the beginnings of JPEGs, wherever a maker has hidden
them, and judged by their own headers. Files without one are for `developing`.
"""

import io
import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from PIL import Image

from homequeue.services.headers import Identity, unpack

#: What begins a JPEG, the places of such that are looked at, and segments of one.
SOI, MOST_PLACES, MOST_SEGMENTS = b"\xff\xd8\xff", 4096, 512
#: Markers of a JPEG: frames that browsers know, all frames, the scan, the end.
PLAIN_FRAMES, SCAN, END = (0xC0, 0xC1, 0xC2), 0xDA, b"\xff\xd9"
NO_FRAMES = (0xC4, 0xC8, 0xCC)
#: Tags of the first directory: a reduced picture, the maker, the DNG version, XMP.
REDUCED, MAKE, DNG, XMP = 254, 271, 50706, 700
#: Entries of that directory, and bytes of a maker's name.
MOST_ENTRIES, LONGEST_MAKE = 512, 32
#: Where Canon's boxes with directories are, and of what: the first, Exif's and GPS's.
BOXES, BOXES_WITHIN = (b"CMT1", b"CMT2", b"CMT4"), 1 << 16


@dataclass(frozen=True)
class Kind:
    """A kind of raw file; `makers` write TIFFs of it, `magic` are its first bytes if it is none."""

    name: str
    mime: str
    makers: bytes = b""
    magic: bytes = b""


KINDS = (
    Kind("CR3", "image/x-canon-cr3", magic=rb".{4}ftypcrx "),
    Kind("RAF", "image/x-fuji-raf", magic=rb"FUJIFILMCCD-RAW"),
    Kind("RW2", "image/x-panasonic-rw2", magic=rb"IIU\0"),
    Kind("ORF", "image/x-olympus-orf", magic=rb"IIRO|IIRS|MMOR"),
    Kind("CR2", "image/x-canon-cr2", magic=rb"II\*\0.{4}CR"),
    Kind("DNG", "image/x-adobe-dng"),
    Kind("NEF", "image/x-nikon-nef", makers=b"NIKON"),
    Kind("ARW", "image/x-sony-arw", makers=b"SONY"),
    Kind("PEF", "image/x-pentax-pef", makers=b"PENTAX|RICOH"),
    Kind("SRW", "image/x-samsung-srw", makers=b"SAMSUNG"),
)
NAMED = {kind.name: kind for kind in KINDS}


@dataclass
class Described:
    """What a raw file says of itself, in the form in which Pillow tells it of a picture."""

    exif: Image.Exif
    format: str
    info: dict[str, Any] = field(default_factory=dict)

    def getexif(self) -> Image.Exif:
        """Return its directories."""
        return self.exif


@dataclass(frozen=True)
class Inside:
    """A JPEG in a raw file; width and height in pixels, as stored."""

    width: int
    height: int
    data: io.BytesIO


def identify(file: BinaryIO) -> Identity | None:
    """Say which raw file this is, by a few of its first bytes; None if it is none."""
    found = kind(file)
    if found is None:
        return None
    return Identity(found.name, found.mime, found.name.lower(), 0, 0)


def kind(file: BinaryIO) -> Kind | None:
    """Return the kind of a raw file; None if it is none."""
    file.seek(0)
    head = file.read(32)
    for one in KINDS:
        if one.magic and re.match(one.magic, head, re.DOTALL):
            return one
    with suppress(struct.error, ValueError):
        return _by_directory(file, head)
    return None


def picture(file: BinaryIO) -> Inside | None:
    """Return the largest JPEG in a raw file; None if there is none. For the sandbox."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = max(_jpegs(data), default=None)
        if found is None:
            return None
        _, begin, scan, width, height = found
        # What is compressed has no such bytes, so these are the end, whatever comes after.
        end = data.find(END, scan)
        return Inside(width, height, io.BytesIO(data[begin : end + 2 if end >= 0 else len(data)]))


def described(file: BinaryIO) -> Described | None:
    """Return what a raw file says of itself; None if it is none, or leaves that to its picture."""
    found = kind(file)
    if found is None or found.name == "RAF":
        return None
    exif = Image.Exif()
    if found.name == "CR3":
        return Described(_boxed(file), found.name)
    (head,) = unpack(file, "2s", 0)
    exif.endian = "<" if head == b"II" else ">"
    (at,) = unpack(file, exif.endian + "I", 4)
    exif.load_from_fp(file, at)
    packet = exif.get(XMP)
    return Described(exif, found.name, {"xmp": packet} if isinstance(packet, bytes) else {})


def _by_directory(file: BinaryIO, head: bytes) -> Kind | None:
    """The kind of a TIFF whose first picture is a reduced one, by who made it."""
    if not head.startswith((b"II*\0", b"MM\0*")):
        return None
    order = "<" if head.startswith(b"II") else ">"
    (at,) = unpack(file, order + "I", 4)
    (count,) = unpack(file, order + "H", at)
    tags = {}
    for entry in range(min(count, MOST_ENTRIES)):
        tag, form, length, value = unpack(file, order + "HHII", at + 2 + 12 * entry)
        tags[tag] = form, length, value
    if DNG in tags:
        return NAMED["DNG"]
    if MAKE not in tags or REDUCED not in tags or not tags[REDUCED][2]:
        return None
    _, length, place = tags[MAKE]
    (make,) = unpack(file, f"{min(length, LONGEST_MAKE)}s", place)
    makers = (one for one in KINDS if one.makers and re.match(one.makers, make, re.IGNORECASE))
    return next(makers, None)


def _boxed(file: BinaryIO) -> Image.Exif:
    """The directories of Canon's newer files, each a TIFF in a box of its own."""
    file.seek(0)
    head = file.read(BOXES_WITHIN)
    parts = []
    for name in BOXES:
        at = head.find(name)
        (length,) = struct.unpack_from(">I", head, at - 4) if at >= 4 else (0,)
        part = Image.Exif()
        if length > 8:
            part.load(b"Exif\0\0" + head[at + 4 : at - 4 + length])
        parts.append(part)
    main, exif, gps = parts
    main.get_ifd(0x8769).update(dict(exif))
    main.get_ifd(0x8825).update(dict(gps))
    return main


def _jpegs(data: mmap.mmap) -> Iterator[tuple[int, int, int, int, int]]:
    """The JPEGs in a file: pixels, place, place of the first scan, width, height."""
    at = -1
    for _ in range(MOST_PLACES):
        at = data.find(SOI, at + 1)
        if at < 0:
            return
        with suppress(struct.error):
            yield from _jpeg(data, at)


def _jpeg(data: mmap.mmap, begin: int) -> Iterator[tuple[int, int, int, int, int]]:
    """One JPEG, if it is whole up to its scan and of a kind that is shown; raw values are not."""
    at, width, height = begin + 2, 0, 0
    for _ in range(MOST_SEGMENTS):
        mark, code, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2:
            return
        if 0xC0 <= code <= 0xCF and code not in NO_FRAMES:
            depth, height, width = struct.unpack_from(">BHH", data, at + 4)
            width *= code in PLAIN_FRAMES and depth == 8
        if code == SCAN:
            if width * height:
                yield width * height, begin, at, width, height
            return
        at += 2 + length
