"""Live Photos: two files become one photo, in whichever order they come."""

from itertools import permutations

import pytest

from homequeue import tasks
from homequeue.media import media
from homequeue.models import Asset, Job, Likeness, Rendition
from homequeue.services import albums, assets, cleanup, pairs, processing
from homequeue.services.assets import Filter
from tests import films, lives
from tests.conftest import work_off
from tests.films import HEVC
from tests.library import receive, record, row, send

OTHER = "00000000-7A5C-4F0E-9C33-0A1B2C3D4E5F"


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    films.part("ffmpeg")


def half(owner, number: int, kind: str, name: str, **values) -> Asset:
    """A photo or a clip that is only a row, ready and marked."""
    values = {"state": "ready", "content_id": lives.MARK} | values
    return row(owner, number, kind=kind, filename=name, duration=2.0, **values)


def shown(owner) -> list[str]:
    return sorted(asset.filename for asset in assets.timeline(owner, Filter())[0])


def linked() -> set[tuple[str, str]]:
    """Names of photos with those of their clips; each pair knows it from both sides."""
    rows = {asset.id: asset for asset in Asset.select()}
    halves = [asset for asset in rows.values() if asset.pair is not None]
    assert all(rows[asset.pair].pair == asset.id for asset in halves)
    assert all(asset.is_clip == (asset.kind == "video") for asset in halves)
    assert not any(asset.is_clip for asset in rows.values() if asset.pair is None)
    return {(one.filename, rows[one.pair].filename) for one in halves if not one.is_clip}


# By the mark


@pytest.mark.parametrize("clip_first", [False, True])
def test_real_files_find_each_other(ben, clip_first):
    files = [(lives.photo(), "IMG_1.JPG"), (lives.clip(), "IMG_1.MOV")]
    for data, name in reversed(files) if clip_first else files:
        send(ben, data, name)
        work_off()
    assert linked() == {("IMG_1.JPG", "IMG_1.MOV")}
    assert shown(ben) == ["IMG_1.JPG"]
    assert {asset.content_id for asset in Asset.select()} == {lives.MARK}
    assert len(list(media.originals())) == 2


def test_names_and_dates_do_not_matter_where_there_is_a_mark(ben):
    send(ben, lives.photo(taken="2019:01:01 00:00:01"), "one.jpg")
    send(ben, lives.clip(seconds=5.0), "other.mov")
    work_off()
    assert linked() == {("one.jpg", "other.mov")}


def test_made_again_they_stay_together(ben):
    for data, name in ((lives.photo(), "a.jpg"), (lives.clip(), "a.mov")):
        send(ben, data, name)
    work_off()
    for asset in Asset.select():
        tasks.process_again(asset.id)
    work_off()
    assert linked() == {("a.jpg", "a.mov")}


def test_nobody_gets_a_clip_of_somebody_else(ben, anna):
    half(anna, 1, "photo", "a.jpg")
    clip = half(ben, 2, "video", "a.mov")
    half(ben, 3, "photo", "b.jpg", content_id=OTHER)
    pairs.link(clip.id)
    pairs.link(10**6)
    assert linked() == set()


COPIES = [("photo", "IMG_E1.jpg"), ("photo", "IMG_1.heic"), ("video", "IMG_1.mov")]


@pytest.mark.parametrize("order", list(permutations(COPIES)))
def test_of_edited_copies_the_one_of_the_same_name_gets_it(ben, order):
    for number, (kind, name) in enumerate(order):
        pairs.link(half(ben, number, kind, name).id)
    assert linked() == {("IMG_1.heic", "IMG_1.mov")}
    assert shown(ben) == ["IMG_1.heic", "IMG_E1.jpg"]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_two_of_each_make_two_pairs_in_any_order(ben, order):
    kinds = [("photo", "a.jpg"), ("photo", "b.jpg"), ("video", "b.mov"), ("video", "c.mov")]
    for number in order:
        pairs.link(half(ben, number, *kinds[number]).id)
    assert linked() == {("b.jpg", "b.mov"), ("a.jpg", "c.mov")}


# By what they have in common


def together(owner, *files: tuple[bytes, str]) -> None:
    record([receive(owner, data, name) for data, name in files])
    work_off()


def test_without_marks_what_came_together_belongs_together(ben):
    together(ben, (lives.photo(""), "IMG_7.jpg"), (lives.clip(""), "IMG_7.mov"))
    assert linked() == {("IMG_7.jpg", "IMG_7.mov")}


@pytest.mark.parametrize(
    ("photo", "clip"),
    [
        ((lives.photo(""), "IMG_7.jpg"), ("", 2.0, "IMG_8.mov")),
        ((lives.photo(""), "IMG_7.jpg"), ("", 4.5, "IMG_7.mov")),
        ((lives.photo("", taken="2024:07:12 18:15:09"), "IMG_7.jpg"), ("", 2.0, "IMG_7.mov")),
        ((lives.photo(OTHER), "IMG_7.jpg"), ("", 2.0, "IMG_7.mov")),
        ((lives.photo(""), "IMG_7.jpg"), (lives.MARK, 2.0, "IMG_7.mov")),
    ],
    ids=["name", "length", "moment", "the photo has a mark", "the clip has a mark"],
)
def test_what_differs_stays_apart(ben, photo, clip):
    mark, seconds, name = clip
    together(ben, photo, (lives.clip(mark, seconds=seconds), name))
    assert linked() == set()
    assert len(shown(ben)) == 2


def test_what_came_at_another_time_stays_apart(ben):
    together(ben, (lives.photo(""), "IMG_7.jpg"))
    Job.update(batch=10**6).execute()
    together(ben, (lives.clip(""), "IMG_7.mov"))
    assert linked() == set()


def test_a_date_of_the_sender_is_no_sign(ben):
    for number, (kind, name) in enumerate((("photo", "IMG_7.jpg"), ("video", "IMG_7.mov"))):
        asset = half(
            ben, number, kind, name, content_id=None, taken_at="2024-07-12T18:15:00",
            taken_at_source="file",
        )  # fmt: skip
        Job.create(task="process_asset", asset=asset.id, batch=1)
        pairs.link(asset.id)
    assert linked() == set()


def test_of_two_boththat_would_do_none_is_taken(ben):
    clips = (lives.clip("", 1), "IMG_7.mov"), (lives.clip("", 2), "IMG_7.mov")
    together(ben, *clips, (lives.photo(""), "IMG_7.jpg"))
    assert linked() == set()


# What happens to one happens to both


@pytest.fixture
def live(ben) -> Asset:
    """The photo of a Live Photo that is there with all its files."""
    together(ben, (lives.photo(), "a.jpg"), (lives.clip(), "a.mov"))
    return Asset.get(Asset.kind == "photo")


def in_trash(owner) -> list[str]:
    return [asset.filename for asset in assets.timeline(owner, Filter(trashed=True))[0]]


@pytest.mark.parametrize("kind", ["photo", "video"])
def test_the_trash_takes_both_and_gives_both_back(ben, live, kind):
    assets.trash(Asset.get(Asset.kind == kind))
    assert Asset.select().where(Asset.trashed_at.is_null()).count() == 0
    assert in_trash(ben) == ["a.jpg"]
    assets.restore(Asset.get(Asset.kind == kind))
    assert Asset.select().where(Asset.trashed_at.is_null(False)).count() == 0
    assert linked() == {("a.jpg", "a.mov")}


def test_a_purge_takes_both_with_all_their_files(ben, live):
    assets.trash(live)
    assert cleanup.purge(Asset.get_by_id(live.id))
    assert (Asset.select().count(), Rendition.select().count(), Job.select().count()) == (0, 0, 0)
    assert list(media.originals()) == list(media.renditions()) == []


def test_what_a_purge_leaves_is_seen_again(ben):
    photo, clip = half(ben, 1, "photo", "a.jpg", trashed_at=1.0), half(ben, 2, "video", "a.mov")
    Asset.update(pair=photo.id, is_clip=True).where(Asset.id == clip.id).execute()
    assert cleanup.purge(photo)
    assert linked() == set()
    assert shown(ben) == ["a.mov"]


def test_emptying_the_trash_counts_what_was_seen_there(ben, live):
    assets.trash(live)
    assert cleanup.empty_trash(ben) == 1
    assert Asset.select().count() == 0


def test_a_clip_that_comes_while_its_photo_is_in_the_trash_waits_for_it(ben):
    photo = half(ben, 1, "photo", "a.jpg", trashed_at=1.0)
    clip = half(ben, 2, "video", "a.mov")
    pairs.link(clip.id)
    assert linked() == set()
    assert shown(ben) == ["a.mov"]
    assets.restore(photo)
    assert linked() == {("a.jpg", "a.mov")}


def test_counts_and_neighbours_leave_clips_out(ben, live):
    before = row(ben, 77, taken_at="2020-01-01T00:00:00")
    assert assets.count(ben) == 2
    assert assets.total(ben, Filter()) == 2
    assert assets.neighbours(live) == (None, before.id)
    assert assets.neighbours(before) == (live.id, None)
    both = tuple(asset.id for asset in Asset.select().where(Asset.pair.is_null(False)))
    assert assets.total(ben, Filter(ids=both)) == 2


def test_albums_count_what_they_show(ben, live):
    album = albums.named(ben, "Summer")
    albums.add(album, [asset.id for asset in Asset.select()])
    (found,) = albums.listed(ben)
    assert (found.count, found.cover) == (1, live.id)
    assert assets.total(ben, Filter(album=album.id)) == 1


def test_what_becomes_a_clip_is_no_copy_of_another_film(ben):
    both = [half(ben, n, "video", f"{n}.mov") for n in (1, 2)]
    Asset.update(content_id=None).where(Asset.id == both[1].id).execute()
    for one in both:
        Likeness.create(asset=one, owner=ben, group=both[0].id, distance=0)
    pairs.link(half(ben, 3, "photo", "1.jpg").id)
    assert [row.asset_id for row in Likeness.select()] == [both[1].id]


def test_a_clip_that_browsers_do_not_play_is_converted_and_nobody_is_written_to(ben, monkeypatch):
    told = []
    monkeypatch.setattr(processing.conversion.notify, "is_wanted", lambda: True)
    monkeypatch.setattr(processing.conversion.notify, "remember_video", told.append)
    together(ben, (lives.photo(), "a.jpg"), (lives.clip(lives.MARK, 0, 2.0, *HEVC), "a.mov"))
    clip = Asset.get(Asset.is_clip)
    assert not clip.playable
    assert assets.rendition(clip, "video") is not None
    assert told == []
