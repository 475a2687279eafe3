"""Assets: the queries of the timeline, and the only place where their state moves."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from peewee import Expression, prefetch

from homequeue import holds, ledger
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition, User
from homequeue.services import search

PENDING: Final = "pending"  # kept; its pictures are still to be made
PROCESSING: Final = "processing"  # a job is making them
READY: Final = "ready"  # everything is there
FAILED: Final = "failed"  # its original is kept, but no pictures could be made: see `error`

#: Kinds of assets: besides, there are photos.
VIDEO: Final = "video"

STATES = (PENDING, PROCESSING, READY, FAILED)

#: To each state, the states it may come from.
MOVES: dict[str, tuple[str, ...]] = {
    PENDING: (PROCESSING, READY, FAILED),
    PROCESSING: (PENDING, PROCESSING, READY, FAILED),
    READY: (PROCESSING,),
    FAILED: (PENDING, PROCESSING),
}

PAGE = 100
#: What a person may change, and how the value must look.
EDITABLE: dict[str, tuple[type, ...]] = {
    "favorite": (bool,),
    "caption": (str, type(None)),
    "rating": (int, type(None)),
}


@dataclass(frozen=True)
class Filter:
    """Which assets of an owner a page shows."""

    trashed: bool = False
    favorite: bool | None = None
    kind: str | None = None
    q: str | None = None
    ids: tuple[int, ...] = ()


def move(asset_id: int, state: str, **values: Any) -> bool:
    """Move an asset to a state, with other columns that belong to it; False if it cannot be."""
    able = (Asset.id == asset_id) & Asset.state.in_(MOVES[state])
    return bool(Asset.update(state=state, **values).where(able).execute() == 1)


def timeline(
    owner: User, chosen: Filter, cursor: str | None = None, limit: int = PAGE
) -> tuple[list[Asset], str | None]:
    """Return a page of assets, newest taken first, and the cursor of the next page or None."""
    query = Asset.select().where(*_conditions(owner, chosen))
    if cursor:
        taken_at, asset_id = _read_cursor(cursor)
        query = query.where(
            (Asset.taken_at < taken_at) | ((Asset.taken_at == taken_at) & (Asset.id < asset_id))
        )
    newest = query.order_by(Asset.taken_at.desc(), Asset.id.desc()).limit(limit + 1)
    rows = with_renditions(newest)
    more = len(rows) > limit
    return rows[:limit], _cursor(rows[limit - 1]) if more else None


def with_renditions(query: Any) -> list[Asset]:
    """Return the assets of a query, their renditions read along in one more query."""
    return list(prefetch(query, Rendition.select()))


def by_ids(ids: Iterable[int]) -> dict[int, Asset]:
    """Return assets of anybody by their ids, their renditions read along."""
    found = with_renditions(Asset.select().where(Asset.id.in_(list(ids))))
    return {asset.id: asset for asset in found}


def get(owner: User, asset_id: int) -> Asset:
    """Return an owner's asset; NotFound if it is missing or somebody else's."""
    asset: Asset | None = Asset.get_or_none((Asset.id == asset_id) & (Asset.owner == owner))
    if asset is None:
        raise NotFound("There is no such photo.")
    return asset


def neighbours(asset: Asset) -> tuple[int | None, int | None]:
    """Return the ids of the next newer and the next older asset of its owner's timeline."""
    others = Asset.select(Asset.id).where(
        Asset.owner == asset.owner_id, Asset.trashed_at.is_null(asset.trashed_at is None)
    )
    newer = others.where(
        (Asset.taken_at > asset.taken_at)
        | ((Asset.taken_at == asset.taken_at) & (Asset.id > asset.id))
    ).order_by(Asset.taken_at, Asset.id)
    older = others.where(
        (Asset.taken_at < asset.taken_at)
        | ((Asset.taken_at == asset.taken_at) & (Asset.id < asset.id))
    ).order_by(Asset.taken_at.desc(), Asset.id.desc())
    return newer.limit(1).scalar(), older.limit(1).scalar()


def known(owner: User, checksums: Sequence[str]) -> dict[str, int]:
    """Return which of these checksums an owner has, with the ids of their assets."""
    rows = Asset.select(Asset.checksum, Asset.id).where(
        Asset.owner == owner, Asset.checksum.in_(list(checksums))
    )
    return {row.checksum: row.id for row in rows}


def count(owner: User, *conditions: Expression) -> int:
    """Return how many assets an owner has outside the trash, for which the conditions hold."""
    return int(
        Asset.select().where(Asset.owner == owner, Asset.trashed_at.is_null(), *conditions).count()
    )


def paused_until() -> float:
    """Return the moment until which no pictures are made; 0 if nothing holds them back."""
    pauses = holds.pauses()
    return max(pauses.get("", 0.0), pauses.get("process_asset", 0.0))


def total(owner: User, chosen: Filter) -> int:
    """Return how many assets a filter lets through."""
    return int(Asset.select().where(*_conditions(owner, chosen)).count())


def edit(asset: Asset, changes: dict[str, Any]) -> None:
    """Change favorite, caption or rating; the original is never touched."""
    for name, value in changes.items():
        if name not in EDITABLE:
            raise Invalid(f"“{name}” cannot be changed.")
        if type(value) not in EDITABLE[name]:
            raise Invalid(f"“{name}” does not take {value!r}.")
    if not 0 <= (changes.get("rating") or 0) <= 5:
        raise Invalid("A rating is a number from 0 to 5.")
    if not is_text(changes.get("caption") or ""):
        raise Invalid("The caption cannot be read as text.")
    if changes:
        by_hand = json.dumps(sorted({*json.loads(asset.edited), *changes}))
        Asset.update(**changes, edited=by_hand).where(Asset.id == asset.id).execute()


def has_original(asset: Asset) -> bool:
    """Tell whether the original of an asset is in its place."""
    return media.exists(asset.path)


def edited(asset_id: int) -> set[str]:
    """Return the names of the columns that somebody has changed by hand."""
    names: str | None = Asset.select(Asset.edited).where(Asset.id == asset_id).scalar()
    return set(json.loads(names or "[]"))


def is_text(value: str) -> bool:
    """Tell whether a string is text that UTF-8 can hold: JSON can also spell half characters."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def trash(asset: Asset) -> None:
    """Put an asset into the trash; it stays there for the days of the settings."""
    Asset.update(trashed_at=time.time()).where(
        Asset.id == asset.id, Asset.trashed_at.is_null()
    ).execute()


def restore(asset: Asset) -> None:
    """Take an asset out of the trash."""
    Asset.update(trashed_at=None).where(Asset.id == asset.id).execute()


def must_be_trashed(asset: Asset) -> None:
    """Raise Conflict unless the asset lies in the trash, from where alone things are purged."""
    if asset.trashed_at is None:
        raise Conflict("Only what lies in the trash can be deleted for good.")


def rendition(asset: Asset, spec: str) -> Rendition | None:
    """Return a rendition of an asset, or None if it is not made yet."""
    found: Rendition | None = Rendition.get_or_none(
        (Rendition.asset == asset) & (Rendition.spec == spec)
    )
    return found


def failed_job(asset: Asset) -> int | None:
    """Return the id of the job to retry if the asset failed."""
    if asset.state != FAILED:
        return None
    newest = Job.select(Job.id).where(Job.asset == asset.id, Job.state.in_(ledger.ENDED))
    found: int | None = newest.order_by(Job.id.desc()).limit(1).scalar()
    return found


def without_job() -> list[int]:
    """Return the ids of unfinished assets for which no job waits or runs."""
    active = Job.select(Job.asset).where(
        Job.asset.is_null(False), Job.state.in_((*ledger.WAITING, ledger.RUNNING))
    )
    unfinished = Asset.select(Asset.id).where(
        Asset.state.in_((PENDING, PROCESSING)), Asset.id.not_in(active)
    )
    return [asset.id for asset in unfinished]


def unready() -> list[int]:
    """Return the ids of the assets outside the trash whose pictures are missing or failed."""
    rows = Asset.select(Asset.id).where(Asset.state != READY, Asset.trashed_at.is_null())
    return [row.id for row in rows.order_by(Asset.id)]


def pictures_to_make() -> tuple[int, int]:
    """Return of how many photos outside the trash the pictures are missing, and how many it has."""
    present = Asset.select().where(Asset.trashed_at.is_null())
    return int(present.where(Asset.state != READY).count()), int(present.count())


def all_present() -> list[int]:
    """Return the ids of all assets outside the trash."""
    return [row.id for row in Asset.select(Asset.id).where(Asset.trashed_at.is_null())]


def lose_renditions(asset_id: int) -> None:
    """Say of a ready asset whose pictures are gone that they are to be made again."""
    Asset.update(state=PENDING).where(Asset.id == asset_id, Asset.state == READY).execute()


def taken_from(moment: float) -> str:
    """Return the wall clock of this machine at a moment, as `taken_at` holds it."""
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%dT%H:%M:%S")


def _conditions(owner: User, chosen: Filter) -> list[Any]:
    conditions = [Asset.owner == owner, Asset.trashed_at.is_null(not chosen.trashed)]
    if chosen.favorite is not None:
        conditions.append(Asset.favorite == chosen.favorite)
    if chosen.kind:
        conditions.append(Asset.kind == chosen.kind)
    if chosen.ids:
        conditions.append(Asset.id.in_(chosen.ids))
    if chosen.q:
        conditions += search.conditions(chosen.q)
    return conditions


def _cursor(asset: Asset) -> str:
    return f"{asset.taken_at}_{asset.id}"


def _read_cursor(cursor: str) -> tuple[str, int]:
    taken_at, _, asset_id = cursor.rpartition("_")
    if not asset_id.isdecimal() or len(asset_id) > 18:
        raise Invalid("This page address is damaged.")
    return taken_at, int(asset_id)
