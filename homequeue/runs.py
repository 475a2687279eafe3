"""The run that this context is about: one attempt at a job, as its worker knows it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from peewee import OperationalError, fn

from homequeue.db import db
from homequeue.models import Job

#: How often a running job's progress is written down, in seconds.
REPORT_EVERY = 1.0
#: How many of the last lines that a run logged are kept.
MOST_LINES = 100


@dataclass
class Run:
    """One attempt at a job, as its worker knows it."""

    job: Job
    lines: list[str] = field(default_factory=list)
    memory: int | None = None
    reported_at: float = -REPORT_EVERY


_current: ContextVar[Run | None] = ContextVar("current_run", default=None)


def current() -> Job | None:
    """Return the job that this context runs, if any."""
    run = _current.get()
    return run.job if run else None


@contextmanager
def running(job: Job) -> Iterator[None]:
    """Make `job` the one that `report` here, and `finishing` and `add` of the ledger, speak of."""
    token = _current.set(Run(job))
    try:
        yield
    finally:
        _current.reset(token)


def goes_on(job: Job) -> bool:
    """Tell whether a job is still at the very run in which we know it."""
    return bool(_at_this_run(job).exists())


def fence() -> tuple[Any, ...]:
    """Return the conditions of a statement that must do nothing once this context's run is over.

    A machine that was cut off sends its last words when it is back, and then they come too late.
    """
    run = _current.get()
    return (fn.EXISTS(_at_this_run(run.job)),) if run else ()


def report(step: str, progress: float | None = None) -> None:
    """Say what the running job is doing and how much of it is done, from 0 to 1.

    It is written down once a second at most, so it may be called as often as there is news; what
    cannot be written down now is left out.
    """
    run = _current.get()
    if run is None or time.monotonic() < run.reported_at + REPORT_EVERY:
        return
    run.reported_at = time.monotonic()
    mine = (Job.id == run.job.id) & (Job.worker == run.job.worker)
    told = {"step": step, "progress": progress, "reported_at": time.time()}
    try:
        Job.update(**told).where(mine).execute()
    except OperationalError:
        # It is not worth the run; a transaction, however, would go on as if nothing were amiss.
        if db.in_transaction():
            raise


def note(line: str) -> None:
    """Keep a line that the running job logged."""
    run = _current.get()
    if run is not None:
        run.lines = [*run.lines, line][-MOST_LINES:]


def used(memory: int) -> None:
    """Note the bytes of memory that the running job needed at its peak."""
    run = _current.get()
    if run is not None:
        run.memory = max(memory, run.memory or 0)


def _at_this_run(job: Job) -> Any:
    this_run = (Job.id == job.id) & (Job.attempts == job.attempts) & (Job.worker == job.worker)
    return Job.select().where(this_run, Job.state == "running")


def left_by(job: Job) -> dict[str, Any]:
    """Return what a job's run leaves in its row besides its outcome."""
    run = _current.get()
    if run is None or run.job.id != job.id:
        return {}
    left: dict[str, Any] = {"log": "\n".join(run.lines)} if run.lines else {}
    return left | ({"memory": run.memory} if run.memory else {})
