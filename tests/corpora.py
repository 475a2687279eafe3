"""Where the real files are that the tests try things on; they are no part of the project."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def folder(name: str) -> Path:
    """The folder of a corpus; without it the test is skipped, and says so."""
    if not _is_here(name):
        pytest.skip(f"the corpus {PLACE / name} is not on this machine")
    return PLACE / name


def files(name: str) -> list[Path]:
    """All files of a corpus, or none where it is missing (to parametrize with)."""
    found = (PLACE / name).rglob("*") if _is_here(name) else ()
    return sorted(path for path in found if path.is_file())


def expected() -> list[dict[str, Any]]:
    """What a peer expects of every picture among the phones' files, sidecars left out."""
    path = PLACE / "phones" / "expected.json"
    rows = json.loads(path.read_text()) if _is_here("phones") else []
    return [row for row in rows if not row["file"].endswith(".xmp")]


def _is_here(name: str) -> bool:
    is_here = (PLACE / name).is_dir()
    if not is_here and os.environ.get("CI"):
        pytest.fail(f"the corpus {PLACE / name} is missing, and in CI nothing may be")
    return is_here
