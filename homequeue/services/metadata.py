"""Metadata: what a picture says of itself, believed only where it can be true."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from homequeue.services import dates, imaging, iptc, makernotes, motion, raw, values, xmp
from homequeue.services.dates import Moment
from homequeue.services.headers import png_chunks

# Tags of EXIF 2.32: of the main directory, the Exif directory, the GPS directory.
DESCRIPTION, MAKE, MODEL, ORIENTATION, CHANGED = 0x010E, 0x010F, 0x0110, 0x0112, 0x0132
RATING, EXIF, GPS, XP_COMMENT, XP_KEYWORDS = 0x4746, 0x8769, 0x8825, 0x9C9C, 0x9C9E
EXPOSURE_TIME, F_NUMBER, ISO, FOCAL_LENGTH = 0x829A, 0x829D, 0x8827, 0x920A
ORIGINAL, DIGITIZED, MAKER_NOTE, USER_COMMENT, LENS = 0x9003, 0x9004, 0x927C, 0x9286, 0xA434
OFFSET_CHANGED, OFFSET_ORIGINAL, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
PART_CHANGED, PART_ORIGINAL, PART_DIGITIZED = 0x9290, 0x9291, 0x9292
LAT_REF, LAT, LON_REF, LON, GPS_TIME, GPS_DATE = 0x01, 0x02, 0x03, 0x04, 0x07, 0x1D
ALT_REF, ALT = 0x05, 0x06

#: Properties of XMP that say when a photo was taken, the most certain first.
XMP_DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "xap:CreateDate")
#: Sources of dates that a camera's clock told.
CLOCKS = ("exif original", "exif digitized", "exif changed", "xmp", "iptc")
#: Formats of which a file can be a film; others have further pages or views.
MOVING = ("GIF", "WEBP", "PNG", "AVIF")
#: How XMP in a PNG begins that is not compressed, and bytes of a chunk that are read.
PNG_XMP, MOST_CHUNK = b"XML:com.adobe.xmp\0\0\0", 1 << 20
#: Seconds of exposure below which a number is a mistake.
SHORTEST = 1e-6
#: Tags of a photo that are kept, and characters of one.
MOST_TAGS, LONGEST_TAG = 100, 100


@dataclass(frozen=True)
class Hints:
    """What is known of a photo beside its bytes: its name, when its file was changed, a sidecar."""

    filename: str = ""
    modified: float | None = None
    sidecar: str = ""


@dataclass(frozen=True)
class Metadata:
    """What is known of a photo; `taken_at` is the clock on the wall, `offset` where it hung."""

    taken_at: str | None = None
    offset: str | None = None
    taken_at_source: str | None = None
    #: The clock on the wall by the satellites; whether a clock wrote what no date can be.
    satellites: str | None = None
    unset: bool = False
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure: dict[str, Any] = field(default_factory=dict)
    lat: float | None = None
    lon: float | None = None
    altitude: float | None = None
    caption: str | None = None
    rating: int | None = None
    tags: list[str] = field(default_factory=list)
    orientation: int | None = None
    animated: bool = False
    #: Where the clip of a motion photo is in the file: `at` and `size`, in bytes.
    motion: dict[str, Any] | None = None
    #: What a Live Photo and its clip share.
    content_id: str | None = None


@dataclass(frozen=True)
class Tags:
    """The directories of a file as Pillow reads them, its XMP and IPTC, and its sidecar."""

    main: Mapping[int, Any] = field(default_factory=dict)
    exif: Mapping[int, Any] = field(default_factory=dict)
    gps: Mapping[int, Any] = field(default_factory=dict)
    inside: xmp.Properties = field(default_factory=dict)
    agency: iptc.Iptc = field(default_factory=iptc.Iptc)
    sidecar: xmp.Properties = field(default_factory=dict)

    def said(self, *names: str) -> str | None:
        """What the sidecar says, which somebody wrote later, or else the XMP of the file."""
        return xmp.first(self.sidecar, *names) or xmp.first(self.inside, *names)


def read(file: BinaryIO, hints: Hints = Hints(), now: datetime | None = None) -> Metadata:
    """Read EXIF, XMP and IPTC; a file without any, or broken, says nothing but what hints say.

    `now` is UTC without zone: dates more than a day after it are not believed.
    """
    # Of a file that is this strange the pictures matter more: it is shown without metadata.
    with suppress(Exception):
        return _read(file, hints, now or datetime.now(UTC).replace(tzinfo=None))
    return Metadata()


def beside(found: Metadata, sidecar: str) -> Metadata:
    """Return what a film says of itself, and what its sidecar says of it, which comes first."""
    tags = Tags(sidecar=xmp.parse(sidecar))
    moments = [dates.from_tag(xmp.first(tags.sidecar, name), "sidecar") for name in XMP_DATES]
    moments += [] if found.taken_at else [from_export(tags.sidecar)]
    taken = dates.choose(moments, datetime.now(UTC).replace(tzinfo=None))
    if taken is not None:
        offset = dates.offset_text(taken.offset)
        found = replace(found, taken_at=taken.taken_at, offset=offset, taken_at_source=taken.source)
    lat, lon, altitude = _place(tags)
    if lat is not None:
        found = replace(found, lat=lat, lon=lon, altitude=altitude)
    return replace(
        found,
        caption=_caption(tags) or found.caption,
        rating=_rating(tags) or found.rating,
        tags=_keywords(tags) or found.tags,
    )


def _read(file: BinaryIO, hints: Hints, now: datetime) -> Metadata:
    picture = _opened(file)
    if picture.format == "PNG":
        _read_late_chunks(picture, file)
    tags = replace(_tags(picture), sidecar=xmp.parse(hints.sidecar))
    utc = _gps_time(tags)
    moments = [moment for moment in _moments(tags, hints, utc) if moment is not None]
    taken = dates.choose(moments, now)
    lat, lon, altitude = _place(tags)
    return Metadata(
        taken_at=taken.taken_at if taken else None,
        offset=dates.offset_text(_offset(taken, utc)) if taken else None,
        taken_at_source=taken.source if taken else None,
        satellites=_by_satellites(taken, utc, lon) if taken and utc else None,
        unset=any(one.source in CLOCKS and not dates.is_possible(one.at, now) for one in moments),
        make=values.line(tags.main.get(MAKE) or tags.said("tiff:Make")),
        model=values.line(tags.main.get(MODEL) or tags.said("tiff:Model")),
        lens=values.line(tags.exif.get(LENS) or tags.said("aux:Lens", "exifEX:LensModel")),
        exposure=_exposure(tags),
        lat=lat,
        lon=lon,
        altitude=altitude,
        caption=_caption(tags),
        rating=_rating(tags),
        tags=_keywords(tags),
        orientation=values.whole(tags.main.get(ORIENTATION), 1, 8),
        animated=_is_animated(picture),
        motion=motion.find(file, tags.inside),
        content_id=makernotes.content_id(tags.exif.get(MAKER_NOTE)),
    )


def _opened(file: BinaryIO) -> Any:
    """A picture, or what a raw file says; Fuji's leave that to the picture in them."""
    described = raw.described(file)
    if described is None and raw.kind(file) and (inside := raw.picture(file)):
        return imaging.opened(inside.data)
    return described or imaging.opened(file)


def _read_late_chunks(picture: Any, file: BinaryIO) -> None:
    """Read what stands after the pixels of a PNG, for which Pillow would decode all of them."""
    for name, at, length in png_chunks(file):
        if name not in (b"eXIf", b"iTXt") or length > MOST_CHUNK:
            continue
        file.seek(at)
        data = file.read(length)
        if name == b"eXIf":
            picture.info.setdefault("exif", data)
        elif data.startswith(PNG_XMP):
            # Then language and translated keyword, both empty, end in a null each.
            picture.info.setdefault("xmp", data.removeprefix(PNG_XMP).lstrip(b"\0"))
    if "Raw profile type exif" not in picture.info:
        picture.info.setdefault("exif", b"")


def _tags(picture: Any) -> Tags:
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    written = xmp.parse(xmp.decode(packet)), iptc.parse(picture.info.get("photoshop"))
    try:
        main = picture.getexif()
    except Exception:
        return Tags({}, {}, {}, *written)
    # pi_heif has turned the picture and says 1 from then on; what the file said is kept here.
    turned = picture.info.get("original_orientation")
    known = {tag: _get(main, tag) for tag in main} | ({ORIENTATION: turned} if turned else {})
    return Tags(known, _directory(main, EXIF), _directory(main, GPS), *written)


def _get(tags: Mapping[int, Any], tag: int) -> Any:
    """One value; Pillow decodes late, so a broken one raises here and costs only itself."""
    try:
        return tags[tag]
    except Exception:
        return None


def _directory(main: Any, tag: int) -> dict[int, Any]:
    try:
        return dict(main.get_ifd(tag))
    except Exception:
        return {}


def _is_animated(picture: Any) -> bool:
    try:
        return picture.format in MOVING and bool(picture.is_animated)
    except Exception:
        return False


def _offset(taken: Moment, utc: datetime | None) -> timedelta | None:
    """The offset that was written, or else the one that the satellites tell."""
    return dates.offset_by(taken.at, utc) if taken.offset is None else taken.offset


def _by_satellites(taken: Moment, utc: datetime, lon: float | None) -> str | None:
    """The clock on the wall when the satellites told the time: as far from UTC as is written."""
    offset = taken.offset
    if offset is None and lon is not None:
        offset = dates.sun(lon)
    return None if offset is None else Moment(utc + offset, "gps", offset).as_text


def _moments(tags: Tags, hints: Hints, utc: datetime | None) -> Iterator[Moment | None]:
    """All dates, the most certain first: of the shutter, of the file's making, of its names."""
    exif = tags.exif
    for name in XMP_DATES:
        yield dates.from_tag(xmp.first(tags.sidecar, name), "sidecar")
    yield _exif(exif, ORIGINAL, OFFSET_ORIGINAL, PART_ORIGINAL, "exif original")
    yield _exif(exif, DIGITIZED, OFFSET_DIGITIZED, PART_DIGITIZED, "exif digitized")
    for name in XMP_DATES:
        yield dates.from_tag(xmp.first(tags.inside, name), "xmp")
    yield dates.from_tag(tags.agency.created, "iptc")
    yield _by_satellite(tags, utc)
    yield from_export(tags.sidecar)
    named = dates.from_name(hints.filename)
    yield named if named and named.has_time else None
    changed = {**exif, CHANGED: tags.main.get(CHANGED)}
    yield _exif(changed, CHANGED, OFFSET_CHANGED, PART_CHANGED, "exif changed")
    yield named
    yield dates.from_instant(hints.modified, "file") if hints.modified else None


def from_export(sidecar: xmp.Properties) -> Moment | None:
    """Return the instant that an export says in a sidecar, by the clock of this machine."""
    found = dates.from_tag(xmp.first(sidecar, xmp.TAKEN), "takeout")
    if found is None:
        return None
    return dates.from_instant(found.at.replace(tzinfo=UTC).timestamp(), found.source)


def _exif(tags: Mapping[int, Any], tag: int, offset: int, part: int, source: str) -> Moment | None:
    return dates.from_tag(tags.get(tag), source, tags.get(offset), tags.get(part))


def _by_satellite(tags: Tags, utc: datetime | None) -> Moment | None:
    """Only the instant is known; the sun tells the clock on the wall within an hour or two."""
    if utc is None:
        return None
    _, lon, _ = _place(tags)
    offset = dates.sun(lon) if lon is not None else timedelta()
    return Moment(utc + offset, "gps", offset)


def _gps_time(tags: Tags) -> datetime | None:
    """The UTC of the satellites, from GPSDateStamp and GPSTimeStamp or the same in XMP."""
    day = dates.from_tag(tags.gps.get(GPS_DATE), "gps")
    clock = values.numbers(tags.gps.get(GPS_TIME))
    if day is not None and clock is not None and 0 <= clock[0] < 24:
        seconds = sum(n * unit for n, unit in zip(clock, (3600, 60, 1), strict=True))
        return datetime.combine(day.at, datetime.min.time()) + timedelta(seconds=int(seconds))
    stamp = dates.from_tag(tags.said("exif:GPSTimeStamp"), "gps")
    return stamp.at - (stamp.offset or timedelta()) if stamp and stamp.has_time else None


def _place(tags: Tags) -> tuple[float | None, float | None, float | None]:
    """Latitude, longitude and altitude; 0, 0 is what a receiver without a fix writes."""
    gps = tags.gps
    in_exif = (
        _degrees(gps.get(LAT), values.text(gps.get(LAT_REF)), "NS", 90),
        _degrees(gps.get(LON), values.text(gps.get(LON_REF)), "EW", 180),
        values.metres(gps.get(ALT), below=gps.get(ALT_REF) in (1, b"\1")),
    )
    in_xmp = (_place_of(properties) for properties in (tags.sidecar, tags.inside))
    sidecar, embedded = in_xmp
    for lat, lon, altitude in (sidecar, in_exif, embedded):
        if lat is not None and lon is not None and (lat, lon) != (0, 0):
            return lat, lon, altitude
    return None, None, None


def _place_of(properties: xmp.Properties) -> tuple[float | None, float | None, float | None]:
    lat = xmp.degrees(properties, "exif:GPSLatitude", 90)
    lon = xmp.degrees(properties, "exif:GPSLongitude", 180)
    return lat, lon, xmp.altitude(properties)


def _degrees(value: Any, ref: str | None, signs: str, most: float) -> float | None:
    numbers = values.numbers(value)
    sign = (ref or "?")[0].upper()
    if numbers is None or sign not in signs:
        return None
    degrees = numbers[0] + numbers[1] / 60 + numbers[2] / 3600
    return round(-degrees if sign == signs[1] else degrees, 7) if abs(degrees) <= most else None


def _exposure(tags: Tags) -> dict[str, Any]:
    """Time in seconds as people write it, f-number, ISO and focal length in millimetres."""
    exif = tags.exif
    time = values.number(exif.get(EXPOSURE_TIME) or tags.said("exif:ExposureTime"))
    iso = exif.get(ISO) or tags.said("exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity")
    found = {
        "time": _span(time) if time else None,
        "f_number": values.rounded(exif.get(F_NUMBER) or tags.said("exif:FNumber")),
        "iso": values.whole(iso, 1, 10_000_000),
        "focal_length": values.rounded(exif.get(FOCAL_LENGTH) or tags.said("exif:FocalLength")),
    }
    return {name: value for name, value in found.items() if value}


def _span(time: float) -> str | None:
    if time > 0.3:
        return f"{time:g}"
    return f"1/{round(1 / time)}" if time > SHORTEST else None


def _rating(tags: Tags) -> int | None:
    told = (
        xmp.first(tags.sidecar, "xmp:Rating"),
        tags.main.get(RATING),
        xmp.first(tags.inside, "xmp:Rating"),
    )
    return next((stars for value in told if (stars := values.whole(value, 1, 5))), None)


def _keywords(tags: Tags) -> list[str]:
    """The tags of XMP, IPTC and Windows, each once, whatever its capitals."""
    windows = values.text(values.decoded(tags.main.get(XP_KEYWORDS), "utf-16-le")) or ""
    named = [
        *tags.sidecar.get("dc:subject", ()),
        *tags.inside.get("dc:subject", ()),
        *tags.agency.keywords,
        *windows.split(";"),
    ]
    lines = (values.line(name) for name in named[: 2 * MOST_TAGS])
    once: dict[str, str] = {}
    for line in lines:
        if line:
            once.setdefault(line[:LONGEST_TAG].casefold(), line[:LONGEST_TAG])
    return list(once.values())[:MOST_TAGS]


def _caption(tags: Tags) -> str | None:
    found = (
        xmp.first(tags.sidecar, "dc:description"),
        tags.main.get(DESCRIPTION),
        xmp.first(tags.inside, "dc:description"),
        tags.agency.caption,
        values.decoded(tags.main.get(XP_COMMENT), "utf-16-le"),
        _comment(tags.exif.get(USER_COMMENT)),
    )
    return next((text for value in found if (text := values.caption(value))), None)


def _comment(value: Any) -> str | None:
    """UserComment names its encoding in its first eight bytes; unnamed ones are a maker's junk."""
    if not isinstance(value, bytes):
        return None
    if value.startswith(b"ASCII\0\0\0"):
        return values.text(value[8:])
    if not value.startswith(b"UNICODE\0"):
        return None
    big = value[8:9] == b"\0"
    return values.text(values.decoded(value[8:], "utf-16-be" if big else "utf-16-le"))
