"""The headers that every answer has, errors included."""

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
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)

#: Where resumable uploads are, and what every answer there says it speaks.
TUS_PATH = "/api/uploads"
TUS_VERSION = "1.0.0"

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def headers_at(path: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer at an address."""
    if path != TUS_PATH and not path.startswith(f"{TUS_PATH}/"):
        return HEADERS
    return (*HEADERS, ("Tus-Resumable", TUS_VERSION))


def secured(app: Wsgi) -> Wsgi:
    """Return the application with these headers on every answer; an answer's own header wins."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name.lower() for name, _ in headers}
            wanted = headers_at(environ["PATH_INFO"])
            missing = [pair for pair in wanted if pair[0].lower() not in own]
            if "cache-control" not in own:
                missing.append(("Cache-Control", "no-store"))
            return start_response(status, headers + missing, exc_info)

        return app(environ, start)

    return wrapped
