"""The order in which bytes reach the disk: what a power cut may take is nothing that was promised.

A page cache cannot be dropped from a test; the system calls that empty it can be watched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import part
from tests.processes.servers import Homequeue, eventually, noise

pytestmark = pytest.mark.slow

SYNCS = ("fsync", "fdatasync", "syncfs")
NAMES = ("link", "linkat", "rename", "renameat", "renameat2")
ANSWERS = ("write", "writev", "send", "sendto", "sendmsg")
WRITES = ("write", "pwrite64")
#: `1234 fsync(9</data/originals/2026/11/a.jpg>) = 0`, or its second half after an interruption.
BEGUN = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")


@dataclass(frozen=True)
class Call:
    """A system call that has ended, with its arguments as strace shows them."""

    name: str
    arguments: str

    def is_sync_of(self, path: str) -> bool:
        return self.name in SYNCS and f"<{path}>" in self.arguments


def strace(trace: Path) -> list[str]:
    """The words in front of a command that have its calls written down."""
    watched = ",".join({*SYNCS, *NAMES, *ANSWERS, *WRITES})
    return [part("strace"), "-f", "-y", "-s", "200", "-e", f"trace={watched}", "-o", str(trace)]


def calls(trace: Path) -> Iterator[Call]:
    """All calls in the order in which they ended, and writes in that in which they began."""
    waiting: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        if resumed := RESUMED.match(line):
            thread, name, rest = resumed.groups()
            if name not in ANSWERS:
                yield Call(name, waiting.pop(thread, "") + rest)
        elif begun := BEGUN.match(line):
            thread, name, rest = begun.groups()
            if rest.endswith("<unfinished ...>") and name not in ANSWERS:
                waiting[thread] = rest.removesuffix("<unfinished ...>")
            else:
                yield Call(name, rest)


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Homequeue]:
    """A web process under strace, with an account."""
    server = Homequeue(tmp_path, command="web", wrapper=strace(tmp_path / "trace"))
    try:
        server.start().open_account()
        yield server
    finally:
        server.end()


def trace_of(server: Homequeue, answer: bytes = b"HTTP/1.1 201") -> list[Call]:
    """The calls up to the answer, which strace may write down a moment after the client has it."""
    trace = server.folder / "trace"
    eventually(lambda: answer in trace.read_bytes(), "strace has seen the answer", 10)
    return list(calls(trace))


def sync_of(found: list[Call], path: Path, *, after: int = 0) -> int:
    """Where in the trace a file or folder was synced next."""
    for at, call in enumerate(found):
        if at >= after and call.is_sync_of(str(path)):
            return at
    raise AssertionError(f"no sync of {path} in {[call for call in found if call.name in SYNCS]}")


def first(found: list[Call], names: tuple[str, ...], text: str) -> int:
    """Where in the trace such a call had such a text among its arguments for the first time."""
    return next(
        at for at, call in enumerate(found) if call.name in names and text in call.arguments
    )


def last_write(found: list[Call], path: str, *, before: int) -> int:
    """Where in the trace something was last written to a file before a moment."""
    written = enumerate(found[:before])
    return [at for at, call in written if call.name in WRITES and path in call.arguments][-1]


def check_order(server: Homequeue, found: list[Call], path: str) -> None:
    """Bytes, then their name and the folders of it, then the rows, then the answer."""
    original, wal = server.data / path, server.data / "homequeue.db-wal"
    answer = first(found, ANSWERS, "HTTP/1.1 201")
    rows_written = last_write(found, str(wal), before=answer)
    named = first(found, NAMES, path)
    written = last_write(found, "/incoming/upload-", before=named)
    folders = [original.parent, *original.parents[1:3]]
    assert folders[-1] == server.data / "originals"
    assert written < first(found[written:], SYNCS, "/incoming/upload-") + written < named
    for folder in folders:
        assert sync_of(found, folder, after=named) < rows_written
    assert sync_of(found, wal, after=rows_written) < answer


def test_an_upload_is_on_the_disk_before_its_answer_is_sent(traced: Homequeue) -> None:
    assert traced.upload(noise(1), "first.jpg").status == 201
    (path,) = traced.originals()
    check_order(traced, trace_of(traced), path)


def test_so_is_a_second_one_into_the_same_folder(traced: Homequeue) -> None:
    assert traced.upload(noise(1), "first.jpg").status == 201
    before = len(trace_of(traced))
    assert traced.request("PUT", "/api/assets/second.jpg", noise(2)).status == 201

    def is_written_down() -> bool:
        return any("HTTP/1.1 201" in call.arguments for call in trace_of(traced)[before:])

    eventually(is_written_down, "strace has seen the second answer", 10)
    path = next(path for path in traced.originals() if "second" in path)
    check_order(traced, trace_of(traced)[before:], path)


def test_an_import_is_on_the_disk_before_it_says_so(tmp_path: Path) -> None:
    server = Homequeue(tmp_path).open_account()
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        (photos / f"{number}.jpg").write_bytes(noise(number))
    done = server.cli("import", str(photos), wrapper=strace(tmp_path / "trace"))
    assert done.returncode == 0, done.stderr
    found = list(calls(tmp_path / "trace"))
    wal = server.data / "homequeue.db-wal"
    said = first(found, ANSWERS, "6 added")
    named = max(first(found, NAMES, path) for path in server.originals())
    rows_written = last_write(found, str(wal), before=said)
    synced = next(at for at, call in enumerate(found) if call.name == "syncfs" and at > named)
    assert synced < rows_written < sync_of(found, wal, after=rows_written) < said
    assert sum(call.name in SYNCS for call in found) <= 20
