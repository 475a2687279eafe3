"""Receipts: what became of each file of a batch, for as long as its history is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue.db import db
from homequeue.models import Batch, Guest, Receipt, User
from homequeue.services import batches

ADDED = "added"  # new here
KNOWN = "known"  # its bytes were here already
RESTORED = "restored"  # they were in the trash, and are not any more
REFUSED = "refused"  # not taken: the words say why

#: Refusals of one guest that are written down: whoever has a link may be refused without end.
MOST_OF_GUEST = 500

OUTCOMES = (ADDED, KNOWN, RESTORED, REFUSED)


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and why, in words; `size` in bytes, if it is known."""

    filename: str
    words: str
    size: int | None = None


def write(batch: int, rows: Sequence[Receipt]) -> None:
    """Write receipts, in the transaction of what they tell of."""
    for row in rows:
        row.batch_id = batch
    Receipt.bulk_create(rows, batch_size=100)


def refuse(batch: int, refused: Sequence[Refusal]) -> None:
    """Write down which files of a batch were not taken."""
    rows = [
        Receipt(filename=one.filename, size=one.size, outcome=REFUSED, words=one.words)
        for one in refused
    ]
    with db.atomic():
        write(batch, rows)


def refuse_upload(user: User, refused: Sequence[Refusal], guest: Guest | None = None) -> int:
    """Write down which files that a user or a guest sends now were not taken; return the batch."""
    with db.atomic():
        batch = batches.of_now(user, guest)
        refuse(batch, refused[: _left(guest)] if guest else refused)
    return batch


def _left(guest: Guest) -> int:
    """Return how many more refusals of a guest are written down."""
    own = Batch.select(Batch.id).where(Batch.guest == guest.id)
    rows = Receipt.select().where(Receipt.batch.in_(own), Receipt.outcome == REFUSED)
    return MOST_OF_GUEST - int(rows.limit(MOST_OF_GUEST).count())


def last() -> int:
    """Return the number of the receipt written last; 0 if there is none."""
    return int(Receipt.select(fn.MAX(Receipt.id)).scalar() or 0)


def count(batch: int, after: int = 0) -> dict[str, int]:
    """Return how many files of a batch there are of each outcome, from one receipt on."""
    rows: Any = Receipt.select(Receipt.outcome, fn.COUNT(Receipt.id)).where(
        Receipt.batch == batch, Receipt.id > after
    )
    found: dict[str, int] = dict(rows.group_by(Receipt.outcome).tuples())
    return {outcome: found.get(outcome, 0) for outcome in OUTCOMES}


def listed(batch: int, after: int, limit: int, outcomes: Sequence[str] = OUTCOMES) -> list[Receipt]:
    """Return receipts of a batch in the order in which they were written, from one on."""
    rows = Receipt.select().where(Receipt.batch == batch, Receipt.id > after)
    return list(rows.where(Receipt.outcome.in_(list(outcomes))).order_by(Receipt.id).limit(limit))
