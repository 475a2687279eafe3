"""The bells: storages for Huey that wake a worker and keep nothing that could be lost.

The ledger holds the jobs, so a storage here has one duty: when something was queued, a waiting
worker wakes at once. A message that is lost, doubled or forged costs a look at the ledger.
"""

import fcntl
import logging
import os
import select
import sys
import termios
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
#: While so many rings are still to be heard nobody sleeps, and one more would only cost a look.
ENOUGH = 64
#: A Redis that holds more than this part of what it may is making room for what comes.
FULL = 0.9
EVICTING = "Redis is full and throws messages away: give it more memory (maxmemory)."
LATER = "Work is done all the same, but begins some seconds later."


class Unbound(BaseStorage):  # type: ignore[misc]
    """The storage before `bind`: the queue refuses to be used with it."""


class Doorbell(BaseStorage):  # type: ignore[misc]
    """A FIFO in the data folder: writing a byte wakes one worker within a millisecond."""

    blocking = True
    #: Whether each message is heard by all that listen, and not by one of them.
    tells_all = False

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._path = path
        self._fifo: int | None = None

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Ring once; the message itself is not kept, the ledger has it."""
        fifo = self._opened()
        waiting = int.from_bytes(fcntl.ioctl(fifo, termios.FIONREAD, bytes(4)), sys.byteorder)
        if waiting < ENOUGH:
            os.write(fifo, b"!")

    def wait(self, seconds: float) -> list[bytes]:
        """Sleep until the bell rings or the seconds are over."""
        fifo = self._opened()
        poll = select.poll()
        poll.register(fifo, select.POLLIN)
        if poll.poll(seconds * 1000):
            # Another worker may be quicker; one byte each, so that no ring is swallowed.
            with suppress(BlockingIOError):
                os.read(fifo, 1)
        return []

    def trouble(self) -> str:
        """Return what keeps messages from getting through: nothing, for there is no server."""
        return ""

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


class ServerBell(BaseStorage):  # type: ignore[misc]
    """A bell that a server carries, which may be away: then it is left alone for a while."""

    blocking = True
    tells_all = False
    server = ""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._deaf_until = 0.0
        self._complaint = ""

    def _turn_deaf(self, error: Exception) -> None:
        complaint = _first_line(error)
        if complaint != self._complaint:  # a weekend without it is worth one line
            words = "%s does not answer, workers look at the ledger instead: %s"
            logger.warning(words, self.server, complaint)
        self._complaint = complaint
        self._deaf_until = time.monotonic() + DEAF_PERIOD


class RedisBell(ServerBell):
    """A list in Redis, for workers that are to be woken through it."""

    server = "Redis"
    #: A worker that hears nothing looks at the ledger this often, in seconds.
    longest_wait = 10.0

    def __init__(self, name: str, url: str) -> None:
        import redis  # noqa: PLC0415  (11 MB that only a home with Redis needs)

        super().__init__(name)
        self._error = redis.RedisError
        self._words = {
            redis.AuthenticationError: "Redis refuses the password in [queue] url",
            redis.exceptions.OutOfMemoryError: "Redis is full and takes no messages",
            redis.ConnectionError: "Redis does not answer",
            redis.TimeoutError: "Redis does not answer",
        }
        # Whoever rings has a person waiting; whoever listens has all the time in the world.
        self._ringer = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        patience = self.longest_wait + 5
        self._listener = redis.Redis.from_url(
            url, socket_connect_timeout=1, socket_timeout=patience
        )
        self._list = f"homequeue.{name}.messages"

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Put a message into the list; when Redis is away the ledger alone must do."""
        if time.monotonic() < self._deaf_until:
            return
        try:
            with self._ringer.pipeline(transaction=False) as pipe:
                pipe.lpush(self._list, data)
                # The oldest stay: what strangers have put there is seen, however much we ring.
                pipe.ltrim(self._list, -ENOUGH, -1)
                pipe.execute()
            self._complaint = ""
        except self._error as error:
            self._turn_deaf(error)

    def wait(self, seconds: float) -> list[bytes]:
        """Return the next message, or none after the seconds (at most `longest_wait`)."""
        if time.monotonic() < self._deaf_until:
            time.sleep(min(seconds, DEAF_SECONDS))
            return []
        try:
            # 0 would mean for ever.
            found: Any = self._listener.brpop(
                [self._list], max(0.01, min(seconds, self.longest_wait))
            )
        except self._error as error:
            self._turn_deaf(error)
            return []
        self._complaint = ""
        return [bytes(found[1])] if found else []

    def trouble(self) -> str:
        """Ask Redis whether messages get through; return in words why not, or nothing."""
        try:
            self._ringer.set(f"{self._list}.probe", 1, ex=1)
        except self._error as error:
            kinds = (words for kind, words in self._words.items() if isinstance(error, kind))
            return f"{next(kinds, 'Redis takes no messages')}: {_first_line(error)}. {LATER}"
        return f"{EVICTING} {LATER}" if self._evicts() else ""

    def _evicts(self) -> bool:
        """Tell whether Redis makes room by throwing away what it holds, such as our messages."""
        try:
            memory = self._ringer.info("memory")
        except self._error:  # not everybody may ask
            return False
        is_full = memory["maxmemory"] and memory["used_memory"] > FULL * memory["maxmemory"]
        return bool(is_full) and str(memory["maxmemory_policy"]).startswith("allkeys")

    def close(self) -> None:
        """Close the connections to Redis."""
        self._ringer.close()
        self._listener.close()


class PostgresBell(ServerBell):
    """PostgreSQL's NOTIFY: each message wakes every worker that listens, and is kept nowhere."""

    server = "PostgreSQL"
    tells_all = True
    #: Seconds a ring may take: whoever rings has a person waiting.
    ring_seconds = 1.0

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name)
        self._error = postgres.load().Error
        self._url = url
        self._ringer: Any = None
        self._ringing = threading.Lock()
        self._listener: Any = None

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Tell all that listen; when PostgreSQL is away the ledger alone must do."""
        with self._ringing:  # a connection is for one thread at a time
            if time.monotonic() < self._deaf_until:
                return
            try:
                with postgres.patience(self.ring_seconds):
                    self._rung(data.decode("ascii"))
                self._complaint = ""
            except self._error as error:
                self._turn_deaf(error)

    def wait(self, seconds: float) -> list[bytes]:
        """Return the messages that have come, or none after the seconds."""
        if time.monotonic() < self._deaf_until:
            time.sleep(min(seconds, DEAF_SECONDS))
            return []
        try:
            if self._listener is None:
                # What was rung before we listened is not heard: the ledger must be looked at again.
                self._listener = self._listening()
                self._complaint = ""
                return []
            return self._heard(seconds)
        except self._error as error:
            self._turn_deaf(error)
            return []

    def trouble(self) -> str:
        """Ask PostgreSQL whether it answers; return in words why not, or nothing."""
        try:
            with postgres.patience(self.ring_seconds):
                postgres.connect(self._url).close()
        except self._error as error:
            return f"PostgreSQL does not answer: {_first_line(error)}. {LATER}"
        return ""

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

    def _heard(self, seconds: float) -> list[bytes]:
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        patience = 0.0 if self._listener.notifies else seconds
        while poll.poll(patience * 1000):
            self._listener.poll()
            patience = 0.0
        # One look at the ledger is the answer to all of them.
        messages = [str(notify.payload).encode() for notify in self._listener.notifies]
        self._listener.notifies.clear()
        return messages

    def _turn_deaf(self, error: Exception) -> None:
        self.close()
        super()._turn_deaf(error)


def bell(name: str, folder: Path, url: str) -> BaseStorage:
    """Return the bell that an address means; without one it is the FIFO in `folder`."""
    if not url:
        return Doorbell(name, folder / "doorbell")
    return PostgresBell(name, url) if url.startswith("postgres") else RedisBell(name, url)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
