import io
import struct
import time
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from docs import formats
from homequeue.services import metadata
from homequeue.services.metadata import Hints, Metadata
from homequeue.services.xmp import decode
from tests import corpora, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
NOW = datetime(2026, 11, 21, 12, 0, 0)
#: Tags used below, by their names in EXIF.
MAKE, MODEL, DESCRIPTION, CHANGED, ORIENTATION, RATING = 0x10F, 0x110, 0x10E, 0x132, 0x112, 0x4746
ORIGINAL, DIGITIZED, OFFSET_ORIGINAL, USER_COMMENT = 0x9003, 0x9004, 0x9011, 0x9286
#: What cameras write for a number they do not have: 0/0, which is NaN to Pillow.
NOTHING = IFDRational(0, 0)
HERE = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}


def read(content: bytes, now: datetime = NOW, **hints: Any) -> Metadata:
    return metadata.read(io.BytesIO(content), Hints(**hints), now)


def tagged(form: str = "JPEG", xmp: bytes | None = None, **tags: Any) -> Metadata:
    options = {"xmp": xmp} if xmp else {}
    exif = pictures.exif(tags.get("main", {}), tags.get("detail", {}), tags.get("gps", {}))
    return read(pictures.data(pictures.scene(60, 40), form, exif=exif, **options))


def xmp(attributes: str) -> bytes:
    return f"<x:xmpmeta><rdf:Description {attributes}/></x:xmpmeta>".encode()


# every kind of file


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_of_every_format(form: str) -> None:
    found = tagged(form, main={MAKE: "ACME"}, detail={ORIGINAL: "2024:05:06 07:08:09"}, gps=HERE)
    assert (found.make, found.taken_at) == ("ACME", "2024-05-06T07:08:09")
    assert (found.lat, found.lon) == pytest.approx((48.8582222, 2.2945), abs=1e-6)


def test_what_stands_after_the_pixels_of_a_png_is_read_without_decoding_them() -> None:
    exif = pictures.exif({MAKE: "ACME"}, {ORIGINAL: "2024:05:06 07:08:09"})
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp('xmp:Rating="4"')
    plain = pictures.data(pictures.photo(2000, 1500), "PNG", compress_level=1)
    late = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + chunk(b"iTXt", packet)
    end = plain.index(b"IEND") - 4
    began = time.process_time()
    found = read(plain[:end] + late + plain[end:])
    assert time.process_time() - began < 0.02
    assert (found.make, found.rating, found.taken_at) == ("ACME", 4, "2024-05-06T07:08:09")


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_exif_of_a_tiff_which_is_one() -> None:
    grey = {256: 60, 257: 40, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 279: 2400}
    exif = pictures.exif(grey | {MAKE: "ACME"}, {ORIGINAL: "2024:05:06 07:08:09"}, HERE)
    found = read(exif.tobytes().removeprefix(b"Exif\0\0"))
    assert (found.make, found.taken_at) == ("ACME", "2024-05-06T07:08:09")
    assert found.lat == pytest.approx(48.8582222)


@pytest.mark.parametrize("content", [b"", b"nothing", pictures.data(pictures.scene(9, 9))])
def test_a_file_that_says_nothing(content: bytes) -> None:
    assert read(content) == Metadata()


# dates


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024:05:06 07:08:09", "2024-05-06T07:08:09"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09"),
        ("2024-05-06T07:08:09.123", "2024-05-06T07:08:09.123"),
        ("2024/05/06 7:8", "2024-05-06T07:08:00"),
        ("2024:05:06 07:08:60", "2024-05-06T07:08:59"),
        ("2024:05:06 07:08:09\0\0", "2024-05-06T07:08:09"),
        ("2024:05:06", "2024-05-06T00:00:00"),
        ("1900:01:01 00:00:00", "1900-01-01T00:00:00"),
        ("2026:11:22 11:59:00", "2026-11-22T11:59:00"),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("1970:01:01 00:00:00", None),
        ("1970:01:01 01:00:00", None),
        ("1969:12:31 16:00:00", None),
        ("2024:13:06 07:08:09", None),
        ("2024:02:30 07:08:09", None),
        ("2024:05:06 25:08:09", None),
        ("1700:05:06 07:08:09", None),
        ("2026:11:22 12:01:00", None),
        ("9999:12:31 23:59:59", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_that_can_be_true(text: str, wanted: str | None) -> None:
    assert tagged(detail={ORIGINAL: text}).taken_at == wanted


def test_the_next_source_is_asked_when_one_cannot_be_true() -> None:
    tags = {
        "main": {CHANGED: "2020:01:05 00:00:00"},
        "detail": {ORIGINAL: "2020:01:02 00:00:00", DIGITIZED: "2020:01:03 00:00:00"},
        "gps": HERE | {7: (0.0, 0.0, 0.0), 29: "2020:01:04"},
    }
    seen = []
    for source, tag in (
        ("detail", ORIGINAL),
        ("detail", DIGITIZED),
        ("gps", 29),
        ("main", CHANGED),
    ):
        found = tagged(**tags)
        seen.append((found.taken_at_source, (found.taken_at or "")[8:10]))
        tags[source] = tags[source] | {tag: "0000:00:00 00:00:00"}
    assert seen == [
        ("exif original", "02"),
        ("exif digitized", "03"),
        ("gps", "04"),
        ("exif changed", "05"),
    ]
    assert tagged(**tags).taken_at is None


@pytest.mark.parametrize(
    "name", ["exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"]
)
def test_dates_of_xmp(name: str) -> None:
    found = tagged(xmp=xmp(f'{name}="2010-09-27T12:35:33+02:00"'))
    assert found.taken_at == "2010-09-27T12:35:33"
    assert (found.offset, found.taken_at_source) == ("+02:00", "xmp")


def test_a_machine_without_a_clock_believes_the_camera() -> None:
    exif = pictures.exif({}, {ORIGINAL: "2024:05:06 07:08:09"})
    content = pictures.data(pictures.scene(9, 9), exif=exif)
    assert read(content, datetime(1970, 1, 1)).taken_at == "2024-05-06T07:08:09"


def test_milliseconds_are_kept_where_they_are_known() -> None:
    found = tagged(detail={ORIGINAL: "2024:05:06 07:08:09", 0x9291: "348"})
    assert found.taken_at == "2024-05-06T07:08:09.348"


def test_iptc_is_asked_for_the_day_and_never_for_a_time_alone() -> None:
    folder = corpora.folder("phones") / "metadata" / "dates"
    assert read((folder / "time-created.jpg").read_bytes()).taken_at is None
    assert read(agency((55, b"20240712"), (60, b"181500+0200"))).taken_at_source == "iptc"


# what is known beside the file

#: 15:00 in UTC, on the machine on which tests run whatever that is there.
MODIFIED = datetime(2024, 7, 12, 15, 0, tzinfo=UTC).timestamp()


def test_names_come_after_what_the_camera_wrote_and_before_what_a_program_did() -> None:
    name = {"filename": "IMG_20240712_181500.jpg", "modified": MODIFIED}
    for tags, source in (
        ({0x9003: "2024:05:06 07:08:09"}, "exif original"),
        ({CHANGED: "2025:05:06 07:08:09"}, "name"),
        ({}, "name"),
    ):
        main = {tag: value for tag, value in tags.items() if tag == CHANGED}
        exif = pictures.exif(main, {t: v for t, v in tags.items() if t != CHANGED})
        found = read(pictures.data(pictures.scene(9, 9), exif=exif), **name)
        assert found.taken_at_source == source
    assert (found.taken_at, found.offset) == ("2024-07-12T18:15:00", None)


def test_a_name_that_says_the_day_takes_the_time_from_the_file_of_that_day() -> None:
    plain = pictures.data(pictures.scene(9, 9))
    day = datetime.fromtimestamp(MODIFIED)
    found = read(plain, filename=f"IMG-{day:%Y%m%d}-WA0001.jpg", modified=MODIFIED)
    assert (found.taken_at, found.taken_at_source) == (day.isoformat(), "file")
    found = read(plain, filename="IMG-20240101-WA0001.jpg", modified=MODIFIED)
    assert (found.taken_at, found.taken_at_source) == ("2024-01-01T00:00:00", "name")


def test_when_the_file_was_changed_is_the_last_resort() -> None:
    found = read(pictures.data(pictures.scene(9, 9)), filename="a.jpg", modified=MODIFIED)
    assert found.taken_at == datetime.fromtimestamp(MODIFIED).isoformat()
    assert found.offset is not None
    assert read(pictures.data(pictures.scene(9, 9)), modified=315532800.0 + 86400 / 2) == Metadata()


def test_a_clock_that_was_never_set_gives_way_to_the_name() -> None:
    exif = pictures.exif({}, {ORIGINAL: "2000:01:01 00:00:00"})
    content = pictures.data(pictures.scene(9, 9), exif=exif)
    assert read(content, filename="20240712_181500.jpg").taken_at == "2024-07-12T18:15:00"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("2000.xmp", "2000-09-27T14:35:33"), ("2010.xmp", "2010-09-27T"), ("2020.xmp", "2020-09-27T")],
)
def test_a_sidecar_is_later_than_the_file(name: str, wanted: str) -> None:
    path = corpora.folder("phones") / "metadata" / "xmp" / "dates" / name
    exif = pictures.exif({}, {ORIGINAL: "2024:05:06 07:08:09"})
    photo = pictures.data(pictures.scene(9, 9), exif=exif)
    found = read(photo, sidecar=decode(path.read_bytes()))
    assert (found.taken_at or "").startswith(wanted)
    assert found.taken_at_source == "sidecar"


def test_everything_a_sidecar_may_say() -> None:
    path = corpora.folder("phones") / "problems" / "xmp" / "iso-value-array" / "iso-value-array.xmp"
    found = read(pictures.data(pictures.scene(9, 9)), sidecar=decode(path.read_bytes()))
    assert (found.make, found.model) == ("Canon", "Canon PowerShot SX120 IS")
    assert found.exposure == {"time": "1/1250", "f_number": 2.8, "iso": 160, "focal_length": 6.0}
    assert (found.lat, found.lon) == pytest.approx((40.234644, -76.2871415), abs=1e-6)
    assert (found.taken_at, found.caption) == ("2009-11-28T13:42:39", None)
    edited = '<r xmp:Rating="5"><dc:subject><rdf:li>Snow</rdf:li></dc:subject></r>'
    rated = pictures.data(pictures.scene(9, 9), exif=pictures.exif({RATING: 2}))
    assert (read(rated, sidecar=edited).rating, read(rated, sidecar=edited).tags) == (5, ["Snow"])


# offsets


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("+02:00", "+02:00"), ("-03:30", "-03:30"), ("+0545", "+05:45"), ("Z", "+00:00"),
        ("+14:00", "+14:00"), ("+14:30", None), ("   :  ", None), ("", None), ("+ab:cd", None),
    ],
)  # fmt: skip
def test_offsets(text: str, wanted: str | None) -> None:
    detail = {ORIGINAL: "2024:05:06 07:08:09", OFFSET_ORIGINAL: text}
    assert tagged(detail=detail).offset == wanted


@pytest.mark.parametrize(
    ("day", "clock", "wanted"),
    [
        ("2024:05:06", (5.0, 8.0, 9.0), "+02:00"),
        ("2024:05:06", (5.0, 10.0, 40.0), "+02:00"),
        ("2024:05:06", (1.0, 23.0, 0.0), "+05:45"),
        ("2024:05:05", (21.0, 8.0, 9.0), "+10:00"),
        ("2024:05:06", (16.0, 38.0, 9.0), "-09:30"),
        ("2024:05:06", (7.0, 8.0, 9.0), "+00:00"),
        ("2024:05:06", (5.0, 1.0, 0.0), None),
        ("2024:05:01", (5.0, 8.0, 9.0), None),
        ("2024:05:06", (99.0, 8.0, 9.0), None),
    ],
)
def test_the_satellites_tell_the_offset(
    day: str, clock: tuple[float, ...], wanted: str | None
) -> None:
    found = tagged(detail={ORIGINAL: "2024:05:06 07:08:09"}, gps={29: day, 7: clock})
    assert (found.taken_at, found.offset) == ("2024-05-06T07:08:09", wanted)


def test_a_written_offset_is_believed_over_the_satellites() -> None:
    detail = {ORIGINAL: "2024:05:06 07:08:09", OFFSET_ORIGINAL: "+03:00"}
    assert tagged(detail=detail, gps={29: "2024:05:06", 7: (5.0, 8.0, 9.0)}).offset == "+03:00"


def test_where_only_the_satellites_know_the_sun_tells_the_wall_clock() -> None:
    found = tagged(
        gps=HERE | {3: "W", 4: (122.0, 25.0, 0.0), 29: "2023:11:15", 7: (12.0, 30.0, 0.0)}
    )
    assert (found.taken_at, found.offset) == ("2023-11-15T04:30:00", "-08:00")
    found = tagged(gps={29: "2023:11:15", 7: (12.0, 30.0, 0.0)})
    assert (found.taken_at, found.offset) == ("2023-11-15T12:30:00", "+00:00")


# places


@pytest.mark.parametrize(
    ("gps", "wanted"),
    [
        ({1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 36.0, 36.0)}, (-33.5, -70.61)),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}, (None, None)),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)}, (0.0, 10.0)),
        ({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (2.0, 0.0, 0.0)}, (None, None)),
        ({1: "N", 2: (48.0, 0.0, 0.0), 3: "E", 4: (181.0, 0.0, 0.0)}, (None, None)),
        ({1: "N", 2: (48.0, 0.0, 0.0)}, (None, None)),
        ({2: (48.0, 0.0, 0.0), 4: (2.0, 0.0, 0.0)}, (None, None)),
        ({1: "\0", 2: (48.0, 0.0, 0.0), 3: "\0", 4: (2.0, 0.0, 0.0)}, (None, None)),
        ({1: "N", 2: (NOTHING,) * 3, 3: "E", 4: (NOTHING,) * 3}, (None, None)),
        ({1: "N", 2: (48.5,), 3: "E", 4: (2.25,)}, (48.5, 2.25)),
    ],
)
def test_places(gps: dict[int, Any], wanted: tuple[float | None, float | None]) -> None:
    found = tagged(gps=gps)
    assert (found.lat, found.lon) == wanted


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({6: 351.25}, 351.2), ({6: 430.0, 5: b"\1"}, -430.0), ({6: 430.0, 5: b"\0"}, 430.0),
        ({6: NOTHING}, None), ({6: 9e9}, None), ({}, None),
    ],
)  # fmt: skip
def test_altitudes(tags: dict[int, Any], wanted: float | None) -> None:
    assert tagged(gps=HERE | tags).altitude == wanted
    assert tagged(gps=tags).altitude is None  # it belongs to a place


def test_a_place_in_xmp_counts_where_exif_has_none() -> None:
    packet = xmp('exif:GPSLatitude="40,30N" exif:GPSLongitude="76,15W" exif:GPSAltitude="99/2"')
    found = tagged(xmp=packet)
    assert (found.lat, found.lon, found.altitude) == (40.5, -76.25, 49.5)
    assert tagged(xmp=packet, gps=HERE).lat == pytest.approx(48.8582222)
    empty = {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}
    assert tagged(xmp=packet, gps=empty).lat == 40.5


# tags


def test_tags_of_every_kind_each_once() -> None:
    packet = b"<dc:subject><rdf:li>Frost</rdf:li><rdf:li>Garden</rdf:li></dc:subject>"
    words = "Snow; garden;;Winter".encode("utf-16-le")
    found = tagged(xmp=packet, main={0x9C9E: words})
    assert found.tags == ["Frost", "Garden", "Snow", "Winter"]
    assert read(agency((25, b"Frost"), (25, b"Yard"), (120, b"At home"))).tags == ["Frost", "Yard"]
    assert read(agency((25, b"Frost"), (120, b"At home"))).caption == "At home"


def test_tags_are_clean_and_not_endless() -> None:
    many = b"".join(b"<rdf:li>%d\x07\n%s</rdf:li>" % (n, b"x" * 300) for n in range(150))
    found = tagged(xmp=b"<dc:subject>" + many + b"</dc:subject>").tags
    assert len(found) == 100
    assert all(len(tag) == 100 and tag.isprintable() for tag in found)


def agency(*datasets: tuple[int, bytes]) -> bytes:
    """A photo with IPTC of record 2."""
    parts = (b"\x1c\2" + struct.pack(">BH", n, len(value)) + value for n, value in datasets)
    block = b"".join(parts)
    body = b"Photoshop 3.0\x008BIM\4\4\0\0" + struct.pack(">I", len(block)) + block
    plain = pictures.data(pictures.scene(9, 9))
    return plain[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + plain[2:]


# motion


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_what_moves_is_told(form: str) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("black", "white")]
    moving = pictures.data(pictures.scene(60, 40), form, save_all=True, append_images=frames)
    # The pages of a TIFF are no film.
    assert read(moving).animated is (form != "TIFF")
    assert not read(pictures.data(pictures.scene(60, 40), form)).animated


def test_a_motion_photo_tells_where_its_clip_is() -> None:
    clip = b"\0\0\0\x18ftypmp42" + bytes(12)
    photo = pictures.data(
        pictures.scene(60, 40), xmp=xmp(f'GCamera:MicroVideoOffset="{len(clip)}"')
    )
    assert read(photo + clip).motion == {"at": len(photo), "size": len(clip)}
    assert read(photo).motion is None


# the rest


def test_the_camera_and_how_it_was_set() -> None:
    found = tagged(
        main={MAKE: "SONY\0", MODEL: "  DSC-RX100  M7 "},
        detail={0x829A: 1 / 160, 0x829D: 2.8, 0x8827: 400, 0x920A: 24.0, 0xA434: "ZEISS 24-200mm"},
    )
    assert (found.make, found.model, found.lens) == ("SONY", "DSC-RX100 M7", "ZEISS 24-200mm")
    assert found.exposure == {"time": "1/160", "f_number": 2.8, "iso": 400, "focal_length": 24.0}


@pytest.mark.parametrize(
    ("time", "wanted"),
    [(1 / 8000, "1/8000"), (0.25, "1/4"), (0.5, "0.5"), (30.0, "30"), (0.0, None)],
)
def test_exposure_times_as_people_write_them(time: float, wanted: str | None) -> None:
    assert tagged(detail={0x829A: time}).exposure.get("time") == wanted


def test_captions_in_the_encodings_of_the_world() -> None:
    assert tagged(main={DESCRIPTION: "Sommer am See\0junk"}).caption == "Sommer am See"
    assert tagged(main={DESCRIPTION: "Фото на море".encode()}).caption == "Фото на море"
    assert tagged(main={DESCRIPTION: "Café".encode("latin-1")}).caption == "Café"
    assert tagged(detail={USER_COMMENT: b"UNICODE\0" + "雪".encode("utf-16-le")}).caption == "雪"
    assert tagged(detail={USER_COMMENT: b"ASCII\0\0\0plain"}).caption == "plain"
    assert tagged(detail={USER_COMMENT: b"\0" * 8 + b"\x91\x12\x07"}).caption is None
    listed = b'<rdf:Alt><rdf:li xml:lang="x">A &amp; B</rdf:li></rdf:Alt>'
    assert tagged(xmp=b"<dc:description>" + listed + b"</dc:description>").caption == "A & B"


@pytest.mark.parametrize(
    "filler",
    [
        "OLYMPUS DIGITAL CAMERA         ",
        "SONY DSC",
        "KONICA MINOLTA DIGITAL CAMERA",
        "Minolta DSC",
        "SAMSUNG CAMERA PICTURES",
        "Exif_JPEG_PICTURE",
        "Image-Description",
        r"DCIM\100MEDIA\DJI_0001.JPG",
        "oznorWO",
    ],
)
def test_what_cameras_write_into_every_photo_is_no_caption(filler: str) -> None:
    assert tagged(main={DESCRIPTION: filler}).caption is None
    assert tagged(detail={USER_COMMENT: b"ASCII\0\0\0" + filler.encode()}).caption is None
    listed = f'<rdf:Alt><rdf:li xml:lang="x">{filler}</rdf:li></rdf:Alt>'.encode()
    assert tagged(xmp=b"<dc:description>" + listed + b"</dc:description>").caption is None
    comment = b"ASCII\0\0\0At the sea"
    found = tagged(main={DESCRIPTION: filler}, detail={USER_COMMENT: comment})
    assert found.caption == "At the sea"


@pytest.mark.parametrize(
    "words", ["My first SONY DSC", r"DCIM\ is where it was", "Samsung's party"]
)
def test_what_only_holds_such_words_is_a_caption(words: str) -> None:
    assert tagged(main={DESCRIPTION: words}).caption == words


def test_texts_are_clean_and_not_endless() -> None:
    found = tagged(main={DESCRIPTION: "a\x07b\x1b[31m\nc" + "x" * 9000})
    assert found.caption is not None
    assert found.caption.startswith("ab[31m\nc")
    assert len(found.caption) <= 2000


@pytest.mark.parametrize(("stars", "wanted"), [(0, None), (1, 1), (5, 5), (6, None), (99, None)])
def test_ratings(stars: int, wanted: int | None) -> None:
    assert tagged(main={RATING: stars}).rating == wanted
    assert tagged(xmp=xmp(f'xmp:Rating="{stars}"')).rating == wanted


def test_the_orientation_as_it_was_told() -> None:
    assert tagged(main={ORIENTATION: 6}).orientation == 6
    assert tagged(main={ORIENTATION: 11}).orientation is None


# hostile


def test_any_byte_of_exif_may_be_wrong() -> None:
    exif = pictures.exif(
        {MAKE: "ACME", RATING: 3, CHANGED: "2020:01:05 00:00:00"},
        {ORIGINAL: "2020:01:02 00:00:00", 0x829A: 0.01, 0x8827: (100, 200)},
        HERE | {7: (1.0, 2.0, 3.0), 29: "2020:01:02"},
    )
    whole = pictures.data(pictures.scene(9, 9), exif=exif)
    start = whole.index(b"Exif\0\0") + 6
    for at in range(start, start + len(exif.tobytes())):
        for value in (0, 0x80, 0xFF):
            found = read(whole[:at] + bytes([value]) + whole[at + 1 :])
            assert isinstance(found, Metadata)


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (MAKE, 7), (MAKE, b"\xff\xfe\x00"), (DESCRIPTION, (1, 2, 3)), (RATING, "five"),
        (RATING, b"\x03"), (ORIENTATION, (1, 2)), (CHANGED, 20200101), (CHANGED, b"\xff" * 20),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind(tag: int, value: Any) -> None:
    exif = pictures.exif({})
    exif[tag] = value
    assert isinstance(read(pictures.data(pictures.scene(9, 9), exif=exif)), Metadata)


def test_fractions_of_nothing() -> None:
    found = tagged(detail={0x829A: NOTHING, 0x829D: NOTHING, 0x920A: 50.0})
    assert found.exposure == {"focal_length": 50.0}


# the files of others


@pytest.mark.parametrize("row", corpora.expected(), ids=lambda row: row["file"])
def test_what_a_peer_reads_of_the_phones_files(row: dict[str, Any]) -> None:
    wanted = row["expected"]
    with (corpora.folder("phones") / row["file"]).open("rb") as file:
        found = metadata.read(file)
    local = wanted.get("taken_local")
    if local == "= file mtime":
        assert found.taken_at is None
    elif local:
        assert (found.taken_at or "").startswith(local.partition(".")[0])
    if "latitude" in wanted:
        place = wanted["latitude"], wanted["longitude"]
        assert (found.lat, found.lon) == pytest.approx(place, abs=1e-5)
    plain = {"make": found.make, "model": found.model, "lensModel": found.lens}
    plain |= {"rating": found.rating, "orientation": found.orientation}
    plain |= {"description": found.caption or "", "tags": found.tags}
    names = {"time": "exposureTime", "f_number": "fNumber", "iso": "iso"}
    plain |= {names.get(n, "focalLength"): value for n, value in found.exposure.items()}
    explained = formats.REASONS.get(row["file"], {})
    for name in (plain.keys() & wanted.keys()) - explained.keys():
        assert plain[name] == wanted[name], name


def test_the_zone_of_a_phone_is_found() -> None:
    path = corpora.folder("phones") / "formats" / "heic" / "IMG_2682.heic"
    with path.open("rb") as file:
        assert metadata.read(file).offset == "-05:00"
