"""Takeout: what the JSON files of an export of Google Photos say of the photos beside them.

They are known by what is in them, for the names of folders are translated. Which of them belongs to
a photo has to be guessed from its name, which Google cuts off and numbers in ways of its own; the
two may be in different archives of the same export.
"""

import html
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from unicodedata import normalize

from homequeue.errors import Unreadable
from homequeue.services import xmp
from homequeue.services.sources import Source

ENDING = ".json"
#: What stands between the name of a photo and `.json`, whole or cut off.
BETWEEN = ".supplemental-metadata"
#: Characters after which the name of a JSON file is cut off, and that of a photo.
LONGEST_NAME, LONGEST_STEM = 46, 47
#: Bytes of a JSON file that are looked at.
MOST = 1 << 20
NUMBERED = re.compile(r"(.*)\((\d+)\)$", re.DOTALL)
#: What may stand between the stem of a photo and `.json`: another ending, or the begin of one.
OTHER_ENDING = re.compile(r"(?:\.(?:MP|MV))?(?:\.\w{0,4})?(?:\.[a-z-]*)?", re.IGNORECASE)
#: How Google calls the copies of photos that were edited.
EDITED = (
    "-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-editado", "-ha editado",
    "-editat", "-edytowane", "-bewerkt", "-modificato", "-redigerad", "-redigeret", "-изменено",
    "-編集済み",
)  # fmt: skip
#: The folders of the years, which are no albums.
YEAR = re.compile(
    r"(?:Photos (?:from|de|du)|Fotos (?:von|de|del)|Foto(?:'s uit|s uit| del|n från| dari)"
    r"|Zdjęcia z|Bilder (?:fra|från)|Billeder fra|Фото за|Фотографии за) \d{4}"
    r"|\d{4}\s?年の写真|\d{4}\s?年的照片",
    re.IGNORECASE,
)
#: Keys of which the description of an album has at least one.
OF_ALBUMS = ("access", "date", "albumData", "description", "enrichments")
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
#: The years 1824 to 9999, in seconds: others are no photo's, or not a calendar's.
OLDEST, NEWEST = -4.6e9, 2.5e11


@dataclass(frozen=True)
class Said:
    """What a JSON file says of a photo; `sidecar` as the text of an XMP file."""

    beside: Source
    sidecar: str
    filename: str
    taken: float | None
    favorite: bool
    is_trashed: bool


class Folder:
    """The JSON files of one folder of an export, in whichever archives they are."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Source] = {}
        self._sorted: list[tuple[str, str]] = []

    def add(self, source: Source) -> None:
        """Take in a JSON file."""
        core, number = _split(normalize("NFC", source.name)[: -len(ENDING)])
        self._known.setdefault((core, number), source)
        self._sorted = []

    def candidates(self, name: str) -> Iterator[Source]:
        """Yield the JSON files that may belong to a photo of this name, the likeliest first."""
        path = PurePosixPath(normalize("NFC", name))
        stem, number = _split(path.stem)
        # "IMG(1).jpg" has its number before the ending; its JSON after it, unless that is its name.
        yield from self._cut(path.name, "")
        yield from self._cut(stem + path.suffix, number)
        yield from self._other_ending(stem, number)
        for original in _originals(stem):
            yield from self._cut(original + path.suffix, number)
            yield from self._other_ending(original, number)

    def alone(self) -> Iterator[Source]:
        """Yield the JSON files that seem to belong to no photo: their names have no ending."""
        for (core, _), source in self._known.items():
            if "." not in core and len(core) < LONGEST_NAME:
                yield source

    def _cut(self, name: str, number: str) -> Iterator[Source]:
        whole = name + BETWEEN
        least = min(len(name), LONGEST_NAME)
        found = (self._known.get((whole[:n], number)) for n in range(len(whole), least - 1, -1))
        yield from (source for source in found if source is not None)

    def _other_ending(self, stem: str, number: str) -> Iterator[Source]:
        if not self._sorted:
            self._sorted = sorted(self._known)
        for n in range(bisect_left(self._sorted, (stem, "")), len(self._sorted)):
            core, other = self._sorted[n]
            if not core.startswith(stem):
                return
            if other == number and OTHER_ENDING.fullmatch(core[len(stem) :]):
                yield self._known[core, other]


class Export:
    """The JSON files among what an import has found."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._folders: dict[str, Folder] = {}
        self._albums: dict[str, tuple[str, Source] | None] = {}
        for source in sources:
            if source.name.lower().endswith(ENDING) and not source.problem:
                self._folders.setdefault(source.folder, Folder()).add(source)

    def of(self, photo: Source) -> Said | None:
        """Return what is said of a photo, or None if nothing is."""
        folder = self._folders.get(photo.folder)
        for source in folder.candidates(photo.name) if folder else ():
            told = _read(source)
            if isinstance(told.get("photoTakenTime"), dict):
                return _said(source, told, photo)
        return None

    def album(self, photo: Source) -> tuple[str, Source] | None:
        """Return the title of the album that a photo lies in, and what says so; None if in none."""
        name = photo.folder
        if name not in self._albums:
            self._albums[name] = self._album(name)
        return self._albums[name]

    def _album(self, name: str) -> tuple[str, Source] | None:
        folder = self._folders.get(name)
        if folder is None or YEAR.fullmatch(PurePosixPath(name).name):
            return None
        for source in folder.alone():
            told = _read(source)
            told = told["albumData"] if isinstance(told.get("albumData"), dict) else told
            title = told.get("title")
            is_album = "photoTakenTime" not in told and any(key in told for key in OF_ALBUMS)
            if is_album and isinstance(title, str) and title.strip():
                return title, source
        return None


def _split(stem: str) -> tuple[str, str]:
    """Return a name without its number in brackets, and that number.

    >>> _split("IMG_1.jpg(2)"), _split("IMG_1.jpg")
    (('IMG_1.jpg', '2'), ('IMG_1.jpg', ''))
    """
    found = NUMBERED.match(stem)
    return (found[1], found[2]) if found else (stem, "")


def _originals(stem: str) -> Iterator[str]:
    """Yield what the original of an edited copy may be called; long names are cut off."""
    for word in EDITED:
        least = 2 if len(stem) >= LONGEST_STEM else len(word)
        for size in range(len(word), least - 1, -1):
            if stem.endswith(word[:size]):
                yield stem[:-size]
                break


def _read(source: Source) -> Mapping[str, Any]:
    """Return the object in a JSON file; an empty one if there is none that can be read."""
    try:
        with source.open() as file:
            found = json.loads(file.read(MOST))
    except (OSError, Unreadable, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(source: Source, told: Mapping[str, Any], photo: Source) -> Said:
    moment = _number(told["photoTakenTime"].get("timestamp"))
    taken = moment if moment is not None and OLDEST < moment < NEWEST else None
    return Said(
        beside=source,
        sidecar=_as_xmp(told, taken),
        filename=_filename(told.get("title"), photo.name),
        taken=taken,
        favorite=told.get("favorited") is True,
        is_trashed=told.get("trashed") is True,
    )


def _filename(title: Any, name: str) -> str:
    """Return the name that a photo had before it was exported, if it is the same photo's."""
    if not isinstance(title, str) or not title.isprintable() or "/" in title:
        return name
    was, now = PurePosixPath(title), PurePosixPath(name)
    is_copy = any(True for _ in _originals(_split(now.stem)[0])) and was.stem != now.stem
    return title if was.suffix.lower() == now.suffix.lower() and was.stem and not is_copy else name


def _as_xmp(told: Mapping[str, Any], taken: float | None) -> str:
    """Write what is said as the sidecar that an organiser would have written."""
    attributes = _place(told)
    if taken is not None:
        moment = FIRST_MOMENT + timedelta(seconds=int(taken))
        attributes[xmp.TAKEN] = f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    people = [one.get("name") for one in _list(told.get("people")) if isinstance(one, dict)]
    subjects = "".join(f"<rdf:li>{_escaped(name)}</rdf:li>" for name in people if name)
    caption = _escaped(told.get("description"))
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        f"<rdf:Description{written}>"
        + (f"<dc:description>{caption}</dc:description>" if caption else "")
        + (f"<dc:subject>{subjects}</dc:subject>" if subjects else "")
        + "</rdf:Description>"
    )


def _place(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the place as XMP has it; 0, 0 is Google's word for none."""
    for key in ("geoData", "geoDataExif"):
        found = told.get(key)
        place = found if isinstance(found, dict) else {}
        lat, lon = _number(place.get("latitude")), _number(place.get("longitude"))
        if lat is None or lon is None or (lat, lon) == (0, 0) or abs(lat) > 90 or abs(lon) > 180:
            continue
        written = {
            "exif:GPSLatitude": _degrees(lat, "NS"),
            "exif:GPSLongitude": _degrees(lon, "EW"),
        }
        if altitude := _number(place.get("altitude")):
            written["exif:GPSAltitude"] = f"{abs(altitude):.1f}"
            written["exif:GPSAltitudeRef"] = "1" if altitude < 0 else "0"
        return written
    return {}


def _degrees(value: float, signs: str) -> str:
    """Write degrees and minutes.

    >>> _degrees(-40.5, "NS")
    '40,30.0000000S'
    """
    whole = int(abs(value))
    return f"{whole},{(abs(value) - whole) * 60:.7f}{signs[value < 0]}"


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _escaped(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    # JSON can hold half characters and nulls, which no database takes.
    text = value.encode(errors="replace").decode().replace("\0", "")
    return html.escape(text.strip())
