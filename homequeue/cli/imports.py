"""`homequeue import`."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from homequeue import tasks
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import HomequeueError, NoSpace, NotFound, Unavailable, UsageError
from homequeue.log import plain
from homequeue.models import User
from homequeue.services import albums, importing, users
from homequeue.services.importing import Summary
from homequeue.services.ingest import in_words
from homequeue.web.shapes import left_label

BAR = 30
#: How many files that were refused for the same reason are named.
MOST_NAMED = 50
#: What a program that was interrupted ends with.
INTERRUPTED = 130
GO_ON = "Stopped. The same words again go on from here."


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="files, folders, zip files, exports of Google"
    )
    parser.add_argument("--owner", metavar="USER", help="whose photos they become")
    parser.add_argument("--album", metavar="NAME", default="", help="put them into this album")
    parser.add_argument(
        "--move", action="store_true", help="delete each file from where it was once it is safe"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Bring files in; exit 1 if any was refused."""
    bootstrap(settings, may_create=False)
    owner = _owner(arguments.owner)
    album = albums.plain_title(arguments.album) if arguments.album else ""
    files = importing.find(arguments.paths)
    if not files:
        raise NotFound("There are no files at " + ", ".join(arguments.paths) + ".")
    summary, error, stopped = _import(files, owner, album, move=arguments.move)
    if error is not None and not summary.seen:
        raise error
    summary.refused += [
        (path, "There is no such file.") for path in arguments.paths if not os.path.exists(path)
    ]
    if arguments.json:
        print(json.dumps(_as_json(summary, stopped=stopped), indent=1, ensure_ascii=False))
    else:
        _tell(summary)
    if error is not None:
        raise error
    if stopped:
        print(GO_ON, file=sys.stderr)
        return INTERRUPTED
    return 1 if summary.refused else 0


def _import(
    files: list[Path], owner: User, album: str, *, move: bool
) -> tuple[Summary, HomequeueError | None, bool]:
    """Return what became of files, what broke it off, and whether somebody did."""
    summary = Summary(0)
    progress = _Progress()
    with _interruptible() as interrupted:
        # A batch that has begun is ended; pressed once more, Ctrl-C ends at once.
        running = importing.run(
            files,
            owner,
            tasks.process_asset,
            report=tasks.report_soon,
            album=album,
            move=move,
            stop=lambda: bool(interrupted),
        )
        try:
            for summary in running:
                progress.show(summary)
        except (NoSpace, Unavailable) as error:
            return summary, error, False
        finally:
            progress.end()
    return summary, None, bool(interrupted) and summary.seen < summary.total


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Yield a list in which the first Ctrl-C is noted; the second is one as always."""
    noted: list[int] = []

    def note(signum: int, _frame: Any) -> None:
        noted.append(signum)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _owner(name: str | None) -> User:
    if name:
        return users.get(name)
    everyone = users.everyone()
    if not everyone:
        raise NotFound("There is no account yet whose photos these could be: homequeue user add.")
    if len(everyone) != 1:
        raise UsageError("Say whose photos these are: --owner USER.")
    return everyone[0]


class _Progress:
    """A bar on a terminal, lines in a pipe."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._is_bar = sys.stderr.isatty()
        self._width = 0

    def show(self, summary: Summary) -> None:
        """Show how far an import is."""
        words = f"{summary.seen} of {summary.total} ({in_words(summary.bytes_seen)})"
        if not self._is_bar:
            print(f"Looked at {words}", file=sys.stderr)
            return
        done = BAR * summary.seen // max(1, summary.total)
        line = f"{'█' * done + '·' * (BAR - done)} {words}{self._left(summary)}"
        print(f"\r{line.ljust(self._width)}", end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._width:
            print(file=sys.stderr)

    def _left(self, summary: Summary) -> str:
        """Return how long the rest takes, by the bytes so far."""
        rest = summary.bytes_total - summary.bytes_seen
        if rest <= 0 or not summary.bytes_seen:
            return ""
        seconds = (time.monotonic() - self._began) * rest / summary.bytes_seen
        return f", {left_label(seconds)} left"


def _tell(summary: Summary) -> None:
    for path, words in [*_grouped(summary.refused), *summary.left]:
        print(plain(f"{path}: {words}"), file=sys.stderr)
    counts = {
        f"{summary.restored} taken back out of the trash": summary.restored,
        f"{summary.sidecars} with a sidecar": summary.sidecars,
        f"{summary.albums.total()} into {_named(len(summary.albums))}": len(summary.albums),
        f"{summary.trashed} left out that lay in a trash": summary.trashed,
        f"{summary.skipped} skipped": summary.skipped,
    }
    taken = f"{summary.added} added, {summary.known} already here"
    rest = "".join(f", {words}" for words, count in counts.items() if count)
    print(f"{taken}, {len(summary.refused)} not accepted{rest}")


def _named(count: int) -> str:
    return "an album" if count == 1 else f"{count} albums"


def _grouped(refused: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield what was refused by reason, not more than some of each."""
    for words, group in groupby(sorted(refused, key=lambda one: one[1]), lambda one: one[1]):
        some = list(group)
        yield from some[:MOST_NAMED]
        if len(some) > MOST_NAMED:
            yield f"and {len(some) - MOST_NAMED} more", words


def _as_json(summary: Summary, *, stopped: bool) -> dict[str, Any]:
    refused = [{"path": importing.spoken(path), "error": words} for path, words in summary.refused]
    left = [{"path": importing.spoken(path), "error": words} for path, words in summary.left]
    return {
        "batch": summary.batch,
        "added": summary.added,
        "known": summary.known,
        "restored": summary.restored,
        "sidecars": summary.sidecars,
        "albums": dict(summary.albums),
        "skipped": summary.skipped,
        "trashed": summary.trashed,
        "refused": refused,
        "left": left,
        "stopped": stopped,
    }
