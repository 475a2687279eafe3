"""Resumable uploads: files that come in pieces, over days if need be, and always arrive.

How far one has come is the size of its file, so nothing else is written while it comes. Its row
says whose it is and how long it will be, and in the end what became of it.
"""

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import IO

from homequeue import config
from homequeue.db import db
from homequeue.errors import Conflict, Gone, HomequeueError, Locked, NotFound, TooLarge
from homequeue.incoming import Hashed, Incoming, storage_errors
from homequeue.media import media
from homequeue.models import Guest, Upload, User
from homequeue.services import albums, batches, ingest, notify, receipts, room
from homequeue.services.creation import metadata_of, new_id

DAY = 86400.0
#: A request that has brought nothing for so many seconds makes way for another one.
SILENT = 3.0
#: Of so many uploads the hashes are remembered; the others are read once more at their end.
MOST_HASHED = 2000
#: A piece that may turn out wrong is held in memory up to so many bytes, beyond in a file.
HELD = 2**18
CHUNK = 2**18


class WrongOffset(Conflict):
    """The bytes do not continue what is there; `headers` say where to go on."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"Go on from byte {offset}.")
        self.headers = {"Upload-Offset": str(offset)}


class ChecksumMismatch(HomequeueError):
    """A piece is not what its sender says it is; nothing of it counts."""

    status = 460
    code = "checksum_mismatch"


@dataclass(frozen=True)
class Checksum:
    """What the digest of a piece must be, by an algorithm of `ALGORITHMS`."""

    algorithm: str
    digest: bytes


ALGORITHMS = ("sha256", "sha1")
#: Writes the row of an upload that has become an asset.
Save = Callable[[], object]

_running: dict[str, "Piece"] = {}
_hashed: OrderedDict[str, Hashed] = OrderedDict()


class Piece:
    """What one request adds to an upload, which is locked meanwhile.

    What has come counts even if the rest does not come, unless there is a checksum to wait for.
    """

    def __init__(self, upload: Upload, checksum: Checksum | None = None) -> None:
        self.upload = upload
        self.resumed = media.resume(upload.id, _hashed.get(upload.id))
        self.room = upload.size - self.resumed.size
        self.heard_at = time.monotonic()
        self._checksum = checksum
        self._held = _hold() if checksum else None
        self._digest = hashlib.new(checksum.algorithm) if checksum else None
        self._size = 0
        self._is_settling = self._is_closed = False
        # A newer request may cut this one off while its last bytes are being settled.
        self._guard = threading.RLock()
        _running[upload.id] = self

    def append(self, data: bytes) -> None:
        """Take bytes; Locked if another request has taken over, TooLarge beyond the upload."""
        self.heard_at = time.monotonic()
        with self._guard:
            self._must_be_open()
            if self._size + len(data) > self.room:
                raise TooLarge("This is more than the upload was said to have.")
            self._size += len(data)
            if self._held is None or self._digest is None:
                self.resumed.write(data)
                return
            self._digest.update(data)
            with storage_errors():
                self._held.write(data)

    def __len__(self) -> int:
        return self._size

    def getfile(self) -> "Piece":
        """Return what the application is given as the body: the server asks its buffers so."""
        return self

    def settle(self) -> int:
        """Return how far the upload is, once the piece is right and on the disk itself."""
        with self._guard:
            self._must_be_open()
            self._is_settling = True
        if self._held is not None and self._digest is not None and self._checksum is not None:
            if self._digest.digest() != self._checksum.digest:
                raise ChecksumMismatch("These bytes are not what they were when they were sent.")
            self._held.seek(0)
            while chunk := self._held.read(CHUNK):
                self.resumed.write(chunk)
        self.resumed.settle()
        return self.resumed.size

    def cut(self) -> None:
        """Make way for a newer request, unless all has come."""
        with self._guard:
            if not self._is_settling:
                self.close()

    def close(self) -> None:
        """Let go of the upload, whose bytes stay."""
        with self._guard:
            if self._is_closed:
                return
            self._is_closed = True
        if self._held is not None:
            self._held.close()
        _remember(self.upload.id, self.resumed.release())
        if _running.get(self.upload.id) is self:
            del _running[self.upload.id]

    def _must_be_open(self) -> None:
        if self._is_closed:
            raise Locked("This upload goes on over another connection.")


def create(
    user: User,
    size: int,
    metadata: str,
    begun: Incoming | None = None,
    guest: Guest | None = None,
) -> Upload:
    """Make an upload, perhaps of the first bytes of it, which are on the disk before its row."""
    upload = _new(user, size, metadata, guest)
    media.begin_resumable(upload.id, begun)
    _remember(upload.id, None)  # of one with this id that was given up
    try:
        with room.turn():
            room.check(size - (begun.size if begun else 0))
            upload.save(force_insert=True)
    except HomequeueError:
        media.forget_resumable(upload.id)
        raise
    return upload


def create_whole(
    user: User,
    metadata: str,
    whole: Incoming,
    defer: ingest.Defer,
    report: notify.Report,
    guest: Guest | None = None,
) -> Upload:
    """Keep a file that came with the request that made its upload."""
    upload = _new(user, whole.size, metadata, guest)
    upload.ended_at = time.time()
    _keep(upload, whole, defer, report, lambda: upload.save(force_insert=True))
    return upload


def check(user: User, size: int, metadata: str, guest: Guest | None = None) -> None:
    """Raise unless a file of this size may be sent; what can never be has a receipt."""
    ingest.check_file(user, _name(metadata), size, guest)
    room.check(size)


def get(user: User, upload_id: str, guest: Guest | None = None) -> Upload:
    """Return an upload of a user or of a guest; NotFound if it is missing or somebody else's."""
    sender = Upload.guest == guest if guest else Upload.guest.is_null()
    same = (Upload.id == upload_id) & (Upload.user == user) & sender
    upload: Upload | None = Upload.get_or_none(same)
    if upload is None:
        raise NotFound("There is no such upload.")
    upload.user = user  # who asks knows by what they have come in
    return upload


def begin(upload: Upload, offset: int, length: int, checksum: Checksum | None = None) -> Piece:
    """Open an upload for `length` bytes from `offset` on; refused unless they continue it."""
    if upload.asset is not None:
        raise WrongOffset(upload.size)
    _make_way(upload.id, SILENT)
    piece = _open(upload, checksum)
    try:
        if offset != piece.resumed.size:
            raise WrongOffset(piece.resumed.size)
        if length > piece.room:
            raise TooLarge("This is more than the upload was said to have.")
        if media.is_growing(upload.id):
            ingest.check_room(piece.room)
        else:
            room.check(piece.room, upload.id)
    except BaseException:
        piece.close()
        raise
    return piece


def finish(piece: Piece, defer: ingest.Defer, report: notify.Report) -> None:
    """Keep an upload whose last byte is there; one that we do not take is forgotten."""
    _keep(piece.upload, piece.resumed, defer, report, lambda: piece.upload.save())
    media.forget_resumable(piece.upload.id)


def offset(upload: Upload, defer: ingest.Defer, report: notify.Report) -> int:
    """Return how far an upload is; one that is full but was never finished is finished now."""
    if upload.asset is not None:
        return int(upload.size)
    try:
        found = media.resumable_offset(upload.id)
        if found == upload.size:
            _finish_late(upload, defer, report)
    except (Gone, WrongOffset):
        if not _has_ended(upload):
            raise
        found = int(upload.size)
    return found


def expires_at(upload: Upload) -> float:
    """Return the moment until which an upload is kept at least."""
    return last_change(upload) + config.settings().uploads.expire_days * DAY


def last_change(upload: Upload) -> float:
    """Return when something was last added to an upload, or when it ended; Gone if it is."""
    if upload.ended_at is None:
        try:
            return media.resumable_since(upload.id)
        except Gone:
            if not _has_ended(upload):
                raise
    assert upload.ended_at is not None
    return float(upload.ended_at)


def terminate(upload: Upload) -> None:
    """Forget an upload; of one that was finished, also only just now, only that it was one."""
    if upload.asset is None:
        _make_way(upload.id, 0.0)
        try:
            _forget_bytes(upload)
        except Gone:
            _has_ended(upload)
    Upload.delete().where(Upload.id == upload.id).execute()


def _open(upload: Upload, checksum: Checksum | None) -> Piece:
    try:
        return Piece(upload, checksum)
    except Gone:
        if not _has_ended(upload):
            raise
        raise WrongOffset(upload.size) from None


def _has_ended(upload: Upload) -> bool:
    """Tell whether an upload became a photo since its row was read, which then says so too."""
    row = Upload.get_or_none(Upload.id == upload.id)
    if row is None or row.asset is None:
        return False
    upload.asset, upload.batch, upload.outcome = row.asset, row.batch, row.outcome
    upload.ended_at = row.ended_at
    return True


def _finish_late(upload: Upload, defer: ingest.Defer, report: notify.Report) -> None:
    try:
        with closing(begin(upload, upload.size, 0)) as piece:
            finish(piece, defer, report)
    except HomequeueError as error:
        if not error.passing:
            raise
        # A client that is told anything else would begin once more from nothing.
        raise Locked(str(error)) from error


def _keep(
    upload: Upload,
    incoming: Incoming,
    defer: ingest.Defer,
    report: notify.Report,
    save: Save,
) -> None:
    said = metadata_of(upload.metadata)
    modified = ingest.moment(said.get("modified", ""))
    into = albums.titles(said.get("album", ""))
    name, guest = _name(upload.metadata), upload.guest
    sent = ingest.Upload(upload.user, name, modified, albums=into, guest=guest)
    batch = partial(batches.of_now, upload.user, guest, upload.made_at)
    try:
        received = ingest.arrived(sent, incoming)
        ingest.record([received], defer, batch, partial(_end, upload, report, save))
    except HomequeueError as error:
        if not error.passing:
            _refuse(upload, str(error))
        raise


def _new(user: User, size: int, metadata: str, guest: Guest | None) -> Upload:
    upload_id = new_id(user, size, metadata, guest)
    return Upload(id=upload_id, user=user, guest=guest, size=size, metadata=metadata)


def _end(upload: Upload, report: notify.Report, save: Save, kept: Sequence[ingest.Kept]) -> None:
    upload.asset, upload.batch = kept[0].asset.id, kept[0].batch
    upload.outcome, upload.ended_at = kept[0].outcome, time.time()
    save()
    notify.tell(upload.user, report, upload.outcome)


def _refuse(upload: Upload, words: str) -> None:
    with db.atomic():
        refusal = receipts.Refusal(_name(upload.metadata), words, upload.size)
        receipts.refuse_upload(upload.user, [refusal], upload.guest)
        Upload.delete().where(Upload.id == upload.id).execute()
    media.forget_resumable(upload.id)


def _hold() -> IO[bytes]:
    held: IO[bytes] = tempfile.SpooledTemporaryFile(HELD)  # noqa: SIM115  (the piece closes it)
    return held


def _name(metadata: str) -> str:
    return ingest.plain_name(metadata_of(metadata).get("filename", ""))


def _make_way(upload_id: str, silent: float) -> None:
    """Cut off a request that is at an upload and has brought nothing for so many seconds.

    It may be one of a connection that is dead, which only its sender has noticed so far.
    """
    running = _running.get(upload_id)
    if running is not None and time.monotonic() - running.heard_at >= silent:
        running.cut()


def _forget_bytes(upload: Upload) -> None:
    with closing(Piece(upload)):
        media.forget_resumable(upload.id)


def _remember(upload_id: str, hashed: Hashed | None) -> None:
    _hashed.pop(upload_id, None)
    if hashed is not None:
        _hashed[upload_id] = hashed
    while len(_hashed) > MOST_HASHED:
        _hashed.popitem(last=False)
