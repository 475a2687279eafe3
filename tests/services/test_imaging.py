import base64
import io
import json
import re
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageFile, ImageStat

from homequeue import config, errors
from homequeue.services import headers, imaging, sandbox
from tests import corpora, pictures

SMALL = (imaging.Spec("preview", 300, "JPEG", 90), imaging.Spec("thumbnail", 96, "WEBP", 90))


def identify(content: bytes, memory: int | None = 384 << 20) -> imaging.Identity:
    return imaging.identify(io.BytesIO(content), memory)


def render(content: bytes, specs: tuple[imaging.Spec, ...] = SMALL) -> imaging.Rendered:
    return imaging.render(io.BytesIO(content), specs)


def shown(picture: imaging.Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, of 255."""
    other = other.convert("RGB").resize(one.size)
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other)).mean) / 3


def corner(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    at = (picture.width * (1 + 6 * x) // 8, picture.height * (1 + 6 * y) // 8)
    return picture.convert("RGB").getpixel(at)  # type: ignore[return-value]


# identify


@pytest.mark.parametrize(
    ("form", "name", "mime", "extension"),
    [
        ("JPEG", "JPEG", "image/jpeg", "jpg"),
        ("PNG", "PNG", "image/png", "png"),
        ("WEBP", "WebP", "image/webp", "webp"),
        ("GIF", "GIF", "image/gif", "gif"),
        ("AVIF", "AVIF", "image/avif", "avif"),
        ("TIFF", "TIFF", "image/tiff", "tif"),
    ],
)
def test_every_format_is_told_by_its_content(
    form: str, name: str, mime: str, extension: str
) -> None:
    found = identify(pictures.data(pictures.scene(), form))
    assert found == imaging.Identity(name, mime, extension, 600, 400)


@pytest.mark.parametrize(
    "options",
    [{"lossless": True}, {"lossless": False}, {"exif": pictures.exif({0x010F: "A"})}],
    ids=["VP8L", "VP8", "VP8X"],
)
def test_sizes_of_all_kinds_of_webp(options: dict[str, object]) -> None:
    found = identify(pictures.data(pictures.scene(601, 399), "WEBP", **options))
    assert (found.width, found.height) == (601, 399)


def test_sizes_of_both_byte_orders_and_sizes_of_tiff() -> None:
    for big in (False, True):
        found = identify(pictures.data(pictures.scene(), "TIFF", big_tiff=big))
        assert (found.format, found.width, found.height) == ("TIFF", 600, 400)
    motorola = b"MM\0*" + struct.pack(">IH", 8, 2)
    motorola += struct.pack(">HHIHxx", 256, 3, 1, 70) + struct.pack(">HHII", 257, 4, 1, 50)
    assert (identify(motorola).width, identify(motorola).height) == (70, 50)


def test_a_photo_with_several_frames_counts_as_jpeg() -> None:
    frames = pictures.data(
        pictures.scene(), "MPO", save_all=True, append_images=[pictures.scene(60, 40)]
    )
    assert identify(frames).format == "JPEG"
    assert render(frames).pictures[0].width == 300


def test_a_heic_by_its_boxes_alone() -> None:
    path = corpora.folder("phones") / "formats" / "heic" / "IMG_2682.heic"
    with path.open("rb") as file:
        found = imaging.identify(file)
        assert file.tell() < 100_000
    assert found == imaging.Identity("HEIC", "image/heic", "heic", 4032, 3024)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 and more", "a PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"BM\0\0\0\0", "a BMP picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera raw file"),
        (b"PK\x03\x04" + bytes(40), "an archive"),
    ],
)
def test_strangers_are_refused_by_name(content: bytes, words: str) -> None:
    with pytest.raises(errors.Unsupported, match=words):
        identify(content)


def test_a_raw_file_in_the_clothes_of_a_tiff_is_refused() -> None:
    raw = b"II*\0" + struct.pack("<IH", 8, 3)
    for tag, value in ((254, 1), (256, 160), (257, 120)):
        raw += struct.pack("<HHII", tag, 4, 1, value)
    with pytest.raises(errors.Unsupported, match="camera raw"):
        identify(raw)


def test_words_for_what_nobody_knows_and_for_nothing() -> None:
    with pytest.raises(errors.Unsupported, match=r"not a photo homequeue can show\.$"):
        identify(b"hello, world")
    with pytest.raises(errors.Unreadable, match="This file is empty"):
        identify(b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF"])
def test_any_beginning_of_a_file_gives_an_identity_or_words(form: str) -> None:
    whole = pictures.data(pictures.scene(40, 30), form)
    for end in range(1, min(len(whole), 400)):
        with suppress(errors.Unreadable, errors.Unsupported):
            assert identify(whole[:end]).width == 40


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF"])
def test_any_flipped_byte_gives_an_identity_or_words(form: str) -> None:
    whole = pictures.data(pictures.scene(40, 30), form)
    for at in range(min(len(whole), 200)):
        for value in (0, 0x7F, 0xFF):
            with suppress(errors.Unreadable, errors.Unsupported, errors.TooLarge):
                identify(whole[:at] + bytes([value]) + whole[at + 1 :])


def test_a_header_that_never_ends_is_given_up_soon() -> None:
    began = time.process_time()
    with pytest.raises(errors.Unreadable, match="calls itself a JPEG"):
        identify(b"\xff\xd8\xff" + bytes(5_000_000))
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (1, "has 1 million pixels; of its kind, homequeue is set to take 50 million."),
        (60 * 10**6, "has 60 million pixels"),
        (500 * 10**6, "has 500 million pixels"),
        (2**64, "has more than 500 million pixels"),
    ],
)
def test_pixels_in_numbers_one_can_imagine(pixels: int, words: str) -> None:
    assert words in str(headers.too_large(pixels, 50 * 10**6))


def test_the_docs_name_the_most_pixels_of_each_format() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if "`[renditions] memory`" in line)
    for name in ("PNG", "WebP", "GIF", "AVIF", "HEIC", "TIFF"):
        most = headers.pixel_limit(name, config.Settings().renditions.memory)
        assert re.search(rf"\b{most // 10**6} million as [\w, ]*\b{name}\b", line), name


@pytest.mark.parametrize(
    "bomb",
    [
        pictures.png_claiming(60_000, 60_000),
        pictures.jpeg_claiming(65_000, 65_000),
        b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(20),
        b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + bytes(8) + b"\xff\x3f\0\xff\x3f\0",
    ],
    ids=["PNG", "JPEG", "GIF", "WebP"],
)
def test_a_bomb_is_refused_by_what_it_claims(bomb: bytes) -> None:
    began = time.process_time()
    with pytest.raises(errors.TooLarge, match="million pixels"):
        identify(bomb, memory=256 << 20)
    assert time.process_time() - began < 0.1


def test_limits_follow_from_memory() -> None:
    half, whole = (imaging.pixel_limit("PNG", memory << 20) for memory in (256, 512))
    assert 1.9 < whole / half < 2.3
    assert imaging.pixel_limit("HEIC", 384 << 20) > 48_000_000
    assert imaging.pixel_limit("JPEG", 128 << 20) > 200_000_000
    assert imaging.pixel_limit("PNG", 0) == 0


def test_no_picture_may_take_more_than_half_the_machine_or_a_gigabyte() -> None:
    assert 0 < imaging.spare_memory() <= 1 << 30
    assert imaging.pixel_limit("PNG") == imaging.pixel_limit("PNG", imaging.spare_memory())


def test_a_progressive_jpeg_counts_its_coefficients() -> None:
    scene = pictures.scene(2000, 1500)
    baseline = pictures.data(scene)
    progressive = pictures.data(scene, progressive=True, subsampling=0)
    assert identify(baseline, memory=24 << 20).width == 2000
    with pytest.raises(errors.TooLarge):
        identify(progressive, memory=24 << 20)


# render: sizes


@pytest.mark.parametrize(
    "size", [(4032, 3024), (3024, 4032), (1501, 1000), (1440, 1080), (9000, 90)]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_long_edge_is_the_one_asked_for(size: tuple[int, int], form: str) -> None:
    content = pictures.data(Image.new("RGB", size, "teal"), form)
    made = imaging.render(io.BytesIO(content))
    assert (made.width, made.height) == size
    preview, thumbnail = made.pictures
    assert 1440 <= max(preview.width, preview.height) <= 1440 * imaging.SLACK
    assert max(thumbnail.width, thumbnail.height) == 480
    assert shown(preview).size == (preview.width, preview.height)
    assert abs(preview.width / preview.height / (size[0] / size[1]) - 1) < 0.04


def test_a_small_picture_stays_as_small() -> None:
    made = imaging.render(io.BytesIO(pictures.data(pictures.scene(600, 400))))
    assert [(p.width, p.height) for p in made.pictures] == [(600, 400), (480, 320)]


def test_a_sliver_keeps_a_pixel() -> None:
    made = render(pictures.data(Image.new("RGB", (5000, 1)), "PNG"))
    assert (made.pictures[0].width, made.pictures[0].height) == (300, 1)


def test_formats_and_names_are_those_of_the_specs() -> None:
    preview, thumbnail = render(pictures.data(pictures.scene())).pictures
    assert (preview.spec.name, preview.mime, preview.data[:2]) == (
        "preview",
        "image/jpeg",
        b"\xff\xd8",
    )
    assert (thumbnail.spec.name, thumbnail.mime) == ("thumbnail", "image/webp")
    assert thumbnail.data[8:12] == b"WEBP"


@pytest.mark.parametrize("edge", [300, 700, 1000, 1400])
def test_reduced_decoding_shows_the_same(edge: int) -> None:
    whole = pictures.photo(2400, 1800)
    made = render(pictures.data(whole, quality=95), (imaging.Spec("preview", edge, "JPEG", 95),))
    assert difference(shown(made.pictures[0]), whole) < 4


# render: upright


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_shown_upright(orientation: int, form: str) -> None:
    made = render(pictures.turned(orientation, form))
    assert (made.width, made.height) == (600, 400)
    for picture in made.pictures:
        assert difference(shown(picture), pictures.scene()) < 4


@pytest.mark.parametrize("exif", [1, 6, 8])
@pytest.mark.parametrize(
    ("turns", "size"), [(0, (4032, 3024)), (1, (3024, 4032)), (2, (4032, 3024))]
)
def test_a_heic_is_turned_by_its_box_alone(exif: int, turns: int, size: tuple[int, int]) -> None:
    """Phones write both, `irot` and EXIF, and mean one turn."""
    path = corpora.folder("phones") / "formats" / "heic" / "IMG_2682.heic"
    content = bytearray(path.read_bytes())
    content[content.index(b"irot") + 4] = turns
    at = content.index(b"\x01\x12\0\x03\0\0\0\x01") + 8
    content[at : at + 2] = struct.pack(">H", exif)
    made = render(bytes(content))
    assert (made.width, made.height) == size
    upright = shown(render(path.read_bytes()).pictures[0])
    turned = upright.rotate(90 * turns, expand=True)
    assert difference(shown(made.pictures[0]), turned) < 5


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_is_left_alone(orientation: int) -> None:
    content = pictures.data(pictures.scene(), exif=pictures.exif({0x0112: orientation}))
    assert (render(content).width, render(content).height) == (600, 400)


@pytest.mark.parametrize("kind", ["Landscape", "Portrait"])
def test_the_real_files_of_all_orientations_look_alike(kind: str) -> None:
    folder = corpora.folder("orientation")
    looks = [imaging.render((folder / f"{kind}_{n}.jpg").open("rb")) for n in range(9)]
    for made in looks[1:]:
        assert (made.width, made.height) == (looks[0].width, looks[0].height)
        for one, other in zip(looks[0].pictures, made.pictures, strict=True):
            assert difference(shown(one), shown(other)) <= 5


# render: colours and modes


def test_a_wide_profile_travels_along() -> None:
    content = pictures.data(pictures.scene(), icc_profile=pictures.display_p3())
    for picture in render(content).pictures:
        kept = Image.open(io.BytesIO(picture.data)).info.get("icc_profile")
        assert kept == pictures.display_p3()


def test_srgb_is_what_everybody_expects_and_not_sent() -> None:
    content = pictures.data(pictures.scene(), icc_profile=pictures.srgb())
    for picture in render(content).pictures:
        assert "icc_profile" not in Image.open(io.BytesIO(picture.data)).info


@pytest.mark.parametrize(
    "profile",
    [b"nonsense", b"\0" * 200, pictures.srgb()[:60]],
    ids=["nonsense", "zeros", "torn"],
)
def test_a_broken_profile_is_dropped(profile: bytes) -> None:
    made = render(pictures.data(pictures.scene(), icc_profile=profile))
    assert difference(shown(made.pictures[0]), pictures.scene()) < 4
    assert "icc_profile" not in Image.open(io.BytesIO(made.pictures[0].data)).info


def test_a_heavy_profile_is_applied_instead() -> None:
    heavy = bytearray(pictures.display_p3() + bytes(20_000))
    heavy[0:4] = struct.pack(">I", len(heavy))
    flat = Image.new("RGB", (64, 64), (200, 50, 50))
    made = render(pictures.data(flat, "PNG", icc_profile=bytes(heavy)))
    assert "icc_profile" not in Image.open(io.BytesIO(made.pictures[0].data)).info
    red = shown(made.pictures[0]).getpixel((30, 30))
    assert isinstance(red, tuple)
    assert red[0] > 210  # the same red needs more of sRGB's


def test_cmyk_becomes_rgb() -> None:
    content = pictures.data(pictures.scene().convert("CMYK"))
    assert difference(shown(render(content).pictures[0]), pictures.scene()) < 6


#: What the inks of `pictures.press` are on a screen, by the formulas of CIE and of sRGB.
ON_SCREEN = {
    "C": (0, 161, 214),
    "M": (206, 63, 122),
    "Y": (240, 210, 68),
    "K": (48, 48, 48),
    "": (255, 255, 255),
}


@pytest.mark.parametrize("ink", ON_SCREEN)
@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_the_profile_of_a_press_is_obeyed(form: str, ink: str) -> None:
    """In a JPEG the inks are stored upside down, as Adobe does."""
    flat = Image.new("CMYK", (64, 64), tuple(255 * (one == ink) for one in "CMYK"))
    content = pictures.data(flat, form, icc_profile=pictures.press())
    (made, *_) = render(content).pictures
    assert shown(made).getpixel((32, 32)) == pytest.approx(ON_SCREEN[ink], abs=6)
    assert "icc_profile" not in Image.open(io.BytesIO(made.data)).info


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_sixteen_bit_tiffs_are_scaled(mode: str) -> None:
    """Three strips of colour, as scanners write them."""
    bands = len(mode)
    deep = {"RGB": (0x4000, 0x8000, 0xC000), "RGBA": (0x4000, 0x8000, 0xC000, 0xFFFF)}
    values = deep.get(mode, (0xBFFF, 0x7FFF, 0x3FFF, 0))
    rows = struct.pack(f"<{bands}H", *values) * 32 * 32
    content = pictures.tiff(32, 32, bands, 5 if mode == "CMYK" else 2, rows)
    found = shown(render(content).pictures[0]).getpixel((16, 16))
    assert found == pytest.approx((64, 128, 192), abs=3)


def test_colours_named_from_outside_are_brought_to_srgb() -> None:
    flat = pictures.data(Image.new("RGB", (64, 64), (200, 50, 50)), "PNG")
    red = shown(imaging.render(io.BytesIO(flat), SMALL, None, (9, 13)).pictures[0])
    assert red.getpixel((30, 30)) == pytest.approx((248, 0, 41), abs=6)


def test_a_png_that_names_its_colours() -> None:
    flat = pictures.data(Image.new("RGB", (64, 64), (200, 50, 50)), "PNG")
    named = struct.pack(">I4s4B", 4, b"cICP", 9, 13, 0, 1)
    named += struct.pack(">I", zlib.crc32(named[4:]))
    at = flat.index(b"IDAT") - 4
    red = shown(render(flat[:at] + named + flat[at:]).pictures[0]).getpixel((30, 30))
    assert red == pytest.approx((248, 0, 41), abs=6)


def test_lab_becomes_rgb() -> None:
    lab = ImageCms.profileToProfile(
        pictures.scene(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )  # fmt: skip
    assert lab is not None
    assert difference(shown(render(pictures.data(lab, "TIFF")).pictures[0]), pictures.scene()) < 6


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I"), ("TIFF", "F")]
)
def test_deep_grey_is_scaled_and_not_clipped(form: str, mode: str) -> None:
    made = render(pictures.grey_ramp(form, mode))
    ramp = shown(made.pictures[0]).convert("L")
    values = [ramp.getpixel((x, 8)) for x in (2, 64, 128, 192, 253)]
    assert values == pytest.approx([2, 64, 128, 192, 253], abs=3)


def test_sixteen_bit_colour_is_scaled() -> None:
    rows = b"".join(b"\0" + struct.pack(">3H", 0x4000, 0x8000, 0xC000) * 32 for _ in range(32))
    content = pictures.png(struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0), rows)
    assert shown(render(content).pictures[0]).getpixel((16, 16)) == pytest.approx(
        (64, 128, 192), abs=3
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "RGB"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_every_mode_is_shown(mode: str, form: str) -> None:
    picture = pictures.scene().convert(mode)
    made = render(pictures.data(picture, form))
    assert difference(shown(made.pictures[0]), picture.convert("RGB")) < (60 if mode == "1" else 8)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "AVIF"])
def test_what_is_transparent_becomes_white(form: str) -> None:
    picture = pictures.scene().convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 300, 200))
    for rendition in render(pictures.data(picture, form)).pictures:
        assert min(corner(shown(rendition), 0, 0)) > 245
        assert corner(shown(rendition), 1, 1)[2] < 120


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_a_moving_picture_the_first_frame_is_shown(form: str) -> None:
    others = [Image.new("RGB", (600, 400), colour) for colour in ("black", "white")]
    content = pictures.data(pictures.scene(), form, save_all=True, append_images=others)
    assert difference(shown(render(content).pictures[0]), pictures.scene()) < 12


def test_hdr_is_brought_to_what_a_screen_shows() -> None:
    path = corpora.folder("phones") / "formats" / "avif" / "10bit-HDR-P3-nclx.avif"
    made = imaging.render(path.open("rb"), SMALL)
    sky = shown(made.pictures[0]).resize((1, 1), box=(0, 0, 100, 50)).getpixel((0, 0))
    assert isinstance(sky, tuple)
    assert sky[2] - sky[0] > 100  # taken as it stands it is grey: 45


@pytest.mark.parametrize(
    ("primaries", "transfer", "wanted"),
    [
        (1, 13, {"white": (255, 255, 255), "red": (200, 50, 50)}),
        (12, 13, {"white": (255, 255, 255), "red": (218, 24, 40)}),
        (9, 13, {"white": (255, 255, 255), "red": (248, 0, 41)}),
    ],
)
def test_named_colours_are_brought_to_srgb(
    primaries: int, transfer: int, wanted: dict[str, tuple[int, ...]]
) -> None:
    picture = Image.new("RGB", (64, 64), (255, 255, 255))
    picture.paste((200, 50, 50), (32, 0, 64, 64))
    content = bytearray(pictures.data(picture, "AVIF", quality=100, subsampling="4:4:4"))
    at = content.index(b"nclx") + 4
    content[at : at + 4] = struct.pack(">HH", primaries, transfer)
    made = shown(render(bytes(content)).pictures[0])
    assert made.getpixel((8, 32)) == pytest.approx(wanted["white"], abs=4)
    assert made.getpixel((56, 32)) == pytest.approx(wanted["red"], abs=6)


# render: looks


def test_the_placeholder_is_a_thumbhash_of_25_bytes_or_less() -> None:
    for size in ((4000, 3000), (300, 400), (500, 500), (900, 9)):
        found = base64.b64decode(render(pictures.data(pictures.scene(*size))).looks.thumbhash)
        assert 10 < len(found) <= 25
    # Of the bits of a ThumbHash the last of the fifth byte says that it is wider than high.
    wide, high = (
        base64.b64decode(render(pictures.turned(n)).looks.thumbhash)[4] >> 7 for n in (1, 6)
    )
    assert wide == high == 1


def test_all_of_it_is_told_but_the_bytes() -> None:
    made = render(pictures.data(pictures.scene()))
    told = json.loads(json.dumps(made.told()))
    assert (told["width"], told["height"], told["damaged"]) == (600, 400, False)
    assert told["pictures"][0] == {
        "spec": "preview", "mime": "image/jpeg", "width": 300, "height": 200,
    }  # fmt: skip
    assert set(told["looks"]) == {"thumbhash", "fingerprint", "dhash"}


# render: private


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_private_is_in_a_rendition(form: str) -> None:
    secret = pictures.exif({0x010F: "SECRET"}, gps={1: "N", 2: (39.0, 6.0, 54.0)})
    options = {"comment": b"SECRET"} if form == "JPEG" else {}
    options |= {} if form == "PNG" else {"xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>"}
    content = pictures.data(pictures.scene(), form, exif=secret, **options)
    assert b"SECRET" in content
    for picture in render(content).pictures:
        assert b"SECRET" not in picture.data
        again = Image.open(io.BytesIO(picture.data))
        assert not dict(again.getexif())
        assert {"exif", "xmp", "comment"}.isdisjoint(again.info)


# render: damaged


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_half_a_photo_is_shown_and_marked(form: str) -> None:
    options = {"interlace": 0} if form == "GIF" else {}
    content = pictures.cut(pictures.data(pictures.photo(640, 480), form, **options), 0.6)
    made = render(content)
    assert made.damaged
    assert (made.width, made.height) == (640, 480)
    top = (0, 0, 640, 160)
    ours = shown(made.pictures[0]).resize((640, 480)).crop(top)
    assert difference(ours, pictures.photo(640, 480).crop(top)) < (20 if form == "GIF" else 10)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_half_a_progressive_photo_is_shown_and_marked() -> None:
    content = pictures.cut(pictures.data(pictures.photo(640, 480), progressive=True), 0.6)
    made = render(content)
    assert made.damaged
    assert difference(shown(made.pictures[0]), pictures.photo(640, 480)) < 15


def test_a_heic_that_broke_off_is_marked() -> None:
    path = corpora.folder("phones") / "formats" / "heic" / "IMG_2682.heic"
    assert render(pictures.cut(path.read_bytes(), 0.8)).damaged
    assert not render(path.read_bytes()).damaged


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_a_whole_photo_is_not_called_damaged(form: str) -> None:
    assert not render(pictures.data(pictures.photo(640, 480), form)).damaged


def test_a_header_without_a_picture_is_unreadable() -> None:
    whole = pictures.data(pictures.photo(640, 480))
    header = whole[: whole.index(b"\xff\xda") + 14]
    with pytest.raises(errors.Unreadable, match="JPEG but nothing in it can be shown"):
        render(header)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_frame_larger_than_its_gif_said_is_refused() -> None:
    whole = bytearray(pictures.data(pictures.scene(64, 64), "GIF"))
    frame = whole.index(b",\0\0\0\0\x40\0\x40\0")
    whole[frame + 5 : frame + 9] = struct.pack("<HH", 9000, 9000)
    with pytest.raises(errors.TooLarge):
        imaging.render(io.BytesIO(whole), memory=64 << 20)


# the files of others


def work(path: Path) -> tuple[object, list[bytes]]:
    with path.open("rb") as file:
        made = imaging.render(file, memory=256 << 20)
    return [made.width, made.height], [picture.data for picture in made.pictures]


def test_no_hostile_file_gets_through() -> None:
    corpora.folder("hostile")
    refused = errors.Unreadable, errors.Unsupported, errors.TooLarge, sandbox.ChildFailed
    limits = sandbox.Limits(memory=256 << 20, seconds=10)
    for path in corpora.files("hostile"):
        with suppress(*refused), path.open("rb") as file:
            imaging.identify(file)
        with suppress(*refused):
            assert sandbox.run(work, path, limits=limits).blobs, path


def test_the_sizes_of_the_phones_files() -> None:
    folder = corpora.folder("phones")
    for row in corpora.expected():
        with (folder / row["file"]).open("rb") as file:
            made = imaging.render(file, SMALL)
        assert [made.width, made.height] == row["display"], json.dumps(row)
        assert not made.damaged, row["file"]
