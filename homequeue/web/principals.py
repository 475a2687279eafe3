"""Who asks, and what they may: the one authorisation function of the house."""

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from homequeue import config
from homequeue.errors import NotAllowed, NotSignedIn
from homequeue.models import User
from homequeue.services import users

COOKIE = "homequeue_session"
PUBLIC = "public"
#: What a signed-in browser may do: everything of its user's.
SESSION_SCOPES = ("upload", "read", "write", "admin")


@dataclass(frozen=True)
class Principal:
    """Somebody who asks: a browser's session, a program's token, or nobody."""

    user: User | None = None
    scopes: tuple[str, ...] = ()
    #: The session's secret, from which its CSRF token is made; empty for tokens and nobody.
    session: str = ""


def identify(authorization: str, cookie: str) -> Principal:
    """Return who sends this `Authorization` header or session cookie.

    A token that is no good is refused, never overlooked; other schemes are a proxy's business.
    """
    kind, _, token = authorization.partition(" ")
    if kind.lower() == "bearer":
        found = users.by_token(token.strip())
        if found is None:
            raise NotSignedIn("This token is unknown or has expired.")
        user, scope = found
        return Principal(user, _granted(users.SCOPES[scope], user))
    user_of_session = users.by_session(cookie) if cookie else None
    if user_of_session is None:
        return Principal()
    return Principal(user_of_session, _granted(SESSION_SCOPES, user_of_session), cookie)


def authorise(principal: Principal, needs: str) -> None:
    """Raise NotSignedIn or NotAllowed unless the principal may do what a route needs."""
    if needs == PUBLIC:
        return
    if principal.user is None:
        raise NotSignedIn("Please sign in.")
    if needs not in principal.scopes:
        raise NotAllowed("This is not yours to do.")


def _granted(scopes: tuple[str, ...], user: User) -> tuple[str, ...]:
    return tuple(scope for scope in scopes if scope != "admin" or user.is_admin)


def csrf_token(principal: Principal, secret: bytes) -> str:
    """Return the token that writes of this session must carry; empty without a session."""
    if not principal.session:
        return ""
    return hmac.new(secret, b"csrf " + principal.session.encode(), "sha256").hexdigest()


def check_same_site(origin: str, fetch_site: str, host: str) -> None:
    """Raise NotAllowed for a write that another site made a browser send."""
    if fetch_site and fetch_site not in ("same-origin", "none"):
        raise NotAllowed("This request comes from another site.")
    if origin and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        raise NotAllowed("This request comes from another site.")


def check_csrf(principal: Principal, given: str, secret: bytes) -> None:
    """Raise NotAllowed for a write of a session without its CSRF token."""
    expected = csrf_token(principal, secret)
    if expected and not hmac.compare_digest(expected, given.encode("ascii", "replace").decode()):
        raise NotAllowed("This page is out of date. Please reload it and try again.")


def check_host(host: str) -> None:
    """Raise NotAllowed for a name we do not go by, once `[server] url` says which that is."""
    url = config.settings().server.url
    if url and host.lower() != urlsplit(url).netloc.lower():
        raise NotAllowed("This server does not go by that name.")
