"""Clean-up: what may go goes, nothing else does, and what was lost is found."""

import os
import threading
import time
from dataclasses import replace

import pytest

from homequeue import config, facts, ledger, tasks
from homequeue.db import db
from homequeue.media import COPYING, media
from homequeue.models import Asset, Deed, Fact, Job, Rendition, Session
from homequeue.services import cleanup, users
from tests.conftest import work_off
from tests.library import (
    incoming,
    job,
    jpeg,
    originals,
    rendition_files,
    row,
    send,
    sha256,
    whole,
)

DAY = 86400
MARKER = ".homequeue"


@pytest.fixture
def _steady(house):
    """The clock has run steadily for long."""
    facts.remember("clock_steady_since", time.time() - 30 * DAY)
    facts.remember("clock_seen", time.time())


# Gone for good


def test_a_purge_takes_everything_of_a_photo(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    other = whole(ben, 2)
    assert cleanup.purge(asset)
    assert originals() == [other.path]
    assert len(rendition_files()) == 2
    assert [one.id for one in Asset.select()] == [other.id]
    assert Rendition.select().where(Rendition.asset == asset.id).count() == 0


def test_only_the_trash_is_purged(ben):
    asset = whole(ben, 1)
    assert not cleanup.purge(asset)
    assert originals() == [asset.path]
    assert len(rendition_files()) == 2


def test_what_was_restored_in_the_last_moment_stays(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    Asset.update(trashed_at=None).execute()
    assert not cleanup.purge(asset)
    assert Asset.select().count() == 1


def test_shared_bytes_stay_as_long_as_somebody_has_them(anna, ben):
    hers, his = send(anna, jpeg()).asset, send(ben, jpeg()).asset
    Asset.update(trashed_at=5.0).execute()
    assert cleanup.purge(Asset.get_by_id(hers.id))
    assert originals() == [his.path]
    assert media.open(his.path).read() == jpeg()
    assert cleanup.purge(Asset.get_by_id(his.id))
    assert originals() == []


def test_a_purge_twice_is_no_error(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    assert cleanup.purge(asset)
    assert not cleanup.purge(asset)


def test_a_purge_of_files_that_are_gone_already(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    (media.root / asset.path).unlink()
    assert cleanup.purge(asset)


@pytest.mark.usefixtures("_steady")
def test_the_trash_is_emptied_when_its_days_are_over(ben):
    now = time.time()
    old = whole(ben, 1, trashed_at=now - 31 * DAY)
    young, kept = whole(ben, 2, trashed_at=now - 29 * DAY), whole(ben, 3)
    assert cleanup.purge_trash() == 1
    assert {one.id for one in Asset.select()} == {young.id, kept.id}
    assert old.path not in originals()


@pytest.mark.usefixtures("_steady")
def test_a_trash_without_days_is_emptied_by_people_only(ben, house):
    config.bind(replace(house, trash=replace(house.trash, days=0)))
    whole(ben, 1, trashed_at=5.0)
    whole(ben, 2, trashed_at=time.time())
    assert cleanup.purge_trash() == 0
    assert cleanup.empty_trash(ben) == 2


def test_without_a_known_clock_nothing_is_purged(ben):
    whole(ben, 1, trashed_at=5.0)
    assert cleanup.purge_trash() == 0
    cleanup.check_disk()
    assert cleanup.purge_trash() == 0
    assert Asset.select().count() == 1


@pytest.mark.usefixtures("_steady")
@pytest.mark.parametrize("jump", [-3600, 2 * DAY, 20 * 365 * DAY])
def test_a_clock_that_jumped_is_not_believed_for_a_day(ben, monkeypatch, jump):
    whole(ben, 1, trashed_at=time.time() - 25 * DAY)
    now = time.time() + jump
    monkeypatch.setattr(time, "time", lambda: now)
    cleanup.check_disk()
    assert cleanup.purge_trash() == 0
    assert Asset.select().count() == 1


@pytest.mark.usefixtures("_steady")
def test_a_clock_that_jumped_before_anybody_looked(ben, monkeypatch):
    """The nightly purge may run before the first look at the disk of this start."""
    whole(ben, 1, trashed_at=time.time() - 5 * DAY)
    now = time.time() + 365 * DAY
    monkeypatch.setattr(time, "time", lambda: now)
    assert cleanup.purge_trash() == 0
    assert Asset.select().count() == 1


@pytest.mark.usefixtures("_steady")
def test_a_steady_clock_stays_steady(ben, monkeypatch):
    whole(ben, 1, trashed_at=5.0)
    start = time.time()
    for hour in range(1, 30):
        monkeypatch.setattr(time, "time", lambda hour=hour: start + hour * 3600)
        cleanup.check_disk()
    assert cleanup.purge_trash() == 1


@pytest.mark.usefixtures("_steady")
def test_nothing_is_purged_while_the_storage_is_not_mounted(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    place, away = media.root / "originals", media.root / "away"
    place.rename(away)
    place.mkdir()
    try:
        cleanup.purge_trash()
    except Exception as error:
        assert getattr(error, "status", None) == 503, error  # noqa: PT017
    place.rmdir()
    away.rename(place)
    assert Asset.select().count() == 1
    assert originals() == [asset.path]
    assert len(rendition_files()) == 2


@pytest.mark.usefixtures("_steady")
def test_one_that_cannot_be_purged_does_not_keep_the_others(ben, monkeypatch):
    whole(ben, 1, trashed_at=5.0)
    whole(ben, 2, trashed_at=5.0)
    remove = type(media).remove

    def fails(self, path):
        if "1-preview" in path:
            raise OSError(5, "Input/output error")
        remove(self, path)

    monkeypatch.setattr(type(media), "remove", fails)
    try:
        cleanup.purge_trash()
    except OSError:
        cleanup.purge_trash()
    assert Asset.get_or_none(Asset.id == 2) is None


def test_a_crash_in_a_purge_brings_nothing_back(ben, anna, monkeypatch):
    """The row is gone and its bytes are not: nobody may find them in somebody's library later."""
    asset = whole(ben, 1, trashed_at=5.0)

    def killed(_self, _path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(media), "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            cleanup.purge(asset)
    monkeypatch.setattr(cleanup, "ORPHAN_AGE", -1)
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    assert Asset.select().where(Asset.owner == anna).count() == 0


def test_an_upload_that_takes_over_what_a_purge_left_keeps_its_bytes(anna, ben, monkeypatch):
    """The purge was cut off, and its last file is swept while somebody sends the same again."""
    asset = send(anna, jpeg()).asset
    Asset.update(trashed_at=5.0).execute()
    remove, recall, again = type(media).remove, facts.recall, []

    def killed(_self, _path):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(media), "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        cleanup.purge(Asset.get_by_id(asset.id))
    monkeypatch.setattr(type(media), "remove", remove)

    def meanwhile(name, default=None):
        value = recall(name, default)
        if name.startswith("purged ") and not again:
            again.append(send(ben, jpeg()))
        return value

    monkeypatch.setattr(facts, "recall", meanwhile)
    monkeypatch.setattr(cleanup, "ORPHAN_AGE", -1)
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    for found in Asset.select():
        assert media.open(found.path).read() == jpeg()


def test_an_upload_during_a_purge_keeps_its_bytes(anna, ben, monkeypatch):
    """A second thread sends the same bytes between the row's end and the file's."""
    hers = send(anna, jpeg()).asset
    Asset.update(trashed_at=5.0).execute()
    remove = type(media).remove
    sender = []

    def slow(self, path):
        if path == hers.path and not sender:
            sender.append(threading.Thread(target=lambda: (send(ben, jpeg()), db.close())))
            sender[0].start()
            time.sleep(0.05)
        remove(self, path)

    monkeypatch.setattr(type(media), "remove", slow)
    assert cleanup.purge(Asset.get_by_id(hers.id))
    sender[0].join()
    his = Asset.get(Asset.owner == ben)
    assert media.open(his.path).read() == jpeg()


# Stale things


@pytest.mark.usefixtures("_steady")
@pytest.mark.usefixtures("_steady")
def test_stale_things_are_forgotten(anna):
    media.receive().file.close()
    old = media.receive()
    old.file.close()
    os.utime(old.path, (5, 5))
    users.open_session(anna, 1)
    users.open_session(anna, 1)
    one = Session.select().first()
    Session.update(expires_at=5).where(Session.digest == one.digest).execute()
    now = time.time()
    job("succeeded", finished_at=now - 31 * DAY)
    job("succeeded", finished_at=now - 29 * DAY)
    job("failed", finished_at=now - 31 * DAY)
    for days in (29, 31, 32):
        Deed.create(at=now - days * DAY, who="Anna", words="paused the queue")
    assert cleanup.forget_stale() == {
        "incoming": 1,
        "copies": 0,
        "uploads": 0,
        "renditions": 0,
        "deposits": 0,
        "sessions": 1,
        "links": 0,
        "jobs": 1,
        "batches": 0,
        "deeds": 2,
    }
    assert len(incoming()) == 1
    assert Session.select().count() == 1
    assert Job.select().count() == 2


def test_an_upload_that_is_still_coming_survives_a_jump_of_the_clock(ben, monkeypatch):
    arriving = media.receive()
    arriving.write(jpeg())
    now = time.time() + 20 * 365 * DAY
    monkeypatch.setattr(time, "time", lambda: now)
    cleanup.forget_stale()
    assert arriving.path.exists()
    arriving.discard()


@pytest.mark.usefixtures("_steady")
def test_what_is_left_of_a_copy_to_the_originals_is_forgotten(ben, monkeypatch):
    path = whole(ben, 1).path
    prefix, suffix = COPYING
    left = (media.root / path).with_name(f"{prefix}a1b2{suffix}")
    left.write_bytes(b"half")
    monkeypatch.setattr(type(media), "age", lambda *_: 2 * DAY)
    assert cleanup.forget_stale()["copies"] == 1
    assert not left.exists()
    assert media.exists(path)


# Rescue


def test_an_asset_nobody_works_on_gets_a_job(ben):
    lost = send(ben, jpeg(1)).asset
    Job.delete().execute()
    send(ben, jpeg(2))
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["assets"] == 1
    assert Job.select().where(Job.asset == lost.id).count() == 1
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["assets"] == 0
    work_off()
    assert {asset.state for asset in Asset.select()} == {"ready"}


@pytest.mark.parametrize("state", ["pending", "processing"])
def test_an_asset_whose_job_ended_without_it_is_found(ben, state):
    asset = row(ben, 1, state=state)
    job("succeeded", asset=asset.id)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["assets"] == 1


def orphan(data: bytes, age: float = 2 * 3600, name: str = "lost.jpg") -> str:
    place = media.root / "originals" / "2024" / "07" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return str(place.relative_to(media.root))


@pytest.fixture
def _aged(monkeypatch):
    monkeypatch.setattr(type(media), "age", lambda _self, path: 7200.0 if "old" in path else 5.0)


@pytest.mark.usefixtures("_aged")
def test_an_orphan_is_adopted_by_the_first_administrator(ben, anna):
    path = orphan(jpeg(), name="old.jpg")
    young = orphan(jpeg(2), name="young.jpg")
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon) == {
        "assets": 0,
        "originals": 1,
        "uploads": 0,
    }
    asset = Asset.get()
    assert (asset.owner_id, asset.path, asset.checksum) == (anna.id, path, sha256(jpeg()))
    assert work_off() == 1
    assert Asset.get().state == "ready"
    assert sorted(originals()) == sorted([path, young])
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 0


@pytest.mark.usefixtures("_aged", "house")
def test_without_an_administrator_orphans_wait():
    orphan(jpeg(), name="old.jpg")
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 0
    assert len(originals()) == 1


@pytest.mark.usefixtures("_aged")
def test_an_orphan_nobody_can_read_stops_nothing(anna):
    orphan(b"rubbish", name="old-a.jpg")
    orphan(jpeg(), name="old-b.jpg")
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 1
    assert len(originals()) == 2
    assert Fact.select().where(Fact.name.startswith("orphan ")).count() == 1


@pytest.mark.usefixtures("_aged")
def test_an_orphan_whose_disk_fails_stops_nothing(anna, monkeypatch):
    orphan(jpeg(1), name="old-a.jpg")
    orphan(jpeg(2), name="old-b.jpg")
    real = type(media).open

    def fails(self, path):
        if "old-a" in path:
            raise OSError(5, "Input/output error")
        return real(self, path)

    monkeypatch.setattr(type(media), "open", fails)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 1


@pytest.mark.usefixtures("_aged")
def test_an_orphan_of_known_bytes_is_dealt_with_once(anna):
    asset = send(anna, jpeg()).asset
    Asset.update(trashed_at=5.0).execute()
    orphan(jpeg(), name="old.jpg")
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    assert Asset.get().trashed_at == 5.0
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 0
    assert originals() == [asset.path]


def test_the_real_age_of_a_file(house):
    assert -1 < media.age(orphan(jpeg())) < 5


def test_unmounted_storage_has_no_orphans(anna):
    (media.root / "originals" / MARKER).unlink()
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["originals"] == 0


# The disk


def test_the_disk_is_written_down(house):
    seen = cleanup.check_disk()
    assert 0 < seen["free"] <= seen["total"]
    assert facts.recall("disk")["free"] == seen["free"]


def test_the_chores_of_the_house_run_through_the_queue(anna):
    for chore in (tasks.check_disk, tasks.rescue, tasks.purge_trash, tasks.forget_stale):
        chore()
    assert work_off() == 4
    assert {one.state for one in Job.select()} == {"succeeded"}
    assert ledger.counts()["succeeded"] == 4


@pytest.mark.usefixtures("_steady")
def test_renditions_of_a_killed_worker_are_swept(ben, monkeypatch):
    asset = whole(ben, 1)
    stray = media.keep_rendition("00/stray.jpg", b"x")
    assert cleanup.forget_stale()["renditions"] == 0, "it may still get its row"
    monkeypatch.setattr(type(media), "age", lambda *_: 2 * DAY)
    assert cleanup.forget_stale()["renditions"] == 1
    assert not media.exists(stray)
    assert all(media.exists(row.path) for row in asset.renditions)


def test_renditions_that_are_gone_are_made_again(ben):
    asset = send(ben, jpeg()).asset
    work_off()
    (media.root / asset.renditions[0].path).unlink()
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    assert Asset.get_by_id(asset.id).state == "pending"
    work_off()
    asset = Asset.get_by_id(asset.id)
    assert asset.state == "ready"
    assert all(media.exists(row.path) for row in asset.renditions)


def test_a_purge_takes_the_failed_job_along(ben):
    asset = whole(ben, 1, trashed_at=5.0)
    job("failed", asset=asset.id)
    cleanup.purge(asset)
    assert Job.select().where(Job.asset == asset.id).count() == 0
