"""Sources: archives are read member by member, and a hostile one costs one line each."""

import os
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.models import Asset, Receipt
from homequeue.services import importing, sources
from tests.conftest import work_off
from tests.library import incoming, jpeg, originals, sha256

RATED = b'<x:xmpmeta><rdf:Description xmp:Rating="4"/>'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "photos.zip"


def pack(place: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name, (2015, 6, 7, 8, 9, 10)), data, method)
    return place


def bring(place: Path, owner, **options) -> importing.Summary:
    found = importing.find([str(place)])
    return list(importing.run(found, owner, tasks.process_asset, **options))[-1]


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_everything_in_an_archive_arrives(place, ben, method):
    pack(place, {"a.jpg": jpeg(1), "b/c.jpg": jpeg(2), "b/": b""}, method)
    summary = bring(place, ben, move=True)
    assert (summary.added, summary.refused, summary.seen, summary.total) == (2, [], 2, 2)
    assert {asset.filename for asset in Asset.select()} == {"a.jpg", "c.jpg"}
    assert {asset.taken_at for asset in Asset.select()} == {"2015-06-07T08:09:10"}
    assert place.exists(), "there may be more in it than what was taken"
    assert incoming() == []
    assert work_off() == 2


def test_an_archive_in_a_folder_is_opened_too(place, ben):
    pack(place, {"a.jpg": jpeg(1)})
    (place.parent / "b.jpg").write_bytes(jpeg(2))
    (place.parent / "camera").mkdir()
    place.rename(place.parent / "camera" / "OLD.ZIP")
    found = importing.find([str(place.parent / "camera"), str(place.parent / "b.jpg")])
    assert list(importing.run(found, ben, tasks.process_asset))[-1].added == 2


def test_companions_in_an_archive(place, ben):
    files = {"a.jpg": jpeg(), "a.xmp": RATED, "b.xmp": RATED, "Thumbs.db": b"x", "a.aae": b"x"}
    summary = bring(pack(place, files | {"__MACOSX/._a.jpg": b"x", ".DS_Store": b"x"}), ben)
    assert (summary.added, summary.used, summary.skipped) == (1, 1, 3)
    assert (summary.sidecars, summary.seen, summary.total) == (1, 5, 5)
    work_off()
    assert Asset.get().rating == 4


def test_what_lies_beside_a_photo_is_in_the_same_archive(place, ben):
    other = place.with_name("other.zip")
    pack(place, {"a.jpg": jpeg(1), "a.xmp": RATED})
    pack(other, {"a.jpg": jpeg(2), "a.xmp": RATED.replace(b"4", b"2"), "b/c.jpg": jpeg(3)})
    files = importing.find([str(place), str(other)])
    assert list(importing.run(files, ben, tasks.process_asset))[-1].sidecars == 2
    work_off()
    found = {asset.checksum: asset.rating for asset in Asset.select()}
    assert [found[sha256(jpeg(number))] for number in (1, 2, 3)] == [4, 2, None]


# Names


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Фото на море.jpg".encode(), "Фото на море.jpg"),
        ("Übung.jpg".encode("cp437"), "Übung.jpg"),
        (b"a\\b\\sea.jpg", "sea.jpg"),
    ],
)
def test_names_that_are_not_marked_as_utf8(place, ben, raw, name):
    stand_in = "x" * len(raw)
    pack(place, {stand_in: jpeg()})
    place.write_bytes(place.read_bytes().replace(stand_in.encode(), raw))
    assert bring(place, ben).added == 1
    assert Asset.get().filename == name


# Hostile ones


def link(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


def test_each_member_that_is_not_taken_costs_a_line(place, ben, tmp_path):
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("../../outside.jpg", jpeg(1))
        made.writestr("/root.jpg", jpeg(2))
        made.writestr("a/../../b.jpg", jpeg(3))
        made.writestr("..\\windows.jpg", jpeg(4))
        made.writestr(link("link.jpg"), "/etc/passwd")
        made.writestr(link("pipe.jpg", stat.S_IFIFO), "")
        made.writestr("inner.zip", b"PK\3\4")
        made.writestr("bomb.jpg", bytes(70 * 2**20))
        made.writestr("notes.txt", b"milk")
        made.writestr("empty.jpg", b"")
        made.writestr("good.jpg", jpeg(9))
    before = sorted(path.name for path in tmp_path.iterdir())
    summary = bring(place, ben)
    words = {path.removeprefix(f"{place}/"): why for path, why in summary.refused}
    assert summary.added == 1
    assert len(words) == 10
    assert all(why.endswith(".") for why in words.values())
    for name in ("../../outside.jpg", "/root.jpg", "a/../../b.jpg", "../windows.jpg"):
        assert "leads out" in words[name]
    assert "link" in words["link.jpg"]
    assert "zip file in a zip file" in words["inner.zip"]
    assert "more than it is" in words["bomb.jpg"]
    assert "empty" in words["empty.jpg"]
    assert Receipt.select().where(Receipt.outcome == "refused").count() == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert len(originals()) == 1


def test_an_archive_that_one_may_not_read_is_not_said_to_be_damaged(place, ben, monkeypatch):
    pack(place, {"a.jpg": jpeg()})

    def refuse(*_words):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    words = "This zip file cannot be read: Permission denied."
    assert bring(place, ben).refused == [(str(place), words)]


def test_a_member_that_is_locked(place, ben):
    pack(place, {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    data = bytearray(place.read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + at] |= 1
    place.write_bytes(data)
    summary = bring(place, ben)
    assert summary.added == 1
    assert "password" in summary.refused[0][1]


def test_a_companion_that_is_locked_is_passed_over(place, ben):
    pack(place, {"a.xmp": RATED, "a.jpg": jpeg()})
    data = bytearray(place.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    place.write_bytes(data)
    summary = bring(place, ben)
    assert (summary.added, summary.skipped, summary.sidecars) == (1, 1, 0)


def test_a_member_that_lies_about_its_size(place, ben):
    """What comes out beyond the size that is written is not read."""
    pack(place, {"a.jpg": jpeg(1), "b.jpg": bytes(10_000_000)})
    data = bytearray(place.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    place.write_bytes(data)
    summary = bring(place, ben)
    assert (summary.added, len(summary.refused)) == (1, 1)
    assert "damaged" in summary.refused[0][1]
    assert incoming() == []


class TestWithSmallFiles:
    @pytest.fixture
    def overrides(self, tmp_path):
        own = {"uploads.max_size": "1000"}
        return {"library.path": str(tmp_path / "data"), "uploads.min_free": "1M"} | own

    def test_what_is_too_large_is_not_even_opened(self, place, ben, monkeypatch):
        pack(place, {"a.jpg": jpeg() + bytes(5000)})
        monkeypatch.setattr(zipfile.ZipFile, "open", None)
        summary = bring(place, ben)
        assert "larger than 1 kB" in summary.refused[0][1]


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "no zip", "bytes"])
def test_an_archive_that_is_damaged(place, ben, damage):
    pack(place, {"a.jpg": jpeg(1) + os.urandom(5000), "b.jpg": jpeg(2)})
    data = bytearray(place.read_bytes())
    if damage == "bytes":
        data[200:2000] = bytes(1800)
    changed = {"cut": data[:-30], "noise": os.urandom(999), "empty": b"", "no zip": b"milk"}
    place.write_bytes(changed.get(damage, data))
    summary = bring(place, ben)
    assert (summary.added, len(summary.refused)) == (damage == "bytes", 1)
    assert "damaged" in summary.refused[0][1]
    assert incoming() == []


def test_an_archive_that_is_changed_meanwhile(place, ben):
    """One that is cut off while it is read is refused from there on, and nothing else breaks."""
    pack(place, {f"{n}.jpg": jpeg(n) for n in range(3)})
    found = sources.of([place])
    place.write_bytes(place.read_bytes()[:100])
    for source in found[1:]:
        with pytest.raises(Exception, match="damaged"), source.open() as file:
            file.read()


def test_a_member_without_a_date(place, ben):
    info = zipfile.ZipInfo("a.jpg")
    with zipfile.ZipFile(place, "w") as made:
        made.writestr(info, jpeg())
    data = bytearray(place.read_bytes())
    at = data.index(b"PK\1\2") + 12
    data[at : at + 4] = bytes(4)
    place.write_bytes(data)
    assert bring(place, ben).added == 1
    assert Asset.get().taken_at_source == "upload"


def test_a_large_member_costs_little_memory(place, ben):
    pack(place, {"a.jpg": jpeg() + os.urandom(30_000_000)})
    tracemalloc.start()
    try:
        assert bring(place, ben).added == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


def test_a_name_that_is_no_text_costs_one_line(place, ben):
    """One bad byte in front of a member, where its name stands a second time."""
    pack(place, {"Fotos/gr\u00fcn.jpg": jpeg(1), "b.jpg": jpeg(2)})
    data = place.read_bytes()
    name = "gr\u00fcn".encode()
    place.write_bytes(data.replace(name, b"gr\xff\xbcn", 1))
    summary = bring(place, ben)
    assert (summary.added, len(summary.refused)) == (1, 1)
    assert "damaged, or unusual" in summary.refused[0][1]


def test_no_defect_of_ours_passes_for_a_damaged_archive(place, ben):
    pack(place, {"a.jpg": jpeg(1)})
    (source,) = sources.of([place])
    with pytest.raises(ValueError, match="ours"), source.open():
        raise ValueError("ours")
