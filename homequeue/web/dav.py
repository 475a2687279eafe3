"""WebDAV: the inbox of whoever asks, for programs that synchronise folders, and file managers."""

import pkgutil
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bottle import HTTPResponse

from homequeue.models import User
from homequeue.web.files import AS_IT_CAME
from homequeue.web.security import Wsgi
from homequeue.web.visits import Visit

#: What programs may ask for there.
METHODS = (
    "PROPFIND",
    "HEAD",
    "GET",
    "PUT",
    "MKCOL",
    "MOVE",
    "COPY",
    "DELETE",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
)
#: In the environment: whether who asks may send, and nothing else.
ONLY_SENDS = "homequeue.only_sends"

_making = threading.Lock()


def options(visit: Visit, place: str) -> HTTPResponse:  # noqa: ARG001
    """Say that WebDAV is spoken here."""
    allowed = ", ".join(("OPTIONS", *METHODS))
    return HTTPResponse(
        status=200, headers={"DAV": "1, 2", "MS-Author-Via": "DAV", "Allow": allowed}
    )


def answer(visit: Visit, place: str) -> HTTPResponse:
    """Do what is asked of the inbox."""
    user = visit.user
    environ = dict(visit.request.environ)
    environ |= {
        "SCRIPT_NAME": "",
        "PATH_INFO": place or "/",
        "wsgidav.auth.user_name": user.name,
        ONLY_SENDS: "write" not in visit.principal.scopes,
        # The server has received all of it.
        "wsgidav.all_input_read": 1,
    }
    # One at a time: a second one of the same user would know nothing of the locks of the first.
    with _making:
        app = _application(user.id, user.name)
    return _called(app, environ)


def _called(app: Wsgi, environ: dict[str, Any]) -> HTTPResponse:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _failed: Any = None) -> None:
        started.append((status, headers))

    body = iter(app(environ, start))
    # It is a generator, which says how it went with its first piece.
    first = next(body, b"")
    status, given = started[-1]
    headers = dict(given) | AS_IT_CAME
    if headers.get("Content-Type", "").startswith("text/html"):
        # A page that says in HTML what the status says already: no file is served as such.
        return HTTPResponse(b"", status, headers=headers | {"Content-Length": "0"})
    return HTTPResponse(_rest(first, body), status, headers=headers)


def _rest(first: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from body


@lru_cache(maxsize=64)
def _application(user_id: int, _name: str) -> Wsgi:
    # By its name, as it takes 6 MB that only a home which uses it needs.
    make = pkgutil.resolve_name("homequeue.web.davfiles:application")
    app: Wsgi = make(User.get_by_id(user_id))
    return app
