"""Room that is spoken for: what was begun and has not come yet.

Without it ten large uploads that begin at once would all find the same free bytes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from homequeue.media import media
from homequeue.models import Upload
from homequeue.services import ingest

#: Tells how many bytes of a body are still to come.
Still = Callable[[], int]

_coming: dict[int, Still] = {}
_turns = threading.RLock()


@contextmanager
def turn() -> Iterator[None]:
    """Let nobody else find the room that somebody is about to speak for."""
    with _turns:
        yield


def check(size: int, besides: str = "") -> None:
    """Raise NoSpace if so many bytes, with all that was begun, would not leave what is kept free.

    `besides` is the resumable upload that asks, whose own bytes are among those.
    """
    ingest.check_room(size + spoken_for(besides))


def expect(key: object, still: Still) -> None:
    """Keep room for what is still to come of a body."""
    _coming[id(key)] = still


def release(key: object) -> None:
    """Keep no room any more for a body; harmless if none was kept."""
    _coming.pop(id(key), None)


def spoken_for(besides: str = "") -> int:
    """Return how many bytes are still to come of what was begun, one upload not counted."""
    grown = media.growing()
    grown.pop(besides, None)
    bodies = sum(still() for still in list(_coming.values()))
    if not grown:
        return bodies
    unfinished = Upload.id.in_(list(grown)) & Upload.ended_at.is_null()
    rows = Upload.select(Upload.id, Upload.size).where(unfinished)
    return bodies + sum(max(0, row.size - grown[row.id].size) for row in rows)
