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

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def secured(app: Wsgi) -> Wsgi:
    """Return the application with HEADERS on every answer; an answer's own header wins."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            own = {name.lower() for name, _ in headers}
            missing = [pair for pair in HEADERS if pair[0].lower() not in own]
            if "cache-control" not in own:
                missing.append(("Cache-Control", "no-store"))
            return start_response(status, headers + missing, exc_info)

        return app(environ, start)

    return wrapped
