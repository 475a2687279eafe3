"""The crew: the workers as people see them, what each does, and who seems to be stuck."""

import re
import time
from collections.abc import Container
from dataclasses import dataclass

from homequeue import ledger, processes
from homequeue.models import Job, Worker
from homequeue.queue import workers
from homequeue.services import figures

#: A run of so many times the span that 95 in 100 need is stuck, if it has also said nothing for so
#: many seconds.
FAR_TOO_LONG = 10
LONG = 300.0


@dataclass(frozen=True)
class Hand:
    """A worker: `job` is what it runs, `memory` is in bytes, None where it is not known.

    Of one elsewhere `memory` is what it last told, at `seen_at`; of one here all of it is true now.
    """

    worker: Worker
    #: Its name, with a number where several have the same.
    name: str
    job: Job | None
    memory: int | None
    seen_at: float
    is_here: bool
    is_stuck: bool


def on_duty() -> list[Hand]:
    """Return the workers that live, and those elsewhere that fell silent in the midst of a job.

    They come by their names, Worker 2 before Worker 10.
    """
    rows = list(Worker.select().order_by(Worker.started_at, Worker.identity))
    jobs = {job.worker: job for job in Job.select().where(Job.state == ledger.RUNNING)}
    found = [row for row in rows if workers.is_present(row) or _is_missed(row, jobs)]
    hands = [
        _hand(row, name, jobs.get(row.identity))
        for row, name in zip(found, _names(found), strict=True)
    ]
    return sorted(hands, key=lambda hand: _in_order(hand.name))


def names() -> dict[str, str]:
    """Return the names of the workers by their identity."""
    return {hand.worker.identity: hand.name for hand in on_duty()}


def is_slow(job: Job) -> bool:
    """Tell whether a running job takes far longer than such jobs do, and seems to be stuck.

    One that says how far it is, as a long film that is converted, or has time left that it may
    take, is not.
    """
    now = time.time()
    taken = now - (job.started_at or now)
    silent = min(taken, now - (job.reported_at or 0.0))
    if job.state != ledger.RUNNING or silent <= LONG or taken <= (job.timeout or 0.0):
        return False
    usual = figures.slowest(job.task)
    return usual is not None and taken > FAR_TOO_LONG * usual


def silence(worker: Worker) -> float:
    """Return for how many seconds a worker elsewhere has not been heard of."""
    return max(0.0, time.time() - worker.seen_at)


def _is_missed(row: Worker, jobs: Container[str | None]) -> bool:
    # Of a process of this machine we know that it is gone; one elsewhere may only be cut off.
    return processes.is_elsewhere(row.identity) and row.identity in jobs


def _hand(row: Worker, name: str, job: Job | None) -> Hand:
    is_here = not processes.is_elsewhere(row.identity)
    is_silent = not is_here and silence(row) > workers.LEASE
    memory = processes.memory_of(row.identity) if is_here else row.memory
    seen_at = time.time() if is_here else row.seen_at
    is_stuck = is_silent or (job is not None and is_slow(job))
    return Hand(row, name, job, memory, seen_at, is_here, is_stuck)


def _names(rows: list[Worker]) -> list[str]:
    all_of = [_name(row) for row in rows]
    return [
        f"{name} {all_of[: place + 1].count(name)}" if all_of.count(name) > 1 else name
        for place, name in enumerate(all_of)
    ]


def _in_order(name: str) -> list[tuple[str, int]]:
    """Return what sorts names with numbers in them as people do."""
    parts = re.findall(r"(\D+)(\d*)", name)
    return [(words, int(number or 0)) for words, number in parts]


def _name(row: Worker) -> str:
    name = str(row.name).capitalize()
    return (
        f"{name} on {row.identity.split('.')[0]}" if processes.is_elsewhere(row.identity) else name
    )
