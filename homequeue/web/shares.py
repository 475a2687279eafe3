"""Drop links as their makers see them: the links, and what waits for a yes."""

import time
from typing import Any

from bottle import HTTPResponse

from homequeue.errors import HomequeueError, Invalid
from homequeue.models import Asset, Share
from homequeue.services import assets, ingest, shares
from homequeue.services.shares import Terms
from homequeue.web import codes, shapes
from homequeue.web.moments import near_label
from homequeue.web.pages import page, say
from homequeue.web.shapes import rfc3339
from homequeue.web.visits import Visit, as_json, see_other

#: What each field of the API must be.
FIELDS: dict[str, type] = {
    "title": str,
    "album": str,
    "days": int,
    "max_files": int,
    "max_size": int,
    "needs_approval": bool,
}
GB = 10**9


# The API


def list_shares(visit: Visit) -> HTTPResponse:
    """List one's drop links, newest first."""
    return as_json({"shares": [_json(share) for share in shares.listed(visit.user)]})


def make_share(visit: Visit) -> HTTPResponse:
    """Make a drop link; its address is told only in this answer."""
    given = visit.json()
    for name, value in given.items():
        if name not in FIELDS or type(value) is not FIELDS[name]:
            raise Invalid(f"“{name}” cannot be {value!r} here.")
    share, token = shares.make(visit.user, Terms(**{"title": ""} | given))
    return as_json(_json(share) | {"url": f"{visit.site}/s/{token}"}, 201)


def end_share(visit: Visit, share_id: int) -> HTTPResponse:
    """End a drop link; what came through it stays."""
    shares.end(shares.get(visit.user, share_id))
    return HTTPResponse(status=204)


def _json(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "kind": share.kind,
        "title": share.title,
        "album": share.album or None,
        "needs_approval": share.needs_approval,
        "open": shares.is_open(share),
        "created_at": rfc3339(share.created_at),
        "expires_at": rfc3339(share.expires_at),
        "ended_at": rfc3339(share.ended_at),
        "max_files": share.max_files,
        "max_size": share.max_size,
        "files": share.files,
        "size": share.size,
        "waiting": getattr(share, "waiting", 0),
        "known": getattr(share, "known", 0),
    }


# The page of one's links


def show(visit: Visit) -> HTTPResponse:
    """Show one's drop links, and how to make another."""
    return _page(visit)


def make(visit: Visit) -> HTTPResponse:
    """Make a drop link by a form, and show it: as words and as a QR code, this once."""
    form = {name: visit.form(name) for name in ("title", "album", "days", "max_files", "max_gb")}
    approve = visit.form("needs_approval") == "1"
    try:
        days, files, room = (_number(form[name]) for name in ("days", "max_files", "max_gb"))
        terms = Terms(form["title"], form["album"], days, files, room * GB, approve)
        share, token = shares.make(visit.user, terms)
    except HomequeueError as error:
        return _page(visit, error.status, error=str(error), form=form | {"approve": approve})
    url = f"{visit.site}/s/{token}"
    return _page(visit, made={"title": share.title, "url": url, "code": codes.qr(url)})


def end(visit: Visit, share_id: int) -> HTTPResponse:
    """End a drop link by a form."""
    shares.end(shares.get(visit.user, share_id))
    return see_other(say("/shares", "ended"))


def _page(visit: Visit, status: int = 200, **context: Any) -> HTTPResponse:
    now = time.time()
    links = [_link(share, now) for share in shares.listed(visit.user)]
    form = {"title": "", "album": "", "days": "30", "max_files": "500", "max_gb": "20"}
    shown = {"made": None, "error": "", "form": form | {"approve": True}} | context
    return page(visit, "shares", status, links=links, only_here=visit.is_only_here, **shown)


def _link(share: Share, now: float) -> dict[str, Any]:
    came = f"{shapes.photos(share.files)} came" if share.files else "Nothing came yet"
    if known := getattr(share, "known", 0):
        came += f", of which {known:,} {'was' if known == 1 else 'were'} here already"
    most = f"{shapes.photos(share.max_files)} and {ingest.in_words(share.max_size)}"
    return {
        "id": share.id,
        "title": share.title,
        "album": share.album,
        "is_open": shares.is_open(share),
        "can_end": not shares.is_over(share),
        "until": _until_when(share, now),
        "came": f"{came}; it takes {most}",
        "shows_at_once": not share.needs_approval,
        "waiting": getattr(share, "waiting", 0),
    }


def _until_when(share: Share, now: float) -> str:
    if shares.is_over(share):
        return "Ended"
    if shares.is_full(share):
        return "Full: all that it takes has come"
    return f"Open until {near_label(share.expires_at, now)}"


# What waits for a yes


def show_waiting(visit: Visit) -> HTTPResponse:
    """Show what guests have sent and nobody has said yes to."""
    chosen = assets.Filter(awaits=True)
    shown, following = assets.timeline(visit.user, chosen, visit.query("cursor"))
    return page(
        visit,
        "waiting",
        assets=[_tile(asset) for asset in shown],
        total=shares.waiting(visit.user),
        # Those that come from now on have been seen by nobody.
        until=repr(time.time()),
        next=following,
    )


def decide(visit: Visit) -> HTTPResponse:
    """Say yes or no to photos that wait: to those that are chosen, or to all that were shown."""
    answer, _, which = visit.form("do").partition("-")
    chosen = _until(visit.form("until")) if which == "all" else visit.ticked()
    if answer not in ("yes", "no"):
        raise Invalid("Say yes or no.")
    act = shares.say_yes if answer == "yes" else shares.say_no
    count = act(visit.user, chosen)
    said = "declined" if answer == "no" else "approved" if count > 1 else "approved_one"
    return see_other(say(visit.form("next") or "/waiting", said if count else "unchosen"))


def _tile(asset: Asset) -> dict[str, Any]:
    return shapes.asset_tile(asset) | {"sender": asset.guest or "a guest"}


def _until(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid("This page is out of date. Please reload it and try again.") from None


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
