"""What the queue is doing, how well it does it, and for how much longer."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.db import db
from homequeue.models import Job, Periodic, Tally, User, Worker
from homequeue.queue import queue, workers
from homequeue.services import delays
from homequeue.services.jobs import Chosen, conditions, kind_label

HOUR = 3600
#: The spans of runs that tell how long the next will take.
RECENT = 50
#: At most so many runs are looked at for a median.
MOST_RUNS = 5000


@dataclass(frozen=True)
class Cause:
    """Jobs of a task that ended badly for the same reason; `newest` stands for them."""

    task: str
    error: str
    count: int
    newest: int


@dataclass(frozen=True)
class Kind:
    """How the jobs of a task fared; spans in seconds."""

    task: str
    runs: int
    failed: int
    median: float
    p95: float
    wait: float


def present_workers() -> list[Worker]:
    """Return the workers that are alive."""
    rows = Worker.select().order_by(Worker.started_at)
    return [worker for worker in rows if workers.is_present(worker)]


def oldest_wait(user: User | None = None) -> float:
    """Return for how many seconds the longest-waiting due job has waited; 0 if none waits.

    What is held back, as in a pause or in quiet hours, waits for no worker and does not count.
    """
    now = time.time()
    waiting = (delays.startable(now), *conditions(Chosen(user)))
    moment = Job.select(fn.MIN(Job.due_at)).where(*waiting).scalar()
    return max(0.0, now - moment) if moment is not None else 0.0


def throughput(seconds: float, user: User | None = None) -> int:
    """Return how many jobs succeeded in the last so many seconds."""
    recent = (Job.state == ledger.SUCCEEDED) & (Job.finished_at > time.time() - seconds)
    return int(Job.select().where(recent, *conditions(Chosen(user))).count())


def counts_by_task(user: User | None = None) -> dict[str, dict[str, int]]:
    """Return how many jobs of each task are in each state, everybody's or a user's."""
    rows: Any = Job.select(Job.task, Job.state, fn.COUNT(Job.id))
    rows = rows.where(*conditions(Chosen(user))).group_by(Job.task, Job.state)
    found: dict[str, dict[str, int]] = {}
    for task, state, number in rows.tuples():
        found.setdefault(task, {})[state] = number
    return found


def seconds_left(user: User | None = None) -> float | None:
    """Return how long all that waits or runs will take; None if nobody can know.

    That is the median of the last runs of each task, times what is left, shared by the workers.
    """
    unfinished = (*ledger.WAITING, ledger.RUNNING)
    return seconds_for(
        {
            task: sum(states.get(state, 0) for state in unfinished)
            for task, states in counts_by_task(user).items()
        }
    )


def seconds_until_done(chosen: Chosen) -> float | None:
    """Return how long it takes until nothing of a list is left; None if nobody can know.

    What is of the same kinds and goes before it is counted in, whosesoever it is.
    """
    unfinished = Job.state.in_((*ledger.WAITING, ledger.RUNNING))
    columns = (Job.task, fn.MIN(Job.priority), fn.MAX(Job.id))
    last: Any = Job.select(*columns).where(unfinished, *conditions(chosen))
    left: dict[str, int] = {}
    for task, priority, newest in last.group_by(Job.task).tuples():
        before = (Job.priority > priority) | ((Job.priority == priority) & (Job.id <= newest))
        left[task] = int(Job.select().where(unfinished, before, Job.task == task).count())
    return seconds_for(left)


def seconds_for(left: dict[str, int]) -> float | None:
    """Return how long so many jobs of each task take; None if nobody can know."""
    seconds = 0.0
    for task, count in left.items():
        if not count or task in queue.periodic_tasks():
            continue
        spans = _spans(task, RECENT)
        if not spans:
            return None
        seconds += count * statistics.median(spans)
    return seconds / max(1, workers.allowed()) if seconds else None


def slowest(task: str) -> float | None:
    """Return the seconds in which 95 in 100 of the last runs of a task ended; None without any."""
    spans = _spans(task, RECENT)
    return p95(spans) if spans else None


def causes(user: User | None = None) -> list[Cause]:
    """Return why jobs ended badly, the most frequent reason first."""
    bad = Job.state.in_((ledger.FAILED, ledger.QUARANTINED))
    rows: Any = Job.select(Job.task, Job.error, fn.COUNT(Job.id), fn.MAX(Job.id))
    rows = rows.where(bad, *conditions(Chosen(user))).group_by(Job.task, Job.error)
    found = [
        Cause(task, error or "", count, newest) for task, error, count, newest in rows.tuples()
    ]
    return sorted(found, key=lambda cause: (-cause.count, -cause.newest))


def kinds(seconds: float = 24 * HOUR) -> list[Kind]:
    """Return how the jobs of each task fared in the last so many seconds."""
    since = time.time() - seconds
    names = Job.select(Job.task).where(_ran_within(since, time.time())).distinct()
    return [_kind(job.task, since, time.time()) for job in names]


def tally() -> int:
    """Write down how the hours fared that have ended since the last time; return how many rows.

    What is written stays when the jobs themselves are forgotten.
    """
    hour = int(time.time()) // HOUR
    first = Job.select(fn.MIN(Job.finished_at)).scalar()
    # A clock that was ahead for a while may have left hours that are still to come.
    last = Tally.select(fn.MAX(Tally.hour)).where(Tally.hour < hour).scalar()
    start = last + 1 if last is not None else int(first or time.time()) // HOUR
    rows = []
    for at in range(max(start, hour - 32 * 24), hour):
        ended = Job.select(Job.task).where(_ran_within(at * HOUR, (at + 1) * HOUR)).distinct()
        rows += [_tallied(_kind(job.task, at * HOUR, (at + 1) * HOUR), at) for job in ended]
    with db.atomic():
        for row in rows:
            Tally.insert(row).on_conflict_ignore().execute()
    return len(rows)


def history(hours: int) -> list[Tally]:
    """Return what was written down of the last so many hours, oldest first."""
    since = int(time.time()) // HOUR - hours
    return list(Tally.select().where(Tally.hour >= since).order_by(Tally.hour, Tally.task))


def periodic() -> list[dict[str, Any]]:
    """Return each periodic task with when it last was due, its last job and when it is next."""
    rows = {row.task: row for row in Periodic.select()}
    last = [row.job for row in rows.values() if row.job]
    last_jobs = {job.id: job for job in Job.select().where(Job.id.in_(last))}
    return [
        {
            "task": name,
            "label": kind_label(name),
            "is_on": rows[name].is_on if name in rows else True,
            "last_due": rows[name].last_due if name in rows and rows[name].job else None,
            "last_job": last_jobs.get(rows[name].job or 0) if name in rows else None,
            "next_due": task.schedule.next_due(time.time()),
        }
        for name, task in queue.periodic_tasks().items()
    ]


def photos_left(user: User | None = None) -> int:
    """Return how many photos have no pictures yet that are to be made."""
    unfinished = Chosen(user, (*ledger.WAITING, ledger.RUNNING), "process_asset")
    return int(Job.select().where(*conditions(unfinished)).count())


def p95(spans: list[float]) -> float:
    """Return what 95 in 100 of some spans do not exceed; 0 if there are none."""
    return sorted(spans)[min(len(spans) - 1, int(len(spans) * 0.95))] if spans else 0.0


def _ran_within(start: float, end: float) -> Any:
    ran = Job.state.in_((ledger.SUCCEEDED, ledger.FAILED, ledger.QUARANTINED))
    return ran & (Job.finished_at >= start) & (Job.finished_at < end)


def _spans(task: str, limit: int) -> list[float]:
    runs = Job.select(Job.finished_at - Job.started_at).where(
        Job.task == task, Job.state == ledger.SUCCEEDED, Job.started_at.is_null(False)
    )
    newest: Any = runs.order_by(Job.started_at.desc()).limit(limit).tuples()
    return [max(0.0, span) for (span,) in newest if span is not None]


def _kind(task: str, start: float, end: float) -> Kind:
    ran = (Job.task == task) & _ran_within(start, end)
    counted: Any = Job.select(Job.state, fn.COUNT(Job.id)).where(ran).group_by(Job.state)
    counts = dict(counted.tuples())
    moments: Any = Job.select(Job.queued_at, Job.due_at, Job.started_at, Job.finished_at)
    newest = moments.where(ran, Job.started_at.is_null(False)).order_by(Job.finished_at.desc())
    rows = list(newest.limit(MOST_RUNS).tuples())
    spans = [max(0.0, done - begun) for _, _, begun, done in rows]
    waits = [max(0.0, begun - max(queued, due)) for queued, due, begun, _ in rows]
    return Kind(
        task,
        runs=sum(counts.values()),
        failed=sum(counts.values()) - counts.get(ledger.SUCCEEDED, 0),
        median=round(statistics.median(spans), 4) if spans else 0.0,
        p95=round(p95(spans), 4),
        wait=round(statistics.median(waits), 4) if waits else 0.0,
    )


def _tallied(kind: Kind, hour: int) -> dict[str, Any]:
    return {
        "hour": hour,
        "task": kind.task,
        "succeeded": kind.runs - kind.failed,
        "failed": kind.failed,
        "wait": kind.wait,
        "median": kind.median,
        "p95": kind.p95,
    }
