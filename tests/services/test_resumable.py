"""Resumable uploads below the web: the lock, the hash that goes on, what a crash leaves behind."""

import errno
import hashlib
import os
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from peewee import OperationalError

from homequeue import facts, tasks
from homequeue.errors import Gone, Locked, NoSpace, TooLarge
from homequeue.incoming import Resumed
from homequeue.media import media
from homequeue.models import Asset, Job, Receipt, Upload
from homequeue.services import abandoned, cleanup, notify, resumable
from homequeue.services.resumable import Checksum, ChecksumMismatch, Piece, WrongOffset
from tests.library import incoming, jpeg, originals, send, sha256

DATA = jpeg(1).ljust(5000, b"\0") + b"\xff\xd9"
DAY = 86400


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch):
    """Nothing of another test is remembered."""
    restart(monkeypatch)


def restart(monkeypatch) -> None:
    """As after a start of the server: what was only in memory is gone."""
    for piece in list(resumable._running.values()):
        piece.close()
    resumable._hashed.clear()


@pytest.fixture
def upload(ben) -> Upload:
    return resumable.create(ben, len(DATA), "filename c2VhLmpwZw==")


def add(upload: Upload, data: bytes, offset: int, checksum: Checksum | None = None) -> int:
    with closing(resumable.begin(upload, offset, len(data), checksum)) as piece:
        piece.append(data)
        return piece.settle()


def finished(upload: Upload) -> Asset:
    with closing(resumable.begin(upload, len(DATA), 0)) as piece:
        resumable.finish(piece, tasks.process_asset, tasks.report_soon)
    return Asset.get_by_id(upload.asset)


def age(upload: Upload, seconds: float) -> None:
    """Make an upload and its bytes as old as that."""
    then = time.time() - seconds
    Upload.update(made_at=then).where(Upload.id == upload.id).execute()
    for path in files():
        if path.name.endswith(upload.id):
            os.utime(path, (then, then))


def files() -> list[Path]:
    return [media.root / "incoming" / name for name in incoming()]


@pytest.fixture
def read_again(monkeypatch) -> list[str]:
    """What is read only to be hashed."""
    found: list[str] = []
    digest = hashlib.file_digest

    def reading(file, algorithm):
        found.append(file.name)
        return digest(file, algorithm)

    monkeypatch.setattr("homequeue.incoming.hashlib.file_digest", reading)
    return found


# The hash


def test_the_hash_goes_on_from_piece_to_piece(upload, read_again):
    for at in range(0, len(DATA), 700):
        add(upload, DATA[at : at + 700], at)
    assert finished(upload).checksum == sha256(DATA)
    assert read_again == []


@pytest.mark.parametrize("checksum", [None, Checksum("sha1", hashlib.sha1(DATA[700:]).digest())])
def test_after_a_restart_the_file_is_read_once_more(upload, read_again, monkeypatch, checksum):
    add(upload, DATA[:700], 0)
    restart(monkeypatch)
    add(upload, DATA[700:], 700, checksum)
    assert finished(upload).checksum == sha256(DATA)
    assert len(read_again) == 1


def test_a_hash_is_not_that_of_what_another_process_has_added(upload):
    add(upload, DATA[:700], 0)
    with files()[0].open("ab") as file:
        file.write(DATA[700:])
    assert finished(upload).checksum == sha256(DATA)


def test_only_so_many_hashes_are_remembered(ben, monkeypatch):
    monkeypatch.setattr(resumable, "MOST_HASHED", 3)
    made = [resumable.create(ben, 100, "") for _ in range(5)]
    for one in made:
        add(one, b"a", 0)
    assert list(resumable._hashed) == [one.id for one in made[2:]]


# One at a time


def test_a_second_request_finds_it_locked(upload):
    with closing(resumable.begin(upload, 0, 10)), pytest.raises(Locked):
        resumable.begin(upload, 0, 10)
    assert add(upload, DATA[:10], 0) == 10


def test_even_of_another_process(upload):
    with closing(media.resume(upload.id)) as theirs:
        with pytest.raises(Locked):
            resumable.begin(upload, 0, 10)
        theirs.release()


def test_a_request_that_fell_silent_makes_way_and_keeps_its_bytes(upload, monkeypatch):
    """As that of a phone that has lost its network: only the phone knows so far."""
    old = resumable.begin(upload, 0, len(DATA))
    old.append(DATA[:700])
    old.heard_at -= resumable.SILENT + 1
    with pytest.raises(WrongOffset) as caught:
        resumable.begin(upload, 0, len(DATA))
    assert caught.value.headers == {"Upload-Offset": "700"}
    for act in (lambda: old.append(b"x"), old.settle):
        with pytest.raises(Locked):
            act()
    old.close()
    assert add(upload, DATA[700:], 700) == len(DATA)
    assert finished(upload).checksum == sha256(DATA)


def test_a_request_that_brings_a_little_now_and_then_is_not_silent(upload):
    with closing(resumable.begin(upload, 0, len(DATA))) as slow:
        slow.heard_at -= resumable.SILENT + 1
        slow.append(b"x")
        with pytest.raises(Locked):
            resumable.begin(upload, 0, 10)


def test_what_is_being_settled_is_not_cut_off(upload, monkeypatch):
    piece = resumable.begin(upload, 0, len(DATA))
    piece.append(DATA)
    meanwhile: list[str] = []

    def settle(self):
        piece.heard_at -= 1000
        with pytest.raises(Locked):
            resumable.begin(upload, 0, 10)
        meanwhile.append("tried")

    monkeypatch.setattr(Resumed, "settle", settle)
    assert piece.settle() == len(DATA)
    resumable.finish(piece, tasks.process_asset, tasks.report_soon)
    piece.close()
    assert meanwhile == ["tried"]
    assert media.open(Asset.get().path).read() == DATA


def test_many_at_once_are_one_after_the_other(upload):
    """Twenty threads send the same piece: one of them is right."""
    seen: list[str] = []

    def try_it() -> None:
        try:
            add(upload, DATA, 0)
            seen.append("added")
        except (Locked, WrongOffset) as error:
            seen.append(type(error).__name__)

    threads = [threading.Thread(target=try_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen.count("added") == 1
    assert files()[0].read_bytes() == DATA


def test_many_open_uploads_hold_no_file(ben):
    before = len(os.listdir("/proc/self/fd"))
    made = [resumable.create(ben, len(DATA), "") for _ in range(200)]
    for one in made:
        add(one, DATA[:10], 0)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert {resumable.offset(one, tasks.process_asset, tasks.report_soon) for one in made} == {10}


# Pieces


def test_what_came_of_a_piece_that_was_cut_off_counts(upload):
    piece = resumable.begin(upload, 0, len(DATA))
    piece.append(DATA[:700])
    assert files()[0].stat().st_size == 700, "it would be lost with the process"
    piece.close()
    assert resumable.offset(upload, tasks.process_asset, tasks.report_soon) == 700


@pytest.mark.parametrize("size", [700, resumable.HELD + 700])
def test_of_a_piece_with_a_checksum_nothing_counts_before_its_end(ben, size):
    upload = resumable.create(ben, 2 * size, "")
    data = os.urandom(size)
    checksum = Checksum("sha256", hashlib.sha256(data).digest())
    piece = resumable.begin(upload, 0, size, checksum)
    piece.append(data[:-1])
    assert [path.stat().st_size for path in files()] == [0]
    piece.close()
    assert add(upload, data, 0, checksum) == size
    with pytest.raises(ChecksumMismatch):
        add(upload, data[::-1], size, checksum)
    (file,) = files()
    assert file.read_bytes() == data


def test_a_piece_longer_than_the_upload_is_cut_off(upload):
    """One of unknown length, that is: of the others one knows before."""
    with closing(resumable.begin(upload, 0, 0)) as piece:
        piece.append(DATA[:-1])
        with pytest.raises(TooLarge):
            piece.append(b"ab")
    assert files()[0].read_bytes() == DATA[:-1]


@pytest.mark.parametrize("written", [0, 300])
def test_a_disk_that_is_full_in_the_middle_keeps_what_it_took(upload, monkeypatch, written):
    add(upload, DATA[:700], 0)
    piece = resumable.begin(upload, 700, 0)
    real = piece.resumed.file

    class Full:
        def write(self, chunk):
            real.write(chunk[:written])
            real.flush()
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(real, name)

    piece.resumed.file = Full()
    with pytest.raises(NoSpace):
        piece.append(DATA[700:])
    piece.close()
    there = resumable.offset(upload, tasks.process_asset, tasks.report_soon)
    assert there == 700 + written
    add(upload, DATA[there:], there)
    assert finished(upload).checksum == sha256(DATA)


# The end


def test_nothing_can_be_added_to_what_has_become_an_original(upload):
    """Somebody may have found the file just before it was moved away."""
    add(upload, DATA, 0)
    path = files()[0]
    place = media.root / "originals" / "kept.jpg"
    os.link(path, place)
    stat = Path.stat

    def moved_meanwhile(self, **options):
        path.unlink(missing_ok=True)
        return stat(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", moved_meanwhile)
        with pytest.raises(Gone):
            media.resume(upload.id)
    assert place.read_bytes() == DATA


def test_its_row_and_that_of_its_photo_are_written_together(upload):
    add(upload, DATA, 0)

    def crash(_asset_id):
        raise OperationalError("disk full")

    with closing(resumable.begin(upload, len(DATA), 0)) as piece, pytest.raises(OperationalError):
        resumable.finish(piece, crash, tasks.report_soon)
    assert Asset.select().count() == Receipt.select().count() == 0
    assert Upload.get().asset is None
    assert finished(Upload.get()).checksum == sha256(DATA)
    assert Receipt.select().count() == 1


def test_a_crash_before_the_file_goes_leaves_one_photo(upload, ben, monkeypatch):
    add(upload, DATA, 0)
    with monkeypatch.context() as patch:
        patch.setattr(media, "forget_resumable", lambda _: None)
        asset = finished(upload)
    assert len(incoming()) == 1
    again = resumable.get(ben, upload.id)
    assert resumable.offset(again, tasks.process_asset, tasks.report_soon) == len(DATA)
    assert again.asset == asset.id
    age(upload, 2 * DAY)
    abandoned.forget_expired()
    assert incoming() == []
    assert media.open(asset.path).read() == DATA


def test_the_original_is_the_file_itself(upload):
    """Nothing is copied: a photo is written once."""
    add(upload, DATA, 0)
    node = files()[0].stat().st_ino
    asset = finished(upload)
    assert (media.root / asset.path).stat().st_ino == node
    assert incoming() == []


def test_known_bytes_are_no_second_original(upload, ben):
    known = send(ben, DATA).asset
    add(upload, DATA, 0)
    assert finished(upload).id == known.id
    assert originals() == [known.path]


@pytest.mark.parametrize("moment", ["resumable_offset", "resume", "resumable_since"])
def test_who_asks_while_the_last_piece_is_kept_is_told_the_truth(upload, ben, monkeypatch, moment):
    """Whatever it finds of the file when it looks, 410 would have it sent once more."""
    add(upload, DATA, 0)
    asks = resumable.get(ben, upload.id)
    look = getattr(media, moment)

    def too_late(*given):
        monkeypatch.setattr(media, moment, look)
        finished(upload)
        return look(*given)

    monkeypatch.setattr(media, moment, too_late)
    if moment == "resumable_since":
        assert resumable.expires_at(asks) > time.time()
    else:
        assert resumable.offset(asks, tasks.process_asset, tasks.report_soon) == len(DATA)
    assert (asks.asset, asks.outcome) == (Asset.get().id, "added")
    assert Receipt.select().count() == 1


def test_who_sends_the_last_piece_again_just_then_is_told_to_go_on(upload, ben):
    add(upload, DATA, 0)
    again = resumable.get(ben, upload.id)
    finished(upload)
    with pytest.raises(WrongOffset) as caught:
        resumable.begin(again, 700, len(DATA) - 700)
    assert caught.value.headers == {"Upload-Offset": str(len(DATA))}


def test_what_was_given_up_is_gone_for_whoever_asked_just_then(upload, ben):
    asks = resumable.get(ben, upload.id)
    resumable.terminate(upload)
    for act in (
        lambda: resumable.offset(asks, tasks.process_asset, tasks.report_soon),
        lambda: resumable.begin(asks, 0, 10),
        lambda: resumable.expires_at(asks),
    ):
        with pytest.raises(Gone):
            act()


def test_channels_are_told_of_a_photo_with_its_row(upload, monkeypatch):
    """A crash leaves both or neither: nobody would come back for the message."""
    monkeypatch.setattr(notify, "is_wanted", lambda: True)
    add(upload, DATA, 0)

    def crash(_user):
        raise OperationalError("disk full")

    with closing(resumable.begin(upload, len(DATA), 0)) as piece, pytest.raises(OperationalError):
        resumable.finish(piece, tasks.process_asset, crash)
    assert Asset.select().count() == Job.select().count() == 0


@pytest.mark.parametrize("by", ["whoever asks", "the sweep"])
def test_channels_are_told_of_a_photo_that_was_full_after_a_crash(upload, ben, monkeypatch, by):
    monkeypatch.setattr(notify, "is_wanted", lambda: True)
    add(upload, DATA, 0)
    age(upload, 100)
    if by == "the sweep":
        cleanup.rescue(tasks.process_asset, tasks.report_soon)
    else:
        resumable.offset(upload, tasks.process_asset, tasks.report_soon)
    (report,) = Job.select().where(Job.task == "report_uploads")
    assert report.user == ben.id


# What is forgotten


def test_an_upload_waits_a_week_from_its_last_byte_on(upload, ben):
    add(upload, DATA[:700], 0)
    age(upload, 8 * DAY)
    os.utime(files()[0])
    assert resumable.expires_at(upload) == pytest.approx(time.time() + 7 * DAY, abs=5)
    assert abandoned.forget_expired() == 0
    age(upload, 6.9 * DAY)
    assert abandoned.forget_expired() == 0
    assert add(upload, DATA[700:800], 700) == 800
    age(upload, 7.1 * DAY)
    assert abandoned.forget_expired() == 1
    assert incoming() == []
    assert Upload.select().count() == 0


def test_one_that_is_being_received_is_not_forgotten(upload):
    piece = resumable.begin(upload, 0, 10)
    piece.settle()
    age(upload, 8 * DAY)
    assert abandoned.forget_expired() == 0
    piece.close()
    assert abandoned.forget_expired() == 1


def test_a_piece_that_comes_while_the_old_are_looked_for_keeps_its_upload(upload, monkeypatch):
    """The sweep is another process: what it knew when it began says nothing any more."""
    age(upload, 8 * DAY)
    resume = media.resume

    def a_moment_later(name, hashed=None):
        monkeypatch.setattr(media, "resume", resume)
        add(upload, DATA[:700], 0)
        return resume(name, hashed)

    monkeypatch.setattr(media, "resume", a_moment_later)
    assert abandoned.forget_expired() == 0
    assert add(upload, DATA[700:], 700) == len(DATA)


def test_nothing_is_added_to_what_is_being_forgotten(upload, monkeypatch):
    age(upload, 8 * DAY)
    forget = media.forget_resumable
    told = []

    def meanwhile(name):
        with pytest.raises(Locked):
            add(upload, DATA[:700], 0)
        told.append(name)
        forget(name)

    monkeypatch.setattr(media, "forget_resumable", meanwhile)
    assert abandoned.forget_expired() == 1
    assert told == [upload.id]
    with pytest.raises(Gone):
        add(upload, DATA[:700], 0)


def test_the_row_of_an_upload_whose_file_is_lost_goes_too(upload):
    age(upload, 8 * DAY)
    media.forget_resumable(upload.id)
    assert abandoned.forget_expired() == 1
    assert Upload.select().count() == 0


def test_one_that_has_ended_is_remembered_as_long(upload, ben):
    add(upload, DATA, 0)
    finished(upload)
    age(upload, 30 * DAY)
    assert abandoned.forget_expired() == 0
    Upload.update(ended_at=time.time() - 8 * DAY).execute()
    assert abandoned.forget_expired() == 1
    assert Asset.select().count() == 1


def test_a_file_without_a_row_is_swept_away_after_a_day(ben):
    media.begin_resumable("stray")
    abandoned.forget_expired()
    assert len(incoming()) == 1
    then = time.time() - 1.1 * DAY
    os.utime(files()[0], (then, then))
    abandoned.forget_expired()
    assert incoming() == []


def test_the_sweep_of_stale_uploads_leaves_them_alone(upload):
    add(upload, DATA[:700], 0)
    age(upload, 3 * DAY)
    assert media.remove_stale_incoming(DAY) == 0
    assert len(incoming()) == 1


def test_nothing_is_forgotten_while_the_clock_is_in_doubt(upload):
    age(upload, 8 * DAY)
    facts.remember("clock_steady_since", time.time() - 100)
    facts.remember("clock_seen", time.time())
    assert cleanup.forget_stale() == {}
    assert len(incoming()) == 1
    facts.remember("clock_steady_since", time.time() - 2 * DAY)
    assert cleanup.forget_stale()["uploads"] == 1


def test_a_full_upload_that_nobody_asks_about_becomes_a_photo(upload, ben):
    add(upload, DATA, 0)
    half = resumable.create(ben, len(DATA), "")
    add(half, DATA[:10], 0)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["uploads"] == 0, (
        "its client may still be there"
    )
    age(upload, 100)
    age(half, 100)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["uploads"] == 1
    assert Asset.get().checksum == sha256(DATA)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["uploads"] == 0


def test_a_full_upload_that_is_no_photo_does_not_stop_the_others(ben):
    for data in (b"Milk, eggs, bread", DATA):
        one = resumable.create(ben, len(data), "")
        add(one, data, 0)
        age(one, 100)
    assert cleanup.rescue(tasks.process_asset, tasks.report_soon)["uploads"] == 1
    assert Asset.get().checksum == sha256(DATA)
    assert [row.outcome for row in Receipt.select().order_by(Receipt.id)] in (
        ["refused", "added"],
        ["added", "refused"],
    )


def test_who_is_removed_takes_uploads_along(upload, ben):
    ben.delete_instance()
    assert Upload.select().count() == 0


def test_termination_cuts_off_whoever_is_at_it(upload):
    piece = resumable.begin(upload, 0, 10)
    resumable.terminate(upload)
    assert incoming() == []
    with pytest.raises(Locked):
        piece.append(b"x")


def test_but_not_what_is_being_finished(upload):
    piece = resumable.begin(upload, 0, 10)
    piece.append(b"x")
    piece.settle()
    with pytest.raises(Locked):
        resumable.terminate(upload)
    piece.close()


def test_a_piece_is_what_the_server_takes_for_a_buffer(upload):
    with closing(Piece(upload)) as piece:
        piece.append(b"abc")
        assert (len(piece), piece.getfile()) == (3, piece)
