"""The ledger: the table of jobs and the only place where their state moves.

A row is the truth; what Huey stores is a hint to look here. A worker owns a job from the moment its
conditional UPDATE changed the row, and whatever the job achieves is committed together with the
row's next state, or not at all.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Final

from peewee import Case, IntegrityError, fn

from homequeue import db, histories, meter, runs
from homequeue.causes import cause
from homequeue.errors import ClaimLost
from homequeue.holds import NO_HOLDS, Check, Holds
from homequeue.models import Job

QUEUED: Final = "queued"  # waits for a worker
SCHEDULED: Final = "scheduled"  # waits for its time or for other jobs, then for a worker
RUNNING: Final = "running"  # a worker has claimed it
RETRYING: Final = "retrying"  # failed, and waits to be tried again
SUCCEEDED: Final = "succeeded"  # done, its results are kept
FAILED: Final = "failed"  # will not be tried again by itself
CANCELLED: Final = "cancelled"  # somebody or something said it need not be done
QUARANTINED: Final = "quarantined"  # killed its worker too often

WAITING = (QUEUED, SCHEDULED, RETRYING)
BAD = (FAILED, QUARANTINED)  # they need a look until somebody dismisses them
ENDED = (SUCCEEDED, FAILED, CANCELLED, QUARANTINED)
STATES = (*WAITING, RUNNING, *ENDED)

#: To each state, the states it may come from.
MOVES: dict[str, tuple[str, ...]] = {
    QUEUED: (RUNNING, FAILED, CANCELLED, QUARANTINED),
    SCHEDULED: (RUNNING, FAILED, CANCELLED, QUARANTINED),
    RUNNING: WAITING,
    RETRYING: (RUNNING,),
    SUCCEEDED: (RUNNING,),
    FAILED: (RUNNING,),
    CANCELLED: (*WAITING, RUNNING),
    QUARANTINED: (RUNNING,),
}

#: A moment this far ahead, in seconds, means that the clock went back.
CLOCK_TOLERANCE = 60.0
#: A job that killed this many workers is quarantined.
MAX_DEATHS = 3
#: Why a job ended badly, and that it was seen: gone with its next run, but for the history.
REASON = ("error", "cause", "traceback", "dismissed_at")
_batch: ContextVar[int | None] = ContextVar("current_batch", default=None)


def add(task: str, args: Sequence[Any], *, due_at: float | None = None, **values: Any) -> Job:
    """Write a job into the open transaction.

    `args` must be JSON. `due_at` is a moment in seconds since 1970; without it the job is due now.
    """
    now = time.time()
    parent = runs.current()
    waits = bool(values.get("waits_for")) or (due_at is not None and due_at > now)
    state = SCHEDULED if waits else QUEUED
    job: Job = Job.create(
        task=task,
        args=json.dumps(list(args), allow_nan=False),
        state=state,
        queued_at=now,
        due_at=due_at if due_at is not None else now,
        parent=parent.id if parent else None,
        batch=_batch.get() or (parent.batch if parent else None),
        history=histories.line(now, state),
        **values,
    )
    return job


def has_key(key: str, states: Collection[str]) -> bool:
    """Tell whether a job of this key is in one of these states and waits for no other job.

    A later step of a chain may never be done: it ends with the steps before it.
    """
    sure = (Job.key == key) & Job.state.in_(states) & (Job.waits_for == 0)
    return bool(Job.select().where(sure).exists())


def hasten(key: str, priority: int) -> bool:
    """Make what waits under a key at least as urgent as this; False if nothing does any more.

    Until this transaction ends nobody begins it: it will see what is written here.
    """
    sure = (Job.key == key) & Job.state.in_(WAITING) & (Job.waits_for == 0)
    larger = Case(None, [(Job.priority < priority, priority)], Job.priority)
    return bool(Job.update(priority=larger).where(sure).execute())


def follow(key: str, follower: int) -> bool:
    """Have a job wait for the end of what waits under a key; False if another does already."""
    sure = (Job.key == key) & Job.state.in_(WAITING) & (Job.waits_for == 0)
    free = sure & Job.follower.is_null()
    found = Job.select(Job.id).where(free).order_by(Job.id.desc()).first()
    mine = (Job.id == found.id) & free if found else None
    return mine is not None and bool(Job.update(follower=follower).where(mine).execute())


@contextmanager
def part_of(batch: int | None) -> Iterator[None]:
    """Make the jobs that are added in this context part of a batch."""
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)


def claim(worker: str, holds: Holds = NO_HOLDS, checks: Mapping[str, Check] = {}) -> Job | None:
    """Take the most urgent due job for this worker; None if there is none.

    A task that has a check is begun by one worker after the other, and only if that says yes.
    """
    now = time.time()
    while holds.everything <= now and (job := _most_urgent(holds, now)) is not None:
        check = checks.get(job.task)
        with db.db.atomic() if check else nullcontext():
            if check and not check():
                holds = holds.besides(job.task)
            elif _begin(job, worker):
                return job
    return None


def next_due(holds: Holds = NO_HOLDS) -> float | None:
    """Return the moment at which the earliest waiting job may start; None if none waits.

    Work that runs already is left out: who ends it looks for more.
    """
    calm = Job.priority < holds.urgent
    due_at = fn.MIN(Case(None, [(Job.state == QUEUED, 0.0)], Job.due_at))
    runs_now = Job.select(Job.key).where(Job.state == RUNNING, Job.key.is_null(False))
    ready = Job.state.in_(WAITING) & (Job.waits_for == 0)
    alone = Job.key.is_null() | Job.key.not_in(runs_now)
    rows: Any = Job.select(Job.task, fn.MIN(Job.priority), due_at).where(ready, alone)
    moments = [
        max(holds.until(task, priority), moment)
        for task, priority, moment in rows.group_by(Job.task, calm).tuples()
    ]
    return min(moments, default=None)


@contextmanager
def finishing(*, durable: bool = False, result: Any = None) -> Iterator[None]:
    """One transaction for a job's results and its success; without a job, just a transaction.

    With `durable` it has reached the disk when the block ends.

    Raises ClaimLost, and keeps nothing, if the job has meanwhile been given to another worker.
    """
    job = runs.current()
    try:
        with db.durable() if durable else db.db.atomic():
            yield
            if job is not None:
                _succeed(job, result)
    except BaseException:
        if job is not None:
            job.state = RUNNING  # the row was rolled back; what we know of it must be too
        raise


def succeed(job: Job, result: Any) -> None:
    """Record success, unless the job's own transaction has done it already."""
    if job.state == RUNNING:
        with db.db.atomic():
            _succeed(job, result)


def postpone(job: Job, due_at: float, words: str = "") -> None:
    """Put a running job off to a moment, as if it had not begun."""
    values: dict[str, Any] = {"due_at": due_at, "attempts": job.attempts - 1, "worker": None}
    _must_move(job, SCHEDULED, words=words, **values)


def retry_later(job: Job, due_at: float, error: str, traceback: str) -> None:
    """Put a job that failed back, to be tried again from `due_at` on."""
    values: dict[str, Any] = {"due_at": due_at, "error": error, "traceback": traceback}
    _must_move(job, RETRYING, words=error, worker=None, **values)


def end(job: Job, state: str, error: str, traceback: str | None = None) -> bool:
    """End a job without success: failed, cancelled or quarantined; False if it has moved on."""
    values: dict[str, Any] = {"error": error, "cause": cause(error), "traceback": traceback}
    with db.db.atomic():
        moved = _move(job, state, words=error, finished_at=time.time(), **values)
        if moved and state in BAD:
            _dismiss_the_same(job, "failed at")
        return moved and meter.count(job) and _release_follower(job)


def dismiss(job: Job, who: str | None, words: str = "dismissed") -> bool:
    """Say of a job that ended badly that it needs no look any more; it stays what it is."""
    line = histories.line(time.time(), job.state, who, words)
    told = {"dismissed_at": time.time(), "history": Job.history + line}
    bad = (Job.id == job.id) & Job.state.in_(BAD) & Job.dismissed_at.is_null()
    return bool(Job.update(**told).where(bad, Job.attempts == job.attempts).execute())


def release(job: Job, *, died: bool) -> bool:
    """Give a running job back to the queue; `died` says that its worker did not survive it."""
    attempts, deaths = job.attempts - (not died), job.deaths + died
    words = "its worker died" if died else "put back, as homequeue ended or lost its machine"
    return _move(job, QUEUED, words=words, worker=None, attempts=attempts, deaths=deaths)


def revive(job: Job, who: str | None = None) -> bool:
    """Queue a job that ended badly, with all its attempts before it; False if it did not."""
    if job.state not in (FAILED, CANCELLED, QUARANTINED):
        return False
    now = time.time()
    undone = (Job.follower == job.id) & (Job.state != SUCCEEDED)
    waits_for = int(Job.select().where(undone).count())
    values: dict[str, Any] = dict.fromkeys(("attempts", "deaths"), 0)
    values |= {"queued_at": now, "due_at": now, "waits_for": waits_for}
    if waits_for and not job.waits_for and not job.needs_success:
        # It has been given the results of its group, and will be given them again.
        values["args"] = json.dumps(json.loads(job.args)[:-1])
    values |= dict.fromkeys(("finished_at", "expires_at", "worker", "progress", "step", *REASON))
    with db.db.atomic():
        state = SCHEDULED if waits_for else QUEUED
        return _move(job, state, who=who, **values) and _hold_follower(job)


def twin(job: Job, besides: Collection[int] = ()) -> Job | None:
    """Return a job of the same key that waits or runs, none of `besides`; None if there is none."""
    alive = (Job.key == job.key) & Job.state.in_((*WAITING, RUNNING)) & (Job.id != job.id)
    sure = alive & (Job.waits_for == 0)
    other = Job.select().where(sure, Job.id.not_in(list(besides))).order_by(Job.id)
    found: Job | None = other.first() if job.key is not None else None
    return found


def stop(job: Job, who: str) -> bool:
    """Ask the worker of a running job to drop it at once; False if it runs no more."""
    mine = (Job.id == job.id) & (Job.state == RUNNING) & (Job.attempts == job.attempts)
    return bool(Job.update(stopped_by=who).where(mine, Job.worker == job.worker).execute())


def doomed_by(job: Job) -> list[Job]:
    """Return the job that waits for the success of one that ended without."""
    waits = (Job.id == job.follower) & Job.needs_success & Job.state.in_(WAITING)
    return list(Job.select().where(waits)) if job.follower else []


def freed_by(job: Job) -> list[Job]:
    """Return the job that waited for the end of this one and now waits for nothing else."""
    ready = (Job.id == job.follower) & (Job.waits_for == 0) & Job.state.in_(WAITING)
    return list(Job.select().where(ready)) if job.follower else []


def revived_with(job: Job) -> list[Job]:
    """Return the jobs that are to be revived with one: what it waits for, what waited for it."""
    before = (Job.follower == job.id) & Job.state.in_((FAILED, CANCELLED, QUARANTINED))
    after = (Job.id == job.follower) & Job.needs_success & (Job.state == CANCELLED)
    return list(Job.select().where(before | after).order_by(Job.id))


def expired(now: float) -> list[Job]:
    """Return the waiting jobs that had to begin before now, and did not."""
    return list(Job.select().where(Job.state.in_(WAITING), Job.attempts == 0, Job.expires_at < now))


def forget_asset(asset_id: int) -> None:
    """Delete the jobs of an asset, except one that is running; nobody may wait for them."""
    Job.delete().where(Job.asset == asset_id, Job.state != RUNNING).execute()


def counts() -> dict[str, int]:
    """Return how many jobs are in each state."""
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id)).group_by(Job.state).tuples()
    return dict.fromkeys(STATES, 0) | dict(rows)


def _most_urgent(holds: Holds, now: float) -> Job | None:
    held = [task for task, until in holds.tasks.items() if until > now]
    others = f"AND task NOT IN ({', '.join('?' * len(held))})" if held else ""
    urgent = "AND priority >= ?" if holds.quiet > now else ""
    parameters = [now, *held, *([holds.urgent] if urgent else [])]
    found = Job.raw(db.sql(f"{MOST_URGENT} {others} {urgent} {IN_ORDER}"), *parameters)
    job: Job | None = next(iter(found), None)
    return job


#: In plain SQL, for this is asked before each and every job; the same work never runs side by side.
MOST_URGENT = """
    SELECT * FROM job WHERE state IN ('queued', 'scheduled', 'retrying') AND waits_for = 0
    AND (state = 'queued' OR due_at <= ?) AND (key IS NULL OR NOT EXISTS
        (SELECT 1 FROM job AS other WHERE other.state = 'running' AND other.key = job.key))
"""
IN_ORDER = "ORDER BY priority DESC, deaths, id LIMIT 1"


def _begin(job: Job, worker: str) -> bool:
    """Make a waiting job a worker's; False if another was quicker, with it or with its like."""
    values: dict[str, Any] = {"worker": worker, "attempts": job.attempts + 1}
    values |= dict.fromkeys(("stopped_by", "progress", "step", "reported_at", *REASON))
    try:
        return _move(job, RUNNING, who=worker, started_at=time.time(), **values)
    except IntegrityError:  # of two jobs with one key only one can run: the index job_alone
        return False


def _succeed(job: Job, result: Any) -> None:
    # NaN is no JSON: whoever asks for the job could not read the answer.
    values = {"result": json.dumps(result, allow_nan=False)} if result is not None else {}
    _must_move(job, SUCCEEDED, finished_at=time.time(), error=None, traceback=None, **values)
    meter.count(job)
    _release_follower(job)
    _dismiss_the_same(job, "done")


def _dismiss_the_same(job: Job, fared: str) -> None:
    """Say of what failed earlier at the same work that nobody need look at it: this job counts."""
    for other in Job.raw(db.sql(BAD_OF_KEY), job.key, job.id) if job.key is not None else ():
        dismiss(other, None, f"dismissed: job {job.id} has {fared} the same since")


#: In plain SQL, for this is asked after each and every job. One with a follower still needs a
#: look: what was to follow it was not done.
BAD_OF_KEY = """
    SELECT * FROM job WHERE key = ? AND state IN ('failed', 'quarantined') AND follower_id IS NULL
    AND dismissed_at IS NULL AND id != ?
"""


def _release_follower(job: Job) -> bool:
    """Let the job that waits for this one know that it ended, and how."""
    follower = Job.get_or_none(Job.id == job.follower) if job.follower else None
    if follower is None or (follower.needs_success and job.state != SUCCEEDED):
        return True
    left = follower.waits_for - 1
    values: dict[str, Any] = {"waits_for": Job.waits_for - 1}
    if follower.needs_success and job.result is not None:
        values["args"] = json.dumps([*json.loads(follower.args), json.loads(job.result)])
    elif not follower.needs_success and left == 0:
        values["args"] = json.dumps([*json.loads(follower.args), _results_for(follower)])
    Job.update(**values).where(Job.id == follower.id, Job.waits_for > 0).execute()
    return True


def _hold_follower(job: Job) -> bool:
    """Let the job that waits for the end of this one wait for it once more."""
    waits = (Job.id == job.follower) & ~Job.needs_success & (Job.waits_for > 0)
    if job.follower:
        unfinished = (Job.follower == job.follower) & Job.state.in_((*WAITING, RUNNING))
        Job.update(waits_for=Job.select().where(unfinished).count()).where(waits).execute()
    return True


def _results_for(follower: Job) -> list[Any]:
    """Return the results of a group in its order, None for each that failed or is no more."""
    rows: Any = Job.select(Job.id, Job.result).where(Job.follower == follower.id).tuples()
    found = dict(rows)
    return [
        json.loads(found.get(member) or "null") for member in json.loads(follower.members or "[]")
    ]


def _move(
    job: Job, state: str, *, who: str | None = None, words: str | None = None, **values: Any
) -> bool:
    """Move a job from the state we know it in, if it still is there and ours; tell whether."""
    if job.state not in MOVES[state]:
        return False
    values |= {"state": state} | (runs.left_by(job) if job.state == RUNNING else {})
    columns = ", ".join(f"{COLUMNS.get(name, name)} = ?" for name in values)
    same = "id = ? AND state = ? AND attempts = ?" + " AND worker = ?" * (job.state == RUNNING)
    known = [job.id, job.state, job.attempts, *([job.worker] if job.state == RUNNING else [])]
    line = histories.line(time.time(), state, who, words)
    shorter = histories.shortened(job.history)
    history = "history" if shorter is None else "?"
    update = db.sql(f"UPDATE job SET {columns}, history = {history} || ? WHERE {same}")
    written = [*values.values(), *([] if shorter is None else [shorter]), line, *known]
    if db.db.execute_sql(update, written).rowcount != 1:
        return False
    job.history = (job.history if shorter is None else shorter) + line
    for name, value in values.items():
        setattr(job, name, value)
    return True


#: Where a column is not called like its field.
COLUMNS = {"batch": "batch_id", "follower": "follower_id"}


def _must_move(job: Job, state: str, *, words: str | None = None, **values: Any) -> None:
    if not _move(job, state, words=words, **values):
        raise ClaimLost(f"Job {job.id} now belongs to another worker.")
