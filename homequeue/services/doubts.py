"""Doubts: whether the date of a photo can be right, by all that else is known of it.

A doubt is a question to whoever was there. It changes no date, it only says why to look, and, where
something else tells a time, which one that is.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homequeue.services import dates

UPLOAD: Final = "upload"  # nothing says when; the date is that of the upload
FILE: Final = "file"  # nothing says when; the date is that of the file
UNSET: Final = "unset"  # the clock of the camera was never set
EARLY: Final = "early"  # the camera did not exist yet
SATELLITES: Final = "satellites"  # the satellites told another time
NAME: Final = "name"  # the name of the file tells another day
NEIGHBOURS: Final = "neighbours"  # what the camera took around it is off by hours
REASONS = (UNSET, EARLY, SATELLITES, NAME, NEIGHBOURS, FILE, UPLOAD)

#: Sources that tell what a camera's clock showed; names and people are not doubted.
CLOCKS = ("exif original", "exif digitized", "exif changed", "xmp", "iptc", "video")
#: Days that clocks of cameras begin with, on which few photos are really taken.
FACTORY_DAYS = ("2000-01-01", "2010-01-01")
#: Before this year no camera wrote down how it exposed.
FIRST_DIGITAL = 1995
#: How far a day may be from the one in the name: a copy is named when it is made.
NAME_APART = timedelta(days=1)
#: How far a clock may be from the sun: zones are up to three hours off.
SUN_APART = timedelta(hours=3, minutes=30)
#: Since which year there is what calls itself so; the first that fits counts.
CAMERAS = tuple(
    (re.compile(pattern, re.IGNORECASE), year)
    for pattern, year in (
        (r"iPhone (16e|17|Air)", 2025), (r"iPhone 16", 2024), (r"iPhone 15", 2023),
        (r"iPhone 14", 2022), (r"iPhone 13", 2021), (r"iPhone 12", 2020), (r"iPhone 11", 2019),
        (r"iPhone X[SR]", 2018), (r"iPhone (X|8)", 2017), (r"iPhone (7|SE)", 2016),
        (r"iPhone 6s", 2015), (r"iPhone 6", 2014), (r"iPhone 5[sc]", 2013), (r"iPhone 5", 2012),
        (r"iPhone 4S", 2011), (r"iPhone 4", 2010), (r"iPhone", 2007), (r"iPad", 2011),
        (r"Pixel 10", 2025), (r"Pixel 9", 2024), (r"Pixel 8", 2023), (r"Pixel 7", 2022),
        (r"Pixel 6", 2021), (r"Pixel 5", 2020), (r"Pixel 4", 2019), (r"Pixel 3", 2018),
        (r"Pixel 2", 2017), (r"Pixel", 2016), (r"Nexus", 2010),
        (r"SM-S93", 2025), (r"SM-S92", 2024), (r"SM-S91", 2023), (r"SM-S90", 2022),
        (r"SM-G99", 2021), (r"SM-G98", 2020), (r"SM-G97", 2019), (r"SM-G96", 2018),
        (r"SM-G95", 2017), (r"SM-G93", 2016), (r"SM-G92", 2015), (r"SM-", 2013),
        (r"HERO(\d\d)", 2020), (r"HERO([5-9])", 2016), (r"HERO", 2005),
        (r"FC\d{3,4}$", 2013), (r"ILCE-", 2013), (r"EOS R", 2018), (r"NIKON Z", 2018),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What is known: the date and its source, and what else tells of it.

    `satellites` is the clock on the wall by their time, `unset` that the file has a date that
    cannot be, `exposed` that the camera wrote down how it exposed.
    """

    taken_at: str
    source: str
    filename: str = ""
    model: str | None = None
    satellites: str | None = None
    unset: bool = False
    exposed: bool = False


@dataclass(frozen=True)
class Doubt:
    """Why a date is doubtful, and the date that something else tells, with what that is."""

    reason: str
    candidate: str | None = None
    source: str | None = None


def find(told: Told, now: datetime) -> Doubt | None:
    """Return why a date is doubtful, None if nothing speaks against it; `now` is UTC."""
    if told.source in (FILE, UPLOAD):
        return Doubt(UNSET if told.unset else told.source)
    if told.source not in CLOCKS:
        return None
    at = datetime.fromisoformat(told.taken_at)
    by_satellites, by_name = _by_satellites(told), _by_name(told, at, now)
    best = by_satellites or by_name
    if is_factory(at):
        return _doubt(UNSET, best)
    if is_too_early(told.model, at) or (told.exposed and at.year < FIRST_DIGITAL):
        return _doubt(EARLY, best)
    if by_satellites is not None and abs(by_satellites.at - at) > SUN_APART:
        return _doubt(SATELLITES, by_satellites)
    if by_name is not None and abs(by_name.at - at) > NAME_APART:
        return _doubt(NAME, by_name)
    return None


def is_factory(at: datetime) -> bool:
    """Tell whether a clock that nobody has set shows this.

    >>> is_factory(datetime(2005, 1, 1, 0, 0, 9)), is_factory(datetime(2005, 1, 1, 0, 5))
    (True, False)
    """
    is_new_year = (at.month, at.day, at.hour, at.minute) == (1, 1, 0, 0)
    return is_new_year or f"{at:%Y-%m-%d}" in FACTORY_DAYS


def is_too_early(model: str | None, at: datetime) -> bool:
    """Tell whether a camera of this model cannot have been there yet.

    >>> is_too_early("iPhone 12 mini", datetime(2019, 7, 1)), is_too_early("X-T4", datetime.min)
    (True, False)
    """
    years = (year for pattern, year in CAMERAS if pattern.search(model or ""))
    return at.year < next(years, 0)


def _doubt(reason: str, other: dates.Moment | None) -> Doubt:
    return Doubt(reason, other.as_text, other.source) if other else Doubt(reason)


def _by_satellites(told: Told) -> dates.Moment | None:
    return dates.from_text(told.satellites, "gps") if told.satellites else None


def _by_name(told: Told, at: datetime, now: datetime) -> dates.Moment | None:
    """The time in the name; of a name with a day alone, that day at the time of the clock."""
    named = dates.from_name(told.filename)
    if named is None or not dates.is_possible(named.at, now):
        return None
    if named.has_time:
        return named
    return dates.Moment(datetime.combine(named.at, at.time()), "name")
