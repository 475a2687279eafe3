"""The pages: what each view is given."""

import hashlib
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse, SimpleTemplate, template

from homequeue import __version__, config, processes
from homequeue.models import Asset
from homequeue.services import assets, cleanup, ingest
from homequeue.web import shapes
from homequeue.web.visits import Visit, see_other

#: One list, for Bottle keeps the views it has read by the very list of folders.
VIEWS = [str(Path(__file__).parent / "views")]
#: What a page says after a form was dealt with, by the first word of `said` in its address.
SAID = {
    "trashed": "Moved to the trash.",
    "restored": "Taken out of the trash.",
    "purged": "Deleted for good.",
    "emptied": "The trash is empty now.",
    "captioned": "The caption is saved.",
    "password": "Your password is changed. Other browsers have to sign in again.",
    "retried": "It is being tried again.",
    "cancelled": "Cancelled.",
    "stopped": "Stopped.",
    "dismissed": "Dismissed. It stays in the history.",
    "paused": "Paused. What runs is still finished.",
    "resumed": "Going on.",
    "workers": "Saved.",
    "again": "Queued. They are made again after everything else.",
    "started": "Started.",
    "switched": "Saved.",
}
ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/heic,image/heif,image/avif,image/tiff,"
    "video/*,.mkv,.mts,.m2ts"
)


def page(visit: Visit, view: str, status: int = 200, **context: Any) -> HTTPResponse:
    """Return a rendered view with what every view is given."""
    body = template(
        f"{view}.tpl",
        template_lookup=VIEWS,
        template_adapter=SimpleTemplate,
        version=__version__,
        asset_url=static_url,
        user=visit.principal.user,
        csrf=visit.csrf,
        path=visit.request.path,
        status=status,
        said=_said(visit) if visit.principal.user and status == 200 else None,
        **context,
    )
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return HTTPResponse(body.encode(), status=status, headers=headers)


def static_url(path: str) -> str:
    """Return the address of a static file, another one for each version."""
    return f"/static/{path}?v={__version__}"


def say(location: str, said: str) -> str:
    """Return an address whose page then says a word of SAID, such as “trashed-7”.

    >>> say("/assets/8", "trashed-7"), say("/?q=sea#a-7", "restored-7")
    ('/assets/8?said=trashed-7', '/?q=sea&said=restored-7#a-7')
    """
    address, mark, fragment = location.partition("#")
    return f"{address}{'&' if '?' in address else '?'}said={said}{mark}{fragment}"


def _said(visit: Visit) -> dict[str, str] | None:
    word, _, number = (visit.query("said") or "").partition("-")
    if word not in SAID:
        return None
    return {"word": word, "words": SAID[word], "asset": number if number.isdecimal() else ""}


def timeline(visit: Visit) -> HTTPResponse:
    """Show the photos by day, newest first: all of them, or those somebody looks for."""
    q = (visit.query("q") or "").strip()
    chosen = assets.Filter(q=q or None, favorite=visit.flag("favorite") or None)
    shown, following = assets.timeline(visit.user, chosen, visit.query("cursor"))
    unfinished = Asset.state.in_((assets.PENDING, assets.PROCESSING))
    query = {"q": chosen.q, "favorite": chosen.favorite and 1, "cursor": following}
    context: dict[str, Any] = {
        "days": by_day(shown),
        "older": f"/?{urlencode({k: v for k, v in query.items() if v})}" if following else None,
        "chosen": chosen,
        "found": assets.total(visit.user, chosen),
        "count": assets.count(visit.user),
        "paused": _paused(),
        "busy": assets.count(visit.user, unfinished),
        "failed": assets.count(visit.user, Asset.state == assets.FAILED),
    }
    return conditional(visit, context, lambda: page(visit, "timeline", **context))


def by_day(found: list[Asset]) -> list[dict[str, Any]]:
    """Group assets, already in order, by the day they were taken."""
    return [
        {
            "day": day,
            "label": shapes.day_label(day),
            "assets": [shapes.asset_tile(asset) for asset in group],
        }
        for day, group in groupby(found, key=lambda asset: asset.taken_at[:10])
    ]


def viewer(visit: Visit, asset_id: int) -> HTTPResponse:
    """Show one photo with its neighbours and what is known of it."""
    asset = assets.get(visit.user, asset_id)
    newer, older = assets.neighbours(asset)
    shown = shapes.asset_details(asset)
    return page(visit, "viewer", asset=shown, newer=newer, older=older, paused=_paused())


def trash(visit: Visit) -> HTTPResponse:
    """Show what lies in the trash, and for how long still."""
    days = config.settings().trash.days
    trashed = assets.Filter(trashed=True)
    shown, following = assets.timeline(visit.user, trashed, visit.query("cursor"))
    tiles = [
        shapes.asset_tile(asset) | {"purge_label": _purge_label(asset, days)} for asset in shown
    ]
    total = assets.total(visit.user, trashed)
    return page(visit, "trash", assets=tiles, days=days, total=total, next=following)


def empty_trash(visit: Visit) -> HTTPResponse:
    """Delete for good all that the user has in the trash, then go back there."""
    cleanup.empty_trash(visit.user)
    return see_other(say("/trash", "emptied"))


def upload(visit: Visit, results: list[dict[str, Any]] | None = None) -> HTTPResponse:
    """Show where photos are dropped; `results` of a form sent without scripts."""
    most = config.settings().uploads.max_size
    return page(
        visit,
        "upload",
        max_size=most,
        max_size_label=ingest.in_words(most),
        accept=ACCEPT,
        paused=_paused(),
        results=results,
    )


def change(
    visit: Visit, asset_id: int, change_asset: Callable[[Asset], None], back: str, said: str
) -> HTTPResponse:
    """Change one of the user's assets by a form, then go back to a page that says so."""
    change_asset(assets.get(visit.user, asset_id))
    return see_other(say(visit.form("next") or back, f"{said}-{asset_id}"))


def edit(visit: Visit, asset_id: int) -> HTTPResponse:
    """Change favorite or caption by a form, then go back to the photo."""
    changes: dict[str, Any] = {}
    if "favorite" in visit.request.forms:
        changes["favorite"] = visit.form("favorite") == "1"
    if "caption" in visit.request.forms:
        changes["caption"] = visit.form("caption").replace("\r\n", "\n").strip() or None
    assets.edit(assets.get(visit.user, asset_id), changes)
    here = f"/assets/{asset_id}"
    return see_other(say(here, "captioned") if "caption" in changes else here)


def conditional(visit: Visit, version: object, make: Callable[[], HTTPResponse]) -> HTTPResponse:
    """Return a page that is polled, or 304 to a client that has this version of it already.

    Then it need not even be made.
    """
    # Another process may be another release; a form of another session has another token.
    who = processes.identity(), visit.principal.user, visit.csrf, visit.request.url, version
    etag = f'"{hashlib.sha256(repr(who).encode()).hexdigest()[:32]}"'
    if visit.header("If-None-Match") == etag:
        return HTTPResponse(status=304, headers={"ETag": etag})
    answer = make()
    answer.set_header("ETag", etag)
    # After a sign-out nobody may leaf back to it; who polls remembers the ETag by itself.
    answer.set_header("Cache-Control", "no-store")
    return answer


def _paused() -> str:
    return shapes.paused_label(assets.paused_until(), time.time())


def _purge_label(asset: Asset, days: int) -> str:
    if not days:
        return ""
    left = days * 86400 - (time.time() - (asset.trashed_at or 0))
    return f"goes for good in {shapes.ago(left)}" if left > 0 else "goes for good tonight"
