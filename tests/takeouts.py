"""Exports of Google Photos, made on the spot: folders or archives as Takeout lays them out."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PHOTOS = "Takeout/Google Photos"


def about(title: str, moment: int = 1562948100, **more: Any) -> bytes:
    """What the JSON file beside a photo says; its moment is 2019-07-12T16:15:00Z."""
    nowhere = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
    said = {
        "title": title,
        "description": "",
        "imageViews": "3",
        "creationTime": {"timestamp": "1600000000", "formatted": "13.09.2020, 12:26:40 UTC"},
        "photoTakenTime": {"timestamp": str(moment), "formatted": "12.07.2019, 16:15:00 UTC"},
        "geoData": nowhere,
        "geoDataExif": nowhere,
        "url": "https://photos.google.com/photo/x",
    }
    return json.dumps(said | more).encode()


def album(title: str) -> bytes:
    """What the JSON file of an album says."""
    date = {"timestamp": "1600000000", "formatted": "13.09.2020, 12:26:40 UTC"}
    return json.dumps(
        {"title": title, "description": "", "access": "protected", "date": date}
    ).encode()


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """An archive with these files below `Takeout/Google Photos`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(f"{PHOTOS}/{name}", data)
    return path


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same, unpacked."""
    for name, data in files.items():
        place = path / PHOTOS / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return path
