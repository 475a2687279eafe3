"""Doubtful dates in the library: which there are, and what one photo tells of those beside it."""

from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from homequeue.models import Asset, User
from homequeue.services import assets, dates, doubts

#: Photos that a camera took within this span are likely to be off alike.
BESIDE = timedelta(hours=12)
#: How many photos one is compared with at most.
MOST = 2000
#: What menus count to; beyond, the exact number tells nobody more.
ENOUGH = 1000


def count(owner: User, most: int = ENOUGH) -> int:
    """Return how many dates of an owner are to be checked; counts up to `most`."""
    return int(_of(owner).limit(most).count())


def reasons(owner: User) -> dict[str, int]:
    """Return how many dates are doubtful for each reason, in the order of doubts.REASONS."""
    rows: Any = _of(owner).select(Asset.doubt, fn.COUNT(Asset.id)).group_by(Asset.doubt)
    found: dict[str, int] = dict(rows.tuples())
    return {reason: found[reason] for reason in doubts.REASONS if reason in found}


def listed(
    owner: User, reason: str | None, cursor: str | None, limit: int
) -> tuple[list[Asset], str | None]:
    """Return a page of assets whose dates are doubtful, newest first, and the next cursor."""
    query = _of(owner).where(Asset.doubt == reason) if reason else _of(owner)
    return assets.paged(query, cursor, limit)


def spread(asset: Asset) -> None:
    """Doubt photos that tell no place, if the satellites told that their camera was off then.

    Called for each asset when its metadata was read, whichever comes first.
    """
    if not asset.model:
        return
    beside = Asset.select().where(
        Asset.owner == asset.owner_id,
        Asset.trashed_at.is_null(),
        Asset.taken_at.between(*_around(asset)),
        Asset.model == asset.model,
        Asset.id != asset.id,
    )
    if asset.doubt == doubts.SATELLITES:
        silent = beside.where(Asset.doubt.is_null(), Asset.lat.is_null()).limit(MOST)
        for other in silent:
            _doubt(other, asset)
    elif asset.doubt is None and asset.lat is None:
        known = beside.where(Asset.doubt == doubts.SATELLITES).first()
        if known is not None:
            _doubt(asset, known)


def _of(owner: User) -> Any:
    return Asset.select().where(
        Asset.owner == owner,
        Asset.trashed_at.is_null(),
        Asset.doubt.is_null(False),
        ~Asset.is_clip,
    )


def _around(asset: Asset) -> tuple[str, str]:
    at = datetime.fromisoformat(asset.taken_at)
    return (at - BESIDE).isoformat(), (at + BESIDE).isoformat()


def _doubt(asset: Asset, known: Asset) -> None:
    """Doubt an asset's date by as much as that of another is off."""
    if asset.taken_at_source not in doubts.CLOCKS or "taken_at" in assets.edited(asset.id):
        return
    right = dates.from_text(known.candidate or known.taken_at, "gps")
    distance = right.at - datetime.fromisoformat(known.taken_at)
    moved = datetime.fromisoformat(asset.taken_at) + distance
    candidate = dates.Moment(moved, doubts.NEIGHBOURS, right.offset)
    Asset.update(
        doubt=doubts.NEIGHBOURS, candidate=candidate.as_text, candidate_source=candidate.source
    ).where(Asset.id == asset.id).execute()
