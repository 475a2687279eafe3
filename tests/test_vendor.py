"""What others have written and the pages use: unchanged, and named with its version and licence."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", MANIFEST)
def test_files_are_those_of_the_release(name):
    about = MANIFEST[name]
    assert hashes(VENDOR / name) == about["files"]
    assert about["source"].endswith(f"-{about['version']}.tgz")
    assert f"{about['licence']} License" in (VENDOR / name / "LICENSE").read_text()


def test_the_manifest_names_all_there_is():
    assert {path.name for path in VENDOR.iterdir()} == {*MANIFEST, "manifest.json"}


@pytest.mark.parametrize("path", sorted(VENDOR.rglob("*.js")), ids=lambda path: path.name)
def test_nothing_needs_what_the_content_security_policy_forbids(path):
    source = path.read_text(encoding="utf-8")
    for forbidden in ("eval(", "new Function(", "WebAssembly"):
        assert forbidden not in source


def test_our_own_scripts_and_styles_are_small():
    own = [*(STATIC / "js").glob("*.js"), *(STATIC / "css").glob("*.css")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) <= 60_000


def test_no_page_waits_for_a_library():
    for path in (STATIC / "js").glob("*.js"):
        lines = path.read_text(encoding="utf-8").splitlines()
        eager = [line for line in lines if line.startswith("import ") and "/vendor/" in line]
        assert not eager or path.name == "hash-worker.js", path
