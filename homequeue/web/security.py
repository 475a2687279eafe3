"""The headers that every answer has, errors included."""

import re
from collections.abc import Callable, Iterable
from typing import Any

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: tuple[tuple[str, str], ...] = (
    ("Content-Security-Policy", CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
#: And one more by https and on the machine itself: elsewhere browsers complain of it on every page.
TRUSTED_HEADERS: tuple[tuple[str, str], ...] = (("Cross-Origin-Opener-Policy", "same-origin"),)
#: The names of a machine for itself, and the port.
LOOPBACK = re.compile(r"(localhost|127(?:\.\d+){3}|\[::1\])(:\d+)?", re.IGNORECASE)

#: What every answer below a link has besides. A page says otherwise in its head, for itself only:
#: a form of a page without any referrer comes from the origin "null", as one of another site may.
LINK_HEADERS: tuple[tuple[str, str], ...] = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow"),
)

#: Where resumable uploads are, and what every answer there says it speaks.
TUS_PATH = "/api/uploads"
TUS_VERSION = "1.0.0"
#: Also of guests, below their link.
TUS_PATHS = re.compile(rf"(?:{TUS_PATH}|/s/[^/]+/uploads)(?:/(?P<upload>[^/]+))?")

#: Where WebDAV is.
DAV_PATH = "/dav"
DAV_PATHS = re.compile(rf"{DAV_PATH}(?:/.*)?", re.DOTALL)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def headers_at(path: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer at an address."""
    headers = HEADERS
    if path.startswith("/s/"):
        headers = tuple((dict(HEADERS) | dict(LINK_HEADERS)).items())
    if TUS_PATHS.fullmatch(path):
        headers = (*headers, ("Tus-Resumable", TUS_VERSION))
    return headers


def _is_trusted(environ: dict[str, Any]) -> bool:
    """Tell whether a browser believes that nobody on the way changed the answer."""
    host = str(environ.get("HTTP_HOST", ""))
    return environ["wsgi.url_scheme"] == "https" or LOOPBACK.fullmatch(host) is not None


def secured(app: Wsgi) -> Wsgi:
    """Return the application with these headers on every answer; an answer's own header wins."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name.lower() for name, _ in headers}
            wanted = headers_at(environ["PATH_INFO"])
            wanted += TRUSTED_HEADERS if _is_trusted(environ) else ()
            missing = [pair for pair in wanted if pair[0].lower() not in own]
            if "cache-control" not in own:
                missing.append(("Cache-Control", "no-store"))
            return start_response(status, headers + missing, exc_info)

        return app(environ, start)

    return wrapped
