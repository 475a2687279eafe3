"""Doubts: which dates are asked about, and which are left alone."""

from datetime import datetime

import pytest

from homequeue.services import doubts
from homequeue.services.doubts import Doubt, Told, find

NOW = datetime(2026, 11, 21, 12, 0, 0)
CAMERA = "exif original"


def doubt(taken_at: str, source: str = CAMERA, **told: object) -> Doubt | None:
    return find(Told(taken_at, source, **told), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["upload", "file"])
def test_a_date_that_is_none_of_the_photos_own(source):
    assert doubt("2024-07-12T18:15:00", source) == Doubt(source)


@pytest.mark.parametrize("source", ["upload", "file"])
def test_a_clock_that_told_what_cannot_be_is_named_as_the_reason(source):
    assert doubt("2024-07-12T18:15:00", source, unset=True) == Doubt(doubts.UNSET)


@pytest.mark.parametrize("source", ["name", "sidecar", "gps", "hand", "takeout"])
def test_names_satellites_and_people_are_believed(source):
    told = {"model": "iPhone 15", "filename": "IMG_20120101_000000.jpg"}
    assert doubt("2010-01-01T00:00:00", source, **told) is None


@pytest.mark.parametrize(
    "taken_at", ["2000-01-01T04:05:06", "2010-01-01T13:00:00", "2005-01-01T00:00:31"]
)
def test_a_clock_nobody_has_set(taken_at):
    assert doubt(taken_at) == Doubt(doubts.UNSET)


@pytest.mark.parametrize("taken_at", ["2005-01-01T00:05:00", "2011-01-01T13:00:00"])
def test_a_new_years_party_is_none(taken_at):
    assert doubt(taken_at) is None


def test_an_unset_clock_with_the_day_in_the_name():
    found = doubt("2010-01-01T13:00:00", filename="2019-07-12 Party.jpg")
    assert found == Doubt(doubts.UNSET, "2019-07-12T13:00:00", "name")


@pytest.mark.parametrize(
    ("model", "year"),
    [
        ("iPhone 12 mini", 2020), ("iPhone 3G", 2007), ("iPhone SE (2nd generation)", 2016),
        ("iPhone 6s", 2015), ("iPhone 16e", 2025), ("Pixel 3a", 2018), ("Pixel 10 Pro", 2025),
        ("SM-G960F", 2018), ("SM-A515F", 2013), ("HERO11 Black", 2020), ("HERO5 Black", 2016),
    ],
)  # fmt: skip
def test_before_the_camera_could_exist(model, year):
    too_early, possible = f"{year - 1}-07-12T18:15:00", f"{year}-07-12T18:15:00"
    assert doubt(too_early, model=model) == Doubt(doubts.EARLY)
    assert doubt(possible, model=model) is None


def test_an_old_date_of_a_scan_is_none_but_of_an_exposure_it_is():
    assert doubt("1965-07-12T18:15:00", model="Perfection V600") is None
    assert doubt("1985-07-12T18:15:00", exposed=True) == Doubt(doubts.EARLY)


@pytest.mark.parametrize(
    ("satellites", "is_doubtful"),
    [
        ("2024-07-12T20:15:00+02:00", False),  # within what zones are off from the sun
        ("2024-07-12T21:50:00+02:00", True),
        ("2024-07-12T10:15:00+02:00", True),
        ("2019-03-01T18:15:00+01:00", True),
    ],
)
def test_the_satellites_told_another_time(satellites, is_doubtful):
    expected = Doubt(doubts.SATELLITES, satellites, "gps") if is_doubtful else None
    assert doubt("2024-07-12T18:15:00", satellites=satellites) == expected


@pytest.mark.parametrize(
    ("filename", "candidate"),
    [
        ("IMG_20190712_181500.jpg", "2019-07-12T18:15:00"),
        ("IMG_20240714_000000.jpg", "2024-07-14T00:00:00"),
        ("IMG_20240713_100000.jpg", None),  # named when it was sent, the morning after
        ("IMG-20190712-WA0001.jpg", "2019-07-12T18:30:00"),
        ("IMG-20240713-WA0001.jpg", None),
        ("IMG_20991231_000000.jpg", None),  # a name can be wrong as well
        ("IMG_1234.jpg", None),
    ],
)
def test_the_name_tells_another_day(filename, candidate):
    expected = Doubt(doubts.NAME, candidate, "name") if candidate else None
    assert doubt("2024-07-12T18:30:00", filename=filename) == expected


def test_satellites_are_asked_before_names():
    found = doubt(
        "2000-01-01T00:00:00",
        filename="IMG_20190712_181500.jpg",
        satellites="2019-07-12T18:14:07+02:00",
    )
    assert found == Doubt(doubts.UNSET, "2019-07-12T18:14:07+02:00", "gps")


def test_a_name_in_another_zone_keeps_that_zone():
    found = doubt("2010-01-01T13:00:00", filename="PXL_20190712_161500123.jpg")
    assert found is not None
    assert found.candidate is not None
    assert datetime.fromisoformat(found.candidate).utcoffset() is not None
