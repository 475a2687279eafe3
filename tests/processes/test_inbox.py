"""The inbox and the import with real processes: killed whenever, they lose and double nothing."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import part
from tests.processes.conftest import Serve
from tests.processes.minutes import IMPATIENT, a_minute_passes
from tests.processes.servers import Homequeue, checksum, eventually, noise, running

pytestmark = pytest.mark.slow

LOOK = ("jobs", "periodic", "--run", "empty_inbox")
SYNCS = "fsync,fdatasync,syncfs"


def fill(folder: Path, count: int, start: int = 0) -> dict[str, bytes]:
    """Put so many photos somewhere, as a careful program does: hidden first, then renamed."""
    folder.mkdir(exist_ok=True)
    photos = {f"{number}.jpg": noise(start + number) for number in range(count)}
    for name, data in photos.items():
        (folder / f".{name}.Xy12Zw").write_bytes(data)
        (folder / f".{name}.Xy12Zw").rename(folder / name)
    return photos


def lying(inbox: Path) -> list[str]:
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())


def inbox_of(server: Homequeue) -> Path:
    """The inbox, once it is there."""
    inbox = server.data / "inbox"

    def is_there() -> bool:
        a_minute_passes(server)
        return inbox.exists()

    eventually(is_there, "it is there", 90)
    return inbox


@pytest.mark.rows
def test_what_lies_in_the_inbox_arrives_by_itself(serve: Serve) -> None:
    server = serve(module=IMPATIENT)
    inbox = inbox_of(server)
    photos = fill(inbox / "Anna", 3)
    (inbox / "notes.txt").write_text("milk")
    (inbox / "film.mp4.part").write_bytes(b"not yet")
    left = ["_refused/not-a-photo/notes.txt", "film.mp4.part"]

    def is_empty() -> bool:
        a_minute_passes(server)
        return lying(inbox) == left

    eventually(is_empty, "the inbox is empty", 150)
    assert len(server.settled(3)) == 3
    assert set(server.originals().values()) == {checksum(data) for data in photos.values()}
    assert "1 file was not taken out of the inbox" in server.cli("status").stdout


@pytest.mark.rows
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    count, rng = 60, random.Random(7)
    with running(tmp_path / "house") as server:
        inbox = server.data / "inbox"
        inbox.mkdir(exist_ok=True)
        photos = fill(inbox, count)
        (inbox / "notes.txt").write_text("milk")
        assert server.cli(*LOOK).returncode == 0
        kills = 0
        while kills < 6:
            time.sleep(rng.uniform(0.2, 6.0))
            server.kill_all()
            kills += 1
            kept = set(server.originals().values())
            still = {checksum((inbox / n).read_bytes()) for n in lying(inbox)}
            for data in photos.values():
                assert checksum(data) in kept | still, "it is neither here nor there"
            server.start()
            server.cli(*LOOK)
        eventually(
            lambda: lying(inbox) == ["_refused/not-a-photo/notes.txt"], "the inbox is empty", 120
        )
        assets = server.settled(count)
        assert Counter(asset["checksum"] for asset in assets) == Counter(
            checksum(data) for data in photos.values()
        )
        assert len(server.originals()) == count


def test_an_inbox_that_is_empty_writes_nothing(serve: Serve) -> None:
    server = serve(module=IMPATIENT)
    inbox = inbox_of(server)
    (inbox / "film.mp4.part").write_bytes(b"not yet")

    def jobs() -> int:
        return int(server.rows("select count(*) from job where task = 'empty_inbox'")[0][0])

    a_minute_passes(server)
    time.sleep(7)
    assert jobs() == 0
    # Nothing else has been in the way: it has been due ever since.
    fill(inbox, 1)
    eventually(jobs, "it is looked into")


@pytest.fixture
def house(tmp_path: Path) -> Homequeue:
    server = Homequeue(tmp_path / "house")
    server.folder.mkdir()
    return server.open_account()


def photos_of(house: Homequeue) -> int:
    return int(house.rows("select count(*) from asset")[0][0])


@pytest.mark.rows
def test_a_killed_import_goes_on(house: Homequeue, tmp_path: Path) -> None:
    count, camera = 320, tmp_path / "camera"
    fill(camera, count)
    argv = [*house._argv("import"), str(camera)]
    for _ in range(2):
        before = photos_of(house)
        process = subprocess.Popen(
            argv, cwd=house.folder, env=house._environment(), stderr=subprocess.DEVNULL
        )
        eventually(lambda: photos_of(house) > before, "some are here")  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    kept = photos_of(house)
    assert 0 < kept < count
    done = house.cli("import", str(camera))
    assert done.stdout == f"{count - kept} added, {kept} already here, 0 not accepted\n"
    assert len(house.originals()) == photos_of(house) == count


def test_an_import_of_many_costs_few_syncs(house: Homequeue, tmp_path: Path) -> None:
    fill(tmp_path / "camera", 500)
    counted = tmp_path / "strace"
    wrapper = [part("strace"), "-f", "-c", "-e", f"trace={SYNCS}", "-o", str(counted)]
    done = house.cli("import", str(tmp_path / "camera"), wrapper=wrapper)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in counted.read_text().splitlines()]
    calls = sum(int(line[3]) for line in lines if line[-1] in SYNCS.split(","))
    assert 0 < calls <= 25, counted.read_text()


def test_ctrl_c_ends_an_import_with_a_summary(house: Homequeue, tmp_path: Path) -> None:
    camera = tmp_path / "camera"
    fill(camera, 320)
    process = subprocess.Popen(
        [*house._argv("import"), str(camera)],
        cwd=house.folder,
        env=house._environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: photos_of(house) > 0, "some are here")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == f"{photos_of(house)} added, 0 already here, 0 not accepted\n"
    assert "go on from here" in err
    assert not list((house.data / "incoming").iterdir())
