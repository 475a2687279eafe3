"""The inbox: taken after two equal looks, deleted when safe, moved aside if not taken."""

import fcntl
import io
import os
import shutil
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from homequeue import facts, tasks
from homequeue.db import db
from homequeue.errors import NoSpace, NotYet, Unavailable
from homequeue.media import media
from homequeue.models import Asset, Batch, Job, Periodic, Receipt
from homequeue.queue import queue
from homequeue.services import clearing, inbox, inbox_files, ingest, xmp
from homequeue.services.headers import Identity
from tests import pictures
from tests.conftest import work_off
from tests.library import incoming, jpeg, originals, send, snapshot

RATED = '<x:xmpmeta><rdf:Description xmp:Rating="4" xmp:CreateDate="2001-02-03T04:05:06"/>'


@pytest.fixture(autouse=True)
def _no_memory():
    inbox._seen.clear()
    inbox._stuck.clear()


@pytest.fixture
def clock():
    """The clock of the looks, moved by hand; a test that undoes its own patches keeps it."""
    now = [1000.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox.time, "monotonic", lambda: now[0])
        yield now


@pytest.fixture
def folder(anna, ben):
    inbox_files.prepare()
    return inbox_files.place()


def put(folder: Path, name: str, data: bytes | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg() if data is None else data)
    return path


def take() -> dict[str, int]:
    return inbox.take(tasks.process_asset, tasks.report_soon)


def look(clock, seconds: float = inbox.SETTLE) -> dict[str, int]:
    """Look twice."""
    with pytest.raises(NotYet):
        take()
    clock[0] += seconds
    return take()


def lying(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# Taking


def test_a_file_is_taken_after_two_equal_looks(folder, clock):
    put(folder, "sea.jpg")
    with pytest.raises(NotYet) as soon:
        take()
    assert soon.value.seconds == inbox.SETTLE
    assert take() == {}, "the second look came at once"
    clock[0] += inbox.SETTLE
    assert take() == {"added": 1}
    assert lying(folder) == []
    assert len(originals()) == 1
    assert incoming() == []
    asset = Asset.get()
    assert (asset.filename, asset.owner.name) == ("sea.jpg", "Anna")
    work_off()
    assert Asset.get().state == "ready"


@pytest.mark.parametrize("how", ["grow", "date", "replace"])
def test_a_file_that_still_changes_stays(folder, clock, how):
    path = put(folder, "sea.jpg")
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    if how == "grow":
        with path.open("ab") as file:
            file.write(b"more")
    elif how == "date":
        os.utime(path, (1, 1))
    else:
        put(folder, "other.part", jpeg(2)).rename(path)
    assert take() == {}
    assert lying(folder) == ["sea.jpg"]
    clock[0] += inbox.SETTLE
    assert take() == {"added": 1}


def test_a_file_that_changes_while_it_is_read_stays(folder, clock, monkeypatch):
    path = put(folder, "sea.jpg")
    receive = ingest.receive

    def slowly(upload, chunks):
        received = receive(upload, chunks)
        with path.open("ab") as file:
            file.write(b"more")
        return received

    monkeypatch.setattr(ingest, "receive", slowly)
    assert look(clock) == {}
    assert lying(folder) == ["sea.jpg"]
    assert Asset.select().count() == 0
    assert incoming() == []


def test_a_file_that_changes_is_not_refused_either(folder, clock, monkeypatch):
    path = put(folder, "sea.jpg", jpeg()[:300])
    receive = ingest.receive

    def slowly(upload, chunks):
        with path.open("ab") as file:
            file.write(jpeg()[300:])
        return receive(upload, iter([jpeg()[:300]]))

    monkeypatch.setattr(ingest, "receive", slowly)
    assert look(clock) == {}
    assert lying(folder) == ["sea.jpg"]
    assert Receipt.select().count() == 0


def test_a_file_that_changed_after_it_was_read_is_not_deleted(folder, clock, monkeypatch):
    path = put(folder, "sea.jpg", jpeg(1))
    record = ingest.record

    def late(*words, **options):
        kept = record(*words, **options)
        put(folder, "sea.jpg", jpeg(2) + b" ")
        return kept

    monkeypatch.setattr(ingest, "record", late)
    assert look(clock) == {"added": 1}
    assert path.exists()
    monkeypatch.undo()


PARTS = [
    ".sea.jpg.Xa3f9Q", ".syncthing.sea.jpg.tmp", "~syncthing~sea.jpg.tmp", "sea.jpg.part",
    "sea.jpg.crdownload", "sea.jpg.filepart", "~sea.jpg", "sea.jpg~", ".hidden.jpg",
    "SEA.JPG.PART", ".folder/sea.jpg", "_refused/damaged/sea.jpg",
]  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_what_is_being_written_or_put_aside_is_left_alone(folder, clock, name):
    put(folder, name)
    assert not inbox.is_wanted()
    assert take() == {}
    assert lying(folder) == [name]


@pytest.mark.parametrize("kind", ["link", "folder link", "pipe", "socket"])
def test_only_plain_files_are_opened(folder, clock, tmp_path, kind):
    secret = put(tmp_path / "elsewhere", "secret.jpg")
    if kind == "link":
        (folder / "a.jpg").symlink_to(secret)
    elif kind == "folder link":
        (folder / "a").symlink_to(secret.parent)
    elif kind == "pipe":
        os.mkfifo(folder / "a.jpg")
    else:
        socket.socket(socket.AF_UNIX).bind(os.path.relpath(folder / "a.jpg"))
    assert not inbox.is_wanted()
    assert take() == {}
    assert secret.exists()


def test_a_file_that_becomes_a_link_is_not_followed(folder, clock, tmp_path):
    secret = put(tmp_path / "elsewhere", "secret.jpg")
    path = put(folder, "sea.jpg")
    seen = next(iter(inbox_files.look()))
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic link"), inbox_files.opened(seen):
        pass


def test_each_has_a_folder_and_the_rest_is_the_administrators(folder, clock):
    put(folder, "Ben/Summer/his.jpg", jpeg(1))
    put(folder, "ANNA/hers.jpg", jpeg(2))
    put(folder, "Holiday/rest.jpg", jpeg(3))
    assert look(clock) == {"added": 3}
    owners = {asset.filename: asset.owner.name for asset in Asset.select()}
    assert owners == {"his.jpg": "Ben", "hers.jpg": "Anna", "rest.jpg": "Anna"}


class TestWithAnOwner:
    @pytest.fixture
    def overrides(self, tmp_path):
        own = {"inbox.owner": "ben", "inbox.path": str(tmp_path / "drop")}
        return {"library.path": str(tmp_path / "data"), "uploads.min_free": "1M"} | own

    def test_the_rest_is_whose_the_settings_say(self, folder, clock, tmp_path):
        assert folder == tmp_path / "drop"
        assert not folder.exists(), "a folder that is away must not be made"
        assert not inbox.is_wanted()
        assert (take(), inbox.problems()) == ({}, [])
        put(folder, "sea.jpg")
        assert look(clock) == {"added": 1}
        assert Asset.get().owner.name == "Ben"

    def test_an_owner_who_is_not_there(self, folder, clock, ben):
        put(folder, "sea.jpg")
        ben.delete_instance()
        assert not inbox.is_wanted()
        assert take() == {}
        assert "nobody called so" in inbox.problems()[0]


def test_what_was_here_before_is_deleted_too(folder, clock, anna):
    send(anna, jpeg())
    put(folder, "again.jpg")
    assert look(clock) == {"known": 1}
    assert lying(folder) == []
    assert len(originals()) == 1


def test_many_are_taken_in_portions_and_one_batch(folder, clock, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 3)
    for number in range(7):
        put(folder, f"{number}.jpg", jpeg(number))
    assert look(clock) == {"added": 7}
    assert [batch.kind for batch in Batch.select()] == ["inbox"]
    assert Receipt.select().where(Receipt.outcome == "added").count() == 7


def test_other_work_has_its_turn(folder, clock, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 2)
    for number in range(3):
        put(folder, f"{number}.jpg", jpeg(number))
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    record = ingest.record

    def slowly(*words, **options):
        clock[0] += inbox.LONGEST
        return record(*words, **options)

    monkeypatch.setattr(ingest, "record", slowly)
    with pytest.raises(NotYet, match="more") as soon:
        take()
    assert soon.value.seconds == 0
    assert lying(folder) == ["2.jpg"]
    assert take() == {"added": 1}


def test_a_sidecar_goes_with_its_photo(folder, clock):
    put(folder, "sea.jpg")
    put(folder, "sea.jpg.xmp", RATED.encode())
    assert look(clock) == {"added": 1}
    assert lying(folder) == []
    work_off()
    assert (Asset.get().rating, Asset.get().taken_at_source) == (4, "sidecar")


def test_a_sidecar_waits_for_the_last_of_its_photos(folder, clock):
    put(folder, "sea.jpg", jpeg(1))
    put(folder, "sea.xmp", RATED.encode())
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    put(folder, "sea.png", pictures.data(pictures.scene(), "PNG"))
    with pytest.raises(NotYet):
        take()
    assert lying(folder) == ["sea.png", "sea.xmp"]
    clock[0] += inbox.SETTLE
    assert take() == {"added": 1}
    assert lying(folder) == []
    assert {bool(asset.sidecar) for asset in Asset.select()} == {True}


def test_a_sidecar_alone_costs_nothing_and_stays(folder, clock):
    put(folder, "lost.xmp", RATED.encode())
    put(folder, "Thumbs.db")
    assert not inbox.is_wanted()
    assert take() == {}
    assert lying(folder) == ["Thumbs.db", "lost.xmp"]


# Writers who are slow


def test_a_file_that_somebody_has_open_to_write_stays(folder, clock):
    """A copy over Wi-Fi stalls for longer than the two looks are apart."""
    path = folder / "sea.jpg"
    with path.open("wb") as file:
        file.write(jpeg())
        file.flush()
        assert look(clock, inbox.REST) == {}
        file.write(b"the rest")
    assert path.read_bytes() == jpeg() + b"the rest"
    assert look_on(clock) == {"added": 1}
    assert Asset.get().size == len(jpeg()) + 8


def look_on(clock, seconds: float = inbox.SETTLE) -> dict[str, int]:
    """Look twice at what was seen before."""
    take()
    clock[0] += seconds
    return take()


@pytest.mark.parametrize("error", [13, 22, 95])
def test_where_nobody_can_be_asked_for_writers_all_is_taken(folder, clock, monkeypatch, error):
    def refuse(_handle, command, _argument):
        if command == fcntl.F_SETLEASE:
            raise OSError(error, "no leases")

    monkeypatch.setattr(inbox_files.fcntl, "fcntl", refuse)
    put(folder, "sea.jpg")
    assert look(clock) == {"added": 1}


def test_a_writer_who_comes_while_we_ask_does_not_end_us(folder, clock, monkeypatch):
    path = put(folder, "sea.jpg")
    ask, came = fcntl.fcntl, []

    def disturbed(handle, command, argument):
        ask(handle, command, argument)
        if argument == fcntl.F_RDLCK:
            with pytest.raises(BlockingIOError):
                os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            came.append(path)

    monkeypatch.setattr(inbox_files.fcntl, "fcntl", disturbed)
    assert look(clock) == {"added": 1}
    assert came == [path]


def cut() -> bytes:
    whole = pictures.data(pictures.scene(1200, 900), quality=95)
    return whole[: len(whole) * 2 // 3]


@pytest.mark.parametrize(
    ("data", "outcome"), [(cut(), "added"), (jpeg()[:300], "refused"), (b"", "refused")]
)
def test_what_looks_cut_off_is_given_time(folder, clock, data, outcome):
    """Its writer may be on another machine, where nobody can be asked."""
    path = put(folder, "sea.jpg", data)
    assert look(clock) == {}
    assert path.read_bytes() == data
    assert incoming() == []
    clock[0] += inbox.REST - inbox.SETTLE - 1
    assert take() == {}
    clock[0] += 1
    assert take() == {outcome: 1}


@pytest.mark.parametrize(
    ("mime", "kind", "is_cut", "whole"),
    [
        ("video/mp4", "MP4", False, True),
        ("video/mp4", "MP4", True, False),
        ("video/x-matroska", "Matroska", False, False),
        ("image/heic", "HEIC", False, True),
        ("image/heic", "HEIC", True, False),
        ("image/x-sony-arw", "ARW", False, False),
    ],
)
def test_of_some_kinds_one_sees_whether_they_are_whole(mime, kind, is_cut, whole):
    identity = Identity(kind, mime, "x", 1, 1, is_cut)
    assert inbox._is_complete(io.BytesIO(b"x"), identity) == whole
    filling = io.BytesIO(b"x" + bytes(inbox.TAIL))
    assert not inbox._is_complete(filling, identity), "it was made as long as it will be"


# Between the look and the deletion


def test_what_is_put_there_while_the_old_one_is_deleted_stays(folder, clock, monkeypatch):
    """A program that replaces a file by rename does so between any two steps."""
    path = put(folder, "sea.jpg", jpeg(1))
    rename = Path.rename

    def late(self, target):
        put(folder, "new.part", jpeg(2)).replace(path)
        monkeypatch.undo()
        return rename(self, target)

    monkeypatch.setattr(inbox.time, "monotonic", lambda: clock[0])
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    monkeypatch.setattr(Path, "rename", late)
    assert take() == {"added": 1}
    assert lying(folder) == ["sea.jpg"]
    assert path.read_bytes() == jpeg(2)


def test_of_three_files_of_one_name_none_is_lost(folder, clock, monkeypatch):
    put(folder, "sea.jpg", jpeg(1))
    (seen,) = inbox_files.look()
    put(folder, "sea.jpg", jpeg(2) + b" ")
    rename = Path.rename

    def late(self, target):
        rename(self, target)
        put(folder, "sea.jpg", jpeg(3))

    monkeypatch.setattr(Path, "rename", late)
    clearing.remove(seen)
    monkeypatch.setattr(Path, "rename", rename)
    assert len(lying(folder)) == 2
    assert look(clock) == {"added": 2}
    assert {asset.filename for asset in Asset.select()} == {"sea.jpg"}
    assert lying(folder) == []


@pytest.mark.parametrize("how", ["renamed", "deleted", "replaced"])
def test_a_folder_that_is_gone_meanwhile_is_nothing_to_clear(folder, clock, monkeypatch, how):
    put(folder, "Anna/holiday/sea.jpg")
    put(folder, "Anna/holiday/sea.xmp", RATED.encode())
    record, holiday = ingest.record, folder / "Anna" / "holiday"

    def late(*words, **options):
        kept = record(*words, **options)
        holiday.rename(holiday.with_name("later"))
        if how == "deleted":
            shutil.rmtree(holiday.with_name("later"))
        if how == "replaced":
            put(folder, "Anna/holiday/hill.jpg", jpeg(2))
        return kept

    monkeypatch.setattr(ingest, "record", late)
    assert look(clock) == {"added": 1}
    assert len(originals()) == 1
    assert inbox._stuck == {}, "nobody is told of a file that is where its owner put it"
    moved = ["Anna/later/sea.jpg", "Anna/later/sea.xmp"]
    assert (
        lying(folder)
        == {
            "renamed": moved,
            "deleted": [],
            "replaced": ["Anna/holiday/hill.jpg", *moved],
        }[how]
    )


@pytest.mark.parametrize("name", ["sea.jpg", "s" * 250 + ".jpg"])
def test_a_kill_while_it_is_deleted_costs_nothing(folder, clock, monkeypatch, name):
    put(folder, name)
    put(folder, "sea.xmp", RATED.encode())
    unlink = Path.unlink

    def kill(self, **options):
        if self.parent.resolve() == folder and self.suffix == ".jpg":
            raise KeyboardInterrupt
        unlink(self, **options)

    monkeypatch.setattr(Path, "unlink", kill)
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    with pytest.raises(KeyboardInterrupt):
        take()
    monkeypatch.setattr(Path, "unlink", unlink)
    assert inbox.is_wanted()
    assert look(clock) == {"known": 1}
    assert lying(folder) == ([] if name == "sea.jpg" else ["sea.xmp"])
    assert Asset.select().count() == 1


# Sidecars


def test_a_sidecar_of_what_was_here_before_is_kept(folder, clock, anna):
    send(anna, jpeg())
    work_off()
    put(folder, "sea.jpg")
    put(folder, "sea.jpg.xmp", RATED.encode())
    assert look(clock) == {"known": 1}
    assert lying(folder) == []
    work_off()
    assert (Asset.get().rating, Asset.get().sidecar) == (4, RATED)


def other_sidecar(folder) -> bytes:
    data = RATED.replace("4", "5").encode()
    put(folder, "sea.xmp", data)
    return data


def too_long(folder) -> bytes:
    data = RATED.encode() + b" " * 2 * xmp.MOST + b"the end"
    put(folder, "sea.xmp", data)
    return data


def no_text(folder) -> bytes:
    data = RATED.encode() + "Grüße".encode("latin-1")
    put(folder, "sea.xmp", data)
    return data


def with_zeros(folder) -> bytes:
    data = RATED.encode("utf-16-le")
    put(folder, "sea.xmp", data)
    return data


@pytest.mark.parametrize("lay", [other_sidecar, too_long, no_text, with_zeros])
def test_a_sidecar_that_could_not_be_kept_is_moved_aside(folder, clock, anna, lay):
    send(anna, jpeg())
    Asset.update(sidecar=RATED).execute()
    put(folder, "sea.jpg")
    data = lay(folder)
    assert look(clock) == {"known": 1}
    assert lying(folder) == ["_refused/sidecar/sea.xmp"]
    assert (folder / "_refused/sidecar/sea.xmp").read_bytes() == data
    assert Asset.get().sidecar == RATED


def test_a_new_photo_with_a_sidecar_that_is_too_long(folder, clock):
    put(folder, "Ben/sea.jpg")
    data = too_long(folder / "Ben")
    assert look(clock) == {"added": 1}
    assert (folder / "Ben/_refused/sidecar/sea.xmp").read_bytes() == data


def test_a_sidecar_that_changed_meanwhile_is_not_deleted(folder, clock, monkeypatch):
    put(folder, "sea.jpg")
    path = put(folder, "sea.xmp", RATED.encode())
    record = ingest.record

    def late(*words, **options):
        path.write_bytes(b"another one")
        return record(*words, **options)

    monkeypatch.setattr(ingest, "record", late)
    assert look(clock) == {"added": 1}
    assert path.read_bytes() == b"another one"


def test_a_sidecar_is_gone_before_its_photo(folder, clock, monkeypatch):
    """Else it would be taken for that of the next photo of this name, after a kill."""
    put(folder, "sea.jpg")
    put(folder, "sea.xmp", RATED.encode())
    order, unlink = [], Path.unlink

    def watch(self, **options):
        order.append(self.suffix)
        unlink(self, **options)

    monkeypatch.setattr(Path, "unlink", watch)
    look(clock)
    assert [suffix for suffix in order if suffix in (".xmp", ".jpg")] == [".xmp", ".jpg"]


def test_a_sidecar_whose_photo_does_not_come_is_moved_aside(folder, clock, monkeypatch):
    for name in ("lost.xmp", "Ben/LOST.XMP"):
        put(folder, name, RATED.encode())
    put(folder, "Thumbs.db")
    put(folder, "here.jpg")
    put(folder, "here.xmp", RATED.encode())
    began = time.time()
    monkeypatch.setattr(inbox_files.time, "time", lambda: began + inbox_files.ALONE - 60)
    assert [one.path.name for one in inbox_files.look()] == ["here.jpg"]
    monkeypatch.setattr(inbox_files.time, "time", lambda: began + inbox_files.ALONE + 60)
    assert look(clock) == {"added": 1, "refused": 2}
    aside = ["Ben/_refused/sidecar/LOST.XMP", "Thumbs.db", "_refused/sidecar/lost.xmp"]
    assert lying(folder) == aside
    assert not inbox.is_wanted()


def test_what_only_goes_with_photos_is_moved_aside_in_the_end(folder, clock, monkeypatch):
    for name in ("IMG_1.aae", "IMG_1.jpg.json", "Ben/MVI_2.THM", "Thumbs.db", "a/desktop.ini"):
        put(folder, name, b"{}")
    put(folder, "IMG_1.jpg")
    assert look(clock) == {"added": 1}
    began = time.time()
    monkeypatch.setattr(inbox_files.time, "time", lambda: began + inbox_files.ALONE + 60)
    assert look(clock) == {"refused": 3}
    assert lying(folder) == [
        "Ben/_refused/companion/MVI_2.THM",
        "Thumbs.db",
        "_refused/companion/IMG_1.aae",
        "_refused/companion/IMG_1.jpg.json",
        "a/desktop.ini",
    ]
    assert not inbox.is_wanted()
    assert len(inbox.problems()) == 2
    words = {row.words for row in Receipt.select().where(Receipt.outcome == "refused")}
    assert words == {inbox.LEFT[clearing.COMPANION]}


# What is never finished


def test_what_has_been_unfinished_for_a_day_is_told_of(folder, monkeypatch):
    names = (".x.jpg", "Anna/x.tmp", "~a.jpg", "a.part", "~Mum", "Summer.old~")
    litter = ("._IMG_1.jpg", ".DS_Store", ".stfolder/a.tmp", "_refused/damaged/a.part", "b.jpg")
    for name in (*names[:4], "~Mum/a.jpg", "Summer.old~/a/b.tmp", *litter):
        put(folder, name)
    (folder / "empty.tmp").mkdir()
    assert inbox.problems()[1:] == []
    began = time.time()
    monkeypatch.setattr(inbox_files.time, "time", lambda: began + inbox_files.UNFINISHED + 60)
    assert sorted(inbox_files.unfinished()) == sorted(folder / name for name in names)
    assert f"{folder}/Summer.old~ and 5 more: named like something unf" in inbox.problems()[1]


def test_links_are_told_of(folder, tmp_path):
    put(tmp_path / "elsewhere", "a.jpg")
    (folder / "Anna").symlink_to(tmp_path / "elsewhere")
    put(folder, "Ben/b.jpg")
    (folder / "Ben/c.jpg").symlink_to("b.jpg")
    (folder / ".hidden").symlink_to("b.jpg")
    assert inbox.problems() == [
        f"The inbox: {folder}/Anna and 1 more: links are not followed. "
        "Put the photos there themselves."
    ]


# What is not taken


def refused(folder, clock, name: str, data: bytes) -> str:
    put(folder, name, data)
    assert look(clock, inbox.REST) == {"refused": 1}
    (place,) = lying(folder)
    assert (folder / place).read_bytes() == data
    return place


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("notes.txt", b"milk", "_refused/not-a-photo/notes.txt"),
        ("empty.jpg", b"", "_refused/empty/empty.jpg"),
        ("cut.jpg", jpeg()[:300], "_refused/damaged/cut.jpg"),
        ("a.zip", b"PK\3\4", "_refused/not-a-photo/a.zip"),
        ("Ben/notes.txt", b"milk", "Ben/_refused/not-a-photo/notes.txt"),
        ("Ben/a/b/notes.txt", b"milk", "Ben/_refused/not-a-photo/notes.txt"),
        ("a/notes.txt", b"milk", "_refused/not-a-photo/notes.txt"),
    ],
)
def test_what_is_refused_is_moved_by_its_reason(folder, clock, name, data, place):
    assert refused(folder, clock, name, data) == place
    (line,) = inbox.problems()
    aside = folder / f"{place.partition('_refused')[0]}_refused"
    assert line == f"1 file was not taken out of the inbox. Look into {aside}"
    receipt = Receipt.get()
    assert (receipt.outcome, receipt.filename) == ("refused", name.rpartition("/")[2])
    assert not inbox.is_wanted()
    assert Asset.select().count() == 0


class TestWithSmallFiles:
    @pytest.fixture
    def overrides(self, tmp_path):
        own = {"uploads.max_size": "100"}
        return {"library.path": str(tmp_path / "data"), "uploads.min_free": "1M"} | own

    def test_what_is_too_large(self, folder, clock):
        assert refused(folder, clock, "sea.jpg", jpeg()) == "_refused/too-large/sea.jpg"


@pytest.mark.parametrize("place", ["Ben/_refused", "Ben/_refused/not-a-photo"])
def test_nothing_is_moved_through_a_link(folder, clock, tmp_path, caplog, place):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    put(folder, "Ben/notes.txt", b"milk")
    link = folder / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    assert look(clock) == {}
    assert list(elsewhere.rglob("*")) == []
    assert lying(folder) == ["Ben/notes.txt"]
    assert f"in the place of the folder {link.name}" in caplog.text
    assert inbox.problems() == [
        f"{link} is a link: what is not taken out of the inbox cannot be moved there. "
        "Put a folder in its place."
    ]
    link.unlink()
    clock[0] += inbox.AGAIN
    assert take() == {"refused": 1}
    assert lying(folder) == ["Ben/_refused/not-a-photo/notes.txt"]


@pytest.mark.parametrize("data", [jpeg(), b"milk"])
def test_nothing_is_taken_through_a_link_that_was_a_folder(folder, clock, monkeypatch, data):
    """Its date and inode are the same: only the way to it has become a link."""
    path = put(folder, "a/sea.jpg", data)
    elsewhere = folder.parent / "elsewhere"

    def divert(size):
        path.parent.rename(elsewhere)
        path.parent.symlink_to(elsewhere)

    monkeypatch.setattr(ingest, "check_room", divert)
    assert look(clock) == {}
    assert lying(elsewhere) == ["sea.jpg"]
    assert Asset.select().count() == 0


def test_names_that_are_taken_get_a_number(folder, clock):
    for number in range(3):
        put(folder, f"{number}/notes.txt", b"%d" % number)
    put(folder, "0/notes.txt.xmp", b"beside")
    assert look(clock) == {"refused": 3}
    aside = folder / "_refused" / "not-a-photo"
    names = ["notes (2).txt", "notes (3).txt", "notes.txt", "notes.txt.xmp"]
    assert lying(aside) == names
    assert {(aside / name).read_bytes() for name in names} == {b"0", b"1", b"2", b"beside"}
    assert lying(folder) == [f"_refused/not-a-photo/{name}" for name in names]


def test_a_sidecar_is_copied_where_there_are_no_hard_links(folder, clock, monkeypatch):
    def none(*_words, **_options):
        raise OSError(95, "Operation not supported")

    put(folder, "notes.txt", b"milk")
    put(folder, "notes.txt.xmp", b"beside")
    monkeypatch.setattr(clearing.os, "link", none)
    assert look(clock) == {"refused": 1}
    aside = folder / "_refused" / "not-a-photo"
    assert (aside / "notes.txt.xmp").read_bytes() == b"beside"


def test_refused_and_taken_side_by_side(folder, clock):
    put(folder, "notes.txt", b"milk")
    put(folder, "sea.jpg")
    assert look(clock) == {"added": 1, "refused": 1}
    assert {row.outcome for row in Receipt.select()} == {"added", "refused"}
    assert Batch.select().count() == 1


# What stands in the way


@pytest.mark.parametrize("closed", ["file", "folder", "listing"])
def test_what_is_closed_stays_and_is_said_once(folder, clock, closed, caplog):
    path = put(folder, "a/sea.jpg")
    what = path if closed == "file" else path.parent
    what.chmod({"file": 0o000, "folder": 0o500, "listing": 0o000}[closed])
    if os.access(what, os.R_OK | os.W_OK):
        pytest.skip("nothing is closed to root")
    try:
        assert inbox.is_wanted()
        assert look(clock) == {}
        assert "let homequeue read it" in caplog.text
        assert "let homequeue read it" in inbox.problems()[0]
        assert not inbox.is_wanted()
        caplog.clear()
        clock[0] += inbox.AGAIN
        assert inbox.is_wanted()
        assert take() == {}
        assert caplog.text == ""
    finally:
        what.chmod(0o700)
    clock[0] += inbox.AGAIN
    assert inbox.is_wanted()
    take() if closed != "listing" else look(clock)
    assert inbox.problems() == []
    assert Asset.select().count() == 1


def closed(monkeypatch, name: str) -> None:
    """Let an operation on files fail, as for want of the right to it."""
    plain = getattr(Path, name)

    def refuse(self, *words, **options):
        if "inbox" in self.resolve().parts:
            raise PermissionError(13, "Permission denied")
        return plain(self, *words, **options)

    monkeypatch.setattr(Path, name, refuse)


@pytest.mark.parametrize("data", [jpeg(), b"milk"])
def test_what_cannot_be_moved_is_left_alone_for_a_while(folder, clock, monkeypatch, data):
    put(folder, "sea.jpg", data)
    closed(monkeypatch, "rename")
    look(clock)
    assert lying(folder) == ["sea.jpg"]
    assert not inbox.is_wanted()
    assert Receipt.select().count() == (data == jpeg())
    monkeypatch.undo()
    inbox._stuck.clear()
    inbox._seen.clear()
    assert inbox.is_wanted()


def test_without_room_nothing_is_moved(folder, clock, monkeypatch):
    put(folder, "sea.jpg")
    put(folder, "notes.txt", b"milk")
    monkeypatch.setattr(type(media), "free_bytes", lambda _: 0)
    assert not inbox.is_wanted()
    look(clock)
    assert lying(folder) == ["notes.txt", "sea.jpg"]
    assert Asset.select().count() == Receipt.select().count() == 0


def test_a_file_for_which_there_is_no_room_lets_others_pass(folder, clock, monkeypatch):
    check = ingest.check_room

    def small_only(size=0):
        if size > 5000:
            raise NoSpace("The disk of the server is nearly full.")
        check(size)

    monkeypatch.setattr(ingest, "check_room", small_only)
    put(folder, "film.jpg", jpeg(1) + bytes(9000))
    put(folder, "sea.jpg", jpeg(2))
    assert look(clock) == {"added": 1}
    assert lying(folder) == ["film.jpg"]
    assert not inbox.is_wanted()


def test_a_library_that_is_away_keeps_everything(folder, clock):
    put(folder, "sea.jpg")
    marker = media.root / "originals" / ".homequeue"
    marker.unlink()
    assert not inbox.is_wanted()
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    with pytest.raises(Unavailable):
        take()
    marker.touch()
    assert take() == {"added": 1}


def test_an_inbox_that_is_away_breaks_nothing(folder, clock):
    folder.rmdir()
    assert take() == {}
    assert inbox.problems() == []
    assert not inbox.is_wanted()
    assert folder.exists(), "that of the data folder is made"


# Crashes


@pytest.mark.parametrize("at", ["record", "remove", "put_aside", "refuse"])
def test_whatever_is_cut_off_is_done_once(folder, clock, monkeypatch, at):
    put(folder, "sea.jpg", jpeg(1))
    put(folder, "notes.txt", b"milk")
    place = {
        "record": ingest,
        "remove": clearing,
        "put_aside": clearing,
        "refuse": inbox.receipts,
    }[at]

    def crash(*_words, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, at, crash)
    with pytest.raises(NotYet):
        take()
    clock[0] += inbox.SETTLE
    with pytest.raises(KeyboardInterrupt):
        take()
    assert len(lying(folder)) == 2, "nothing is gone"
    monkeypatch.undo()
    take()
    assert lying(folder) == ["_refused/not-a-photo/notes.txt"]
    assert Asset.select().count() == len(originals()) == 1


def test_nothing_is_deleted_before_the_disk_has_it(folder, clock, monkeypatch):
    order = []
    durable, unlink = db.obj.durable, clearing.remove

    @contextmanager
    def watched():
        with durable():
            yield
            order.append(f"{Asset.select().count()} in it")
        order.append("on the disk")

    def remove(*words, **options):
        unlink(*words, **options)
        order.append("deleted")

    monkeypatch.setattr(db.obj, "durable", watched)
    monkeypatch.setattr(clearing, "remove", remove)
    put(folder, "sea.jpg")
    look(clock)
    assert order == ["1 in it", "on the disk", "deleted"]


# The clock of the queue


def test_an_empty_inbox_writes_nothing(folder):
    queue.start_due(time.time())
    Periodic.update(last_due=1).where(Periodic.task == "empty_inbox").execute()
    Periodic.update(is_on=False).where(Periodic.task != "empty_inbox").execute()
    before = snapshot()
    for minute in range(5):
        queue.start_due(time.time() + minute)
    assert snapshot() == before


def test_a_file_is_looked_at_when_it_is_due(folder):
    queue.start_due(time.time())
    put(folder, "sea.jpg")
    Periodic.update(last_due=1).where(Periodic.task == "empty_inbox").execute()
    queue.start_due(time.time())
    job = Job.get(Job.task == "empty_inbox")
    work_off()
    assert Job.get_by_id(job.id).state == "scheduled", "it waits for the second look"


class TestWithChannels:
    @pytest.fixture
    def overrides(self, tmp_path):
        own = {"notifications.urls": "json://127.0.0.1:9"}
        return {"library.path": str(tmp_path / "data"), "uploads.min_free": "1M"} | own

    def test_one_notification_for_all(self, folder, clock, monkeypatch, ben):
        monkeypatch.setattr(inbox, "BATCH", 2)
        for number in range(5):
            put(folder, f"Ben/{number}.jpg", jpeg(number))
        look(clock)
        reports = Job.select().where(Job.task == "report_uploads")
        assert [(job.user, job.state) for job in reports] == [(ben.id, "scheduled")]


def test_facts_are_not_used(folder, clock):
    """What is remembered between two looks is lost with the process, and that costs nothing."""
    put(folder, "sea.jpg")
    before = snapshot()
    with pytest.raises(NotYet):
        take()
    assert snapshot() == before
    assert facts.recall("inbox") is None
