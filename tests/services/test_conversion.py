"""Conversion: what browsers do not play becomes something they do, or says why it did not."""

import errno
import io
import os
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from homequeue import config, facts, ledger, processes, tasks
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition
from homequeue.queue import queue, watch
from homequeue.services import cleanup, conversion, ingest, machine, notify, sandbox, video
from tests import films, lives
from tests.conftest import work_off
from tests.films import AAC, H264, HEVC, MPEG2, film
from tests.library import execute_one, rendition_files, send, whole


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    films.part("ffmpeg")


def sent(owner, data, name="film.mov") -> Asset:
    """A film that has been processed, and not been converted."""
    asset = send(owner, data, name).asset
    job = execute_one()
    assert (job.state, job.task) == ("succeeded", "process_asset")
    return Asset.get_by_id(asset.id)


def converted(asset: Asset) -> bytes:
    """What was made of it."""
    row = Rendition.get(Rendition.asset == asset, Rendition.spec == "video")
    data = media.open(row.path).read()
    assert len(data) == row.size
    assert row.mime == "video/mp4"
    return data


def change(house, **values) -> None:
    config.bind(replace(house, video=replace(house.video, **values)))


# What is converted


def test_a_film_that_browsers_play_is_left_as_it_is(ben):
    asset = sent(ben, film(*H264, *AAC, sound=True), "film.mp4")
    assert (asset.kind, asset.state, asset.playable) == ("video", "ready", True)
    assert asset.mime == "video/mp4"
    assert asset.duration == pytest.approx(2, abs=0.1)
    assert execute_one() is None
    assert len(rendition_files()) == 2


@pytest.mark.parametrize(
    ("options", "name"),
    [((*HEVC, *AAC), "a.mov"), ((*MPEG2, "-c:a", "mp2"), "a.mpg"), (("-c:v", "mpeg4"), "a.avi")],
)
def test_what_browsers_do_not_play_becomes_what_they_do(ben, options, name):
    asset = sent(ben, film(*options, name=name, sound=True), name)
    assert (asset.state, asset.playable) == ("ready", False)
    job = execute_one()
    assert (job.task, job.state, job.priority) == ("convert_video", "succeeded", 5)
    data = converted(asset)
    assert films.probe(data, "stream=codec_name,pix_fmt") == ["h264,yuv420p", "aac"]
    assert data.index(b"moov") < data.index(b"mdat")
    assert len(rendition_files()) == 3
    row = conversion.assets.rendition(asset, "video")
    assert (row.width, row.height) == (320, 180)


def test_pictures_that_play_are_copied(ben):
    """Only the container, or the sound, is in the way: that takes a moment and loses nothing."""
    asset = sent(ben, film(*H264, "-c:a", "pcm_s16le", name="a.mov", sound=True))
    execute_one()
    assert films.probe(converted(asset), "stream=codec_name") == ["h264", "aac"]
    frames = [
        films.ffmpeg("-i", "in", "-map", "0:v", "-f", "framemd5", name="sums", given=data)
        for data in (film(*H264, "-c:a", "pcm_s16le", name="a.mov", sound=True), converted(asset))
    ]
    sums = [[line.rpartition(b",")[2] for line in one.splitlines()[8:]] for one in frames]
    assert sums[0] == sums[1]
    assert len(sums[0]) > 40


def test_what_was_held_upright_stays_upright(ben):
    plain = films.turned(film(*H264, name="a.mkv"), 90, "b.mov")
    command = conversion.command(video.Film(**vars(_film(plain)) | {"sound": "", "codec": "hevc"}))
    assert "scale=180:320" in " ".join(command)
    asset = sent(ben, films.turned(film(*HEVC, name="a.mov"), 90, "b.mov"))
    execute_one()
    row = conversion.assets.rendition(asset, "video")
    assert (row.width, row.height) == (180, 320)
    assert films.probe(converted(asset), "stream=width,height") == ["180,320"]


def _film(data: bytes) -> video.Film:
    (media.root / "incoming" / "film").write_bytes(data)
    with (media.root / "incoming" / "film").open("rb") as file:
        return video.probe(file, 384 << 20)[0]


def test_where_it_was_taken_stays_in_the_original(ben):
    words = ("-metadata", "location=+52.5+013.4/", "-metadata", "title=Anna")
    asset = sent(ben, film(*HEVC, *words, name="a.mov"))
    assert asset.lat == 52.5
    execute_one()
    assert b"+52.5" not in converted(asset)
    assert b"Anna" not in converted(asset)


def test_large_films_are_made_smaller(house):
    found = replace(_film(film(*HEVC, name="a.mov")), width=3840, height=2160)
    assert "scale=1920:1080" in " ".join(conversion.command(found))


def test_interlaced_films_are_made_whole(house):
    found = replace(_film(film(*MPEG2, name="a.mpg")), is_interlaced=True)
    assert "yadif" in " ".join(conversion.command(found))


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_an_hdr_film_looks_like_its_poster(ben, transfer):
    marks = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    pale = "lutrgb=" + ":".join(f"{channel}=val*0.3+80" for channel in "rgb")
    options = ("-vf", pale, *HEVC, "-pix_fmt", "yuv420p10le", *marks)
    asset = sent(ben, film(*options, name="a.mov"))
    execute_one()
    seen = []
    poster = media.open(conversion.assets.rendition(asset, "preview").path).read()
    for data, matrix in ((poster, "smpte170m"), (converted(asset), "bt709")):
        options = ("-frames:v", "1", "-vf", f"scale=320:180:in_color_matrix={matrix}")
        picture = films.ffmpeg("-i", "in", *options, name="x.png", given=data)
        seen.append(Image.open(io.BytesIO(picture)).convert("RGB"))
    for place in ((40, 40), (280, 40), (40, 140), (280, 140)):
        pairs = zip(*(picture.getpixel(place) for picture in seen), strict=True)
        assert max(abs(a - b) for a, b in pairs) <= 10
    told = films.probe(converted(asset), "stream=pix_fmt,color_transfer,color_primaries")
    assert told == ["yuv420p,bt709,bt709"]


@pytest.mark.parametrize("values", [{"convert": False}, {"longest": 1}])
def test_who_does_not_want_it_has_it_not(house, ben, values):
    change(house, **values)
    asset = sent(ben, film(*HEVC, name="a.mov"))
    assert execute_one() is None
    assert not conversion.is_wanted(asset.id)


def test_a_photo_is_not_converted(ben):
    assert not conversion.is_wanted(whole(ben, 1).id)
    assert not conversion.is_wanted(4711)


def test_quiet_hours_are_kept(house, ben):
    sent(ben, film(*HEVC, name="a.mov"))
    now = time.localtime()
    minute = now.tm_hour * 60 + now.tm_min
    quiet = replace(house.queue, quiet_hours=((minute - 5) % 1440, (minute + 5) % 1440))
    config.bind(replace(house, queue=quiet))
    assert execute_one() is None
    config.bind(house)
    assert execute_one().state == "succeeded"


# What goes wrong


def test_a_conversion_that_takes_too_long_is_given_up(house, ben):
    asset = sent(ben, film(*HEVC, name="a.mov"))
    change(house, seconds=0)
    job = execute_one()
    assert (job.state, job.error) == ("failed", sandbox.TOO_LONG)
    assert Asset.get_by_id(asset.id).state == "ready"
    assert len(rendition_files()) == 2


def test_one_that_needs_too_much_memory_says_so(house, ben):
    sent(ben, film(*HEVC, name="a.mov"))
    change(house, memory=12 << 20)
    job = execute_one()
    assert job.state == "failed"
    assert len(job.error) > 20
    assert len(rendition_files()) == 2


def test_one_that_grows_too_large_is_given_up(ben, monkeypatch):
    sent(ben, film(*HEVC, name="a.mov"))
    monkeypatch.setattr(conversion, "_most_bytes", lambda *_: 500)
    job = execute_one()
    assert (job.state, job.error) == ("failed", conversion.TOO_LARGE)
    assert len(rendition_files()) == 2


def test_a_disk_that_is_nearly_full_makes_it_wait(house, ben):
    sent(ben, film(*HEVC, name="a.mov"))
    free = media.free_bytes()
    config.bind(replace(house, uploads=replace(house.uploads, min_free=free + (1 << 30))))
    job = execute_one()
    assert (job.state, len(rendition_files())) == ("retrying", 2)
    config.bind(house)
    Job.update(due_at=0).execute()
    assert execute_one().state == "succeeded"


@pytest.fixture
def moving(ben) -> bytes:
    """The clip of a motion photo of Ben's, of which only its conversion waits."""
    photo, clip = lives.motion_photo(*HEVC)
    sent(ben, photo, "moving.jpg")
    return clip


def test_for_a_clip_there_is_room_before_it_is_copied(house, moving, monkeypatch):
    told = []
    check, make = ingest.check_room, tempfile.TemporaryFile
    monkeypatch.setattr(ingest, "check_room", lambda size=0: (told.append(size), check(size)))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: (told.append("copy"), make())[1])
    assert execute_one().state == "succeeded"
    assert told[:2] == [len(moving), "copy"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_while_a_clip_is_copied_makes_it_wait(moving, monkeypatch, number):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(number, "full")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    job = execute_one()
    assert (job.state, job.error) == ("retrying", "The disk of the server is full.")


def test_the_disk_is_watched_while_it_grows(ben, monkeypatch):
    sent(ben, film(*HEVC, name="a.mov", seconds=4.0))
    calls = []

    def check(size=0):
        calls.append(size)
        if len(calls) > 1:
            raise ingest.NoSpace("The disk of the server is nearly full.")

    monkeypatch.setattr(ingest, "check_room", check)
    assert execute_one().state == "retrying"
    assert len(calls) == 2
    assert len(rendition_files()) == 2


def test_a_result_that_is_no_film_is_not_kept(ben, monkeypatch):
    sent(ben, film(*HEVC, name="a.mov"))
    monkeypatch.setattr(conversion, "_run", lambda *args: args[-1].write(b"nonsense"))
    assert execute_one().state == "failed"
    assert len(rendition_files()) == 2


def test_one_that_was_deleted_meanwhile_leaves_nothing(ben, monkeypatch):
    asset = sent(ben, film(*HEVC, name="a.mov"))
    keep = conversion._keep

    def purged(*args):
        row = keep(*args)
        Asset.update(trashed_at=5.0).execute()
        cleanup.purge(asset)
        return row

    monkeypatch.setattr(conversion, "_keep", purged)
    execute_one()
    assert rendition_files() == []
    assert Rendition.select().count() == 0


def test_a_worker_that_is_stopped_takes_ffmpeg_along(ben):
    """As the kernel does it: the worker is killed, and cannot clean up."""
    asset = sent(ben, film(*HEVC, name="a.mov", seconds=60.0))
    worker = os.fork()
    if not worker:
        conversion.convert(asset.id, print)
        os._exit(0)
    children = Path(f"/proc/{worker}/task/{worker}/children")

    def ffmpeg() -> list[str]:
        found = children.read_text().split()
        return [n for n in found if "ffmpeg" in Path(f"/proc/{n}/cmdline").read_text()]

    deadline = time.monotonic() + 30
    while not (running := ffmpeg()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    while processes.start_time(int(running[0])) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes.start_time(int(running[0]))
    assert Rendition.select().where(Rendition.spec == "video").count() == 0
    # What it leaves has no row, and goes when it is a day old.
    assert len(rendition_files()) == 3


def test_an_interrupted_one_is_done_again(ben, monkeypatch):
    asset = sent(ben, film(*HEVC, name="a.mov"))

    def interrupted(*_):
        raise watch.Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "_follow", interrupted)
        with pytest.raises(watch.Interrupted):
            execute_one()
    assert len(rendition_files()) == 2
    assert execute_one().state == "succeeded"
    assert converted(asset)


def test_progress_is_told(ben, monkeypatch):
    sent(ben, film(*HEVC, name="a.mov", seconds=6.0))
    told = []
    monkeypatch.setattr(conversion.runs, "report", lambda step, part=None: told.append(part))
    execute_one()
    parts = [part for part in told if part is not None]
    assert parts == sorted(parts)
    assert parts[0] == 0
    assert 0 < parts[-1] <= 0.99


def test_what_ffmpeg_complains_about_is_not_taken_for_progress(house, monkeypatch):
    lines = ["frame=12", "out_time_us=N/A", "[hevc @ 0x1] broken = very", "out_time_us=500000"]
    monkeypatch.setattr(conversion, "_lines", lambda *_: iter(lines))
    told = []
    monkeypatch.setattr(conversion.runs, "report", lambda _step, part: told.append(part))
    assert conversion._follow(None, 2.0) == ["[hevc @ 0x1] broken = very"]
    assert told == [0.25]


@pytest.mark.parametrize(
    ("status", "said", "words", "passing"),
    [
        (-signal.SIGKILL, "", sandbox.SHOT, True),
        (1, "x: Cannot allocate memory", sandbox.TOO_MUCH_MEMORY, False),
        (1, "av_interleaved_write_frame(): No space left on device", "disk", True),
        (-signal.SIGXFSZ, "", conversion.TOO_LARGE, False),
        (1, "something", conversion.NO_RESULT, False),
    ],
)
def test_why_it_failed(status, said, words, passing):
    error = conversion._failure(status, said, processes.shot_for_memory())
    assert words in str(error)
    assert error.passing is passing


# Once more


def test_processing_again_keeps_what_was_converted(ben):
    asset = sent(ben, film(*HEVC, name="a.mov"))
    execute_one()
    before = converted(asset)
    queue.enqueue(queue.task_class("process_asset")((asset.id,)))
    assert execute_one().task == "process_asset"
    assert execute_one() is None
    assert converted(asset) == before
    assert len(rendition_files()) == 3


def test_what_is_lost_is_made_again(ben):
    asset = sent(ben, film(*HEVC, name="a.mov"))
    execute_one()
    media.remove(Rendition.get(Rendition.spec == "video").path)
    cleanup.rescue(queue_process, tasks.report_soon)
    assert work_off() == 2
    assert converted(asset)
    assert Asset.get_by_id(asset.id).state == "ready"


def queue_process(asset_id):
    return queue.enqueue(queue.task_class("process_asset")((asset_id,)))


def test_a_purge_takes_it_too(ben):
    asset = sent(ben, film(*HEVC, name="a.mov"))
    execute_one()
    Asset.update(trashed_at=5.0).execute()
    assert cleanup.purge(asset)
    assert rendition_files() == []


# Without ffmpeg


def test_without_ffmpeg_videos_wait_for_it(ben, monkeypatch):
    asset = send(ben, film(*HEVC, name="a.mov"), "a.mov").asset
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        assert execute_one().state == "failed"
        found = Asset.get_by_id(asset.id)
        assert (found.state, found.kind, found.error) == ("failed", "video", video.MISSING)
        assert found.taken_at
        (problem,) = machine.problems()
        assert problem == "1 video is kept but not shown: sudo apt install ffmpeg"
        cleanup.rescue(queue_process, tasks.report_soon)
        assert Asset.get_by_id(asset.id).state == "failed"
    cleanup.rescue(queue_process, tasks.report_soon)
    assert work_off() == 2
    assert Asset.get_by_id(asset.id).state == "ready"
    assert converted(asset)
    assert machine.problems() == []


# Telling


@pytest.fixture
def told(house, monkeypatch):
    wanted = replace(house.notifications, urls=("json://127.0.0.1:9/",), quiet=0)
    config.bind(replace(house, notifications=wanted))
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(notify, "send", lambda title, text, *_: messages.append((title, text)))
    return messages


def test_a_video_that_is_ready_is_told_of(ben, told):
    sent(ben, film(*HEVC, name="a.mov"), "IMG_1.mov")
    notify.report_uploads(ben.id)
    assert told == [("Ben added 1 video", "1 video is ready to look at.")]
    assert work_off() == 2
    assert told[1:] == [("Your video is ready", "Every browser can play now:\n- IMG_1.mov")]
    notify.report_uploads(ben.id)
    assert len(told) == 2
    assert facts.recall(notify.CONVERTED.format(ben.id)) == []


def test_several_are_told_of_together(ben, told):
    for number in (1, 2):
        send(ben, film(*HEVC, name="a.mov", seconds=number), f"{number}.mov")
    execute_one()
    execute_one()
    notify.report_uploads(ben.id)
    execute_one()
    job = execute_one()
    while job.task == "report_uploads":
        assert (job.state, len(told)) == ("scheduled", 1)
        job = execute_one()
    Job.update(due_at=0).where(Job.state == ledger.SCHEDULED).execute()
    work_off()
    assert told[1:] == [("Your videos are ready", "Every browser can play now:\n- 1.mov\n- 2.mov")]


def test_one_message_is_enough_for_a_short_film(ben, told):
    sent(ben, film(*HEVC, name="a.mov"), "a.mov")
    work_off()
    ((title, text),) = told
    assert title == "Ben added 1 video"
    assert text.endswith("Every browser can play now:\n- a.mov")
