"""The pages: what each view is given."""

import hashlib
import time
from collections.abc import Callable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse, SimpleTemplate, template

from homequeue import __version__, config, processes
from homequeue.models import Album, Asset, User
from homequeue.services import (
    albums,
    assets,
    batches,
    choosing,
    cleanup,
    doubtful,
    duplicates,
    ingest,
    shares,
    untaken,
)
from homequeue.web import shapes
from homequeue.web.visits import Visit, see_other

#: One list, for Bottle keeps the views it has read by the very list of folders.
VIEWS = [str(Path(__file__).parent / "views")]
#: What a page says after a form was dealt with, by the first word of `said` in its address.
SAID = {
    "trashed": "Moved to the trash.",
    "restored": "Taken out of the trash.",
    "all_restored": "They are all out of the trash.",
    "purged": "Deleted for good.",
    "emptied": "The trash is empty now.",
    "captioned": "The caption is saved.",
    "password": "Your password is changed. Other browsers have to sign in again.",
    "retried": "It is being tried again.",
    "skipped": "Nothing to do: the same is under way already, or done.",
    "cancelled": "Cancelled.",
    "stopped": "Stopped.",
    "dismissed": "Dismissed. It stays in the history.",
    "paused": "Paused. What runs is still finished.",
    "resumed": "Going on.",
    "workers": "Saved.",
    "again": "Queued. They are made again after everything else.",
    "started": "Started.",
    "switched": "Saved.",
    "send_again": "You were not signed in, so nothing came. Please send or share it once more.",
    "no_space": "Nothing was sent: the disk of the server is nearly full.",
    "too_large": "Nothing was sent: there is not enough room for all of it. Send fewer at once.",
    "not_sent": "Nothing was sent. Please try again.",
    "redated": "The dates are changed.",
    "redated_one": "The date is changed.",
    "confirmed": "Noted: nobody is asked about it again.",
    "redated_back": "The dates are as they were.",
    "redated_one_back": "The date is as it was.",
    "partly": "The dates are as they were, but for those that were changed once more since.",
    "kept_all": "They all stay.",
    "kept_one": "The others are in the trash.",
    "kept_one_of_two": "The other one is in the trash.",
    "ended": "The link has ended. What came by it stays.",
    "approved": "They are among your photos now.",
    "approved_one": "It is among your photos now.",
    "declined": "Moved to the trash.",
    "unchosen": "Nothing was chosen.",
    "removed": "Removed. Whoever used it has to be set up again.",
    "cleared": "Cleared.",
    "put_in": "{} in the album.",
    "taken_out": "{} out of the album, and still among your photos.",
    "all_trashed": "{} in the trash.",
}
ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/heic,image/heif,image/avif,image/tiff,"
    "video/*,.mkv,.mts,.m2ts,.dng,.cr2,.cr3,.nef,.arw,.orf,.rw2,.raf,.pef,.srw"
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
        to_tidy=partial(
            _to_tidy, visit.principal.user if status == 200 else None, context.get("offered")
        ),
        said=_said(visit) if visit.principal.receiver and status == 200 else None,
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


def address(path: str, query: dict[str, Any] | list[tuple[str, str]]) -> str:
    """Return an address with those parameters that have a value.

    >>> address("/", {"q": "sea side", "album": None})
    '/?q=sea+side'
    """
    pairs = query.items() if isinstance(query, dict) else query
    given = [(name, value) for name, value in pairs if value]
    return f"{path}?{urlencode(given)}" if given else path


def _to_tidy(user: User | None, offered: int | None) -> list[tuple[str, str, str]]:
    """Return what waits for somebody with an eye for order: where, what, how many.

    `offered` is how many photos wait for a yes, if that was asked already.
    """
    if user is None:
        return []
    waiting = shares.waiting(user) if offered is None else offered
    found = (
        ("/waiting", "Waiting for your yes", waiting, 0),
        ("/dates", "Check dates", doubtful.count(user), doubtful.ENOUGH),
        ("/duplicates", "Possible duplicates", duplicates.count(user), duplicates.ENOUGH),
    )
    return [
        (address, words, f"{count:,}{'+' if count == enough else ''}")
        for address, words, count, enough in found
        if count
    ]


def _said(visit: Visit) -> dict[str, Any] | None:
    word, _, given = (visit.query("said") or "").partition("-")
    if word not in SAID:
        return None
    ids = [number for number in given.split(".") if number.isascii() and number.isdecimal()]
    number = ids[0] if ids else ""
    count = len(ids) if word == "all_trashed" else int(number[:9] or 0)
    counted = f"{shapes.photos(count)} {'is' if count == 1 else 'are'}"
    return {"word": word, "words": SAID[word].format(counted), "asset": number, "ids": ids}


def timeline(visit: Visit) -> HTTPResponse:
    """Show the photos by day, newest first: all of them, or those somebody looks for."""
    q = (visit.query("q") or "").strip()
    album = album_chosen(visit)
    chosen = assets.Filter(
        q=q or None,
        favorite=visit.flag("favorite") or None,
        kind=kind_chosen(visit),
        album=album.id if album else None,
    )
    shown, following = assets.timeline(visit.user, chosen, visit.query("cursor"))
    unfinished = Asset.state.in_((assets.PENDING, assets.PROCESSING))
    query = {
        "q": chosen.q,
        "favorite": chosen.favorite and 1,
        "kind": chosen.kind,
        "album": chosen.album,
    }
    context: dict[str, Any] = {
        "days": by_day(shown),
        "older": address("/", query | {"cursor": following}) if following else None,
        "chosen": chosen,
        "album": album and {"id": album.id, "title": album.title},
        "found": assets.total(visit.user, chosen) if chosen != assets.Filter() else 0,
        "count": assets.count(visit.user),
        "paused": _paused(),
        "busy": assets.count(visit.user, unfinished),
        "broken": assets.broken(visit.user),
        "offered": shares.waiting(visit.user),
        "untaken": _untaken(visit.user),
    }
    return conditional(visit, context, lambda: page(visit, "timeline", **context))


def kind_chosen(visit: Visit) -> str | None:
    """Return the kind of files that an address asks for: only videos can be asked for."""
    return assets.VIDEO if visit.query("kind") == assets.VIDEO else None


def album_chosen(visit: Visit, name: str = "album") -> Album | None:
    """Return the user's album that an address names, by “album” or so, None without one."""
    if visit.query(name) is None:
        return None
    return albums.get(visit.user, visit.number(name, 0, 10**18))


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


def restore_trash(visit: Visit) -> HTTPResponse:
    """Take out of the trash what a form names, or all that the user has there."""
    if "id" in visit.request.forms:
        count = choosing.restore(visit.user, visit.ticked())
    else:
        count = assets.restore_all(visit.user)
    said = "restored" if count == 1 else "all_restored"
    return see_other(say(visit.form("next") or "/trash", said))


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
        latest=batches.latest_upload(visit.user),
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


def _untaken(user: User) -> tuple[str, str] | None:
    """Return how many files of a user's inbox were not taken, and the page that tells which."""
    found = untaken.found(user)
    if not found:
        return None
    where = f"/batches/{found[0].batch.id}" if len(found) == 1 else "/activity#untaken"
    return shapes.untaken(sum(one.count for one in found)), where


def _purge_label(asset: Asset, days: int) -> str:
    if not days:
        return ""
    left = days * 86400 - (time.time() - (asset.trashed_at or 0))
    return f"goes for good in {shapes.ago(left)}" if left > 0 else "goes for good tonight"
