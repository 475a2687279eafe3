"""The web process: waitress, with uploads refused before their body and a stop that drains."""

import json
import logging
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any

from peewee import OperationalError
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.utilities import Error

from homequeue import config, db, processes
from homequeue.config import Settings
from homequeue.errors import HomequeueError, TooLarge, Unavailable
from homequeue.incoming import Incoming, storage_errors
from homequeue.media import media
from homequeue.models import User
from homequeue.services import ingest
from homequeue.services.resumable import Piece
from homequeue.web import principals, tus
from homequeue.web.principals import COOKIE
from homequeue.web.security import TUS_PATH, Wsgi, headers_at
from homequeue.web.visits import LONGEST_FORM

logger = logging.getLogger("homequeue.web")

#: Where bodies of any size are welcome; elsewhere a body is a form or JSON.
UPLOADS = re.compile(
    rf"POST (/api/assets|/upload|{TUS_PATH})|PUT /api/assets(/.*)?|PATCH {TUS_PATH}/[^/]+",
    re.DOTALL,
)
#: What a client that cannot say so otherwise may mean by a POST to a resumable upload.
MEANT = ("PATCH", "HEAD", "DELETE")
#: Uploads that may hold more than the bytes of one photo.
READ_LATER = ("multipart/", "application/x-www-form-urlencoded")
#: The longest body of somebody who is not signed in, in bytes.
SHORT_FORM = 16 * 1024
#: The longest form of many files, in bytes.
MOST_FORM = 2**40
#: A request body beyond this is received into a file, in bytes.
IN_MEMORY = 2**18
#: The most bytes that are taken from the line at once: fewer than `processes.LARGE`, so that the
#: memory for them is there already.
RECEIVED = 120 * 1024
#: The most bytes that are given to the line at once.
MOST_SENT = 2**18
#: Open files that are not connections: of the library, the database, the log.
KEPT_FREE = 200
#: How long a refused client may go on sending before the line is cut, in seconds.
LINGER = 5.0
#: How long answers may take to leave after the stop signal, in seconds.
DRAIN = 15.0
#: The main loop sleeps no longer than this, in seconds: waitress looks for dead connections.
LONGEST_PAUSE = 30.0
#: While there are requests, and once after them, freed memory goes back after so many seconds.
TIDY_EVERY = 3.0


class Refusal(Error):  # type: ignore[misc]
    """An error as waitress sends it when the application is not asked."""

    def __init__(
        self, status: int, code: str, words: str, headers: Mapping[str, str], path: str
    ) -> None:
        super().__init__(words)
        self.code = status
        self.reason = HTTPStatus(status).phrase
        self._json = {"error": words, "code": code}
        self._headers = [*headers.items(), *headers_at(path)]

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status line, headers and body."""
        body = json.dumps(self._json, ensure_ascii=False).encode()
        headers = [("Content-Type", "application/json; charset=utf-8"), *self._headers]
        return f"{self.code} {self.reason}", headers, body


class Arrival:
    """The buffer of a raw upload: its file in the library, hashed as the bytes come."""

    def __init__(self) -> None:
        self.incoming = media.receive()

    def append(self, data: bytes) -> None:
        """Take bytes from the line."""
        self.incoming.write(data)

    def __len__(self) -> int:
        return self.incoming.size

    def getfile(self) -> Incoming:
        """Return what the application is given as the body."""
        return self.incoming

    def close(self) -> None:
        """Forget the upload, unless it was kept."""
        self.incoming.discard()


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Asks, when the headers are complete, whether a body may come at all, and how much of it."""

    error: Any = None
    command = path = ""
    _most = 0

    def received(self, data: bytes) -> int:
        """Take bytes from the line; return how many were used."""
        before = self.headers_finished
        try:
            with storage_errors():
                used = super().received(data)
        except HomequeueError as error:
            self._refuse(error)
            return len(data)
        if self.error:
            self._speak_our_way()
        elif self.headers_finished and not before and (self.content_length or self.chunked):
            self._refuse_if(self._admit)
        elif self.body_bytes_received > self._most:
            self._refuse_if(self._complain)
        return int(used)

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, of which one may say that another method is meant."""
        super().parse_header(header_plus)
        meant = self.headers.get("X_HTTP_METHOD_OVERRIDE")
        if self.command == "POST" and self.path.startswith(f"{TUS_PATH}/") and meant in MEANT:
            self.command = meant

    def _admit(self) -> None:
        request = f"{self.command} {self.path}"
        self._most, buffer = admit(request, self.headers, self.content_length)
        if buffer is not None:
            self.body_rcv.buf = buffer

    def _complain(self) -> None:
        raise TooLarge("This is more than can be sent here.")

    def _refuse_if(self, check: Callable[[], None]) -> None:
        try:
            check()
        except OperationalError as error:
            self._refuse(db.in_words(error))
        except OSError:
            self._refuse(Unavailable("The storage of the photos does not answer."))
        except HomequeueError as error:
            self._refuse(error)

    def _refuse(self, error: HomequeueError) -> None:
        self.error = Refusal(error.status, error.code, str(error), error.headers, self.path)
        self.completed = True
        self.expect_continue = False

    def _speak_our_way(self) -> None:
        if not isinstance(self.error, Refusal):
            words = f"The request cannot be understood ({self.error.body})."
            self.error = Refusal(self.error.code, "bad_request", words, {}, self.path)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that lets a refused client read the answer while it is still sending."""

    parser_class = Parser
    will_close: bool
    sendbuf_len: int
    _refused = False
    _cut_at = 0.0

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        # As much is read of a file at a time, whatever little of it the line then takes.
        self.sendbuf_len = min(self.sendbuf_len, MOST_SENT)

    def service(self) -> None:
        """Execute one request, in a thread."""
        self._refused = isinstance(self.requests[0].error, Refusal)
        super().service()
        if self.server.is_draining and not self.requests:
            self.close_when_flushed = True

    def readable(self) -> bool:
        """Whether to listen; while the server stops, only to the end of what was begun."""
        if self.server.is_draining and self.request is None and not self._cut_at:
            return False
        return bool(super().readable())

    def handle_close(self) -> None:
        """Close; after a refusal, say so first and keep listening for a moment."""
        if self._refused and self.will_close and not self._cut_at:
            self._cut_at = time.monotonic() + LINGER
            self.will_close = False
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        else:
            super().handle_close()
            self.forget()

    def forget(self) -> None:
        """Leave nothing of a request whose end will not come."""
        if self.request is not None:
            self.request.close()

    def received(self, data: bytes) -> bool:
        """Take bytes from the line; after a refusal they are thrown away."""
        if not self._cut_at:
            return bool(super().received(data))
        if time.monotonic() > self._cut_at:
            super().handle_close()
        return True


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The listening socket."""

    channel_class = Channel
    is_draining = False
    #: Whether a request was worked on since the last `tidy`.
    is_stirred = False
    _tidied = 0.0

    def pull_trigger(self) -> None:
        """Wake the main loop, from a thread that has something to send."""
        self.is_stirred = True
        super().pull_trigger()

    def tidy(self) -> None:
        """Give back the memory that requests have left, if that was not done just now."""
        now = time.monotonic()
        if self.is_stirred and now - self._tidied >= TIDY_EVERY:
            self.is_stirred = False
            self._tidied = now
            processes.give_back_memory()


def admit(request: str, headers: dict[str, str], size: int) -> tuple[int, Arrival | Piece | None]:
    """Return the most bytes that the body of a request may have, and where they go as they come.

    `request` is method and path; `headers` are named as waitress does: `CONTENT_TYPE`; `size` is 0
    if it is not known before. Whoever is not signed in may send a short form and no more.
    """
    principal = principals.identify(headers.get("AUTHORIZATION", ""), _cookie(headers))
    if not UPLOADS.fullmatch(request):
        most = LONGEST_FORM if principal.user else SHORT_FORM
        if size > most:
            raise TooLarge("This is more than can be sent here.")
        return most, None
    principals.authorise(principal, "upload")
    _, _, path = request.partition(" ")
    if path.startswith(TUS_PATH) and principal.user:
        return _admit_resumable(principal.user, path, headers, size)
    # A form may hold many files, each of which is measured when it comes.
    is_form = _kind(headers).startswith("multipart/")
    if not is_form:
        ingest.check_size(size)
    # It is there twice for a moment: as it was received, and as it is kept.
    ingest.check_room(2 * size)
    most = MOST_FORM if is_form else config.settings().uploads.max_size
    return most, None if _kind(headers).startswith(READ_LATER) else Arrival()


def _admit_resumable(
    user: User, path: str, headers: dict[str, str], size: int
) -> tuple[int, Arrival | Piece]:
    def header(name: str) -> str:
        return headers.get(name.upper().replace("-", "_"), "")

    # The application asks that and more, but by then the bytes are there.
    principals.check_same_site("", header("Sec-Fetch-Site"), "")
    if path != TUS_PATH:
        piece = tus.admit_piece(user, header, path.removeprefix(f"{TUS_PATH}/"), size)
        return piece.room, piece
    most = tus.admit_creation(header, size)
    ingest.check_size(most)
    ingest.check_room(most)
    return most, Arrival()


def bind(settings: Settings) -> socket.socket:
    """Return the socket of the settings' address; Unavailable says why it cannot be had."""
    options = settings.server
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((options.host, options.port))
    except OSError as error:
        bound.close()
        where = f"{options.host}:{options.port}"
        words = f"Cannot listen on {where}: {error.strerror or error}."
        raise Unavailable(f"{words} Another port is chosen with --port.") from error
    return bound


def create_server(app: Wsgi, settings: Settings, bound: socket.socket) -> Server:
    """Return the server on a bound socket, not yet running."""
    options = settings.server
    proxies: dict[str, Any] = {"clear_untrusted_proxy_headers": False}
    if options.trusted_proxies:
        forwarded = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
        proxies = {
            "trusted_proxy": options.trusted_proxies[0],
            "trusted_proxy_headers": forwarded,
            "clear_untrusted_proxy_headers": True,
        }
    return Server(
        app,
        _sock=bound,
        bind_socket=False,
        sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
        threads=options.threads,
        ident="homequeue",
        connection_limit=processes.most_open_files() - KEPT_FREE,
        max_request_header_size=16 * 1024,
        recv_bytes=RECEIVED,
        inbuf_overflow=IN_MEMORY,
        max_request_body_size=2**62,
        asyncore_use_poll=True,
        **proxies,
    )


def run(server: Server, ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was begun; `ready` is told the port."""
    stopping: list[int] = []

    def stop(signum: int, _frame: Any) -> None:
        stopping.append(signum)

    # The kernel may hand a signal to any thread; this has its arrival wake the main one.
    os.set_blocking(server.trigger.trigger, False)
    signal.set_wakeup_fd(server.trigger.trigger, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready(int(server.effective_port))
    while not stopping:
        pause = TIDY_EVERY if server.is_stirred else LONGEST_PAUSE
        wasyncore.loop(timeout=pause, use_poll=True, map=server._map, count=1)
        server.tidy()
    _drain(server)


def _drain(server: Server) -> None:
    server.accepting = False
    server.is_draining = True
    server.del_channel()
    server.socket.close()
    deadline = time.monotonic() + DRAIN
    while _is_busy(server) and time.monotonic() < deadline:
        wasyncore.loop(timeout=0.1, use_poll=True, map=server._map, count=1)
    server.task_dispatcher.shutdown()
    for channel in server.active_channels.values():
        channel.forget()


def _is_busy(server: Server) -> bool:
    return any(
        channel.requests or channel.total_outbufs_len or channel.request is not None
        for channel in server.active_channels.values()
    )


def _kind(headers: dict[str, str]) -> str:
    return headers.get("CONTENT_TYPE", "").lower()


def _cookie(headers: dict[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
