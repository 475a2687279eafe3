"""Where the real files are that the tests try things on; they are no part of the project."""

import json
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def folder(name: str) -> Path:
    """The folder of a corpus; without it the test is skipped, and says so."""
    if not (PLACE / name).is_dir():
        pytest.skip(f"the corpus {PLACE / name} is not on this machine")
    return PLACE / name


def files(name: str) -> list[Path]:
    """All files of a corpus, or none where it is missing (to parametrize with)."""
    return sorted(path for path in (PLACE / name).rglob("*") if path.is_file())


def expected() -> list[dict[str, Any]]:
    """What a peer expects of every picture among the phones' files, sidecars left out."""
    path = PLACE / "phones" / "expected.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    return [row for row in rows if not row["file"].endswith(".xmp")]
