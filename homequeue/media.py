"""The bytes on disk: received, kept and replaced so that a power cut never shows half a file.

`Path` stops here: callers pass and get open files, bytes and relative names.
"""

import ctypes
import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, NamedTuple

from homequeue.errors import Conflict, Gone, Missing, Unavailable
from homequeue.incoming import Hashed, Incoming, Resumed, storage_errors

MARKER = ".homequeue"
FOLDERS = ("originals", "renditions", "incoming", "exports")
#: How the names of resumable uploads begin in `incoming/`.
RESUMABLE = "resumable-"
#: A resumable upload that has not grown for so many seconds keeps no room from others.
FORGOTTEN = 3600.0
#: Longest file name kept on disk, in bytes of UTF-8; ext4 and most others take 255 with the rest.
LONGEST_NAME = 150
#: Up to so many files are synced one by one.
FEW = 4
#: What is answered where there can be no hard link: exFAT, CIFS, some of FUSE, another disk.
NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV)
#: How the name of an original begins and ends while it is copied, where there are no hard links.
COPYING = (".homequeue-", ".part")
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


class Grown(NamedTuple):
    """How many bytes of a resumable upload there are, and since when."""

    size: int
    since: float


class Media:
    """The data folder of one library; declared empty, bound once."""

    root: Path

    def bind(self, root: Path) -> None:
        """Set the data folder."""
        self.root = root

    def create(self, *, is_new: bool) -> None:
        """Make the folders, readable for their owner only; a new library gets its marker.

        One that is not new and has none is not mounted: it must not be taken for an empty one, and
        a folder in the place of one that is away would be in its way when it comes back.
        """
        marker = self.root / "originals" / MARKER
        if not is_new and not marker.exists():
            return
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self.root, 0o700)
        for folder in FOLDERS:
            (self.root / folder).mkdir(mode=0o700, exist_ok=True)
        if not marker.exists():
            marker.write_text("homequeue keeps originals here\n", encoding="utf-8")
            os.chmod(marker, 0o600)

    def check_mounted(self) -> None:
        """Raise Unavailable while the marker is missing, as when its disk is not mounted."""
        if not (self.root / "originals" / MARKER).exists():
            raise Unavailable("The storage of the photos is not mounted.")

    def free_bytes(self) -> int:
        """Return the bytes that may still be written to the disk."""
        disks = [os.statvfs(place) for place in self._disks()]
        return min(disk.f_bavail * disk.f_frsize for disk in disks)

    def disk_bytes(self) -> int:
        """Return the size of the disk in bytes."""
        return shutil.disk_usage(self._disks()[-1]).total

    def _disks(self) -> list[Path]:
        """Return the folders that may be on disks of their own, that of the originals last."""
        return [place for place in (self.root, self.root / "originals") if place.exists()]

    def receive(self) -> Incoming:
        """Begin to receive an upload."""
        self.check_mounted()
        with storage_errors():
            handle, name = tempfile.mkstemp(dir=self.root / "incoming", prefix="upload-")
            return Incoming(Path(name), os.fdopen(handle, "w+b"))

    def begin_resumable(self, name: str, begun: Incoming | None = None) -> None:
        """Make room for a resumable upload, or make one of what has been received of it."""
        self.check_mounted()
        path = self._resumable(name)
        with storage_errors():
            if begun is None:
                # One is there if somebody was killed before its row was written.
                path.touch(mode=0o600)
            else:
                begun.complete().close()
                begun.path.rename(path)
                sync(path)
            sync(path.parent)

    def resume(self, name: str, hashed: Hashed | None = None) -> Resumed:
        """Open a resumable upload to add to it; Gone, or Locked while somebody else does."""
        self.check_mounted()
        return Resumed(self._resumable(name), hashed)

    def resumable_offset(self, name: str) -> int:
        """Return how many bytes of a resumable upload are on the disk itself; Gone if it is."""
        self.check_mounted()
        with storage_errors():
            try:
                handle = os.open(self._resumable(name), os.O_RDONLY)
            except FileNotFoundError:
                raise Gone("This upload waited too long. Please send it again.") from None
            try:
                size = os.fstat(handle).st_size
                os.fdatasync(handle)
            finally:
                os.close(handle)
        return size

    def resumable_since(self, name: str) -> float:
        """Return when a resumable upload last grew; Gone if it is."""
        with storage_errors():
            try:
                return self._resumable(name).stat().st_mtime
            except FileNotFoundError:
                raise Gone("This upload waited too long. Please send it again.") from None

    def resumables(self) -> dict[str, Grown]:
        """Return how far the resumable uploads are of which there is a file, by their names."""
        found: dict[str, Grown] = {}
        for path in (self.root / "incoming").glob(RESUMABLE + "*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                found[path.name.removeprefix(RESUMABLE)] = Grown(stat.st_size, stat.st_mtime)
        return found

    def is_growing(self, name: str) -> bool:
        """Tell whether a resumable upload keeps room from others, as it grew not long ago."""
        return self.resumable_since(name) >= time.time() - FORGOTTEN

    def growing(self) -> dict[str, Grown]:
        """Return how far the resumable uploads are that keep room from others."""
        since = time.time() - FORGOTTEN
        return {name: file for name, file in self.resumables().items() if file.since >= since}

    def forget_resumable(self, name: str) -> None:
        """Delete the file of a resumable upload; harmless if there is none."""
        self._resumable(name).unlink(missing_ok=True)

    def _resumable(self, name: str) -> Path:
        return self.root / "incoming" / f"{RESUMABLE}{name}"

    def keep(self, incoming: Incoming, filename: str, extension: str, when: datetime) -> str:
        """Give a received file its place for good; return its path relative to the root.

        Call `settle_incoming` before, so that a name never stands for less than all bytes, and
        `settle` after, before promising anything. Nothing is ever overwritten: a name taken by the
        same bytes (left by a crash before their row was written) is taken over, one taken by others
        (torn, perhaps) is left to them. The incoming file stays until it is discarded.
        """
        self.check_mounted()
        folder = self.root / "originals" / f"{when:%Y}" / f"{when:%m}"
        with storage_errors():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for digits in (8, 16, 64):
                name = f"{safe_name(filename)}-{incoming.checksum[:digits]}.{extension}"
                target = folder / name
                if _link(incoming.path, target) or checksum_of(target) == incoming.checksum:
                    return str(target.relative_to(self.root))
        raise Conflict(f"There is another file in the place of {name}.")

    def settle_incoming(self, received: Sequence[Incoming]) -> None:
        """Return when the bytes of received files are on the disk itself.

        A few are synced one by one; many by one syncfs(2), which costs the same for all of them.
        """
        self._sync([incoming.path for incoming in received])

    def settle(self, paths: Sequence[str]) -> None:
        """Return when the names of kept files are on the disk itself."""
        self._sync(list({parent for path in paths for parent in self._folders(path)}), len(paths))

    def _sync(self, paths: Sequence[Path], files: int = 0) -> None:
        with storage_errors():
            if max(len(paths), files) > FEW:
                _sync_file_system(paths[0])
            else:
                for path in paths:
                    sync(path)

    def keep_rendition(self, name: str, data: bytes) -> str:
        """Write a rendition beside its place and rename it in; return its relative path."""
        with self.new_rendition(str(Path(name).parent)) as file:
            file.write(data)
            file.flush()
            return self.keep_new_rendition(file, name)

    @contextmanager
    def new_rendition(self, folder: str) -> Iterator[BufferedRandom]:
        """Yield a new file beside the renditions of a folder, which goes unless it is kept."""
        place = self.root / "renditions" / folder
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=place, prefix=".")
        os.close(handle)
        try:
            with open(beside, "w+b") as file:
                yield file
        finally:
            Path(beside).unlink(missing_ok=True)

    def keep_new_rendition(self, file: BinaryIO, name: str) -> str:
        """Rename a new file, whose bytes are the system's, into its place; return its path."""
        target = self.root / "renditions" / name
        os.fsync(file.fileno())
        os.replace(file.name, target)
        sync(target.parent)
        return str(target.relative_to(self.root))

    def checksum(self, data: bytes) -> str:
        """Return the SHA-256 of bytes in hexadecimal."""
        return hashlib.sha256(data).hexdigest()

    def open(self, path: str) -> BinaryIO:
        """Open a kept file for reading; Missing or Unavailable when that cannot be."""
        try:
            return (self.root / path).open("rb")
        except FileNotFoundError:
            self.check_mounted()
            raise Missing(f"The file {path} is missing from the storage.") from None
        except OSError as error:
            raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error

    def holds(self, path: Path) -> bool:
        """Tell whether a file anywhere is one of ours, under whatever name."""
        return path.resolve().is_relative_to(self.root.resolve())

    def exists(self, path: str) -> bool:
        """Tell whether a kept file is there."""
        return (self.root / path).is_file()

    def is_whole(self, path: str, size: int) -> bool:
        """Tell whether a kept file is there, with as many bytes as it had."""
        try:
            return (self.root / path).stat().st_size == size
        except (FileNotFoundError, NotADirectoryError):
            return False

    def put_aside(self, path: str) -> None:
        """Give what is left of a kept file a hidden name beside its own; harmless if it is gone."""
        place = self.root / path
        with suppress(FileNotFoundError):
            place.rename(place.with_name(f".{place.name}.{time.time_ns()}"))

    def remove(self, path: str) -> None:
        """Delete a kept file for good, and return when the disk knows."""
        (self.root / path).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            sync((self.root / path).parent)

    def originals(self) -> Iterator[str]:
        """Yield the relative path of every file kept as an original."""
        return (path for path in self._below("originals") if not Path(path).name.startswith("."))

    def renditions(self) -> Iterator[str]:
        """Yield the relative path of every rendition, torn ones included."""
        return self._below("renditions")

    def _below(self, top: str) -> Iterator[str]:
        for folder, _, names in os.walk(self.root / top):
            for name in names:
                yield str((Path(folder) / name).relative_to(self.root))

    def age(self, path: str) -> float:
        """Return the seconds since a file was last changed or moved."""
        return time.time() - (self.root / path).stat().st_ctime

    def remove_stale_incoming(self, seconds: float) -> int:
        """Delete uploads that nobody has added to for that long; return how many.

        Resumable ones may wait for longer: their rows say how long.
        """
        before = time.time() - seconds
        found = (self.root / "incoming").iterdir()
        files = (path for path in found if path.is_file() and not path.match(RESUMABLE + "*"))
        stale = [path for path in files if path.stat().st_mtime < before]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def remove_stale_copies(self, seconds: float) -> int:
        """Delete what is left of originals that were copied so long ago; return how many.

        What is put aside of an original ends in a number, and is none of them.
        """
        prefix, suffix = COPYING
        count = 0
        for path in self._below("originals"):
            name = Path(path).name
            if name.startswith(prefix) and name.endswith(suffix):
                with suppress(FileNotFoundError):  # it may have got its name just now
                    if self.age(path) > seconds:
                        self.remove(path)
                        count += 1
        return count

    def _folders(self, path: str) -> list[Path]:
        """Return the folder of a kept file and those above it, up to `originals`."""
        folder = (self.root / path).parent
        return [folder, folder.parent, folder.parent.parent]


media = Media()


def safe_name(filename: str) -> str:
    """Return a file name's stem as it may stand on any disk: Unicode kept, no path, not too long.

    >>> safe_name("Фото на море.jpg")
    'Фото на море'
    >>> safe_name("../../etc/passwd")
    'passwd'
    """
    name = unicodedata.normalize("NFC", filename.replace("\\", "/").rpartition("/")[2])
    stem = UNSAFE.sub("_", name.rpartition(".")[0] or name).strip(" .")
    return stem.encode()[:LONGEST_NAME].decode(errors="ignore").strip(" .") or "photo"


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> bool:
    """Give a file a second name; False if that name is taken."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        # The name holds the checksum, so a race between two copies is one between the same bytes.
        if target.exists():
            return False
        _copy(source, target)
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy a file under a name of its own, and give it the right one when the disk has it all."""
    prefix, suffix = COPYING
    handle, beside = tempfile.mkstemp(suffix, prefix, target.parent)
    os.close(handle)
    try:
        shutil.copyfile(source, beside)
        sync(Path(beside))
        os.replace(beside, target)
    finally:
        Path(beside).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_file_system(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(handle)
