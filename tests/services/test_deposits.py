"""Deposits: what is shown of an inbox, before and after its files were taken from there."""

import errno
import os
import subprocess
import time

import pytest

from homequeue import config
from homequeue.db import db, is_shared
from homequeue.errors import Conflict, Invalid, NoSpace, NotAllowed, NotFound, Unavailable
from homequeue.media import media
from homequeue.models import Asset, Deposit
from homequeue.services import deposits, inbox_files, placing, users
from tests.library import jpeg, row

pytestmark = pytest.mark.usefixtures("house")


def send(user, place: str, data: bytes = b"a photo", modified_at: float | None = None):
    incoming = media.receive()
    incoming.write(data)
    found = deposits.put(user, place, incoming, modified_at)
    incoming.discard()
    return found


def lies(user, place: str):
    return media.root / "inbox" / user.name / place


def take(user, place: str, asset: bool = True) -> None:
    """As the task that looks into the inbox does."""
    path = lies(user, place)
    incoming = media.receive()
    incoming.write(path.read_bytes())
    if asset:
        kept = f"originals/{incoming.checksum}"
        (media.root / kept).write_bytes(path.read_bytes())
        row(user, Asset.select().count() + 1, checksum=incoming.checksum, path=kept)
    incoming.discard()
    path.unlink()


def names(user, place: str = "") -> list[str]:
    return list(deposits.members(user, place))


def test_an_inbox_that_is_not_there_is_empty(anna):
    assert deposits.look(anna, "").is_folder
    assert names(anna) == []
    assert deposits.look(anna, "a.jpg") is None
    assert not (media.root / "inbox").exists(), "nothing is made for a look"


def test_what_is_put_lies_there_for_its_owner_only(anna, ben):
    found = send(anna, "a.jpg", b"hello", 1.5e9)
    path = lies(anna, "a.jpg")
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mtime == 1.5e9
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert deposits.look(anna, "a.jpg") == found
    assert names(ben) == []
    assert deposits.look(ben, "a.jpg") is None


def test_what_was_taken_is_shown_as_it_was(anna):
    before = send(anna, "a.jpg", jpeg(1), 1.5e9)
    take(anna, "a.jpg")
    assert deposits.look(anna, "a.jpg") == before
    assert deposits.members(anna, "") == {"a.jpg": before}
    with deposits.read(anna, "a.jpg") as file:
        assert file.read() == jpeg(1)


def test_what_was_sent_before_under_a_name_is_kept_under_another(anna):
    """Two phones of one account both call their first photo IMG_0001.jpg, within a minute."""
    for data in (b"the first", b"the second", b"the second", b"", b"the fourth"):
        send(anna, "IMG_0001.jpg", data)
    there = sorted(path.read_bytes() for path in lies(anna, "").iterdir())
    assert there == [b"the first", b"the fourth", b"the second"]
    assert lies(anna, "IMG_0001.jpg").read_bytes() == b"the fourth"


def test_a_long_name_gives_way_too(anna):
    name = "ß" * 125 + ".jpg"
    send(anna, name, b"the first")
    send(anna, name, b"the second")
    assert len(list(lies(anna, "").iterdir())) == 2


def test_the_newer_sidecar_is_the_one_that_counts(anna):
    send(anna, "a.xmp", b"three stars")
    send(anna, "a.xmp", b"four stars")
    assert [path.read_bytes() for path in lies(anna, "").iterdir()] == [b"four stars"]


def test_nobody_makes_folders_without_end(anna):
    deep = "/".join(["a"] * inbox_files.DEEPEST)
    deposits.make_folder(anna, deep)
    with pytest.raises(Invalid, match="64 folders"):
        deposits.make_folder(anna, f"{deep}/a")
    with pytest.raises(NotFound):
        deposits.look(anna, f"{deep}/a")


@pytest.fixture
def bottomless(anna):
    """A folder that nobody can walk through, as who has the inbox by Samba may make one."""
    send(anna, "a.jpg")
    home = os.open(lies(anna, ""), os.O_DIRECTORY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=home)
        above, home = home, os.open("d", os.O_DIRECTORY, dir_fd=home)
        os.close(above)
    os.close(home)
    yield lies(anna, "d")
    subprocess.run(["rm", "-rf", lies(anna, "d")], check=True)


def test_a_folder_without_bottom_costs_nobody_else_anything(anna, bottomless):
    assert deposits.forget() == 0
    with pytest.raises(Conflict, match="64 folders"):
        deposits.remove(anna, bottomless.name)
    found = {lying.path.name: lying.problem for lying in inbox_files.look()}
    assert found == {"a.jpg": "", "d": inbox_files.TOO_DEEP}
    assert inbox_files.links() == inbox_files.unfinished() == []


def test_what_was_refused_or_purged_is_not_asked_for_again(anna):
    send(anna, "a.jpg", b"no photo")
    take(anna, "a.jpg", asset=False)
    assert names(anna) == ["a.jpg"]
    with pytest.raises(NotFound, match="not in the library any more"):
        deposits.read(anna, "a.jpg")


def test_nobody_reads_what_only_another_one_has(anna, ben):
    send(anna, "a.jpg", b"hers")
    take(anna, "a.jpg")
    Deposit.update(user=ben.id).execute()
    with pytest.raises(NotFound):
        deposits.read(ben, "a.jpg")


def test_folders_are_shown_while_something_was_in_them(anna):
    for place in ("a/b/c.jpg", "a/d.jpg", "ab/e.jpg", "a%/f.jpg"):
        send(anna, place)
        take(anna, place, asset=False)
    for folder in ("a/b", "a", "ab", "a%"):
        lies(anna, folder).rmdir()
    assert names(anna) == ["a", "a%", "ab"]
    assert names(anna, "a") == ["b", "d.jpg"]
    assert names(anna, "a%") == ["f.jpg"]
    assert names(anna, "a/b") == ["c.jpg"]
    assert deposits.look(anna, "a/b").is_folder
    assert deposits.look(anna, "a%").is_folder
    assert deposits.look(anna, "A") is None
    assert deposits.look(anna, "b") is None


def test_what_others_put_there_is_shown_too(anna):
    send(anna, "a.jpg", b"mine")
    lies(anna, "b.jpg").write_bytes(b"by Samba")
    lies(anna, "folder").mkdir()
    lies(anna, placing.PARTIAL + "x").write_bytes(b"half")
    lies(anna, "link.jpg").symlink_to("/etc/passwd")
    os.mkfifo(lies(anna, "pipe"))
    found = deposits.members(anna, "")
    assert list(found) == ["a.jpg", "b.jpg", "folder"]
    assert found["b.jpg"].size == 8
    assert found["b.jpg"].checksum == ""
    assert found["b.jpg"].tag
    lies(anna, "a.jpg").write_bytes(b"another one")
    assert deposits.look(anna, "a.jpg").checksum == ""
    assert deposits.look(anna, "a.jpg").size == 11


def test_a_second_one_takes_the_place_of_the_first(anna):
    send(anna, "a.jpg", b"one")
    take(anna, "a.jpg")
    second = send(anna, "a.jpg", b"another")
    assert second.size == 7
    assert deposits.look(anna, "a.jpg") == second
    with deposits.read(anna, "a.jpg") as file:
        assert file.read() == b"another"
    assert Deposit.select().count() == 1


def test_an_empty_file_is_only_written_down(anna):
    """Windows and Finder send one first, and the photo some minutes later."""
    send(anna, "a.jpg", b"old")
    found = deposits.put(anna, "a.jpg", None, None)
    assert found.size == 0
    assert not lies(anna, "a.jpg").exists()
    assert deposits.read(anna, "a.jpg").read() == b""
    incoming = media.receive()
    assert deposits.put(anna, "b.jpg", incoming, None).size == 0
    incoming.discard()
    assert names(anna) == ["a (2).jpg", "a.jpg", "b.jpg"]


def test_the_tag_is_of_the_bytes(anna):
    first = send(anna, "a.jpg", b"one", 1.0)
    again = send(anna, "a.jpg", b"one", 2.0)
    other = send(anna, "a.jpg", b"two", 2.0)
    assert first.tag == again.tag != other.tag


# Changes


def test_moving_a_file_that_lies_there(anna):
    send(anna, "a.jpg.tmp")
    deposits.move(anna, "a.jpg.tmp", "2026/a.jpg")
    assert lies(anna, "2026/a.jpg").exists()
    assert (names(anna), names(anna, "2026")) == (["2026"], ["a.jpg"])


def test_moving_what_was_taken(anna):
    before = send(anna, "a.jpg")
    take(anna, "a.jpg")
    deposits.move(anna, "a.jpg", "b.jpg")
    assert deposits.members(anna, "") == {"b.jpg": before}


def test_moving_a_folder_with_what_was_in_it(anna):
    for place in ("a/b/c.jpg", "a/d.jpg", "ab.jpg"):
        send(anna, place)
    take(anna, "a/d.jpg")
    deposits.move(anna, "a", "x/y")
    assert names(anna) == ["ab.jpg", "x"]
    assert names(anna, "x/y") == ["b", "d.jpg"]
    assert names(anna, "x/y/b") == ["c.jpg"]
    assert lies(anna, "x/y/b/c.jpg").exists()


@pytest.mark.parametrize("taken", [True, False])
def test_copying_a_file(anna, taken):
    before = send(anna, "a.jpg", b"the same", 1.5e9)
    if taken:
        take(anna, "a.jpg")
    deposits.copy(anna, "a.jpg", "b.jpg")
    assert deposits.look(anna, "b.jpg") == deposits.look(anna, "a.jpg") == before
    with deposits.read(anna, "b.jpg") as file:
        assert file.read() == b"the same"


def test_copying_a_folder_makes_one(anna):
    send(anna, "a/b.jpg")
    deposits.copy(anna, "a", "c")
    assert (names(anna), names(anna, "c")) == (["a", "c"], [])


def test_deleting_takes_nothing_out_of_the_library(anna):
    send(anna, "a/b.jpg")
    take(anna, "a/b.jpg")
    send(anna, "a/c.jpg")
    send(anna, "ab.jpg")
    deposits.remove(anna, "a")
    assert names(anna) == ["ab.jpg"]
    assert not lies(anna, "a").exists()
    assert Asset.select().count() == 1
    deposits.remove(anna, "ab.jpg")
    assert names(anna) == []
    deposits.remove(anna, "ab.jpg")


def test_a_moment_can_be_set(anna):
    send(anna, "a.jpg")
    deposits.touch(anna, "a.jpg", 1.4e9)
    assert deposits.look(anna, "a.jpg").modified_at == 1.4e9
    take(anna, "a.jpg")
    assert deposits.look(anna, "a.jpg").modified_at == 1.4e9
    deposits.touch(anna, "a.jpg", 1.3e9)
    assert deposits.look(anna, "a.jpg").modified_at == 1.3e9


@pytest.mark.parametrize("given", [0.0, 1.7e12, 1e25, float("inf")])
def test_a_moment_that_cannot_be_is_not_believed(anna, given):
    now = time.time()
    assert abs(send(anna, "a.jpg", modified_at=given).modified_at - now) < 60
    deposits.touch(anna, "a.jpg", given)
    assert abs(deposits.look(anna, "a.jpg").modified_at - now) < 60


def test_a_copy_needs_room_too(anna, monkeypatch):
    send(anna, "a.jpg", b"x" * 1000)
    floor = config.settings().uploads.min_free
    monkeypatch.setattr(type(media), "free_bytes", lambda _: floor + 999)
    with pytest.raises(NoSpace):
        deposits.copy(anna, "a.jpg", "b.jpg")
    assert names(anna) == ["a.jpg"]
    monkeypatch.setattr(type(media), "free_bytes", lambda _: floor + 1000)
    deposits.copy(anna, "a.jpg", "b.jpg")
    assert names(anna) == ["a.jpg", "b.jpg"]


# What came another way


def scan(user, place: str, data: bytes = b"by a scanner") -> None:
    lies(user, place).parent.mkdir(parents=True, exist_ok=True)
    lies(user, place).write_bytes(data)


@pytest.mark.parametrize("place", ["scans", "scans/a.jpg", "scans/below", "scans/.hidden"])
def test_what_came_another_way_is_not_removed_with_what_was_sent(anna, place):
    send(anna, "scans/sent.jpg")
    for name in ("scans/a.jpg", "scans/below/b.jpg", "scans/.hidden"):
        scan(anna, name)
    with pytest.raises(NotAllowed, match="Something else lies there"):
        deposits.remove(anna, place, only_sent=True)
    assert len([path for path in lies(anna, "").rglob("*") if path.is_file()]) == 4
    deposits.remove(anna, place)
    assert not lies(anna, place).exists()


def test_another_file_in_the_place_of_one_that_was_sent_is_not_removed(anna):
    send(anna, "a.jpg")
    take(anna, "a.jpg")
    scan(anna, "a.jpg")
    with pytest.raises(NotAllowed):
        deposits.remove(anna, "a.jpg", only_sent=True)
    assert lies(anna, "a.jpg").exists()


def test_what_was_sent_is_removed(anna):
    for place in ("a/b/c.jpg", "a/d.jpg", "a/taken.jpg", "e.jpg", "ab.jpg"):
        send(anna, place)
    take(anna, "a/taken.jpg")
    deposits.remove(anna, "a", only_sent=True)
    deposits.remove(anna, "e.jpg", only_sent=True)
    deposits.remove(anna, "e.jpg", only_sent=True)
    assert names(anna) == ["ab.jpg"]
    assert not lies(anna, "a").exists()


# Names that lead elsewhere


@pytest.mark.parametrize(
    "place",
    ["../ben/x", "a/../../x", ".", "a//b", "/etc/passwd", "a\0b", "x" * 256, ".dav-x", ".taken-x"],
)
def test_names_that_cannot_be(anna, place):
    with pytest.raises(NotFound):
        deposits.look(anna, place)
    with pytest.raises(Invalid):
        deposits.make_folder(anna, place)
    with pytest.raises(Invalid):
        send(anna, place)
    assert not (media.root / "inbox" / "ben").exists()


def test_nothing_is_written_where_links_lead(anna, tmp_path):
    send(anna, "a.jpg")
    (tmp_path / "elsewhere").mkdir()
    lies(anna, "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Invalid):
        send(anna, "out/b.jpg")
    with pytest.raises(NotFound):
        deposits.look(anna, "out/b.jpg")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["..", ".", "_refused", "~anna", "anna.part"])
def test_accounts_whose_folder_would_be_another_one_have_no_inbox(anna, name):
    with pytest.raises(Conflict):
        deposits.look(users.add(name, "correct horse"), "")


def test_what_was_put_aside_is_not_shown_and_stays(anna):
    """A program that deletes what it does not know must not find it."""
    send(anna, "a/b.jpg")
    for folder in ("_refused/damaged", "a/_refused"):
        lies(anna, folder).mkdir(parents=True)
    assert (names(anna), names(anna, "a")) == (["a"], ["b.jpg"])
    with pytest.raises(NotFound):
        deposits.remove(anna, "_refused")
    assert lies(anna, "_refused/damaged").is_dir()


# Disks


def test_all_is_on_the_disk_before_it_is_written_down(anna, monkeypatch):
    """The bytes, then their name, then the folders that are new, and only then the row."""
    synced = []
    fsync = os.fsync

    def watch(handle):
        synced.append((os.path.basename(os.readlink(f"/proc/self/fd/{handle}")), rows()))
        fsync(handle)

    rows = Deposit.select().count
    monkeypatch.setattr(os, "fsync", watch)
    send(anna, "2026/a.jpg")
    names, before = zip(*synced, strict=True)
    assert set(before) == {0}
    assert names[-2].startswith("upload-")
    assert names[-1] == "2026"
    assert names[-3::-1] == ("Anna", "inbox")


def test_an_inbox_somewhere_else(anna, house, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    settings = config.load(overrides={"inbox.path": str(elsewhere), "uploads.min_free": "1M"})
    monkeypatch.setattr(config, "settings", lambda: settings)
    assert names(anna) == []
    with pytest.raises(Unavailable, match="mounted"):
        send(anna, "a.jpg")
    assert not elsewhere.exists(), "its disk may come back there"
    elsewhere.mkdir()
    send(anna, "a.jpg")
    assert (elsewhere / "Anna/a.jpg").read_bytes() == b"a photo"


def test_an_inbox_on_a_disk_of_its_own(anna, monkeypatch):
    replace = os.replace

    def refuse(source, target):
        if "incoming" in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    send(anna, "a.jpg", b"far away", 1.5e9)
    assert lies(anna, "a.jpg").read_bytes() == b"far away"
    assert lies(anna, "a.jpg").stat().st_mtime == 1.5e9
    assert [path.name for path in lies(anna, "").iterdir()] == ["a.jpg"]


def test_a_copy_that_fails_leaves_nothing(anna, monkeypatch):
    send(anna, "a.jpg")
    send(anna, "a.jpg")

    def fail(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(placing.shutil, "copyfileobj", fail)
    with pytest.raises(Unavailable):
        deposits.copy(anna, "a.jpg", "b.jpg")
    assert [path.name for path in lies(anna, "").iterdir()] == ["a.jpg"]
    assert names(anna) == ["a.jpg"]


# How long


def test_what_is_looked_for_is_kept_and_the_rest_is_forgotten(anna, monkeypatch):
    send(anna, "old.jpg")
    send(anna, "folder/old.jpg")
    for place in ("old.jpg", "folder/old.jpg"):
        take(anna, place, asset=False)
    lies(anna, "folder").rmdir()
    began = time.time()
    for day in range(1, 61, 10):
        monkeypatch.setattr(time, "time", lambda day=day: began + day * 86400)
        deposits.members(anna, "folder")
        deposits.forget()
    assert names(anna) == ["folder"]
    assert names(anna, "folder") == ["old.jpg"]


def test_looking_writes_once_a_day(anna):
    send(anna, "a.jpg")
    Deposit.update(seen_at=1.0).execute()
    deposits.look(anna, "a.jpg")
    seen = Deposit.get().seen_at
    assert seen > 1.0
    deposits.members(anna, "")
    assert Deposit.get().seen_at == seen


def test_what_was_cut_off_while_it_was_written_goes_after_a_day(anna, monkeypatch):
    send(anna, "2026/a.jpg")
    scan(anna, "2026/.dav-x", b"half")
    deposits.forget()
    assert lies(anna, "2026/.dav-x").exists()
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 86460)
    deposits.forget()
    assert [path.name for path in lies(anna, "2026").iterdir()] == ["a.jpg"]


def test_a_folder_is_found_by_an_index(anna):
    """Of a hundred thousand that were sent, each further one must not look at all."""
    if is_shared():
        pytest.skip("there the planner looks at how many there are")
    sql, values = deposits._below(anna, "a").sql()
    plan = [row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert ["folder>? AND folder<?" in step for step in plan] == [True], plan


def test_folders_beside_a_folder_are_not_in_it(anna):
    for folder in ("a", "a/b", "a/b/c", "a!", "a0", "a.", "a b", "A", "ä", "á", "b"):
        send(anna, f"{folder}/x.jpg")
    found = {row.folder for row in deposits._below(anna, "a")}
    assert found == {"a", "a/b", "a/b/c"}
