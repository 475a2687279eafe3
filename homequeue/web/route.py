"""What a route is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NOT_PAGES = ("/api/", "/dav", "/static/", "/openapi.json", "/healthz", "/readyz", "/metrics")


@dataclass(frozen=True)
class Route:
    """One address: `needs` is a scope or PUBLIC."""

    method: str
    path: str
    handler: Callable[..., Any]
    needs: str
    #: The CSRF token is a field of a form that only the handler can read.
    checks_csrf: bool = False
    #: Answered under whatever name: monitors ask for the machine, not for the site.
    any_host: bool = False

    @property
    def is_page(self) -> bool:
        """Whether a browser shows the answer, so that nobody is sent to sign in."""
        return not self.path.startswith(NOT_PAGES)

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method not in ("GET", "HEAD", "OPTIONS")
