"""Batches: the jobs that one act of a person set off, so that its progress can be told."""

import time
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.errors import NotFound
from homequeue.models import Batch, Guest, Job, User

#: An upload that comes so many seconds after the one before is part of the same batch.
GAP = 600.0
#: Unless all that came before is done by then, and nothing came for so many seconds.
CALM = 60.0
#: What people call them.
TITLES = {
    "upload": "Upload",
    "drop": "By a drop link",
    "import": "Import",
    "inbox": "From the inbox",
    "again": "Pictures made again",
}


@dataclass(frozen=True)
class Progress:
    """How far a batch is, in jobs."""

    batch: Batch
    total: int
    waiting: int
    done: int
    failed: int
    cancelled: int
    #: How many of those that failed were dismissed.
    dismissed: int

    @property
    def left(self) -> int:
        """How many have not ended."""
        return self.total - self.done - self.failed - self.cancelled


def begin(kind: str, user: User | None, guest: Guest | None = None) -> int:
    """Begin a batch and return its id."""
    whose = {"user": user.id if user else None, "guest": guest.id if guest else None}
    return int(Batch.create(kind=kind, came_by=_device(user, guest), **whose).id)


def of_now(user: User, guest: Guest | None = None, began: float | None = None) -> int:
    """Return the batch that what a user, or a guest of theirs, sends now belongs to.

    What comes from another device of theirs, or another program, belongs to another one. It is
    begun if there is none. To be asked in the transaction of what is added to it, which may
    have begun to come earlier.
    """
    return _of_now("drop" if guest else "upload", user, guest, began)


def of_inbox(user: User) -> int:
    """Return the batch that what is taken out of a user's inbox now belongs to, as `of_now`."""
    return _of_now("inbox", user)


def get(user: User, batch_id: int) -> Batch:
    """Return a batch that a user may see: an own one, or any if they are an administrator."""
    batch: Batch | None = Batch.get_or_none(Batch.id == batch_id)
    if batch is None or (batch.user != user.id and not user.is_admin):
        raise NotFound("There is no such batch.")
    return batch


def latest_upload(user: User) -> int | None:
    """Return the batch that a user has uploaded last from here, None if there is none any more."""
    own = Batch.select().where(Batch.kind == "upload", *_of(user))
    batch = own.order_by(Batch.id.desc()).first()
    return int(batch.id) if batch else None


def unfinished(user: User | None = None) -> list[Progress]:
    """Return the batches of which something is still to be done, everybody's or a user's."""
    open_ = Job.select(Job.batch).where(
        Job.batch.is_null(False), Job.state.in_((*ledger.WAITING, ledger.RUNNING))
    )
    chosen = Batch.select().where(Batch.id.in_(open_))
    if user is not None:
        chosen = chosen.where(Batch.user == user.id)
    return [_progress(batch) for batch in chosen.order_by(Batch.id.desc())]


def title(batch: Batch) -> str:
    """Return what a batch is, in words for a person."""
    return TITLES.get(batch.kind, str(batch.kind))


def has_files(batch: Batch) -> bool:
    """Tell whether files came with a batch: of pictures that are made again none has."""
    return bool(batch.kind != "again")


def owner(batch: Batch) -> str:
    """Return the name of the user who set a batch off; empty if it was nobody of them."""
    user = User.get_or_none(User.id == batch.user)
    return user.name if user else ""


def forget_before(moment: float) -> int:
    """Delete batches that nothing was added to since a moment; return how many."""
    kept = Job.select(Job.batch).where(Job.batch.is_null(False))
    old = (Batch.touched_at < moment) & Batch.id.not_in(kept)
    return int(Batch.delete().where(old).execute())


def _of_now(kind: str, user: User, guest: Guest | None = None, began: float | None = None) -> int:
    now = time.time()
    open_ = (Batch.kind == kind) & (Batch.touched_at > now - GAP)
    batch = Batch.select().where(open_, *_of(user, guest)).order_by(Batch.id.desc()).first()
    is_calm = batch is not None and batch.touched_at < (began or now) - CALM
    if batch is None or (is_calm and not _progress(batch).left):
        return begin(kind, user, guest)
    Batch.update(touched_at=now).where(Batch.id == batch.id).execute()
    return int(batch.id)


def _of(user: User, guest: Guest | None = None) -> tuple[Any, Any, Any]:
    """Return what the batches have in common that come from where they are now."""
    sender = Batch.guest == guest.id if guest else Batch.guest.is_null()
    return Batch.user == user.id, sender, Batch.came_by == _device(user, guest)


def _device(user: User | None, guest: Guest | None) -> str:
    return user.came_by if user and not guest else ""


def _progress(batch: Batch) -> Progress:
    columns = (Job.state, fn.COUNT(Job.id), fn.COUNT(Job.dismissed_at))
    rows: Any = Job.select(*columns).where(Job.batch == batch.id).group_by(Job.state)
    found = list(rows.tuples())
    counts = {state: count for state, count, _ in found}
    return Progress(
        batch,
        total=sum(counts.values()),
        waiting=sum(counts.get(state, 0) for state in ledger.WAITING),
        done=counts.get(ledger.SUCCEEDED, 0),
        failed=sum(counts.get(state, 0) for state in ledger.BAD),
        cancelled=counts.get(ledger.CANCELLED, 0),
        dismissed=sum(dismissed for _, _, dismissed in found),
    )
