"""Import: many files from folders, as safe as an upload."""

import os
import time
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.errors import NoSpace
from homequeue.media import media
from homequeue.models import Asset
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
