"""Albums: named collections of an owner's assets; an asset may be in many, and needs none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from peewee import IntegrityError, fn

from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Album, AlbumAsset, Asset, User

#: The longest title, in characters.
LONGEST_TITLE = 200


@dataclass(frozen=True)
class Listed:
    """An album among others: how many photos outside the trash it has, the id of the newest."""

    album: Album
    count: int
    cover: int | None


def plain_title(text: str) -> str:
    """Return a title in one line, without what cannot be shown; Invalid if nothing is left.

    >>> plain_title("  Summer\\n2024 ")
    'Summer 2024'
    """
    title = _readable(text)
    if not title:
        raise Invalid("An album needs a title.")
    return title


def titles(text: str) -> tuple[str, ...]:
    """Return the titles that a sender of photos names: one, or none if nothing can be read."""
    title = _readable(text)
    return (title,) if title else ()


def named(owner: User | int, title: str) -> Album:
    """Return the album of an owner with this title, made if there is none."""
    title = plain_title(title)
    # Whoever makes the same album at the same moment must not undo what this is part of.
    Album.insert(owner=owner, title=title).on_conflict_ignore().execute()
    album: Album = Album.get((Album.owner == owner) & (Album.title == title))
    return album


def get(owner: User, album_id: int) -> Album:
    """Return an owner's album; NotFound if it is missing or somebody else's."""
    album: Album | None = Album.get_or_none((Album.id == album_id) & (Album.owner == owner))
    if album is None:
        raise NotFound("There is no such album.")
    return album


def by_title(owner: User) -> list[Album]:
    """Return the albums of an owner by title, without looking into them."""
    query: Any = Album.select().where(Album.owner == owner)
    return list(query.order_by(fn.LOWER(Album.title), Album.id))


def listed(owner: User) -> list[Listed]:
    """Return the albums of an owner by title, with what is in them."""
    here = (AlbumAsset.album == Album.id) & Asset.trashed_at.is_null() & ~Asset.is_clip
    count = AlbumAsset.select(fn.COUNT(AlbumAsset.id)).join(Asset).where(here)
    cover = AlbumAsset.select(AlbumAsset.asset).join(Asset).where(here)
    newest = cover.order_by(Asset.taken_at.desc(), Asset.id.desc()).limit(1)
    columns = Album, count.alias("count"), newest.alias("cover")
    query: Any = Album.select(*columns).where(Album.owner == owner)
    found = query.order_by(fn.LOWER(Album.title), Album.id)
    return [Listed(album, album.count, album.cover) for album in found]


def add(album: Album, asset_ids: Sequence[int]) -> int:
    """Put assets of an owner into their album; NotFound if one is not theirs.

    Return how many were not in it before.
    """
    wanted = set(asset_ids)
    with db.atomic():
        theirs = Asset.select().where(Asset.owner == album.owner_id, Asset.id.in_(list(wanted)))
        if theirs.count() != len(wanted):
            raise NotFound("There is no such photo.")
        before = _members(album).count()
        rows = [{"album": album.id, "asset": asset_id} for asset_id in sorted(wanted)]
        for start in range(0, len(rows), 200):
            AlbumAsset.insert_many(rows[start : start + 200]).on_conflict_ignore().execute()
        return int(_members(album).count()) - int(before)


def remove(album: Album, asset_ids: Sequence[int]) -> int:
    """Take assets out of an album, whose photos stay; return how many were in it."""
    chosen = (AlbumAsset.album == album) & AlbumAsset.asset.in_(list(asset_ids))
    return int(AlbumAsset.delete().where(chosen).execute())


def rename(album: Album, title: str) -> None:
    """Give an album another title; Conflict if its owner has one that is called so."""
    try:
        with db.atomic():
            Album.update(title=plain_title(title)).where(Album.id == album.id).execute()
    except IntegrityError:
        raise Conflict("There is an album with this title already.") from None


def delete(album: Album) -> None:
    """Delete an album; its photos stay where they are."""
    Album.delete().where(Album.id == album.id).execute()


def of(asset: Asset) -> list[Album]:
    """Return the albums that an asset is in, by title."""
    query: Any = Album.select().join(AlbumAsset).where(AlbumAsset.asset == asset)
    return list(query.order_by(fn.LOWER(Album.title)))


def _members(album: Album) -> Any:
    return AlbumAsset.select().where(AlbumAsset.album == album)


def _readable(text: str) -> str:
    whole = normalize("NFC", text.encode(errors="replace").decode())
    words = "".join(c if c.isprintable() else " " for c in whole).split()
    return " ".join(words)[:LONGEST_TITLE].strip()
