"""Ingest: bytes, then rows, then the hint; whatever breaks in between costs nothing."""

import errno
import os
import time
from dataclasses import replace
from datetime import datetime

import pytest
from peewee import OperationalError

from homequeue import config, tasks
from homequeue.db import db
from homequeue.errors import Invalid, NoSpace, TooLarge, Unavailable, Unreadable, Unsupported
from homequeue.media import Media, media
from homequeue.models import Asset, Job
from homequeue.queue import queue
from homequeue.services import assets, cleanup, ingest
from tests import pictures
from tests.conftest import work_off
from tests.library import incoming, jpeg, originals, receive, record, rendition_files, send, sha256

DATA = jpeg()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(house):
    yield
    assert incoming() == []


# The good way


def test_bytes_and_rows_are_there_when_it_says_yes(ben):
    kept = send(ben, DATA, "sea.jpg")
    asset = Asset.get_by_id(kept.asset.id)
    assert not kept.duplicate
    assert (asset.state, asset.kind, asset.mime) == ("pending", "photo", "image/jpeg")
    assert (asset.checksum, asset.size) == (sha256(DATA), len(DATA))
    assert (asset.filename, asset.owner_id) == ("sea.jpg", ben.id)
    assert (asset.width, asset.height) == (48, 32)
    assert media.open(asset.path).read() == DATA
    job = Job.get()
    assert (job.task, job.asset, job.state) == ("process_asset", asset.id, "queued")


def test_bytes_are_on_the_disk_before_the_rows_and_rows_before_the_bell(ben, monkeypatch):
    order = []
    settle, ring = Media.settle, queue._ring

    def settling(self, paths):
        assert Asset.select().count() == 0
        settle(self, paths)
        order.append("bytes")

    def ringing(job):
        assert not db.in_transaction()
        assert Asset.select().count() == 1
        order.append("hint")
        ring(job)

    def deferring(asset_id):
        assert db.in_transaction()
        order.append("rows")
        return tasks.process_asset(asset_id)

    monkeypatch.setattr(Media, "settle", settling)
    monkeypatch.setattr(queue, "_ring", ringing)
    record([receive(ben, DATA)], deferring)
    assert order == ["bytes", "rows", "hint"]


def test_from_bytes_to_ready(ben):
    send(ben, DATA)
    assert work_off() == 1
    assert Asset.get().state == "ready"
    assert len(rendition_files()) == 2


def test_what_a_file_is_called_does_not_matter(ben):
    asset = send(ben, DATA, "movie.mp4").asset
    assert (asset.mime, asset.filename) == ("image/jpeg", "movie.mp4")
    assert asset.path.endswith(".jpg")


def test_a_file_that_comes_in_pieces(ben):
    pieces = (DATA[at : at + 7] for at in range(0, len(DATA), 7))
    received = ingest.receive(ingest.Upload(ben, "a.jpg"), pieces)
    asset = record([received])[0].asset
    assert asset.checksum == sha256(DATA)


def test_a_batch_is_one_transaction_and_one_answer_each(ben):
    numbers = [3, 1, 2, 1]
    kept = record([receive(ben, jpeg(n), f"{n}.jpg") for n in numbers])
    assert [one.asset.filename for one in kept] == ["3.jpg", "1.jpg", "2.jpg", "1.jpg"]
    assert [one.duplicate for one in kept] == [False, False, False, True]
    assert Asset.select().count() == 3 == len(originals())


def test_nothing_is_nothing(ben):
    assert ingest.record([], tasks.process_asset, lambda: 0) == []


# Dates


def test_the_date_of_the_file_is_believed_until_the_photo_says_more(ben):
    moment = datetime(2020, 2, 29, 12, 30).timestamp()
    asset = send(ben, DATA, modified=moment).asset
    assert (asset.taken_at, asset.taken_at_source) == ("2020-02-29T12:30:00", "file")
    assert asset.path.startswith("originals/2020/02/")


@pytest.mark.parametrize("modified", [None, 0.0, -1.0, 5.0, 4e9, float("nan"), float("inf")])
def test_a_date_that_cannot_be_is_the_date_of_the_upload(ben, modified):
    before = datetime.fromtimestamp(time.time()).strftime("%Y-%m-%dT%H:%M:%S")
    asset = send(ben, DATA, modified=modified).asset
    assert asset.taken_at_source == "upload"
    assert asset.taken_at >= before
    assert asset.path.startswith(f"originals/{before[:4]}/")


def test_a_photo_says_itself_when_it_was_taken(ben):
    tags = pictures.exif({}, {0x9003: "2019:05:04 03:02:01", 0x9011: "+02:00"})
    send(ben, pictures.data(pictures.scene(64, 48), exif=tags), modified=1.6e9)
    work_off()
    asset = Asset.get()
    assert (asset.taken_at, asset.taken_offset) == ("2019-05-04T03:02:01", "+02:00")
    assert asset.taken_at_source == "exif original"


# Again


def test_the_same_bytes_twice_are_one_asset(ben):
    first = send(ben, DATA, "a.jpg")
    again = send(ben, DATA, "b.jpg")
    assert again.duplicate
    assert again.asset.id == first.asset.id
    assert Asset.select().count() == 1 == len(originals()) == Job.select().count()


def test_the_same_bytes_of_two_owners_are_two_assets_and_one_original(anna, ben):
    one, two = send(anna, DATA), send(ben, DATA, "other.jpg")
    assert not two.duplicate
    assert one.asset.id != two.asset.id
    assert one.asset.path == two.asset.path
    assert len(originals()) == 1
    assert work_off() == 2
    assert {asset.state for asset in Asset.select()} == {"ready"}


def test_the_same_bytes_of_two_owners_in_one_moment_are_one_original(anna, ben):
    """Both were received before either was recorded."""
    ours = [receive(anna, DATA, "a.jpg"), receive(ben, DATA, "b.jpg")]
    for one in ours:
        record([one])
    assert Asset.select().count() == 2
    assert len(originals()) == 1


def test_sending_again_takes_it_out_of_the_trash(ben):
    asset = send(ben, DATA).asset
    Asset.update(trashed_at=5).execute()
    assert send(ben, DATA).duplicate
    assert Asset.get_by_id(asset.id).trashed_at is None


def test_somebody_elses_trash_stays_where_it_is(anna, ben):
    asset = send(anna, DATA).asset
    Asset.update(trashed_at=5).execute()
    send(ben, DATA)
    assert Asset.get_by_id(asset.id).trashed_at == 5


def test_sending_again_brings_a_lost_original_back(ben):
    """We say that we have it, so we must."""
    asset = send(ben, DATA).asset
    (media.root / asset.path).unlink()
    again = send(ben, DATA, "again.jpg").asset
    assert again.id == asset.id
    assert media.open(Asset.get_by_id(asset.id).path).read() == DATA
    assert len(originals()) == 1


@pytest.mark.parametrize("again", ["photo.jpg", "again.jpg"])
def test_sending_again_heals_an_original_that_was_cut_short(anna, ben, again):
    """The sender deletes theirs when we say that we have it."""
    hers, his = send(anna, DATA).asset, send(ben, DATA).asset
    torn = media.root / his.path
    torn.write_bytes(DATA[:100])
    assert assets.known(ben, [his.checksum]) == {}
    assert send(ben, DATA, again).asset.id == his.id
    assert assets.known(ben, [his.checksum]) == {his.checksum: his}
    for asset in (hers, his):
        assert media.open(Asset.get_by_id(asset.id).path).read() == DATA
    assert originals() == [Asset.get_by_id(his.id).path]
    (left,) = torn.parent.glob(f".{torn.name}.*")
    assert left.read_bytes() == DATA[:100], "nothing of an original is ever deleted"


def test_what_is_healed_is_shown_as_what_it_is(anna, ben):
    hers, his = send(anna, DATA).asset, send(ben, DATA).asset
    (media.root / his.path).write_bytes(DATA[: len(DATA) // 2])
    work_off()
    assert all(asset.damaged or asset.state == "failed" for asset in Asset.select())
    send(ben, DATA)
    assert work_off() == 2
    for asset in Asset.select():
        assert (asset.state, asset.damaged) == ("ready", False), (hers.id, his.id, asset.id)


def test_healing_survives_a_purge_of_the_bytes_it_counted_on(anna, ben, monkeypatch):
    """Somebody else's whole original was there when the bytes came, and gone when rows did."""
    his = send(ben, DATA).asset
    lent = send(anna, DATA, "hers.jpg").asset
    Asset.update(path="originals/lent.jpg").where(Asset.id == lent.id).execute()
    (media.root / "originals/lent.jpg").write_bytes(DATA)
    (media.root / his.path).write_bytes(DATA[:100])
    received = receive(ben, DATA, "again.jpg")
    keep = ingest._keep

    def keep_then_purge(file):
        path = keep(file)
        if path == "originals/lent.jpg":
            Asset.delete().where(Asset.id == lent.id).execute()
            media.remove(path)
        return path

    monkeypatch.setattr(ingest, "_keep", keep_then_purge)
    record([received])
    assert media.open(Asset.get_by_id(his.id).path).read() == DATA


def test_a_lost_original_of_somebody_else_is_none_to_share(anna, ben):
    lost = send(anna, DATA).asset
    (media.root / lost.path).unlink()
    mine = send(ben, DATA).asset
    assert media.open(mine.path).read() == DATA


def test_a_purge_in_between_does_not_take_the_bytes(anna, ben, monkeypatch):
    """Ben's upload leans on Anna's original, which goes before his row is written."""
    hers = send(anna, DATA).asset
    Asset.update(trashed_at=5).execute()
    settle = Media.settle

    def purged_meanwhile(self, paths):
        settle(self, paths)
        monkeypatch.undo()
        assert cleanup.purge(Asset.get_by_id(hers.id))

    mine = receive(ben, DATA)
    monkeypatch.setattr(Media, "settle", purged_meanwhile)
    asset = record([mine])[0].asset
    assert media.open(asset.path).read() == DATA
    assert originals() == [asset.path]


# What is not taken


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Invalid),
        (b"plain text", Unsupported),
        (b"<svg onload=alert(1)>", Unsupported),
        (b"\xff\xd8\xff", Unreadable),
        (pictures.png_claiming(10**5, 10**5), TooLarge),
    ],
)
def test_what_is_not_taken_leaves_nothing(ben, data, kind):
    with pytest.raises(kind):
        receive(ben, data)
    assert incoming() == []
    assert originals() == []


def test_a_sender_that_goes_away_leaves_nothing(ben):
    def breaks_off():
        yield DATA[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        ingest.receive(ingest.Upload(ben, "a.jpg"), breaks_off())
    assert incoming() == []


def test_too_large_is_said_before_and_on_the_way(house, ben):
    config.bind(replace(house, uploads=replace(house.uploads, max_size=100)))
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        ingest.check_size(101)
    ingest.check_size(100)
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        receive(ben, DATA)


def test_a_disk_that_is_nearly_full_is_said_before(house, monkeypatch):
    monkeypatch.setattr(Media, "free_bytes", lambda _: 5_000_000)
    ingest.check_room(5_000_000 - house.uploads.min_free)
    with pytest.raises(NoSpace, match="nearly full"):
        ingest.check_room(5_000_001 - house.uploads.min_free)


def test_storage_that_is_not_mounted_is_said_before(house):
    (media.root / "originals" / ".homequeue").unlink()
    with pytest.raises(Unavailable, match="not mounted"):
        ingest.check_room(1)


# When it breaks in between


@pytest.mark.parametrize("error", [OperationalError("disk full"), KeyboardInterrupt(), OSError(5)])
def test_a_crash_between_bytes_and_rows_leaves_no_row_and_a_later_upload_takes_over(
    ben, monkeypatch, error
):
    def crash(*_args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "_new_asset", crash)
        with pytest.raises(type(error)):
            send(ben, DATA)
    assert Asset.select().count() == Job.select().count() == 0
    left = originals()
    kept = send(ben, DATA)
    assert not kept.duplicate
    assert originals() == [kept.asset.path]
    assert left in ([], originals())


def test_a_job_that_cannot_be_deferred_takes_the_row_with_it(ben):
    def crash(_asset_id):
        raise OperationalError("disk full")

    with pytest.raises(OperationalError):
        record([receive(ben, DATA)], crash)
    assert Asset.select().count() == 0


def test_a_batch_that_breaks_in_the_middle_leaves_no_row(ben):
    calls = []

    def second_crashes(asset_id):
        calls.append(asset_id)
        if len(calls) == 2:
            raise OperationalError("disk full")

    with pytest.raises(OperationalError):
        record([receive(ben, jpeg(n), f"{n}.jpg") for n in (1, 2)], second_crashes)
    assert Asset.select().count() == 0
    assert all(not one.duplicate for one in [send(ben, jpeg(1)), send(ben, jpeg(2))])


def test_a_disk_that_cannot_settle_promises_nothing(ben, monkeypatch):
    def fail(_handle):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises((NoSpace, Unavailable)):
            send(ben, DATA)
    assert Asset.select().count() == 0


def test_a_bell_that_fails_does_not_undo_the_promise(ben, monkeypatch):
    def broken(_data, _priority=None):
        raise OSError(errno.ENOSPC, "no FIFO on this disk")

    monkeypatch.setattr(queue.storage, "enqueue", broken)
    assert not send(ben, DATA).duplicate
    assert Asset.select().count() == 1


def test_an_upload_whose_receiving_was_swept_away_is_refused_in_words(ben):
    """As after a jump of the clock in the middle of it."""
    received = receive(ben, DATA)
    received.incoming.path.unlink()
    with pytest.raises(Unavailable):
        record([received])


# Adoption


def orphan(data: bytes = DATA, name: str = "originals/2024/07/orphan-1.jpg") -> str:
    place = media.root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return name


def test_an_original_without_a_row_is_adopted_where_it_is(ben):
    path = orphan()
    asset = ingest.adopt(path, ben, tasks.process_asset)
    assert (asset.path, asset.checksum, asset.state) == (path, sha256(DATA), "pending")
    assert originals() == [path]
    work_off()
    assert Asset.get().state == "ready"


def test_an_orphan_of_known_bytes_is_no_second_original(ben):
    kept = send(ben, DATA).asset
    assert ingest.adopt(orphan(), ben, tasks.process_asset).id == kept.id
    assert originals() == [kept.path]


def test_an_orphan_takes_nothing_out_of_the_trash(ben):
    kept = send(ben, DATA).asset
    Asset.update(trashed_at=5).execute()
    ingest.adopt(orphan(), ben, tasks.process_asset)
    assert Asset.get_by_id(kept.id).trashed_at == 5


@pytest.mark.parametrize("data", [b"", b"not a photo", b"\xff\xd8\xff"])
def test_an_orphan_that_is_no_photo_is_left_where_it_is(ben, data):
    path = orphan(data)
    with pytest.raises((Invalid, Unsupported)):
        ingest.adopt(path, ben, tasks.process_asset)
    assert (media.root / path).read_bytes() == data
    assert Asset.select().count() == 0


def test_an_adoption_without_room_leaves_nothing_half(ben, monkeypatch):
    path = orphan(b"x" * 3 * 2**20)

    def full(_self, _chunk):
        raise NoSpace("The disk of the server is full.")

    monkeypatch.setattr("homequeue.incoming.Incoming.write", full)
    with pytest.raises(NoSpace):
        ingest.adopt(path, ben, tasks.process_asset)
    assert incoming() == []


# Words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1536, "1.5 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1 MB"),
        (4 * 10**9, "4 GB"),
        (5 * 10**12, "5 TB"),
        (4321 * 10**12, "4321 TB"),
    ],
)
def test_sizes_in_words(size, words):
    assert ingest.in_words(size) == words
