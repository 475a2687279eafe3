"""Sightings: by what an import knows files that it has brought in, without reading them again.

They are forgotten with the history of their batch; then a file is compared by its bytes once more.
"""

import hashlib

from homequeue.media import media
from homequeue.models import Asset, Sighting
from homequeue.services import ingest
from homequeue.services.sources import Source


def mark(upload: ingest.Upload, source: Source) -> str:
    """Return what changes with a file, its place, its owner and what is known beside it."""
    known = upload.owner.id, source.place, source.stamp, upload.filename, upload.sidecar
    return hashlib.sha256(repr(known).encode(errors="surrogatepass")).hexdigest()[:32]


def remember(mark: str, kept: ingest.Kept) -> None:
    """Write down that a file is an asset, in the transaction of its row."""
    row = {"mark": mark, "asset": kept.asset.id, "batch": kept.batch}
    new = Sighting.insert(row).on_conflict(
        conflict_target=[Sighting.mark], preserve=[Sighting.asset, Sighting.batch]
    )
    new.execute()


def asset(mark: str) -> int | None:
    """Return the asset that a file is, if that still is here whole and not in the trash."""
    columns = (Asset.id, Asset.path, Asset.size)
    seen = Asset.select(*columns).join(Sighting, on=Sighting.asset == Asset.id)
    row = seen.where(Sighting.mark == mark, Asset.trashed_at.is_null()).tuples().first()
    return int(row[0]) if row and media.is_whole(row[1], row[2]) else None
