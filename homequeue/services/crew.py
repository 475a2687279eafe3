"""The crew: the workers as people see them, what each does, and who seems to be stuck."""

import time
from dataclasses import dataclass

from homequeue import ledger, processes
from homequeue.models import Job, Worker
from homequeue.queue import workers
from homequeue.services import figures

#: A run of so many times the span that 95 in 100 need is stuck, if it has also taken so long.
FAR_TOO_LONG = 10
LONG = 300.0


@dataclass(frozen=True)
class Hand:
    """A worker: `job` is what it runs, `memory` is in bytes, None where it is not known."""

    worker: Worker
    #: Its name, with a number where several have the same.
    name: str
    job: Job | None
    memory: int | None
    is_here: bool
    is_stuck: bool


def on_duty() -> list[Hand]:
    """Return the workers that live, here or elsewhere, and those elsewhere that fell silent."""
    rows = list(Worker.select().order_by(Worker.started_at, Worker.identity))
    found = [row for row in rows if _is_seen(row)]
    jobs = {job.worker: job for job in Job.select().where(Job.state == ledger.RUNNING)}
    return [
        _hand(row, name, jobs.get(row.identity))
        for row, name in zip(found, _names(found), strict=True)
    ]


def names() -> dict[str, str]:
    """Return the names of the workers by their identity."""
    return {hand.worker.identity: hand.name for hand in on_duty()}


def is_slow(job: Job) -> bool:
    """Tell whether a running job takes far longer than such jobs do."""
    taken = time.time() - (job.started_at or time.time())
    if job.state != ledger.RUNNING or taken <= LONG:
        return False
    usual = figures.slowest(job.task)
    return usual is not None and taken > FAR_TOO_LONG * usual


def silence(worker: Worker) -> float:
    """Return for how many seconds a worker elsewhere has not been heard of."""
    return max(0.0, time.time() - worker.seen_at)


def _is_seen(row: Worker) -> bool:
    # Of a process of this machine we know that it is gone; one elsewhere may only be cut off.
    return processes.is_elsewhere(row.identity) or processes.is_alive(row.identity)


def _hand(row: Worker, name: str, job: Job | None) -> Hand:
    is_here = not processes.is_elsewhere(row.identity)
    is_silent = not is_here and silence(row) > workers.LEASE
    memory = processes.memory_of(row.identity) if is_here else None
    is_stuck = is_silent or (job is not None and is_slow(job))
    return Hand(row, name, job, memory, is_here, is_stuck)


def _names(rows: list[Worker]) -> list[str]:
    all_of = [_name(row) for row in rows]
    return [
        f"{name} {all_of[: place + 1].count(name)}" if all_of.count(name) > 1 else name
        for place, name in enumerate(all_of)
    ]


def _name(row: Worker) -> str:
    name = str(row.name).capitalize()
    return (
        f"{name} on {row.identity.split('.')[0]}" if processes.is_elsewhere(row.identity) else name
    )
