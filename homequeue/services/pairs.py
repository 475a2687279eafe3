"""Live Photos: a photo and a clip that came as two files, brought together in either order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from pathlib import PurePath
from typing import Any

from homequeue.models import Asset, Job, Likeness

VIDEO = "video"
#: Files without a mark of their own belong together if they were taken within so much time of each
#: other and the film is no longer than this, in seconds.
NEAR, LONGEST = timedelta(seconds=3), 4.0
#: Where a date was found that says nothing of two files: both have it of how they were sent.
OF_THE_SENDER = ("name", "file", "upload")


def link(asset_id: int) -> None:
    """Bring a photo and its clip together if both are there; in the transaction that is open.

    Each of the two asks when it is ready, and transactions take turns: whichever is later sees the
    other. What comes of several copies depends on what is there, not on the order it came in.
    """
    asset: Asset | None = Asset.get_or_none(Asset.id == asset_id)
    if asset is None or (asset.pair is not None and not asset.content_id):
        return
    found = _marked(asset) if asset.content_id else [asset, *_sent_along(asset)]
    partner = {one: other for pair in _matched(found) for one, other in (pair, pair[::-1])}
    for one in found:
        other = partner.get(one)
        if one.pair != (other and other.id):
            is_clip = other is not None and one.kind == VIDEO
            changes = Asset.update(pair=other and other.id, is_clip=is_clip)
            changes.where(Asset.id == one.id).execute()
            # It is no longer shown for itself, nor as a copy of another.
            if is_clip:
                Likeness.delete().where(Likeness.asset == one.id).execute()


def link_all(found: Sequence[Asset]) -> None:
    """Do as `link` for assets of one owner that have come into sight, where it can find anything.

    Thousands may come at once, and of most a single look tells that no film was sent along.
    """
    plain = [one for one in found if not one.content_id and one.kind != VIDEO]
    films = _films_near(plain) if plain else set()
    for one in found:
        if one.content_id or one.kind == VIDEO or _stem(one) in films:
            link(one.id)


def together(asset_id: int) -> Any:
    """Return the condition for what goes where an asset goes: itself, and the other half of it.

    It is asked of the rows at once, for a clip may arrive at any moment.
    """
    return (Asset.id == asset_id) | (Asset.pair == asset_id)


def part(gone: Sequence[int]) -> None:
    """Show for itself what was the other half of assets that are gone, and is still here."""
    Asset.update(pair=None, is_clip=False).where(Asset.pair.in_(list(gone))).execute()


def _marked(asset: Asset) -> list[Asset]:
    """All of its owner with the same mark; copies that were edited have it too."""
    same = (Asset.owner == asset.owner_id) & (Asset.content_id == asset.content_id)
    found = list(Asset.select().where(same, _beside(asset)))
    ids = {one.id for one in found}
    return [one for one in found if one.pair is None or one.pair in ids]


def _sent_along(asset: Asset) -> list[Asset]:
    """What came in the same batch under the same name, without a mark: one other file, or none."""
    if asset.taken_at_source in OF_THE_SENDER:
        return []
    taken = datetime.fromisoformat(asset.taken_at)
    soon = (taken - NEAR).isoformat(), (taken + NEAR + timedelta(seconds=1)).isoformat()
    others = Asset.select().where(
        Asset.owner == asset.owner_id,
        _beside(asset),
        Asset.taken_at.between(*soon),
        Asset.taken_at_source.not_in(OF_THE_SENDER),
        Asset.kind != asset.kind,
        Asset.content_id.is_null(),
        Asset.pair.is_null(),
    )
    near = [other for other in others if _belongs(asset, other)]
    return near if len(near) == 1 else []


def _films_near(photos: Sequence[Asset]) -> set[str]:
    """Names of films without a photo and without a mark from when these photos were taken."""
    taken = [datetime.fromisoformat(one.taken_at) for one in photos]
    near = (min(taken) - NEAR).isoformat(), (max(taken) + NEAR + timedelta(seconds=1)).isoformat()
    films = Asset.select(Asset.filename).where(
        Asset.owner == photos[0].owner_id,
        Asset.trashed_at.is_null(),
        Asset.taken_at.between(*near),
        Asset.kind == VIDEO,
        Asset.content_id.is_null(),
        Asset.pair.is_null(),
    )
    return {_stem(film) for film in films}


def _beside(asset: Asset) -> Any:
    """Both are outside the trash, or both in it: they share their way from here on."""
    return Asset.trashed_at.is_null(asset.trashed_at is None) & (Asset.awaits == asset.awaits)


def _belongs(one: Asset, other: Asset) -> bool:
    film = one if one.kind == VIDEO else other
    if _stem(one) != _stem(other) or film.duration is None or film.duration > LONGEST:
        return False
    first, second = (datetime.fromisoformat(asset.taken_at) for asset in (one, other))
    return abs(first - second) <= NEAR and bool(_batches(one) & _batches(other))


def _batches(asset: Asset) -> set[int]:
    jobs = Job.select(Job.batch).where(Job.asset == asset.id)
    return {job.batch for job in jobs if job.batch is not None}


def _matched(found: Sequence[Asset]) -> list[tuple[Asset, Asset]]:
    """Photos with their clips, those of the same name first, each in one pair only."""
    photos = [asset for asset in found if asset.kind != VIDEO]
    clips = [asset for asset in found if asset.kind == VIDEO]

    def order(pair: tuple[Asset, Asset]) -> tuple[Any, ...]:
        photo, clip = pair
        # Whatever came first: the checksum is the same in any order of arrival.
        differ = _stem(photo) != _stem(clip)
        return differ, photo.filename, photo.checksum, clip.filename, clip.checksum

    pairs: list[tuple[Asset, Asset]] = []
    taken: set[int] = set()
    for photo, clip in sorted(product(photos, clips), key=order):
        if not taken & {photo.id, clip.id}:
            taken |= {photo.id, clip.id}
            pairs.append((photo, clip))
    return pairs


def _stem(asset: Asset) -> str:
    return PurePath(asset.filename).stem
