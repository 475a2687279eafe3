"""The database: declared empty, bound once, durable where something was promised."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from peewee import DatabaseProxy, OperationalError, SqliteDatabase

from homequeue import postgres
from homequeue.errors import HomequeueError, NoSpace, Unavailable

#: Seconds a statement waits for another writer before it gives up.
BUSY_SECONDS = 5

db = DatabaseProxy()


class Sqlite(SqliteDatabase):
    """Rows in a file of this machine."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        super().__init__(
            str(path),
            lock_type="IMMEDIATE",
            timeout=BUSY_SECONDS,
            pragmas={
                "journal_mode": "wal",
                "synchronous": "full" if durable else "normal",
                "foreign_keys": 1,
                "cache_size": -2048,
                "journal_size_limit": 8 * 2**20,
            },
        )

    def place(self) -> str:
        """Return where the rows are, in words."""
        return f"SQLite in {self.database}"

    @contextmanager
    def durable(self) -> Iterator[None]:
        """One transaction that has reached the disk when the block ends."""
        before = self.synchronous
        self.synchronous = 2
        try:
            with self.atomic():
                yield
        finally:
            self.synchronous = before

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Be the one process that changes the tables; the lock goes with who holds it."""
        with Path(str(self.database)).with_name("migrating").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                self.close()


def bind(file: Path, url: str = "", *, durable: bool) -> None:
    """Point `db` at the file, or at PostgreSQL; `durable` connections fsync at every commit.

    A worker's commits may be lost in a power cut: its jobs are then simply done again. So it binds
    with `durable=False` (SQLite's synchronous=NORMAL, PostgreSQL's synchronous_commit=off), which
    is atomic all the same.
    """
    if db.obj is not None:
        db.close()
    bound = postgres.Postgres(url, durable=durable) if url else Sqlite(file, durable=durable)
    db.initialize(bound)


def sql(statement: str) -> str:
    """Return plain SQL with `?` for its parameters as the bound database wants it."""
    return statement.replace("?", db.param)


def is_shared() -> bool:
    """Tell whether other machines may use the same rows."""
    return isinstance(db.obj, postgres.Postgres)


def in_words(error: OperationalError) -> HomequeueError:
    """Return what people are told when the database does not do what it is asked."""
    if is_shared():
        return postgres.in_words(error)
    if "full" in str(error):
        return NoSpace("The disk of the server is full.")
    return Unavailable("The server is busy. Please try again in a moment.")


def durable() -> AbstractContextManager[None]:
    """One transaction that has reached the disk when the block ends, whatever the binding."""
    found: AbstractContextManager[None] = db.durable()
    return found
