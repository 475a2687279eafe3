"""Who asks, and what they may: the one authorisation function of the house."""

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from homequeue import config
from homequeue.errors import NotAllowed, NotSignedIn
from homequeue.models import Guest, Share, User
from homequeue.services import shares, users
from homequeue.web.security import DAV_PATHS

COOKIE = "homequeue_session"
#: The cookie of a guest, of which a browser has another one for each link.
GUEST_COOKIE = "homequeue_guest"
#: The addresses of a link: whoever has one of them has its token.
LINK = re.compile(r"(/s/([^/]+))(?:/.*)?", re.DOTALL)
PUBLIC = "public"
#: What whoever opens a link may do, and what guests may do who have come in by it.
LINK_SCOPES, GUEST_SCOPES = ("link",), ("link", "drop")
#: What a signed-in browser may do: everything of its user's.
SESSION_SCOPES = ("upload", "read", "write", "admin")


@dataclass(frozen=True)
class Principal:
    """Somebody who asks: a browser's session, a program's token, a guest of a link, or nobody."""

    user: User | None = None
    scopes: tuple[str, ...] = ()
    #: The session's secret, from which its CSRF token is made; empty for tokens and nobody.
    session: str = ""
    #: The link they came by, its path, and which of its guests they are, if they are one yet.
    share: Share | None = None
    link: str = ""
    guest: Guest | None = None
    #: Whether they came where programs say with each request who they are (HTTP Basic).
    is_asked_each_time: bool = False

    @property
    def receiver(self) -> User | None:
        """Whose library it goes into if they send something."""
        return self.share.user if self.share else self.user


def who(
    path: str, authorization: str, cookie: Callable[[str], str], address: str | None = None
) -> Principal:
    """Return who asks for an address: below a link that is its guest, and nobody else.

    Where WebDAV is, cookies count for nothing.

    `cookie` returns one by its name; `address` is the client's, if guesses are to be counted.
    """
    if DAV_PATHS.fullmatch(path):
        return _sender(authorization, address)
    linked = LINK.fullmatch(path)
    if linked is None:
        return identify(authorization, cookie(COOKIE))
    share = shares.by_token(linked[2], address)
    secret = cookie(GUEST_COOKIE)
    guest = shares.guest(share, secret) if secret else None
    scopes, session = (GUEST_SCOPES, secret) if guest else (LINK_SCOPES, "")
    return Principal(None, scopes, session, share, linked[1], guest)


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


def _sender(authorization: str, address: str | None) -> Principal:
    """Return who sends this header: a token, or a name with a token or its password."""
    kind, _, given = authorization.partition(" ")
    try:
        if kind.lower() != "basic":
            principal = identify(authorization, "")
        else:
            text = base64.b64decode(given, validate=False).decode(errors="replace")
            name, _, secret = text.partition(":")
            principal = _named(name, secret, address)
    except (ValueError, NotSignedIn):
        raise _unknown("The name, the token or the password is wrong.") from None
    return replace(principal, is_asked_each_time=True)


def _named(name: str, secret: str, address: str | None) -> Principal:
    found = users.by_token(secret)
    if found is None:
        # Where no address is known, all share one: nobody may try many names.
        user = users.by_password(name, secret, address or "unknown")
        return Principal(user, _granted(SESSION_SCOPES, user))
    user, scope = found
    if users.find(name) != user:
        raise NotSignedIn("This token is somebody else's.")
    return Principal(user, _granted(users.SCOPES[scope], user))


def _unknown(words: str) -> NotSignedIn:
    """Return that somebody is to say who they are, as the windows of programs ask it."""
    error = NotSignedIn(words)
    error.headers = {"WWW-Authenticate": 'Basic realm="homequeue", charset="UTF-8"'}
    return error


def authorise(principal: Principal, needs: str) -> None:
    """Raise NotSignedIn or NotAllowed unless the principal may do what a route needs."""
    if needs == PUBLIC:
        return
    if principal.receiver is None and principal.is_asked_each_time:
        raise _unknown("Please sign in.")
    if principal.receiver is None:
        raise NotSignedIn("Please sign in.")
    if needs not in principal.scopes and principal.share:
        raise NotAllowed("Please open the link that you were sent once more.")
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
    # What no page made, such as what the share menu of a phone hands over, has no origin.
    if (origin, fetch_site) == ("null", "none"):
        return
    if origin and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        raise NotAllowed("This request comes from another site.")


def check_browser(principal: Principal) -> None:
    """Raise NotAllowed for a program that fills in the form of a page, whose answer is a page."""
    if not principal.session:
        raise NotAllowed("Programs send photos to /api/assets.")


def check_made_by_browser(fetch_site: str) -> None:
    """Raise NotAllowed unless a browser says that its person asks this, or a page of ours does."""
    if fetch_site not in ("same-origin", "none"):
        raise NotAllowed("Photos are shared to here by the share menu of a phone only.")


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
