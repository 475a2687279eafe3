"""The ledger: the table of jobs and the only place where their state moves.

A row is the truth; what Huey stores is a hint to look here. A worker owns a job from the moment its
conditional UPDATE changed the row, and whatever the job achieves is committed together with the
row's next state, or not at all.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from peewee import Case, fn

from homequeue import db, facts
from homequeue.errors import ClaimLost
from homequeue.models import Job

QUEUED: Final = "queued"  # waits for a worker
SCHEDULED: Final = "scheduled"  # waits for its time, then for a worker
RUNNING: Final = "running"  # a worker has claimed it
RETRYING: Final = "retrying"  # failed, and waits to be tried again
SUCCEEDED: Final = "succeeded"  # done, its results are kept
FAILED: Final = "failed"  # will not be tried again by itself
CANCELLED: Final = "cancelled"  # somebody said it need not be done
QUARANTINED: Final = "quarantined"  # killed its worker too often

WAITING = (QUEUED, SCHEDULED, RETRYING)
ENDED = (SUCCEEDED, FAILED, CANCELLED, QUARANTINED)
STATES = (*WAITING, RUNNING, *ENDED)

#: To each state, the states it may come from.
MOVES: dict[str, tuple[str, ...]] = {
    QUEUED: (RUNNING, FAILED, CANCELLED, QUARANTINED),
    SCHEDULED: (RUNNING,),
    RUNNING: WAITING,
    RETRYING: (RUNNING,),
    SUCCEEDED: (RUNNING,),
    FAILED: (RUNNING,),
    CANCELLED: WAITING,
    QUARANTINED: (RUNNING,),
}

#: A moment this far ahead, in seconds, means that the clock went back.
CLOCK_TOLERANCE = 60.0
#: A job that killed this many workers is quarantined.
MAX_DEATHS = 3

_current: ContextVar[Job | None] = ContextVar("current_job", default=None)


def add(
    task: str, args: Sequence[Any], *, due_at: float | None = None, **values: Any
) -> Job | None:
    """Write a job into the open transaction; None if its `key` already waits.

    `args` must be JSON. `due_at` is a moment in seconds since 1970; without it the job is due now.
    """
    if values.get("key") and waiting_with_key(values["key"]):
        return None
    now = time.time()
    parent = _current.get()
    return Job.create(
        task=task,
        args=json.dumps(list(args)),
        state=SCHEDULED if due_at is not None and due_at > now else QUEUED,
        queued_at=now,
        due_at=due_at if due_at is not None else now,
        parent=parent.id if parent else None,
        **values,
    )


def waiting_with_key(key: str) -> bool:
    """Tell whether a job of this key waits and has not begun."""
    return bool(Job.select().where(Job.key == key, Job.state.in_(WAITING)).exists())


def claim(worker: str) -> Job | None:
    """Take the most urgent due job for this worker; None if there is none."""
    if paused_until() > time.time():
        return None
    while (job := _most_urgent()) is not None:
        if _move(job, RUNNING, worker=worker, attempts=job.attempts + 1, started_at=time.time()):
            return job
    return None


def next_due() -> float | None:
    """Return the moment at which the earliest waiting job is due; None if none waits."""
    due_at = Case(None, [(Job.state == QUEUED, 0.0)], Job.due_at)
    moment = Job.select(fn.MIN(due_at)).where(Job.state.in_(WAITING)).scalar()
    return max(moment, paused_until()) if moment is not None else None


@contextmanager
def running(job: Job) -> Iterator[None]:
    """Make `job` the one that `finishing` and `add` of this context speak of."""
    token = _current.set(job)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def finishing(*, durable: bool = False) -> Iterator[None]:
    """One transaction for a job's results and its success; without a job, just a transaction.

    With `durable` it has reached the disk when the block ends.

    Raises ClaimLost, and keeps nothing, if the job has meanwhile been given to another worker.
    """
    job = _current.get()
    try:
        with db.durable() if durable else db.db.atomic():
            yield
            if job is not None:
                _must_move(job, SUCCEEDED, finished_at=time.time(), error=None, traceback=None)
    except BaseException:
        if job is not None:
            job.state = RUNNING  # the row was rolled back; what we know of it must be too
        raise


def succeed(job: Job, result: Any) -> None:
    """Record success, unless the job's own transaction has done it already."""
    if job.state == RUNNING:
        values = {"result": json.dumps(result)} if result is not None else {}
        _must_move(job, SUCCEEDED, finished_at=time.time(), error=None, traceback=None, **values)


def postpone(job: Job, due_at: float) -> None:
    """Put a running job off to a moment, as if it had not begun."""
    _must_move(job, SCHEDULED, due_at=due_at, attempts=job.attempts - 1, worker=None)


def retry_later(job: Job, due_at: float, error: str, traceback: str) -> None:
    """Put a job that failed back, to be tried again from `due_at` on."""
    _must_move(job, RETRYING, due_at=due_at, error=error, traceback=traceback, worker=None)


def end(job: Job, state: str, error: str, traceback: str | None = None) -> bool:
    """End a job without success: failed, cancelled or quarantined; False if it has moved on."""
    return _move(job, state, finished_at=time.time(), error=error, traceback=traceback)


def release(job: Job, *, died: bool) -> bool:
    """Give a running job back to the queue; `died` says that its worker did not survive it."""
    deaths = job.deaths + died
    return _move(job, QUEUED, worker=None, attempts=job.attempts - (not died), deaths=deaths)


def revive(job: Job) -> bool:
    """Queue a job that ended badly, with all its attempts before it; False if it did not."""
    if job.state not in (FAILED, CANCELLED, QUARANTINED):
        return False
    now = time.time()
    return _move(
        job,
        QUEUED,
        attempts=0,
        deaths=0,
        queued_at=now,
        due_at=now,
        finished_at=None,
        worker=None,
        progress=None,
    )


def follow_clock(now: float, longest_delay: float) -> None:
    """Let no job wait for a clock that went back: what was put off is put off from now on."""
    ahead = Job.state.in_((SCHEDULED, RETRYING)) & (
        (Job.queued_at > now + CLOCK_TOLERANCE)
        | ((Job.state == RETRYING) & (Job.due_at > now + 2 * longest_delay))
    )
    for job in list(Job.select().where(ahead)):
        delay = min(job.due_at - min(job.queued_at, job.due_at), longest_delay)
        moments = {"queued_at": min(job.queued_at, now), "due_at": now + delay}
        Job.update(**moments).where(Job.id == job.id, Job.state == job.state).execute()


def forget_before(moment: float) -> int:
    """Delete the jobs that succeeded or were cancelled before a moment; return how many."""
    ended = Job.state.in_((SUCCEEDED, CANCELLED)) & (Job.finished_at < moment)
    return int(Job.delete().where(ended).execute())


def forget_asset(asset_id: int) -> None:
    """Delete the jobs of an asset that is no more, except one that is running."""
    Job.delete().where(Job.asset == asset_id, Job.state != RUNNING).execute()


def counts() -> dict[str, int]:
    """Return how many jobs are in each state."""
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id)).group_by(Job.state).tuples()
    return dict.fromkeys(STATES, 0) | dict(rows)


def paused_until() -> float:
    """Return the moment until which no job is started; 0 if the queue is not paused."""
    return float(facts.recall("paused_until", 0.0))


def pause(until: float) -> None:
    """Start no job before this moment; a moment in the past resumes."""
    facts.remember("paused_until", until)


def _most_urgent() -> Job | None:
    due = (Job.state == QUEUED) | (Job.due_at <= time.time())
    # The same work never runs twice side by side.
    running = Job.alias()
    busy = running.select(running.key).where(running.state == RUNNING, running.key.is_null(False))
    free = Job.key.is_null() | Job.key.not_in(busy)
    waiting = Job.select().where(Job.state.in_(WAITING), due, free)
    job: Job | None = waiting.order_by(Job.priority.desc(), Job.deaths, Job.id).first()
    return job


def _move(job: Job, state: str, **values: Any) -> bool:
    """Move a job from the state we know it in, if it still is there and ours; tell whether."""
    if job.state not in MOVES[state]:
        return False
    same = (Job.id == job.id) & (Job.state == job.state) & (Job.attempts == job.attempts)
    if job.state == RUNNING:
        same &= Job.worker == job.worker
    moved: bool = Job.update(state=state, **values).where(same).execute() == 1
    if moved:
        for name, value in {"state": state, **values}.items():
            setattr(job, name, value)
    return moved


def _must_move(job: Job, state: str, **values: Any) -> None:
    if not _move(job, state, **values):
        raise ClaimLost(f"Job {job.id} now belongs to another worker.")
