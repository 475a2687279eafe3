"""Photos a second by one machine and by two: each has one core, the first also has the rows.

Network namespaces, as the tests have them, so that the second reaches PostgreSQL over a cable.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import renditions
from bench.processes import wait_for
from tests.conftest import free_port
from tests.postgres import Cluster
from tests.processes.servers import Homequeue, running

PHOTOS = 150
DIFFERENT = 12
PATIENCE = 600.0
NAME = "hqbench"
FIRST, SECOND = "198.18.255.1", "198.18.255.2"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, core(0):
        photos = Path(folder) / "photos"
        photos.mkdir()
        renditions.apart(make_photos, photos, PHOTOS)
        with running(Path(folder) / "sqlite", queue_workers=1) as home:
            alone = measure(home, photos)
        cluster = Cluster(free_port())
        try:
            cluster.start().fresh()
            url = cluster.url(host="127.0.0.1")
            with running(Path(folder) / "one", queue_workers=1, database_url=url) as home:
                one = measure(home, photos)
            cluster.fresh()
            with (
                running(Path(folder) / "two", queue_workers=1, database_url=url) as home,
                second_machine(home, cluster),
            ):
                two = measure(home, photos)
        finally:
            cluster.end()
    print(f"{PHOTOS} photos of 12 MP, one core a machine          photos/s")
    for words, found in (
        ("one machine, rows in SQLite", alone),
        ("one machine, rows in PostgreSQL", one),
        ("two machines, rows in PostgreSQL on the first", two),
    ):
        print(f"  {words:<46} {found:8.2f}   {found / alone:.2f} ×")


def make_photos(folder: Path, count: int) -> None:
    """So many photos of which no two are the same, though some look alike."""
    renditions.make_photos(folder, DIFFERENT)
    seeds = [path.read_bytes() for path in sorted(folder.iterdir())]
    for number in range(count):
        # What follows the end of a JPEG changes its checksum and nothing else.
        (folder / f"photo{number:03}.jpg").write_bytes(seeds[number % DIFFERENT] + b"%d" % number)
    for number in range(DIFFERENT):
        (folder / f"photo{number:02}.jpg").unlink()


def measure(home: Homequeue, photos: Path) -> float:
    """Return how many photos a second become ready, from the moment on when all are there."""
    home.cli("jobs", "pause")
    done = home.cli("import", str(photos))
    assert done.returncode == 0, done.stderr
    began = time.monotonic()
    home.cli("jobs", "resume")
    wait_for("all previews", home.is_idle, PATIENCE)
    seconds = time.monotonic() - began
    assert [asset["state"] for asset in home.assets()] == ["ready"] * PHOTOS
    return PHOTOS / seconds


@contextlib.contextmanager
def core(number: int) -> Iterator[None]:
    """Let what is started inside run on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def second_machine(home: Homequeue, cluster: Cluster) -> Iterator[None]:
    """`homequeue worker` on the other core, behind a cable."""
    ip = ["ip"]
    subprocess.run([*ip, "netns", "add", NAME], check=True)
    try:
        for words in (
            f"link add {NAME}a type veth peer name {NAME}b netns {NAME}",
            f"addr add {FIRST}/24 dev {NAME}a",
            f"link set {NAME}a up",
            f"-n {NAME} addr add {SECOND}/24 dev {NAME}b",
            f"-n {NAME} link set {NAME}b up",
        ):
            subprocess.run([*ip, *words.split()], check=True)
        inside = ["taskset", "-c", "1", "ip", "netns", "exec", NAME, "unshare", "--uts", "--pid"]
        wrapper = [*inside, "--fork", "--mount-proc", "--kill-child", "sh", "-c"]
        settings = home.settings | {"database_url": cluster.url(host=FIRST)}
        start = 'hostname second && exec "$@"'
        workers = Homequeue(home.folder, settings, "worker", wrapper=[*wrapper, start, "sh"])
        workers.launch()
        names = "SELECT count(DISTINCT split_part(identity, '/', 1)) FROM worker"
        wait_for(
            "the second machine", lambda: cluster.ask(names, database="homequeue") == [(2,)], 60
        )
        try:
            yield
        finally:
            subprocess.run(["ip", "link", "del", f"{NAME}a"], check=True)
            assert workers.process is not None
            workers.process.kill()
            workers.process.wait()
    finally:
        subprocess.run([*ip, "netns", "del", NAME], check=True)


if __name__ == "__main__":
    main()
