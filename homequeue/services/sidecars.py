"""Sidecars: XMP files that organisers write beside a photo, with what somebody said of it later.

Other companions of photos are known by name, to be passed over.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath

from homequeue.db import db
from homequeue.models import Asset
from homequeue.services import xmp

ENDING = ".xmp"
#: What cameras, phones and exports write beside photos: edits, descriptions, pictures of films.
COMPANIONS = (ENDING, ".aae", ".json", ".thm")
#: What systems leave in every folder that somebody has looked into, and exports beside photos.
LITTER = (
    ".ds_store",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".nomedia",
    "archive_browser.html",
)


def is_companion(path: PurePath) -> bool:
    """Tell whether a file only goes with photos, and is none itself."""
    return path.suffix.lower() in COMPANIONS or is_litter(path)


def is_litter(path: PurePath) -> bool:
    """Tell whether a file is one that nobody has put there and nobody would miss."""
    return path.name.lower() in LITTER


def names(photo: str) -> Iterator[str]:
    """Yield what the sidecar of a photo of this name may be called, the likeliest first."""
    for stem in (photo, PurePath(photo).stem):
        for ending in (ENDING, ENDING.upper()):
            yield stem + ending


def read(photo: Path) -> str:
    """Return the text of the sidecar of a photo, or nothing if it has none that can be read."""
    for name in names(photo.name):
        try:
            with photo.with_name(name).open("rb") as file:
                return xmp.decode(file.read(2 * xmp.MOST))
        except OSError:
            continue
    return ""


def give(asset_id: int, text: str, defer: Callable[[int], object]) -> bool:
    """Give a sidecar to an asset that has none, and defer its work; tell whether it has this one.

    It may have come by another way, without what is known of it here.
    """
    one = Asset.id == asset_id
    with db.atomic():
        if text and Asset.update(sidecar=text).where(one, Asset.sidecar == "").execute():
            defer(asset_id)
    return not text or Asset.select().where(one, Asset.sidecar == text).exists()


def without(files: Iterable[Path]) -> list[Path]:
    """Return these files without the sidecars of others of them, which come along with those."""
    files = list(files)
    photos = [file for file in files if file.suffix.lower() != ENDING]
    names = {*photos, *(photo.with_suffix("") for photo in photos)}
    return [f for f in files if f.suffix.lower() != ENDING or f.with_suffix("") not in names]
