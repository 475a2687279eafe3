"""A small proxy: as people have them in front of a server, as a bad line, as another name."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.processes.servers import BROKEN, Homequeue

#: Seconds after which an answer comes that is late.
LATE = 3.0
#: Not passed on: they are about one connection.
OWN = ("connection", "keep-alive", "transfer-encoding", "content-length")
TOO_LARGE = b"<html><title>413 Request Entity Too Large</title></html>"
STRANGE = b"<html><title>Welcome to the hotel</title></html>"


@dataclass(frozen=True)
class Passing:
    """A request as it comes by."""

    method: str
    path: str
    size: int


#: What is done to a request: "pass" it on, "cut" it half way, let no "answer" come back or let it
#: be "late" by some seconds, or answer it here with a status, such as "404".
Meddle = Callable[[Passing], str]


@dataclass
class Proxy:
    """A proxy that runs: its address, what came by, and what it does to it."""

    url: str = ""
    #: A larger body is refused with 413, as nginx does.
    limit: int = 2**40
    meddle: Meddle = lambda _: "pass"
    seen: list[Passing] = field(default_factory=list)


@contextlib.contextmanager
def proxy(server: Homequeue) -> Iterator[Proxy]:
    """A proxy in front of a homequeue."""
    it = Proxy()

    class Handler(_Handler):
        shared = it
        port = server.port

    doors = _Server(("127.0.0.1", 0), Handler)
    it.url = f"http://127.0.0.1:{doors.server_port}"
    thread = threading.Thread(target=doors.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield it
    finally:
        doors.shutdown()
        doors.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of browsers that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shared: Proxy
    port: int

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        # Asked as a proxy, it is told the whole address.
        self.path = "/" + self.path.removeprefix("http://").partition("/")[2]
        passing = Passing(self.command, self.path, size)
        self.close_connection = True
        self.shared.seen.append(passing)
        body = self.rfile.read(size)
        if size > self.shared.limit:
            self.answer(413, {"Content-Type": "text/html"}, TOO_LARGE)
            return
        deed = self.shared.meddle(passing)
        if deed.isdecimal():
            self.answer(int(deed), {"Content-Type": "text/html"}, STRANGE)
            return
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as line:
            try:
                if deed == "cut":
                    self.pass_on(line, body[: size // 2])
                    return
                self.pass_on(line, body)
                found = line.getresponse()
                content = found.read()
            except BROKEN:
                self.answer(502, {}, b"")
                return
        if deed == "answer":
            return
        if deed == "late":
            time.sleep(LATE)
        self.answer(found.status, dict(found.getheaders()), content)

    def pass_on(self, line: http.client.HTTPConnection, body: bytes) -> None:
        line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "keep-alive"):
                line.putheader(name, value)
        line.endheaders(body or None)

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in OWN:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        # What breaks on a line that was used before, browsers send again without a word.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""
