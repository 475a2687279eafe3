"""The server under the application: where the bytes of a request go, and when memory goes back."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments

from homequeue import config, processes
from homequeue.incoming import Incoming
from homequeue.media import Media, media
from homequeue.models import Receipt, Share
from homequeue.services import resumable, room, shares, users
from homequeue.web import pages
from homequeue.web import server as web
from homequeue.web.admission import Arrival
from homequeue.web.forms import Form
from homequeue.web.principals import COOKIE, GUEST_COOKIE
from homequeue.web.server import parser
from tests.library import incoming, jpeg, sha256
from tests.web.client import SECRET

DATA = jpeg(1)
PIECE = 500


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """No body of another test keeps room."""
    room._coming.clear()


@pytest.fixture
def token(ben: users.User) -> str:
    return users.add_token(ben, "phone", "upload", None)


@pytest.fixture
def server(app: Any, house: Any) -> Iterator[web.Server]:
    """A server that listens, turned by hand."""
    settings = replace(house, server=replace(house.server, host="127.0.0.1", port=0))
    made = web.create_server(app, SECRET, settings, web.bind(settings))
    yield made
    made.questions.shutdown()
    made.task_dispatcher.shutdown()
    for channel in list(made.active_channels.values()):
        channel.handle_close()
    made.close()


def turn(server: web.Server, times: int = 20) -> None:
    for _ in range(times):
        wasyncore.loop(timeout=0.01, use_poll=True, map=server._map, count=1)


#: How a form of one file begins.
FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


def head(token: str, more: str = "", path: str = "/api/assets") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()
    )


def length(size: int) -> str:
    return f"Content-Length: {size}\r\n"


def parsed(*pieces: bytes) -> web.Parser:
    """A request whose bytes came in these pieces."""
    parser = web.Parser(Adjustments(inbuf_overflow=web.IN_MEMORY), lambda _: None)
    for piece in pieces:
        while piece and not parser.completed:
            piece = piece[parser.received(piece) :]
            if parser.is_asking:
                piece = parser.go_on(parser.judge(SECRET, "192.0.2.7"))
    return parser


def pieces(data: bytes) -> list[bytes]:
    return [data[start : start + PIECE] for start in range(0, len(data), PIECE)]


# Bodies


@pytest.mark.parametrize("kind", ["", "image/jpeg", "application/x-www-form-urlencoded"])
def test_a_raw_upload_is_written_where_it_belongs_while_it_comes(token, kind):
    more = f"Content-Type: {kind}\r\n" + length(len(DATA))
    parser = parsed(head(token, more), *pieces(DATA))
    assert parser.completed
    assert parser.error is None
    body = parser.get_body_stream()
    assert isinstance(body, Incoming)
    assert (body.size, body.checksum) == (len(DATA), sha256(DATA))
    assert body.complete().read() == DATA
    assert incoming() == [body.path.name]


def test_so_is_one_of_unknown_length(token):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces(DATA))
    parser = parsed(head(token, "Transfer-Encoding: chunked\r\n"), chunks, b"0\r\n\r\n")
    assert parser.get_body_stream().checksum == sha256(DATA)
    assert parser.headers["CONTENT_LENGTH"] == str(len(DATA))


@pytest.mark.parametrize("kind", ["multipart/form-data", "Multipart/Form-Data"])
def test_so_are_the_files_of_a_form(token, kind):
    body = FORM_HEAD + DATA + b"\r\n--x--\r\n"
    more = f"Content-Type: {kind}; boundary=x\r\n" + length(len(body))
    form = parsed(head(token, more), *pieces(body)).get_body_stream()
    assert isinstance(form, Form)
    (file,) = form.files
    assert (file.name, file.incoming.checksum) == ("a.jpg", sha256(DATA))
    assert incoming() == [file.incoming.path.name]
    form.close()
    assert incoming() == []


def test_what_is_no_upload_is_no_file(token):
    parser = parsed(head(token, length(2), "/api/assets/check"), b"{}")
    assert parser.get_body_stream().read() == b"{}"
    assert incoming() == []


def test_nothing_is_written_for_a_stranger(house):
    parser = parsed(head("hq_wrong", length(len(DATA))), DATA)
    assert parser.error.code == 401
    assert incoming() == []


def test_an_unkept_upload_is_forgotten_with_its_request(token):
    parser = parsed(head(token, length(len(DATA))), DATA)
    parser.close()
    assert incoming() == []


def test_more_chunks_than_we_take_are_forgotten_too(token, monkeypatch):
    monkeypatch.setattr(parser, "admit", lambda *_: (1000, Arrival()))
    start = head(token, "Transfer-Encoding: chunked\r\n")
    request = parsed(start, b"%x\r\n" % 5000, bytes(5000))
    assert request.error.code == 413
    request.close()
    assert incoming() == []


@pytest.mark.parametrize("door", ["/api/assets", "/dav/a.jpg"])
def test_a_file_that_grows_too_large_has_a_receipt(token, house, door):
    config.bind(replace(house, uploads=replace(house.uploads, max_size=1000)))
    start = head(token, "Transfer-Encoding: chunked\r\nX-Filename: a.jpg\r\n", door)
    start = start.replace(b"POST /dav", b"PUT /dav")
    request = parsed(start, b"%x\r\n" % 5000, bytes(500), bytes(4500), b"\r\n0\r\n\r\n")
    assert request.error.code == 413
    assert "larger than 1 kB" in str(request.error.to_response())
    (receipt,) = Receipt.select()
    assert (receipt.filename, receipt.outcome) == ("a.jpg", "refused")
    request.close()
    assert incoming() == []


def test_whoever_sends_more_than_was_allowed_is_answered(server, token, house):
    config.bind(replace(house, uploads=replace(house.uploads, max_size=1000)))
    with socket.create_connection(("127.0.0.1", server.effective_port), timeout=5) as line:
        line.sendall(head(token, "Transfer-Encoding: chunked\r\n") + b"%x\r\n" % 5000)
        turn(server)
        line.sendall(bytes(5000) + b"\r\n0\r\n\r\n")
        turn(server, 40)
        assert line.recv(1000).startswith(b"HTTP/1.1 413 ")
    assert Receipt.select().count() == 1


def test_its_own_address_is_not_looked_up(app, house, monkeypatch):
    """That would load the tables of IDNA, which nobody else needs."""
    monkeypatch.setattr(socket, "getaddrinfo", None)
    settings = replace(house, server=replace(house.server, host="127.0.0.1", port=0))
    made = web.create_server(app, SECRET, settings, web.bind(settings))
    assert made.effective_port
    made.questions.shutdown()
    made.task_dispatcher.shutdown()
    made.close()


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EIO, 503)])
def test_a_disk_that_fails_while_it_comes_is_said_in_words(token, number, status, monkeypatch):
    size = web.IN_MEMORY + 1

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "No")

    parser = parsed(head(token, length(size)))
    monkeypatch.setattr(parser.get_body_stream(), "file", type("", (), {"write": fail})())
    assert parser.received(bytes(size)) == size
    assert parser.completed
    assert parser.error.code == status
    assert b'"error"' in parser.error.to_response()[2]


@pytest.mark.parametrize("path", ["/share-target", "/upload"])
def test_a_page_that_is_not_signed_in_is_sent_to_sign_in_and_send_again(house, path):
    kind = "Content-Type: multipart/form-data; boundary=x\r\n" + length(20_000)
    asked = f"POST {path} HTTP/1.1\r\nHost: x\r\n{kind}"
    page = parsed(f"{asked}Accept: text/html,*/*\r\n\r\n".encode())
    status, headers, _ = page.error.to_response()
    assert status == "303 See Other"
    assert dict(headers)["Location"] == "/sign-in?next=/upload%3Fsaid%3Dsend_again"
    assert "send_again" in pages.SAID
    program = parsed(f"{asked}\r\n".encode())
    assert program.error.to_response()[0] == "401 Unauthorized"


@pytest.fixture
def doors(ben: users.User) -> dict[str, tuple[str, str]]:
    """The forms of pages, by who is at them, each with the cookie of a session."""
    share, secret = shares.make(ben, shares.Terms("Party"))
    return {
        "guest": (f"/s/{secret}/upload", f"{GUEST_COOKIE}={shares.welcome(share, 'Rita')}"),
        "member": ("/upload", f"{COOKIE}={users.open_session(ben, 1)}"),
    }


def refused(door: tuple[str, str], accept: str) -> Any:
    """What is said of a form before its body."""
    path, cookie = door
    more = f"Content-Type: multipart/form-data; boundary=x\r\n{length(20_000)}"
    asked = f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n{more}{accept}\r\n"
    return parsed(asked.encode()).error.to_response()


PAGE = "Accept: text/html,*/*\r\n"


@pytest.mark.parametrize("who", ["guest", "member"])
def test_why_a_form_is_refused_is_said_on_its_page(doors, monkeypatch, who):
    monkeypatch.setattr(Media, "free_bytes", lambda _: 0)
    status, headers, _ = refused(doors[who], PAGE)
    page = "/upload" if who == "member" else doors[who][0].removesuffix("/upload")
    assert (status, dict(headers)["Location"]) == ("303 See Other", f"{page}?said=no_space")
    assert refused(doors[who], "")[0] == "507 Insufficient Storage"


def test_nothing_of_an_address_becomes_a_header(doors):
    strange = "/s/a%0D%0ASet-Cookie:%20x=1%FF/upload", doors["guest"][1]
    location = dict(refused(strange, PAGE)[1])["Location"]
    assert location == "/s/a%0D%0ASet-Cookie%3A%20x%3D1%FF?said=not_sent"


@pytest.mark.parametrize(
    ("change", "said"), [({"max_size": 10}, "too_large"), ({"ended_at": 1.0}, "not_sent")]
)
def test_so_is_what_a_link_does_not_take(doors, change, said):
    Share.update(change).execute()
    assert dict(refused(doors["guest"], PAGE)[1])["Location"].endswith(f"?said={said}")
    assert {"no_space", "too_large", "not_sent"} <= set(pages.SAID)


# Resumable uploads


KIND = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"


@pytest.fixture
def upload(ben: users.User) -> Any:
    return resumable.create(ben, len(DATA), "")


def patch(token: str, upload: Any, size: int = len(DATA), offset: int = 0, more: str = "") -> bytes:
    more = f"{KIND}Upload-Offset: {offset}\r\n{more}{length(size) if size else ''}"
    return head(token, more, f"/api/uploads/{upload.id}").replace(b"POST", b"PATCH", 1)


def file_of(upload: Any) -> Path:
    return Path(media.root / "incoming" / f"resumable-{upload.id}")


def test_a_piece_is_written_where_it_belongs_while_it_comes(token, upload):
    parser = parsed(patch(token, upload), *pieces(DATA)[:-1])
    assert not parser.completed
    assert file_of(upload).read_bytes() == b"".join(pieces(DATA)[:-1])
    parser.received(pieces(DATA)[-1])
    assert parser.completed
    piece = parser.get_body_stream()
    assert isinstance(piece, resumable.Piece)
    assert piece.settle() == len(DATA)
    parser.close()
    assert file_of(upload).read_bytes() == DATA


def test_a_piece_of_unknown_length_may_have_what_is_left(token, upload):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces(DATA))
    start = patch(token, upload, 0, more="Transfer-Encoding: chunked\r\n")
    longer = parsed(start, chunks, b"1\r\nx\r\n0\r\n\r\n")
    assert longer.error.code == 413
    longer.close()
    assert file_of(upload).read_bytes() == DATA


def test_the_first_bytes_come_like_any_upload(token):
    more = KIND + f"Upload-Length: {len(DATA) + 1}\r\n" + length(len(DATA))
    parser = parsed(head(token, more, "/api/uploads"), DATA)
    assert parser.get_body_stream().complete().read() == DATA
    parser.close()
    assert incoming() == []


def asked(answer: Any) -> tuple[int, dict[str, str]]:
    status, headers, body = answer.to_response()
    assert b'"error"' in body
    return int(status[:3]), {name.lower(): value for name, value in headers}


def test_a_piece_is_refused_before_a_byte_with_all_that_tus_wants(token, upload, anna):
    place = f"/api/uploads/{upload.id}".encode()
    theirs = users.add_token(anna, "phone", "upload", None)
    good = patch(token, upload)
    for start, status in (
        (good.replace(token.encode(), b"hq_wrong"), 401),
        (good.replace(token.encode(), theirs.encode()), 404),
        (good.replace(place, b"/api/uploads/none"), 404),
        (good.replace(b"Upload-Offset: 0", b"Upload-Offset: 7"), 409),
        (good.replace(b"1.0.0", b"0.2.2"), 412),
        (patch(token, upload, len(DATA) + 1), 413),
        (good.replace(b"offset+octet-stream", b"json"), 415),
        (good.replace(b"Host: x", b"Host: x\r\nSec-Fetch-Site: cross-site"), 403),
    ):
        parser = parsed(start, DATA)
        code, headers = asked(parser.error)
        assert code == status
        assert headers["tus-resumable"] == "1.0.0"
        assert (headers.get("upload-offset"), headers.get("tus-version")) == (
            "0" if status == 409 else None,
            "1.0.0" if status == 412 else None,
        )
        parser.close()
    assert file_of(upload).read_bytes() == b""
    parser = parsed(good, DATA)
    assert parser.error is None, "a refusal has left the lock behind"
    parser.close()


def test_a_second_piece_at_the_same_time_is_told_to_wait(token, upload):
    first = parsed(patch(token, upload), DATA[:PIECE])
    code, headers = asked(parsed(patch(token, upload), DATA).error)
    assert (code, headers["retry-after"]) == (423, "1")
    first.close()
    third = parsed(patch(token, upload, 10, PIECE), DATA[:10])
    assert third.error is None
    third.close()


def test_a_disk_without_room_refuses_a_piece_and_keeps_what_there_is(token, upload, monkeypatch):
    parsed(patch(token, upload), DATA[:PIECE]).close()
    monkeypatch.setattr(Media, "free_bytes", lambda _: 0)
    assert parsed(patch(token, upload, 10, PIECE), DATA[:10]).error.code == 507
    assert file_of(upload).read_bytes() == DATA[:PIECE]


@pytest.mark.parametrize(
    ("path", "meant", "command"),
    [
        ("/api/uploads/{}", "PATCH", "PATCH"),
        ("/api/uploads/{}", "DELETE", "DELETE"),
        ("/api/uploads/{}", "HEAD", "HEAD"),
        ("/api/uploads/{}", "GET", "POST"),
        ("/api/uploads", "PATCH", "POST"),
        ("/s/a-link/uploads/{}", "PATCH", "PATCH"),
        ("/s/a-link/uploads", "PATCH", "POST"),
        ("/api/assets/1", "DELETE", "POST"),
    ],
)
def test_a_client_that_only_posts_may_mean_something_else(token, upload, path, meant, command):
    start = head(token, f"X-HTTP-Method-Override: {meant}\r\n", path.format(upload.id))
    assert parsed(start).command == command


def test_a_post_that_means_a_piece_is_one(token, upload):
    start = patch(token, upload, more="X-HTTP-Method-Override: PATCH\r\n")
    parser = parsed(start.replace(b"PATCH", b"POST", 1), DATA)
    assert isinstance(parser.get_body_stream(), resumable.Piece)
    parser.close()


def test_a_line_that_breaks_keeps_what_came_over_it(server, token, upload):
    with socket.create_connection(server.socket.getsockname()) as line:
        line.sendall(patch(token, upload) + DATA[:PIECE])
        turn(server)
        assert resumable._running
    turn(server)
    assert not resumable._running
    assert file_of(upload).read_bytes() == DATA[:PIECE]


def test_a_stop_that_does_not_wait_any_longer_keeps_it_too(server, token, upload, monkeypatch):
    monkeypatch.setattr(web, "DRAIN", 0.05)
    with socket.create_connection(server.socket.getsockname()) as line:
        line.sendall(patch(token, upload) + DATA[:PIECE])
        turn(server)
        web._drain(server)
    assert not resumable._running
    assert file_of(upload).read_bytes() == DATA[:PIECE]


# Connections


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(server, token):
    with socket.create_connection(server.socket.getsockname()) as line:
        line.sendall(head(token, length(len(DATA))) + DATA[:PIECE])
        turn(server)
        assert len(incoming()) == 1
    turn(server)
    assert incoming() == []


def test_a_stop_that_does_not_wait_any_longer_leaves_nothing(server, token, monkeypatch):
    monkeypatch.setattr(web, "DRAIN", 0.05)
    with socket.create_connection(server.socket.getsockname()) as line:
        line.sendall(head(token, length(len(DATA))) + DATA[:PIECE])
        turn(server)
        assert len(incoming()) == 1
        web._drain(server)
        assert incoming() == []


# Questions


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A database that does not answer whether a body may come, until told to."""
    answers, judge = threading.Event(), web.Parser.judge

    def wait(self: web.Parser, secret: bytes, peer: str) -> Any:
        assert answers.wait(10)
        return judge(self, secret, peer)

    monkeypatch.setattr(web.Parser, "judge", wait)
    yield answers
    answers.set()


def until(server: web.Server, seen: Callable[[], Any]) -> None:
    for _ in range(500):
        if seen():
            return
        turn(server, 1)
    raise AssertionError("it has not happened")


def answer(server: web.Server, line: socket.socket) -> bytes:
    """What comes over a line next."""
    line.settimeout(0.01)
    found: list[bytes] = []

    def look() -> bool:
        try:
            found.append(line.recv(65536))
        except TimeoutError:
            return False
        return True

    until(server, look)
    return found[0]


def connected(server: web.Server) -> socket.socket:
    return socket.create_connection(server.socket.getsockname())


def test_while_the_database_is_silent_everything_else_goes_on(server, token, silent):
    """Bodies wait for it, more of them than there are threads to ask; nothing of them is read."""
    with ExitStack() as stack:
        senders = [stack.enter_context(connected(server)) for _ in range(2 * web.ASKING)]
        for sender in senders:
            sender.sendall(head(token, length(len(DATA))) + DATA)
        turn(server)
        with connected(server) as other:
            other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer(server, other).startswith(b"HTTP/1.1 200")
        assert incoming() == []
        channels = [one for one in server.active_channels.values() if one.request is not None]
        assert len(channels) == len(senders)
        assert not any(channel.readable() for channel in channels)
        silent.set()
        answers = [answer(server, sender) for sender in senders]
        assert {one[:12] for one in answers} <= {b"HTTP/1.1 201", b"HTTP/1.1 200"}
    assert sha256(DATA) in str(answers)


def test_a_short_form_asks_nothing(server, silent, house):
    with connected(server) as line:
        line.sendall(head("", length(2), "/sign-in").replace(b"Authorization", b"A") + b"{}")
        assert answer(server, line).startswith(b"HTTP/1.1 401"), "the application has answered"


def test_who_waits_to_be_told_to_continue_is_told_when_it_is_decided(server, token, silent):
    with connected(server) as line:
        line.sendall(head(token, "Expect: 100-continue\r\n" + length(len(DATA))))
        turn(server)
        line.settimeout(0.05)
        with pytest.raises(TimeoutError):
            line.recv(100)
        silent.set()
        assert answer(server, line) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(DATA)
        assert answer(server, line).startswith(b"HTTP/1.1 201")


def test_who_is_refused_is_not_told_to_continue(server, silent, house):
    silent.set()
    with connected(server) as line:
        line.sendall(head("hq_wrong", "Expect: 100-continue\r\n" + length(len(DATA))))
        assert answer(server, line).startswith(b"HTTP/1.1 401")


def test_what_was_decided_for_somebody_who_is_gone_leaves_nothing(server, token, silent, upload):
    with connected(server) as line, connected(server) as other:
        line.sendall(head(token, length(len(DATA))) + DATA)
        other.sendall(patch(token, upload) + DATA)
        turn(server)
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        silent.set()
        server.questions.shutdown()
        turn(server)
    assert incoming() == [file_of(upload).name]
    assert (file_of(upload).read_bytes(), resumable._running) == (b"", {})
    assert room.spoken_for(upload.id) == 0


def test_a_defect_before_a_body_is_answered(server, token, monkeypatch, caplog):
    monkeypatch.setattr(parser, "admit", lambda *_: 1 / 0)
    with connected(server) as line:
        line.sendall(head(token, length(len(DATA))))
        assert answer(server, line).startswith(b"HTTP/1.1 500")
    assert "ZeroDivisionError" in caplog.text


# Strangers who hold connections


def is_closed(server: web.Server, line: socket.socket) -> bool:
    server.next_channel_cleanup = 0
    turn(server)
    line.settimeout(0.01)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("HEADERS_WITHIN", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "),
        ("SHORT_WITHIN", head("", length(100), "/sign-in") + b"name="),
        ("SHORT_WITHIN", head("", "Transfer-Encoding: chunked\r\n", "/sign-in") + b"1\r\nx\r\n"),
    ],
)
def test_who_drips_is_cut_off_after_a_while(server, monkeypatch, limit, sent):
    with connected(server) as line:
        line.sendall(sent.replace(b"Authorization: Bearer \r\n", b""))
        assert not is_closed(server, line)
        line.sendall(b"a")
        monkeypatch.setattr(parser, limit, 0.0)
        assert is_closed(server, line), "a byte now and then is not enough"


def test_who_sends_a_photo_may_take_any_time(server, token, upload, monkeypatch):
    monkeypatch.setattr(parser, "HEADERS_WITHIN", 0.0)
    monkeypatch.setattr(parser, "SHORT_WITHIN", 0.0)
    large = resumable.create(upload.user, 2 * parser.SHORT_FORM, "")
    with connected(server) as line, connected(server) as other:
        line.sendall(head(token, length(len(DATA))) + DATA[:PIECE])
        other.sendall(patch(token, large, 2 * parser.SHORT_FORM) + DATA[:PIECE])
        until(server, lambda: resumable._running)
        assert not is_closed(server, line)
        assert not is_closed(server, other)


def test_who_was_refused_and_stays_is_cut_off_too(server, monkeypatch, house):
    monkeypatch.setattr(web, "LINGER", 0.05)
    with connected(server) as line:
        line.sendall(head("hq_wrong", length(len(DATA))))
        assert answer(server, line).startswith(b"HTTP/1.1 401")
        until(server, lambda: is_closed(server, line))
        time.sleep(0.1)
        server.next_channel_cleanup = 0
        turn(server)
        assert not server.active_channels


def test_one_address_has_its_share_and_no_more(server, monkeypatch, caplog):
    monkeypatch.setattr(web, "MOST_OF_ONE", 3)
    monkeypatch.setattr(web, "is_here", lambda _: False)
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(connected(server)) for _ in range(3)]
        turn(server)
        for _ in range(3):
            assert is_closed(server, stack.enter_context(connected(server)))
        assert len(server.active_channels) == 3
        assert caplog.text.count("127.0.0.1 has too many connections") == 1
        first.close()
        turn(server)
        assert not is_closed(server, stack.enter_context(connected(server)))
    until(server, lambda: not server.active_channels)
    assert not server.lines


@pytest.mark.parametrize("proxy", ["127.0.0.1", "this machine"])
def test_a_proxy_may_have_as_many_as_it_wants(server, monkeypatch, proxy):
    monkeypatch.setattr(web, "MOST_OF_ONE", 1)
    if proxy == "127.0.0.1":
        monkeypatch.setattr(web, "is_here", lambda _: False)
        monkeypatch.setattr(server, "_exempt", (proxy,))
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(server)) for _ in range(5)]
        turn(server)
        assert not any(is_closed(server, line) for line in lines)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    assert (web.origin(one) == web.origin(other)) is same


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.7", False)],
)
def test_what_is_this_machine(address, here):
    assert web.is_here(address) is here


def test_the_main_loop_sleeps_long_only_without_connections(server):
    assert server.pause() == web.LONGEST_PAUSE
    with connected(server):
        turn(server)
        assert server.pause() == web.WATCHED
        server.is_stirred = True
        assert server.pause() == web.TIDY_EVERY


# Proxies


@pytest.mark.parametrize(
    ("peer", "origin", "status"),
    [
        ("10.0.0.1", "https://photos.example", None),
        ("10.0.0.1", "https://evil.example", 403),
        ("192.0.2.7", "https://photos.example", 403),
    ],
)
def test_the_name_that_a_trusted_proxy_was_asked_for_counts(token, house, peer, origin, status):
    config.bind(replace(house, server=replace(house.server, trusted_proxies=("10.0.0.1",))))
    more = f"X-Forwarded-Host: photos.example\r\nX-Forwarded-Proto: https\r\nOrigin: {origin}\r\n"
    request = web.Parser(Adjustments(), lambda _: None)
    request.received(head(token, more + length(10)))
    request.go_on(request.judge(SECRET, peer))
    assert (request.error and request.error.code) == status
    request.close()


def test_who_asks_through_a_trusted_proxy_is_who_it_says(house, monkeypatch):
    config.bind(replace(house, server=replace(house.server, trusted_proxies=("10.0.0.1",))))
    asked: list[str | None] = []
    monkeypatch.setattr(parser, "admit", lambda one, _: asked.append(one.address) or (0, None))
    for peer in ("10.0.0.1", "10.0.0.2"):
        request = web.Parser(Adjustments(), lambda _: None)
        request.received(head("", "X-Forwarded-For: 192.0.2.7\r\n" + length(10)))
        request.judge(SECRET, peer)
    assert asked == ["192.0.2.7", "10.0.0.2"]


def test_a_proxy_that_makes_no_sense_is_told_so(token, house):
    config.bind(replace(house, server=replace(house.server, trusted_proxies=("10.0.0.1",))))
    request = web.Parser(Adjustments(), lambda _: None)
    request.received(head(token, "X-Forwarded-Proto: gopher\r\n" + length(10)))
    request.go_on(request.judge(SECRET, "10.0.0.1"))
    assert request.error.code == 400


# Answers


def test_little_is_read_of_a_file_at_a_time(server):
    with socket.create_connection(server.socket.getsockname()):
        turn(server, 3)
        (channel,) = server.active_channels.values()
        assert channel.sendbuf_len <= web.MOST_SENT


# Memory


@pytest.fixture
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When memory was given back, on a clock that stands still."""
    found: list[float] = []
    monkeypatch.setattr(processes, "give_back_memory", lambda: found.append(web.time.monotonic()))
    return found


def test_memory_goes_back_after_requests_and_only_then(server, given_back):
    server.tidy()
    assert given_back == []
    with socket.create_connection(server.socket.getsockname()) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.is_stirred:
            turn(server, 1)
    server.tidy()
    server.tidy()
    assert len(given_back) == 1


def test_memory_goes_back_at_most_every_few_seconds(server, given_back, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(web.time, "monotonic", lambda: clock[0])
    for clock[0] in (1000.0, 1001.0, 1002.9, 1003.0, 1003.1):
        server.is_stirred = True
        server.tidy()
    assert given_back == [1000.0, 1003.0]
    assert server.is_stirred, "the last one is due yet"
