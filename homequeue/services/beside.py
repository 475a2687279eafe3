"""Beside: what lies beside a photo that is imported and says something of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from homequeue.errors import Unreadable
from homequeue.services import sidecars, takeout, xmp
from homequeue.services.sources import Source


@dataclass(frozen=True)
class Said:
    """What is said of a photo beside it; `sidecar` is the text of an XMP file."""

    filename: str
    sidecar: str = ""
    album: str = ""
    #: When it was changed, where that is known better than by the date of its file.
    modified: float | None = None
    is_favorite: bool = False
    is_trashed: bool = False


class Beside:
    """What an import has found that only goes with photos."""

    def __init__(self, found: Sequence[Source]) -> None:
        self._export = takeout.Export(found)
        self._xmp = {
            (source.folder, source.name): source
            for source in found
            if source.archive is not None
            and source.name.lower().endswith(sidecars.ENDING)
            and not source.problem
        }
        self._used: set[str] = set()

    def of(self, photo: Source) -> Said:
        """Return what is said of a photo."""
        told = self._export.of(photo)
        album = self._export.album(photo)
        self._used |= {one.place for one in (told and told.beside, album and album[1]) if one}
        own = self._own(photo)
        if told is None:
            return Said(photo.name, own, album[0] if album else "")
        return Said(
            filename=told.filename,
            sidecar=own or told.sidecar,
            album=album[0] if album else "",
            modified=told.taken,
            is_favorite=told.favorite,
            is_trashed=told.is_trashed,
        )

    def is_in_album(self, photo: Source) -> bool:
        """Tell whether a photo lies in an album of an export."""
        return self._export.album(photo) is not None

    def is_used(self, companion: Source) -> bool:
        """Tell whether a companion has said something of a photo so far."""
        return companion.place in self._used

    def _own(self, photo: Source) -> str:
        """Return the text of the XMP file of a photo."""
        if photo.archive is None:
            return sidecars.read(photo.path)
        for name in sidecars.names(photo.name):
            source = self._xmp.get((photo.folder, name))
            if source is not None:
                self._used.add(source.place)
                return _text(source)
        return ""


def is_companion(source: Source) -> bool:
    """Tell whether what was found only goes with photos, and is there."""
    is_there = source.archive is not None or os.path.isfile(source.path)
    return sidecars.is_companion(PurePath(source.name)) and is_there


def _text(source: Source) -> str:
    try:
        with source.open() as file:
            return xmp.decode(file.read(2 * xmp.MOST))
    except (OSError, Unreadable):
        return ""
