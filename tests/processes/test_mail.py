"""Notifications as mails to a real SMTP server: one a batch, and no photo ever waits for one."""

import email
import email.policy
import socket
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import AsyncMessage

from tests.conftest import free_port
from tests.pictures import png_claiming
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise

pytestmark = pytest.mark.slow

#: Says it is a picture, but shows nothing.
BROKEN = png_claiming(400, 300)


class Mailbox(AsyncMessage):
    """Keeps what is delivered."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mails: list[EmailMessage] = []

    async def handle_message(self, message: EmailMessage) -> None:
        self.mails.append(email.message_from_bytes(bytes(message), policy=email.policy.default))


class Post:
    """A mail server that can be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.box = Mailbox()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """Its address as Apprise wants it for plain SMTP without a password."""
        return f"mailto://127.0.0.1:{self.port}?from=house@example.org&to=family@example.org"

    @property
    def mails(self) -> list[EmailMessage]:
        return self.box.mails

    def open(self) -> None:
        self._controller = Controller(self.box, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture
def post() -> Iterator[Post]:
    server = Post()
    yield server
    server.close()


def report(server: Homequeue) -> dict[str, object]:
    """The newest job that reports."""
    jobs = server.rows("select * from job where task = 'report_uploads' order by id desc")
    return dict(jobs[0]) if jobs else {}


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


def send_batch(server: Homequeue) -> None:
    for number in range(5):
        assert server.upload(noise(number), f"holiday {number}.jpg").status == 201
    assert server.upload(BROKEN, "Фото на море.png").status == 201


def test_a_batch_is_one_mail_with_counts_and_names_what_failed(serve: Serve, post: Post) -> None:
    post.open()
    server = serve(notifications_urls=post.url, notifications_quiet=1)
    send_batch(server)
    eventually(lambda: post.mails, "a mail came", 20)
    states = sorted(asset["state"] for asset in server.settled(6))
    assert states == ["failed"] + ["ready"] * 5
    eventually(server.is_idle, "nothing is left to do")
    (mail,) = post.mails
    assert mail["to"] == "family@example.org"
    assert "house@example.org" in mail["from"]
    assert mail["subject"] == "Anna added 6 photos"
    text = words(mail)
    assert "5 photos are ready" in text
    assert "1 photo could not be shown" in text
    assert "Фото на море.png" in text
    assert "holiday" not in text
    assert {job["state"] for job in server.get("/api/jobs?task=report_uploads")["jobs"]} == {
        "succeeded"
    }


def test_the_next_batch_is_a_mail_of_its_own_and_a_duplicate_none(serve: Serve, post: Post) -> None:
    post.open()
    server = serve(notifications_urls=post.url, notifications_quiet=1)
    assert server.upload(noise(1)).status == 201
    eventually(lambda: len(post.mails) == 1, "the first mail came", 20)
    assert server.upload(noise(1)).status == 200
    assert server.upload(noise(2)).status == 201
    eventually(lambda: len(post.mails) == 2, "the second mail came", 20)
    eventually(server.is_idle, "nothing is left to do")
    assert [mail["subject"] for mail in post.mails] == ["Anna added 1 photo"] * 2


def test_photos_do_not_wait_for_a_mail_server_that_is_away(serve: Serve, post: Post) -> None:
    server = serve(notifications_urls=post.url, notifications_quiet=1)
    send_batch(server)
    eventually(lambda: report(server).get("state") == "retrying", "it will be tried again", 30)
    assert len(server.settled(6)) == 6
    job = report(server)
    assert "could not be delivered: address 1 (mailto://…)" in str(job["error"])
    assert "Connection refused" in str(job["error"])
    assert 20 < float(str(job["due_at"])) - time.time() < 40
    assert server.request("GET", "/healthz").status == 200

    post.open()
    server.rows("update job set due_at = ? where id = ?", time.time(), job["id"])
    # A worker that sleeps until a later moment hears of the new one when the bell rings.
    assert server.post("/api/queue/resume").status == 200
    eventually(lambda: post.mails, "the mail came", 20)
    eventually(lambda: report(server)["state"] == "succeeded", "the job says so")
    assert report(server)["attempts"] == 2
    (mail,) = post.mails
    assert mail["subject"] == "Anna added 6 photos"
    assert server.is_idle()


def test_a_silent_mail_server_holds_no_photo_up(serve: Serve) -> None:
    """It takes the connection and says nothing, as a firewall's tarpit does."""
    with socket.create_server(("127.0.0.1", 0)) as tarpit:
        tarpit.settimeout(20)
        port = tarpit.getsockname()[1]
        url = f"mailto://127.0.0.1:{port}?from=house@example.org&to=family@example.org"
        server = serve(notifications_urls=url, notifications_quiet=1, queue_grace=1)
        assert server.upload(noise(1)).status == 201
        line, _ = tarpit.accept()
        with line:
            began = time.monotonic()
            assert server.upload(noise(2)).status == 201
            assert [asset["state"] for asset in server.settled(2, 10)] == ["ready", "ready"]
            assert time.monotonic() - began < 5
            running = "select * from job where task = 'report_uploads' and state = 'running'"
            assert len(server.rows(running)) == 1
            # Nor does it hold up the end.
            code, seconds = server.stop()
        assert code == 0
        assert seconds < 10
        assert server.rows(running) == []
        assert "Traceback" not in server.err
