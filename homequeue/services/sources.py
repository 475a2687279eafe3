"""Sources: the files that an import finds, on the disk and in zip archives, before it reads them.

Nothing of an archive is unpacked: its members are read one by one from where they are.
"""

import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from homequeue.errors import Unreadable
from homequeue.services import dates

ARCHIVE = ".zip"
#: Where an export of Google begins, whatever it was unpacked into.
TAKEOUT = "Takeout"
#: What Macs put into archives beside the files themselves.
MAC_LITTER = "__MACOSX"
#: Beyond so many bytes no photo or film becomes so many times as small in an archive.
BOMB_SIZE, BOMB_RATIO = 64 * 2**20, 50
#: A name in an archive that is marked as UTF-8; one that is not is often UTF-8 all the same.
IS_UTF8, IS_ENCRYPTED = 0x800, 0x1
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)

UNREADABLE = "This cannot be read: the zip file is damaged, or unusual."


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a member of an archive; `problem` says why it cannot be read, if that is known."""

    path: Path
    size: int = 0
    modified: float | None = None
    problem: str = ""
    inside: str = ""
    archive: zipfile.ZipFile | None = None
    member: zipfile.ZipInfo | None = None
    #: By what one sees later that it is the same file, still unchanged.
    stamp: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"{self.path}/{self.inside}" if self.inside else str(self.path)

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.inside).name if self.inside else self.path.name

    @property
    def folder(self) -> str:
        """The folder it is in; of an export of Google the same in whichever of its parts."""
        path = self.path / self.inside if self.inside else self.path
        parts = path.parent.parts
        return "/".join(parts[parts.index(TAKEOUT) :] if TAKEOUT in parts else parts)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it for reading; Unreadable if the archive around it is damaged."""
        if self.archive is None or self.member is None:
            with self.path.open("rb") as file:
                yield file
            return
        try:
            member = self.archive.open(self.member)
        except (*DAMAGED, ValueError, RuntimeError) as error:  # as of a name that is no text
            raise Unreadable(UNREADABLE) from error
        try:
            with member as file:
                yield file
        except DAMAGED as error:
            raise Unreadable(UNREADABLE) from error

    def look(self, file: IO[bytes]) -> tuple[int, ...]:
        """Return what changes with an open file while somebody writes to it."""
        return stamp(os.fstat(file.fileno()))[1:3] if self.archive is None else ()


def of(files: Iterable[Path]) -> list[Source]:
    """Return the sources that files are: themselves, or the members of an archive."""
    return [source for path in files for source in _sources(path)]


def _sources(path: Path) -> Iterator[Source]:
    if path.suffix.lower() == ARCHIVE and os.path.isfile(path):
        try:
            yield from _members(path)
        except (*DAMAGED, ValueError):
            yield Source(path, problem="This zip file cannot be read: it is damaged, or no zip.")
        except OSError as error:
            yield Source(path, problem=f"This zip file cannot be read: {error.strerror}.")
        return
    try:
        seen = path.stat()
    except OSError:
        yield Source(path)  # whoever opens it is told what is wrong
        return
    if stat.S_ISDIR(seen.st_mode):
        yield Source(path, problem=_why_closed(path))
        return
    yield Source(path, seen.st_size, seen.st_mtime, stamp=stamp(seen))


def stamp(seen: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file does, even if its date is put back."""
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _why_closed(folder: Path) -> str:
    """Return why nobody has looked into a folder, in words."""
    if os.path.islink(folder):
        return "A link to a folder is not followed."
    try:
        os.scandir(folder).close()
    except OSError as error:
        return f"This folder cannot be looked into: {error.strerror}."
    return "This folder could not be looked into. Try again."


def _members(path: Path) -> Iterator[Source]:
    archive = zipfile.ZipFile(path)  # its members keep it: it closes after the last of them
    whole = stamp(path.stat())
    for info in archive.infolist():
        name = _name(info)
        parts = PurePosixPath(name).parts
        hidden = any(p == MAC_LITTER or (p.startswith(".") and p != "..") for p in parts)
        if not info.is_dir() and not hidden:
            yield Source(
                path=path,
                size=info.file_size,
                modified=_modified(info),
                problem=_problem(info, name),
                inside=name,
                archive=archive,
                member=info,
                stamp=(*whole, info.header_offset, info.CRC),
            )


def _name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & IS_UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _modified(info: zipfile.ZipInfo) -> float | None:
    """Return the date of a member, by the clock on the wall; None if it is none."""
    if info.date_time[:3] in dates.FIRST_DAYS:
        return None
    try:
        return datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError):
        return None


def _problem(info: zipfile.ZipInfo, name: str) -> str:
    """Return what forbids to take a member, in words; nothing if it may be tried."""
    mode = info.external_attr >> 16
    if ".." in PurePosixPath(name).parts or name.startswith("/"):
        return "Its name leads out of the zip file."
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "This is a link or a device, not a file."
    if info.flag_bits & IS_ENCRYPTED:
        return "This is locked with a password: unpack the zip file first."
    if PurePosixPath(name).suffix.lower() == ARCHIVE:
        return "This is a zip file in a zip file: unpack the outer one first."
    if info.file_size > BOMB_SIZE and info.file_size > BOMB_RATIO * info.compress_size:
        return "This would unpack to far more than it is, as no photo does."
    return ""
