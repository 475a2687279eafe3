"""Import: many files from folders, as safe as an upload."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.errors import NoSpace
from homequeue.media import media
from homequeue.models import Album, Asset, Batch, Receipt, Sighting
from homequeue.services import importing, ingest
from tests.conftest import work_off
from tests.library import incoming, jpeg, originals, send
from tests.web.client import Client
from tests.web.conftest import signed_in


@pytest.fixture
def camera(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    return folder


def fill(folder: Path, *names: str, start: int = 1) -> list[Path]:
    made = []
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
        made.append(path)
    return made


def bring(files, owner, **options) -> importing.Summary:
    return list(importing.run(files, owner, tasks.process_asset, **options))[-1]


def test_files_are_found_in_order_and_hidden_ones_are_not(camera):
    fill(camera, "b/2.jpg", "a.jpg", "b/1.jpg", ".hidden.jpg", ".thumbnails/x.jpg")
    found = [str(path.relative_to(camera)) for path in importing.find([str(camera)])]
    assert found == ["a.jpg", "b/1.jpg", "b/2.jpg"]
    single = str(camera / ".hidden.jpg")
    assert importing.find([single, str(camera / "a.jpg")]) == [Path(single), camera / "a.jpg"]


def test_only_files_are_found(camera):
    """Opening a pipe would wait for ever."""
    fill(camera, "a.jpg")
    os.mkfifo(camera / "pipe.jpg")
    assert importing.find([str(camera)]) == [camera / "a.jpg"]


def test_what_is_not_there_is_not_found(camera):
    assert importing.find([str(camera / "nothing")]) == []


def test_a_file_that_changes_while_it_is_read_is_told_of(camera, ben, monkeypatch):
    """Half of it would be here, and its owner would think all of it is."""
    path, _ = fill(camera, "a.jpg", "b.jpg")
    receive = ingest.receive

    def grows(upload, chunks):
        received = receive(upload, chunks)
        if upload.filename == "a.jpg":
            path.write_bytes(jpeg(1) + b"more")
        return received

    monkeypatch.setattr(ingest, "receive", grows)
    summary = bring(importing.find([str(camera)]), ben)
    assert (summary.added, summary.refused) == (1, [(str(path), importing.CHANGED)])
    assert incoming() == []
    monkeypatch.undo()
    assert bring(importing.find([str(camera)]), ben).added == 1


@pytest.fixture
def shut(camera, monkeypatch):
    """A folder into which nobody is let, also not root."""
    fill(camera, "shut/a.jpg")
    plain = os.scandir

    def refuse(path="."):
        if str(path).endswith("/shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return camera / "shut"


#: A name that begins lines, colours terminals and turns words around, as one in an archive may.
ODD = "a\nb\x1b[31m\u202egpj." + "x" * 5000


@pytest.mark.parametrize("data", [jpeg(1), b"no photo"], ids=["added", "refused"])
def test_of_odd_names_in_archives_what_can_be_shown_is_kept(camera, ben, data):
    with zipfile.ZipFile(camera / "roll.zip", "w") as made:
        made.writestr(f"{ODD}.jpg", data)
    bring([camera / "roll.zip"], ben)
    names = [row.filename for row in (*Asset.select(), *Receipt.select())]
    assert len(names) == (2 if data == jpeg(1) else 1)
    for name in names:
        assert name.isprintable()
        assert "ab[31mgpj.xxx" in name or name.endswith("xxx.jpg")
        assert len(name) <= ingest.LONGEST_FILENAME


def test_a_folder_that_cannot_be_looked_into_is_told_of(camera, ben, shut):
    (good,) = fill(camera, "z.jpg", start=2)
    summary = bring(importing.find([str(camera)]), ben, move=True)
    words = "This folder cannot be looked into: Permission denied."
    assert summary.refused == [(str(shut), words)]
    assert (summary.added, summary.seen, summary.total) == (1, 2, 2)
    assert not good.exists()
    assert Receipt.get(Receipt.outcome == "refused").words == words
    assert importing.find([str(shut)]) == [shut]


def test_links_to_folders_are_told_of(camera, ben, tmp_path):
    fill(tmp_path, "elsewhere/a.jpg")
    (camera / "linked").symlink_to(tmp_path / "elsewhere")
    (camera / "roll.zip").symlink_to(tmp_path / "elsewhere")
    (camera / ".hidden").symlink_to(tmp_path / "elsewhere")
    summary = bring(importing.find([str(camera)]), ben)
    words = "A link to a folder is not followed."
    assert summary.refused == [(str(camera / name), words) for name in ("linked", "roll.zip")]
    assert bring(importing.find([str(camera / "linked")]), ben).added == 1, "named, it is meant"


def test_files_that_one_may_not_even_look_at_are_told_of(camera, ben, monkeypatch):
    files = [camera / name for name in ("a.jpg", "b.zip", "c.json")]
    fill(camera, *(path.name for path in files))

    def shut(plain):
        def refuse(path, *words, **options):
            if isinstance(path, str | Path) and Path(path) in files:
                raise PermissionError(13, "Permission denied")
            return plain(path, *words, **options)

        return refuse

    monkeypatch.setattr(os, "stat", shut(os.stat))
    monkeypatch.setattr(Path, "open", shut(Path.open))
    summary = bring(importing.find([str(camera)]), ben)
    assert summary.refused == [(str(path), "Permission denied") for path in files]


def test_everything_arrives(camera, ben):
    files = fill(camera, "a.jpg", "b/c.jpg")
    summary = bring(files, ben)
    assert (summary.added, summary.known, summary.refused, summary.seen) == (2, 0, [], 2)
    assert {asset.filename for asset in Asset.select()} == {"a.jpg", "c.jpg"}
    assert work_off() == 2
    assert {asset.state for asset in Asset.select()} == {"ready"}
    assert all(path.exists() for path in files)
    assert incoming() == []


def test_the_date_of_the_file_counts(camera, ben):
    (path,) = fill(camera, "a.jpg")
    moment = time.mktime((2015, 6, 7, 8, 9, 10, 0, 0, -1))
    os.utime(path, (moment, moment))
    bring([path], ben)
    assert Asset.get().taken_at == "2015-06-07T08:09:10"
    assert originals()[0].startswith("originals/2015/06/")


@pytest.mark.parametrize("name", ["Thumbs.db", "DESKTOP.INI", "IMG_1.aae", "a.json", "lone.xmp"])
def test_what_only_goes_with_photos_is_passed_over(camera, ben, name):
    fill(camera, "a.jpg", name)
    summary = bring(importing.find([str(camera)]), ben, move=True)
    assert (summary.added, summary.skipped, summary.refused, summary.seen) == (1, 1, [], 2)
    assert [path.name for path in camera.iterdir()] == [name]


def test_a_companion_that_is_not_there_is_missed_as_others_are(camera, ben):
    summary = bring([camera / "a.json"], ben)
    assert (summary.skipped, len(summary.refused)) == (0, 1)


def test_again_changes_nothing(camera, ben):
    files = fill(camera, "a.jpg", "b.jpg")
    bring(files, ben)
    again = bring(files, ben)
    assert (again.added, again.known) == (0, 2)
    assert len(originals()) == 2


def test_the_same_bytes_under_two_names_are_one(camera, ben):
    fill(camera, "a.jpg")
    (camera / "copy.jpg").write_bytes(jpeg(1))
    summary = bring(importing.find([str(camera)]), ben)
    assert (summary.added, summary.known) == (1, 1)
    assert len(originals()) == 1


def test_what_is_refused_is_named_and_the_rest_arrives(camera, ben):
    files = fill(camera, "a.jpg", "b.jpg")
    (camera / "notes.txt").write_text("milk")
    (camera / "empty.jpg").touch()
    summary = bring(importing.find([str(camera)]), ben)
    assert (summary.added, summary.known) == (2, 0)
    refused = {Path(path).name: words for path, words in summary.refused}
    assert set(refused) == {"notes.txt", "empty.jpg"}
    assert "not a photo" in refused["notes.txt"]
    assert all(refused.values())
    assert len(files) == 2


def test_batches_are_recorded_as_they_fill(camera, ben, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 3)
    files = fill(camera, *(f"{n}.jpg" for n in range(7)))
    seen = [one.seen for one in importing.run(files, ben, tasks.process_asset)]
    assert seen == [3, 6, 7]
    assert Asset.select().count() == 7


def test_a_batch_costs_one_sync(camera, ben, monkeypatch):
    syncs = []
    monkeypatch.setattr(os, "fsync", lambda _: syncs.append("file"))
    monkeypatch.setattr("homequeue.media._sync_file_system", lambda _: syncs.append("all"))
    bring(fill(camera, *(f"{n}.jpg" for n in range(60))), ben)
    assert len(syncs) <= 4
    assert "all" in syncs


def test_a_file_in_a_name_that_is_no_text(camera, ben, anna):
    """Names are bytes on Linux; old cameras and disks of Windows give some that are not UTF-8."""
    path = os.fsencode(str(camera)) + b"/caf\xe9.jpg"
    with open(path, "wb") as file:
        file.write(jpeg())
    summary = bring(importing.find([str(camera)]), ben)
    assert summary.added == 1
    assert Asset.get().filename.encode().decode().startswith("caf")


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\x1b[31mb.jpg", 'a"b.jpg', "a\tb.jpg", "-rf.jpg"])
def test_a_file_of_a_strange_name_can_be_had_back(camera, ben, house, name):
    from homequeue.web.app import create_app  # noqa: PLC0415

    (camera / name).write_bytes(jpeg())
    bring(importing.find([str(camera)]), ben)
    client: Client = signed_in(create_app(b"x" * 32), ben)
    answer = client.get(f"/api/assets/{Asset.get().id}/original")
    assert (answer.status, answer.body) == (200, jpeg())


# Moving


def test_moving_deletes_what_is_safe_and_nothing_else(camera, ben):
    files = fill(camera, "a.jpg", "b.jpg")
    notes = camera / "notes.txt"
    notes.write_text("milk")
    bring([*files, notes], ben, move=True)
    assert list(camera.iterdir()) == [notes]
    assert len(originals()) == 2


def test_moving_deletes_what_was_known_too(camera, ben):
    send(ben, jpeg(1))
    (path,) = fill(camera, "a.jpg")
    assert bring([path], ben, move=True).known == 1
    assert not path.exists()
    assert len(originals()) == 1


def test_moving_over_an_original_that_was_cut_short_heals_it(camera, ben):
    bring(fill(camera, "a.jpg"), ben)
    (media.root / Asset.get().path).write_bytes(jpeg()[:100])
    assert bring(importing.find([str(camera)]), ben).known == 1, "it is read again"
    assert media.open(Asset.get().path).read() == jpeg()
    (media.root / Asset.get().path).write_bytes(b"")
    assert bring(importing.find([str(camera)]), ben, move=True).known == 1
    assert media.open(Asset.get().path).read() == jpeg()
    assert list(camera.iterdir()) == []


def test_moving_deletes_nothing_before_it_is_safe(camera, ben, monkeypatch):
    files = fill(camera, "a.jpg", "b.jpg")

    def crash(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "record", crash)
    with pytest.raises(KeyboardInterrupt):
        bring(files, ben, move=True)
    assert all(path.exists() for path in files)


def test_moving_the_library_into_itself_deletes_nothing(ben):
    asset = send(ben, jpeg()).asset
    place = media.root / asset.path
    for path in ([place], importing.find([str(media.root)])):
        bring(path, ben, move=True)
        assert place.read_bytes() == jpeg()
    assert (media.root / "originals" / ".homequeue").exists()
    assert Asset.select().count() == 1


def test_moving_through_another_name_of_the_library_deletes_nothing(ben, tmp_path):
    asset = send(ben, jpeg()).asset
    (tmp_path / "link").symlink_to(media.root / "originals")
    bring([tmp_path / "link" / asset.path.removeprefix("originals/")], ben, move=True)
    assert (media.root / asset.path).read_bytes() == jpeg()


def test_a_file_named_twice_is_moved_once(camera, ben):
    (path,) = fill(camera, "a.jpg")
    summary = bring([path, path], ben, move=True)
    assert (summary.added, summary.known) == (1, 1)
    assert not path.exists()


def test_a_file_that_cannot_be_deleted_is_told_of_and_the_rest_goes_on(camera, ben, monkeypatch):
    files = fill(camera, "a.jpg", "b.jpg")
    unlink = Path.unlink

    def read_only(self, missing_ok=False):
        if self.name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", read_only)
    summary = bring(files, ben, move=True)
    assert summary.added == 2
    assert [path.name for path in camera.iterdir()] == ["a.jpg"]


# When it breaks off


def test_a_disk_that_fills_up_stops_and_keeps_what_was_promised(camera, ben, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    files = fill(camera, *(f"{n}.jpg" for n in range(5)))
    check = ingest.check_room

    def fills_up(size, **options):
        if Asset.select().count() >= 2 and len(incoming()) >= 1:
            raise NoSpace("The disk of the server is nearly full.")
        check(size, **options)

    monkeypatch.setattr(ingest, "check_room", fills_up)
    with pytest.raises(NoSpace):
        bring(files, ben)
    assert Asset.select().count() >= 2
    assert incoming() == [], "a full disk is kept full by what nobody will ask for"


def test_what_was_refused_before_it_broke_off_has_its_receipt(camera, ben, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    fill(camera, "a.jpg", "c.jpg")
    (camera / "b.txt").write_text("milk")
    running = importing.run(importing.find([str(camera)]), ben, tasks.process_asset)
    next(running)
    next(running)
    running.close()
    assert Receipt.select().where(Receipt.outcome == "refused").count() == 1


# Albums


def test_an_album_is_made_with_what_is_put_into_it(camera, ben):
    send(ben, jpeg(1))
    summary = bring(fill(camera, "a.jpg", "b.jpg"), ben, album=" Summer ")
    assert summary.albums == {"Summer": 2}
    (album,) = Album.select()
    assert (album.title, album.owner.name, album.members.count()) == ("Summer", "Ben", 2)
    bring(importing.find([str(camera)]), ben, album="Summer")
    assert album.members.count() == 2


# Again


@pytest.fixture
def reads(monkeypatch):
    """What was read."""
    read = []
    receive = ingest.receive

    def counted(upload, chunks):
        read.append(upload.filename)
        return receive(upload, chunks)

    monkeypatch.setattr(ingest, "receive", counted)
    return read


def test_what_was_brought_in_is_not_read_again(camera, ben, reads):
    files = fill(camera, "a.jpg", "b.jpg")
    bring(files, ben)
    reads.clear()
    again = bring(files, ben, album="Later")
    assert (again.added, again.known, again.seen) == (0, 2, 2)
    assert reads == []
    assert Album.get().members.count() == 2, "and yet it goes where it is wanted"
    known = Receipt.select().where(Receipt.batch == again.batch, Receipt.outcome == "known")
    assert {row.filename for row in known} == {"a.jpg", "b.jpg"}


@pytest.mark.parametrize(
    "change", ["content", "date", "replaced", "owner", "sidecar", "move", "trashed", "lost"]
)
def test_what_may_be_another_is_read(camera, ben, anna, reads, change):
    (path,) = fill(camera, "a.jpg")
    bring([path], ben)
    reads.clear()
    if change == "content":
        seen = path.stat()
        path.write_bytes(jpeg(2).ljust(seen.st_size, b" ")[: seen.st_size])
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    elif change == "date":
        os.utime(path, (1, 1))
    elif change == "replaced":
        fill(camera, "b.jpg")[0].rename(path)
    elif change == "sidecar":
        path.with_name("a.jpg.xmp").write_text('<rdf:Description xmp:Rating="4"/>')
    elif change == "trashed":
        Asset.update(trashed_at=1).execute()
    elif change == "lost":
        (media.root / Asset.get().path).unlink()
    bring([path], anna if change == "owner" else ben, move=change == "move")
    assert reads == ["a.jpg"]
    assert path.exists() == (change != "move")
    assert media.exists(Asset.get().path)
    assert Asset.get().trashed_at is None


def test_it_is_forgotten_with_the_asset_and_with_the_batch(camera, ben, reads):
    files = fill(camera, "a.jpg", "b.jpg")
    bring(files, ben)
    assert Sighting.select().count() == 2
    Asset.delete().where(Asset.filename == "a.jpg").execute()
    assert Sighting.select().count() == 1
    Batch.delete().execute()
    assert Sighting.select().count() == 0


def test_a_killed_import_goes_on_where_it_was(camera, ben, reads, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    files = fill(camera, *(f"{n}.jpg" for n in range(5)))
    running = importing.run(files, ben, tasks.process_asset)
    next(running)
    del running
    reads.clear()
    summary = bring(files, ben)
    assert (summary.added, summary.known) == (3, 2)
    assert reads == ["2.jpg", "3.jpg", "4.jpg"]
    assert incoming() == []


def test_it_stops_after_what_it_has_begun(camera, ben, reads):
    files = fill(camera, *(f"{n}.jpg" for n in range(5)))
    summary = bring(files, ben, stop=lambda: len(reads) == 2)
    assert (summary.added, summary.total, summary.seen) == (2, 5, 2)
    assert Asset.select().count() == 2


def test_large_files_are_made_safe_sooner(camera, ben, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_BYTES", 2000)
    files = fill(camera, *(f"{n}.jpg" for n in range(4)))
    size = files[0].stat().st_size
    seen = [one.seen for one in importing.run(files, ben, tasks.process_asset)]
    assert seen[0] == -(-2000 // size)
    assert seen[-1] == 4


def test_bytes_are_counted(camera, ben):
    files = fill(camera, "a.jpg", "b.jpg")
    summary = bring(files, ben)
    assert summary.bytes_seen == summary.bytes_total == sum(p.stat().st_size for p in files)
