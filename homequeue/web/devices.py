"""Phones and other devices: a token for each, and how to set them up with it."""

import shlex
import time
from typing import Any

from bottle import HTTPResponse

from homequeue.errors import HomequeueError, Invalid, NotFound
from homequeue.models import Token
from homequeue.services import albums, users
from homequeue.web import codes
from homequeue.web.moments import near_label
from homequeue.web.pages import page, say
from homequeue.web.visits import Visit, see_other

#: For how many days a token lasts, as the page offers it.
DAYS = {"30": "A month", "366": "A year", "1830": "Five years"}
#: What each scope lets a token do.
MAY = {
    "upload": "may send photos and nothing else",
    "read": "may look at your photos",
    "write": "may send, look at and change your photos",
    "admin": "may do all you may",
}


def show(visit: Visit) -> HTTPResponse:
    """Show how phones send by themselves, and which devices have a token of one's own."""
    return _page(visit)


def make(visit: Visit) -> HTTPResponse:
    """Make a token that may only send, and show it: as words and as a QR code, this once."""
    name = "".join(albums.titles(visit.form("name")))
    try:
        if not name:
            raise Invalid("Give the device a name, so that you know it again.")
        if visit.form("days") not in DAYS:
            raise Invalid("Choose for how long.")
        token = users.add_token(visit.user, name, "upload", int(visit.form("days")))
    except HomequeueError as error:
        return _page(visit, error.status, error=str(error), name=name)
    return _page(visit, made={"name": name, "token": token, "code": codes.qr(token)})


def remove(visit: Visit, token_id: int) -> HTTPResponse:
    """Make one of one's own tokens worthless."""
    if token_id not in {token.id for token in users.tokens(visit.user)}:
        raise NotFound("There is no such token.")
    users.remove_tokens([token_id])
    return see_other(say("/devices", "removed"))


def _page(visit: Visit, status: int = 200, **context: Any) -> HTTPResponse:
    now = time.time()
    shown = {"made": None, "error": "", "name": ""} | context
    return page(
        visit,
        "devices",
        status,
        site=visit.site,
        only_here=visit.is_only_here,
        shell=shlex.quote,
        days=DAYS,
        is_secure=visit.site.startswith("https:"),
        tokens=[_token(token, now) for token in users.tokens(visit.user)],
        **shown,
    )


def _token(token: Token, now: float) -> dict[str, Any]:
    end = near_label(token.expires_at, now) if token.expires_at else "you remove it"
    return {
        "id": token.id,
        "name": token.name,
        "words": f"{MAY[token.scope]}, until {end}",
        "made": near_label(token.created_at, now),
        "used": f"last used {near_label(token.used_at, now)}" if token.used_at else "never used",
    }
