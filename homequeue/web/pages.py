"""The pages: what each view is given."""

import hashlib
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from bottle import HTTPResponse, SimpleTemplate, template

from homequeue import __version__, config, ledger
from homequeue.models import Asset
from homequeue.services import assets, ingest, jobs
from homequeue.web import shapes
from homequeue.web.visits import Visit, see_other

VIEWS = str(Path(__file__).parent / "views")
#: How many jobs of a kind the activity page lists.
LISTED = 20
ACCEPT = "image/jpeg,image/png,image/webp,image/gif,image/heic,image/heif,image/avif,image/tiff"


def page(visit: Visit, view: str, status: int = 200, **context: Any) -> HTTPResponse:
    """Return a rendered view with what every view is given."""
    body = template(
        f"{view}.tpl",
        template_lookup=[VIEWS],
        template_adapter=SimpleTemplate,
        version=__version__,
        asset_url=static_url,
        user=visit.principal.user,
        csrf=visit.csrf,
        path=visit.request.path,
        status=status,
        **context,
    )
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return HTTPResponse(body.encode(), status=status, headers=headers)


def static_url(path: str) -> str:
    """Return the address of a static file, another one for each version."""
    return f"/static/{path}?v={__version__}"


def timeline(visit: Visit) -> HTTPResponse:
    """Show the photos by day, newest first."""
    shown, following = assets.timeline(visit.user, assets.Filter(), visit.query("cursor"))
    unfinished = Asset.state.in_((assets.PENDING, assets.PROCESSING))
    shown_page = page(
        visit,
        "timeline",
        days=by_day(shown),
        next=following,
        count=assets.count(visit.user),
        busy=assets.count(visit.user, unfinished),
        failed=assets.count(visit.user, Asset.state == assets.FAILED),
    )
    return _conditional(visit, shown_page)


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
    return page(visit, "viewer", asset=shapes.asset_details(asset), newer=newer, older=older)


def trash(visit: Visit) -> HTTPResponse:
    """Show what lies in the trash, and for how long still."""
    days = config.settings().trash.days
    trashed = assets.Filter(trashed=True)
    shown, following = assets.timeline(visit.user, trashed, visit.query("cursor"))
    tiles = [
        shapes.asset_tile(asset) | {"purge_label": _purge_label(asset, days)} for asset in shown
    ]
    return page(visit, "trash", assets=tiles, days=days, next=following)


def upload(visit: Visit, results: list[dict[str, Any]] | None = None) -> HTTPResponse:
    """Show where photos are dropped; `results` of a form sent without scripts."""
    most = config.settings().uploads.max_size
    return page(
        visit,
        "upload",
        max_size=most,
        max_size_label=ingest.in_words(most),
        accept=ACCEPT,
        results=results,
    )


def activity(visit: Visit) -> HTTPResponse:
    """Show what the queue does."""
    return _conditional(visit, page(visit, "activity", **_activity(visit)))


def change(visit: Visit, asset_id: int, change_asset: Any, back: str) -> HTTPResponse:
    """Change one of the user's assets by a form, then go back to a page."""
    change_asset(assets.get(visit.user, asset_id))
    return see_other(visit.form("next") or back)


def _conditional(visit: Visit, answer: HTTPResponse) -> HTTPResponse:
    """Return a page that is polled; a client that has this very page already is told so (304)."""
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if visit.header("If-None-Match") == etag:
        return HTTPResponse(status=304, headers={"ETag": etag})
    answer.set_header("ETag", etag)
    # After a sign-out nobody may leaf back to it; who polls remembers the ETag by itself.
    answer.set_header("Cache-Control", "no-store")
    return answer


def _activity(visit: Visit) -> dict[str, Any]:
    user = None if visit.user.is_admin else visit.user
    now = time.time()
    groups = {
        "running": (ledger.RUNNING,),
        "waiting": ledger.WAITING,
        "failed": (ledger.FAILED, ledger.QUARANTINED),
        "recent": (ledger.SUCCEEDED, ledger.CANCELLED),
    }
    chosen = {name: jobs.Chosen(user, states) for name, states in groups.items()}
    found = {name: jobs.listed(one, LISTED) for name, one in chosen.items()}
    found["waiting"] = jobs.upcoming(chosen["waiting"], LISTED)
    rows = {
        name: shapes.job_rows(some, now, with_traceback=visit.user.is_admin)
        for name, some in found.items()
    }
    totals = {name: jobs.total(chosen[name]) for name in ("running", "waiting", "failed")}
    unfinished = jobs.Chosen(user, (*ledger.WAITING, ledger.RUNNING), "process_asset")
    totals["photos"] = jobs.total(unfinished)
    paused = ledger.paused_until()
    return {
        **rows,
        "waiting_total": totals["waiting"],
        "failed_total": totals["failed"],
        "summary": _summary(totals, paused > now),
        "counts": {shapes.STATE_WORDS[state]: n for state, n in ledger.counts().items() if n},
        "workers": [
            {
                "name": f"Worker {number}",
                "alive": True,
                "since_label": f"since {shapes.moment_label(worker.started_at)}",
            }
            for number, worker in enumerate(jobs.workers(), 1)
        ],
        "paused": _paused_label(paused, now),
        "periodic": [_periodic_row(row) for row in jobs.periodic()],
    }


def _summary(totals: dict[str, int], is_paused: bool) -> str:
    busy = totals["running"] + totals["waiting"]
    if is_paused:
        return f"Paused, with {shapes.photos(totals['photos'])} waiting."
    if totals["photos"]:
        return f"Making previews for {shapes.photos(totals['photos'])}."
    if totals["running"]:
        return "Working."
    if busy:
        return "Nothing to do right now. Something is waiting for its time."
    if totals["failed"]:
        return "All done, except for what needs a look below."
    return "All done. Nothing is waiting."


def _paused_label(until: float, now: float) -> str:
    if until <= now:
        return ""
    if until - now > jobs.FOREVER / 2:
        return "Paused until somebody resumes."
    return f"Paused until {shapes.moment_label(until)}."


def _periodic_row(row: dict[str, Any]) -> dict[str, Any]:
    job = row["last_job"]
    return {
        "label": row["label"],
        "last_label": shapes.moment_label(row["last_due"]),
        "next_label": shapes.moment_label(row["next_due"]),
        "result": "" if job is None else shapes.STATE_WORDS[job.state],
    }


def _purge_label(asset: Asset, days: int) -> str:
    left = days * 86400 - (time.time() - (asset.trashed_at or 0))
    return f"goes for good in {shapes.ago(left)}" if left > 0 else "goes for good tonight"
