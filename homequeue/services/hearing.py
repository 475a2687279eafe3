"""Hearing: whether messages reach the workers, for those who look again and again."""

import threading
import time
from typing import Any

from homequeue.queue import queue

#: What was found out is true enough for so many seconds: a server that is away takes long to ask.
REMEMBERED = 10.0


class _Known:
    """What was last found out, and of which bell."""

    def __init__(self) -> None:
        self.bell: Any = None
        self.until = 0.0
        self.words = ""
        self.asking = threading.Lock()


_known = _Known()


def trouble() -> str:
    """Return what kept messages from getting through some seconds ago at most; empty if nothing.

    While one visitor waits for the server of the bell, the others are told what was known before.
    """
    is_old = _known.bell is not queue.storage or time.monotonic() >= _known.until
    if is_old and _known.asking.acquire(blocking=False):
        try:
            _known.words, _known.bell = queue.storage.trouble(), queue.storage
            _known.until = time.monotonic() + REMEMBERED
        finally:
            _known.asking.release()
    return _known.words
