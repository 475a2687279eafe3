"""Ingest: receive, identify, keep, record. Bytes, then rows, then the hint to the queue.

A client hears yes only after `record` returned: then the bytes, their name and their row are on the
disk. A crash before that leaves a stale incoming file or an original without a row, and a periodic
task heals both.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from homequeue import config, ledger
from homequeue.db import db
from homequeue.errors import HomequeueError, Invalid, NoSpace, TooLarge
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.models import Asset, Guest, Receipt, User
from homequeue.services import (
    albums,
    assets,
    batches,
    containers,
    imaging,
    notify,
    raw,
    receipts,
    shares,
    trial,
)

#: Defers the work for a new asset, inside the transaction that writes its row.
Defer = Callable[[int], Any]
#: Tells to which batch files belong, inside the transaction that writes their rows.
Batch = Callable[[], int]

#: The longest name of a file that is kept, in bytes of UTF-8.
LONGEST_FILENAME = 1024
#: Clocks of phones and cameras are believed from here on.
EARLIEST = datetime(1971, 1, 1).timestamp()


@dataclass(frozen=True)
class Upload:
    """What a sender says of a file: whose it is, its name, when it was changed, and more.

    `sidecar` is the text of an XMP file, `albums` the titles of albums it is put into; `guest` is
    who sends it by a drop link of its owner.
    """

    owner: User
    filename: str
    modified: float | None = None
    sidecar: str = ""
    albums: tuple[str, ...] = ()
    guest: Guest | None = None

    @property
    def into(self) -> tuple[str, ...]:
        """The titles of the albums that it is put into at once: a guest cannot name any."""
        if self.guest is None:
            return self.albums
        return () if self.guest.share.needs_approval else albums.titles(self.guest.share.album)


@dataclass(frozen=True)
class Received:
    """A file that has arrived and been identified, and is not promised yet."""

    upload: Upload
    incoming: Incoming
    identity: imaging.Identity


@dataclass(frozen=True)
class Kept:
    """An asset that is safe, what that means (see `receipts`), and its batch."""

    asset: Asset
    outcome: str
    batch: int

    @property
    def duplicate(self) -> bool:
        """Whether its bytes were known before."""
        return self.outcome != receipts.ADDED


def check_size(size: int) -> None:
    """Raise TooLarge if a file of this many bytes is more than we take."""
    most = config.settings().uploads.max_size
    if size > most:
        raise TooLarge(f"The file is larger than {in_words(most)}, the most we take.")


def check_file(user: User, filename: str, size: int, guest: Guest | None = None) -> None:
    """Raise Invalid or TooLarge if a file that is about to come cannot be taken.

    Its receipt says so, for it will not be sent again.
    """
    try:
        if not size:
            raise Invalid("This file is empty.")
        check_size(size)
        shares.check_room(guest, size)
    except HomequeueError as error:
        if not error.passing:
            refusal = receipts.Refusal(plain_name(filename), str(error), size)
            receipts.refuse_upload(user, [refusal], guest)
        raise


def check_room(size: int = 0) -> None:
    """Raise NoSpace if so many bytes would not leave the room that is kept free."""
    media.check_mounted()
    if media.free_bytes() - size < config.settings().uploads.min_free:
        raise NoSpace("The disk of the server is nearly full: nothing is taken until it has room.")


def receive(upload: Upload, chunks: Iterable[bytes]) -> Received:
    """Read a file to its end and tell what it is; nothing is kept of one that we do not take."""
    return arrived(upload, copy(chunks))


def copy(chunks: Iterable[bytes]) -> Incoming:
    """Read a file to its end; nothing is kept of one that is too large."""
    incoming = media.receive()
    try:
        for chunk in chunks:
            incoming.write(chunk)
            check_size(incoming.size)
    except BaseException:
        incoming.discard()
        raise
    return incoming


def arrived(upload: Upload, incoming: Incoming, turns: trial.Turns | None = None) -> Received:
    """Tell what a file is whose last byte is there; one that we do not take is discarded."""
    memory = config.settings().renditions.memory
    try:
        if not incoming.size:
            raise Invalid("This file is empty.")
        identity = _identify(incoming.complete())
        if not identity.mime.startswith("video/"):
            trial.check(incoming.file, identity, memory, turns)
        incoming.close()  # a form of a thousand photos must not hold a thousand files open
        return Received(upload, incoming, identity)
    except BaseException:
        incoming.discard()
        raise


def record(
    received: Sequence[Received],
    defer: Defer,
    batch: Batch,
    also: Callable[[list[Kept]], object] | None = None,
    *,
    durable: bool = False,
) -> list[Kept]:
    """Make received files safe, write their rows and defer their work; then they are promised.

    What `also` writes is written with them or not at all. A worker's commits may be lost with the
    power or its database, so one that is to rely on the rows says `durable`.
    """
    # All files of one request are of one sender.
    guest = next((file.upload.guest for file in received), None)
    try:
        with shares.counted(guest, [file.incoming.size for file in received]):
            # The same bytes twice in one batch are one original: the first of them, as is its row.
            different = {file.incoming.checksum: file for file in reversed(received)}
            media.settle_incoming([file.incoming for file in different.values()])
            places = {checksum: _keep(file) for checksum, file in different.items()}
            media.settle(list(places.values()))
            with db.durable() if durable else db.atomic():
                kept = _write(received, places, defer, batch())
                if also is not None:
                    also(kept)
        return kept
    finally:
        for file in received:
            file.incoming.discard()


def recognise(owner: User, files: Sequence[tuple[str, str]]) -> tuple[list[Kept], int | None]:
    """Do with files that are here, by checksum and name, as if they had been sent.

    Whoever wants to send one wants it out of the trash. Return those that are, and their batch.
    """
    with db.atomic():
        here = assets.known(owner, [checksum for checksum, _ in files])
        if not here:
            return [], None
        batch = batches.of_now(owner)
        found = [(here[checksum], name) for checksum, name in files if checksum in here]
        kept = [Kept(asset, _outcome(asset), batch) for asset, _ in found]
        for asset in here.values():
            assets.restore(asset)
        rows = zip(kept, found, strict=True)
        receipts.write(batch, [_receipt(one, plain_name(name)) for one, (_, name) in rows])
    return kept, batch


def adopt(path: str, owner: User, defer: Defer) -> Asset:
    """Write the row of an original that has none, as after a crash between bytes and rows."""
    copy = media.receive()
    try:
        with media.open(path) as file:
            for chunk in iter(lambda: file.read(2**20), b""):
                copy.write(chunk)
        identity = _identify(copy.complete())
        found = Received(Upload(owner, path.rpartition("/")[2]), copy, identity)
        with db.atomic():
            return _record(found, path, defer)[0]
    finally:
        copy.discard()


def plain_name(filename: str) -> str:
    """Return a file's name as a sender gives it without folders and what cannot be shown.

    >>> plain_name("C:\\\\Users\\\\Anna\\\\sea.jpg"), plain_name("../")
    ('sea.jpg', 'photo')
    """
    name = "".join(c for c in filename if c.isprintable()).replace("\\", "/").rpartition("/")[2]
    short = name.encode(errors="replace")[:LONGEST_FILENAME].decode(errors="ignore")
    return short.strip() or "photo"


def moment(milliseconds: str) -> float | None:
    """Return the moment that a sender gives in milliseconds since 1970; None if it is none."""
    text = milliseconds.strip()
    return int(text) / 1000 if text.isascii() and text.isdecimal() and len(text) < 16 else None


def believed(modified: float | None) -> float | None:
    """Return the moment that a sender gives, in seconds since 1970; None if it cannot be true."""
    if modified is None or not EARLIEST <= modified <= time.time() + 86400:
        return None
    return modified


def in_words(size: int) -> str:
    """Return a number of bytes the way people say it, in powers of ten as phones count.

    >>> in_words(4 * 10**9), in_words(1500), in_words(1)
    ('4 GB', '1.5 kB', '1 byte')
    """
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    # Halfway up from 999.9 it already reads as 1 of the next unit.
    unit = next((n for n in range(1, 4) if size < 999.95 * 1000**n), 4)
    return f"{size / 1000**unit:.1f}".removesuffix(".0") + (" kB", " MB", " GB", " TB")[unit - 1]


def _write(
    received: Sequence[Received], places: dict[str, str], defer: Defer, batch: int
) -> list[Kept]:
    """Write the rows of files whose bytes are in their places."""
    with ledger.part_of(batch):
        kept = [
            Kept(*_record(file, places[file.incoming.checksum], defer), batch) for file in received
        ]
    pairs = list(zip(received, kept, strict=True))
    for file, one in pairs:
        if one.duplicate and file.upload.guest:
            shares.offer(file.upload.guest, one.asset)
        elif one.duplicate:
            assets.restore(one.asset)  # whoever sends it again wants it back
    _put_into_albums(pairs)
    receipts.write(batch, [_receipt(one, file.upload.filename) for file, one in pairs])
    return kept


def _identify(file: BinaryIO) -> imaging.Identity:
    found = containers.identify(file) or raw.identify(file)
    return found or imaging.identify(file, config.settings().renditions.memory)


def _keep(file: Received) -> str:
    same: Any = Asset.select(Asset.path).where(Asset.checksum == file.incoming.checksum)
    for (path,) in same.distinct().tuples():
        if media.is_whole(path, file.incoming.size):
            return str(path)
    when = datetime.fromtimestamp(believed(file.upload.modified) or time.time())
    return media.keep(file.incoming, file.upload.filename, file.identity.extension, when)


def _receipt(kept: Kept, name: str) -> Receipt:
    asset, outcome = kept.asset, kept.outcome
    return Receipt(filename=name, size=asset.size, asset=asset.id, outcome=outcome)


def _outcome(known: Asset) -> str:
    return receipts.KNOWN if known.trashed_at is None else receipts.RESTORED


def _put_into_albums(files: Iterable[tuple[Received, Kept]]) -> None:
    members: dict[tuple[int, str], list[int]] = {}
    for file, kept in files:
        for title in file.upload.into:
            members.setdefault((file.upload.owner.id, title), []).append(kept.asset.id)
    for (owner, title), asset_ids in members.items():
        albums.add(albums.named(owner, title), asset_ids)


def _record(file: Received, path: str, defer: Defer) -> tuple[Asset, str]:
    """Write the row of a file and defer its work, if it is new; tell its asset and its outcome."""
    known = _known(file)
    if known is not None:
        if not media.is_whole(known.path, known.size):
            path = _there(file, path)
            _heal(known.path, path, defer)
        _drop_if_unused(path)
        # What a guest sends again is the owner's to take out of the trash.
        return known, receipts.KNOWN if file.upload.guest else _outcome(known)
    asset = _new_asset(file, _there(file, path))
    defer(asset.id)
    return asset, receipts.ADDED


def _there(file: Received, path: str) -> str:
    """Return where a file is kept; once more if the purge, under the same lock, was quicker."""
    if media.exists(path):
        return path
    again = _keep(file)
    media.settle([again])
    return again


def _heal(torn: str, path: str, defer: Defer) -> None:
    """Put what was sent in the place of an original that is gone or cut short, for all who have it.

    Nothing of an original is ever deleted: what is left of it stays beside its place.
    """
    media.put_aside(torn)
    healed = [asset.id for asset in Asset.select(Asset.id).where(Asset.path == torn)]
    Asset.update(path=path).where(Asset.id.in_(healed)).execute()
    for asset_id in healed:
        defer(asset_id)


def _drop_if_unused(path: str) -> None:
    # Nobody else can be about to use it: rows are written under the lock we hold.
    if not Asset.select().where(Asset.path == path).exists():
        media.remove(path)


def _known(file: Received) -> Asset | None:
    same = Asset.select().where(
        (Asset.owner == file.upload.owner) & (Asset.checksum == file.incoming.checksum)
    )
    # Nearly every photo is new, and to ask for a whole row costs a millisecond.
    asset: Asset | None = same.get() if same.exists() else None
    return asset


def _new_asset(file: Received, path: str) -> Asset:
    now = time.time()
    modified = believed(file.upload.modified)
    asset: Asset = Asset.create(
        owner=file.upload.owner,
        checksum=file.incoming.checksum,
        kind=assets.VIDEO if file.identity.mime.startswith("video/") else "photo",
        mime=file.identity.mime,
        filename=file.upload.filename,
        path=path,
        size=file.incoming.size,
        width=file.identity.width or None,
        height=file.identity.height or None,
        taken_at=assets.taken_from(modified or now),
        taken_at_source="file" if modified else "upload",
        uploaded_at=now,
        modified_at=modified,
        sidecar=file.upload.sidecar,
        notified_at=None if notify.is_wanted() else now,
        **shares.columns(file.upload.guest),
    )
    return asset
