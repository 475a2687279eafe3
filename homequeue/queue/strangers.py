"""Strangers: messages among ours that homequeue did not write, kept for a person to look at."""

import logging
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from homequeue import facts
from homequeue.db import db

logger = logging.getLogger("homequeue.queue")

#: The fact that holds them; so many of the last, and so many bytes of each.
FACT, MOST, LENGTH = "strangers", 10, 200


@dataclass(frozen=True)
class Stranger:
    """A message that none of ours has signed: when it was found, and how it begins, in ASCII."""

    at: float
    text: str


@dataclass
class Unwritten:
    """Those that this process has found and not written down yet: the last, and how many."""

    hearer: str = ""
    count: int = 0
    last: list[Stranger] = field(default_factory=list)


_unwritten = Unwritten()


def keep(message: bytes, hearer: str) -> None:
    """Keep the beginning of a message; nothing it says is done, or even looked into.

    `hearer` is who counts it: where a message is heard by all, each of them is one.
    """
    logger.warning("A message with a wrong signature was put aside.")
    now = time.time()
    _unwritten.hearer = hearer
    _unwritten.count += 1
    _unwritten.last = [*_unwritten.last, Stranger(now, repr(bytes(message)[:LENGTH]))][-MOST:]
    # However many come, the disk is left in peace, and so is everybody who writes.
    if not any(0 <= now - stranger.at < 1 for stranger in found()):
        write_down()


def write_down() -> None:
    """Write down those that this process has found since it last did."""
    if not _unwritten.count:
        return
    with db.atomic():
        known = _known()
        counts = known["counts"]
        counts[_unwritten.hearer] = counts.get(_unwritten.hearer, 0) + _unwritten.count
        last = known["last"] + [asdict(stranger) for stranger in _unwritten.last]
        facts.remember(FACT, {"counts": counts, "last": last[-MOST:]})
    _unwritten.count, _unwritten.last = 0, []


def found() -> list[Stranger]:
    """Return the last that were found, oldest first."""
    return [Stranger(**row) for row in _known()["last"]]


def count() -> int:
    """Return how many were found since they were last cleared."""
    return max(_known()["counts"].values(), default=0)


def clear() -> int:
    """Forget them; return how many there were."""
    with db.atomic():
        number = count()
        facts.forget(FACT)
    return number


def _known() -> dict[str, Any]:
    known: dict[str, Any] = facts.recall(FACT, {"counts": {}, "last": []})
    return known
