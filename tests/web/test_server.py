"""The server under the application: where the bytes of a request go, and when memory goes back."""

import errno
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments

from homequeue import processes
from homequeue.incoming import Incoming
from homequeue.media import Media, media
from homequeue.services import resumable, users
from homequeue.web import server as web
from tests.library import incoming, jpeg, sha256

DATA = jpeg(1)
PIECE = 500


@pytest.fixture
def token(ben: users.User) -> str:
    return users.add_token(ben, "phone", "upload", None)


@pytest.fixture
def server(app: Any, house: Any) -> Iterator[web.Server]:
    """A server that listens, turned by hand."""
    settings = replace(house, server=replace(house.server, host="127.0.0.1", port=0))
    made = web.create_server(app, settings, web.bind(settings))
    yield made
    made.task_dispatcher.shutdown()
    for channel in list(made.active_channels.values()):
        channel.handle_close()
    made.close()


def turn(server: web.Server, times: int = 20) -> None:
    for _ in range(times):
        wasyncore.loop(timeout=0.01, use_poll=True, map=server._map, count=1)


def head(token: str, more: str = "", path: str = "/api/assets") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()
    )


def length(size: int) -> str:
    return f"Content-Length: {size}\r\n"


def parsed(*pieces: bytes) -> web.Parser:
    """A request whose bytes came in these pieces."""
    parser = web.Parser(Adjustments(inbuf_overflow=web.IN_MEMORY))
    for piece in pieces:
        while piece and not parser.completed:
            piece = piece[parser.received(piece) :]
    return parser


def pieces(data: bytes) -> list[bytes]:
    return [data[start : start + PIECE] for start in range(0, len(data), PIECE)]


# Bodies


@pytest.mark.parametrize("kind", ["", "Content-Type: image/jpeg\r\n"])
def test_a_raw_upload_is_written_where_it_belongs_while_it_comes(token, kind):
    parser = parsed(head(token, kind + length(len(DATA))), *pieces(DATA))
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


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data; boundary=x", "Multipart/Form-Data", "application/x-www-form-urlencoded"],
)
def test_what_may_be_more_than_one_photo_is_read_later(token, kind):
    parser = parsed(head(token, f"Content-Type: {kind}\r\n" + length(len(DATA))), *pieces(DATA))
    assert parser.get_body_stream().read() == DATA
    assert incoming() == []


def test_so_is_what_is_no_upload(token):
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
    monkeypatch.setattr(web, "admit", lambda *_: (1000, web.Arrival()))
    parser = parsed(head(token, "Transfer-Encoding: chunked\r\n"), b"%x\r\n" % 5000, bytes(5000))
    assert parser.error.code == 413
    parser.close()
    assert incoming() == []


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EIO, 503)])
@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_a_disk_that_fails_while_it_comes_is_said_in_words(
    token, kind, number, status, monkeypatch
):
    size = web.IN_MEMORY + 1

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "No")

    parser = parsed(head(token, f"Content-Type: {kind}\r\n" + length(size)))
    monkeypatch.setattr("waitress.buffers.TempfileBasedBuffer.newfile", fail)
    if kind == "image/jpeg":
        monkeypatch.setattr(parser.get_body_stream(), "file", type("", (), {"write": fail})())
    assert parser.received(bytes(size)) == size
    assert parser.completed
    assert parser.error.code == status
    assert b'"error"' in parser.error.to_response()[2]


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
