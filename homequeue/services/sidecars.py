"""Sidecars: XMP files that organisers write beside a photo, with what somebody said of it later.

Other companions of photos are known by name, to be passed over.
"""

from collections.abc import Iterable
from pathlib import Path

from homequeue.services import xmp

ENDING = ".xmp"
#: What cameras, phones and exports write beside photos: edits, descriptions, pictures of films.
COMPANIONS = (ENDING, ".aae", ".json", ".thm")
#: What systems leave in every folder that somebody has looked into.
LITTER = (".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".nomedia")


def is_companion(path: Path) -> bool:
    """Tell whether a file only goes with photos, and is none itself."""
    return path.suffix.lower() in COMPANIONS or path.name.lower() in LITTER


def read(photo: Path) -> str:
    """Return the text of the sidecar of a photo, or nothing if it has none that can be read."""
    for stem in (photo.name, photo.stem):
        for ending in (ENDING, ENDING.upper()):
            try:
                with photo.with_name(stem + ending).open("rb") as file:
                    return xmp.decode(file.read(2 * xmp.MOST))
            except OSError:
                continue
    return ""


def without(files: Iterable[Path]) -> list[Path]:
    """Return these files without the sidecars of others of them, which come along with those."""
    files = list(files)
    photos = [file for file in files if file.suffix.lower() != ENDING]
    names = {*photos, *(photo.with_suffix("") for photo in photos)}
    return [f for f in files if f.suffix.lower() != ENDING or f.with_suffix("") not in names]
