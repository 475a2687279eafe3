"""Clean-up: each sweep heals one gap or forgets one thing that is no longer needed."""

import time
from contextlib import suppress

from homequeue import config, db, facts
from homequeue.errors import Conflict, HomequeueError
from homequeue.media import media
from homequeue.models import Asset, Rendition, User
from homequeue.queue import queue
from homequeue.services import (
    abandoned,
    assets,
    batches,
    deposits,
    ingest,
    jobs,
    machine,
    notify,
    pairs,
    shares,
    steering,
    unshown,
    users,
)

DAY = 86400
#: An upload to which nothing was added for this long is given up, in seconds.
STALE_UPLOAD = DAY
#: An original without a row is adopted after this long, in seconds: its upload may still end well.
ORPHAN_AGE = 3600
#: Renditions whose files are looked for in one sweep.
LOOKED_AT = 5000


def purge_trash() -> int:
    """Delete for good what lay in the trash long enough; return how many assets.

    With `[trash] days = 0` nothing ever has: only people empty it.
    """
    days = config.settings().trash.days
    if not days or not _clock_is_steady():
        return 0
    before = time.time() - days * DAY
    old = Asset.select().where(Asset.trashed_at < before, ~Asset.awaits)
    return sum(purge(asset) for asset in old)


def purge(asset: Asset) -> bool:
    """Delete an asset from the trash for good, and the clip that goes with it.

    First the rows, then renditions and originals.
    """
    media.check_mounted()
    with db.durable():
        is_trashed = Asset.trashed_at.is_null(False) & ~Asset.awaits
        gone = list(Asset.select().where(pairs.together(asset.id), is_trashed))
        ids = [one.id for one in gone]
        if asset.id not in ids:
            return False
        paths = [row.path for row in Rendition.select().where(Rendition.asset.in_(ids))]
        Asset.delete().where(Asset.id.in_(ids)).execute()
        pairs.part(ids)
        for one in gone:
            facts.remember(f"purged {one.path}", time.time())
            queue.forget_asset(one.id)
    for path in paths:
        media.remove(path)
    for one in gone:
        _remove_unused(one.path)
    return True


def empty_trash(owner: User) -> int:
    """Delete for good all that a user has in the trash; return how many assets."""
    is_trashed = Asset.trashed_at.is_null(False) & ~Asset.awaits
    trashed = Asset.select().where(Asset.owner == owner, is_trashed)
    return sum(purge(asset) for asset in list(trashed))


def forget_stale() -> dict[str, int]:
    """Forget uploads that were given up, sessions that expired and jobs long done."""
    if not _clock_is_steady():
        return {}
    history = time.time() - config.settings().queue.history_days * DAY
    return {
        "incoming": media.remove_stale_incoming(STALE_UPLOAD),
        "copies": media.remove_stale_copies(STALE_UPLOAD),
        "uploads": abandoned.forget_expired(),
        "renditions": _remove_stray_renditions(),
        "deposits": deposits.forget(),
        "sessions": users.forget_sessions(),
        "links": shares.forget_before(history),
        "jobs": jobs.forget_before(history),
        "batches": batches.forget_before(history),
        "deeds": steering.forget_before(history),
    }


def rescue(defer: ingest.Defer, report: notify.Report) -> dict[str, int]:
    """Queue work that was lost, adopt originals without a row, finish full uploads."""
    _notice_lost_renditions()
    _take_up_unshown()
    lost = assets.without_job()
    for asset_id in lost:
        defer(asset_id)
    # First the uploads: the original of one that was cut off at its end is its owner's.
    finished = abandoned.finish_full(defer, report)
    return {"assets": len(lost), "originals": _adopt_orphans(defer), "uploads": finished}


def check_disk() -> dict[str, int]:
    """Write down how full the disk is, and that the clock runs."""
    _watch_clock()
    media.check_mounted()
    seen = {"free": media.free_bytes(), "total": media.disk_bytes()}
    facts.remember("disk", seen | {"at": time.time()})
    machine.watch_disk(seen["free"])
    return seen


def _remove_stray_renditions() -> int:
    """Delete what a worker wrote and was killed before its rows; return how many files."""
    known = {row.path for row in Rendition.select(Rendition.path)}
    stray = [path for path in media.renditions() if path not in known and media.age(path) > DAY]
    for path in stray:
        media.remove(path)
    return len(stray)


def _notice_lost_renditions() -> None:
    """Look for the files of renditions, some at a time; assets without theirs are pending."""
    after = facts.recall("renditions_seen", 0)
    some = list(
        Rendition.select().where(Rendition.id > after).order_by(Rendition.id).limit(LOOKED_AT)
    )
    for row in some:
        if not media.exists(row.path):
            assets.lose_renditions(row.asset_id)
    facts.remember("renditions_seen", some[-1].id if len(some) == LOOKED_AT else 0)


def _take_up_unshown() -> None:
    """Queue again what could not be shown for want of ffmpeg or rawpy, once that is there."""
    for job in unshown.showable():
        with suppress(Conflict):  # it is being done already
            queue.revive(job)


def _remove_unused(path: str) -> None:
    media.check_mounted()
    # Under the same lock in which an upload of the same bytes would write its row.
    with db.db.atomic():
        if not Asset.select().where(Asset.path == path).exists():
            media.remove(path)
        facts.forget(f"purged {path}")


def _adopt_orphans(defer: ingest.Defer) -> int:
    owner = User.select().where(User.is_admin).order_by(User.id).first()
    if owner is None:
        return 0
    known = {asset.path for asset in Asset.select(Asset.path)}
    adopted = 0
    for path in media.originals():
        is_lost = path not in known and media.age(path) > ORPHAN_AGE
        if is_lost and not facts.recall(f"orphan {path}"):
            adopted += _adopt(path, owner, defer)
    return adopted


def _adopt(path: str, owner: User, defer: ingest.Defer) -> bool:
    if facts.recall(f"purged {path}"):
        # A purge that was cut off had deleted its row: its bytes are nobody's any more, unless
        # somebody has sent them again.
        _remove_unused(path)
        return False
    try:
        ingest.adopt(path, owner, defer)
    except (HomequeueError, OSError) as error:
        facts.remember(f"orphan {path}", str(error))
        return False
    return True


def _clock_is_steady() -> bool:
    """Tell whether the clock has run evenly for a day.

    A machine without a clock of its own may wake up in any year, and nothing may be deleted then.
    """
    _watch_clock()
    return bool(time.time() - facts.recall("clock_steady_since", time.time()) >= DAY)


def _watch_clock() -> None:
    now = time.time()
    seen = facts.recall("clock_seen", 0.0)
    if not seen - 60 <= now <= seen + DAY:
        facts.remember("clock_steady_since", now)
    facts.remember("clock_seen", now)
