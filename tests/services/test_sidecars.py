"""Sidecars: found beside their photo, read with it, and no files of their own."""

from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.models import Asset
from homequeue.services import importing, sidecars
from tests.conftest import work_off
from tests.library import jpeg

RATED = '<x:xmpmeta><rdf:Description xmp:Rating="4" xmp:CreateDate="2001-02-03T04:05:06"/>'


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "camera" / "IMG_1.jpg"
    path.parent.mkdir()
    path.write_bytes(jpeg())
    return path


def bring(folder: Path, owner) -> importing.Summary:
    return list(importing.run(importing.find([str(folder)]), owner, tasks.process_asset))[-1]


@pytest.mark.parametrize("name", ["IMG_1.jpg.xmp", "IMG_1.xmp", "IMG_1.XMP", "IMG_1.jpg.XMP"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_where_organisers_put_them(photo: Path, name: str, encoding: str) -> None:
    photo.with_name(name).write_bytes(RATED.encode(encoding))
    assert sidecars.read(photo) == RATED


def test_the_one_with_the_whole_name_wins(photo: Path) -> None:
    photo.with_name("IMG_1.xmp").write_text("of the raw file too")
    photo.with_name("IMG_1.jpg.xmp").write_text("of this one")
    assert sidecars.read(photo) == "of this one"


def test_no_sidecar_and_none_that_can_be_read(photo: Path) -> None:
    assert sidecars.read(photo) == ""
    photo.with_name("IMG_1.xmp").mkdir()
    assert sidecars.read(photo) == ""


def test_a_sidecar_without_end_is_read_to_a_point(photo: Path) -> None:
    photo.with_name("IMG_1.xmp").write_bytes(b"x" * 5_000_000)
    assert len(sidecars.read(photo)) <= 1 << 18


def test_they_are_no_files_of_their_own() -> None:
    names = ["a.jpg", "a.jpg.xmp", "b.heic", "b.xmp", "c.XMP", "d/a.xmp", "a.xmp.jpg"]
    kept = sidecars.without(Path(name) for name in names)
    assert [str(path) for path in kept] == ["a.jpg", "b.heic", "c.XMP", "d/a.xmp", "a.xmp.jpg"]


def test_an_import_takes_them_along(photo: Path, ben) -> None:
    photo.with_name("IMG_1.jpg.xmp").write_text(RATED)
    summary = bring(photo.parent, ben)
    assert (summary.added, summary.refused) == (1, [])
    work_off()
    asset = Asset.get()
    assert (asset.rating, asset.taken_at) == (4, "2001-02-03T04:05:06")
    assert asset.taken_at_source == "sidecar"


def test_one_that_lies_alone_is_counted(photo: Path, ben) -> None:
    photo.with_name("lost.xmp").write_text(RATED)
    summary = bring(photo.parent, ben)
    assert (summary.added, summary.skipped, summary.refused) == (1, 1, [])
