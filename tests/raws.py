"""Camera raw files as makers build them: directories, pictures of several sizes, noise."""

import array
import random
import struct
from typing import Any

from PIL import Image

from tests import pictures

#: A whole JPEG of a kind that only holds raw values: lossless, of sixteen bits.
LOSSLESS = (
    b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3s", 11, 14, 9000, 9000, 1, b"\1\x11\0")
    + b"\xff\xda" + struct.pack(">HB2s3s", 8, 1, b"\1\0", b"\1\0\0") + bytes(500) + b"\xff\xd9"
)  # fmt: skip
#: The matrix of IEC 61966-2-1: what a sensor has whose colours are those of sRGB.
XYZ_TO_SRGB = (3.2405, -1.5371, -0.4985, -0.9693, 1.876, 0.0416, 0.0556, -0.204, 1.0572)


def jpegs(exif: Any = None) -> bytes:
    """A thumbnail, values, the picture that is to be shown, values again, a smaller picture."""
    options = {"exif": exif} if exif else {}
    parts = (
        pictures.data(pictures.scene(160, 120)), LOSSLESS, noise(1),
        pictures.data(pictures.scene(600, 400), **options), noise(2),
        pictures.data(pictures.scene(300, 200)), noise(3),
    )  # fmt: skip
    return b"".join(parts)


def noise(seed: int, size: int = 40_000) -> bytes:
    return random.Random(seed).randbytes(size)


def tags(make: str, orientation: int = 1, **others: Any) -> Any:
    """The directories of a raw file; a keyword such as `t50706` is a tag of the first."""
    main = {254: 1, 271: make, 272: f"{make} X", 0x0112: orientation}
    main |= {int(name[1:]): value for name, value in others.items()}
    gps = {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)}
    return pictures.exif(main, {0x9003: "2021:05:04 03:02:01", 0x8827: 400}, gps)


def tiff(exif: Any, magic: bytes = b"", offset: int = 8, head: bytes = b"") -> bytes:
    """These directories as a file of their own, perhaps with other first bytes."""
    exif.endian = ">" if magic.startswith(b"MM") else "<"
    body = exif.tobytes(offset).removeprefix(b"Exif\0\0")
    start = (magic or body[:4]).ljust(4, b"\0") + struct.pack(exif.endian + "I", offset) + head
    return start.ljust(offset, b"\0") + body[8:]


def sensor(width: int = 1600, height: int = 1200, orientation: int = 1) -> bytes:
    """A DNG as some phones write it: what a sensor saw of the scene, and no picture."""
    values = mosaic(pictures.scene(width, height))
    of_sensor = {
        "t254": 0, "t256": width, "t257": height, "t258": 16, "t259": 1, "t262": 32803, "t277": 1,
        "t278": height, "t279": len(values), "t33421": (2, 2), "t33422": bytes((0, 1, 1, 2)),
        "t50706": b"\1\4\0\0", "t50708": "Google Phone", "t50717": 255 << 6,
        "t50721": XYZ_TO_SRGB, "t50728": (1.0, 1.0, 1.0), "t50778": 21,
    }  # fmt: skip
    # Pillow writes the place of the values as so many bytes after the directories.
    return tiff(tags("Google", orientation, t273=0, **of_sensor)) + values


def mosaic(picture: Image.Image) -> bytes:
    """What a sensor sees of a picture: rows of red and green, of green and blue, in 14 bits."""
    width, height = picture.size
    seen = array.array("H", bytes(2 * width * height))
    for y, row in enumerate(("RG", "GB")):
        for x, name in enumerate(row):
            channel = picture.getchannel(name).tobytes()
            for begin in range(y * width, width * height, 2 * width):
                cells = channel[begin + x : begin + width : 2]
                seen[begin + x : begin + width : 2] = array.array("H", [v << 6 for v in cells])
    return seen.tobytes()


def raf() -> bytes:
    head = b"FUJIFILMCCD-RAW 0201FF383501X-T4".ljust(160, b"\0")
    return head + jpegs(tags("FUJIFILM", 6))


def cr3() -> bytes:
    """Canon's newer container: each directory in a box, the pictures in others."""

    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, name) + body

    main = pictures.exif({271: "Canon", 272: "Canon R5", 0x0112: 6})
    exif = pictures.exif({0x9003: "2021:05:04 03:02:01", 0x8827: 400})
    gps = pictures.exif({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    parts = zip((b"CMT1", b"CMT2", b"CMT4"), (main, exif, gps), strict=True)
    boxes = b"".join(box(name, tiff(part)) for name, part in parts)
    uuid = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48") + boxes)
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", uuid) + box(b"mdat", jpegs())


#: By the name of their kind.
MADE = {
    "DNG": lambda: tiff(tags("Google", 6, t50706=b"\1\4\0\0")) + jpegs(),
    "CR2": lambda: tiff(tags("Canon", 6), b"II*\0", 16, b"CR\2\0") + jpegs(),
    "NEF": lambda: tiff(tags("NIKON CORPORATION", 6), b"MM\0*") + jpegs(),
    "ARW": lambda: tiff(tags("SONY", 6)) + jpegs(),
    "PEF": lambda: tiff(tags("PENTAX", 6)) + jpegs(),
    "SRW": lambda: tiff(tags("SAMSUNG", 6)) + jpegs(),
    "ORF": lambda: tiff(tags("OLYMPUS", 6), b"IIRO") + jpegs(),
    "RW2": lambda: tiff(tags("Panasonic", 6), b"IIU\0") + jpegs(),
    "RAF": raf,
    "CR3": cr3,
}
