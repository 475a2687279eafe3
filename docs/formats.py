"""Writes the table of docs/formats.md: what a peer reads out of real photos, and what we do.

python -m docs.formats [folder of the photos, with expected.json]
"""

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from homequeue.services import imaging, metadata, xmp
from tests import pictures

PAGE = Path(__file__).with_name("formats.md")
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "phones"
BEGIN = "<!-- the rest is written by docs/formats.py -->\n"

NO_MAP = "names of places need a map of the world, which homequeue does not bring"
NO_ZONES = "the place alone gives the zone, with a map; the clock on the wall agrees"
NO_FACES = "frames of faces are not read; their names are among the tags"
FILLER = "the camera writes this into every photo, and nobody would call it a caption"
NAMES_OF_PLACES = dict.fromkeys(("city", "state", "country"), NO_MAP)
#: Of each file, what may differ: anything else that does is a mistake of ours.
REASONS: dict[str, dict[str, str]] = {
    "formats/jpg/el_torcal_rocks.jpg": {"description": FILLER},
    "formats/heic/IMG_2682.heic": NAMES_OF_PLACES,
    "metadata/gps-position/thompson-springs.jpg": NAMES_OF_PLACES,
    "metadata/dates/datetimeoriginal-gps.jpg": {
        "timeZone": NO_ZONES,
        "dateTimeOriginal": NO_ZONES,
    },
    "metadata/faces/portrait.jpg": {"faces": NO_FACES},
    "metadata/faces/portrait-orientation-6.jpg": {"faces": NO_FACES},
}
UNEXPLAINED = "UNEXPLAINED"
#: What the peer's tests say in words, or of itself; other tests hold it.
NOT_OF_THE_PHOTO = ("rule", "face_frame", "sha1_b64", "upload_status")
WORDS = {
    "dateTimeOriginal": "instant",
    "taken_local": "wall clock",
    "timeZone": "zone",
    "exifImageWidth": "width",
    "exifImageHeight": "height",
    "fileSizeInByte": "size",
    "description": "caption",
    "fNumber": "f-number",
    "lensModel": "lens",
    "focalLength": "focal length",
    "exposureTime": "exposure",
    "sha1_hex": "bytes",
}
EXPOSURE = {
    "exposureTime": "time",
    "fNumber": "f_number",
    "iso": "iso",
    "focalLength": "focal_length",
}


@dataclass(frozen=True)
class Row:
    """One file: on what both agree, and on what they do not, with the reason."""

    file: str
    agreed: list[str]
    otherwise: dict[str, str]


def compare(folder: Path) -> Iterator[Row]:
    """Read every file of the peer's list."""
    for row in json.loads((folder / "expected.json").read_text()):
        reasons = REASONS.get(row["file"], {})
        content = (folder / row["file"]).read_bytes()
        agreed, otherwise = [], {}
        for name, wanted, found in _statements(row, content):
            word = WORDS.get(name, name)
            if wanted == found:
                agreed.append(word)
            else:
                otherwise[word] = reasons.get(name, f"{UNEXPLAINED}: {wanted!r}, not {found!r}")
        yield Row(row["file"], list(dict.fromkeys(agreed)), otherwise)


def table(rows: list[Row]) -> str:
    """The rows in Markdown, under a sentence that counts them."""
    agreed = sum(len(row.agreed) for row in rows)
    differ = sum(len(row.otherwise) for row in rows)
    lines = [
        f"Of {agreed + differ} statements about {len(rows)} files homequeue agrees with {agreed}; "
        f"{differ} differ, each for the reason given.\n",
        "| file | agreed | otherwise |",
        "|---|---|---|",
    ]
    for row in rows:
        reasons: dict[str, list[str]] = {}
        for word, reason in row.otherwise.items():
            reasons.setdefault(reason, []).append(word)
        otherwise = "; ".join(f"{', '.join(words)}: {reason}" for reason, words in reasons.items())
        lines.append(f"| `{row.file}` | {', '.join(row.agreed)} | {otherwise} |")
    return "\n".join(lines) + "\n"


def page(rows: list[Row]) -> str:
    """The whole page: what people wrote, and the table."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + "\n" + table(rows)


def _statements(row: dict[str, Any], content: bytes) -> Iterator[tuple[str, Any, Any]]:
    found = _read(row["file"], content)
    expected = row["expected"]
    for name, wanted in expected.items():
        if name not in NOT_OF_THE_PHOTO:
            yield name, *_pair(name, wanted, found, content)
    if "display" in row:
        made = imaging.render(io.BytesIO(content))
        yield "shown size", row["display"], [made.width, made.height]
        yield "whole", True, not made.damaged
        private = any(word in p.data for p in made.pictures for word in (b"Exif", b"http://ns"))
        yield "nothing private shown", True, not private


def _read(name: str, content: bytes) -> metadata.Metadata:
    if name.endswith(".xmp"):
        plain = pictures.data(pictures.scene(9, 9))
        return metadata.read(io.BytesIO(plain), metadata.Hints(sidecar=xmp.decode(content)))
    return metadata.read(io.BytesIO(content))


def _pair(name: str, wanted: Any, found: metadata.Metadata, content: bytes) -> tuple[Any, Any]:
    """What the peer says and what homequeue says, in a form in which they can be compared."""
    if wanted == "= file mtime":
        return None, found.taken_at
    if name == "dateTimeOriginal":
        return wanted.removesuffix(" (derived)").removesuffix("Z"), _instant(found)
    if name == "taken_local":
        return wanted, (found.taken_at or "")[: len(wanted)]
    if name == "timeZone":
        return _zone(wanted, found), found.offset
    if name in ("latitude", "longitude"):
        ours = found.lat if name == "latitude" else found.lon
        near = wanted is not None and ours is not None and abs(ours - wanted) < 1e-5
        return wanted, wanted if near else ours
    if name in EXPOSURE:
        return wanted, found.exposure.get(EXPOSURE[name])
    if name in ("exifImageWidth", "exifImageHeight"):
        identity = imaging.identify(io.BytesIO(content))
        return wanted, identity.width if name == "exifImageWidth" else identity.height
    others = {
        "description": found.caption or "",
        "lensModel": found.lens,
        "fileSizeInByte": len(content),
        "sha1_hex": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
    }
    return wanted, others[name] if name in others else getattr(found, name, None)


def _instant(found: metadata.Metadata) -> str:
    """In UTC; a clock whose zone is unknown is taken for UTC, as the peer does."""
    at = datetime.fromisoformat(found.taken_at or "0001-01-01")
    if found.offset:
        hours, minutes = found.offset[1:].split(":")
        away = timedelta(hours=int(hours), minutes=int(minutes))
        at += away if found.offset.startswith("-") else -away
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def _zone(wanted: str | None, found: metadata.Metadata) -> str | None:
    if wanted is None:
        return None
    at = datetime.fromisoformat(found.taken_at or "0001-01-01")
    offset = f"{at.replace(tzinfo=ZoneInfo(wanted.split()[0])):%z}"
    return f"{offset[:3]}:{offset[3:]}"


if __name__ == "__main__":
    PAGE.write_text(page(list(compare(Path(sys.argv[1]) if sys.argv[1:] else FOLDER))))
