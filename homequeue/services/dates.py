"""Dates: when a photo was taken, as its tags, its name or its sender say, where that can be true.

A date is the clock on the wall where it was taken; how far that was from UTC is kept apart, for
often nobody knows. Whatever gives a date gives its source along.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from homequeue.services import values

#: No photograph is older; a date before it is a mistake.
FIRST_PHOTOGRAPH = datetime(1826, 1, 1)
#: A machine without a clock of its own starts in 1970; no date is in the future of that.
CLOCK_IS_SET = datetime(2026, 1, 1)
#: Days that clocks begin with: of QuickTime, of UNIX (and west of Greenwich), of FAT.
FIRST_DAYS = {(1904, 1, 1), (1970, 1, 1), (1969, 12, 31), (1980, 1, 1)}
#: What cameras say whose clock was never set; others were really there that night.
NEVER_SET = datetime(2000, 1, 1)
#: A GPS fix older than this says nothing about the zone the clock of the camera is in.
STALE = timedelta(minutes=5)
QUARTER = timedelta(minutes=15)
FARTHEST = timedelta(hours=14)

DATE = re.compile(
    r"\s*(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)"
    r"(?:[T\s]+(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
OFFSET = re.compile(r"\s*([+-])(\d\d?):?(\d\d)")
#: 20240712_181500123, 2024-07-12-18-15-00, "2024-07-12 at 6.15.00 PM", "2024-07-12 um 18.15.00".
NAMED = re.compile(
    r"(?<!\d)((?:18|19|20)\d\d)([-_.:]?)(\d\d)\2(\d\d)"
    r"(?:[-_ T.,]{0,3}|\s\D{1,6}\s)"
    r"(?:(\d\d)(\d\d)(\d\d)|(\d\d?)([-_.:h])(\d\d)[-_.:m](\d\d))"
    r"(?:[-_.]?(\d{3})(?![^\W_]))?(?!\d)\s?([AaPp]\.?[Mm])?"
)
#: IMG-20240712-WA0001, 2024-07-12; a bare run of eight digits must stand alone to be a day.
NAMED_DAY = re.compile(
    r"(?<!\d)((?:18|19|20)\d\d)([-_.])(\d\d)\2(\d\d)(?!\d)"
    r"|(?<![^\W_])((?:19|20)\d\d)(\d\d)(\d\d)(?![^\W_])"
)
#: "22-04-06 15-21-03 2160": years of two digits, as Nextcloud names what it uploads.
NAMED_SHORT = re.compile(r"(\d\d)-(\d\d)-(\d\d) (\d\d)-(\d\d)-(\d\d)(?!\d)")
#: mmexport1720800900123, FB_IMG_1720800900123: milliseconds since 1970.
NAMED_INSTANT = re.compile(r"(?:^|mmexport|FB_IMG_)(1\d{9})\d{3}(?!\d)")
#: Years of two digits: these are of the last century.
LAST_CENTURY = 90


@dataclass(frozen=True)
class Moment:
    """A date, where it was found, and how far that clock was from UTC if that is known."""

    at: datetime
    source: str
    offset: timedelta | None = None
    has_time: bool = True

    @property
    def taken_at(self) -> str:
        """The clock on the wall, as it is stored: with milliseconds only where they are known."""
        precision = "milliseconds" if self.at.microsecond else "seconds"
        return self.at.isoformat(timespec=precision)

    @property
    def as_text(self) -> str:
        """The clock on the wall, with its distance from UTC if that is known."""
        return self.taken_at + (offset_text(self.offset) or "")


def from_tag(value: Any, source: str, zone: Any = None, fraction: Any = None) -> Moment | None:
    """Read a date as EXIF, XMP or IPTC write it; `zone` and `fraction` are tags of their own."""
    found = DATE.match(values.text(value) or "")
    if not found:
        return None
    numbers = [int(number or 0) for number in found.groups()[:6]]
    numbers[5] = min(numbers[5], 59)  # a leap second
    digits = (found[7] or values.text(fraction) or "").strip()
    after = int(digits[:6].ljust(6, "0")) if digits.isdecimal() and digits.isascii() else 0
    try:
        at = datetime(*numbers).replace(microsecond=after)  # type: ignore[arg-type]
    except ValueError:
        return None
    told = offset(found[8])
    return Moment(at, source, offset(zone) if told is None else told, found[4] is not None)


def from_name(name: str) -> Moment | None:
    """Read the date in the name of a file, as phones, messengers and people write it."""
    stem = name.rpartition(".")[0] or name
    readers = (_by_second, _by_short_year, _by_instant, _by_day)
    return next((moment for read in readers if (moment := read(stem)) is not None), None)


def from_instant(moment: float, source: str) -> Moment:
    """Tell a moment by the clock of this machine, which is where most photos are taken."""
    at = datetime.fromtimestamp(moment).astimezone()
    return Moment(at.replace(tzinfo=None, microsecond=0), source, at.utcoffset())


def from_text(text: str, source: str) -> Moment:
    """Read what `as_text` has written; ValueError if it is nothing like it."""
    at = datetime.fromisoformat(text)
    return Moment(at.replace(tzinfo=None), source, at.utcoffset())


def choose(found: Iterable[Moment | None], now: datetime) -> Moment | None:
    """Return the first that can be true; a day without time takes the time of a later one."""
    possible = [moment for moment in found if moment and is_possible(moment.at, now)]
    if not possible:
        return None
    best = possible[0]
    day = best.at.date()
    same = (moment for moment in possible if moment.has_time and moment.at.date() == day)
    return best if best.has_time else next(same, best)


def is_possible(at: datetime, now: datetime) -> bool:
    """Tell whether a clock that was right may have shown this; `now` is UTC without zone."""
    if (at.year, at.month, at.day) in FIRST_DAYS or at == NEVER_SET or at < FIRST_PHOTOGRAPH:
        return False
    return not is_ahead(at, now)


def is_ahead(at: datetime, now: datetime) -> bool:
    """Tell whether this is still to come, wherever the clock hangs, as far as anybody knows now."""
    return now >= CLOCK_IS_SET and at > now + timedelta(days=1)


def offset(value: Any) -> timedelta | None:
    """Read '+02:00' or 'Z'; no place on Earth is more than 14 hours from UTC."""
    text = values.text(value) or ""
    if text == "Z":
        return timedelta()
    found = OFFSET.match(text)
    if not found:
        return None
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if distance > FARTHEST:
        return None
    return -distance if found[1] == "-" else distance


def offset_text(distance: timedelta | None) -> str | None:
    """Write a distance from UTC as '+02:00'."""
    if distance is None:
        return None
    minutes = round(distance.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def offset_by(at: datetime, utc: datetime | None) -> timedelta | None:
    """Tell the zone by the satellites: what a clock differs from UTC, in quarters of an hour."""
    if utc is None:
        return None
    distance = round((at - utc) / QUARTER) * QUARTER
    fresh = abs(at - utc - distance) <= STALE
    return distance if fresh and abs(distance) <= FARTHEST else None


def sun(lon: float) -> timedelta:
    """Return how far the sun over a place is from UTC, in hours; zones are near it.

    >>> sun(13.4), sun(-74)
    (datetime.timedelta(seconds=3600), datetime.timedelta(days=-1, seconds=68400))
    """
    return timedelta(hours=round(lon / 15))


def _by_second(stem: str) -> Moment | None:
    found = NAMED.search(stem)
    if not found:
        return None
    clock = found.group(5, 6, 7) if found[5] else found.group(8, 10, 11)
    hour, minute, second = map(int, clock)
    half = (found[13] or "").replace(".", "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    day = map(int, found.group(1, 3, 4))
    moment = _moment(*day, hour, minute, second, int(found[12] or 0) * 1000)
    if moment is not None and stem.startswith("PXL_"):
        # Google's camera names its photos in UTC.
        return from_instant(moment.at.replace(tzinfo=UTC).timestamp(), "name")
    return moment


def _by_short_year(stem: str) -> Moment | None:
    found = NAMED_SHORT.match(stem)
    if not found:
        return None
    year, *others = map(int, found.groups())
    return _moment(year + (1900 if year >= LAST_CENTURY else 2000), *others)


def _by_instant(stem: str) -> Moment | None:
    found = NAMED_INSTANT.search(stem)
    return from_instant(int(found[1]), "name") if found else None


def _by_day(stem: str) -> Moment | None:
    found = NAMED_DAY.search(stem)
    if not found:
        return None
    return _moment(*(int(n) for n in found.group(1, 3, 4, 5, 6, 7) if n), has_time=False)


def _moment(*numbers: int, has_time: bool = True) -> Moment | None:
    try:
        return Moment(datetime(*numbers), "name", has_time=has_time)  # type: ignore[arg-type]
    except ValueError:
        return None
