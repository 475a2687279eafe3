"""Possible duplicates: what is offered as one, what is not, and that nothing is lost."""

import json
import time
from datetime import datetime

import pytest

from homequeue import tasks
from homequeue.db import db
from homequeue.errors import Invalid, NotFound
from homequeue.models import Asset, Likeness
from homequeue.services import albums, assets, cleanup, duplicates, retiming
from tests import pictures
from tests.conftest import work_off
from tests.library import row, send

PHOTO = pictures.photo(1200, 900)
TAKEN = "2024:07:12 18:15:00"
#: A dHash, and others that differ from it in some bits.
HASH = 0x1234_5678_9ABC_DEF0


def hashed(*bits: int) -> str:
    return f"{HASH ^ sum(1 << bit for bit in bits):016x}"


def exif(taken: str = TAKEN, **main: str) -> bytes:
    return pictures.exif({0x0110: "X100", **({0x010E: main["caption"]} if main else {})},
                         {0x9003: taken})  # fmt: skip


def arrive(owner, *files, names=()) -> list[Asset]:
    for number, data in enumerate(files):
        send(owner, data, names[number] if names else f"IMG_{number}.jpg")
    work_off()
    return list(Asset.select().order_by(Asset.id))


def alike(owner, number: int, **values) -> Asset:
    """A row that is compared with those before it."""
    defaults = {"dhash": hashed(), "taken_at_source": "exif original", "state": "ready"}
    asset = row(owner, number, **defaults | {"width": 4000, "height": 3000} | values)
    with db.atomic():
        duplicates.link(asset)
    return asset


def groups(owner) -> list[set[int]]:
    return [{asset.id for asset in group.members} for group in duplicates.listed(owner, None)[0]]


def test_other_tags_are_the_same_picture(ben):
    first, second = arrive(
        ben, pictures.data(PHOTO, exif=exif()), pictures.data(PHOTO, exif=exif(caption="Sea"))
    )
    (group,), following = duplicates.listed(ben, None)
    assert (group.same, following) == (True, None)
    assert {asset.id for asset in group.members} == {first.id, second.id}
    assert duplicates.count(ben) == 1


@pytest.mark.parametrize(
    "copy",
    [
        pictures.data(PHOTO.resize((800, 600))),
        pictures.data(PHOTO.resize((800, 600)), quality=50, exif=exif()),
        pictures.data(PHOTO, quality=40),
    ],
    ids=["by messenger", "smaller", "squeezed"],
)
def test_a_copy_looks_the_same(ben, copy):
    arrive(ben, pictures.data(PHOTO, exif=exif()), copy)
    ((group,), _) = duplicates.listed(ben, None)
    assert not group.same
    assert group.members[0].width == 1200, "the largest comes first"


def test_other_photos_do_not(ben):
    arrive(ben, *(pictures.data(pictures.photo(1200, 900, seed)) for seed in range(1, 5)))
    assert duplicates.count(ben) == 0


def test_others_have_their_own(ben, anna):
    for owner in (ben, anna):
        send(owner, pictures.data(PHOTO))
    work_off()
    assert Likeness.select().count() == 0


@pytest.mark.parametrize("bits", [(), (0,), (0, 15, 31, 47), (63, 62, 61, 60)])
def test_up_to_four_bits_are_near(ben, bits):
    alike(ben, 1)
    alike(ben, 2, dhash=hashed(*bits), width=1600, height=1200, taken_at_source="file")
    assert duplicates.count(ben) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"dhash": hashed(0, 15, 31, 47, 60)},
        {"width": 1600, "height": 1600},
        {"width": None, "height": None},
        {"kind": "video"},
        {"is_clip": True},
    ],
    ids=str,
)
def test_what_does_not_look_the_same(ben, other):
    alike(ben, 1)
    alike(ben, 2, **{"width": 1600, "height": 1200, "taken_at_source": "file"} | other)
    assert Likeness.select().count() == 0


def test_plain_pictures_are_like_all_others(ben):
    for number in range(3):
        alike(ben, number, dhash=f"{3:016x}", taken_at_source="file", width=1600 + number)
    assert duplicates.count(ben) == 0


MOMENT, NEXT = {"taken_at": "2024-07-12T18:15:00"}, {"taken_at": "2024-07-12T18:15:01"}
LOST, SMALL = {"taken_at_source": "name"}, {"width": 1600, "height": 1200}
TURNED = {"width": 3000, "height": 4000}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (MOMENT, NEXT, False),  # a burst
        (MOMENT, NEXT | SMALL, False),  # a small copy of the next one
        (MOMENT | {"filename": "a.jpg"}, MOMENT | {"filename": "b.jpg"}, False),  # a quick burst
        (MOMENT | {"filename": "a.jpg"}, MOMENT | {"filename": "A (1).jpg"}, True),
        (MOMENT, MOMENT | SMALL, True),
        (MOMENT, LOST | SMALL, True),
        (MOMENT, LOST, True),
        (LOST, LOST | SMALL, True),
        (LOST, LOST, True),
        (LOST, LOST | {"dhash": hashed(1)}, False),  # a burst by messenger
        (LOST, LOST | {"dhash": hashed(1)} | TURNED, False),
    ],
)
def test_a_burst_is_none(ben, one, other, expected):
    first, second = alike(ben, 1, **one), alike(ben, 2, **other)
    assert duplicates.is_copy(first, second) == expected
    assert duplicates.is_copy(second, first) == expected


def test_films_are_as_long(ben):
    film = {"kind": "video", "taken_at_source": "file"}
    alike(ben, 1, duration=10.0, **film)
    alike(ben, 2, duration=12.0, width=1600, height=1200, **film)
    assert duplicates.count(ben) == 0
    alike(ben, 3, duration=10.3, width=1600, height=1200, **film)
    assert duplicates.count(ben) == 1


def test_a_third_joins_the_group(ben):
    files = [pictures.data(PHOTO, exif=exif(caption=words)) for words in "abc"]
    found = arrive(ben, *files)
    assert groups(ben) == [{asset.id for asset in found}]


def test_kept_ones_come_again_only_with_a_new_one(ben):
    first, second = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "ab"))
    group = Likeness.get().group
    duplicates.keep_all(ben, group)
    assert (duplicates.count(ben), groups(ben)) == (0, [])
    for asset in (first, second):  # pictures are made again
        Asset.update(state=assets.PENDING).where(Asset.id == asset.id).execute()
        tasks.process_asset(asset.id)
    work_off()
    assert duplicates.count(ben) == 0
    (*_, third) = arrive(ben, pictures.data(PHOTO, comment="c"))
    assert groups(ben) == [{first.id, second.id, third.id}]


def test_one_is_kept_with_all_that_people_gave_the_others(ben):
    kept, other, third = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "abc"))
    summer, winter = albums.named(ben, "Summer"), albums.named(ben, "Winter")
    albums.add(summer, [kept.id, other.id])
    albums.add(winter, [third.id])
    Asset.update(caption=None, tags='["Sea"]').where(Asset.id == kept.id).execute()
    Asset.update(caption="Anna", tags='["sea", "Anna"]').where(Asset.id == other.id).execute()
    Asset.update(favorite=True, rating=4).where(Asset.id == third.id).execute()
    gone = duplicates.keep_one(ben, Likeness.get().group, kept.id)
    assert sorted(gone) == [other.id, third.id]
    kept = Asset.get_by_id(kept.id)
    assert (kept.favorite, kept.caption, kept.rating) == (True, "Anna", 4)
    assert json.loads(kept.tags) == ["Sea", "Anna"]
    assert {album.title for album in albums.of(kept)} == {"Summer", "Winter"}
    assert {"favorite", "caption", "rating", "tags"} <= assets.edited(kept.id)
    assert Asset.select().where(Asset.trashed_at.is_null()).count() == 1
    assert duplicates.count(ben) == 0
    # Those in the trash still have all of theirs, and come back to be looked at.
    other = Asset.get_by_id(other.id)
    assert (other.caption, [album.title for album in albums.of(other)]) == ("Anna", ["Summer"])
    assets.restore(other)
    assert groups(ben) == [{kept.id, other.id}]


def test_what_it_has_itself_is_not_replaced(ben):
    kept, _other = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "ab"))
    Asset.update(caption="mine", rating=2).where(Asset.id == kept.id).execute()
    Asset.update(caption="other", rating=5).where(Asset.id != kept.id).execute()
    duplicates.keep_one(ben, Likeness.get().group, kept.id)
    kept = Asset.get_by_id(kept.id)
    assert (kept.caption, kept.rating, kept.edited) == ("mine", 2, "[]")


def dated(owner, asset: Asset, year: int) -> None:
    change = retiming.First(datetime(year, 5, 4))
    retiming.apply(owner, assets.Filter(ids=(asset.id,)), change, "set")


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_date_by_hand_goes_over(ben, is_confirmed):
    kept, other = (alike(ben, n, fingerprint="f", taken_at_source="upload") for n in (1, 2))
    Asset.update(doubt="upload", candidate="2019-01-01T00:00:00").execute()
    if is_confirmed:
        Asset.update(taken_at=other.taken_at).execute()
        retiming.apply(ben, assets.Filter(ids=(other.id,)), retiming.confirm, "right")
    else:
        dated(ben, other, 1999)
    duplicates.keep_one(ben, Likeness.get().group, kept.id)
    kept, other = (Asset.get_by_id(one.id) for one in (kept, other))
    dates = [[getattr(one, name) for name in retiming.COLUMNS] for one in (kept, other)]
    assert dates[0] == dates[1]
    assert (kept.doubt, kept.candidate) == (None, None)
    assert {*retiming.COLUMNS} <= assets.edited(kept.id), "no file overwrites it"


def test_a_date_by_hand_is_not_replaced_by_another(ben):
    kept, other = (alike(ben, n, fingerprint="f") for n in (1, 2))
    dated(ben, kept, 1999)
    dated(ben, other, 1998)
    duplicates.keep_one(ben, Likeness.get().group, kept.id)
    assert Asset.get_by_id(kept.id).taken_at == "1999-05-04T00:00:00"


def test_nothing_is_done_by_halves(ben, monkeypatch):
    kept, other = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "ab"))
    Asset.update(favorite=True).where(Asset.id == other.id).execute()

    def fail(asset: Asset) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(assets, "trash", fail)
    with pytest.raises(OSError, match="No space"):
        duplicates.keep_one(ben, Likeness.get().group, kept.id)
    assert not Asset.get_by_id(kept.id).favorite


def test_groups_of_others_are_not_there(ben, anna):
    kept, _ = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "ab"))
    group = Likeness.get().group
    for act in (
        lambda: duplicates.keep_all(anna, group),
        lambda: duplicates.keep_one(anna, group, kept.id),
        lambda: duplicates.keep_one(ben, group, 10**6),
        lambda: duplicates.keep_one(ben, 10**6, kept.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert duplicates.count(ben) == 1
    assert duplicates.count(anna) == 0


def test_the_last_one_is_not_chosen_once_more(ben):
    kept, other = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "ab"))
    group = Likeness.get().group
    assets.trash(other)
    assert duplicates.count(ben) == 0
    with pytest.raises(Invalid):
        duplicates.keep_one(ben, group, kept.id)


def test_what_is_in_the_trash_is_no_question(ben):
    """However much is there: only open questions are looked at to count them."""
    kept, other = alike(ben, 1, fingerprint="f"), alike(ben, 2, fingerprint="f")
    duplicates.keep_one(ben, Likeness.get().group, kept.id)
    assert not Likeness.select().where(~Likeness.settled).exists()
    assets.restore(Asset.get_by_id(other.id))
    assert groups(ben) == [{kept.id, other.id}]


def test_what_is_sent_again_and_was_here_is_no_new_question(ben):
    first, second = alike(ben, 1, fingerprint="f"), alike(ben, 2, fingerprint="f")
    duplicates.keep_all(ben, first.id)
    assets.restore(second)
    assert groups(ben) == []


def test_a_group_outlives_its_first(ben):
    found = arrive(ben, *(pictures.data(PHOTO, comment=words) for words in "abc"))
    assets.trash(found[0])
    assert cleanup.purge(Asset.get_by_id(found[0].id))
    assert groups(ben) == [{found[1].id, found[2].id}]


def test_pages(ben):
    for number in range(0, 10, 2):
        for one in (number, number + 1):
            alike(ben, one, fingerprint=f"{number}", dhash=f"{number:016x}")
    seen, cursor = [], None
    for _ in range(3):
        found, cursor = duplicates.listed(ben, cursor, 2)
        seen += [group.id for group in found]
    assert (len(seen), cursor) == (5, None)
    assert seen == sorted(seen, reverse=True)
    assert duplicates.count(ben, 3) == 3


def test_what_is_like_others(ben):
    first, second = alike(ben, 1, fingerprint="a"), alike(ben, 2, fingerprint="a")
    third = alike(ben, 3, dhash=hashed(*range(20)))
    assert duplicates.like([first.id, second.id, third.id]) == {
        first.id: first.id,
        second.id: first.id,
    }
    assets.trash(first)
    assert duplicates.like([second.id]) == {}


@pytest.mark.sqlite("the plan it makes")
def test_parts_are_looked_up(ben, monkeypatch):
    asset, plans, run = alike(ben, 1), [], db.execute_sql

    def explained(sql, values):
        plans.append("".join(str(line) for line in run(f"EXPLAIN QUERY PLAN {sql}", values)))
        return run(sql, values)

    monkeypatch.setattr(db.obj, "execute_sql", explained)
    duplicates._sharing_a_part(asset)
    assert [f"asset_band_{n}" in plan for n, plan in enumerate(plans)] == [True] * 5


def test_what_lies_in_the_trash_is_restored_when_it_is_sent_again(ben):
    """By its bytes; the same picture with other tags is only offered."""
    data = pictures.data(PHOTO, comment="a")
    (asset,) = arrive(ben, data)
    assets.trash(asset)
    arrive(ben, pictures.data(PHOTO, comment="b"))
    assert Asset.get_by_id(asset.id).trashed_at is not None
    assert duplicates.count(ben) == 0
    assert send(ben, data).outcome == "restored"
    assert Asset.get_by_id(asset.id).trashed_at is None
    assert duplicates.count(ben) == 1


def test_thousands_are_no_burden(ben):
    """One more is compared in milliseconds, with whatever parts it shares."""
    rows = [
        {
            "owner": ben.id, "checksum": f"{n:064x}", "mime": "image/jpeg", "filename": "a.jpg",
            "path": f"{n}", "size": 1, "taken_at": "2024-07-12T18:15:00", "taken_at_source": "exif",
            "width": 4000, "height": 3000, "dhash": f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}",
        }
        for n in range(1, 5001)
    ]  # fmt: skip
    with db.atomic():
        for start in range(0, len(rows), 500):
            Asset.insert_many(rows[start : start + 500]).execute()
    asset = row(ben, 10**6, dhash=hashed(), width=4000, height=3000)
    began = time.process_time()
    with db.atomic():
        duplicates.link(asset)
    assert time.process_time() - began < 0.5
