"""What the queue is doing, how well it does it, and for how much longer."""

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import reduce
from heapq import nlargest
from operator import and_, itemgetter
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.db import db
from homequeue.models import Job, Periodic, Tally, User, Worker
from homequeue.queue import company, queue, workers
from homequeue.services import delays
from homequeue.services.jobs import Chosen, conditions, kind_label

HOUR = 3600
#: The spans of runs that tell how long the next will take.
RECENT = 50
#: At most so many runs are looked at for a median.
MOST_RUNS = 1000
#: From this part on, what a run says of how far it is tells how long it will take.
TELLING = 0.02


@dataclass(frozen=True)
class Cause:
    """Jobs of a task that ended badly for the same reason; `newest` stands for them.

    `error` is what all of them say, or the `cause`, which is what that has in common.
    """

    task: str
    cause: str
    error: str
    count: int
    newest: int


#: Of a task so many jobs, and how long each of them takes still, if it is known.
Part = tuple[str, int, float | None]


@dataclass(frozen=True)
class Left:
    """How long something still takes; `is_least` if nobody knows of a part of it how long."""

    seconds: float
    is_least: bool = False


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


def counts_by_task(
    user: User | None = None, states: tuple[str, ...] = ()
) -> dict[str, dict[str, int]]:
    """Return how many jobs of each task are in each state, everybody's or a user's.

    To ask for some `states` only is quicker: most jobs of a house are done.
    """
    rows: Any = Job.select(Job.task, Job.state, fn.COUNT(Job.id))
    rows = rows.where(*conditions(Chosen(user, states))).group_by(Job.task, Job.state)
    found: dict[str, dict[str, int]] = {}
    for task, state, number in rows.tuples():
        found.setdefault(task, {})[state] = number
    return found


def seconds_left(user: User | None = None) -> float | None:
    """Return how long all that waits or runs, everybody's or a user's, will take."""
    found = left(Chosen(user))
    return found.seconds if found else None


def left(chosen: Chosen, *, with_held: bool = True) -> Left | None:
    """Return how long it takes until nothing of a list is left; None if nobody can know.

    That is the median of the last runs of each task, times what waits, and what runs by how far it
    is, shared by the workers. What goes before the last of the list is counted in, of whatever kind
    and whosesoever it is. What is held back or waits for its time takes nobody knows how long:
    with it, it is at least so long.
    """
    own = reduce(and_, conditions(chosen))
    free, waits = delays.unheld(time.time()), Job.state.in_(ledger.WAITING)
    # What follows other work is of the list, but goes before nothing.
    counted = own & (free | (Job.waits_for > 0))
    last = Job.select(Job.priority, Job.id).where(waits, counted)
    last = last.order_by(Job.priority, Job.id.desc()).first()
    before: Any = Job.id < 0
    if last is not None:
        same = (Job.priority == last.priority) & (Job.id < last.id)
        before = free & ((Job.priority > last.priority) | same)
    waiting: Any = Job.select(Job.task, fn.COUNT(Job.id)).where(waits, counted | before)
    parts: list[Part] = [(task, count, None) for task, count in waiting.group_by(Job.task).tuples()]
    runs = Job.select().where(Job.state == ledger.RUNNING, own | before)
    parts += [(job.task, 1, _projected(job)) for job in runs]
    mine = [_projected(job) or 0.0 for job in runs.where(own)]
    found = _shared(parts, max(mine, default=0.0))
    if found and with_held and _is_held(waits, own, ~counted):
        return replace(found, is_least=True)
    return found


def expected(chosen: Chosen) -> Left | None:
    """Return the same; None also while there is no worker, whom nobody knows to come."""
    return left(chosen) if present_workers() else None


def left_of(job: Job) -> float | None:
    """Return the seconds that a running job still takes; None if nobody can know."""
    if (projected := _projected(job)) is not None or job.started_at is None:
        return projected
    usual = _usual(job.task)
    left_over = usual - (time.time() - job.started_at) if usual is not None else 0.0
    return left_over if left_over > 0 else None


def slowest(task: str) -> float | None:
    """Return the seconds in which 95 in 100 of the last runs of a task ended; None without any."""
    spans = _spans(task, RECENT)
    return p95(spans) if spans else None


def causes(user: User | None = None) -> list[Cause]:
    """Return why jobs ended badly, the most frequent reason first."""
    errors = fn.MIN(Job.error), fn.MAX(Job.error)
    rows: Any = Job.select(Job.task, Job.cause, *errors, fn.COUNT(Job.id), fn.MAX(Job.id))
    rows = rows.where(*conditions(Chosen(user, ledger.BAD))).group_by(Job.task, Job.cause)
    found = [
        Cause(task, cause or "", (first if first == last else cause) or "", count, newest)
        for task, cause, first, last, count, newest in rows.tuples()
    ]
    return sorted(found, key=lambda cause: (-cause.count, -cause.newest))


def kinds(seconds: float = 24 * HOUR) -> list[Kind]:
    """Return how the jobs of each task fared in the last so many seconds."""
    now = time.time()
    return _kinds(now - seconds, now)


def idle_kinds(besides: set[str]) -> list[Kind]:
    """Return the kinds of work for people, but for some, of which there is any job."""
    tasks = sorted(set(queue.tasks()) - set(queue.periodic_tasks()) - besides)
    there = [task for task in tasks if Job.select().where(Job.task == task).exists()]
    return [Kind(task, runs=0, failed=0, median=0.0, p95=0.0, wait=0.0) for task in there]


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
        rows += [_tallied(kind, at) for kind in _kinds(at * HOUR, (at + 1) * HOUR)]
    with db.atomic():
        for row in rows:
            Tally.insert(row).on_conflict_ignore().execute()
    return len(rows)


def history(hours: int) -> list[Tally]:
    """Return what was written down of the last so many hours, oldest first."""
    since = int(time.time()) // HOUR - hours
    return list(Tally.select().where(Tally.hour >= since).order_by(Tally.hour, Tally.task))


def periodic() -> list[dict[str, Any]]:
    """Return each periodic task with when its last run ended, its last job and when it is next.

    What is `on_demand` is begun only if there is something to do when it is due.
    """
    rows = {row.task: row for row in Periodic.select()}
    ids = {row.job: row.task for row in rows.values() if row.job}
    last_jobs = {ids[job.id]: job for job in Job.select().where(Job.id.in_(list(ids)))}
    return [
        {
            "task": name,
            "label": kind_label(name),
            "is_on": rows[name].is_on if name in rows else True,
            "on_demand": hasattr(type(task), "only_if"),
            "last_run": _last_end(name, last_jobs.get(name)),
            "last_job": last_jobs.get(name),
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


def _within(start: float, end: float) -> Any:
    return (Job.finished_at >= start) & (Job.finished_at < end)


def _spans(task: str, limit: int) -> list[float]:
    runs = Job.select(Job.finished_at - Job.started_at).where(
        Job.task == task, Job.state == ledger.SUCCEEDED, Job.started_at.is_null(False)
    )
    newest: Any = runs.order_by(Job.started_at.desc()).limit(limit).tuples()
    return [max(0.0, span) for (span,) in newest if span is not None]


def _kinds(start: float, end: float) -> list[Kind]:
    ran = Job.state.in_((ledger.SUCCEEDED, ledger.FAILED, ledger.QUARANTINED))
    rows: Any = Job.select(Job.task, Job.state, fn.COUNT(Job.id)).where(ran, _within(start, end))
    counts: dict[str, dict[str, int]] = {}
    for task, state, number in rows.group_by(Job.task, Job.state).order_by(Job.task).tuples():
        counts.setdefault(task, {})[state] = number
    return [_kind(task, found, start, end) for task, found in counts.items()]


def _last_end(task: str, last: Job | None) -> float | None:
    """Return when the last run of a task ended; its `last` job may wait, or never have begun."""
    ran = (ledger.SUCCEEDED, *ledger.BAD)
    if last is None or last.state not in ran:
        begun = (Job.task == task) & Job.started_at.is_null(False) & Job.state.in_(ran)
        last = Job.select().where(begun).order_by(Job.started_at.desc()).first()
    return last.finished_at if last else None


def _usual(task: str) -> float | None:
    spans = _spans(task, RECENT)
    return statistics.median(spans) if spans else None


def _is_held(*those: Any) -> bool:
    """Tell whether any of some jobs is work for people."""
    chores = Job.task.in_(list(queue.periodic_tasks()))
    return bool(Job.select().where(*those, ~chores).exists())


def _projected(job: Job) -> float | None:
    """Return the seconds that a run still takes by how far it is; None if it does not tell."""
    if job.started_at is None or job.progress is None or job.progress < TELLING:
        return None
    # What was done by the time it was told, and not since, shows how quick it is.
    taken = max(0.0, min(job.reported_at or time.time(), time.time()) - job.started_at)
    return float(taken * max(0.0, 1 - job.progress) / job.progress)


def _shared(parts: list[Part], longest: float) -> Left | None:
    """Add up parts of tasks, how many and how long each, shared by the workers, unlike `longest`.

    The chores of the house take no time that people wait for.
    """
    for_people = [part for part in parts if part[0] not in queue.periodic_tasks()]
    usual = {
        task: _usual(task) for task in {task for task, _, known in for_people if known is None}
    }
    spans = [
        (task, count, usual[task] if span is None else span) for task, count, span in for_people
    ]
    seconds: defaultdict[str, float] = defaultdict(float)
    for task, count, span in spans:
        seconds[task] += count * (span or 0.0)
    # Those of other machines help too; here more come with the work, up to what is allowed.
    at_work = max(1, workers.allowed(), len(present_workers()))
    # Long work leaves a place, so it is shared by one less.
    long = [task for task in seconds if company.is_long(queue.task_class(task))]
    at_length = max((seconds[task] / max(1, at_work - 1) for task in long), default=0.0)
    shared = max(sum(seconds.values()) / at_work, at_length, longest)
    return Left(shared, any(span is None for _, _, span in spans)) if shared else None


def _kind(task: str, counts: dict[str, int], start: float, end: float) -> Kind:
    moments: Any = Job.select(Job.queued_at, Job.due_at, Job.started_at, Job.finished_at)
    moments = moments.where(Job.task == task, Job.started_at.is_null(False), _within(start, end))
    rows: list[tuple[float, ...]] = []
    for state in counts:
        # Of one state at a time an index has them in their order.
        newest = moments.where(Job.state == state).order_by(Job.finished_at.desc())
        rows.extend(newest.limit(MOST_RUNS).tuples())
    rows = nlargest(MOST_RUNS, rows, key=itemgetter(3))
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
