"""The bells: storages for Huey that wake a worker and keep nothing that could be lost.

The ledger holds the jobs, so a storage here has one duty: when something was queued, a waiting
worker wakes at once. A message that is lost, doubled or forged costs a look at the ledger.
"""

import logging
import os
import select
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from homequeue import postgres
from homequeue.queue.light import BaseStorage

logger = logging.getLogger("homequeue.queue")

#: Seconds between looks at the ledger while the bell cannot be heard.
DEAF_SECONDS = 1.0
#: How long the bell is left alone after it could not be heard, in seconds.
DEAF_PERIOD = 5.0


class Unbound(BaseStorage):  # type: ignore[misc]
    """The storage before `bind`: the queue refuses to be used with it."""


class Doorbell(BaseStorage):  # type: ignore[misc]
    """A FIFO in the data folder: writing a byte wakes one worker within a millisecond."""

    blocking = True

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._path = path
        self._fifo: int | None = None

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Ring once; the message itself is not kept, the ledger has it."""
        # A full FIFO holds 65,536 rings still to be heard: nobody sleeps.
        with suppress(BlockingIOError):
            os.write(self._opened(), b"!")

    def wait(self, seconds: float) -> bytes | None:
        """Sleep until the bell rings or the seconds are over."""
        fifo = self._opened()
        poll = select.poll()
        poll.register(fifo, select.POLLIN)
        if poll.poll(seconds * 1000):
            # Another worker may be quicker; one byte each, so that no ring is swallowed.
            with suppress(BlockingIOError):
                os.read(fifo, 1)
        return None

    def close(self) -> None:
        """Close the FIFO; the next use opens it again."""
        if self._fifo is not None:
            os.close(self._fifo)
            self._fifo = None

    def _opened(self) -> int:
        if self._fifo is not None and not self._hangs_there(self._fifo):
            self.close()
        if self._fifo is None:
            if not self._path.is_fifo():
                self._path.unlink(missing_ok=True)
                os.mkfifo(self._path, 0o600)
            # Opened for reading and writing it never blocks, nor ends when the others leave.
            self._fifo = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._fifo

    def _hangs_there(self, fifo: int) -> bool:
        """Tell whether ours is still the one that others find: somebody may have tidied up."""
        try:
            return os.path.samestat(os.fstat(fifo), self._path.stat())
        except FileNotFoundError:
            return False


class RedisBell(BaseStorage):  # type: ignore[misc]
    """A list in Redis, for workers that are to be woken through it."""

    blocking = True
    #: A worker that hears nothing looks at the ledger this often, in seconds.
    longest_wait = 10.0
    #: More messages than this wake nobody more.
    most_messages = 1000

    def __init__(self, name: str, url: str) -> None:
        import redis  # noqa: PLC0415  (11 MB that only a home with Redis needs)

        super().__init__(name)
        self._error = redis.RedisError
        # Whoever rings has a person waiting; whoever listens has all the time in the world.
        self._ringer = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        patience = self.longest_wait + 5
        self._listener = redis.Redis.from_url(
            url, socket_connect_timeout=1, socket_timeout=patience
        )
        self._list = f"homequeue.{name}.messages"
        self._deaf_until = 0.0

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Put a message into the list; when Redis is away the ledger alone must do."""
        if time.monotonic() < self._deaf_until:
            return
        try:
            with self._ringer.pipeline(transaction=False) as pipe:
                pipe.lpush(self._list, data)
                pipe.ltrim(self._list, 0, self.most_messages - 1)
                pipe.execute()
        except self._error as error:
            self._turn_deaf(error)

    def wait(self, seconds: float) -> bytes | None:
        """Return the next message, or None after the seconds (at most `longest_wait`)."""
        if time.monotonic() < self._deaf_until:
            time.sleep(min(seconds, DEAF_SECONDS))
            return None
        try:
            # 0 would mean for ever.
            found: Any = self._listener.brpop(
                [self._list], max(0.01, min(seconds, self.longest_wait))
            )
        except self._error as error:
            self._turn_deaf(error)
            return None
        return bytes(found[1]) if found else None

    def close(self) -> None:
        """Close the connections to Redis."""
        self._ringer.close()
        self._listener.close()

    def is_deaf(self) -> bool:
        """Tell whether its server did not answer just now."""
        return time.monotonic() < self._deaf_until

    def _turn_deaf(self, error: Exception) -> None:
        self._deaf_until = _deaf("Redis", error)


class PostgresBell(BaseStorage):  # type: ignore[misc]
    """PostgreSQL's NOTIFY: each message wakes every worker that listens, and is kept nowhere."""

    blocking = True
    #: Seconds a ring may take: whoever rings has a person waiting.
    ring_seconds = 1.0

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name)
        self._error = postgres.load().Error
        self._url = url
        self._ringer: Any = None
        self._ringing = threading.Lock()
        self._listener: Any = None
        self._deaf_until = 0.0

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Tell all that listen; when PostgreSQL is away the ledger alone must do."""
        with self._ringing:  # a connection is for one thread at a time
            if time.monotonic() < self._deaf_until:
                return
            try:
                with postgres.patience(self.ring_seconds):
                    self._rung(data.decode("ascii"))
            except self._error as error:
                self._turn_deaf(error)

    def wait(self, seconds: float) -> bytes | None:
        """Return a message that has come, or None after the seconds."""
        if time.monotonic() < self._deaf_until:
            time.sleep(min(seconds, DEAF_SECONDS))
            return None
        try:
            if self._listener is None:
                # What was rung before we listened is not heard: the ledger must be looked at again.
                self._listener = self._listening()
                return None
            return self._heard(seconds)
        except self._error as error:
            self._turn_deaf(error)
            return None

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        for connection in (self._ringer, self._listener):
            if connection is not None:
                connection.close()
        self._ringer = self._listener = None

    def _rung(self, message: str) -> None:
        if self._ringer is None or postgres.is_lost(self._ringer):
            self._ringer = postgres.connect(self._url)
        self._ringer.cursor().execute("SELECT pg_notify(%s, %s)", (self.name, message))

    def _listening(self) -> Any:
        connection = postgres.connect(self._url)
        connection.cursor().execute(f'LISTEN "{self.name}"')
        return connection

    def _heard(self, seconds: float) -> bytes | None:
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        if not self._listener.notifies and poll.poll(seconds * 1000):
            self._listener.poll()
        if not self._listener.notifies:
            return None
        message = str(self._listener.notifies[0].payload)
        # One look at the ledger is the answer to all of them.
        self._listener.notifies.clear()
        return message.encode()

    def is_deaf(self) -> bool:
        """Tell whether its server did not answer just now."""
        return time.monotonic() < self._deaf_until

    def _turn_deaf(self, error: Exception) -> None:
        self.close()
        self._deaf_until = _deaf("PostgreSQL", error)


def bell(name: str, folder: Path, url: str) -> BaseStorage:
    """Return the bell that an address means; without one it is the FIFO in `folder`."""
    if not url:
        return Doorbell(name, folder / "doorbell")
    return PostgresBell(name, url) if url.startswith("postgres") else RedisBell(name, url)


def _deaf(server: str, error: Exception) -> float:
    """Say that a server is away; return the moment from which it is tried again."""
    why = str(error).strip().partition("\n")[0]
    logger.warning("%s does not answer, workers look at the ledger instead: %s", server, why)
    return time.monotonic() + DEAF_PERIOD
