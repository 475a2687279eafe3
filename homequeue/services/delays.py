"""What waits and may not be started yet, and why: a pause, the quiet hours, a rate, its time."""

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

from peewee import fn

from homequeue import config, holds, ledger
from homequeue.models import Job, User
from homequeue.queue import company, limits, queue
from homequeue.services.jobs import Chosen, conditions

PAUSED: Final = "paused"
QUIET: Final = "quiet"
RATE: Final = "rate"
REASONS: Final = (PAUSED, QUIET, RATE)


@dataclass(frozen=True)
class Held:
    """Why jobs are held back, and until when; `task` is empty where it is of no one task."""

    why: str
    task: str
    until: float


@dataclass(frozen=True)
class Later:
    """How many jobs of a task wait for their time to be tried again, or for the first time.

    The first and the last of them come at these moments, or are held back then, and why.
    """

    task: str
    is_again: bool
    held: Held | None
    count: int
    first: float
    last: float


@dataclass(frozen=True)
class _Limits:
    """What holds back now, looked up once."""

    now: float
    pauses: dict[str, float]
    quiet: float

    def longest(self, task: str, priority: int) -> Held | None:
        """Return what holds a task of a priority back for longest; None if nothing does."""
        kind = queue.task_class(task)
        is_calm = priority >= limits.URGENT and not getattr(kind, "loud", False)
        reasons = [
            Held(PAUSED, "", self.pauses.get("", 0.0)),
            Held(PAUSED, task, self.pauses.get(task, 0.0)),
            Held(QUIET, "", 0.0 if is_calm else self.quiet),
            Held(RATE, task, limits.free_at(kind, self.now) if kind else 0.0),
        ]
        longest = max(reasons, key=lambda reason: reason.until)
        return longest if longest.until > self.now else None

    def tasks(self) -> list[str]:
        """Return the tasks of which nothing is started, however urgent it is."""
        kinds = {*queue.tasks(), *self.pauses} - {""}
        return sorted(task for task in kinds if self.longest(task, limits.URGENT))


def held(user: User | None = None) -> Counter[Held]:
    """Return how many jobs are due and held back, by the reason that holds them longest."""
    found: Counter[Held] = Counter()
    for (_, why), count in held_by_task(user).items():
        found[why] += count
    return found


def held_by_task(user: User | None = None) -> Counter[tuple[str, Held]]:
    """Return the same with the task of each, everybody's or a user's."""
    current, found = _current(), Counter[tuple[str, Held]]()
    if not (current.pauses or current.quiet or current.tasks()):
        return found
    due = (_waits(), Job.due_at <= current.now, *conditions(Chosen(user)))
    rows: Any = Job.select(Job.task, Job.priority, fn.COUNT(Job.id)).where(*due)
    for task, priority, count in rows.group_by(Job.task, Job.priority).tuples():
        if longest := current.longest(task, priority):
            found[task, longest] += count
    return found


def of(job: Job) -> Held | None:
    """Return what holds back a job that waits, beyond its own time; None if nothing does."""
    if job.state not in ledger.WAITING or job.waits_for:
        return None
    longest = _current().longest(job.task, job.priority)
    return longest if longest and longest.until > job.due_at else None


def later(user: User | None = None) -> list[Later]:
    """Return what waits for its time, everybody's or a user's."""
    current = _current()
    put_off = Job.state.in_((ledger.SCHEDULED, ledger.RETRYING)) & (Job.waits_for == 0)
    put_off &= Job.due_at > current.now
    figures = fn.COUNT(Job.id), fn.MIN(Job.due_at), fn.MAX(Job.due_at)
    rows: Any = Job.select(Job.task, Job.state, Job.priority, *figures)
    rows = rows.where(put_off, *conditions(Chosen(user)))
    found: dict[tuple[str, bool, Held | None], Later] = {}
    for task, state, priority, *come in rows.group_by(Job.task, Job.state, Job.priority).tuples():
        held = current.longest(task, priority)
        key = task, state == ledger.RETRYING, held if held and held.until > come[1] else None
        found[key] = _added(Later(*key, *come), found.get(key))
    return list(found.values())


def startable(now: float) -> Any:
    """Return what the rows of jobs have in common that a free worker would start now."""
    return _waits() & unheld(now) & Job.task.not_in(sorted(company.at_length(queue.tasks())))


def unheld(now: float) -> Any:
    """Return what the rows have in common that are due and nothing holds back.

    They may run already, or wait for a place or a worker.
    """
    current = _current(now)
    if current.pauses.get("", 0.0) > now:
        return Job.id < 0
    free = (Job.due_at <= now) & (Job.waits_for == 0) & Job.task.not_in(current.tasks())
    return free & (Job.priority >= limits.URGENT) if current.quiet > now else free


def _current(now: float | None = None) -> _Limits:
    now = time.time() if now is None else now
    quiet = limits.quiet_until(config.settings().queue.quiet_hours, now)
    return _Limits(now, holds.pauses(), quiet)


def _added(one: Later, other: Later | None) -> Later:
    if other is None:
        return one
    first, last = min(one.first, other.first), max(one.last, other.last)
    return replace(one, count=one.count + other.count, first=first, last=last)


def _waits() -> Any:
    return Job.state.in_(ledger.WAITING) & (Job.waits_for == 0)
