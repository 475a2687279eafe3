"""Choosing: what is done at once to photos that somebody has ticked."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from homequeue.db import db
from homequeue.errors import NotFound
from homequeue.models import Album, Asset, User
from homequeue.services import albums, assets

#: Photos that are written in one transaction, for which everybody else waits.
PIECE = 200

Some = TypeVar("Some")


def put_in(owner: User, album: Album, asset_ids: Sequence[int]) -> int:
    """Put those that show among an owner's photos into an album; return how many these are."""
    shown = [asset.id for asset in _theirs(owner, asset_ids) if asset.trashed_at is None]
    albums.add(album, shown)
    return len(shown)


def take_out(album: Album, asset_ids: Sequence[int]) -> int:
    """Take photos out of an album; return how many were in it."""
    return sum(albums.remove(album, ids) for ids in _pieces(sorted(set(asset_ids))))


def trash(owner: User, asset_ids: Sequence[int]) -> list[int]:
    """Put an owner's photos into the trash; return the ids of those that are there now."""
    found = _theirs(owner, asset_ids)
    for some in _pieces(found):
        with db.atomic():
            for asset in some:
                assets.trash(asset)
    return [asset.id for asset in found]


def restore(owner: User, asset_ids: Sequence[int]) -> int:
    """Take an owner's photos out of the trash; return how many these are."""
    found = _theirs(owner, asset_ids)
    for some in _pieces(found):
        with db.atomic():
            for asset in some:
                assets.restore(asset)
    return len(found)


def _theirs(owner: User, asset_ids: Sequence[int]) -> list[Asset]:
    """Return the assets with these ids; NotFound if one of them is missing or somebody else's."""
    ids = sorted(set(asset_ids))
    found = [
        asset
        for some in _pieces(ids)
        for asset in Asset.select().where(Asset.owner == owner, Asset.id.in_(some))
    ]
    if len(found) < len(ids):
        raise NotFound("There is no such photo.")
    return found


def _pieces(chosen: Sequence[Some]) -> Iterator[Sequence[Some]]:
    for start in range(0, len(chosen), PIECE):
        yield chosen[start : start + PIECE]
