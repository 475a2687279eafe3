"""Notifications: one message for a batch, delivered or tried again, and never in anybody's way."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from homequeue import config, tasks
from homequeue.errors import ConfigError, DeliveryFailed, NotYet
from homequeue.media import media
from homequeue.models import Asset, Job
from homequeue.queue import may_pass, queue
from homequeue.services import notify, sandbox
from tests.conftest import free_port
from tests.library import execute_one, job, row, whole


@pytest.fixture
def urls():
    return ("json://127.0.0.1:9/",)


@pytest.fixture
def _wanted(house, urls):
    notifications = replace(house.notifications, urls=urls, quiet=30)
    config.bind(replace(house, notifications=notifications))


@pytest.fixture
def sent(_wanted, monkeypatch):
    """What would have been delivered."""
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(notify, "send", lambda title, text, *_: messages.append((title, text)))
    return messages


def batch(owner, count: int, **values) -> list[Asset]:
    long_ago = {"uploaded_at": time.time() - 100, "notified_at": None, "state": "ready"}
    return [row(owner, number, **long_ago | values) for number in range(count)]


def test_without_channels_nobody_is_told(house):
    assert not notify.is_wanted()


def test_one_message_for_many_photos(ben, sent):
    batch(ben, 7)
    notify.report_uploads(ben.id)
    assert sent == [("Ben added 7 photos", "7 photos are ready to look at.")]
    assert all(asset.notified_at for asset in Asset.select())


def test_what_guests_have_sent_is_told_apart(ben, sent):
    waits = {"share": 1, "awaits": True, "trashed_at": 1.0}
    batch(ben, 1)
    for start, count, values in (
        (10, 2, waits | {"guest": "Aunt\nRita"}),
        (20, 1, waits | {"guest": "", "kind": "video"}),
        (30, 1, {"share": 1, "guest": "Otto"}),
    ):
        for asset in batch_from(ben, start, count, values):
            assert asset.notified_at is None
    notify.report_uploads(ben.id)
    assert sent == [
        (
            "Ben added 1 photo",
            "1 photo is ready to look at.\n"
            "Waiting for your yes:\n- 2 photos from Aunt Rita\n- 1 video from a guest\n"
            "By a drop link came:\n- 1 photo from Otto",
        )
    ]


def batch_from(owner, start: int, count: int, values: dict) -> list[Asset]:
    long_ago = {"uploaded_at": time.time() - 100, "notified_at": None, "state": "ready"}
    return [row(owner, start + number, **long_ago | values) for number in range(count)]


def test_what_waits_is_in_the_title_when_there_is_nothing_else(ben, house, sent):
    settings = config.settings()
    url = replace(settings.server, url="https://photos.example/")
    config.bind(replace(settings, server=url))
    waits = {"share": 1, "awaits": True, "trashed_at": 1.0, "guest": "Rita"}
    batch(ben, 3, **waits)
    notify.report_uploads(ben.id)
    title, text = sent[0]
    assert title == "3 photos wait for your yes"
    assert text.endswith("\n\nhttps://photos.example/waiting")
    batch_from(ben, 50, 2, {"share": 1, "guest": "Rita"})
    notify.report_uploads(ben.id)
    assert sent[1][0] == "Guests sent 2 photos"


def test_a_batch_is_told_of_once(ben, sent):
    batch(ben, 2)
    notify.report_uploads(ben.id)
    notify.report_uploads(ben.id)
    assert len(sent) == 1


def test_the_clip_of_a_live_photo_is_no_video_more(ben, sent):
    clip, photo = batch(ben, 2)
    Asset.update(kind="video", is_clip=True, pair=photo.id).where(Asset.id == clip.id).execute()
    notify.report_uploads(ben.id)
    assert sent == [("Ben added 1 photo", "1 photo is ready to look at.")]
    Asset.update(notified_at=None).where(Asset.id == clip.id).execute()
    notify.report_uploads(ben.id)
    assert len(sent) == 1
    assert all(asset.notified_at for asset in Asset.select())


def test_only_what_is_new_and_ones_own(anna, ben, sent):
    batch(anna, 3)
    row(ben, 50, notified_at=1.0, state="ready")
    batch(ben, 1)
    notify.report_uploads(ben.id)
    assert sent == [("Ben added 1 photo", "1 photo is ready to look at.")]
    assert Asset.select().where(Asset.notified_at.is_null()).count() == 3


def test_while_more_comes_in_it_waits(ben, sent):
    batch(ben, 2)
    row(ben, 50, uploaded_at=time.time() - 10, notified_at=None, state="ready")
    with pytest.raises(NotYet) as caught:
        notify.report_uploads(ben.id)
    assert 19 < caught.value.seconds <= 20
    assert sent == []


@pytest.mark.parametrize("state", ["pending", "processing"])
def test_while_some_are_in_the_works_it_waits(ben, sent, state):
    batch(ben, 2)
    row(ben, 50, uploaded_at=time.time() - 100, notified_at=None, state=state)
    with pytest.raises(NotYet) as caught:
        notify.report_uploads(ben.id)
    assert caught.value.seconds >= 1
    assert sent == []


def test_a_clock_that_went_back_does_not_silence_it(ben, sent):
    batch(ben, 2, uploaded_at=time.time() + 86400)
    notify.report_uploads(ben.id)
    assert len(sent) == 1


def failed(owner, number: int, **values) -> Asset:
    name = f"IMG_{number}.jpg"
    return whole(
        owner, number, uploaded_at=1.0, notified_at=None, state="failed", filename=name, **values
    )


def test_of_an_original_that_is_missing_nobody_says_that_it_is_kept(ben, sent):
    failed(ben, 1, error="It rained.")
    (media.root / failed(ben, 2, error="It is missing.").path).unlink()
    notify.report_uploads(ben.id)
    ((_, text),) = sent
    kept, lost = text.split("\n\n")[1:]
    kept_line = "1 photo could not be shown (the original is kept):"
    assert kept == f"{kept_line}\n- IMG_1.jpg: It rained."
    assert lost.startswith("1 photo could not be shown (the original is missing from the disk):")
    assert "IMG_2.jpg" in lost


def test_failures_are_named_and_then_counted(ben, sent):
    batch(ben, 3)
    for number in range(100, 112):
        failed(ben, number, error=f"error {number}")
    notify.report_uploads(ben.id)
    ((title, text),) = sent
    assert title == "Ben added 15 photos"
    lines = text.splitlines()
    assert lines[0] == "3 photos are ready to look at."
    assert "12 photos could not be shown (the originals are kept):" in lines
    assert "- IMG_100.jpg: error 100" in lines
    assert len([line for line in lines if line.startswith("- IMG")]) == notify.MOST_NAMED
    assert lines[-1] == "- and 2 more"


def test_photos_and_videos_are_told_apart(ben, sent):
    batch(ben, 2)
    row(ben, 50, uploaded_at=1.0, notified_at=None, kind="video", state="ready")
    for number in (51, 52):
        failed(ben, number, kind="video", error="ffmpeg is not installed.")
    notify.report_uploads(ben.id)
    ((title, text),) = sent
    assert title == "Ben added 2 photos and 3 videos"
    assert text.splitlines()[0] == "2 photos and 1 video are ready to look at."
    assert "2 videos could not be shown (the originals are kept):" in text


def test_a_video_that_was_converted_is_told_of_once(ben, sent):
    found = row(ben, 1, kind="video", state="ready", filename="a\nb.mov")
    notify.remember_video(found)
    notify.report_uploads(ben.id)
    notify.report_uploads(ben.id)
    assert sent == [("Your video is ready", "Every browser can play now:\n- a b.mov")]


def test_a_video_that_is_gone_is_not_told_of(ben, sent):
    found = row(ben, 1, kind="video", state="ready")
    notify.remember_video(found)
    Asset.delete().execute()
    notify.report_uploads(ben.id)
    assert sent == []


def test_one_that_is_converted_while_a_message_is_sent_is_told_of_next(ben, sent, monkeypatch):
    one, other = (row(ben, n, kind="video", state="ready", filename=f"{n}.mov") for n in (1, 2))
    notify.remember_video(one)
    told = notify.send

    def slow(*message):
        told(*message)
        if len(sent) == 1:
            notify.remember_video(other)

    monkeypatch.setattr(notify, "send", slow)
    notify.report_uploads(ben.id)
    notify.report_uploads(ben.id)
    assert [text.splitlines()[1:] for _, text in sent] == [["- 1.mov"], ["- 2.mov"]]


def test_videos_wait_for_each_other(ben, sent):
    found = row(ben, 1, kind="video", state="ready")
    other = row(ben, 2, kind="video", state="ready")
    waiting = job("queued", "convert_video", asset=other.id, args=f"[{other.id}]")
    notify.remember_video(found)
    with pytest.raises(NotYet) as caught:
        notify.report_uploads(ben.id)
    assert (caught.value.seconds, sent) == (60, [])
    Job.update(state="failed").where(Job.id == waiting.id).execute()
    notify.report_uploads(ben.id)
    assert len(sent) == 1


def test_the_address_of_the_house_is_named_when_it_has_one(ben, house, sent):
    settings = config.settings()
    config.bind(replace(settings, server=replace(settings.server, url="https://photos.home")))
    batch(ben, 1)
    notify.report_uploads(ben.id)
    assert sent[0][1].endswith("https://photos.home")


def test_a_name_with_line_breaks_forges_no_line(ben, sent):
    batch(ben, 1, state="failed", filename="a\n- all.jpg: fine", error="It\nrained.")
    notify.report_uploads(ben.id)
    assert len([line for line in sent[0][1].splitlines() if line.startswith("- ")]) == 1


def test_a_message_that_cannot_be_delivered_is_tried_again(ben, sent, monkeypatch):
    def down(*_args):
        raise DeliveryFailed("The notification could not be delivered.")

    batch(ben, 2)
    with monkeypatch.context() as patch:
        patch.setattr(notify, "send", down)
        tasks.report_uploads(ben.id)
        stored = execute_one()
    assert stored.state == "retrying"
    assert stored.max_attempts >= 10
    assert Asset.select().where(Asset.notified_at.is_null()).count() == 2
    Job.update(due_at=0).execute()
    assert execute_one().state == "succeeded"
    assert len(sent) == 1


def test_the_report_is_told_and_done_in_one(ben, sent, monkeypatch):
    batch(ben, 2)
    tasks.report_uploads(ben.id)
    task = queue.dequeue()
    Job.update(worker="another").execute()
    queue.execute(task)
    assert Asset.select().where(Asset.notified_at.is_null()).count() == 2


def test_a_report_that_waits_for_its_batch_has_not_been_tried(ben, sent):
    batch(ben, 2, uploaded_at=time.time())
    tasks.report_uploads(ben.id)
    stored = execute_one()
    assert (stored.state, stored.attempts) == ("scheduled", 0)


def test_a_user_who_is_gone_gets_no_report(anna, ben, sent):
    gone = job(task="report_uploads", args="[77]", user=77)
    execute_one()
    assert Job.get_by_id(gone.id).state == "succeeded"
    assert sent == []


# Delivery


@pytest.fixture
def inbox(monkeypatch):
    """A server that takes what Apprise's json:// sends; `status` is how it answers."""
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            received.append(json.loads(self.rfile.read(length)))
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Handler, received, f"json://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def wanting(house, *urls: str) -> None:
    config.bind(replace(house, notifications=replace(house.notifications, urls=urls)))


def test_a_message_is_delivered(house, inbox):
    _, received, url = inbox
    wanting(house, url)
    notify.send("Ben added 2 photos", "Фото: 2\nready")
    assert [(one["title"], one["message"]) for one in received] == [
        ("Ben added 2 photos", "Фото: 2\nready")
    ]


def test_a_channel_that_refuses_is_an_error_that_passes(house, inbox):
    handler, _, url = inbox
    handler.status = 500
    wanting(house, url)
    with pytest.raises(DeliveryFailed) as caught:
        notify.send("title", "text")
    assert may_pass(caught.value)


def test_a_channel_that_is_not_there_is_an_error_that_passes(house):
    wanting(house, f"json://127.0.0.1:{free_port()}/")
    with pytest.raises(DeliveryFailed):
        notify.send("title", "text")


def test_an_address_that_is_none_is_an_error(house):
    wanting(house, "nonsense://x")
    with pytest.raises(DeliveryFailed):
        notify.send("title", "text")


@pytest.mark.parametrize("words", [sandbox.TOO_LONG, sandbox.CRASHED, sandbox.TOO_MUCH_MEMORY])
def test_a_channel_that_hangs_is_tried_again_too(house, monkeypatch, words):
    def hangs(*_args, **_options):
        raise sandbox.ChildFailed(words)

    wanting(house, "json://127.0.0.1:9/")
    monkeypatch.setattr(sandbox, "run", hangs)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        notify.send("title", "text")
    assert may_pass(caught.value)
    assert "file" not in str(caught.value)


def test_no_secret_is_told(house, caplog):
    wanting(house, f"json://user:hunter2@127.0.0.1:{free_port()}/hunter2/", "nonsense://hunter2")
    with pytest.raises(DeliveryFailed) as caught:
        notify.send("title", "text")
    assert "hunter2" not in str(caught.value) + caplog.text


def test_the_reason_is_told_and_for_which_address(house, inbox):
    _, received, url = inbox
    wanting(house, url, f"json://127.0.0.1:{free_port()}/")
    with pytest.raises(DeliveryFailed) as caught:
        notify.send("title", "text")
    assert len(received) == 1
    words = str(caught.value)
    assert words.startswith("The notification could not be delivered: address 2 (json://…): ")
    assert "Connection refused" in words
    assert "HTTPConnectionPool" not in words


def test_every_address_that_fails_is_told(house):
    wanting(house, f"json://127.0.0.1:{free_port()}/", "nonsense://x")
    with pytest.raises(DeliveryFailed) as caught:
        notify.send("title", "text")
    assert "address 1 (json://…)" in str(caught.value)
    assert "address 2 (nonsense://…)" in str(caught.value)


def test_a_long_reason_is_cut(house, monkeypatch):
    long = sandbox.Answer("x " * 1000, [], 0.0, 0)
    wanting(house, "json://127.0.0.1:9/")
    monkeypatch.setattr(sandbox, "run", lambda *_args, **_options: long)
    with pytest.raises(DeliveryFailed) as caught:
        notify.send("title", "text")
    assert 300 < len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "url", "told"),
    [
        (
            "cannot reach example.org as anna with pass/word",
            "mailto://anna:pass%2Fword@example.org",
            "cannot reach example.org as **** with ****",
        ),
        ("/bot12345678:abcdef/send", "tgram://12345678:abcdef/99", "/bot****:****/send"),
        ("h2nter failed", "json://localhost/?token=h2nter", "**** failed"),
        ("failed\nto go to b@c.de", "mailto://a@c.de?to=b@c.de", "failed to go to b@c.de"),
        ("pop pie is p", "mailto://u:p@example.org", "pop pie is ****"),
        ("[x] is wrong", "json://[x]", "**** is wrong"),
    ],
)
def test_what_may_be_secret_in_an_address_is_left_out(text, url, told):
    assert notify.without_secrets(text, url) == told


# Checking the addresses


def given(house, *urls: str) -> config.Settings:
    """Settings with these addresses, as from the environment."""
    notifications = replace(house.notifications, urls=urls)
    return replace(house, notifications=notifications, sources={"notifications.urls": "HERE"})


def test_addresses_that_apprise_knows_are_fine(house):
    notify.check(given(house))
    notify.check(given(house, "json://localhost/", "mailtos://anna:secret@example.org?to=b@c.de"))


@pytest.mark.parametrize("wrong", ["foo://hunter2", "mailto://hunter2", "tgram://hunter2"])
def test_an_address_that_apprise_does_not_know_is_named_without_its_secret(house, wrong):
    with pytest.raises(ConfigError) as caught:
        notify.check(given(house, "json://localhost/", wrong))
    scheme = wrong.partition(":")[0]
    named = f"notifications.urls (HERE): address 2 ({scheme}://…) cannot be used: "
    assert str(caught.value).startswith(named)
    assert "hunter2" not in str(caught.value)


def test_checking_keeps_apprise_out_of_this_process(house):
    words = (
        "import sys; from homequeue import config; from homequeue.services import notify; "
        "notify.check(config.load(overrides={'notifications.urls': 'json://localhost/'})); "
        "print('apprise' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_check_that_cannot_be_made_stops_nothing(house, monkeypatch, caplog):
    def fails(*_args, **_options):
        raise sandbox.ChildFailed(sandbox.TOO_MUCH_MEMORY)

    monkeypatch.setattr(sandbox, "run", fails)
    notify.check(given(house, "foo://hunter2"))
    assert "could not be checked" in caplog.text
    assert "hunter2" not in caplog.text


def test_who_was_told_is_not_told_again(house, monkeypatch):
    wanting(house, "json://127.0.0.1:1/", "json://127.0.0.1:2/")
    asked, broken = [], {"json://127.0.0.1:2/"}

    def deliver(url, _title, _text):
        asked.append(url)
        return "No answer." if url in broken else ""

    monkeypatch.setattr(notify, "_deliver", deliver)
    with pytest.raises(DeliveryFailed):
        notify.send("title", "text")
    broken.clear()
    notify.send("title", "text")
    assert asked == ["json://127.0.0.1:1/", "json://127.0.0.1:2/", "json://127.0.0.1:2/"]
