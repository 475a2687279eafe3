"""The files that lie in the inbox, as whoever may write there has left them.

Nothing but plain files is opened, and no link is followed: others than their owner may write here.
"""

import errno
import fcntl
import os
import re
import signal
import stat
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from homequeue import config
from homequeue.errors import Gone
from homequeue.media import media
from homequeue.models import User
from homequeue.services import sidecars, users

#: The folder for what is not taken, in that of each user and of all.
REFUSED = "_refused"
#: Files that are still being written: hidden ones, and as browsers and programs call them.
PARTIAL = re.compile(
    r"[.~].*|.*(?:~|\.(?:part|partial|crdownload|download|filepart|tmp|temp|opdownload))",
    re.IGNORECASE | re.DOTALL,
)
#: How the name of a file begins that is being deleted, under which it is taken if that is cut off.
GOING = ".taken-"
#: Of a name, what still fits beside something that is added to it, in bytes.
LONGEST = 240
#: What hidden files are called that nobody wants in a library.
LITTER = re.compile(r"\._.*|\.[^.]*", re.DOTALL)
#: Seconds after which what goes with a photo is moved aside, and a file told of as unfinished.
ALONE, UNFINISHED = 3600.0, 86400.0
#: Folders in each other that are looked into: more of them nobody makes who means well.
DEEPEST = 64
TOO_DEEP = "It lies in more than 64 folders in each other."
#: How folders are opened.
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
CLOSED = "Nobody but its owner may read it: let homequeue read it, and delete it."

#: What changes with a file and its sidecar.
Look = tuple[int, ...]


@dataclass(frozen=True)
class Lying:
    """A file in the inbox, whose it becomes, and what forbids to take it, if anything does."""

    path: Path
    owner: User
    look: Look = ()
    size: int = 0
    modified: float = 0.0
    beside: Path | None = None
    problem: str = ""
    #: What goes with a photo, and was left alone.
    is_alone: bool = False

    @property
    def name(self) -> str:
        """What it was called by whoever put it there."""
        return self.path.name.removeprefix(GOING)


def place() -> Path:
    """Return where the inbox is."""
    named = config.settings().inbox.path
    return Path(named).expanduser() if named else media.root / "inbox"


def prepare() -> None:
    """Make the inbox, if it is the one of the data folder: others are made by people."""
    if not config.settings().inbox.path:
        with suppress(FileExistsError):
            place().mkdir(mode=0o700)


def look() -> Iterator[Lying]:
    """Yield the files that may be taken, and folders that cannot be looked into."""
    everybody = list(User.select().order_by(User.id))
    by_name = {users.alike(user.name): user for user in everybody}
    own: dict[str, User] = {}
    with suppress(OSError):
        folders = [one.name for one in entries(place()) if one.is_dir(follow_symlinks=False)]
        own = {n: by_name[users.alike(n)] for n in folders if users.alike(n) in by_name}
    for name, owner in own.items():
        yield from _below(place() / name, owner)
    rest = owner_of_rest(everybody)
    if rest is not None:
        yield from _below(place(), rest, without=own)


def owner_of_rest(everybody: Iterable[User]) -> User | None:
    """Return whose that is which lies in no user's folder; None if that cannot be told."""
    named = config.settings().inbox.owner
    if named:
        by_name = {users.alike(user.name): user for user in everybody}
        return by_name.get(users.alike(named))
    return next((user for user in everybody if user.is_admin), None)


def unfinished() -> list[Path]:
    """Return the files and full folders that have been called like something unfinished for a day.

    Nobody looks into such folders.
    """
    found = []
    for path in _all():
        name = path.name
        is_litter = LITTER.fullmatch(name) or name.startswith(GOING)
        if PARTIAL.fullmatch(name) and not is_litter:
            with suppress(OSError):
                seen = path.lstat()
                is_full = stat.S_ISDIR(seen.st_mode) and any(path.iterdir())
                if (is_full or stat.S_ISREG(seen.st_mode)) and _age(seen) > UNFINISHED:
                    found.append(path)
    return found


def walk(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk through the folders below one as `os.walk` does, but no deeper than `DEEPEST`."""
    for folder, below, names in os.walk(top):
        yield folder, below, names
        if len(Path(folder).relative_to(top).parts) >= DEEPEST:
            below.clear()


def links() -> list[Path]:
    """Return the links, which nobody follows."""
    return [path for path in _all() if os.path.islink(path) and not PARTIAL.fullmatch(path.name)]


@contextmanager
def opened(lying: Lying) -> Iterator[BinaryIO]:
    """Open a file for reading; Gone if it is another than it was, or somebody writes to it."""
    with _plain_file(lying.path) as file:
        if stamp(os.fstat(file.fileno())) != lying.look[:3]:
            raise Gone("It has changed.")
        if _is_written(file.fileno()):
            raise Gone("Somebody has it open to write.")
        yield file


def is_as_it_was(lying: Lying) -> bool:
    """Tell whether nobody has touched a file since it was looked at."""
    try:
        return stamp(lying.path.lstat()) == lying.look[:3]
    except FileNotFoundError:
        return False


def sidecar(lying: Lying, most: int) -> bytes:
    """Return what the sidecar of a file holds, up to so many bytes; nothing if there is none."""
    with suppress(OSError, Gone):
        if lying.beside is not None:
            with _plain_file(lying.beside) as file:
                return file.read(most)
    return b""


def size_of_sidecar(lying: Lying) -> int:
    """Return how many bytes the sidecar of a file had when it was looked at."""
    return lying.look[4]


@contextmanager
def real(folder: Path, *, is_new: bool = False) -> Iterator[Path]:
    """Yield a path to a folder of the inbox that leads there whatever is done to its names.

    Who may write here may put a link in the place of any folder, at any moment.
    """
    handle = os.open(place(), FOLDER)
    try:
        for part in folder.relative_to(place()).parts:
            if is_new:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=handle)
            above, handle = handle, _opened_below(handle, part)
            os.close(above)
        yield Path(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder by name, without what is hidden, unfinished or put aside."""
    with os.scandir(folder) as found:
        kept = [entry for entry in found if entry.name != REFUSED and not _is_partial(entry.name)]
    return sorted(kept, key=lambda entry: entry.name)


def free(folder: Path, name: str) -> Path:
    """Return a path in a folder that is not taken: `sea.jpg`, else `sea (2).jpg`."""
    path, number = folder / name, 1
    while os.path.lexists(path):
        number += 1
        stem, ending = os.path.splitext(name)
        stem = os.fsdecode(os.fsencode(stem)[:LONGEST])
        path = folder / f"{stem} ({number}){ending}"
    return path


def stamp(seen: os.stat_result) -> Look:
    """Return what changes with a file, short of its bytes."""
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def why(error: Exception) -> str:
    """Return in words why a file can be neither taken nor moved."""
    if isinstance(error, PermissionError):
        return CLOSED
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def spoken(path: str) -> str:
    """Return a path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="replace")


def _all() -> Iterator[Path]:
    """Yield files and folders, also those that are not looked into."""
    for folder, below, names in walk(place()):
        below[:] = sorted(one for one in below if one != REFUSED)
        yield from (Path(folder, name) for name in (*below, *sorted(names)))
        below[:] = [one for one in below if not PARTIAL.fullmatch(one)]


def _below(
    folder: Path, owner: User, without: Container[str] = (), depth: int = 0
) -> Iterator[Lying]:
    if depth > DEEPEST:
        yield Lying(folder, owner, problem=TOO_DEEP)
        return
    try:
        found = [entry for entry in entries(folder) if entry.name not in without]
    except FileNotFoundError:
        return
    except OSError as error:
        yield Lying(folder, owner, problem=why(error))
        return
    may_delete = os.access(folder, os.W_OK | os.X_OK)
    names = {entry.name for entry in found}
    lonely = names - _sidecars_of(names)
    for entry in found:
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), owner, depth=depth + 1)
            elif _is_photo(entry):
                may_take = may_delete and os.access(entry.path, os.R_OK)
                yield _lying(entry, names, owner, "" if may_take else CLOSED)
            elif may_delete and entry.name in lonely and _is_left(entry):
                yield replace(_lying(entry, set(), owner, ""), is_alone=True)


def _opened_below(handle: int, name: str) -> int:
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=handle)
    except NotADirectoryError as error:
        words = f"There is a link or a file in the place of the folder {spoken(name)}."
        raise NotADirectoryError(errno.ENOTDIR, words) from error


def _lying(entry: os.DirEntry[str], names: set[str], owner: User, problem: str) -> Lying:
    path, seen = Path(entry.path), entry.stat(follow_symlinks=False)
    called = sidecars.names(entry.name.removeprefix(GOING))
    beside = next((path.with_name(name) for name in called if name in names), None)
    look = stamp(seen) + (stamp(beside.lstat()) if beside is not None else ())
    return Lying(path, owner, look, seen.st_size, seen.st_mtime, beside, problem)


def _is_partial(name: str) -> bool:
    return PARTIAL.fullmatch(name) is not None and not name.startswith(GOING)


def _is_photo(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and not sidecars.is_companion(Path(entry.name))


def _sidecars_of(names: Iterable[str]) -> set[str]:
    """Return what the sidecars of these files may be called."""
    photos = [name.removeprefix(GOING) for name in names if not sidecars.is_companion(Path(name))]
    return {sidecar for photo in photos for sidecar in sidecars.names(photo)}


def _is_left(entry: os.DirEntry[str]) -> bool:
    """Tell whether this goes with a photo which should have come by now, and be gone again."""
    is_meant = entry.is_file(follow_symlinks=False) and not sidecars.is_litter(Path(entry.name))
    return is_meant and _age(entry.stat(follow_symlinks=False)) > ALONE


def _age(seen: os.stat_result) -> float:
    """Return for how long a file has lain as it does: its date may be that of the photo."""
    return time.time() - seen.st_ctime


def _is_written(handle: int) -> bool:
    """Tell whether a program of this machine has a file open to write, be it asleep.

    The kernel lends nobody a file for reading which somebody writes to.
    """
    try:
        # Whoever comes to write meanwhile must not end us: SIGIO would, this is ignored.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # Others: it is not ours, or the file system lends nothing.
        return error.errno == errno.EAGAIN
    return False


@contextmanager
def _plain_file(path: Path) -> Iterator[BinaryIO]:
    # Opening a pipe would wait for ever without O_NONBLOCK.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with real(path.parent) as folder:
            handle = os.open(folder / path.name, flags)
    except FileNotFoundError:
        raise Gone("It is not there any more.") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Gone("It is no file any more.")
        yield file
