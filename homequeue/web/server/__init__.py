"""The web process: waitress, with uploads refused before their body and a stop that drains."""

import logging
import os
import signal
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from homequeue import processes
from homequeue.config import Settings
from homequeue.errors import Unavailable
from homequeue.web.admission import IN_MEMORY
from homequeue.web.app import DEFECT
from homequeue.web.security import Wsgi
from homequeue.web.server.parser import FORWARDED, Parser, Refusal, Verdict

logger = logging.getLogger("homequeue.web")

#: The most bytes that are taken from the line at once: fewer than `processes.LARGE`, so that the
#: memory for them is there already.
RECEIVED = 120 * 1024
#: The most bytes that are given to the line at once.
MOST_SENT = 2**18
#: Open files that are not connections: of the library, the database, the log.
KEPT_FREE = 200
#: The most connections of one address, behind which there may be a whole family: a browser has six.
MOST_OF_ONE = 256
#: Threads that ask the database about bodies.
ASKING = 2
#: How long a refused client may go on sending before the line is cut, in seconds.
LINGER = 5.0
#: How long answers may take to leave after the stop signal, in seconds.
DRAIN = 15.0
#: The main loop sleeps no longer than this, in seconds: waitress looks for dead connections.
LONGEST_PAUSE = 30.0
#: And while there are connections it looks this often for those that take too long, in seconds.
WATCHED = 5.0
#: While there are requests, and once after them, freed memory goes back after so many seconds.
TIDY_EVERY = 3.0


class Question:
    """What becomes of the body of a request: asked in a thread, as the database may be slow."""

    def __init__(self, channel: "Channel", request: Parser) -> None:
        self._channel = channel
        self._request = request

    def service(self) -> None:
        """Have it decided, and the main loop go on accordingly."""
        verdict: Verdict = DEFECT
        try:
            verdict = self._request.judge(self._channel.server.secret, self._channel.addr[0])
        except Exception:
            logger.exception("A defect before %s", self._request.path)
        self._channel.server.call(lambda: self._channel.go_on(self._request, verdict))

    def cancel(self) -> None:
        """Do nothing: the server stops, and with it whoever waits for the answer."""


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that lets a refused client read the answer while it is still sending."""

    addr: tuple[Any, ...]
    request: Parser | None
    server: "Server"
    will_close: bool
    sendbuf_len: int
    _refused = False
    _cut_at = 0.0

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        # As much is read of a file at a time, whatever little of it the line then takes.
        self.sendbuf_len = min(self.sendbuf_len, MOST_SENT)
        self.server.lines[origin(self.addr[0])].add(self)

    def parser_class(self, adj: Any) -> Parser:
        """Return a new request."""
        return Parser(adj, self._ask)

    def _ask(self, request: Parser) -> None:
        self.server.questions.add_task(Question(self, request))

    def go_on(self, request: Parser, verdict: Verdict) -> None:
        """Go on with a request as was decided about its body, in the main loop."""
        aside = request.go_on(verdict)
        if request is not self.request:
            # The line was cut meanwhile.
            request.close()
            return
        if request.completed:
            with self.requests_lock:
                self.request = None
                self.requests.append(request)
                if len(self.requests) == 1:
                    self.server.add_task(self)
            return
        with self.requests_lock:
            if request.expect_continue and not self.requests and not self.sent_continue:
                self.send_continue()
        self.received(aside)

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
        is_asking = self.request is not None and self.request.is_asking
        return not is_asking and bool(super().readable())

    def is_late(self) -> bool:
        """Whether somebody holds this connection who takes too long to say what is wanted."""
        if self._cut_at:
            return time.monotonic() > self._cut_at
        return self.request is not None and self.request.is_late()

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
        self.server.let_go(self)
        if self.request is not None:
            self.request.close()
            self.request = None

    def received(self, data: bytes) -> bool:
        """Take bytes from the line; after a refusal they are thrown away."""
        if not self._cut_at:
            return bool(super().received(data))
        if time.monotonic() > self._cut_at:
            super().handle_close()
            self.forget()
        return True


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The listening socket."""

    channel_class = Channel
    is_draining = False
    #: Whether a request was worked on since the last `tidy`.
    is_stirred = False
    _tidied = _told = 0.0

    def __init__(self, app: Wsgi, secret: bytes, exempt: tuple[str, ...], **options: Any) -> None:
        self.secret = secret
        self._exempt = exempt
        #: The connections of each address.
        self.lines: defaultdict[str, set[Channel]] = defaultdict(set)
        self.questions = ThreadedTaskDispatcher()
        self.questions.set_thread_count(ASKING)
        super().__init__(app, **options)

    def accept(self) -> tuple[socket.socket, tuple[Any, ...]] | None:
        """Take a connection, unless its address has more than its share already."""
        accepted: tuple[socket.socket, tuple[Any, ...]] | None = super().accept()
        if accepted is None or not self._has_enough(accepted[1][0]):
            return accepted
        accepted[0].close()
        if time.monotonic() - self._told > 60:
            self._told = time.monotonic()
            logger.warning("%s has too many connections; no more are taken", accepted[1][0])
        return None

    def let_go(self, channel: Channel) -> None:
        """Forget a connection that has ended."""
        address = origin(channel.addr[0])
        self.lines[address].discard(channel)
        if not self.lines[address]:
            del self.lines[address]

    def maintenance(self, now: float) -> None:
        """Close connections on which nothing happens, and those that take too long."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.is_late():
                channel.will_close = True

    def call(self, what: Callable[[], None]) -> None:
        """Have the main loop do something."""
        self.trigger.pull_trigger(what)

    def _has_enough(self, address: str) -> bool:
        if address in self._exempt or is_here(address):
            return False
        most: int = min(MOST_OF_ONE, self.adj.connection_limit // 2)
        return len(self.lines.get(origin(address), ())) >= most

    def pull_trigger(self) -> None:
        """Wake the main loop, from a thread that has something to send."""
        self.is_stirred = True
        super().pull_trigger()

    def pause(self) -> float:
        """Return how long the main loop may sleep, in seconds."""
        if self.is_stirred:
            return TIDY_EVERY
        return WATCHED if self.active_channels else LONGEST_PAUSE

    def tidy(self) -> None:
        """Give back the memory that requests have left, if that was not done just now."""
        now = time.monotonic()
        if self.is_stirred and now - self._tidied >= TIDY_EVERY:
            self.is_stirred = False
            self._tidied = now
            processes.give_back_memory()
            processes.let_code_go()


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


def is_here(address: str) -> bool:
    """Tell whether an address is this machine's own, behind which any proxy may be."""
    return _plain(address).is_loopback


def origin(address: str) -> str:
    """Return what counts as one address: in IPv6, where each has billions, a network.

    >>> origin("::ffff:192.0.2.7"), origin("2001:db8::1:2:3:4")
    ('192.0.2.7', '2001:db8::/64')
    """
    plain = _plain(address)
    is_one = plain.version == 4
    return str(plain if is_one else ip_network(f"{str(plain).partition('%')[0]}/64", strict=False))


def _plain(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found


def create_server(app: Wsgi, secret: bytes, settings: Settings, bound: socket.socket) -> Server:
    """Return the server on a bound socket, not yet running; `secret` is that of the data folder."""
    options = settings.server
    proxies: dict[str, Any] = {"clear_untrusted_proxy_headers": False}
    if options.trusted_proxies:
        proxies = {
            "trusted_proxy": options.trusted_proxies[0],
            "trusted_proxy_headers": FORWARDED,
            "clear_untrusted_proxy_headers": True,
        }
    return Server(
        app,
        secret,
        options.trusted_proxies,
        _sock=bound,
        bind_socket=False,
        sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
        threads=options.threads,
        # It is bound already: waitress would look its own address up, with the tables of IDNA.
        listen="",
        ident="homequeue",
        connection_limit=processes.most_open_files() - KEPT_FREE,
        max_request_header_size=16 * 1024,
        recv_bytes=RECEIVED,
        inbuf_overflow=IN_MEMORY,
        max_request_body_size=2**62,
        asyncore_use_poll=True,
        cleanup_interval=int(WATCHED),
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
    processes.let_code_go()
    while not stopping:
        wasyncore.loop(timeout=server.pause(), use_poll=True, map=server._map, count=1)
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
    server.questions.shutdown()
    server.task_dispatcher.shutdown()
    for channel in list(server.active_channels.values()):
        channel.forget()


def _is_busy(server: Server) -> bool:
    return any(
        channel.requests or channel.total_outbufs_len or channel.request is not None
        for channel in server.active_channels.values()
    )
