"""Import: ingest of many files from folders and archives, in batches that cost one sync each."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from homequeue.db import db
from homequeue.errors import HomequeueError, Invalid, NoSpace, Unavailable
from homequeue.media import media
from homequeue.models import Asset, Receipt, User
from homequeue.services import (
    albums,
    batches,
    beside,
    ingest,
    notify,
    receipts,
    sidecars,
    sightings,
    sources,
)
from homequeue.services.sources import Source

#: Files that are made safe together, and bytes of them.
BATCH, BATCH_BYTES = 100, 512 * 2**20
CHUNK = 2**20
CHANGED = "It changed while it was read. Import it again when nobody writes to it any more."


@dataclass
class Summary:
    """What became of the files of an import."""

    #: The batch they belong to.
    batch: int
    #: How many files there are, and of how many bytes; those that only go with photos included.
    total: int = 0
    bytes_total: int = 0
    bytes_seen: int = 0
    added: int = 0
    #: Photos that were here already, and how many of them this took back out of the trash.
    known: int = 0
    restored: int = 0
    #: Companions of photos that are none themselves; those of them that said something of one.
    skipped: int = 0
    used: int = 0
    #: Photos that lay in the trash of where they were exported.
    trashed: int = 0
    #: How many photos had a sidecar, and how many were put into each album.
    sidecars: int = 0
    albums: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    #: Files that were to be moved and are here, but could not be deleted where they were.
    left: list[tuple[str, str]] = field(default_factory=list)
    #: How many of the refused have their receipts.
    written: int = 0

    @property
    def seen(self) -> int:
        """How many files have been dealt with."""
        gone_by = self.skipped + self.used + self.trashed + len(self.refused)
        return self.added + self.known + gone_by


@dataclass(frozen=True)
class Found:
    """A file that was looked at: what is known beside it, and its bytes or the asset they are."""

    source: Source
    upload: ingest.Upload
    favorite: bool
    mark: str
    received: ingest.Received | None = None
    known: int | None = None


@dataclass(frozen=True)
class Wish:
    """What is asked of an import: whose the files become, who is told, and what is done to them."""

    owner: User
    defer: ingest.Defer
    report: notify.Report
    albums: tuple[str, ...]
    move: bool


def find(paths: Iterable[str]) -> list[Path]:
    """Return the files below these paths in a stable order, without hidden ones and sidecars.

    Folders among them are those that were not looked into, each to be told of.
    """
    found = dict.fromkeys(file for path in paths for file in _files(Path(path)))
    return sidecars.without(found)


def run(
    files: Iterable[Path],
    owner: User,
    defer: ingest.Defer,
    *,
    report: notify.Report = lambda _: None,
    album: str = "",
    move: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Summary]:
    """Bring files into the library and yield the summary so far after each batch.

    `report` defers telling of them. They are put into `album` besides those that an export says.
    With `move`, a file is deleted from where it was once it is safe here. When `stop` says so, the
    batch that has begun is the last.
    """
    found = sources.of(files)
    known = beside.Beside(found)
    wish = Wish(owner, defer, report, albums.titles(album), move)
    one = _Import(known, wish)
    summary = one.summary
    summary.total, summary.bytes_total = len(found), sum(source.size for source in found)
    # What only goes with photos comes last: then it is known of what nobody made use. Of what is
    # in an album as well, the copies outside of it come first, for more is known of those.
    ordered = sorted(found, key=lambda one: (beside.is_companion(one), known.is_in_album(one)))
    try:
        for source in ordered:
            if stop():
                break
            one.take(source)
            if one.is_full():
                one.record()
                yield summary
        one.record()
        yield summary
    finally:
        one.discard()


class _Import:
    """One run of an import: what it was asked, and what waits to be recorded."""

    def __init__(self, known: beside.Beside, wish: Wish) -> None:
        self.summary = Summary(batches.begin("import", wish.owner))
        self._beside, self._wish = known, wish
        self._some: list[Found] = []

    def take(self, source: Source) -> None:
        """Look at a file, and read it if it is not known to be here."""
        summary = self.summary
        summary.bytes_seen += source.size
        if media.holds(source.path):
            summary.refused.append((source.place, "This is in the library already."))
        elif beside.is_companion(source):
            is_used = self._beside.is_used(source)
            summary.used, summary.skipped = summary.used + is_used, summary.skipped + (not is_used)
        elif source.problem:
            summary.refused.append((source.place, source.problem))
        else:
            self._look(source)

    def is_full(self) -> bool:
        """Tell whether what waits is to be recorded."""
        size = sum(found.source.size for found in self._some if found.received is not None)
        refused = len(self.summary.refused) - self.summary.written
        return len(self._some) + refused >= BATCH or size >= BATCH_BYTES

    def record(self) -> None:
        """Make safe what waits, and write down what became of it and of what was refused."""
        read = [found for found in self._some if found.received is not None]
        known = [found for found in self._some if found.known is not None]
        received = [found.received for found in read if found.received is not None]
        self._some = known

        def also(kept: list[ingest.Kept]) -> None:
            for found, one in zip(read, kept, strict=True):
                self._add(found, one)
            notify.tell(self._wish.owner, self._wish.report, *(one.outcome for one in kept))

        kept = ingest.record(received, self._wish.defer, lambda: self.summary.batch, also)
        self._record_known(known)
        self._some = []
        self._write_refused()
        duplicates = sum(one.duplicate for one in kept)
        self.summary.known += duplicates + len(known)
        self.summary.restored += sum(one.outcome == receipts.RESTORED for one in kept)
        self.summary.added += len(kept) - duplicates
        for found in (*read, *known):
            self.summary.sidecars += bool(found.upload.sidecar)
            self.summary.albums.update(found.upload.albums)
        if self._wish.move:
            for found in read:
                self._remove(found.source)

    def discard(self) -> None:
        """Let go of what was read and is not recorded."""
        for found in self._some:
            if found.received is not None:
                found.received.incoming.discard()

    def _look(self, source: Source) -> None:
        said = self._beside.of(source)
        if said.is_trashed:
            self.summary.trashed += 1
            return
        modified = source.modified if said.modified is None else said.modified
        titles = tuple(dict.fromkeys((*self._wish.albums, *_titles(said.album))))
        name = ingest.plain_name(spoken(said.filename))
        upload = ingest.Upload(self._wish.owner, name, modified, said.sidecar, albums=titles)
        mark = sightings.mark(upload, source)
        # What is to be deleted is compared by its bytes, whatever they were the last time.
        known = None if self._wish.move else sightings.asset(mark)
        if known is not None:
            self._some.append(Found(source, upload, said.is_favorite, mark, known=known))
        elif (received := self._receive(source, upload)) is not None:
            self._some.append(Found(source, upload, said.is_favorite, mark, received))

    def _receive(self, source: Source, upload: ingest.Upload) -> ingest.Received | None:
        try:
            ingest.check_size(source.size)
            ingest.check_room(source.size)
            with source.open() as file:
                before = source.look(file)
                received = ingest.receive(upload, iter(lambda: file.read(CHUNK), b""))
                if source.look(file) == before:
                    return received
            received.incoming.discard()
            self.summary.refused.append((source.place, CHANGED))
        except (NoSpace, Unavailable):
            raise  # the rest would fare no better
        except HomequeueError as error:
            self.summary.refused.append((source.place, str(error)))
        except OSError as error:
            self.summary.refused.append((source.place, error.strerror or str(error)))
        return None

    def _add(self, found: Found, kept: ingest.Kept) -> None:
        """Write what goes with an asset, in the transaction of its row."""
        sightings.remember(found.mark, kept)
        if found.favorite:
            Asset.update(favorite=True).where(Asset.id == kept.asset.id).execute()
        if kept.duplicate and found.upload.sidecar:
            sidecars.give(kept.asset.id, found.upload.sidecar, self._wish.defer)

    def _record_known(self, known: list[Found]) -> None:
        """Write that files are here already which were not read again."""
        if not known:
            return
        rows = [
            Receipt(
                filename=found.upload.filename,
                size=found.source.size,
                asset=found.known,
                outcome=receipts.KNOWN,
            )
            for found in known
        ]
        members: dict[str, list[int]] = {}
        for found in known:
            for title in found.upload.albums:
                members.setdefault(title, []).append(found.known or 0)
        with db.atomic():
            for title, asset_ids in members.items():
                albums.add(albums.named(self._wish.owner, title), asset_ids)
            receipts.write(self.summary.batch, rows)

    def _write_refused(self) -> None:
        new = self.summary.refused[self.summary.written :]
        if new:
            refusals = [receipts.Refusal(_readable(path), words) for path, words in new]
            receipts.refuse(self.summary.batch, refusals)
        self.summary.written = len(self.summary.refused)

    def _remove(self, source: Source) -> None:
        if source.archive is not None:
            return  # others may be in there that are not here
        try:
            if sources.stamp(source.path.stat()) == source.stamp:
                source.path.unlink()
                return
            words = "It changed while it was read, so it stays here too."
        except FileNotFoundError:
            return
        except OSError as error:
            words = f"It is safe in the library, but could not be deleted here: {error.strerror}."
        self.summary.left.append((source.place, words))


def spoken(path: str) -> str:
    """Return a path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="replace")


def _readable(path: str) -> str:
    """Return a path without what cannot be shown; of one that is too long the end."""
    text = "".join(c for c in spoken(path) if c.isprintable())
    return text.encode()[-ingest.LONGEST_FILENAME :].decode(errors="ignore")


def _files(path: Path) -> Iterator[Path]:
    if not os.path.isdir(path):
        yield from [path] if os.path.isfile(path) else []
        return
    closed: list[Path] = []
    for folder, below, names in os.walk(path, onerror=lambda error: closed.append(error.filename)):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found = (Path(folder) / name for name in sorted(names) if not name.startswith("."))
        # Opening a pipe would wait for ever; a link that leads nowhere is told of later.
        yield from (path for path in found if os.path.isfile(path) or not os.path.exists(path))
        yield from (Path(folder) / name for name in below if os.path.islink(Path(folder) / name))
    yield from map(Path, closed)


def _titles(title: str) -> tuple[str, ...]:
    try:
        return albums.titles(title)
    except Invalid:
        return ()  # an album of an export that has no name to speak of
