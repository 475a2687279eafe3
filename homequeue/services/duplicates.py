"""Possible duplicates: assets that show the same picture, for a person to look at.

What has the same fingerprint is the same picture with other details about it. What has nearly the
same dHash and the same shape looks the same; as the photos of a burst do, such two must also be of
the same moment, or be copies that lost their date. Nothing is thrown away by itself.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from peewee import fn

from homequeue import db
from homequeue.errors import Invalid, NotFound
from homequeue.models import AlbumAsset, Asset, Likeness, User
from homequeue.services import assets, doubts, fingerprint, retiming

#: Bits of a dHash in which a copy may differ, and parts of it of which one is then the same, in
#: digits from 1 on: each part has an index of its own.
NEAR = 4
BANDS = ((1, 3), (4, 3), (7, 3), (10, 3), (13, 4))
#: A picture with fewer bits set, or fewer not set, is nearly plain: it would be like all others.
PLAIN = 6
#: How much shapes may differ, and lengths of films, in seconds.
SHAPE, LENGTH = 0.02, 0.5
#: How many that share a part are compared.
MOST = 1000
#: Sources of dates that a copy has whose own was lost.
LOST = (doubts.FILE, doubts.UPLOAD, "name")
#: What menus count to.
ENOUGH = 100
PAGE = 20

#: Groups of which somebody has to look at one, and in which another one is still there.
OPEN = """
SELECT DISTINCT l.group_id FROM likeness l JOIN asset a ON a.id = l.asset_id
WHERE l.owner_id = ? AND l.settled = ? AND l.group_id < ? AND a.trashed_at IS NULL AND EXISTS (
    SELECT 1 FROM likeness o JOIN asset b ON b.id = o.asset_id
    WHERE o.group_id = l.group_id AND o.asset_id <> l.asset_id AND b.trashed_at IS NULL)
ORDER BY l.group_id DESC LIMIT ?
"""


@dataclass(frozen=True)
class Group:
    """Assets that look alike, whole and large ones first; `same` if they are the same picture."""

    id: int
    same: bool
    members: list[Asset]


def link(asset: Asset) -> None:
    """Put an asset into the group of what it looks like, if there is any.

    Called for each asset when its picture is known, in a transaction: of two that come at once the
    later one finds the other.
    """
    if asset.dhash is None or asset.is_clip or Likeness.get_or_none(Likeness.asset == asset):
        return
    found = _nearest(asset)
    if found is None:
        return
    other, distance = found
    first = {"asset": other.id, "owner": asset.owner_id, "group": other.id}
    Likeness.insert(first).on_conflict_ignore().execute()
    group = Likeness.get_by_id(other.id).group
    Likeness.create(asset=asset, owner=asset.owner_id, group=group, distance=distance)


def count(owner: User, most: int = ENOUGH) -> int:
    """Return how many groups somebody has to look at; counts up to `most`."""
    return len(_open(owner, None, most))


def listed(owner: User, cursor: int | None, limit: int = PAGE) -> tuple[list[Group], int | None]:
    """Return a page of groups to look at, newest first, and the cursor of the next page or None."""
    ids = _open(owner, cursor, limit + 1)
    return _groups(owner, ids[:limit]), ids[limit - 1] if len(ids) > limit else None


def like(asset_ids: Iterable[int]) -> dict[int, int]:
    """Return which of these assets are in a group that somebody has to look at, with its number."""
    other = Likeness.alias()
    another: Any = other.select(other.asset).join(Asset, on=(other.asset == Asset.id))
    another = another.where(
        other.group == Likeness.group, other.asset != Likeness.asset, Asset.trashed_at.is_null()
    )
    mine = Likeness.select().where(Likeness.asset.in_(list(asset_ids)), ~Likeness.settled)
    return {row.asset_id: row.group for row in mine.where(fn.EXISTS(another))}


def keep_all(owner: User, group_id: int) -> None:
    """Say that all of a group are to stay; it comes again only with a new member."""
    ids = [asset.id for asset in _group(owner, group_id).members]
    Likeness.update(settled=True).where(Likeness.asset.in_(ids)).execute()


def keep_one(owner: User, group_id: int, asset_id: int) -> list[int]:
    """Put all of a group but one into the trash; what people gave those goes over to that one.

    Favorite, albums, caption, rating, tags and a date by hand are carried over. Returns what was
    put there.
    """
    with db.db.atomic():
        members = {asset.id: asset for asset in _group(owner, group_id).members}
        kept = members.pop(asset_id, None)
        if kept is None:
            raise NotFound("There is no such photo.")
        if not members:
            raise Invalid("There is no other one any more.")
        others = list(members.values())
        _carry_over(kept, others)
        for other in others:
            assets.trash(other)
        Likeness.update(settled=True).where(Likeness.asset == kept).execute()
    return list(members)


def is_copy(one: Asset, other: Asset) -> bool:
    """Tell whether two whose pictures are near are copies of one, and not two of a burst."""
    same_size = sorted((one.width or 0, one.height or 0)) == sorted(
        (other.width or 0, other.height or 0)
    )
    lost = [asset.taken_at_source in LOST for asset in (one, other)]
    if any(lost):
        # Two photos that came through a messenger may be two of a burst.
        return not (all(lost) and same_size) or one.dhash == other.dhash
    if one.taken_at != other.taken_at:
        return False
    # A burst has several photos within a second, all of one size; a copy keeps its name.
    return not same_size or _is_named_after(one, other)


def _is_named_after(one: Asset, other: Asset) -> bool:
    stems = sorted((PurePath(asset.filename).stem.lower() for asset in (one, other)), key=len)
    return stems[1].startswith(stems[0])


def _nearest(asset: Asset) -> tuple[Asset, int] | None:
    """Return what is most like an asset, and in how many bits it differs."""
    same = _others(asset).where(Asset.fingerprint == asset.fingerprint)
    found: Asset | None = same.order_by(Asset.id).first() if asset.fingerprint else None
    if found is not None:
        return found, 0
    if not PLAIN <= int(asset.dhash or "0", 16).bit_count() <= 64 - PLAIN:
        return None
    near = [
        (distance, other.id, other)
        for other in _others(asset).where(Asset.id.in_(_sharing_a_part(asset)))
        if (distance := fingerprint.distance(asset.dhash or "", other.dhash)) <= NEAR
        and _is_alike(asset, other)
        and is_copy(asset, other)
    ]
    if not near:
        return None
    distance, _, other = min(near)
    return other, distance


def _others(asset: Asset) -> Any:
    # What lies in the trash may be taken out of there, and is then shown beside this one.
    return Asset.select().where(
        Asset.owner == asset.owner_id,
        Asset.id != asset.id,
        Asset.kind == asset.kind,
        ~Asset.is_clip,
    )


def _sharing_a_part(asset: Asset) -> list[int]:
    # In plain SQL, with the numbers written out: only so are the indexes of the parts used.
    hashed, found = asset.dhash or "", set()
    for at, digits in BANDS:
        part = hashed[at - 1 : at - 1 + digits]
        statement = (
            "SELECT id, dhash FROM asset WHERE owner_id = ? "
            f"AND substr(dhash, {at}, {digits}) = ? LIMIT {MOST}"
        )
        rows = db.db.execute_sql(db.sql(statement), (asset.owner_id, part)).fetchall()
        found |= {one for one, other in rows if fingerprint.distance(hashed, other) <= NEAR}
    return sorted(found)[:MOST]


def _is_alike(one: Asset, other: Asset) -> bool:
    """Tell whether shapes are the same, and of films the lengths."""
    if not (one.width and one.height and other.width and other.height):
        return False
    ratio = (one.width * other.height) / (one.height * other.width)
    longer = abs((one.duration or 0) - (other.duration or 0))
    return abs(ratio - 1) <= SHAPE and longer <= LENGTH


def _open(owner: User, before: int | None, limit: int) -> list[int]:
    values = (owner.id, False, before or 2**31 - 1, limit)
    return [row[0] for row in db.db.execute_sql(db.sql(OPEN), values).fetchall()]


def _group(owner: User, group_id: int) -> Group:
    found = _groups(owner, [group_id])
    if not found:
        raise NotFound("There are no such photos.")
    return found[0]


def _groups(owner: User, group_ids: Sequence[int]) -> list[Group]:
    """Return those of these groups of which an asset is there, in the same order."""
    rows: Any = Likeness.select(Likeness.asset, Likeness.group).where(
        Likeness.group.in_(list(group_ids)), Likeness.owner == owner
    )
    group_of: dict[int, int] = dict(rows.tuples())
    members: dict[int, list[Asset]] = {}
    present = Asset.select().where(Asset.id.in_(list(group_of)), Asset.trashed_at.is_null())
    for asset in assets.with_renditions(present):
        members.setdefault(group_of[asset.id], []).append(asset)
    for found in members.values():
        found.sort(key=_rank)
    return [
        Group(number, len({asset.fingerprint for asset in members[number]}) == 1, members[number])
        for number in group_ids
        if number in members
    ]


def _rank(asset: Asset) -> tuple[bool, int, int, int]:
    return asset.damaged, -(asset.width or 0) * (asset.height or 0), -asset.size, asset.id


def _carry_over(kept: Asset, others: Sequence[Asset]) -> None:
    """Give to one asset what people gave to others: nothing it has itself is lost."""
    tags: dict[str, str] = {}
    for asset in (kept, *others):
        for tag in json.loads(asset.tags):
            tags.setdefault(tag.casefold(), tag)
    found = {
        "favorite": any(asset.favorite for asset in (kept, *others)),
        "caption": next((one.caption for one in (kept, *others) if one.caption), None),
        "rating": next((one.rating for one in (kept, *others) if one.rating), None),
        "tags": json.dumps(list(tags.values()), ensure_ascii=False),
    }
    by_hand = _date_by_hand(kept, others)
    found |= by_hand
    changed = {name: value for name, value in found.items() if value != getattr(kept, name)}
    if changed or by_hand:
        # A date that somebody has confirmed is theirs also where it was the same.
        edited = json.dumps(sorted({*json.loads(kept.edited), *changed, *by_hand}))
        Asset.update(**changed, edited=edited).where(Asset.id == kept.id).execute()
    theirs: Any = AlbumAsset.select(AlbumAsset.album).where(AlbumAsset.asset.in_(list(others)))
    rows = [{"album": album, "asset": kept.id} for (album,) in theirs.distinct().tuples()]
    if rows:
        AlbumAsset.insert_many(rows).on_conflict_ignore().execute()


def _date_by_hand(kept: Asset, others: Sequence[Asset]) -> dict[str, Any]:
    """The date that somebody set or confirmed of another one, if nobody did of the one kept."""
    if _is_dated(kept):
        return {}
    theirs = next(filter(_is_dated, others), None)
    return {name: getattr(theirs, name) for name in retiming.COLUMNS} if theirs else {}


def _is_dated(asset: Asset) -> bool:
    return {*retiming.COLUMNS} <= {*json.loads(asset.edited)}
