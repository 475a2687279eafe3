"""Import: ingest of many files from folders, in batches that cost one sync each."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from homequeue.errors import HomequeueError, NoSpace, Unavailable
from homequeue.media import media
from homequeue.models import User
from homequeue.services import batches, ingest, receipts, sidecars

#: Files that are made safe together.
BATCH = 50
CHUNK = 2**20


@dataclass
class Summary:
    """What became of the files of an import."""

    #: The batch they belong to.
    batch: int
    added: int = 0
    known: int = 0
    #: Companions of photos that are none themselves.
    skipped: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    #: Files that were to be moved and are here, but could not be deleted where they were.
    left: list[tuple[str, str]] = field(default_factory=list)
    #: How many of the refused have their receipts.
    written: int = 0

    @property
    def seen(self) -> int:
        """How many files have been dealt with."""
        return self.added + self.known + self.skipped + len(self.refused)


@dataclass(frozen=True)
class Found:
    """A file that was read: where, and by what one sees later whether it still is the same."""

    path: Path
    received: ingest.Received
    stamp: tuple[int, ...]


def find(paths: Iterable[str]) -> list[Path]:
    """Return the files below these paths in a stable order, without hidden ones and sidecars."""
    found = dict.fromkeys(file for path in paths for file in _files(Path(path)))
    return sidecars.without(found)


def run(
    files: Iterable[Path], owner: User, defer: ingest.Defer, *, move: bool = False
) -> Iterator[Summary]:
    """Bring files into the library and yield the summary so far after each batch.

    With `move`, a file is deleted from where it was once it is safe here.
    """
    summary = Summary(batches.begin("import", owner))
    some: list[Found] = []
    try:
        for path in files:
            received = _receive(path, owner, summary)
            if received is not None:
                some.append(received)
            if len(some) >= BATCH:
                _record(some, defer, summary, move=move)
                some = []
                yield summary
        _record(some, defer, summary, move=move)
        yield summary
    finally:
        for found in some:
            found.received.incoming.discard()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found = (Path(folder) / name for name in sorted(names) if not name.startswith("."))
        # Opening a pipe would wait for ever; a link that leads nowhere is told of later.
        yield from (path for path in found if path.is_file() or not path.exists())


def _receive(path: Path, owner: User, summary: Summary) -> Found | None:
    if media.holds(path):
        summary.refused.append((str(path), "This is in the library already."))
        return None
    if sidecars.is_companion(path) and path.is_file():
        summary.skipped += 1
        return None
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            ingest.check_size(seen.st_size)
            ingest.check_room(seen.st_size)
            upload = ingest.Upload(owner, _spoken(path.name), seen.st_mtime, sidecars.read(path))
            received = ingest.receive(upload, iter(lambda: file.read(CHUNK), b""))
            return Found(path, received, _stamp(seen))
    except (NoSpace, Unavailable):
        raise  # the rest would fare no better
    except HomequeueError as error:
        summary.refused.append((str(path), str(error)))
    except OSError as error:
        summary.refused.append((str(path), error.strerror or str(error)))
    return None


def _record(some: list[Found], defer: ingest.Defer, summary: Summary, *, move: bool) -> None:
    kept = ingest.record([found.received for found in some], defer, lambda: summary.batch)
    _write_refused(summary)
    duplicates = sum(one.duplicate for one in kept)
    summary.known += duplicates
    summary.added += len(kept) - duplicates
    if move:
        for found in some:
            _remove(found, summary)


def _write_refused(summary: Summary) -> None:
    refused = [
        receipts.Refusal(_spoken(path), words) for path, words in summary.refused[summary.written :]
    ]
    if refused:
        receipts.refuse(summary.batch, refused)
    summary.written = len(summary.refused)


def _spoken(path: str) -> str:
    """Return a path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="replace")


def _remove(found: Found, summary: Summary) -> None:
    try:
        if _stamp(found.path.stat()) == found.stamp:
            found.path.unlink()
            return
        words = "It changed while it was read, so it stays here too."
    except FileNotFoundError:
        return
    except OSError as error:
        words = f"It is safe in the library, but could not be deleted here: {error.strerror}."
    summary.left.append((str(found.path), words))


def _stamp(seen: os.stat_result) -> tuple[int, ...]:
    return seen.st_ino, seen.st_size, seen.st_mtime_ns
