"""Deposits: what somebody sends into their inbox by WebDAV, and sees there afterwards.

A file goes into its sender's folder in the inbox, from where it is taken into the library like any
other. By then it is gone from there, and whoever sends all that is missing would send it again each
night. So each is written down with its size, moment and checksum, and shown at its place as long as
somebody looks for it. What is shown so can be read, renamed and deleted there, and nothing of that
touches the library.
"""

import io
import mimetypes
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from peewee import Value, fn

from homequeue.db import db, is_shared
from homequeue.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from homequeue.incoming import Incoming, storage_errors
from homequeue.media import media
from homequeue.models import Asset, Deposit, User
from homequeue.services import inbox_files, ingest, placing, sidecars

#: A deposit that nobody looked at for so long is not shown any more, in seconds.
KEPT = 30 * 86400.0
#: That somebody looked is written down at most this often, in seconds.
NOTICED = 86400.0
#: Seconds after which nobody goes on writing a file.
UNFINISHED = 86400.0
#: The longest name of a file, in bytes of UTF-8.
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a place: a folder, or a file that lies there or was taken from there."""

    is_folder: bool
    size: int = 0
    modified_at: float = 0.0
    #: SHA-256, if it is known.
    checksum: str = ""

    @property
    def tag(self) -> str:
        """What changes with the bytes, and with nothing else where they are known."""
        return self.checksum or f"{self.size}-{self.modified_at}"


def look(user: User, place: str) -> Entry | None:
    """Return what is at a place of a user's inbox; None if there is nothing."""
    path = _path(user, place)
    if path.is_dir() or not place:
        modified_at = path.stat().st_mtime if path.is_dir() else 0.0
        return Entry(is_folder=True, modified_at=modified_at)
    row = _at(user, place).first()
    if row is not None:
        _notice(user, row.folder, row.seen_at)
    if path.is_file():
        return _lying(path, row)
    if row is not None:
        return _taken(row)
    return Entry(is_folder=True) if _below(user, place).exists() else None


def members(user: User, place: str) -> dict[str, Entry]:
    """Return what is in a folder, by name."""
    columns = (Deposit.name, Deposit.size, Deposit.modified_at, Deposit.checksum, Deposit.seen_at)
    # As models the rows of a folder of 20,000 files would take 20 MB.
    rows: Any = Deposit.select(*columns).where(_in(user, place)).tuples().iterator()
    found: dict[str, Entry] = {}
    oldest = time.time()
    for name, size, modified_at, checksum, seen_at in rows:
        found[name] = Entry(is_folder=False, size=size, modified_at=modified_at, checksum=checksum)
        oldest = min(oldest, seen_at)
    _notice(user, place, oldest)
    start = len(place) + 1 if place else 0
    for (folder,) in _below(user, place).select(Deposit.folder).distinct().tuples():
        if folder != place:
            found.setdefault(folder[start:].partition("/")[0], Entry(is_folder=True))
    for path in _seen(_path(user, place)):
        is_folder = path.is_dir()
        with suppress(FileNotFoundError):  # taken just now
            found[path.name] = (
                Entry(is_folder=True, modified_at=path.stat().st_mtime)
                if is_folder
                else _lying(path, found.get(path.name))
            )
    return dict(sorted(found.items()))


def put(user: User, place: str, incoming: Incoming | None, modified_at: float | None) -> Entry:
    """Put a received file, or an empty one, at a place.

    What was there is shown no more. A photo that lies there still, as it has not been taken into
    the library yet, is given another name and taken under that.

    An empty one is written down and no more: programs announce with it what they send next, and in
    the folder it would be refused meanwhile.
    """
    path = _path(user, place, new=True)
    moment = ingest.believed(modified_at) or time.time()
    size, checksum = 0, ""
    with storage_errors():
        if incoming is None or not incoming.size:
            _clear(user, place, "")
        else:
            incoming.complete()
            size, checksum = incoming.size, incoming.checksum
            placing.make_folder(path.parent)
            os.utime(incoming.path, (moment, moment))
            media.settle_incoming([incoming])
            _clear(user, place, checksum)
            placing.rename(incoming.path, path)
    return _remember(user, place, size, checksum, moment)


def touch(user: User, place: str, modified_at: float) -> None:
    """Say when what is at a place was changed last, if that can be believed."""
    if ingest.believed(modified_at) is None:
        return
    with storage_errors(), suppress(FileNotFoundError):
        os.utime(_path(user, place), (modified_at, modified_at))
    _at(user, place, Deposit.update(modified_at=modified_at)).execute()


def make_folder(user: User, place: str) -> None:
    """Make a folder."""
    with storage_errors():
        placing.make_folder(_path(user, place, new=True))


def read(user: User, place: str) -> BinaryIO:
    """Open what is at a place: as it lies there, or the original that it has become."""
    path = _path(user, place)
    if path.is_file():
        return path.open("rb")
    row = _at(user, place).first()
    if row is None or not row.size:
        return io.BytesIO()
    mine = (Asset.owner == user.id) & (Asset.checksum == row.checksum)
    asset = Asset.select(Asset.path).where(mine).first()
    if asset is None:
        raise NotFound("It was taken from here, and is not in the library any more.")
    return media.open(asset.path)


def sent(user: User, place: str) -> list[Path]:
    """Return the files that lie at a place or in it; NotAllowed if some came another way."""
    path = _path(user, place)
    rows = [*_at(user, place), *_below(user, place)]
    sizes = {f"{row.folder}/{row.name}".lstrip("/"): row.size for row in rows}
    found = [Path(folder, name) for folder, _, names in inbox_files.walk(path) for name in names]
    found += [path] if path.is_file() else []
    home = _home(user)
    with suppress(FileNotFoundError):  # taken just now
        if any(sizes.get(str(one.relative_to(home))) != one.lstat().st_size for one in found):
            raise NotAllowed("Something else lies there, and this token may only send.")
    return found


def remove(user: User, place: str, *, only_sent: bool = False) -> None:
    """Take something out of the inbox; what is in the library stays there.

    With `only_sent`, what came there another way is not touched.
    """
    path = _path(user, place)
    with storage_errors():
        if only_sent:
            for file in sent(user, place):
                file.unlink(missing_ok=True)
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
        elif path.is_dir():
            placing.remove_folder(path)
        else:
            path.unlink(missing_ok=True)
    _at(user, place, Deposit.delete()).execute()
    _below(user, place, Deposit.delete()).execute()


def move(user: User, source: str, target: str) -> None:
    """Give something another place, where there is nothing."""
    start, end = _path(user, source), _path(user, target, new=True)
    with storage_errors(), suppress(FileNotFoundError):  # it may be taken
        placing.make_folder(end.parent)
        os.rename(start, end)
    folder, name = _split(target)
    rest = fn.SUBSTR(Deposit.folder, len(source) + 1)
    with db.atomic():
        _at(user, target, Deposit.delete()).execute()
        _at(user, source, Deposit.update(folder=folder, name=name)).execute()
        _below(user, source, Deposit.update(folder=Value(target).concat(rest))).execute()


def copy(user: User, source: str, target: str) -> None:
    """Have what is at a place at another one too: a folder without what is in it, or a file."""
    start, end = _path(user, source), _path(user, target, new=True)
    entry = look(user, source)
    if entry is None or entry.is_folder:
        make_folder(user, target)
        return
    ingest.check_room(entry.size)
    with storage_errors():
        if start.is_file():
            placing.make_folder(end.parent)
            placing.copy(start, end)
        else:
            end.unlink(missing_ok=True)
    _remember(user, target, entry.size, entry.checksum, entry.modified_at)


def kind(place: str) -> str:
    """Return the type that a file has by its name; of none in which a browser finds a program.

    >>> kind("a.jpg"), kind("a.svg"), kind("a.html")
    ('image/jpeg', 'application/octet-stream', 'application/octet-stream')
    """
    found = mimetypes.guess_type(place)[0] or ""
    is_harmless = found.startswith(("image/", "video/")) and "xml" not in found
    return found if is_harmless else "application/octet-stream"


def forget() -> int:
    """Show no more what nobody looked for; return how many that were.

    What was being written a day ago is deleted: its sender was told that it failed, or nothing.
    """
    for folder, _, names in inbox_files.walk(inbox_files.place()):
        for path in (Path(folder, name) for name in names if name.startswith(placing.PARTIAL)):
            with suppress(OSError):
                if path.lstat().st_ctime < time.time() - UNFINISHED:
                    path.unlink()
    return int(Deposit.delete().where(Deposit.seen_at < time.time() - KEPT).execute())


def _home(user: User, *, new: bool = False) -> Path:
    """Return the folder of a user, which is made with its first file."""
    inbox = inbox_files.place()
    if inbox_files.PARTIAL.fullmatch(user.name) or _is_hidden(user.name):
        raise Conflict(f"An account called {user.name} has no inbox.")
    if new:
        inbox_files.prepare()
        if not inbox.is_dir():
            raise Unavailable("The inbox is not there. Is its disk mounted?")
    return inbox / user.name


def _path(user: User, place: str, *, new: bool = False) -> Path:
    """Return where a place is on the disk; NotFound, or Invalid if it is new, if it cannot be."""
    path = _home(user, new=new)
    parts = place.split("/") if place else []
    if len(parts) > inbox_files.DEEPEST:
        raise Invalid(inbox_files.TOO_DEEP) if new else NotFound("There is no such file")
    for part in parts:
        path = path / part
        is_odd = part in ("", ".", "..") or "\0" in part or _is_hidden(part)
        # What links lead to is not in the inbox.
        if is_odd or len(os.fsencode(part)) > LONGEST_NAME or path.is_symlink():
            raise Invalid("This name cannot be used.") if new else NotFound("There is no such file")
    return path


def _is_hidden(name: str) -> bool:
    """Tell whether nobody is shown a name: what is being written, and what was put aside."""
    return name.startswith((placing.PARTIAL, inbox_files.GOING)) or name == inbox_files.REFUSED


def _seen(folder: Path) -> Iterator[Path]:
    """Yield the files and folders in a folder that people may see."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for found in os.scandir(folder):
            is_plain = found.is_file(follow_symlinks=False) or found.is_dir(follow_symlinks=False)
            if is_plain and not _is_hidden(found.name):
                yield Path(found.path)


def _lying(path: Path, row: Deposit | Entry | None) -> Entry:
    seen = path.stat()
    # Somebody else may have put another file there.
    is_same = row is not None and row.size == seen.st_size
    return Entry(
        is_folder=False,
        size=seen.st_size,
        modified_at=seen.st_mtime,
        checksum=row.checksum if row is not None and is_same else "",
    )


def _taken(row: Deposit) -> Entry:
    return Entry(is_folder=False, size=row.size, modified_at=row.modified_at, checksum=row.checksum)


def _split(place: str) -> tuple[str, str]:
    folder, _, name = place.rpartition("/")
    return folder, name


def _in(user: User, folder: str) -> Any:
    return (Deposit.user == user.id) & (Deposit.folder == folder)


def _at(user: User, place: str, query: Any = None) -> Any:
    folder, name = _split(place)
    query = Deposit.select() if query is None else query
    return query.where(_in(user, folder), Deposit.name == name)


def _below(user: User, place: str, query: Any = None) -> Any:
    """Narrow a query to what is in a folder's folders, and in the folder itself unless it is all.

    By what is between `a/` and `a0`, which is next to it, as an index can tell. Not by LIKE, to
    which some characters of names mean something.
    """
    query = Deposit.select() if query is None else query
    query = query.where(Deposit.user == user.id)
    if not place:
        return query.where(Deposit.folder != "")
    # PostgreSQL would put words in order as people do.
    folder = Deposit.folder.collate('"C"') if is_shared() else Deposit.folder
    # The first two alone are what an index is asked for: what is between is little.
    between = (folder >= place) & (folder < f"{place}0")
    return query.where(between, (folder == place) | (folder >= f"{place}/"))


def _remember(user: User, place: str, size: int, checksum: str, moment: float) -> Entry:
    folder, name = _split(place)
    row = {
        "user": user.id,
        "folder": folder,
        "name": name,
        "size": size,
        "checksum": checksum,
        "modified_at": moment,
        "seen_at": time.time(),
    }
    Deposit.insert(row).on_conflict(
        conflict_target=[Deposit.user, Deposit.folder, Deposit.name],
        preserve=[Deposit.size, Deposit.checksum, Deposit.modified_at, Deposit.seen_at],
    ).execute()
    return Entry(is_folder=False, size=size, modified_at=moment, checksum=checksum)


def _notice(user: User, folder: str, seen_at: float) -> None:
    """Write down that somebody looked into a folder, if that is not known of today."""
    now = time.time()
    if seen_at < now - NOTICED:
        Deposit.update(seen_at=now).where(_in(user, folder)).execute()


def _clear(user: User, place: str, checksum: str) -> None:
    """Free a place for a file: what lies there was promised to be kept, and is not yet."""
    row, path = _at(user, place).first(), _path(user, place)
    if not path.is_file():
        return
    if sidecars.is_companion(path):
        path.unlink(missing_ok=True)
    elif row is None or (row.size, row.checksum) != (path.stat().st_size, checksum):
        placing.make_way(path)
