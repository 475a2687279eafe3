"""A visit: one request, as handlers see it."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from bottle import BaseRequest, HTTPResponse

from homequeue import config, processes
from homequeue.errors import HomequeueError, Invalid, TooMany
from homequeue.models import Guest, User
from homequeue.web.principals import Principal
from homequeue.web.security import LOOPBACK

#: The longest JSON or form that is read, in bytes.
LONGEST_FORM = 2**20


@dataclass
class Visit:
    """One request of one principal."""

    request: BaseRequest
    principal: Principal
    csrf: str = ""
    #: Headers that the answer shall have besides those of every answer.
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def user(self) -> User:
        """Who is signed in; only handlers of routes that need it ask."""
        assert self.principal.user is not None
        return self.principal.user

    @property
    def receiver(self) -> User:
        """Whose library it goes into if something is sent."""
        assert self.principal.receiver is not None
        return self.principal.receiver

    @property
    def guest(self) -> Guest | None:
        """Who sends it by a link, if nobody is signed in."""
        return self.principal.guest

    @property
    def site(self) -> str:
        """The address of this site for links: as it is set, else as the client knows it.

        What only this machine knows it by is of no use to a phone: then its address in the network.
        """
        settings, host = config.settings().server, self.header("Host")
        loopback = LOOPBACK.fullmatch(host)
        if loopback and settings.host in processes.EVERYWHERE and not self.is_secure:
            host = (processes.lan_address() or loopback[1]) + (loopback[2] or "")
        asked = f"{'https' if self.is_secure else 'http'}://{host}"
        return (settings.url or asked).rstrip("/")

    @property
    def is_only_here(self) -> bool:
        """Whether such links lead to this machine from itself only."""
        return LOOPBACK.fullmatch(self.site.partition("://")[2]) is not None

    @property
    def address(self) -> str:
        """The client's IP address."""
        return str(self.request.environ.get("REMOTE_ADDR", ""))

    @property
    def is_secure(self) -> bool:
        """Whether the client came through https."""
        return bool(self.request.environ.get("wsgi.url_scheme") == "https")

    def query(self, name: str) -> str | None:
        """Return a parameter of the address, or None."""
        if name not in self.request.query:
            return None
        value = self.request.query.getunicode(name)
        if value is None:
            raise Invalid("The address is damaged.")
        return str(value)

    def number(self, name: str, default: int, most: int) -> int:
        """Return a parameter of the address as a number from 1 to `most`."""
        text = self.query(name)
        if text is None:
            return default
        is_number = text.isascii() and text.isdecimal() and len(text) < 19
        if not is_number or not 1 <= int(text) <= most:
            raise Invalid(f"“{name}” takes a number from 1 to {most}.")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """Return a parameter of the address as yes or no, None if it is absent."""
        text = self.query(name)
        return None if text is None else text.lower() in ("1", "true", "yes")

    @property
    def is_form(self) -> bool:
        """Whether a page's form was submitted, so that its sender wants to see a page again."""
        return self.header("Content-Type").startswith("application/x-www-form-urlencoded")

    def fields(self) -> dict[str, Any]:
        """Return what was sent: the fields of a form, or of a JSON object."""
        if not self.is_form:
            return self.json()
        return {name: self.form(name) for name in self.request.forms}

    def form(self, name: str) -> str:
        """Return a field of a submitted form; empty if it is absent."""
        return str(self.request.forms.getunicode(name) or "")

    def ticked(self) -> list[int]:
        """Return the ids of assets that are ticked in a submitted form."""
        given = self.request.forms.getall("id")
        return [int(one) for one in given if one.isascii() and one.isdecimal() and len(one) < 19]

    def header(self, name: str) -> str:
        """Return a header of the request, its bytes read as Latin-1; empty if it is absent."""
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        return str(self.request.environ.get(key, ""))

    def header_text(self, name: str) -> str:
        """Return a header whose value is UTF-8, percent-encoded (RFC 3986) or as it is."""
        return text_of(self.header(name))

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; Invalid if it is none."""
        body = self.request.body.read(LONGEST_FORM)
        try:
            value = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise Invalid("The request is not JSON.") from None
        if not isinstance(value, dict):
            raise Invalid("The request is not a JSON object.")
        return value

    def wants_page(self) -> bool:
        """Whether the client is a browser that shows pages."""
        is_page = self.is_form or not self.request.path.startswith("/api/")
        return "text/html" in self.header("Accept") and is_page


def text_of(header: str) -> str:
    """Return a header whose value is UTF-8, percent-encoded (RFC 3986) or as it is.

    >>> text_of("caf%C3%A9"), text_of("cafÃ©")
    ('café', 'café')
    """
    plain = header.encode("latin-1", "replace").decode(errors="replace")
    return unquote(plain, errors="replace")


def asset_ids(given: object, most: int) -> list[int]:
    """Return the ids of assets that a request lists; Invalid if it is no list of up to `most`."""
    ids: list[Any] = given if isinstance(given, list) else [None]
    if len(ids) > most or not all(type(one) is int and 0 < one < 10**18 for one in ids):
        raise Invalid(f"“ids” takes a list of up to {most:,} numbers of photos.")
    return ids


def see_other(location: str) -> HTTPResponse:
    """Return a redirect after a form was dealt with (RFC 9110, 303), within this site only."""
    return HTTPResponse(status=303, headers={"Location": local_path(location)})


def local_path(location: str) -> str:
    """Return an address if it is a path of this site, else the first page.

    >>> local_path("/trash"), local_path("//evil.example"), local_path("https://evil.example")
    ('/trash', '/', '/')
    """
    safe = location.startswith("/") and not location.startswith(("//", "/\\"))
    return location if safe and location.isprintable() else "/"


def with_retry(answer: HTTPResponse, error: HomequeueError) -> HTTPResponse:
    """Return the answer with what else the error says, such as when to come back."""
    for name, text in error.headers.items():
        answer.set_header(name, text)
    if isinstance(error, TooMany):
        answer.set_header("Retry-After", str(error.retry_after))
    elif error.status == 503:
        answer.set_header("Retry-After", "5")
    return answer


def as_json(value: Any, status: int = 200, **headers: str) -> HTTPResponse:
    """Return a JSON answer; header names are written with underscores."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return HTTPResponse(
        body, status=status, headers={"Content-Type": "application/json; charset=utf-8", **named}
    )
