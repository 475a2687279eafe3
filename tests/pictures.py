"""Small pictures made on the spot, each with one thing about it that goes wrong elsewhere."""

import io
import random
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageCms, ImageDraw, ImageFilter

#: Four corners of four colours: any turn or mirroring shows.
CORNERS = {"red": (0, 0), "green": (1, 0), "blue": (0, 1), "yellow": (1, 1)}
#: What a camera does to a picture before it writes orientation n: the inverse of showing it.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(width: int = 600, height: int = 400) -> Image.Image:
    """Four coloured quarters with a soft gradient over them."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for colour, (x, y) in CORNERS.items():
        box = (x * width // 2, y * height // 2, (x + 1) * width // 2, (y + 1) * height // 2)
        draw.rectangle(box, fill=colour)
    gradient = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    return Image.blend(picture, gradient, 0.2)


def photo(width: int, height: int, seed: int = 1) -> Image.Image:
    """Leaves upon leaves, of sizes after a power law: the detail and the edges photos have."""
    rng = random.Random(seed)
    picture = Image.new("RGB", (width, height), (128, 120, 110))
    draw = ImageDraw.Draw(picture)
    for _ in range(12_000):
        radius = min(width / 400 / (1 - rng.random()) ** 0.7, width / 6)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        light = rng.randrange(20, 220)
        colour = tuple(light + rng.randrange(-20, 35) for _ in range(3))
        tall = radius * rng.uniform(0.5, 1)
        draw.ellipse((x - radius, y - tall, x + radius, y + tall), fill=colour)
    return picture.filter(ImageFilter.BoxBlur(width / 4000))


def noise(size: tuple[int, int], seed: int = 1) -> Image.Image:
    """Grey in which every pixel is chance."""
    return Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1]))


def data(picture: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a picture in a format."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def exif(
    main: Mapping[int, Any], detail: Mapping[int, Any] = {}, gps: Mapping[int, Any] = {}
) -> Image.Exif:
    """EXIF of a main, an Exif and a GPS directory."""
    tags = Image.Exif()
    tags.update(main)
    tags.get_ifd(0x8769).update(detail)
    tags.get_ifd(0x8825).update(gps)
    return tags


def turned(orientation: int, form: str = "JPEG", picture: Image.Image | None = None) -> bytes:
    """A picture stored the way a camera held at this orientation stores it."""
    picture = picture or scene()
    turn = STORED.get(orientation)
    stored = picture if turn is None else picture.transpose(turn)
    return data(stored, form, exif=exif({0x0112: orientation}))


def display_p3() -> bytes:
    """A small matrix profile with the primaries of Display P3 and gamma 2.2."""
    return profile(
        (0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841), "Display P3"
    )


def srgb() -> bytes:
    """The sRGB profile of lcms, as many editors embed it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile(
    red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], name: str
) -> bytes:
    """An ICC version 2 display profile of three primaries adapted to D50."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(2.2 * 256))
    colours = {
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(red),
        b"gXYZ": xyz(green),
        b"bXYZ": xyz(blue),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    return _icc(b"mntrRGB XYZ ", name, colours)


#: Inks of a press, as CIE L*a*b* on white paper.
INKS = {"C": (60, -30, -40), "M": (50, 60, 0), "Y": (85, 0, 70), "K": (20, 0, 0)}


def press() -> bytes:
    """An ICC version 2 profile of a press: its table knows each ink alone, and all else is dark."""
    alone = {1 << bit: INKS[ink] for bit, ink in enumerate("KYMC")} | {0: (100, 0, 0)}
    table = b"".join(
        bytes((round(light * 2.55), a + 128, b + 128))
        for light, a, b in (alone.get(inks, (0, 0, 0)) for inks in range(16))
    )
    ramp = bytes(range(256))
    unit = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + ramp * 4 + table + ramp * 3
    return _icc(b"prtrCMYKLab ", "Press", {b"A2B0": lut})


def _icc(kind: bytes, name: str, bodies: dict[bytes, bytes]) -> bytes:
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    bodies = {b"desc": described, b"cprt": b"text\0\0\0\0none\0"} | bodies
    table, content = struct.pack(">I", len(bodies)), b""
    start = 128 + 4 + 12 * len(bodies)
    for tag, body in bodies.items():
        table += tag + struct.pack(">II", start + len(content), len(body))
        content += body.ljust(-(-len(body) // 4) * 4, b"\0")
    head = struct.pack(
        ">I4xI12s12x4s28x3i48x", start + len(content), 0x02100000, kind,
        b"acsp", 63190, 65536, 54061,
    )  # fmt: skip
    return head + table + content


def cut(whole: bytes, share: float) -> bytes:
    """The beginning of a file whose sending broke off."""
    return whole[: int(len(whole) * share)]


def grey_ramp(form: str, mode: str = "I;16") -> bytes:
    """Sixteen-bit grey from black on the left to white on the right, 256 × 16."""
    values = [x * 257 for x in range(256)] * 16
    picture = Image.frombytes("I;16", (256, 16), struct.pack(f"<{len(values)}H", *values))
    return data(picture if mode == "I;16" else picture.convert("I").convert(mode), form)


def png(header: bytes, rows: bytes) -> bytes:
    """A PNG of this IHDR and these rows."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""
    return png(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"\0")


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small baseline JPEG whose frame header says it is this large."""
    small = data(scene(64, 48))
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def tiff(width: int, height: int, bands: int, photometric: int, rows: bytes) -> bytes:
    """A TIFF of 16 bits a band, in one strip."""
    extra = ((338, 3, 1, 2),) if bands == 4 and photometric == 2 else ()
    tags = (
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, bands, 0), (259, 3, 1, 1),
        (262, 3, 1, photometric), (273, 4, 1, 0), (277, 3, 1, bands), (278, 3, 1, height),
        (279, 4, 1, len(rows)), *extra,
    )  # fmt: skip
    depths = 8 + 2 + 12 * len(tags) + 4
    places = {258: depths, 273: depths + 2 * bands}
    directory = b"".join(
        struct.pack("<HHII", tag, kind, count, places.get(tag, value))
        for tag, kind, count, value in tags
    )
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4)
    return head + struct.pack(f"<{bands}H", *[16] * bands) + rows
