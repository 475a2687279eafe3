"""Assets: the queries of the timeline, and the only place where their state moves."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from peewee import Expression, prefetch

from homequeue import holds, ledger
from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.media import media
from homequeue.models import AlbumAsset, Asset, Job, Likeness, Rendition, User
from homequeue.services import pairs, search

PENDING: Final = "pending"  # kept; its pictures are still to be made
PROCESSING: Final = "processing"  # a job is making them
READY: Final = "ready"  # everything is there
FAILED: Final = "failed"  # its original is kept, but no pictures could be made: see `error`

#: Kinds of assets: besides, there are photos.
VIDEO: Final = "video"

STATES = (PENDING, PROCESSING, READY, FAILED)

#: To each state, the states it may come from. A database server that crashes may have forgotten
#: that the making began, so what was made is taken in whatever the state.
MOVES: dict[str, tuple[str, ...]] = {
    PENDING: (PROCESSING, READY, FAILED),
    PROCESSING: (PENDING, PROCESSING, READY, FAILED),
    READY: STATES,
    FAILED: (PENDING, PROCESSING),
}

PAGE = 100
#: Assets that are taken out of the trash in one transaction.
RESTORED = 200
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
    awaits: bool = False
    favorite: bool | None = None
    kind: str | None = None
    q: str | None = None
    album: int | None = None
    #: An album that they are not in.
    outside: int | None = None
    day: str | None = None
    camera: str | None = None
    doubt: str | None = None
    ids: tuple[int, ...] = ()


def move(asset_id: int, state: str, *conditions: Any, **values: Any) -> bool:
    """Move an asset to a state, with other columns that belong to it; False if it cannot be."""
    able = (Asset.id == asset_id) & Asset.state.in_(MOVES[state])
    return bool(Asset.update(state=state, **values).where(able, *conditions).execute() == 1)


def timeline(
    owner: User, chosen: Filter, cursor: str | None = None, limit: int = PAGE
) -> tuple[list[Asset], str | None]:
    """Return a page of assets, newest taken first, and the cursor of the next page or None."""
    return paged(Asset.select().where(*_conditions(owner, chosen)), cursor, limit)


def paged(query: Any, cursor: str | None, limit: int) -> tuple[list[Asset], str | None]:
    """Return a page of a query for assets, newest taken first, and the cursor of the next page."""
    if cursor:
        taken_at, asset_id = _read_cursor(cursor)
        # Either way no later than that: only so an index leads there at once, however far down.
        query = query.where(
            Asset.taken_at <= taken_at,
            (Asset.taken_at < taken_at) | (Asset.id < asset_id),
        )
    newest = query.order_by(Asset.taken_at.desc(), Asset.id.desc()).limit(limit + 1)
    rows = with_renditions(newest)
    more = len(rows) > limit
    return rows[:limit], _cursor(rows[limit - 1]) if more else None


def matching(owner: User, chosen: Filter) -> Any:
    """Return the query for the assets that a filter lets through, oldest taken first."""
    query = Asset.select().where(*_conditions(owner, chosen))
    return query.order_by(Asset.taken_at, Asset.id)


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
        Asset.owner == asset.owner_id,
        Asset.trashed_at.is_null(asset.trashed_at is None),
        Asset.awaits == asset.awaits,
        ~Asset.is_clip,
    )
    newer = others.where(
        Asset.taken_at >= asset.taken_at,
        (Asset.taken_at > asset.taken_at) | (Asset.id > asset.id),
    ).order_by(Asset.taken_at, Asset.id)
    older = others.where(
        Asset.taken_at <= asset.taken_at,
        (Asset.taken_at < asset.taken_at) | (Asset.id < asset.id),
    ).order_by(Asset.taken_at.desc(), Asset.id.desc())
    return newer.limit(1).scalar(), older.limit(1).scalar()


def known(owner: User, checksums: Sequence[str]) -> dict[str, Asset]:
    """Return which of these checksums an owner has, in the trash or out of it, with their assets.

    An original that is gone from the disk, or torn, is wanted once more: it is not known.
    """
    columns = (Asset.id, Asset.checksum, Asset.path, Asset.size, Asset.trashed_at)
    same = Asset.select(*columns).where(Asset.owner == owner, Asset.checksum.in_(list(checksums)))
    rows = list(same)
    found = {row.checksum: row for row in rows if media.is_whole(row.path, row.size)}
    if len(found) < len(rows):
        media.check_mounted()
    return found


def count(owner: User, *conditions: Expression) -> int:
    """Return how many assets an owner has outside the trash, for which the conditions hold."""
    # Compared with a value, unlike where pages are looked up, so that an index alone is counted.
    shown = Asset.select().where(
        Asset.owner == owner, Asset.trashed_at.is_null(), Asset.is_clip == 0
    )
    return int(shown.where(*conditions).count() if conditions else shown.count())


def broken(owner: User) -> int:
    """Return how many of an owner's photos failed and still need a look."""
    bad = Job.state.in_(ledger.BAD) & Job.dismissed_at.is_null() & Job.asset.is_null(False)
    return count(owner, Asset.state == FAILED, Asset.id.in_(Job.select(Job.asset).where(bad)))


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
    """Put an asset, with its clip, into the trash; it stays there for the days of the settings."""
    with db.atomic():
        Asset.update(trashed_at=time.time(), awaits=False).where(
            pairs.together(asset.id), Asset.trashed_at.is_null() | Asset.awaits
        ).execute()
        ask_of_copies(_in_trash(asset.id), is_asked=False)


def restore(asset: Asset) -> None:
    """Take an asset, with its clip, out of the trash, or show one that waits for a yes."""
    with db.atomic():
        ask_of_copies(_in_trash(asset.id), is_asked=True)
        Asset.update(trashed_at=None, awaits=False).where(pairs.together(asset.id)).execute()
        pairs.link(asset.id)  # the other half may have come meanwhile


def restore_all(owner: User) -> int:
    """Take all that a user has in the trash out of it, in portions; return how many assets."""
    in_trash = Asset.trashed_at.is_null(False) & ~Asset.awaits
    trashed = Asset.select().where(Asset.owner == owner, in_trash).order_by(Asset.id)
    count = 0
    while some := list(trashed.limit(RESTORED)):
        # Uploads get in between two portions.
        with db.atomic():
            for asset in some:
                restore(asset)
        count += len(some)
    return count


def ask_of_copies(ids: Any, *, is_asked: bool) -> None:
    """Say whether somebody is to look at the copies of assets; of what is in the trash, nobody.

    So counting the questions takes no longer the more there is in the trash.
    """
    Likeness.update(settled=not is_asked).where(Likeness.asset.in_(ids)).execute()


def _in_trash(asset_id: int) -> Any:
    """The ids of an asset and its other half, where they are in the trash."""
    in_trash = Asset.trashed_at.is_null(False) & ~Asset.awaits
    return Asset.select(Asset.id).where(pairs.together(asset_id), in_trash)


def partner(asset: Asset) -> Asset:
    """Return the other half of a Live Photo; NotFound if an asset is none."""
    other: Asset | None = Asset.get_or_none(Asset.pair == asset.id)
    if other is None:
        raise NotFound("This photo has no clip.")
    return other


def must_be_trashed(asset: Asset) -> None:
    """Raise Conflict unless the asset lies in the trash, from where alone things are purged."""
    if asset.trashed_at is None or asset.awaits:
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
    is_hidden = chosen.trashed or chosen.awaits
    conditions: list[Any] = [Asset.owner == owner, Asset.trashed_at.is_null(not is_hidden)]
    if is_hidden:
        conditions.append(Asset.awaits if chosen.awaits else ~Asset.awaits)
    if chosen.favorite is not None:
        conditions.append(Asset.favorite == chosen.favorite)
    if chosen.kind:
        conditions.append(Asset.kind == chosen.kind)
    if chosen.album is not None:
        conditions.append(Asset.id.in_(_members(chosen.album)))
    if chosen.outside is not None:
        conditions.append(Asset.id.not_in(_members(chosen.outside)))
    if chosen.day:
        conditions.append(Asset.taken_at.between(chosen.day, f"{chosen.day}U"))
    if chosen.camera:
        conditions.append(Asset.model == chosen.camera)
    if chosen.doubt:
        conditions.append(Asset.doubt == chosen.doubt)
    if chosen.ids:
        conditions.append(Asset.id.in_(chosen.ids))
    else:
        conditions.append(~Asset.is_clip)  # it plays in its photo
    if chosen.q:
        conditions += search.conditions(chosen.q)
    return conditions


def _members(album: int) -> Any:
    return AlbumAsset.select(AlbumAsset.asset).where(AlbumAsset.album == album)


def _cursor(asset: Asset) -> str:
    return f"{asset.taken_at}_{asset.id}"


def _read_cursor(cursor: str) -> tuple[str, int]:
    taken_at, _, asset_id = cursor.rpartition("_")
    if not asset_id.isdecimal() or len(asset_id) > 18:
        raise Invalid("This page address is damaged.")
    return taken_at, int(asset_id)
