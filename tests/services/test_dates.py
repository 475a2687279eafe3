"""Dates: those in names, the clocks nobody set, and which of many is believed."""

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from homequeue.services import dates
from homequeue.services.dates import Moment
from tests import corpora

NOW = datetime(2026, 11, 21, 12, 0, 0)
HALF_PAST = datetime(2024, 7, 12, 18, 30)
#: What others read out of these names and homequeue does not, and why that is so.
REASONS = {
    "20130518_142022_3D657EBD.jpg": "a phone's name with something after it is still a date",
    "2018-04-12 19/24/49.gif": "a slash ends the name of a folder",
}


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    os.environ.pop("TZ")
    monkeypatch.undo()
    time.tzset()


def named(name: str) -> str | None:
    moment = dates.from_name(name)
    return moment.taken_at if moment else None


# names


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20240712_181500.jpg",
        "20240712_181500.jpg",
        "20240712_181500(0).jpg",
        "IMG20240712181500.jpg",
        "MVIMG_20240712_181500.jpg",
        "Screenshot_20240712-181500_Chrome.jpg",
        "Screenshot_20240712_181500.png",
        "Screenshot_2024-07-12-18-15-00_com.app.png",
        "Screenshot 2024-07-12 at 18.15.00.png",
        "Screenshot 2024-07-12 at 6.15.00\u202fPM.png",
        "Screen Shot 2024-07-12 at 6.15.00 pm (2).png",
        "Bildschirmfoto 2024-07-12 um 18.15.00.png",
        "Capture d’écran 2024-07-12 à 18.15.00.png",
        "WhatsApp Image 2024-07-12 at 18.15.00.jpeg",
        "signal-2024-07-12-18-15-00.jpg",
        "photo_2024-07-12_18-15-00.jpg",
        "telegram_2024_07_12_18_15_00.jpg",
        "WIN_20240712_18_15_00_Pro.jpg",
        "DJI_20240712181500_0001_D.JPG",
        "2024-07-12 18.15.00.jpg",
        "2024-07-12 18:15:00.gif",
        "2024-07-12T18_15_00.jpg",
        "24-07-12 18-15-00 2160.jpg",
        "IMG_20240712_181500-123abcde.jpg",
    ],
)
def test_how_phones_and_programs_name_the_same_moment(name: str) -> None:
    assert named(name) == "2024-07-12T18:15:00"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("IMG_20240712_181500123.jpg", "2024-07-12T18:15:00.123"),
        ("IMG_20240712_181500_123.jpg", "2024-07-12T18:15:00.123"),
        ("00100_BURST20240712181500345_COVER.jpg", "2024-07-12T18:15:00.345"),
        ("signal-2024-07-12-18-15-00-123.jpg", "2024-07-12T18:15:00.123"),
        ("2024-07-12 at 12.15.00 AM.png", "2024-07-12T00:15:00"),
        ("2024-07-12 at 12.15.00 PM.png", "2024-07-12T12:15:00"),
        ("99-12-31 23-59-59.jpg", "1999-12-31T23:59:59"),
    ],
)
def test_parts_of_a_second_and_half_days(name: str, wanted: str) -> None:
    assert named(name) == wanted


@pytest.mark.parametrize(
    "name",
    ["IMG-20240712-WA0001.jpg", "2024-07-12.jpg", "20240712.jpg", "2024.07.12 Hochzeit.jpg",
     "2024-07-12_18-15.jpg", "Screenshot 2024-07-12 at 10545.52.png"],
)  # fmt: skip
def test_names_that_say_the_day_alone(name: str) -> None:
    moment = dates.from_name(name)
    assert moment is not None
    assert (moment.taken_at, moment.has_time) == ("2024-07-12T00:00:00", False)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1234.HEIC", "DSC_20240712A.JPG", "P1020304.JPG", "DSC20101010.jpg", "IMG_E0001.jpg",
        "received_10203040506070809.jpeg", "12345620240712181500.jpg", "20241399_181500.jpg",
        "2024-13-01.jpg", "2024-02-30.jpg", "24-07-12 66-22-03.jpg", "photo.jpg", "", ".jpg",
        "1024x768.jpg", "00000000_000000.jpg",
    ],
)  # fmt: skip
def test_names_that_say_nothing(name: str) -> None:
    assert dates.from_name(name) is None


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    "name",
    ["PXL_20240712_161500123.jpg", "mmexport1720800900123.jpg", "FB_IMG_1720800900123.jpg",
     "1720800900123.jpg"],
)  # fmt: skip
def test_names_in_utc_are_told_by_the_clock_at_home(name: str) -> None:
    moment = dates.from_name(name)
    assert moment is not None
    assert (moment.taken_at, moment.offset) == ("2024-07-12T18:15:00", timedelta(hours=2))


def test_what_others_read_out_of_names() -> None:
    """Folders are left aside: what arrives has none."""
    corpora.folder("names")
    path = corpora.PLACE / "names" / "dates-in-names.json"
    for row in json.loads(path.read_text()):
        *folders, name = row["path"].split("/")
        if (folders and row["expected"]) or name in REASONS:
            continue
        moment = dates.choose([dates.from_name(name)], NOW)
        found = moment.taken_at.replace("T", " ") if moment else None
        assert found == row["expected"], row


def test_a_hostile_name_takes_no_time() -> None:
    began = time.process_time()
    for part in ("2024", "2024-07-12", "2024-07-12 at ", "1", "_", "12-12-12 "):
        dates.from_name(part * 20_000)
    assert time.process_time() - began < 0.5


# clocks


@pytest.mark.parametrize(
    ("text", "believed"),
    [
        ("1970:01:01 00:00:00", False), ("1970:01:01 08:30:00", False),
        ("1969:12:31 19:00:00", False), ("1980:01:01 00:00:00", False),
        ("1980:01:01 03:12:09", False), ("1904:01:01 00:00:00", False),
        ("2000:01:01 00:00:00", False), ("2000:01:01 00:07:31", True),
        ("1980:01:02 00:00:00", True), ("1999:12:31 23:59:59", True),
        ("2001:01:01 00:00:00", True), ("1925:06:01 12:00:00", True),
        ("2026:11:22 11:00:00", True), ("2026:11:23 00:00:00", False),
        ("2038:01:19 03:14:07", False),
    ],
)  # fmt: skip
def test_impossible_clocks_are_doubted(text: str, believed: bool) -> None:
    moment = dates.from_tag(text, "exif")
    assert moment is not None
    assert dates.is_possible(moment.at, NOW) is believed


def test_parts_of_a_second_in_a_tag_of_their_own() -> None:
    for fraction, wanted in (("348", ".348"), ("5", ".500"), ("348 ", ".348"), ("", ""), ("x", "")):
        moment = dates.from_tag("2024:07:12 18:15:00", "exif", fraction=fraction)
        assert moment is not None
        assert moment.taken_at == f"2024-07-12T18:15:00{wanted}"


def test_a_zone_in_the_date_counts_more_than_one_beside_it() -> None:
    moment = dates.from_tag("2024-07-12T18:15:00Z", "xmp", "+02:00")
    assert moment is not None
    assert moment.offset == timedelta()


# which of many


def test_the_first_that_can_be_true_is_taken() -> None:
    wrong = Moment(datetime(1970, 1, 1), "exif")
    right, late = Moment(HALF_PAST, "xmp"), Moment(NOW, "file")
    assert dates.choose([None, wrong, right, late], NOW) == right
    assert dates.choose([None, wrong], NOW) is None


def test_a_day_takes_its_time_from_the_next_that_has_one() -> None:
    day = Moment(datetime(2024, 7, 12), "name", has_time=False)
    assert dates.choose([day, Moment(HALF_PAST, "file")], NOW) == Moment(HALF_PAST, "file")
    other = Moment(HALF_PAST + timedelta(days=1), "file")
    assert dates.choose([day, other], NOW) == day
