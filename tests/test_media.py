"""The bytes on disk: kept for good, never overwritten, never half there."""

import errno
import json
import os
import shutil
import time
from datetime import datetime
from pathlib import Path

import pytest

import homequeue.media as media_module
from homequeue.errors import Conflict, NoSpace, Unavailable
from homequeue.incoming import AHEAD, Incoming
from homequeue.media import LONGEST_NAME, Media, checksum_of, media, safe_name
from tests import corpora
from tests.library import incoming, originals, rendition_files, sha256

pytestmark = pytest.mark.usefixtures("house")

WHEN = datetime(2024, 7, 12)
DATA = b"the bytes of a photo"
MARKER = ".homequeue"


def received(data: bytes = DATA) -> Incoming:
    arriving = media.receive()
    arriving.write(data)
    arriving.complete()
    return arriving


def kept(data: bytes = DATA, name: str = "sea.jpg") -> str:
    arriving = received(data)
    path = media.keep(arriving, name, "jpg", WHEN)
    media.settle([path])
    arriving.discard()
    return path


def failing(number: int):
    def fail(*_args, **_values):
        raise OSError(number, os.strerror(number))

    return fail


# Receiving


def test_what_arrives_is_hashed_and_counted_on_the_way():
    arriving = media.receive()
    arriving.write(b"the bytes ")
    arriving.write(b"")
    arriving.write(b"of a photo")
    assert (arriving.size, arriving.checksum) == (len(DATA), sha256(DATA))
    assert arriving.complete().read() == DATA
    assert len(incoming()) == 1
    arriving.discard()
    arriving.discard()
    assert incoming() == []


@pytest.fixture
def full():
    """An upload whose disk is full: what is written to /dev/full fails with ENOSPC."""
    arriving = received()
    arriving.file.close()
    arriving.file = open("/dev/full", "wb")  # noqa: SIM115
    yield arriving
    arriving.discard()
    assert incoming() == []


def test_a_disk_that_is_full_while_receiving_says_so(full):
    with pytest.raises(NoSpace):
        full.write(b"x" * 2**20)


def test_a_disk_that_is_full_for_the_last_bytes_says_so(full):
    full.write(b"x")
    with pytest.raises(NoSpace):
        full.complete()


def told(monkeypatch) -> list[tuple[int, int]]:
    """Which parts of a file the disk is told to begin with: where from, and how many bytes."""
    found = []

    class System:
        def sync_file_range(self, handle, begin, size, _):
            assert os.fstat(handle).st_size >= begin.value + size.value
            found.append((begin.value, size.value))

    monkeypatch.setattr("homequeue.media.ctypes.CDLL", lambda _: System())
    return found


def test_the_disk_begins_with_a_large_file_before_its_end_has_come(monkeypatch):
    parts = told(monkeypatch)
    arriving = media.receive()
    for _ in range(5):
        arriving.write(bytes(AHEAD // 2))
    assert parts == [(0, AHEAD), (AHEAD, AHEAD)]
    assert len(arriving.complete().read()) == 5 * AHEAD // 2
    arriving.discard()


def test_a_system_that_cannot_begin_early_does_not_need_to(monkeypatch):
    monkeypatch.setattr("homequeue.media.ctypes.CDLL", lambda _: object())
    arriving = received(bytes(AHEAD))
    assert arriving.file.read() == bytes(AHEAD)
    arriving.discard()


def test_a_folder_that_cannot_be_written_to_says_so(monkeypatch):
    monkeypatch.setattr(os, "open", failing(errno.EROFS))
    with pytest.raises((NoSpace, Unavailable)):
        media.receive()


# Keeping


def test_an_original_has_its_place_and_name():
    path = kept()
    assert path == f"originals/2024/07/sea-{sha256(DATA)[:8]}.jpg"
    assert media.open(path).read() == DATA
    assert media.exists(path)
    assert originals() == [path]
    assert incoming() == []


def test_everything_is_for_its_owner_alone():
    path = media.root / kept()
    media.keep_rendition("01/1-preview.jpg", b"x")
    for place in [media.root, *media.root.rglob("*")]:
        if place.is_fifo() or place.is_file():
            assert place.stat().st_mode & 0o777 == 0o600, place
        else:
            assert place.stat().st_mode & 0o777 == 0o700, place
    assert path.stat().st_nlink == 1


def test_the_same_bytes_again_take_the_place_over():
    first = kept()
    inode = (media.root / first).stat().st_ino
    assert kept() == first
    assert (media.root / first).stat().st_ino == inode


def test_other_bytes_never_take_a_place():
    arriving = received()
    place = media.root / f"originals/2024/07/sea-{arriving.checksum[:8]}.jpg"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"somebody else's, or torn by a power cut")
    path = media.keep(arriving, "sea.jpg", "jpg", WHEN)
    assert path == f"originals/2024/07/sea-{arriving.checksum[:16]}.jpg"
    assert place.read_bytes() == b"somebody else's, or torn by a power cut"
    for digits in (16, 64):
        (place.parent / f"sea-{arriving.checksum[:digits]}.jpg").write_bytes(b"other")
    with pytest.raises(Conflict, match="another file"):
        media.keep(arriving, "sea.jpg", "jpg", WHEN)
    arriving.discard()


def test_a_crash_while_keeping_leaves_the_upload_to_be_kept_again(monkeypatch):
    arriving = received()
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", failing(errno.EINTR))
        with pytest.raises((OSError, NoSpace, Unavailable)):
            media.keep(arriving, "sea.jpg", "jpg", WHEN)
    assert originals() == []
    assert media.keep(arriving, "sea.jpg", "jpg", WHEN)
    arriving.discard()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["link", "mkdir"])
def test_a_disk_that_fails_while_keeping_says_so_in_words(monkeypatch, call, number):
    arriving = received()
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises((NoSpace, Unavailable)):
            media.keep(arriving, "sea.jpg", "jpg", WHEN)
    arriving.discard()
    assert originals() == []


def test_a_file_system_without_hard_links(monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    path = kept()
    assert media.open(path).read() == DATA
    assert (media.root / path).stat().st_mode & 0o777 == 0o600
    assert kept() == path


def test_a_copy_that_breaks_off_is_no_original(monkeypatch):
    """On a file system without hard links; or the photo could never be sent again."""
    arriving = received()

    def torn(source, target, **_):
        Path(target).write_bytes(Path(source).read_bytes()[:5])
        raise OSError(errno.EIO, "unplugged")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", failing(errno.EPERM))
        patch.setattr(shutil, "copyfile", torn)
        with pytest.raises((OSError, NoSpace, Unavailable)):
            media.keep(arriving, "sea.jpg", "jpg", WHEN)
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    path = media.keep(arriving, "sea.jpg", "jpg", WHEN)
    assert media.open(path).read() == DATA
    arriving.discard()


def test_two_who_copy_the_same_photo_are_not_in_each_others_way(monkeypatch):
    copyfile, paths, data = shutil.copyfile, [], DATA * 1000

    def slowly(source, target, **_):
        monkeypatch.setattr(shutil, "copyfile", copyfile)
        with open(target, "wb", buffering=0) as file:
            file.write(data[:1000])
            paths.append(kept(data))
            assert media.open(paths[0]).read() == data
            file.write(data[1000:])

    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(shutil, "copyfile", slowly)
    paths.append(kept(data))
    assert paths[0] == paths[1]
    assert media.open(paths[1]).read() == data
    place = media.root / paths[0]
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_copy_whose_writer_was_killed_goes_after_a_day(monkeypatch):
    prefix, suffix = media_module.COPYING
    torn = kept(name=f"{prefix}sea{suffix}")
    media.put_aside(torn)
    folder = (media.root / torn).parent
    left = folder / f"{prefix}x1y2{suffix}"
    left.write_bytes(DATA[:5])
    assert media.remove_stale_copies(100.0) == 0
    assert left.exists()
    monkeypatch.setattr(Media, "age", lambda *_: 101.0)
    original = kept(name="whole.jpg")
    assert media.remove_stale_copies(100.0) == 1
    assert not left.exists()
    assert originals() == [original]
    assert len(list(folder.iterdir())) == 2  # what was put aside stays


# Settling


@pytest.fixture
def synced(monkeypatch):
    """What is handed to fsync, in order, as paths."""
    found = []
    real = os.fsync

    def fsync(handle):
        found.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_files_are_on_the_disk_before_their_folders(synced):
    arriving = received()
    media.settle_incoming([arriving])
    path = media.keep(arriving, "sea.jpg", "jpg", WHEN)
    media.settle([path])
    arriving.discard()
    root = str(media.root)
    assert synced[0] == str(arriving.path)
    assert set(synced[1:]) == {
        f"{root}/originals/2024/07",
        f"{root}/originals/2024",
        f"{root}/originals",
    }


def test_many_are_settled_together(synced):
    paths = [kept(b"%d" % n, f"{n}.jpg") for n in range(5)]
    synced.clear()
    media.settle(paths)
    assert synced == []


@pytest.mark.parametrize("count", [1, 5])
def test_a_disk_that_fails_while_settling_says_so(monkeypatch, count):
    paths = [kept(b"%d" % n, f"{n}.jpg") for n in range(count)]
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    monkeypatch.setattr("homequeue.media._sync_file_system", failing(errno.EIO))
    with pytest.raises((NoSpace, Unavailable)):
        media.settle(paths)


def test_nothing_is_settled_without_work(synced):
    media.settle([])
    assert synced == []


# Renditions


def test_a_rendition_is_replaced_in_one_go(monkeypatch):
    path = media.keep_rendition("01/1.jpg", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing(errno.EIO))
        with pytest.raises(OSError, match="Input/output"):
            media.keep_rendition("01/1.jpg", b"new")
    assert media.open(path).read() == b"old"
    assert rendition_files() == [media.root / path]
    assert media.keep_rendition("01/1.jpg", b"new") == path
    assert media.open(path).read() == b"new"


def test_a_rendition_is_on_the_disk_before_it_has_its_name(monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("replace"), replace(*names)))
    media.keep_rendition("01/1.jpg", b"x")
    assert order == ["fsync", "replace", "fsync"], "bytes, name, folder"


def test_a_rendition_interrupted_while_it_is_written_leaves_nothing(monkeypatch):
    def interrupted(_handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        media.keep_rendition("01/1.jpg", b"x")
    assert rendition_files() == []


def test_removing_what_is_gone_is_no_error():
    path = kept()
    media.remove(path)
    media.remove(path)
    assert not media.exists(path)


# The marker of a mounted library


def test_nothing_is_received_while_the_storage_is_not_mounted():
    (media.root / "originals" / MARKER).unlink()
    with pytest.raises(Unavailable, match="not mounted"):
        media.check_mounted()
    with pytest.raises(Unavailable, match="not mounted"):
        media.receive()
    assert incoming() == []


def test_nothing_is_kept_when_the_storage_goes_away_on_the_way():
    arriving = received()
    (media.root / "originals" / MARKER).unlink()
    with pytest.raises(Unavailable):
        media.keep(arriving, "sea.jpg", "jpg", WHEN)
    assert list((media.root / "originals").iterdir()) == []
    arriving.discard()


def test_what_is_missing_from_a_mounted_storage_says_so():
    with pytest.raises(Unavailable, match="missing from the storage"):
        media.open("originals/2024/07/nothing.jpg")
    (media.root / "originals" / MARKER).unlink()
    with pytest.raises(Unavailable, match="not mounted"):
        media.open("originals/2024/07/nothing.jpg")


def test_the_marker_is_no_original():
    assert originals() == []


# Uploads that were given up


def test_only_what_nobody_added_to_for_long_is_given_up():
    old, new = received(), received()
    hour_ago = time.time() - 3600
    os.utime(old.path, (hour_ago, hour_ago))
    assert media.remove_stale_incoming(1800) == 1
    assert incoming() == [new.path.name]
    new.discard()


def test_a_folder_in_incoming_does_not_stop_the_sweep():
    folder = media.root / "incoming" / "somebody-made-a-folder"
    folder.mkdir()
    os.utime(folder, (0, 0))
    old = received()
    os.utime(old.path, (0, 0))
    media.remove_stale_incoming(1800)
    assert not old.path.exists()


# Names


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("sea.jpg", "sea"),
        ("Фото на море.jpg", "Фото на море"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\sea.jpg", "sea"),
        ("", "photo"),
        (".", "photo"),
        ("..", "photo"),
        (".jpg", "jpg"),
        ("/", "photo"),
        ("   .jpg", "photo"),
        ("a\x00b.jpg", "a_b"),
        ("a\nb.jpg", "a_b"),
        ("con:nul?.jpg", "con_nul_"),
        ("archive.tar.gz", "archive.tar"),
        ("e\u0301.jpg", "\u00e9"),
        ("\u202egpj.exe", "_gpj"),
        ("\udcff.jpg", "_"),
    ],
)
def test_names_as_they_stand_on_the_disk(name, stem):
    assert safe_name(name) == stem


def naughty() -> list[str]:
    return json.loads((corpora.folder("names") / "naughty-strings.json").read_text())


def test_every_naughty_string_is_one_plain_name():
    strings = naughty()
    assert len(strings) > 400
    for text in strings:
        for name in (text, f"{text}.jpg", f"a/{text}", text * 50):
            stem = safe_name(name)
            full = f"{stem}-01234567.heic"
            assert 0 < len(stem.encode()) <= LONGEST_NAME
            assert len(full.encode()) <= 255
            assert "/" not in stem
            assert "\\" not in stem
            assert stem not in (".", "..")
            assert not any(ord(c) < 32 for c in stem)
            assert stem == stem.strip(" .")


def test_every_naughty_string_can_be_kept():
    for number, text in enumerate(naughty()):
        arriving = received(b"%d" % number)
        path = media.keep(arriving, f"{text}.jpg", "jpg", WHEN)
        assert path.count("/") == 3
        assert media.open(path).read() == b"%d" % number
        arriving.discard()
    assert len(originals()) == len(naughty())


# And the rest


def test_checksums():
    assert checksum_of(media.root / kept()) == media.checksum(DATA) == sha256(DATA)


def test_the_space_on_the_disk():
    assert 0 < media.free_bytes() <= media.disk_bytes()


def test_a_library_that_is_not_bound_cannot_be_used():
    with pytest.raises(AttributeError):
        Media().receive()


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_where_no_link_can_be_made_a_copy_is_on_the_disk_before_it_has_its_name(
    monkeypatch, number
):
    """As on exFAT, or where only the originals are on a disk of their own."""
    told = []

    def no_link(*_):
        raise OSError(number, "no")

    sync, replace = media_module.sync, os.replace
    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(media_module, "sync", lambda path: (told.append("sync"), sync(path)))
    monkeypatch.setattr(os, "replace", lambda *names: (told.append("name"), replace(*names)))
    incoming = media.receive()
    incoming.write(b"photo")
    incoming.complete()
    path = media.keep(incoming, "a.jpg", "jpg", datetime(2024, 7, 12))
    assert told == ["sync", "name"]
    assert (media.root / path).read_bytes() == b"photo"
