"""Batches: the jobs that one act of a person set off, so that its progress can be told."""

import time
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.errors import NotFound
from homequeue.models import Batch, Job, User

#: An upload that comes so many seconds after the one before is part of the same batch.
GAP = 600.0


@dataclass(frozen=True)
class Progress:
    """How far a batch is, in jobs."""

    batch: Batch
    total: int
    done: int
    failed: int

    @property
    def left(self) -> int:
        """How many have not ended."""
        return self.total - self.done - self.failed


def begin(kind: str, user: User | None) -> int:
    """Begin a batch and return its id."""
    return int(Batch.create(kind=kind, user=user.id if user else None).id)


def of_now(user: User) -> int:
    """Return the batch that what a user sends now belongs to, begun if there is none.

    To be asked in the transaction of what is added to it.
    """
    now = time.time()
    open_ = (Batch.kind == "upload") & (Batch.user == user.id) & (Batch.touched_at > now - GAP)
    batch = Batch.select().where(open_).order_by(Batch.id.desc()).first()
    if batch is None:
        return begin("upload", user)
    Batch.update(touched_at=now).where(Batch.id == batch.id).execute()
    return int(batch.id)


def get(user: User, batch_id: int) -> Batch:
    """Return a batch that a user may see: an own one, or any if they are an administrator."""
    batch: Batch | None = Batch.get_or_none(Batch.id == batch_id)
    if batch is None or (batch.user != user.id and not user.is_admin):
        raise NotFound("There is no such batch.")
    return batch


def unfinished(user: User | None = None) -> list[Progress]:
    """Return the batches of which something is still to be done, everybody's or a user's."""
    open_ = Job.select(Job.batch).where(
        Job.batch.is_null(False), Job.state.in_((*ledger.WAITING, ledger.RUNNING))
    )
    chosen = Batch.select().where(Batch.id.in_(open_))
    if user is not None:
        chosen = chosen.where(Batch.user == user.id)
    return [_progress(batch) for batch in chosen.order_by(Batch.id.desc())]


def owner(batch: Batch) -> str:
    """Return the name of the user who set a batch off; empty if it was nobody of them."""
    user = User.get_or_none(User.id == batch.user)
    return user.name if user else ""


def forget_before(moment: float) -> int:
    """Delete batches that nothing was added to since a moment; return how many."""
    kept = Job.select(Job.batch).where(Job.batch.is_null(False))
    old = (Batch.touched_at < moment) & Batch.id.not_in(kept)
    return int(Batch.delete().where(old).execute())


def _progress(batch: Batch) -> Progress:
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id)).where(Job.batch == batch.id)
    counts = dict(rows.group_by(Job.state).tuples())
    failed = sum(counts.get(state, 0) for state in (ledger.FAILED, ledger.QUARANTINED))
    done = counts.get(ledger.SUCCEEDED, 0) + counts.get(ledger.CANCELLED, 0)
    return Progress(batch, sum(counts.values()), done, failed)
