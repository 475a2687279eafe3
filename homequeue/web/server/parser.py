"""Requests as they come: whether a body may follow is asked when their headers are complete."""

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from peewee import OperationalError
from waitress.parser import HTTPRequestParser
from waitress.proxy_headers import MalformedProxyHeader, parse_proxy_headers
from waitress.utilities import Error

from homequeue import config, db
from homequeue.errors import BadRequest, HomequeueError, NotSignedIn, TooLarge, Unavailable
from homequeue.incoming import storage_errors
from homequeue.web.admission import PAGE_FORM, SHORT_FORM, Admitted, Arrival, Asked, admit
from homequeue.web.security import TUS_PATHS, headers_at

#: What a client that cannot say so otherwise may mean by a POST to a resumable upload.
MEANT = ("PATCH", "HEAD", "DELETE")
#: The headers of a trusted proxy that are believed.
FORWARDED = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"})
#: How long the headers of a request may take to come, in seconds.
HEADERS_WITHIN = 20.0
#: And all of one with a short body, which whoever is not signed in may send, in seconds.
SHORT_WITHIN = 60.0

#: Where somebody is sent whose photos came without a session: there they are told to send again.
SIGN_IN = "/sign-in?next=/upload%3Fsaid%3Dsend_again"
#: The refusals that a page has words for; it says of all others that nothing was sent.
TOLD = ("no_space", "too_large")

#: What was decided about a body.
Verdict = Admitted | HomequeueError


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


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request, which asks whether its body may come, and how much of it.

    The answer may take the database some time. What comes until then is put aside.
    """

    error: Any = None
    command = path = ""
    #: Whether it waits for an answer.
    is_asking = False
    _most = 0
    #: Whether more of its body has come than it may have.
    _has_grown = False
    _expects = False
    _aside = b""

    def __init__(self, adj: Any, ask: Callable[["Parser"], None]) -> None:
        super().__init__(adj)
        self._ask = ask
        self._began = time.monotonic()

    def received(self, data: bytes) -> int:
        """Take bytes from the line; return how many were used."""
        if self.is_asking:
            self._aside += data
            return len(data)
        before = self.headers_finished
        try:
            with storage_errors():
                used = int(super().received(data))
        except HomequeueError as error:
            self._refuse(error)
            return len(data)
        if self.error:
            self._speak_our_way()
        elif self.headers_finished and not before and (self.content_length or self.chunked):
            return self._begin_body(data, used)
        elif self.body_bytes_received > self._most:
            # A file has a receipt then, for which a thread asks the database.
            self._has_grown, self.completed = True, False
            self._wait()
        return used

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, of which one may say that another method is meant."""
        super().parse_header(header_plus)
        meant = self.headers.get("X_HTTP_METHOD_OVERRIDE")
        resumable = TUS_PATHS.fullmatch(self.path)
        if self.command == "POST" and resumable and resumable["upload"] and meant in MEANT:
            self.command = meant

    def is_late(self) -> bool:
        """Whether it takes longer to come than anybody's request does."""
        age = time.monotonic() - self._began
        if not self.headers_finished:
            return age > HEADERS_WITHIN
        return not self.is_asking and self._most <= SHORT_FORM and age > SHORT_WITHIN

    def judge(self, secret: bytes, peer: str) -> Verdict:
        """Decide about the body, in a thread that may wait for the database."""
        try:
            if self._has_grown:
                return self._outgrown()
            host, address = self._seen(peer)
            headers, size = self.headers | {"HOST": host}, self.content_length
            return admit(Asked(self.command, self.path, headers, size, address), secret)
        except OperationalError as error:
            return db.in_words(error)
        except OSError:
            return Unavailable("The storage of the photos does not answer.")
        except HomequeueError as error:
            return error

    def go_on(self, verdict: Verdict) -> bytes:
        """Do as was decided; return what was put aside, which is to be received now."""
        self.is_asking = False
        if isinstance(verdict, HomequeueError):
            self._refuse(verdict)
            return b""
        self._most, buffer = verdict
        if buffer is not None:
            self.body_rcv.buf = buffer
        self.expect_continue = self._expects
        aside, self._aside = self._aside, b""
        return aside

    def _begin_body(self, data: bytes, used: int) -> int:
        if Asked(self.command, self.path, self.headers, self.content_length).is_short:
            self._most = SHORT_FORM
            return used
        self._aside = data[used:]
        self._expects, self.expect_continue = self.expect_continue, False
        self._wait()
        return len(data)

    def _wait(self) -> None:
        self.is_asking = True
        self._ask(self)

    def _outgrown(self) -> HomequeueError:
        file = self.body_rcv.buf
        if isinstance(file, Arrival):
            file.check(self.body_bytes_received)
        return TooLarge("This is more than can be sent here.")

    def _seen(self, peer: str) -> tuple[str, str]:
        """Return the name that was asked for and who asks, as the application will be told."""
        host = str(self.headers.get("HOST", ""))
        if peer not in config.settings().server.trusted_proxies[:1]:
            return host, peer
        environ = {f"HTTP_{name}": text for name, text in self.headers.items()}
        environ |= {"HTTP_HOST": host, "REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
        try:
            parse_proxy_headers(environ, 1, FORWARDED)
        except MalformedProxyHeader as error:
            raise BadRequest(f"The header {error.header} makes no sense.") from error
        return str(environ["HTTP_HOST"]), str(environ["REMOTE_ADDR"])

    def _refuse(self, error: HomequeueError) -> None:
        status, headers = error.status, error.headers
        if PAGE_FORM.fullmatch(self.path) and "text/html" in self.headers.get("ACCEPT", ""):
            status, headers = 303, {"Location": self._page_that_says(error)}
        self.error = Refusal(status, error.code, str(error), headers, self.path)
        self.completed = True
        self.expect_continue = False

    def _page_that_says(self, error: HomequeueError) -> str:
        """Return the address of the page whose form this is: there it is said what kept it out."""
        is_guest = self.path.startswith("/s/")
        if isinstance(error, NotSignedIn) and not is_guest:
            return SIGN_IN
        said = error.code if error.code in TOLD else "not_sent"
        link = quote(self.path.removesuffix("/upload"), encoding="latin-1")
        return f"{link if is_guest else '/upload'}?said={said}"

    def _speak_our_way(self) -> None:
        if not isinstance(self.error, Refusal):
            words = f"The request cannot be understood ({self.error.body})."
            self.error = Refusal(self.error.code, "bad_request", words, {}, self.path)
