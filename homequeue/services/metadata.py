"""Metadata: what a picture says of itself, believed only where it can be true."""

import html
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from homequeue.services import imaging

# Tags of EXIF 2.32: of the main directory, the Exif directory, the GPS directory.
DESCRIPTION, MAKE, MODEL, ORIENTATION, CHANGED = 0x010E, 0x010F, 0x0110, 0x0112, 0x0132
RATING, EXIF, GPS, XP_COMMENT = 0x4746, 0x8769, 0x8825, 0x9C9C
EXPOSURE_TIME, F_NUMBER, ISO, FOCAL_LENGTH = 0x829A, 0x829D, 0x8827, 0x920A
ORIGINAL, DIGITIZED, USER_COMMENT, LENS = 0x9003, 0x9004, 0x9286, 0xA434
OFFSET_CHANGED, OFFSET_ORIGINAL, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
LAT_REF, LAT, LON_REF, LON, GPS_TIME, GPS_DATE = 0x01, 0x02, 0x03, 0x04, 0x07, 0x1D

#: No photograph is older; a date before it is a mistake.
FIRST_PHOTOGRAPH = datetime(1826, 1, 1)
#: A machine without a clock of its own starts in 1970; no date is in the future of that.
CLOCK_IS_SET = datetime(2026, 1, 1)
#: Days that a camera names when it knows none: the epoch, and the epoch west of Greenwich.
DEFAULT_DAYS = {(1970, 1, 1), (1969, 12, 31)}
#: Characters of a text, and of the XMP packet, that are looked at.
MOST_TEXT, MOST_XMP = 2000, 1 << 18
#: A GPS fix older than this says nothing about the zone the clock of the camera is in.
STALE = timedelta(minutes=5)
QUARTER = timedelta(minutes=15)

DATE = re.compile(
    r"\s*(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)"
    r"(?:[T\s]+(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,]\d*)?)?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
OFFSET = re.compile(r"\s*([+-])(\d\d?):?(\d\d)")


@dataclass(frozen=True)
class Metadata:
    """What is known of a photo; `taken_at` is the clock on the wall, `offset` where it hung."""

    taken_at: str | None = None
    offset: str | None = None
    taken_at_source: str | None = None
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure: dict[str, Any] = field(default_factory=dict)
    lat: float | None = None
    lon: float | None = None
    caption: str | None = None
    rating: int | None = None
    orientation: int | None = None


@dataclass(frozen=True)
class Tags:
    """The directories of a file as Pillow reads them, and its XMP packet."""

    main: Mapping[int, Any]
    exif: Mapping[int, Any]
    gps: Mapping[int, Any]
    xmp: str


def read(file: BinaryIO, now: datetime | None = None) -> Metadata:
    """Read EXIF, and XMP for what EXIF leaves open; a file without either, or broken, says nothing.

    `now` is UTC without zone: dates more than a day after it are not believed.
    """
    with suppress(Exception):
        tags = _tags(imaging.opened(file))
        lat, lon = _place(tags.gps)
        taken_at, offset, source = _taken(tags, lon, now or datetime.now(UTC).replace(tzinfo=None))
        return Metadata(
            taken_at=taken_at.isoformat(timespec="seconds") if taken_at else None,
            offset=_offset_text(offset),
            taken_at_source=source,
            make=_line(tags.main.get(MAKE)),
            model=_line(tags.main.get(MODEL)),
            lens=_line(tags.exif.get(LENS)) or _line(_xmp(tags.xmp, "aux:Lens")),
            exposure=_exposure(tags.exif),
            lat=lat,
            lon=lon,
            caption=_caption(tags),
            rating=_whole(tags.main.get(RATING), 1, 5)
            or _whole(_xmp(tags.xmp, "xmp:Rating"), 1, 5),
            orientation=_whole(tags.main.get(ORIENTATION), 1, 8),
        )
    return Metadata()


def _tags(picture: Any) -> Tags:
    try:
        main = picture.getexif()
    except Exception:
        return Tags({}, {}, {}, _packet(picture.info))
    # pi_heif has turned the picture and says 1 from then on; what the file said is kept here.
    turned = picture.info.get("original_orientation")
    known = {tag: _get(main, tag) for tag in main} | ({ORIENTATION: turned} if turned else {})
    return Tags(known, _directory(main, EXIF), _directory(main, GPS), _packet(picture.info))


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


def _packet(info: Mapping[Any, Any]) -> str:
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or ""
    text = packet if isinstance(packet, str) else bytes(packet).decode("utf-8", "replace")
    return text[:MOST_XMP]


def _xmp(packet: str, name: str) -> str | None:
    """The value of a property, written as an attribute or as an element; lists give their first."""
    pattern = rf'{name}\s*=\s*["\']([^"\']*)|<{name}>\s*(?:<rdf:\w+>\s*<rdf:li[^>]*>)?([^<]*)'
    found = re.search(pattern, packet)
    return html.unescape(found[1] or found[2] or "") if found else None


def _taken(
    tags: Tags, lon: float | None, now: datetime
) -> tuple[datetime | None, timedelta | None, str | None]:
    """The first date that can be true, with its offset from UTC and the place it was found."""
    utc = _gps_time(tags)
    for source, text, zone in _dates(tags):
        date, offset = _date(text)
        if date is None or not _possible(date, now):
            continue
        offset = offset if offset is not None else _offset(zone)
        return date, offset if offset is not None else _offset_by_gps(date, utc), source
    if utc is not None and _possible(utc, now):
        # Only the instant is known; the sun tells the clock on the wall within an hour or two.
        offset = timedelta(hours=round(lon / 15)) if lon is not None else timedelta()
        return utc + offset, offset, "gps"
    date, offset = _date(tags.main.get(CHANGED))
    if date is not None and _possible(date, now):
        return date, offset or _offset(tags.exif.get(OFFSET_CHANGED)), "exif changed"
    return None, None, None


def _dates(tags: Tags) -> Iterator[tuple[str, Any, Any]]:
    yield "exif original", tags.exif.get(ORIGINAL), tags.exif.get(OFFSET_ORIGINAL)
    yield "exif digitized", tags.exif.get(DIGITIZED), tags.exif.get(OFFSET_DIGITIZED)
    for name in ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"):
        yield "xmp", _xmp(tags.xmp, name), None


def _date(value: Any) -> tuple[datetime | None, timedelta | None]:
    found = DATE.match(_text(value) or "")
    if not found:
        return None, None
    numbers = [int(number or 0) for number in found.groups()[:6]]
    numbers[5] = min(numbers[5], 59)  # a leap second
    try:
        return datetime(*numbers), _offset(found[7])  # type: ignore[arg-type]
    except ValueError:
        return None, None


def _possible(date: datetime, now: datetime) -> bool:
    if (date.year, date.month, date.day) in DEFAULT_DAYS or date < FIRST_PHOTOGRAPH:
        return False
    return now < CLOCK_IS_SET or date <= now + timedelta(days=1)


def _offset(value: Any) -> timedelta | None:
    """Read '+02:00' or 'Z'; no place on Earth is more than 14 hours from UTC."""
    text = _text(value) or ""
    if text == "Z":
        return timedelta()
    found = OFFSET.match(text)
    if not found:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if offset > timedelta(hours=14):
        return None
    return -offset if found[1] == "-" else offset


def _offset_text(offset: timedelta | None) -> str | None:
    if offset is None:
        return None
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset_by_gps(date: datetime, utc: datetime | None) -> timedelta | None:
    """Satellites tell UTC: what the camera's clock differs from it, in quarters of an hour."""
    if utc is None:
        return None
    offset = round((date - utc) / QUARTER) * QUARTER
    fresh = abs(date - utc - offset) <= STALE
    return offset if fresh and abs(offset) <= timedelta(hours=14) else None


def _gps_time(tags: Tags) -> datetime | None:
    """The UTC of the satellites, from GPSDateStamp and GPSTimeStamp or the same in XMP."""
    day, _ = _date(tags.gps.get(GPS_DATE))
    clock = _numbers(tags.gps.get(GPS_TIME))
    if day is not None and clock is not None and 0 <= clock[0] < 24:
        seconds = sum(n * unit for n, unit in zip(clock, (3600, 60, 1), strict=True))
        return datetime(day.year, day.month, day.day) + timedelta(seconds=int(seconds))
    stamp = _xmp(tags.xmp, "exif:GPSTimeStamp")
    date, offset = _date(stamp)
    return date - (offset or timedelta()) if date and "T" in (stamp or "") else None


def _place(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees; 0, 0 is what a receiver without a fix writes."""
    lat = _degrees(gps.get(LAT), _text(gps.get(LAT_REF)), "NS", 90)
    lon = _degrees(gps.get(LON), _text(gps.get(LON_REF)), "EW", 180)
    return (None, None) if lat is None or lon is None or lat == lon == 0 else (lat, lon)


def _degrees(value: Any, ref: str | None, signs: str, most: float) -> float | None:
    numbers = _numbers(value)
    sign = (ref or "?")[0].upper()
    if numbers is None or sign not in signs:
        return None
    degrees = numbers[0] + numbers[1] / 60 + numbers[2] / 3600
    return round(-degrees if sign == signs[1] else degrees, 7) if abs(degrees) <= most else None


def _exposure(exif: Mapping[int, Any]) -> dict[str, Any]:
    """Time in seconds as people write it, f-number, ISO and focal length in millimetres."""
    time = _number(exif.get(EXPOSURE_TIME))
    found = {
        "time": None if not time else f"{time:g}" if time > 0.3 else f"1/{round(1 / time)}",
        "f_number": _rounded(exif.get(F_NUMBER)),
        "iso": _whole(exif.get(ISO), 1, 10_000_000),
        "focal_length": _rounded(exif.get(FOCAL_LENGTH)),
    }
    return {name: value for name, value in found.items() if value}


def _caption(tags: Tags) -> str | None:
    found = (
        _text(tags.main.get(DESCRIPTION)),
        _text(_xmp(tags.xmp, "dc:description")),
        _text(_decoded(tags.main.get(XP_COMMENT), "utf-16-le")),
        _comment(tags.exif.get(USER_COMMENT)),
    )
    return next((text for text in found if text), None)


def _comment(value: Any) -> str | None:
    """UserComment names its encoding in its first eight bytes; unnamed ones are a maker's junk."""
    if not isinstance(value, bytes):
        return None
    if value.startswith(b"ASCII\0\0\0"):
        return _text(value[8:])
    if not value.startswith(b"UNICODE\0"):
        return None
    big = value[8:9] == b"\0"
    return _text(_decoded(value[8:], "utf-16-be" if big else "utf-16-le"))


def _decoded(value: Any, encoding: str) -> str | None:
    return value.decode(encoding, "ignore") if isinstance(value, bytes) else None


def _text(value: Any) -> str | None:
    """Text up to its first null, without control characters; bytes and Latin-1 tried as UTF-8."""
    if isinstance(value, str):
        # Pillow reads ASCII tags as Latin-1, phones write UTF-8 into them.
        with suppress(UnicodeError):
            value = value.encode("latin-1").decode("utf-8")
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    else:
        return None
    value = value.partition("\0")[0][:MOST_TEXT]
    kept = (c for c in value if c == "\n" or (c.isprintable() and c != "\ufffd"))
    return "".join(kept).strip() or None


def _line(value: Any) -> str | None:
    return " ".join((_text(value) or "").split()) or None


def _number(value: Any) -> float | None:
    """A number above zero; of several the first, as with ISO."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) and 0 < number < 1e9 else None


def _rounded(value: Any) -> float | None:
    number = _number(value)
    return None if number is None else round(number, 2)


def _whole(value: Any, least: int, most: int) -> int | None:
    number = _number(value)
    return int(number) if number is not None and least <= number <= most else None


def _numbers(value: Any) -> tuple[float, float, float] | None:
    """Three finite numbers of zero or more, as degrees and times come; missing ones are zero."""
    try:
        numbers = [float(number) for number in (value if isinstance(value, tuple) else (value,))]
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not numbers or not all(math.isfinite(n) and n >= 0 for n in numbers):
        return None
    first, second, third = [*numbers, 0.0, 0.0][:3]
    return first, second, third
