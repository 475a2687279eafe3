"""Sidecars: found beside their photo, read with it, and no files of their own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.models import Asset
from homequeue.services import importing, metadata, sidecars
from tests.conftest import work_off
from tests.films import film
from tests.library import jpeg, row

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


# Films

SAID = (
    '<x:xmpmeta><rdf:Description xmp:Rating="4" exif:GPSLatitude="40,30N" exif:GPSLongitude="3,0W"'
    " {}><dc:description>At sea</dc:description><dc:subject><rdf:li>Anna</rdf:li></dc:subject>"
)


@pytest.mark.parametrize(
    ("own", "date", "taken"),
    [
        (None, 'xmp:CreateDate="2001-02-03T04:05:06"', ("2001-02-03T04:05:06", "sidecar")),
        ("2019-07-12T18:15:00", 'xmp:CreateDate="2001-02-03"', ("2001-02-03T00:00:00", "sidecar")),
        ("2019-07-12T18:15:00", 'homequeue:Taken="2001-02-03T04:05:06Z"',
         ("2019-07-12T18:15:00", "video")),
        ("2019-07-12T18:15:00", "", ("2019-07-12T18:15:00", "video")),
        (None, "", (None, None)),
    ],
)  # fmt: skip
def test_what_is_said_beside_a_film(own, date, taken) -> None:
    plain = metadata.Metadata(own, taken_at_source="video" if own else None, lat=1.0, lon=2.0)
    found = metadata.beside(plain, SAID.format(date))
    assert (found.taken_at, found.taken_at_source) == taken
    assert (found.lat, found.lon) == (40.5, -3.0)
    assert (found.caption, found.rating, found.tags) == ("At sea", 4, ["Anna"])


def test_the_instant_of_an_export_is_told_by_the_clock_here() -> None:
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).astimezone()
    said = SAID.format('homequeue:Taken="2001-02-03T04:05:06Z"')
    found = metadata.beside(metadata.Metadata(), said)
    assert found.taken_at == moment.replace(tzinfo=None).isoformat()
    assert found.taken_at_source == "takeout"


def test_a_film_without_sidecar_stays_what_it_is() -> None:
    plain = metadata.Metadata("2019-07-12T18:15:00", "+02:00", "video", caption="Own", tags=["a"])
    assert metadata.beside(plain, "") == plain


def test_a_film_is_imported_with_its_sidecar(photo: Path, ben) -> None:
    photo.with_name("film.mp4").write_bytes(film(seconds=0.5))
    photo.with_name("film.xmp").write_text(SAID.format('xmp:CreateDate="2001-02-03T04:05:06"'))
    assert bring(photo.parent, ben).sidecars == 1
    work_off()
    asset = Asset.get(Asset.kind == "video")
    assert (asset.state, asset.caption) == ("ready", "At sea")
    assert (asset.taken_at, asset.taken_at_source) == ("2001-02-03T04:05:06", "sidecar")


@pytest.mark.parametrize("name", ["IMG_1.jpg", "film.mp4"])
def test_a_number_that_is_no_character_costs_only_itself(photo: Path, ben, name) -> None:
    photo.with_name("film.mp4").write_bytes(film(seconds=0.5))
    said = SAID.replace("At sea", f"&#{'9' * 5000};").format("")
    photo.with_name(name).with_suffix(".xmp").write_text(said)
    bring(photo.parent, ben)
    work_off()
    asset = Asset.get(Asset.filename == name)
    assert (asset.state, asset.rating, asset.lat) == ("ready", 4, 40.5)


def test_giving_one_to_what_has_none(ben) -> None:
    asset = row(ben, 1)
    deferred: list[int] = []
    assert sidecars.give(asset.id, "", deferred.append)
    assert deferred == []
    assert sidecars.give(asset.id, "first", deferred.append)
    assert sidecars.give(asset.id, "first", deferred.append)
    assert not sidecars.give(asset.id, "second", deferred.append)
    assert (Asset.get().sidecar, deferred) == ("first", [asset.id])
