"""Placing: how files and folders of the inbox get their places, and lose them."""

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from homequeue.errors import Conflict
from homequeue.media import sync
from homequeue.services import inbox_files

#: How the name of a file begins that is being written; nobody is shown it.
PARTIAL = ".dav-"


def rename(source: Path, target: Path) -> None:
    """Give a file that is on the disk its place, and return when the disk knows."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The inbox is on a disk of its own.
        copy(source, target)
    sync(target.parent)


def make_way(path: Path) -> None:
    """Give a file another name, for somebody was told that it is kept."""
    with suppress(FileNotFoundError):
        os.rename(path, inbox_files.free(path.parent, path.name))


def remove_folder(path: Path) -> None:
    """Delete a folder with all that is in it; Conflict if that lies too deep."""
    try:
        shutil.rmtree(path)
    except RecursionError:
        raise Conflict(inbox_files.TOO_DEEP) from None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and return when the disk knows."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync(folder.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a file under a name that nobody sees, until all of it is on the disk."""
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=PARTIAL)
    try:
        with os.fdopen(handle, "wb") as file, source.open("rb") as original:
            shutil.copyfileobj(original, file, 2**20)
            file.flush()
            os.fsync(file.fileno())
        shutil.copystat(source, beside)
        os.replace(beside, target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
