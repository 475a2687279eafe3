"""From settings to a house that stands: data folder, secret, database, schema, queue."""

import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from peewee import DatabaseError

import homequeue.tasks  # noqa: F401  (importing the tasks is what makes the queue know them)
from homequeue import config, db, log, queue
from homequeue.config import Settings
from homequeue.errors import Conflict, NotFound, Unavailable
from homequeue.media import MARKER, media
from homequeue.migrations import migrate, steps_applied

DATABASE = "homequeue.db"
#: The file that a supervisor holds as long as it lives.
SUPERVISOR = "supervisor"


def bootstrap(settings: Settings, *, durable: bool = True, may_create: bool = True) -> None:
    """Bind everything that was declared empty, creating the data folder and tables as needed.

    `durable=False` is for workers, whose commits may be repeated (see `db.bind`). Without
    `may_create` a folder that holds no library is NotFound, and nothing is made there.
    """
    os.umask(0o077)
    config.bind(settings)
    log.set_up(settings.log.level)
    root = config.data_folder(settings)
    _check_folder(root)
    media.bind(root)
    db.bind(root / DATABASE, settings.database.url, durable=durable)
    is_new = _is_new(root)
    if is_new and not may_create:
        raise NotFound(f"There is no library in {root}; `homequeue run` makes one there.")
    try:
        media.create(is_new=is_new)
    except OSError as error:
        raise Unavailable(f"The data folder {root} cannot be used: {error.strerror}.") from error
    # Anything that spills to disk belongs on the disk of the data, not into a /tmp of memory.
    tempfile.tempdir = str(root / "incoming")
    queue.bind(root, settings.queue.url or settings.database.url, secret_of(root))
    with _usable():
        migrate(root / DATABASE)


def secret_of(root: Path) -> bytes:
    """Return the secret of the data folder, made on first use."""
    path = root / "secret"
    if not path.exists():
        # Linked into place whole: a start that is cut off leaves no half of it.
        with tempfile.NamedTemporaryFile(dir=root, prefix=".secret-") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    secret = path.read_bytes()
    if len(secret) != 32:
        raise Unavailable(f"The file {path} is damaged: it must hold 32 bytes.")
    return secret


@contextlib.contextmanager
def sole(root: Path) -> Iterator[None]:
    """Be the one supervisor of a data folder; Conflict names the one that there is already."""
    with (root / SUPERVISOR).open("a+") as file:
        try:
            # Unlike flock(2) this lock is no child's: it ends with the supervisor itself.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            who = f"process {file.read().strip()}"
            raise Conflict(f"homequeue already runs on {root} ({who}).") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _check_folder(root: Path) -> None:
    if os.path.isfile(root):
        raise Unavailable(f"{root} is a file; the data folder must be a folder.")
    if os.path.exists(root) and not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        owner: int | str = root.stat().st_uid
        with contextlib.suppress(KeyError):  # on a disk from elsewhere it may be nobody's here
            owner = root.owner()
        words = f"The data folder {root} belongs to another account ({owner})."
        raise Unavailable(f"{words} To act as that one, begin with: sudo -u {owner}")


def _is_new(root: Path) -> bool:
    """Tell whether there is no library yet; Unavailable if its data folder is somewhere else."""
    if not db.is_shared():
        return not os.path.exists(root / DATABASE)
    with _usable():
        is_new = not steps_applied()
    if not is_new and not (root / "secret").exists() and not (root / "originals" / MARKER).exists():
        raise Unavailable(
            f"{root} is not the data folder of the library in {db.db.place()}. Is it mounted?"
        )
    return is_new


@contextlib.contextmanager
def _usable() -> Iterator[None]:
    """Say of a database that cannot be used which one it is, and why; leave no connection open."""
    try:
        yield
    except DatabaseError as error:
        # The first line says it; the others give hints that are none of ours.
        why = str(error).strip().partition("\n")[0]
        hint = (
            "Is it running, and is [database] url right?"
            if db.is_shared()
            else "Nothing was changed. Restore a backup, or move the file away to begin a new one."
        )
        raise Unavailable(f"{db.db.place()} cannot be used ({why}). {hint}") from error
    finally:
        db.db.close()
