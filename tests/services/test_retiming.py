"""Retiming: dates moved, set and confirmed by hand, and every one of them restored."""

import json
from datetime import datetime

import pytest

from homequeue import tasks
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Asset, Retiming
from homequeue.services import assets, doubts, retiming
from homequeue.services.assets import Filter
from homequeue.services.retiming import COLUMNS, Distance, First, Zone
from tests import pictures
from tests.conftest import work_off
from tests.library import row, send

YEAR_BACK = Distance(years=-1)


def dates_of(*found: Asset) -> list[str]:
    return [Asset.get_by_id(asset.id).taken_at for asset in found]


def everything(asset: Asset) -> tuple[object, ...]:
    return tuple(Asset.select().where(Asset.id == asset.id).tuples().get())


def all_of(*found: Asset) -> Filter:
    return Filter(ids=tuple(asset.id for asset in found))


@pytest.mark.parametrize(
    ("distance", "before", "after"),
    [
        (Distance(years=-1), "2024-07-12T18:15:00", "2023-07-12T18:15:00"),
        (Distance(years=1), "2024-02-29T18:15:00", "2025-02-28T18:15:00"),
        (Distance(days=1, hours=-2), "2024-02-28T01:15:00", "2024-02-28T23:15:00"),
        (Distance(minutes=90), "2023-12-31T23:00:00", "2024-01-01T00:30:00"),
        (Distance(hours=1), "2024-07-12T18:15:00.123", "2024-07-12T19:15:00.123"),
    ],
)
def test_moved(ben, distance, before, after):
    photo = row(ben, 1, taken_at=before, taken_at_source="exif original", taken_offset="+02:00")
    retiming.apply(ben, all_of(photo), distance, "moved")
    photo = Asset.get()
    assert (photo.taken_at, photo.taken_at_source, photo.taken_offset) == (after, "hand", "+02:00")
    assert set(json.loads(photo.edited)) == set(COLUMNS)


def test_the_first_is_set_and_the_others_keep_their_distance(ben):
    later = row(ben, 1, taken_at="2010-01-01T00:30:00")
    first = row(ben, 2, taken_at="2010-01-01T00:10:00")
    other = row(ben, 3, taken_at="2010-01-01T00:05:00")
    change = First(datetime(2019, 7, 12, 18, 15))
    retiming.apply(ben, all_of(later, first), change, "set")
    assert dates_of(first, later, other) == [
        "2019-07-12T18:15:00",
        "2019-07-12T18:35:00",
        "2010-01-01T00:05:00",
    ]


def test_the_offset_alone(ben):
    photo = row(ben, 1, taken_offset="+01:00")
    retiming.apply(ben, all_of(photo), Zone("+09:00"), "zone")
    assert (Asset.get().taken_at, Asset.get().taken_offset) == (photo.taken_at, "+09:00")


def test_a_candidate_is_taken_with_its_zone(ben):
    doubt = {"doubt": doubts.NAME, "candidate_source": "name"}
    known = row(ben, 1, candidate="2019-07-12T18:15:00+02:00", **doubt)
    unknown = row(ben, 2, candidate="2019-07-12T18:15:00", taken_offset="+01:00", **doubt)
    without = row(ben, 3, doubt=doubts.UPLOAD)
    made = retiming.apply(ben, all_of(known, unknown, without), retiming.accept, "accepted")
    assert made.count == 2
    assert dates_of(known, unknown) == ["2019-07-12T18:15:00"] * 2
    found = [Asset.get_by_id(asset.id) for asset in (known, unknown, without)]
    # The zone of an upload was that of another day.
    assert [asset.taken_offset for asset in found] == ["+02:00", None, None]
    assert [asset.doubt for asset in found] == [None, None, doubts.UPLOAD]


def test_what_is_right_stays_as_it_is_and_comes_no_more(ben):
    send(ben, pictures.data(pictures.scene(60, 40)), "photo.jpg")
    work_off()
    photo = Asset.get()
    assert photo.doubt == doubts.UPLOAD
    retiming.apply(ben, all_of(photo), retiming.confirm, "right")
    again = Asset.get()
    assert (again.taken_at, again.taken_at_source) == (photo.taken_at, "upload")
    assert again.doubt is None


def test_making_pictures_again_overwrites_nothing(ben):
    exif = pictures.exif({}, {0x9003: "2010:01:01 00:00:10"})
    send(ben, pictures.data(pictures.scene(60, 40), exif=exif), "IMG_20190712_181500.jpg")
    work_off()
    photo = Asset.get()
    assert (photo.doubt, photo.candidate) == (doubts.UNSET, "2019-07-12T18:15:00")
    retiming.apply(ben, all_of(photo), Distance(years=3), "moved")
    before = everything(photo)
    Asset.update(state=assets.PENDING).execute()
    tasks.process_asset(photo.id)
    work_off()
    Asset.update(thumbhash=photo.thumbhash).execute()
    assert everything(photo) == before


def test_undo_restores_exactly_what_was(ben):
    photos = [
        row(ben, 1, taken_at_source="exif original", taken_offset="+02:00", edited='["caption"]'),
        row(ben, 2, doubt=doubts.NAME, candidate="2019-07-12T18:15:00", candidate_source="name"),
        row(ben, 3, taken_at_source="hand", edited=json.dumps(sorted(COLUMNS))),
    ]
    before = [everything(photo) for photo in photos]
    for change in (YEAR_BACK, First(datetime(2019, 1, 1)), Zone(None), retiming.confirm):
        made = retiming.apply(ben, all_of(*photos), change, "changed")
        assert [everything(photo) for photo in photos] != before
        assert retiming.undo(ben, made.id) == (3, 0)
        assert [everything(photo) for photo in photos] == before


def test_what_else_was_changed_since_stays(ben):
    photo = row(ben, 1, taken_at="2024-07-12T18:15:00")
    made = retiming.apply(ben, all_of(photo), YEAR_BACK, "moved")
    assets.edit(Asset.get(), {"caption": "At the sea"})
    assert retiming.undo(ben, made.id) == (1, 0)
    photo = Asset.get()
    assert (photo.taken_at, photo.caption) == ("2024-07-12T18:15:00", "At the sea")
    assert json.loads(photo.edited) == ["caption"]


def test_dates_changed_once_more_are_left_and_may_be_undone_later(ben):
    one, other = row(ben, 1), row(ben, 2)
    before = dates_of(one, other)
    first = retiming.apply(ben, all_of(one, other), YEAR_BACK, "moved")
    second = retiming.apply(ben, all_of(other), Distance(days=1), "moved again")
    assert retiming.undo(ben, first.id) == (1, 1)
    assert dates_of(one) == before[:1]
    with pytest.raises(Conflict, match="once more"):
        retiming.undo(ben, first.id)
    assert retiming.undo(ben, second.id) == (1, 0)
    assert retiming.undo(ben, first.id) == (1, 0)
    assert dates_of(one, other) == before
    with pytest.raises(Conflict, match="already"):
        retiming.undo(ben, first.id)


def test_what_was_deleted_is_left(ben):
    one, other = row(ben, 1), row(ben, 2)
    made = retiming.apply(ben, all_of(one, other), YEAR_BACK, "moved")
    Asset.delete().where(Asset.id == other.id).execute()
    assert retiming.undo(ben, made.id) == (1, 1)


def test_changes_of_others_are_not_there(ben, anna):
    made = retiming.apply(ben, all_of(row(ben, 1)), YEAR_BACK, "moved")
    with pytest.raises(NotFound):
        retiming.undo(anna, made.id)
    assert retiming.listed(anna, None, 10) == []


def test_photos_of_others_are_not_there_and_nothing_is_changed(ben, anna):
    own, foreign = row(ben, 1), row(anna, 2)
    with pytest.raises(NotFound):
        retiming.apply(ben, all_of(own, foreign), YEAR_BACK, "moved")
    assert dates_of(own, foreign) == [own.taken_at, foreign.taken_at]


@pytest.mark.parametrize(
    "change",
    [
        Distance(years=-1000), Distance(years=9000), Distance(days=10**9), Distance(years=-2024),
        Distance(days=-300 * 365), First(datetime(1700, 1, 1)),
        First(datetime(9998, 1, 1)), Distance(years=100),
    ],
)  # fmt: skip
def test_times_without_photos(ben, change):
    photo = row(ben, 1)
    with pytest.raises(Invalid):
        retiming.apply(ben, all_of(photo), change, "moved")
    assert dates_of(photo) == [photo.taken_at]


def test_a_change_of_nothing(ben):
    with pytest.raises(Invalid):
        retiming.apply(ben, Filter(day="1999-01-01"), YEAR_BACK, "moved")
    assert retiming.listed(ben, None, 10) == []


def test_too_many_at_once(ben, monkeypatch):
    monkeypatch.setattr(retiming, "MOST", 2)
    for number in range(3):
        row(ben, number)
    with pytest.raises(Invalid, match="Up to 2"):
        retiming.apply(ben, Filter(), YEAR_BACK, "moved")


def test_by_day_by_camera_and_by_doubt(ben):
    row(ben, 1, taken_at="2024-07-12T00:00:00", model="X100")
    row(ben, 2, taken_at="2024-07-12T23:59:59.999", model="X100V", doubt=doubts.NAME)
    row(ben, 3, taken_at="2024-07-13T00:00:00", model="X100")
    row(ben, 4, taken_at="2024-07-12T12:00:00", model="X100", trashed_at=1.0)

    def found(**chosen: str) -> list[int]:
        return [int(one.checksum, 16) for one in assets.matching(ben, Filter(**chosen))]

    assert found(day="2024-07-12") == [1, 2]
    assert found(camera="X100") == [1, 3]
    assert found(camera="X100", day="2024-07-13") == [3]
    assert found(doubt=doubts.NAME) == [2]


def test_the_newest_changes_are_kept(ben, monkeypatch):
    monkeypatch.setattr(retiming, "KEPT", 3)
    photo = row(ben, 1)
    made = [retiming.apply(ben, all_of(photo), Distance(days=1), f"{n}").id for n in range(5)]
    assert [one.id for one in retiming.listed(ben, None, 10)] == made[:1:-1]
    assert [one.id for one in retiming.listed(ben, made[3], 10)] == [made[2]]
    assert Retiming.select().count() == 3
