"""Resumable uploads: files that come in pieces, over days if need be, and always arrive.

How far one has come is the size of its file, so nothing else is written while it comes. Its row
says whose it is and how long it will be, and in the end what became of it.
"""

import base64
import binascii
import hashlib
import secrets
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import IO

from homequeue import config
from homequeue.db import db
from homequeue.errors import (
    BadRequest,
    Conflict,
    Gone,
    HomequeueError,
    Invalid,
    Locked,
    NotFound,
    TooLarge,
)
from homequeue.incoming import Hashed, Incoming, storage_errors
from homequeue.media import Grown, media
from homequeue.models import Upload, User
from homequeue.services import batches, ingest, receipts

DAY = 86400.0
#: A request that has brought nothing for so many seconds makes way for another one.
SILENT = 3.0
#: A full upload nobody has finished for so many seconds is finished by a periodic task.
LEFT_ALONE = 60.0
#: Of so many uploads the hashes are remembered; the others are read once more at their end.
MOST_HASHED = 2000
#: A piece that may turn out wrong is held in memory up to so many bytes, beyond in a file.
HELD = 2**18
CHUNK = 2**18
#: Of an upload without a file.
NEVER = Grown(0, 0.0)


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


def create(user: User, size: int, metadata: str, begun: Incoming | None = None) -> Upload:
    """Make an upload, perhaps of the first bytes of it, which are on the disk before its row."""
    upload = Upload(id=secrets.token_hex(16), user=user, size=size, metadata=metadata)
    media.begin_resumable(upload.id, begun)
    upload.save(force_insert=True)
    return upload


def create_whole(user: User, metadata: str, whole: Incoming, defer: ingest.Defer) -> Upload:
    """Keep a file that came with the request that made its upload."""
    upload = Upload(id=secrets.token_hex(16), user=user, size=whole.size, metadata=metadata)
    upload.ended_at = time.time()
    _keep(upload, whole, defer, lambda: upload.save(force_insert=True))
    return upload


def check(user: User, size: int, metadata: str) -> None:
    """Raise unless a file of this size may be sent; what can never be has a receipt."""
    try:
        if not size:
            raise Invalid("This file is empty.")
        ingest.check_size(size)
    except HomequeueError as error:
        receipts.refuse_upload(user, [receipts.Refusal(_name(metadata), str(error), size)])
        raise
    ingest.check_room(size)


def get(user: User, upload_id: str) -> Upload:
    """Return a user's upload; NotFound if it is missing or somebody else's."""
    upload: Upload | None = Upload.get_or_none((Upload.id == upload_id) & (Upload.user == user))
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload


def begin(upload: Upload, offset: int, length: int, checksum: Checksum | None = None) -> Piece:
    """Open an upload for `length` bytes from `offset` on; refused unless they continue it."""
    if upload.asset is not None:
        raise WrongOffset(upload.size)
    _make_way(upload.id, SILENT)
    piece = Piece(upload, checksum)
    try:
        if offset != piece.resumed.size:
            raise WrongOffset(piece.resumed.size)
        if length > piece.room:
            raise TooLarge("This is more than the upload was said to have.")
        ingest.check_room(piece.room)
    except BaseException:
        piece.close()
        raise
    return piece


def finish(piece: Piece, defer: ingest.Defer) -> None:
    """Keep an upload whose last byte is there; one that we do not take is forgotten."""
    _keep(piece.upload, piece.resumed, defer, lambda: piece.upload.save())
    media.forget_resumable(piece.upload.id)


def offset(upload: Upload, defer: ingest.Defer) -> int:
    """Return how far an upload is; one that is full but was never finished is finished now."""
    if upload.asset is not None:
        return int(upload.size)
    found = media.resumable_offset(upload.id)
    if found == upload.size:
        try:
            with closing(begin(upload, found, 0)) as piece:
                finish(piece, defer)
        except HomequeueError as error:
            if not error.passing:
                raise
            # A client that is told anything else would begin once more from nothing.
            raise Locked(str(error)) from error
    return found


def expires_at(upload: Upload) -> float:
    """Return the moment until which an upload is kept at least."""
    since = upload.ended_at or media.resumable_since(upload.id)
    return float(since) + config.settings().uploads.expire_days * DAY


def terminate(upload: Upload) -> None:
    """Forget an upload; of one that was finished only that it was one."""
    if upload.asset is None:
        _make_way(upload.id, 0.0)
        with suppress(Gone):
            _forget_bytes(upload)
    Upload.delete().where(Upload.id == upload.id).execute()


def forget_expired() -> int:
    """Forget uploads that waited too long, and files of which there is no row; tell how many."""
    before = time.time() - config.settings().uploads.expire_days * DAY
    grown = media.resumables()
    forgotten = 0
    for upload in Upload.select().where(Upload.made_at < before):
        if (upload.ended_at or grown.get(upload.id, NEVER).since) < before:
            with suppress(Locked):
                terminate(upload)
                forgotten += 1
    waiting = {row.id for row in Upload.select(Upload.id).where(Upload.ended_at.is_null())}
    for name, file in grown.items():
        # A file is there before its row.
        if name not in waiting and file.since < time.time() - DAY:
            media.forget_resumable(name)
    return forgotten


def finish_full(defer: ingest.Defer) -> int:
    """Finish uploads that are full and were left alone, as after a crash; return how many."""
    grown = media.resumables()
    finished = 0
    for upload in Upload.select().where(Upload.ended_at.is_null()):
        file = grown.get(upload.id, NEVER)
        if file.size == upload.size and file.since < time.time() - LEFT_ALONE:
            # What we do not take has its receipt, and the rest will be tried again.
            with suppress(HomequeueError):
                offset(upload, defer)
                finished += 1
    return finished


def metadata_of(text: str) -> dict[str, str]:
    """Return what `Upload-Metadata` says: names, each with a value in Base64 or with none.

    >>> metadata_of("filename c2VhLmpwZw==,is_new")
    {'filename': 'sea.jpg', 'is_new': ''}
    """
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, _, value = pair.partition(" ")
        if name in found:
            raise BadRequest(f"“{name}” is in the metadata twice.")
        found[name] = decoded(value).decode(errors="replace")
    return found


def decoded(text: str) -> bytes:
    """Return what is written in Base64; BadRequest if it is not."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("This is not Base64.") from None


def _keep(upload: Upload, incoming: Incoming, defer: ingest.Defer, save: Save) -> None:
    said = metadata_of(upload.metadata)
    modified = ingest.moment(said.get("modified", ""))
    sent = ingest.Upload(upload.user, _name(upload.metadata), modified)
    try:
        received = ingest.arrived(sent, incoming)
    except HomequeueError as error:
        if not error.passing:
            _refuse(upload, str(error))
        raise
    ingest.record(
        [received], defer, partial(batches.of_now, upload.user), partial(_end, upload, save)
    )


def _end(upload: Upload, save: Save, kept: Sequence[ingest.Kept]) -> None:
    upload.asset, upload.batch = kept[0].asset.id, kept[0].batch
    upload.outcome, upload.ended_at = kept[0].outcome, time.time()
    save()


def _refuse(upload: Upload, words: str) -> None:
    with db.atomic():
        refusal = receipts.Refusal(_name(upload.metadata), words, upload.size)
        receipts.refuse_upload(upload.user, [refusal])
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
