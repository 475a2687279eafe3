"""Camera raw files are shown by the picture that their camera put into them, or developed."""

import io
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from homequeue import tasks
from homequeue.media import media
from homequeue.models import Asset, Job
from homequeue.services import developing, ingest, machine, metadata, raw, sandbox
from tests import corpora, pictures, raws
from tests.conftest import work_off
from tests.library import originals, rendition_files, send

ROOT = Path(__file__).parents[2]
MAKERS = {
    "Google",
    "Canon",
    "NIKON",
    "SONY",
    "PENTAX",
    "SAMSUNG",
    "OLYMPUS",
    "Panasonic",
    "FUJIFILM",
}


@contextmanager
def on_disk(data: bytes) -> Iterator[Any]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file


def colours(picture: Image.Image) -> list[str]:
    """What is in the four corners, from the upper left on."""
    right, low = picture.width - 9, picture.height - 9
    found = []
    for place in ((8, 8), (right, 8), (8, low), (right, low)):
        red, green, blue = picture.convert("RGB").getpixel(place)
        named = {"yellow": min(red, green) - 40, "red": red, "green": green}
        found.append(next((name for name, much in named.items() if much > blue), "blue"))
    return found


@pytest.mark.parametrize(("name", "make"), raws.MADE.items())
def test_each_kind_is_known_shown_upright_and_read(
    ben: Any, name: str, make: Callable[[], bytes]
) -> None:
    asset = send(ben, make(), f"IMG_1.{name}").asset
    assert (asset.mime, asset.kind) == (raw.NAMED[name].mime, "photo")
    assert asset.path.endswith(f".{name.lower()}")
    work_off()
    asset = Asset.get()
    assert (asset.state, asset.error, asset.damaged) == ("ready", None, False)
    assert (asset.width, asset.height) == (400, 600)
    preview = next(path for path in rendition_files() if "preview" in path.name)
    with Image.open(preview) as picture:
        # Orientation 6 is shown turned by a quarter.
        assert colours(picture) == ["blue", "red", "yellow", "green"]
    assert asset.make.split()[0] in MAKERS
    assert (asset.taken_at, asset.taken_at_source) == ("2021-05-04T03:02:01", "exif original")
    assert json.loads(asset.exposure)["iso"] == 400
    assert (asset.lat, asset.lon) == (52.5, 13.4)


def test_a_picture_that_says_itself_how_it_is_turned_is_believed(ben: Any) -> None:
    upright = raws.jpegs(pictures.exif({0x0112: 1}))
    send(ben, raws.tiff(raws.tags("NIKON", 6)) + upright, "a.nef")
    work_off()
    assert (Asset.get().width, Asset.get().height) == (600, 400)


@pytest.mark.parametrize("rest", [b"", raws.LOSSLESS + raws.noise(1), b"\xff\xd8\xff\xe0" * 5000])
def test_without_a_picture_or_values_it_is_kept_and_says_so(ben: Any, rest: bytes) -> None:
    send(ben, raws.tiff(raws.tags("SONY")) + rest, "a.arw")
    work_off()
    assert (Asset.get().state, Asset.get().error) == ("failed", developing.FAILED)
    assert len(originals()) == 1
    assert list(media.renditions()) == []


@pytest.mark.parametrize("inside", [b"", pictures.data(pictures.scene(160, 120))])
def test_without_a_picture_of_some_size_it_is_developed(ben: Any, inside: bytes) -> None:
    send(ben, raws.sensor(3200, 2400, orientation=6) + inside, "a.dng")
    work_off()
    asset = Asset.get()
    assert (asset.state, asset.error, asset.damaged) == ("ready", None, False)
    # Four elements of the sensor make a pixel, but the photo has as many as the sensor.
    assert (asset.width, asset.height) == (2400, 3200)
    assert (asset.make, asset.taken_at) == ("Google", "2021-05-04T03:02:01")
    sizes = {}
    for path in rendition_files():
        with Image.open(path) as picture:
            sizes[path.name.split("-")[1]] = picture.size
            assert colours(picture) == ["blue", "red", "yellow", "green"]
    assert sizes == {"preview": (1080, 1440), "thumbnail": (360, 480)}


def test_a_small_sensor_is_developed_element_by_element(ben: Any) -> None:
    send(ben, raws.sensor(1600, 1200), "a.dng")
    work_off()
    assert (Asset.get().width, Asset.get().height) == (1600, 1200)
    preview = next(path for path in rendition_files() if "preview" in path.name)
    with Image.open(preview) as picture:
        assert picture.size == (1440, 1080)


def test_values_that_break_off_are_no_picture(ben: Any) -> None:
    send(ben, raws.sensor()[:-1_000_000], "a.dng")
    work_off()
    assert (Asset.get().state, Asset.get().error) == ("failed", developing.FAILED)


def test_a_small_picture_is_better_than_none(ben: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    send(ben, raws.sensor() + pictures.data(pictures.scene(160, 120)), "a.dng")
    work_off()
    assert (Asset.get().state, Asset.get().width) == ("ready", 160)


def test_what_rawpy_could_develop_waits_for_it(ben: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "rawpy", None)
        send(ben, raws.sensor(), "a.dng")
        work_off()
        assert (Asset.get().state, Asset.get().error) == ("failed", developing.MISSING)
        assert machine.problems() == [
            "1 raw photo is kept but not shown: pip install 'homequeue[raw]'"
        ]
        tasks.rescue()
        work_off()
        assert Asset.get().state == "failed"
    assert "pip" not in developing.MISSING, "whoever sent it cannot install anything"
    Job.update(error=f"{developing.LACKING} As an older release went on.").execute()
    tasks.rescue()
    work_off()
    assert Asset.get().state == "ready"
    assert machine.problems() == []


def test_it_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    """Asked of a small process: a child may also use what its parent had and let go."""
    (tmp_path / "a.raw").write_bytes(raws.sensor(4000, 3000))
    program = f"""
from dataclasses import replace
from homequeue.services import developing, imaging, sandbox

def develop(file):
    # Element by element, which takes some 150 MB.
    large = replace(imaging.PREVIEW, edge=4000)
    return developing.render(file, (large,), 384 << 20, 1).width, []

with open({str(tmp_path / "a.raw")!r}, "rb") as file:
    for memory in (64, 384):
        try:
            print(sandbox.run(develop, file, limits=sandbox.Limits(memory=memory << 20)).value)
        except sandbox.ChildFailed as error:
            print(error)
"""
    told = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert told.splitlines() == [sandbox.TOO_MUCH_MEMORY, "4000"]


@pytest.mark.parametrize(
    "data",
    [
        pictures.data(pictures.scene()),
        pictures.data(pictures.scene(), "TIFF"),
        pictures.data(pictures.scene(), "TIFF", tiffinfo={271: "NIKON", 272: "D1"}),
        raws.tiff(raws.tags("Somebody")),
        b"II*\0\xff\xff\xff\xff", b"II*\0", b"MM\0*" + bytes(4), b"",
    ],
)  # fmt: skip
def test_what_is_none_is_none(data: bytes) -> None:
    assert raw.identify(io.BytesIO(data)) is None
    assert raw.described(io.BytesIO(data)) is None


def test_the_bytes_after_the_picture_are_left_out() -> None:
    with on_disk(raws.MADE["NEF"]()) as file:
        found = raw.picture(file)
    assert found is not None
    assert (found.width, found.height) == (600, 400)
    assert found.data.getvalue() == pictures.data(pictures.scene(600, 400))


def test_a_picture_whose_end_is_missing_is_taken_as_it_is() -> None:
    whole = pictures.data(pictures.scene(600, 400))
    with on_disk(raws.tiff(raws.tags("SONY")) + whole[:-500]) as file:
        found = raw.picture(file)
    assert found is not None
    assert found.data.getvalue() == whole[:-500]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", raws.MADE)
def test_any_byte_may_be_wrong(name: str) -> None:
    whole, rng = raws.MADE[name](), random.Random(name)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(4):
            broken[rng.randrange(2000)] = rng.choice((0, 0x7F, 0xFF, rng.randrange(256)))
        with on_disk(bytes(broken)) as file:
            raw.identify(file)
            metadata.read(file)
            raw.picture(file)


def test_no_hostile_file_is_taken_for_one(house: Any) -> None:
    for path in corpora.folder("hostile").iterdir():
        with path.open("rb") as file:
            assert raw.identify(file) is None, path.name


def test_orphans_are_told_too(ben: Any) -> None:
    asset = send(ben, raws.MADE["DNG"](), "a.dng").asset
    Asset.delete().execute()
    adopted = ingest.adopt(asset.path, ben, lambda _: None)
    assert adopted.mime == "image/x-adobe-dng"
