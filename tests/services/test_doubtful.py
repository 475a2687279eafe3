"""Doubtful dates: which are listed, and what the satellites say of a camera's other photos."""

import pytest

from homequeue.db import db
from homequeue.models import Asset
from homequeue.services import assets, doubtful, doubts, retiming
from tests import pictures
from tests.conftest import work_off
from tests.library import row, send

GPS = {1: "N", 2: (52.5, 0.0, 0.0), 3: "E", 4: (13.4, 0.0, 0.0)}


def photo(taken: str, model: str = "X100", hour: int | None = None) -> bytes:
    """A photo of a camera; of `hour` UTC on 12 July 2024 as its satellites say."""
    gps = GPS | {7: (hour, 1.0, 0.0), 29: "2024:07:12"} if hour is not None else {}
    tags = pictures.exif({0x0110: model}, {0x9003: taken}, gps)
    return pictures.data(pictures.scene(60, 40), exif=tags)


def test_they_are_counted_by_reason_and_listed_newest_first(ben, anna):
    row(ben, 1, taken_at="2024-01-01T00:00:00", doubt=doubts.UPLOAD)
    row(ben, 2, taken_at="2024-01-02T00:00:00", doubt=doubts.NAME)
    row(ben, 3, taken_at="2024-01-03T00:00:00", doubt=doubts.UPLOAD)
    row(ben, 4)
    row(ben, 5, doubt=doubts.UPLOAD, trashed_at=1.0)
    row(anna, 6, doubt=doubts.UPLOAD)
    assert doubtful.count(ben) == 3
    assert doubtful.count(ben, 2) == 2
    assert list(doubtful.reasons(ben).items()) == [(doubts.NAME, 1), (doubts.UPLOAD, 2)]
    page, cursor = doubtful.listed(ben, None, None, 2)
    assert [one.doubt for one in page] == [doubts.UPLOAD, doubts.NAME]
    page, cursor = doubtful.listed(ben, None, cursor, 2)
    assert ([one.doubt for one in page], cursor) == ([doubts.UPLOAD], None)
    assert len(doubtful.listed(ben, doubts.NAME, None, 9)[0]) == 1


@pytest.mark.sqlite("the plan it makes")
def test_counting_and_listing_look_at_nothing_but_doubtful_ones(ben):
    for number in range(200):
        row(ben, number)
    plans = [
        "".join(str(line) for line in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values))
        for sql, values in (
            doubtful._of(ben).limit(9).sql(),
            doubtful._of(ben).order_by(Asset.taken_at.desc(), Asset.id.desc()).sql(),
        )
    ]
    assert all("asset_doubtful" in plan and "TEMP B-TREE" not in plan for plan in plans), plans


@pytest.mark.parametrize("order", ["the photo first", "the fix first"])
def test_neighbours_are_off_by_as_much(ben, order):
    # In Berlin it was 16:01 by the sun when the clock, still on Tokyo's time, showed 00:01.
    files = [photo("2024:07:13 00:01:00", hour=15), photo("2024:07:12 23:40:00")]
    for data in files if order == "the fix first" else files[::-1]:
        send(ben, data)
        work_off()
    fixed, silent = Asset.select().order_by(Asset.taken_at.desc())
    assert (fixed.doubt, fixed.candidate) == (doubts.SATELLITES, "2024-07-12T16:01:00+01:00")
    assert (silent.doubt, silent.candidate) == (doubts.NEIGHBOURS, "2024-07-12T15:40:00+01:00")
    assert silent.candidate_source == doubts.NEIGHBOURS


@pytest.mark.parametrize(
    "other",
    [
        photo("2024:07:12 23:40:00", model="another"),
        photo("2024:07:14 12:40:00"),
        photo("2024:07:12 16:05:00", hour=15),
    ],
    ids=["camera", "day", "that the satellites confirm"],
)
def test_others_are_left_alone(ben, other):
    for data in (photo("2024:07:13 00:01:00", hour=15), other):
        send(ben, data)
        work_off()
    assert sorted(asset.doubt or "" for asset in Asset.select()) == ["", doubts.SATELLITES]


def test_a_date_by_hand_is_left_alone(ben):
    send(ben, photo("2024:07:12 23:40:00"))
    work_off()
    retiming.apply(ben, assets.Filter(), retiming.confirm, "right")
    send(ben, photo("2024:07:13 00:01:00", hour=15))
    work_off()
    assert doubtful.reasons(ben) == {doubts.SATELLITES: 1}


def test_a_clock_that_is_right_is_not_doubted(ben):
    send(ben, photo("2024:07:12 17:01:00", hour=15))
    work_off()
    assert doubtful.count(ben) == 0


def test_a_clock_that_was_reset_is_told_from_a_file_without_a_date(ben):
    send(ben, photo("1970:01:01 00:00:00"), "DSC1.jpg", modified=1.7e9)
    send(ben, pictures.data(pictures.scene(50, 40)), "DSC2.jpg", modified=1.7e9)
    work_off()
    found = {asset.filename: asset.doubt for asset in Asset.select()}
    assert found == {"DSC1.jpg": doubts.UNSET, "DSC2.jpg": doubts.FILE}
