"""The database: declared empty, bound once, durable where something was promised."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import OperationalError, SqliteDatabase

from homequeue.errors import HomequeueError, NoSpace, Unavailable

#: Seconds a statement waits for another writer before it gives up.
BUSY_SECONDS = 5

db = SqliteDatabase(None, lock_type="IMMEDIATE")


def bind(path: Path, *, durable: bool) -> None:
    """Point `db` at the file; `durable` connections fsync at every commit.

    A worker's commits may be lost in a power cut: its jobs are then simply done again. So it binds
    with `durable=False` (SQLite's synchronous=NORMAL), which is atomic all the same.
    """
    db.init(
        str(path),
        timeout=BUSY_SECONDS,
        pragmas={
            "journal_mode": "wal",
            "synchronous": "full" if durable else "normal",
            "foreign_keys": 1,
            "cache_size": -2048,
            "journal_size_limit": 8 * 2**20,
        },
    )


def in_words(error: OperationalError) -> HomequeueError:
    """Return what people are told when the database does not do what it is asked."""
    if "full" in str(error):
        return NoSpace("The disk of the server is full.")
    return Unavailable("The server is busy. Please try again in a moment.")


@contextmanager
def durable() -> Iterator[None]:
    """One transaction that has reached the disk when the block ends, whatever the binding."""
    before = db.synchronous
    db.synchronous = 2
    try:
        with db.atomic():
            yield
    finally:
        db.synchronous = before
