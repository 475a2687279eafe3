"""PostgreSQL: connections that give up in time, and a database whose transactions take turns.

The driver is imported with the first connection: it takes 6 MB, and most homes have none.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from peewee import OperationalError, PostgresqlDatabase, Psycopg2Adapter

from homequeue.errors import ConfigError, HomequeueError, NoSpace, Unavailable

#: Seconds a statement may take on the server, and wait for another, before it is given up.
STATEMENT_SECONDS = 5
#: Seconds without any word from the server after which it counts as gone.
SILENCE = STATEMENT_SECONDS + 2.0

#: Names of our locks in the server (PostgreSQL's advisory locks).
TURN, MIGRATING = 0x686F6D65, 0x686F6D66

#: What went wrong, by the beginning of an SQLSTATE (PostgreSQL manual, appendix A).
STATES = {
    "53100": "The disk of the database is full.",
    "53": "The server is busy. Please try again in a moment.",
    "55": "The server is busy. Please try again in a moment.",
    "40": "The server is busy. Please try again in a moment.",
    "57014": "The server is busy. Please try again in a moment.",
}
#: A refused connection has no SQLSTATE, only these words.
REFUSALS = {
    "too many clients": "The server is busy. Please try again in a moment.",
    "remaining connection slots": "The server is busy. Please try again in a moment.",
    "authentication failed": "The database refuses the name or the password of [database] url.",
    "no password supplied": "The database refuses the name or the password of [database] url.",
    "pg_hba.conf": "The database refuses this machine, or the name in [database] url.",
    "does not exist": "The database server does not have what [database] url names.",
}
GONE = "The database cannot be reached. Please try again in a moment."

_silence: ContextVar[float] = ContextVar("silence", default=SILENCE)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let the statements inside wait so long for a word from the server."""
    token = _silence.set(seconds)
    try:
        yield
    finally:
        _silence.reset(token)


def connect(url: str, **settings: str) -> Any:
    """Return a connection that commits each statement; `settings` are the server's, for it alone.

    Raises ConfigError where the driver is missing, and the driver's own errors.
    """
    driver = load()
    connection = driver.connect(
        url,
        fallback_application_name="homequeue",
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )
    connection.autocommit = True
    if settings:
        words = "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())
        connection.cursor().execute(words)
    return connection


def load() -> Any:
    """Return the driver, made to wait as `_wait` does; ConfigError where it is not installed."""
    try:
        import psycopg2  # noqa: PLC0415  (6 MB that only a home with PostgreSQL needs)
        import psycopg2.extensions  # noqa: PLC0415
    except ImportError as error:
        words = "PostgreSQL needs its driver: pip install 'homequeue[postgres]'"
        raise ConfigError(words) from error
    psycopg2.extensions.set_wait_callback(_wait)
    return psycopg2


def is_lost(connection: Any) -> bool:
    """Tell whether the server has hung up, without asking it anything."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    try:
        while poll.poll(0):
            connection.poll()  # reads what has come unasked: notices, some last words, the end
    except load().Error:
        return True
    return False


def place(url: str) -> str:
    """Return where an address leads, without the name and the password in it."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", ["this machine"])[0]
    port = f":{parts.port}" if parts.port else ""
    return f"PostgreSQL at {unquote(host)}{port}, {unquote(parts.path.strip('/')) or 'its default'}"


def in_words(error: OperationalError) -> HomequeueError:
    """Return what people are told when the server does not do what it is asked."""
    state = getattr(getattr(error, "orig", None), "pgcode", None) or ""
    if state == "53100":
        return NoSpace(STATES[state])
    for begin, words in STATES.items():
        if state.startswith(begin):
            return Unavailable(words)
    for part, words in REFUSALS.items():
        if part in str(error):
            return Unavailable(words)
    return Unavailable(GONE)


class _Driver(Psycopg2Adapter):
    """The driver as peewee speaks to it, though its own import has not seen one."""

    def check_driver(self) -> None:
        """Find the driver."""
        load()

    def connect(self, db: Any, **_: Any) -> Any:
        """Return a new connection."""
        return connect(db.database, **db.settings)


class Postgres(PostgresqlDatabase):
    """Rows in PostgreSQL, used the way SQLite is: one transaction at a time, errors that pass.

    A lost connection is noticed before it is used, and replaced. Only what was going on when it
    was lost fails, as an OperationalError.
    """

    psycopg2_adapter = _Driver

    def __init__(self, url: str, *, durable: bool) -> None:
        self.settings = {
            "statement_timeout": f"{STATEMENT_SECONDS}s",
            "lock_timeout": f"{STATEMENT_SECONDS}s",
            # A machine that vanishes within a transaction holds up the others no longer.
            "idle_in_transaction_session_timeout": "15s",
            "synchronous_commit": "on" if durable else "off",
        }
        super().__init__(url)

    def place(self) -> str:
        """Return where the rows are, in words."""
        return place(str(self.database))

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Execute a statement; its texts lose their NUL characters, which PostgreSQL has not."""
        held = [p.replace("\0", "") if isinstance(p, str) else p for p in params or ()]
        return super().execute_sql(sql, held)  # type: ignore[no-untyped-call]

    def begin(self, isolation_level: Any = None) -> None:
        """Begin a transaction when it is our turn.

        SQLite has one writer at a time, and what is first looked up and then written relies on it.
        """
        try:
            self.execute_sql(f"BEGIN; SELECT pg_advisory_xact_lock({TURN})")
        except OperationalError:
            self.rollback()
            raise

    def rollback(self) -> None:
        """Undo the open transaction; with a lost connection that has been done already."""
        if self.is_closed():
            return
        if is_lost(self.connection()):
            self.close()
        else:
            super().rollback()

    def cursor(self, named_cursor: Any = None) -> Any:
        """Return a cursor of a connection that is not lost."""
        if not self.is_closed() and is_lost(self.connection()):
            if self.in_transaction():
                raise OperationalError("The connection was lost within a transaction.")
            self.close()
        return super().cursor(named_cursor)  # type: ignore[no-untyped-call]

    @contextmanager
    def durable(self) -> Iterator[None]:
        """One transaction that has reached the disk when the block ends."""
        with self.atomic():
            self.execute_sql("SET LOCAL synchronous_commit = on")
            yield

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Be the one process of all machines that changes the tables, however long it takes."""
        with patience(3600):
            self.execute_sql("SET statement_timeout = 0; SET lock_timeout = 0")
            self.execute_sql(f"SELECT pg_advisory_lock({MIGRATING})")
            try:
                yield
            finally:
                self.close()  # and the lock with it


def _wait(connection: Any) -> None:
    """Wait until the server has answered; called by the driver, which then hears signals too."""
    extensions = load().extensions
    deadline = time.monotonic() + _silence.get()
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(
            connection.fileno(),
            select.POLLIN if state == extensions.POLL_READ else select.POLLOUT,
        )
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise load().OperationalError("the server does not answer")
