"""Processing: ready with everything, or failed with words, and never in between."""

import base64
import json
import time
from contextlib import suppress

import pytest
from peewee import OperationalError

from homequeue import ledger, processes, runs, tasks
from homequeue.db import db
from homequeue.errors import HomequeueError
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition
from homequeue.queue import queue, watch
from homequeue.services import assets, imaging, metadata, processing, sandbox
from tests import corpora, pictures
from tests.conftest import work_off
from tests.library import execute_one, jpeg, rendition_files, send, sha256


def make_due() -> None:
    Job.update(due_at=0).execute()


def test_ready_means_that_everything_is_there(ben):
    send(ben, pictures.data(pictures.scene(1800, 1200)))
    assert execute_one().state == "succeeded"
    asset = Asset.get()
    assert (asset.state, asset.error, asset.damaged) == ("ready", None, False)
    assert (asset.width, asset.height) == (1800, 1200)
    made = {row.spec: row for row in Rendition.select().where(Rendition.asset == asset)}
    assert {name: (row.width, row.height) for name, row in made.items()} == {
        "preview": (1440, 960),
        "thumbnail": (480, 320),
    }
    for row in made.values():
        data = media.open(row.path).read()
        assert (len(data), sha256(data)) == (row.size, row.checksum)
    assert len(rendition_files()) == 2


def test_what_the_photo_says_of_itself_is_kept(ben):
    tags = pictures.exif(
        {0x010F: "Canon", 0x0110: "EOS R5", 0x010E: "At the sea", 0x0112: 6},
        {0x8827: 100, 0xA434: "RF 50mm", 0x9003: "2019:05:04 03:02:01"},
        {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)},
    )
    send(ben, pictures.data(pictures.scene(60, 40), exif=tags))
    execute_one()
    asset = Asset.get()
    assert (asset.make, asset.model, asset.lens) == ("Canon", "EOS R5", "RF 50mm")
    assert (asset.lat, asset.lon) == (52.5, 13.4)
    assert asset.caption == "At the sea"
    assert '"iso": 100' in asset.exposure
    assert (asset.width, asset.height) == (40, 60)
    assert asset.taken_at == "2019-05-04T03:02:01"


def test_everything_that_is_read_has_its_column(ben):
    clip = b"\0\0\0\x18ftypmp42" + bytes(12)
    words = "Frost;Yard".encode("utf-16-le")
    packet = b'<r GCamera:MicroVideoOffset="%d"/>' % len(clip)
    tags = pictures.exif(
        {0x9C9E: words}, gps={1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0), 6: 34.5}
    )
    photo = pictures.data(pictures.scene(60, 40), exif=tags, xmp=packet)
    send(ben, photo + clip)
    execute_one()
    asset = Asset.get()
    assert (asset.altitude, json.loads(asset.tags), asset.animated) == (
        34.5,
        ["Frost", "Yard"],
        False,
    )
    assert json.loads(asset.motion) == {"at": len(photo), "size": len(clip)}
    assert len(base64.b64decode(asset.thumbhash)) <= 25
    assert (len(asset.fingerprint), len(asset.dhash)) == (64, 16)


def test_a_moving_picture_stays_a_photo_and_says_that_it_moves(ben):
    frames = [pictures.scene(60, 40).rotate(180)]
    send(ben, pictures.data(pictures.scene(60, 40), "GIF", save_all=True, append_images=frames))
    execute_one()
    assert (Asset.get().kind, Asset.get().animated) == ("photo", True)


@pytest.mark.parametrize(
    ("name", "modified", "wanted"),
    [
        ("IMG_20190504_030201.jpg", 1720800900.0, ("2019-05-04T03:02:01", "name")),
        ("a.jpg", 1720800900.0, (assets.taken_from(1720800900.0), "file")),
        ("IMG_20990504_030201.jpg", 1720800900.0, (assets.taken_from(1720800900.0), "file")),
        # Half a day into 1980, where clocks of FAT begin.
        ("a.jpg", 315576000.0, (None, "upload")),
        ("a.jpg", None, (None, "upload")),
    ],
)
def test_a_photo_without_date_takes_that_of_its_name_or_its_file(ben, name, modified, wanted):
    send(ben, jpeg(), name, modified)
    execute_one()
    asset = Asset.get()
    taken_at, source = wanted
    assert asset.taken_at == (taken_at or assets.taken_from(asset.uploaded_at))
    assert asset.taken_at_source == source


def test_what_somebody_wrote_by_hand_is_not_overwritten(ben):
    tags = pictures.exif({0x010E: "Of the camera", 0x4746: 2, 0x010F: "ACME"})
    asset = send(ben, pictures.data(pictures.scene(60, 40), exif=tags)).asset
    execute_one()
    asset = Asset.get()
    assert (asset.caption, asset.rating) == ("Of the camera", 2)
    assets.edit(asset, {"caption": "At the sea"})
    assets.edit(Asset.get(), {"rating": None})
    Asset.update(make=None).execute()
    Job.update(state="failed").execute()
    assert queue.revive(Job.get())
    execute_one()
    asset = Asset.get()
    assert (asset.caption, asset.rating, asset.make) == ("At the sea", None, "ACME")


@pytest.mark.parametrize("path", corpora.files("hostile"), ids=lambda path: path.name)
def test_a_hostile_file_costs_its_own_job(path):
    """All that a worker does with a file, in the child in which it does it."""
    specs, memory = (imaging.PREVIEW, imaging.THUMBNAIL), 256 << 20
    limits = sandbox.Limits(memory=memory, seconds=10)
    hints = metadata.Hints(path.name)
    with path.open("rb") as file, suppress(HomequeueError):
        answer = sandbox.run(processing._examine, file, hints, specs, memory, limits=limits)
        assert [picture["spec"] for picture in answer.value["pictures"]] == ["preview", "thumbnail"]
        assert len(answer.blobs) == 2


def test_a_truncated_photo_is_shown_and_marked(ben):
    send(ben, pictures.cut(pictures.data(pictures.photo(400, 300)), 0.6))
    execute_one()
    assert (Asset.get().state, Asset.get().damaged) == ("ready", True)
    assert Job.get().result == '"damaged: shown as far as it goes"'


def test_a_photo_that_cannot_be_shown_fails_in_words(ben):
    asset = send(ben, jpeg()).asset
    # The disk rots after the upload.
    (media.root / asset.path).write_bytes(jpeg()[:200] + b"\0" * 500)
    job = execute_one()
    stored = Asset.get()
    assert (job.state, stored.state) == ("failed", "failed")
    assert stored.error == job.error
    assert len(stored.error) > 20
    assert "Traceback" not in stored.error
    assert rendition_files() == []


def test_an_asset_is_processing_while_it_is(ben, monkeypatch):
    send(ben, jpeg())
    seen = []
    examine = processing.examine

    def looking(asset):
        seen.append(Asset.get().state)
        return examine(asset)

    monkeypatch.setattr(processing, "examine", looking)
    execute_one()
    assert seen == ["processing"]


def test_a_missing_original_fails_visibly_and_at_once(ben):
    asset = send(ben, jpeg()).asset
    (media.root / asset.path).unlink()
    assert execute_one().state == "failed"
    assert Asset.get().state == "failed"
    assert "missing from the storage" in Asset.get().error


def test_an_unmounted_storage_passes(ben):
    asset = send(ben, jpeg()).asset
    place, away = media.root / "originals", media.root / "away"
    place.rename(away)
    assert execute_one().state == "retrying"
    away.rename(place)
    make_due()
    assert execute_one().state == "succeeded"
    assert Asset.get_by_id(asset.id).state == "ready"


def test_a_full_disk_passes_and_shows_nothing_half(ben, monkeypatch):
    send(ben, jpeg())
    calls = []
    keep = type(media).keep_rendition

    def full(self, name, data):
        calls.append(name)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return keep(self, name, data)

    monkeypatch.setattr(type(media), "keep_rendition", full)
    assert execute_one().state == "retrying"
    assert Rendition.select().count() == 0
    assert Asset.get().state == "processing"
    make_due()
    assert execute_one().state == "succeeded"
    assert Rendition.select().count() == 2 == len(rendition_files())


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (sandbox.CRASHED, "failed"),
        (sandbox.TOO_LONG, "failed"),
        (sandbox.TOO_MUCH_MEMORY, "failed"),
    ],
)
def test_a_decoder_that_dies_costs_this_job_only(ben, monkeypatch, words, state):
    first, second = send(ben, jpeg(1)).asset, send(ben, jpeg(2)).asset
    run = sandbox.run

    def dies(function, file, *args, **options):
        if file.name.endswith(first.path):
            raise sandbox.ChildFailed(words)
        return run(function, file, *args, **options)

    monkeypatch.setattr(sandbox, "run", dies)
    work_off()
    assert (Asset.get_by_id(first.id).state, Asset.get_by_id(first.id).error) == (state, words)
    assert Asset.get_by_id(second.id).state == "ready"


def test_results_of_a_lost_claim_are_not_kept(ben, monkeypatch):
    send(ben, jpeg())
    examine = processing.examine

    def slow(asset):
        answer = examine(asset)
        job = Job.get()
        ledger.release(job, died=True)
        ledger.claim("another/worker/1/1")
        return answer

    monkeypatch.setattr(processing, "examine", slow)
    job = execute_one()
    assert (job.state, job.worker) == ("running", "another/worker/1/1")
    assert Rendition.select().count() == 0
    assert Asset.get().state == "processing"


def test_words_of_a_run_that_is_over_come_too_late(ben):
    """A machine that was cut off sends the beginning of its run when another has ended it."""
    asset = send(ben, jpeg(1)).asset
    late = ledger.claim("second/boot/1/1")
    Job.update(worker="first/boot/1/1", attempts=2).where(Job.id == late.id).execute()
    ours = Job.get_by_id(late.id)
    with runs.running(ours):
        processing.process(asset.id, lambda _: None)
    with runs.running(late):
        processing.process(asset.id, lambda _: None)
    assert Asset.get_by_id(asset.id).state == "ready"


@pytest.mark.parametrize("state", ["pending", "ready", "failed"])
def test_pictures_are_kept_though_the_server_forgot_that_their_making_began(
    ben, monkeypatch, state
):
    asset = send(ben, jpeg()).asset
    examine = processing.examine

    def crash(asset):
        Asset.update(state=state).where(Asset.id == asset.id).execute()
        return examine(asset)

    monkeypatch.setattr(processing, "examine", crash)
    assert execute_one().state == "succeeded"
    assert Asset.get_by_id(asset.id).state == "ready"
    assert Rendition.select().count() == len(rendition_files()) == 2


def test_results_and_success_are_one(ben, monkeypatch):
    send(ben, jpeg())
    move, commit = assets.move, db.commit

    def full():
        monkeypatch.setattr(db.obj, "commit", commit)
        raise OperationalError("disk full")

    def last_step(asset_id, state, *conditions, **values):
        moved = move(asset_id, state, *conditions, **values)
        if state == "ready":
            monkeypatch.setattr(db.obj, "commit", full)
        return moved

    monkeypatch.setattr(assets, "move", last_step)
    assert execute_one().state == "retrying"
    assert Rendition.select().count() == 0
    assert Asset.get().state == "processing"
    make_due()
    monkeypatch.setattr(assets, "move", move)
    assert execute_one().state == "succeeded"
    assert Asset.get().state == "ready"


def test_a_run_that_is_done_twice_has_its_effect_once(ben):
    asset = send(ben, jpeg()).asset
    execute_one()
    before = [row.path for row in Rendition.select().order_by(Rendition.spec)]
    processing.process(asset.id, tasks.convert_video)
    assert [row.path for row in Rendition.select().order_by(Rendition.spec)] == before
    assert len(rendition_files()) == 2


def test_processing_again_replaces_the_renditions(ben):
    asset = send(ben, jpeg()).asset
    execute_one()
    job = Job.get()
    Job.update(state="failed").execute()
    assert queue.revive(Job.get_by_id(job.id))
    assert Asset.get().state == "pending"
    assert execute_one().state == "succeeded"
    assert Rendition.select().where(Rendition.asset == asset).count() == 2
    assert len(rendition_files()) == 2


def test_an_asset_that_is_gone_is_no_failure(ben):
    asset = send(ben, jpeg()).asset
    Asset.delete().where(Asset.id == asset.id).execute()
    assert execute_one().state == "succeeded"


def test_three_workers_that_died_of_it_are_enough(ben):
    send(ben, jpeg())
    for _ in range(3):
        # No process of this boot has this number.
        ledger.claim(f"host/{processes.realm()}/{2**22 + 1}/5")
        queue.recover()
    assert Job.get().state == "quarantined"
    asset = Asset.get()
    assert asset.state == "failed"
    assert "crashed three times" in asset.error


def test_a_worker_that_dies_in_the_middle_is_made_good(ben, monkeypatch):
    send(ben, jpeg())

    def killed(_asset):
        raise watch.Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(processing, "examine", killed)
        with pytest.raises(watch.Interrupted):
            execute_one()
    assert Asset.get().state == "processing"
    assert execute_one().state == "succeeded"
    assert Asset.get().state == "ready"


def test_a_worker_that_dies_between_renditions_and_rows_is_made_good(ben, monkeypatch):
    send(ben, jpeg())

    def killed(*_args):
        raise watch.Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(
            assets, "move", lambda _id, state, *_, **__: state == "processing" or killed()
        )
        with pytest.raises(watch.Interrupted):
            execute_one()
    assert Rendition.select().count() == 0
    execute_one()
    assert Asset.get().state == "ready"
    assert len(rendition_files()) == 2


def test_trying_again_by_hand_forgets_the_error(ben):
    asset = send(ben, jpeg()).asset
    data = (media.root / asset.path).read_bytes()
    (media.root / asset.path).write_bytes(b"rotten")
    execute_one()
    assert Asset.get().state == "failed"
    (media.root / asset.path).write_bytes(data)
    assert queue.revive(Job.get())
    assert (Asset.get().state, Asset.get().error) == ("pending", None)
    execute_one()
    assert Asset.get().state == "ready"


def test_the_original_is_never_touched(ben):
    asset = send(ben, jpeg()).asset
    before = (media.root / asset.path).stat()
    execute_one()
    after = (media.root / asset.path).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert time.time() - after.st_mtime < 60


def test_what_cannot_be_made_again_keeps_the_pictures_it_has(ben, monkeypatch):
    asset = send(ben, jpeg()).asset
    execute_one()
    tasks.process_again(asset.id)

    def broken(*_):
        raise sandbox.ChildFailed(sandbox.CRASHED)

    monkeypatch.setattr(processing, "examine", broken)
    assert execute_one().state == "failed"
    assert Asset.get().state == "ready"
    assert len(rendition_files()) == 2


def test_pictures_that_are_gone_are_no_reason_to_call_a_photo_ready(ben, monkeypatch):
    asset = send(ben, jpeg()).asset
    execute_one()
    for file in rendition_files():
        file.unlink()
    tasks.process_again(asset.id)

    def broken(*_):
        raise sandbox.ChildFailed(sandbox.CRASHED)

    monkeypatch.setattr(processing, "examine", broken)
    execute_one()
    assert (Asset.get().state, Asset.get().error) == ("failed", sandbox.CRASHED)
