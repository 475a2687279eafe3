"""WebDAV with the programs people use: rclone sends each night, litmus knows the protocol."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import part
from tests.processes.minutes import IMPATIENT, a_minute_passes
from tests.processes.servers import NAME, PASSWORD, Homequeue, eventually, noise, running

pytestmark = pytest.mark.slow

#: What litmus asks for that is not meant to be: properties of files that nobody would ever read.
PROPERTIES = {
    "basic": set(),
    "copymove": set(),
    "http": set(),
    "props": {"propset", "propmanyns", "propget"},
    "locks": {"owner_modify"},
}
#: Each file in the inbox is looked at twice.
TAKEN_WITHIN = 150.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    folder = tmp_path_factory.mktemp("dav")
    with running(folder, module=IMPATIENT, uploads_min_free="1M") as started:
        yield started


@pytest.mark.parametrize("suite", PROPERTIES)
def test_litmus(server: Homequeue, tmp_path: Path, suite: str) -> None:
    command = [part("litmus"), "-k", f"{server.url}/dav/", NAME, PASSWORD]
    environ = {"TESTS": suite, "PATH": "/usr/bin:/bin:/usr/local/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path)
    subprocess.run(_curl(server, "-X", "DELETE", "litmus/"), check=True, capture_output=True)
    failed = set(re.findall(r"^\s*\d+\. (\w+)\.* FAIL", done.stdout.replace("\r", "\n"), re.M))
    assert failed == PROPERTIES[suite], done.stdout
    assert f"<- summary for `{suite}'" in done.stdout


@pytest.mark.parametrize("vendor", ["other", "owncloud"])
def test_rclone_sends_everything_once(server: Homequeue, tmp_path: Path, vendor: str) -> None:
    """Also when the photos were taken from the inbox in between."""
    photos = tmp_path / "photos"
    (photos / "été 2026").mkdir(parents=True)
    names = ["a (1).jpg", "b+c%.jpg", "été 2026/c.jpg"]
    for seed, name in enumerate(names):
        (photos / name).write_bytes(noise(seed + len(vendor)))
    rclone = _Rclone(server, tmp_path, vendor)
    assert rclone.transferred("copy", photos) == len(names)
    assert rclone.transferred("copy", photos) == 0
    inbox = server.data / "inbox" / NAME / vendor

    def is_empty() -> bool:
        a_minute_passes(server)
        return not any(path.is_file() for path in inbox.rglob("*"))

    eventually(is_empty, "all was taken", TAKEN_WITHIN)
    assert rclone.transferred("copy", photos) == 0
    assert rclone.transferred("copy", photos, "--checksum") == 0
    assert rclone.transferred("sync", photos) == 0
    assert "0 differences found" in rclone.run("check", photos)
    assert "0 differences found" in rclone.run("check", photos, "--download")
    (photos / "d.jpg").write_bytes(noise(9 + len(vendor)))
    assert rclone.transferred("copy", photos) == 1


def test_a_large_file_is_moved_and_not_held(server: Homequeue, tmp_path: Path) -> None:
    big = tmp_path / "big.mov"
    with big.open("wb") as file:
        file.truncate(300 * 2**20)
    before = _memory(server)
    done = subprocess.run(_curl(server, "-T", str(big), "big.mov"), capture_output=True, check=True)
    assert done.stdout == b"201"
    assert _memory(server) - before < 20 * 2**20
    assert not list((server.data / "incoming").glob("upload-*"))


def test_nothing_is_taken_from_a_stranger(server: Homequeue, tmp_path: Path) -> None:
    big = tmp_path / "big.mov"
    big.write_bytes(bytes(8 * 2**20))
    words = _curl(server, "-T", str(big), "-w", "%{http_code} %{size_upload}", "no.mov")
    words[words.index(f"{NAME}:{PASSWORD}")] = f"{NAME}:guess"
    done = subprocess.run(words, capture_output=True, check=True)
    status, sent = done.stdout.split()
    assert status == b"401"
    assert int(sent) < 8 * 2**20


class _Rclone:
    """An rclone that knows the server."""

    def __init__(self, server: Homequeue, folder: Path, vendor: str) -> None:
        self.vendor = vendor
        self.program = part("rclone")
        hidden = subprocess.run(
            [self.program, "obscure", PASSWORD], capture_output=True, text=True, check=True
        )
        self.config = folder / "rclone.conf"
        lines = ("[there]", "type = webdav", f"url = {server.url}/dav", f"vendor = {vendor}")
        lines += (f"user = {NAME}", f"pass = {hidden.stdout.strip()}")
        self.config.write_text("\n".join(lines) + "\n")

    def run(self, verb: str, photos: Path, *words: str) -> str:
        command = [self.program, "--config", str(self.config), "--retries", "1", "-v", verb]
        command += [str(photos), f"there:{self.vendor}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def transferred(self, verb: str, photos: Path, *words: str) -> int:
        """How many files it has sent."""
        return len(re.findall(r": Copied \(", self.run(verb, photos, *words)))


def _curl(server: Homequeue, *words: str) -> list[str]:
    *options, place = words
    command = [part("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    return [*command, "-u", f"{NAME}:{PASSWORD}", *options, f"{server.url}/dav/{place}"]


def _memory(server: Homequeue) -> int:
    """The most memory that one of its processes has had, in bytes."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in server.family()]
    return max(int(re.search(r"VmHWM:\s+(\d+)", one)[1]) * 1024 for one in statuses)  # type: ignore[index]
