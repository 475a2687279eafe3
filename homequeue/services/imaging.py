"""Pictures: the renditions made of an original; bytes in, values out."""

import base64
import io
import math
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageFilter,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)

from homequeue import errors
from homequeue.services import fingerprint, thumbhash
from homequeue.services.colour import bring_to_srgb, is_srgb, is_whole
from homequeue.services.headers import (
    MOST_MEMORY,
    Format,
    Header,
    Identity,
    examine,
    identify,
    nothing,
    pixel_limit,
    spare_memory,
    too_large,
    unpack,
)

__all__ = [
    "PREVIEW",
    "THUMBNAIL",
    "Identity",
    "Looks",
    "Picture",
    "Rendered",
    "Spec",
    "identify",
    "opened",
    "pixel_limit",
    "render",
    "spare_memory",
]

#: A rendition may be larger than its spec by this factor where that saves a resampling.
SLACK = 1.1
#: The least long edge of the pixels a fingerprint is made of.
FINGERPRINT_EDGE = 180

#: Loaded once, here: Pillow would load them in every child anew, for 20 ms a photo.
PRELOADED = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)
#: A profile above this many bytes is applied, not embedded: it would outweigh the thumbnail.
EMBEDDED_PROFILE = 8 << 10
#: What to undo after EXIF orientation 2-8 (tag 0x0112); 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Turns that leave width and height what they were.
STRAIGHT = {TURNS[2], TURNS[3], TURNS[4]}


@dataclass(frozen=True)
class Spec:
    """A wanted rendition: long edge in pixels, format "JPEG" or "WEBP", quality 0-100."""

    name: str
    edge: int
    format: str
    quality: int


@dataclass(frozen=True)
class Picture:
    """A finished rendition, size in pixels."""

    spec: Spec
    width: int
    height: int
    mime: str
    data: bytes


@dataclass(frozen=True)
class Looks:
    """What is told of a picture by its pixels: a placeholder (base64) and how to find it again."""

    thumbhash: str
    fingerprint: str
    dhash: str


@dataclass(frozen=True)
class Rendered:
    """The renditions of one original, whose width and height are as displayed, in pixels."""

    width: int
    height: int
    pictures: list[Picture]
    damaged: bool
    looks: Looks

    def told(self) -> dict[str, Any]:
        """All of it but the bytes, as JSON can carry it."""
        pictures = [
            {"spec": p.spec.name, "mime": p.mime, "width": p.width, "height": p.height}
            for p in self.pictures
        ]
        size = {"width": self.width, "height": self.height}
        return {**size, "damaged": self.damaged, "looks": asdict(self.looks), "pictures": pictures}


#: The renditions that are made of every photo; the settings say how large.
THUMBNAIL = Spec("thumbnail", 480, "WEBP", 80)
PREVIEW = Spec("preview", 1440, "JPEG", 80)


def opened(file: BinaryIO, memory: int | None = None) -> ImageFile.ImageFile:
    """Open a picture with the one plugin of its format; nothing of it is decoded yet."""
    kind, header = examine(file, memory)
    return _open(file, kind, header)


def render(
    file: BinaryIO,
    specs: Sequence[Spec] = (THUMBNAIL, PREVIEW),
    memory: int | None = None,
    colours: tuple[int, int] | None = None,
    orientation: int = 1,
) -> Rendered:
    """Make the renditions of a picture from one decode: upright, true in colour, nothing private.

    `colours`, primaries and transfer of H.273, and EXIF `orientation` are for a picture that does
    not say them. A damaged
    file gives what can be seen of it; one that shows nothing raises Unreadable.
    """
    kind, header = examine(file, memory)
    header = replace(header, colours=colours or header.colours)
    specs = sorted(specs, key=lambda spec: spec.edge, reverse=True)
    decoded, damaged = _decode(file, kind, header, specs[0].edge)
    if damaged and _blank(decoded):
        raise errors.Unreadable(nothing(kind))
    whole = (header.width, header.height) if header.reducible else decoded.size
    turn = TURNS.get(_orientation(decoded, kind, orientation))
    picture = _fit(_plain(decoded), _size(whole, specs[0].edge))
    del decoded  # nothing needs it any more, and it may be hundreds of megabytes
    mark = _fingerprint(picture)
    picture, profile = _coloured(picture, header)
    if turn is not None:
        picture = picture.transpose(turn)
        whole = whole if turn in STRAIGHT else whole[::-1]
    pictures = []
    for spec in specs:
        picture = _fit(picture, _size(whole, spec.edge))
        pictures.append(_encode(picture, spec, profile))
    return Rendered(*whole, pictures, damaged, Looks(_thumbhash(picture), mark, _dhash(picture)))


def _decode(
    file: BinaryIO, kind: Format, header: Header, edge: int
) -> tuple[ImageFile.ImageFile, bool]:
    """Decode all, or what can be had of a damaged file; says which of the two it was."""
    try:
        return _load(file, kind, header, edge), header.truncated
    except errors.HomequeueError:
        raise
    except Exception as error:
        _pass_on_lack_of_memory(error)
    with _lenient():
        try:
            picture = _load(file, kind, header, edge)
        except Exception as error:
            _pass_on_lack_of_memory(error)
            raise errors.Unreadable(nothing(kind)) from error
    return picture, True


def _pass_on_lack_of_memory(error: Exception) -> None:
    """Decoders tell of too little memory in many ways; it must not pass for a damaged file."""
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        raise MemoryError(str(error)) from error


@contextmanager
def _lenient() -> Iterator[None]:
    """Let Pillow show the part of a picture that is there; a global of Pillow's, so put back."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _load(file: BinaryIO, kind: Format, header: Header, edge: int) -> ImageFile.ImageFile:
    picture = _open(file, kind, header)
    if header.reducible:
        _reduce(picture, edge)
    # Pillow may see it larger than the header does, as with a GIF whose frame exceeds its screen.
    elif math.prod(picture.size) > header.limit:
        raise too_large(math.prod(picture.size), header.limit)
    picture.load()
    return picture


def _open(file: BinaryIO, kind: Format, header: Header) -> ImageFile.ImageFile:
    if kind.name == "WebP" and header.truncated:
        # libwebp takes whole files only: what is missing reads as zeros, and decodes as grey.
        (length,) = unpack(file, "<I", 4)
        file.seek(0)
        file = io.BytesIO(file.read().ljust(min(length + 8, MOST_MEMORY // 8), b"\0"))
    file.seek(0)
    picture: ImageFile.ImageFile = _plugin(kind)(file)
    return picture


def _plugin(kind: Format) -> Any:
    """The class that reads this format, loaded when first needed and bound to one thread."""
    if kind.name == "HEIC":
        options = pkgutil.resolve_name("pi_heif.options")
        options.DECODE_THREADS = 1
        options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
        return pkgutil.resolve_name("pi_heif:HeifImageFile")
    plugin = pkgutil.resolve_name(f"PIL.{kind.plugin}ImagePlugin")
    if kind.name == "AVIF":
        plugin.DEFAULT_MAX_THREADS = 1
    return getattr(plugin, f"{kind.plugin}ImageFile")


def _reduce(picture: ImageFile.ImageFile, edge: int) -> None:
    """Have libjpeg decode at 1/8, 2/8, 3/8 or 4/8, the least that still has `edge` pixels.

    Pillow's draft() knows powers of two only. Its decoder passes scale 1/denominator on, which
    libjpeg-turbo rounds up to eighths: 1/3 becomes 3/8, a quarter faster to resize than 4/8.
    """
    for eighths, denominator in ((1, 8), (2, 4), (3, 3), (4, 2)):
        wide, high = (-(-side * eighths // 8) for side in picture.size)
        if max(wide, high) >= edge:
            codec, _, offset, arguments = picture.tile[0]
            picture.tile = [ImageFile._Tile(codec, (0, 0, wide, high), offset, arguments)]
            picture.decoderconfig = (denominator, 0)
            picture._size = wide, high
            return


def _blank(picture: Image.Image) -> bool:
    """Whether nothing was decoded: what a decoder could not fill in is all of one grey."""
    counts = [0, *picture.convert("L").histogram(), 0]
    most = max(range(1, 257), key=counts.__getitem__)
    return sum(counts[most - 1 : most + 2]) > 0.999 * sum(counts)


def _orientation(picture: ImageFile.ImageFile, kind: Format, otherwise: int) -> int:
    """EXIF orientation (0x0112), asked after the decode: TIFF has turned itself by then."""
    if kind.name == "HEIC":
        return 1  # libheif has obeyed irot and imir, and nothing else counts
    if kind.name == "AVIF":
        # Here too, but Pillow only tells them, as EXIF; without it would believe XMP.
        picture.info.pop("xmp", None)
    try:
        return int(picture.getexif().get(0x0112, otherwise))
    except Exception:
        return 1


def _plain(picture: Image.Image) -> Image.Image:
    """Bring rare modes to one that resizes well: L, RGB, RGBA, CMYK or LAB."""
    if picture.mode.startswith(("I", "F")):
        return _eight_bits(picture)
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK", "LAB"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale 16-bit grey by 1/257; 32-bit and floating point by the range they use."""
    sixteen = picture.mode.startswith("I;16")
    wide = picture.convert("I") if sixteen else picture
    low, high = (float(value) for value in wide.getextrema())  # type: ignore[arg-type]
    if sixteen or (low >= 0 and 255 < high <= 65535):
        low, high = 0, 65535
    elif low >= 0 and (high <= 1 if picture.mode == "F" else high <= 255):
        low, high = 0, 1 if picture.mode == "F" else 255
    scale = 255 / ((high - low) or 1)
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _size(whole: tuple[int, int], edge: int) -> tuple[int, int]:
    """The size whose long edge is `edge`, or the whole where that is smaller."""
    scale = min(edge / max(whole), 1)
    return max(round(whole[0] * scale), 1), max(round(whole[1] * scale), 1)


def _fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize, unless the picture is that size or up to SLACK more.

    libjpeg decodes at eighths: 3/8 of a 12 MP photo is 1512 pixels, and making 1440 of them would
    cost half as much again as decoding and lose sharpness. Far reductions begin with a box filter,
    which costs a third and looks the same.
    """
    if max(size) <= max(picture.size) <= max(size) * SLACK:
        return picture
    return _exactly(picture, size)


def _exactly(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _coloured(picture: Image.Image, header: Header) -> tuple[Image.Image, bytes | None]:
    """Flatten on white and make L or RGB of it; with the profile to embed, unless it is sRGB."""
    profile = picture.info.get("icc_profile")
    if picture.mode == "RGBA":
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A"))
        picture = flat
    space = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK", "LAB": b"Lab "}[picture.mode]
    if not is_whole(profile) or profile[16:20] != space:
        profile = None
    if picture.mode == "RGB" and profile is None and header.colours:
        return _from_named(picture, *header.colours), None
    if picture.mode in ("L", "RGB") and (profile is None or is_srgb(profile)):
        return picture, None
    if picture.mode == "RGB" and profile is not None and len(profile) <= EMBEDDED_PROFILE:
        return picture, profile
    return _to_srgb(picture, profile), None


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile is None and picture.mode != "LAB":
        return picture.convert("RGB")
    try:
        source = io.BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        target = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        turned = None
    return turned or picture.convert("L" if picture.mode == "LAB" else "RGB")


def _from_named(picture: Image.Image, primaries: int, transfer: int) -> Image.Image:
    """Bring colours that the container names to sRGB, by a table; a profile cannot say PQ."""
    bring = bring_to_srgb(primaries, transfer)
    return picture.filter(ImageFilter.Color3DLUT.generate(25, bring)) if bring else picture


def _fingerprint(picture: Image.Image) -> str:
    """Of the pixels before turning and colours: tags decide about those, and tags are edited."""
    small = picture.reduce(max(max(picture.size) // FINGERPRINT_EDGE, 1))
    return fingerprint.fingerprint(small.mode, *small.size, small.tobytes())


def _thumbhash(picture: Image.Image) -> str:
    tiny = _fit(picture, _size(picture.size, thumbhash.EDGE)).convert("RGB")
    return base64.b64encode(thumbhash.encode(*tiny.size, tiny.tobytes())).decode()


def _dhash(picture: Image.Image) -> str:
    return fingerprint.dhash(_exactly(picture.convert("L"), fingerprint.DHASH_SIZE).tobytes())


def _encode(picture: Image.Image, spec: Spec, profile: bytes | None) -> Picture:
    """Write a rendition with its colour profile and nothing else the original said of itself."""
    picture.info = {}
    method = {"method": 2} if spec.format == "WEBP" else {}
    buffer = io.BytesIO()
    picture.save(buffer, spec.format, quality=spec.quality, icc_profile=profile, **method)
    return Picture(spec, *picture.size, f"image/{spec.format.lower()}", buffer.getvalue())
