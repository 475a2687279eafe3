"""Uploads being received: files of `incoming/` that are hashed while they are written."""

import ctypes
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from homequeue.errors import Gone, Locked, NoSpace, Unavailable

#: The disk is told of an upload's bytes whenever so many more have come.
AHEAD = 2**20
SYNC_FILE_RANGE_WRITE = 2


class Incoming:
    """An upload being received."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.size = 0
        #: Of all bytes so far; None if there are some that were not hashed as they came.
        self._sha256: hashlib._Hash | None = hashlib.sha256()
        self._begun = 0

    def write(self, chunk: bytes | bytearray) -> None:
        """Add bytes; NoSpace when the disk is full."""
        with storage_errors():
            self.file.write(chunk)
        if self._sha256 is not None:
            self._sha256.update(chunk)
        self.size += len(chunk)
        if self.size - self._begun >= AHEAD:
            self._begin_to_store()

    def _begin_to_store(self) -> None:
        """Have the disk begin with what is there, so that less is left to wait for at the end."""
        begin = getattr(ctypes.CDLL(None), "sync_file_range", None)
        if begin is not None:
            begun, size = ctypes.c_int64(self._begun), ctypes.c_int64(self.size - self._begun)
            begin(self.file.fileno(), begun, size, SYNC_FILE_RANGE_WRITE)
        self._begun = self.size

    @property
    def checksum(self) -> str:
        """SHA-256 of what has been written, in hexadecimal."""
        if self._sha256 is None:
            with storage_errors(), self.path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256")
        return self._sha256.hexdigest()

    def digest(self, algorithm: str) -> bytes:
        """Return what an algorithm of hashlib makes of what has been written."""
        if algorithm == "sha256":
            return bytes.fromhex(self.checksum)
        with storage_errors(), self.path.open("rb") as file:
            self.file.flush()
            return hashlib.file_digest(file, algorithm).digest()

    def rest(self) -> None:
        """Close the file until it is completed: many that wait must not all be open."""
        with storage_errors():
            self.file.close()

    def complete(self) -> BinaryIO:
        """Hand all bytes to the system and return the file, to be read from its beginning."""
        with storage_errors():
            if self.file.closed:
                self.file = self.path.open("rb")
            self.file.flush()
            self.file.seek(0)
        return self.file

    def close(self) -> None:
        """Let go of the file, which stays where it is."""
        self.file.close()

    def discard(self) -> None:
        """Forget the upload; harmless after it was kept."""
        # Closing flushes, and a full disk makes that fail once more.
        with suppress(OSError):
            self.file.close()
        self.path.unlink(missing_ok=True)


class Hashed:
    """The hash of the first `size` bytes of an upload, to go on from."""

    def __init__(self, size: int, sha256: "hashlib._Hash") -> None:
        self.size = size
        self.sha256 = sha256


class Resumed(Incoming):
    """A resumable upload, opened for one request and locked against all others.

    Its bytes stay whatever becomes of the request: `close` and `discard`, by which ingest lets go
    of what it was given, leave it to `release`.
    """

    def __init__(self, path: Path, hashed: Hashed | None) -> None:
        super().__init__(path, _locked(path))
        self.size = self._begun = self.file.seek(0, os.SEEK_END)
        if hashed is not None and hashed.size == self.size:
            # A copy: what we add and the disk then refuses must not be in what others go on from.
            self._sha256 = hashed.sha256.copy()
        elif self.size:
            self._sha256 = None

    def write(self, chunk: bytes | bytearray) -> None:
        """Add bytes, which from then on outlive this process."""
        super().write(chunk)
        with storage_errors():
            self.file.flush()

    def settle(self) -> None:
        """Return when all bytes are on the disk itself."""
        with storage_errors():
            os.fdatasync(self.file.fileno())

    def close(self) -> None:
        """Do nothing: without the lock, somebody else could add bytes to what is being kept."""

    def discard(self) -> None:
        """Do nothing: whether its bytes may go is said by its row."""

    def release(self) -> Hashed | None:
        """Let go of the file and the lock; return how far it is hashed, if it is."""
        with suppress(OSError):
            self.file.flush()
        size = os.fstat(self.file.fileno()).st_size
        # A child that is just being started may have the file open for a moment longer.
        fcntl.flock(self.file, fcntl.LOCK_UN)
        with suppress(OSError):
            self.file.close()
        is_hashed = self._sha256 is not None and size == self.size
        return Hashed(size, self._sha256) if is_hashed and self._sha256 is not None else None


@contextmanager
def storage_errors() -> Iterator[None]:
    """Say in words what is wrong with the disk: NoSpace if it is full, else Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace("The disk of the server is full.") from error
        words = f"The storage of the photos cannot be written to ({error.strerror})."
        raise Unavailable(words) from error


def _locked(path: Path) -> BinaryIO:
    """Return the open file of a resumable upload: Gone if there is none, Locked if it is in use."""
    with storage_errors(), ExitStack() as undo:
        try:
            file = undo.enter_context(path.open("r+b"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it before may have made it an original, to which nothing may be added.
            is_same = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except FileNotFoundError:
            is_same = False
        except BlockingIOError:
            raise Locked("This upload is being received already.") from None
        if not is_same:
            raise Gone("This upload waited too long. Please send it again.")
        undo.pop_all()
    return file
