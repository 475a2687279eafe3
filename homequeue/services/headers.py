"""Headers: what a picture is and how large, from its first bytes; no decoder is asked."""

import io
import math
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from homequeue import errors

#: Bytes read to tell one format from another; the longest `ftyp` list seen names 12 brands.
HEAD = 64
#: Segments, boxes or tags looked at before a header counts as hostile.
STEPS = 4096
#: Chunks of a PNG that are stepped over: some writers make them of 8 kB each.
MOST_CHUNKS = 100_000
#: Bytes of a HEIC or AVIF `meta` box that are read; a grid of 200 MP needs 60 kB.
META = 1 << 20
#: Bytes any picture needs, whatever its size: renditions, encoders, decoder tables.
BASE_MEMORY = 16 << 20
#: Bytes one picture may take at most, however much memory the machine has.
MOST_MEMORY = 1 << 30
#: Bytes a pixel costs of a JPEG that libjpeg decodes line by line and reduced; of one with several
#: scans it keeps all coefficients, two bytes each.
STREAMED_COST = 0.2
#: JPEG markers that stand alone, without a length: RST, SOI, EOI.
JPEG_ALONE = range(0xFFD0, 0xFFDA)


@dataclass(frozen=True)
class Format:
    """A kind of picture that is taken; `cost` is the least seen of its peak, in bytes per pixel.

    The least, because a limit that is met while rendering still keeps the original.
    """

    name: str
    mime: str
    extension: str
    plugin: str
    cost: float
    magic: bytes


#: Everything that is taken; `magic` is a pattern for the first bytes. AVIF stands before HEIC
#: because both may carry the brand mif1.
FORMATS = {
    kind.name: kind
    for kind in (
        Format("JPEG", "image/jpeg", "jpg", "Jpeg", STREAMED_COST, rb"\xff\xd8\xff"),
        Format("PNG", "image/png", "png", "Png", 5.3, rb"\x89PNG\r\n\x1a\n"),
        Format("WebP", "image/webp", "webp", "WebP", 16, rb"RIFF....WEBP"),
        Format("GIF", "image/gif", "gif", "Gif", 6.3, rb"GIF8[79]a"),
        Format("AVIF", "image/avif", "avif", "Avif", 9, rb".{4}ftyp(.{4})*?avi[fs]"),
        Format("HEIC", "image/heic", "heic", "", 6.9, rb".{4}ftyp(.{4})*?(he[iv][cxms]|mif1)"),
        Format("TIFF", "image/tiff", "tif", "Tiff", 5.3, rb"II[*+]\0|MM\0[*+]"),
    )
}
#: What people send that is not taken, by its first bytes, for the words they get back.
STRANGERS = (
    (rb"%PDF", "a PDF"),
    (rb"\s*(<\?xml.*)?(<!--.*)?<svg", "an SVG drawing"),
    (rb"\s*<(!doctype|html|\?xml)", "a web page"),
    (rb"8BPS", "a Photoshop file"),
    (rb"BM", "a BMP picture"),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b", "an archive"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb".{4}ftypcrx |FUJIFILMCCD-RAW|IIU\0|IIRO|IIRS", "a camera raw file"),
    (rb".{4}(ftyp|moov|mdat)|\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01\xba", "a video"),
    (rb"\xff\xfe|\xfe\xff|\xef\xbb\xbf", "a text"),
    (rb"\xff[\xe2-\xff]|ID3|RIFF....WAVE|OggS|fLaC", "a sound file"),
)


@dataclass(frozen=True)
class Header:
    """What the first bytes say of a picture: its stored size in pixels and how it decodes."""

    width: int
    height: int
    #: libjpeg can decode it at n/8 of its size.
    reducible: bool = False
    #: Bytes of memory a pixel costs where the header knows better than the format.
    cost: float | None = None
    #: Pixels that may be decoded of it.
    limit: int = 0
    #: The container promises more bytes than the file has.
    truncated: bool = False
    #: (primaries, transfer) of ITU-T H.273, named by a container instead of a profile.
    colours: tuple[int, int] | None = None


@dataclass(frozen=True)
class Identity:
    """What a file is by its content; width and height as stored, before any turning."""

    format: str
    mime: str
    extension: str
    width: int
    height: int
    #: The container promises more bytes than the file has.
    is_truncated: bool = False


def identify(file: BinaryIO, memory: int | None = None) -> Identity:
    """Say what a file is from its header alone; no pixel is decoded, so a bomb costs nothing.

    Raises Unsupported, Unreadable or TooLarge (for `memory` bytes) with words, whatever the bytes.
    """
    kind, header = examine(file, memory)
    stored = header.width, header.height
    return Identity(kind.name, kind.mime, kind.extension, *stored, header.truncated)


def spare_memory() -> int:
    """Bytes that one picture may take on this machine: half its memory, and no more than 1 GiB."""
    return min(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2, MOST_MEMORY)


def pixel_limit(name: str, memory: int | None = None, cost: float | None = None) -> int:
    """Say how many pixels a format may have in `memory` bytes, at `cost` bytes each if given."""
    cost = cost or FORMATS[name].cost
    room = (spare_memory() if memory is None else memory) - BASE_MEMORY
    return max(int(room / cost), 0)


def examine(file: BinaryIO, memory: int | None) -> tuple[Format, Header]:
    """Tell the format by its magic and read its header; an OSError is the disk's, and passes."""
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise errors.Unreadable("This file is empty.")
    kind = next((k for k in FORMATS.values() if re.match(k.magic, head, re.DOTALL)), None)
    if kind is None:
        raise errors.Unsupported(_stranger(head))
    try:
        header = HEADERS[kind.name](file)
    except (errors.HomequeueError, OSError):
        raise
    except Exception as error:
        raise errors.Unreadable(nothing(kind)) from error
    if header.width < 1 or header.height < 1:
        raise errors.Unreadable(nothing(kind))
    limit = pixel_limit(kind.name, memory, header.cost)
    if header.width * header.height > limit:
        raise too_large(header.width * header.height, limit)
    return kind, replace(header, limit=limit)


def _stranger(head: bytes) -> str:
    looks = (like for magic, like in STRANGERS if re.match(magic, head, re.DOTALL | re.IGNORECASE))
    guess = next((f" (it looks like {like})" for like in looks), "")
    return f"This is not a photo homequeue can show{guess}."


def nothing(kind: Format) -> str:
    """The words for a file that shows nothing."""
    return f"This file calls itself a {kind.name} but nothing in it can be shown."


def too_large(pixels: int, limit: int) -> errors.TooLarge:
    """The error for more pixels than can be taken, in millions."""
    # A bomb claims any number, and a number nobody can imagine is no help.
    most = 10 * limit
    claim = f"{max(pixels // 10**6, 1):,}" if pixels <= most else f"more than {most // 10**6:,}"
    return errors.TooLarge(
        f"This photo has {claim} million pixels; of its kind, homequeue "
        f"is set to take {limit // 10**6:,} million."
    )


def unpack(file: BinaryIO, pattern: str, at: int) -> tuple[Any, ...]:
    """Read one struct at a place; a place beyond the file is the file's fault, not the disk's."""
    if at >= 1 << 62:
        raise ValueError("offset beyond any file")
    file.seek(at)
    return struct.unpack(pattern, file.read(struct.calcsize(pattern)))


def _jpeg(file: BinaryIO) -> Header:
    at, width, height, process, parts = 2, 0, 0, 0, b""
    for _ in range(STEPS):
        mark, length = unpack(file, ">HH", at)
        if 0xFFC0 <= mark <= 0xFFCF and mark not in (0xFFC4, 0xFFC8, 0xFFCC):
            process = mark
            height, width, count = unpack(file, ">HHB", at + 5)
            (parts,) = unpack(file, f"{3 * count}s", at + 10)
        if mark == 0xFFDA:
            single = unpack(file, "B", at + 4)[0] * 3 == len(parts)
            cost = None if single and process in (0xFFC0, 0xFFC1) else _jpeg_cost(parts)
            return Header(width, height, process in (0xFFC0, 0xFFC1, 0xFFC2), cost)
        # Fill bytes and junk between segments are stepped over, as libjpeg does.
        at += 2 + length if mark > 0xFF01 and mark not in JPEG_ALONE else 1
    raise ValueError("no picture in sight")


def _jpeg_cost(parts: bytes) -> float:
    """Bytes a pixel takes as coefficients, from the sampling factors of the components."""
    samplings = [(both >> 4, both & 15) for both in parts[1::3]]
    most = max(across for across, _ in samplings) * max(down for _, down in samplings)
    return STREAMED_COST + 2 * sum(map(math.prod, samplings)) / most


def _png(file: BinaryIO) -> Header:
    width, height = unpack(file, ">II", 16)
    colours = None
    for name, at, _ in png_chunks(file):
        if name == b"cICP":
            colours = unpack(file, "BB", at)
        elif name == b"IDAT":
            break
    return Header(width, height, colours=colours)


def png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place and length of the chunks of a PNG, up to where it ends."""
    at = 8
    for _ in range(MOST_CHUNKS):
        try:
            length, name = unpack(file, ">I4s", at)
        except struct.error:
            return
        yield name, at + 8, length
        at += length + 12


def _gif(file: BinaryIO) -> Header:
    return Header(*unpack(file, "<HH", 6))


def _webp(file: BinaryIO) -> Header:
    length, chunk = unpack(file, "<4xI4x4s", 0)
    truncated = file.seek(0, io.SEEK_END) < length + 7  # some writers count one byte too many
    if chunk == b"VP8X":
        wide, high = (int.from_bytes(side, "little") + 1 for side in unpack(file, "3s3s", 24))
    elif chunk == b"VP8L":
        bits = unpack(file, "<I", 21)[0]
        wide, high = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        wide, high = (side & 0x3FFF for side in unpack(file, "<HH", 26))
    else:
        raise ValueError("a chunk WebP does not begin with")
    return Header(wide, high, truncated=truncated)


def _heif(file: BinaryIO) -> Header:
    end, at, meta, truncated = file.seek(0, io.SEEK_END), 0, b"", False
    for _ in range(STEPS):
        if at + 8 > end:
            break
        length, name = unpack(file, ">I4s", at)
        body = 16 if length == 1 else 8
        length = unpack(file, ">Q", at + 8)[0] if length == 1 else length or end - at
        if name == b"meta" and not meta:
            file.seek(at + body)
            meta = file.read(min(length - body, META))
        at += max(length, body)
        truncated |= name == b"mdat" and at > end
    found = [*boxes(meta[4:], b"iprp", b"ipco", b"ispe")]
    # The largest is the whole: grids carry the size of their tiles too, and of a thumbnail.
    width, height = max((struct.unpack_from(">II", body, 4) for body in found), key=math.prod)
    named = (c for c in boxes(meta[4:], b"iprp", b"ipco", b"colr") if c.startswith(b"nclx"))
    colours = next((struct.unpack_from(">HH", c, 4) for c in named), None)
    return Header(width, height, truncated=truncated, colours=colours)


def boxes(data: bytes, name: bytes, *inside: bytes) -> Iterator[bytes]:
    """Yield the bodies of all boxes at this path of names, ISO 14496-12."""
    at = 0
    while at + 8 <= len(data):
        length, found = struct.unpack_from(">I4s", data, at)
        length = length if length >= 8 else len(data)
        if found == name:
            body = data[at + 8 : at + length]
            yield from boxes(body, *inside) if inside else (body,)
        at += length


def _tiff(file: BinaryIO) -> Header:
    (magic,) = unpack(file, "4s", 0)
    order, big = "<" if magic.startswith(b"II") else ">", b"+" in magic
    (at,) = unpack(file, order + ("Q" if big else "I"), 8 if big else 4)
    (count,) = unpack(file, order + ("Q" if big else "H"), at)
    tags: dict[int, int] = {}
    for entry in range(min(count, STEPS)):
        place = at + (8 + 20 * entry if big else 2 + 12 * entry)
        tag, kind = unpack(file, order + "HH", place)
        width = {3: "H", 16: "Q"}.get(kind, "I")
        (tags[tag],) = unpack(file, order + width, place + (12 if big else 8))
    # Raw files of cameras are TIFFs that begin with a reduced picture (254) or say so (50706).
    if tags.get(254, 0) & 1 or 50706 in tags:
        raise errors.Unsupported(_stranger(b"IIU\0"))
    return Header(tags[256], tags[257])


HEADERS: dict[str, Callable[[BinaryIO], Header]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _webp,
    "GIF": _gif,
    "AVIF": _heif,
    "HEIC": _heif,
    "TIFF": _tiff,
}
