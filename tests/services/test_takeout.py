"""Takeout: which JSON belongs to which photo, what it says, and what becomes of albums."""

from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.models import Album, Asset, Receipt
from homequeue.services import importing, ingest, metadata, takeout
from homequeue.services.sources import Source
from tests.conftest import work_off
from tests.library import jpeg, send
from tests.takeouts import about, album, archive, folder

YEAR = "Photos from 2019"


def bring(paths, owner, **options) -> importing.Summary:
    found = importing.find(map(str, paths))
    return list(importing.run(found, owner, tasks.process_asset, **options))[-1]


def sources(place: Path, *names: str) -> list[Source]:
    for name in names:
        (place / name).write_bytes(about("x.jpg"))
    return [Source(place / name) for name in names]


# Which belongs to which

LONG = "Screenshot_20231027_123303_Some very long name of an app.jpg"
PAIRS = [
    ("IMG_1.jpg", "IMG_1.jpg.json"),
    ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
    ("PXL_20210529_155539123.jpg", "PXL_20210529_155539123.jpg.supplemental-metada.json"),
    ("20190712_181500_a_bit_longer_name_here.jpg",
     "20190712_181500_a_bit_longer_name_here.jpg.sup.json"),
    ("IMG_1.jpg", "IMG_1.jpg.s.json"),
    ("IMG_1234(1).jpg", "IMG_1234.jpg(1).json"),
    ("IMG_1234(1).jpg", "IMG_1234.jpg.supplemental-metadata(1).json"),
    ("IMG_1234(1).jpg", "IMG_1234(1).jpg.json"),
    ("IMG_1234(12).jpg", "IMG_1234.jpg.suppl(12).json"),
    (LONG, f"{LONG[:46]}.json"),
    ("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P.jpg",
     "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json"),
    ("Backyard_ceremony_wedding_photography_xxxxxxx_m(494).jpg",
     "Backyard_ceremony_wedding_photography_xxxxxxx_(494).json"),
    ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
    ("IMG_1-edited.jpg", "IMG_1.HEIC.supplemental-metadata.json"),
    ("IMG_1-edited(2).jpg", "IMG_1.jpg(2).json"),
    ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.json"),
    ("IMG_1-modifié.jpg", "IMG_1.jpg.json"),
    ("IMG_1-modifie\u0301.jpg", "IMG_1.jpg.json"),
    ("IMG_1-ha editado.jpg", "IMG_1.jpg.json"),
    ("IMG_1-編集済み.jpg", "IMG_1.jpg.json"),
    (f"{'a' * 43}-edi.jpg", f"{'a' * 43}.jp.json"),
    ("IMG_1.MP4", "IMG_1.HEIC.json"),
    ("IMG_1.MOV", "IMG_1.HEIC.supplemental-metadata.json"),
    ("IMG_1(3).MP4", "IMG_1.HEIC.supplemental-metadata(3).json"),
    ("PXL_1.MP", "PXL_1.MP.jpg.json"),
    ("PXL_1.MP.jpg", "PXL_1.MP.jpg.supplemental-metadata.json"),
    ("IMG_1.jpg", "IMG_1.heic.json"),
    ("IMG_1.jpg", "IMG_1.json"),
    ("IMG_1.JPG", "IMG_1.jpg.json"),
    ("Фото на море.jpg", "Фото на море.jpg.json"),
]  # fmt: skip


@pytest.mark.parametrize(("photo", "beside"), PAIRS)
def test_the_json_of_a_photo_is_found(tmp_path, photo, beside):
    others = "IMG_2.jpg.json", "IMG_1234.jpg.json", "IMG_12.jpg.json", "IMG_1234.jpg(7).json"
    found = sources(tmp_path, *(name for name in others if name != beside), beside)
    said = takeout.Export(found).of(Source(tmp_path / photo))
    assert said is not None
    assert said.beside.name == beside


@pytest.mark.parametrize(
    ("photo", "beside"),
    [
        ("IMG_1.jpg", "IMG_12.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(2).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1-edit.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.foo.bar.baz.json"),
        ("IMG_1.MP4", "IMG_1 at sea.HEIC.json"),
    ],
)
def test_what_belongs_to_another_is_left_to_it(tmp_path, photo, beside):
    assert takeout.Export(sources(tmp_path, beside)).of(Source(tmp_path / photo)) is None


def test_its_own_wins_over_that_of_a_sibling(tmp_path):
    names = "IMG_1.HEIC.json", "IMG_1.MP4.json", "IMG_1.jpg.json", "IMG_1.jpg(1).json"
    export = takeout.Export(sources(tmp_path, *names))
    for photo in ("IMG_1.HEIC", "IMG_1.MP4", "IMG_1.jpg"):
        said = export.of(Source(tmp_path / photo))
        assert said is not None
        assert said.beside.name == f"{photo}.json"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"a": 1}', b"\xff\xfe", b"[" * 100_000, b"{}" * 10**6]
)
def test_a_json_that_is_none_says_nothing(tmp_path, text):
    (tmp_path / "IMG_1.jpg.json").write_bytes(text)
    export = takeout.Export([Source(tmp_path / "IMG_1.jpg.json")])
    assert export.of(Source(tmp_path / "IMG_1.jpg")) is None
    assert export.album(Source(tmp_path / "IMG_1.jpg")) is None


# What it says


def said(tmp_path, name: str = "IMG_1.jpg", title: str = "IMG_1.jpg", **more) -> takeout.Said:
    beside = tmp_path / f"{name}.json"
    beside.write_bytes(about(title, **more))
    found = takeout.Export([Source(beside)]).of(Source(tmp_path / name))
    assert found is not None
    return found


def read(sidecar: str, data: bytes | None = None) -> metadata.Metadata:
    import io  # noqa: PLC0415

    return metadata.read(io.BytesIO(data or jpeg()), metadata.Hints("IMG_1.jpg", None, sidecar))


def test_date_place_words_and_people(tmp_path):
    place = {"latitude": -40.2346442, "longitude": 4.5, "altitude": -12.5}
    found = said(
        tmp_path,
        geoData=place,
        description=' "Sea" & <sand>\nin summer ',
        people=[{"name": "Anna <3"}, {"name": ""}, {}, "Ben", {"name": "Cleo"}],
        favorited=True,
    )
    assert (found.is_trashed, found.favorite, found.taken) == (False, True, 1562948100)
    known = read(found.sidecar)
    assert (known.lat, known.lon, known.altitude) == (-40.2346442, 4.5, -12.5)
    assert known.caption == '"Sea" & <sand>\nin summer'
    assert known.tags == ["Anna <3", "Cleo"]
    assert known.taken_at_source == "takeout"


@pytest.mark.parametrize(
    ("places", "lat"),
    [
        ({}, None),
        ({"geoDataExif": {"latitude": 1.5, "longitude": 2}}, 1.5),
        ({"geoData": {"latitude": 99, "longitude": 2}}, None),
        ({"geoData": {"latitude": "north", "longitude": None}}, None),
        ({"geoData": {"latitude": float("nan"), "longitude": 1}}, None),
        ({"geoData": [1, 2]}, None),
        ({"geoData": {"latitude": 89.99999999999, "longitude": 0}}, 90),
    ],
)
def test_places(tmp_path, places, lat):
    assert read(said(tmp_path, **places).sidecar).lat == lat


@pytest.mark.parametrize("moment", ["x", None, 1e300, -1e12, float("nan"), [], 10**400])
def test_moments_that_are_none(tmp_path, moment):
    found = said(tmp_path, photoTakenTime={"timestamp": moment})
    assert found.taken is None
    assert read(found.sidecar).taken_at is None


def test_a_photo_older_than_clocks_of_computers(tmp_path):
    found = said(tmp_path, photoTakenTime={"timestamp": "-1000000000"})
    assert (read(found.sidecar).taken_at or "")[:7] == "1938-04"


def test_half_characters_and_nulls_are_left_out(tmp_path):
    beside = tmp_path / "IMG_1.jpg.json"
    beside.write_bytes(about("IMG_1.jpg", description="a\0b\ud800c", people=[{"name": "\udfff"}]))
    found = takeout.Export([Source(beside)]).of(Source(tmp_path / "IMG_1.jpg"))
    assert found is not None
    found.sidecar.encode()
    assert "\0" not in found.sidecar


@pytest.mark.parametrize(
    ("name", "title", "filename"),
    [
        ("a_b.jpg", "a&b.jpg", "a&b.jpg"),
        (LONG[:47] + ".jpg", LONG, LONG),
        ("IMG_1(1).jpg", "IMG_1.jpg", "IMG_1.jpg"),
        ("IMG_1.jpg", "IMG_1.HEIC", "IMG_1.jpg"),
        ("IMG_1.jpg", "../../etc/passwd.jpg", "IMG_1.jpg"),
        ("IMG_1.jpg", "a\nb.jpg", "IMG_1.jpg"),
        ("IMG_1.jpg", 7, "IMG_1.jpg"),
        ("IMG_1.jpg", "\ud800.jpg", "IMG_1.jpg"),
    ],
)
def test_the_name_it_had(tmp_path, name, title, filename):
    assert said(tmp_path, name, title).filename == filename


def test_a_title_without_end_is_cut_off(tmp_path, ben):
    files = {"a.jpg": jpeg(1), "a.jpg.json": about("x" * 900_000 + ".jpg")}
    bring([archive(tmp_path / "takeout.zip", files)], ben)
    names = {Asset.get().filename, Receipt.get().filename}
    assert names == {"x" * ingest.LONGEST_FILENAME}


def test_an_edited_copy_keeps_its_name(tmp_path):
    found = sources(tmp_path, "IMG_1.jpg.json")
    told = takeout.Export(found).of(Source(tmp_path / "IMG_1-edited.jpg"))
    assert told is not None
    assert told.filename == "IMG_1-edited.jpg"


# Albums


@pytest.mark.parametrize(
    ("name", "beside", "text", "title"),
    [
        ("Summer", "metadata.json", album("Summer am Meer"), "Summer am Meer"),
        ("Sommer", "Metadaten.json", album("Sommer"), "Sommer"),
        ("Été", "métadonnées.json", album("Été"), "Été"),
        ("Old", "metadata.json", b'{"albumData": %s}' % album("Old"), "Old"),
        ("x", "metadata(1).json", album("Two"), "Two"),
        ("Untitled", "metadata.json", album(""), None),
        ("Photos from 2019", "metadata.json", album("Photos from 2019"), None),
        ("Fotos von 2019", "Metadaten.json", album("Fotos von 2019"), None),
        ("2019年の写真", "メタデータ.json", album("2019年の写真"), None),
        ("Summer", "IMG_1.json", about("IMG_1"), None),
        ("Summer", "print-subscriptions.json", b'{"title": "x"}', None),
    ],
)  # fmt: skip
def test_which_folders_are_albums(tmp_path, name, beside, text, title):
    place = tmp_path / name
    place.mkdir()
    (place / beside).write_bytes(text)
    found = takeout.Export([Source(place / beside)]).album(Source(place / "a.jpg"))
    assert (found and found[0]) == title


# All together


def parts(place: Path, pack=archive) -> list[Path]:
    """An export in two parts: the JSON of one photo is in the other part."""
    first = {
        f"{YEAR}/IMG_1.jpg": jpeg(1),
        f"{YEAR}/IMG_1-edited.jpg": jpeg(2),
        f"{YEAR}/IMG_2.jpg": jpeg(3),
        "Summer/IMG_1.jpg": jpeg(1),
        "Summer/metadata.json": album("Summer am Meer"),
    }
    second = {
        f"{YEAR}/IMG_1.jpg.supplemental-metadata.json": about("IMG_1.jpg", favorited=True),
        f"{YEAR}/IMG_2.jpg.json": about("IMG_2.jpg", trashed=True),
        f"{YEAR}/IMG_3.jpg": jpeg(4),
        f"{YEAR}/IMG_3.jpg.json": about("IMG_3.jpg", description="The third", archived=True),
        "Summer/IMG_3.jpg": jpeg(4),
        "print-subscriptions.json": b"{}",
    }
    return [
        pack(place / "takeout-20240712T101112Z-001.zip", first),
        pack(place / "takeout-20240712T101112Z-002.zip", second),
    ]


@pytest.mark.parametrize("pack", [archive, folder])
@pytest.mark.parametrize("order", [1, -1])
def test_an_export_in_parts(tmp_path, ben, pack, order):
    made = parts(tmp_path / "down", pack)[::order]
    summary = bring(made, ben)
    assert (summary.added, summary.known, summary.refused) == (3, 2, [])
    assert (summary.trashed, summary.skipped, summary.used) == (1, 1, 4)
    assert summary.albums == {"Summer am Meer": 2}
    assert summary.seen == summary.total
    work_off()
    found = {asset.filename: asset for asset in Asset.select()}
    assert set(found) == {"IMG_1.jpg", "IMG_1-edited.jpg", "IMG_3.jpg"}
    assert {asset.taken_at_source for asset in found.values()} == {"takeout"}
    assert {asset.path[:17] for asset in found.values()} == {"originals/2019/07"}
    assert found["IMG_1.jpg"].favorite
    assert found["IMG_3.jpg"].caption == "The third"
    (made_album,) = Album.select()
    members = {row.asset.filename for row in made_album.members}
    assert (made_album.title, members) == ("Summer am Meer", {"IMG_1.jpg", "IMG_3.jpg"})


def test_it_goes_into_a_named_album_too(tmp_path, ben):
    bring(parts(tmp_path), ben, album="All")
    sizes = {one.title: one.members.count() for one in Album.select()}
    assert sizes == {"All": 3, "Summer am Meer": 2}


def test_what_was_here_gets_what_is_known_of_it(tmp_path, ben):
    asset = send(ben, jpeg(4), "from-a-phone.jpg").asset
    work_off()
    bring(parts(tmp_path), ben)
    work_off()
    found = Asset.get_by_id(asset.id)
    assert (found.caption, found.filename) == ("The third", "from-a-phone.jpg")


def test_an_xmp_file_wins_over_the_json(tmp_path, ben):
    rated = b'<x:xmpmeta><rdf:Description xmp:Rating="4"/>'
    files = {
        "x/a.jpg": jpeg(),
        "x/a.jpg.json": about("a.jpg", favorited=True),
        "x/a.jpg.xmp": rated,
    }
    bring([archive(tmp_path / "t.zip", files)], ben)
    work_off()
    assert (Asset.get().rating, Asset.get().favorite) == (4, True)


def test_exif_wins_over_the_json(tmp_path):
    from tests import pictures  # noqa: PLC0415

    tags = pictures.exif({}, {0x9003: "2018:01:02 03:04:05"})
    known = read(said(tmp_path).sidecar, pictures.data(pictures.scene(), exif=tags))
    assert (known.taken_at, known.taken_at_source) == ("2018-01-02T03:04:05", "exif original")
