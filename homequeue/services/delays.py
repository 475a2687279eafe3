"""What is due and may not be started yet, and why: a pause, the quiet hours, a rate."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from peewee import fn

from homequeue import config, holds, ledger
from homequeue.models import Job
from homequeue.queue import limits, queue

PAUSED: Final = "paused"
QUIET: Final = "quiet"
RATE: Final = "rate"


@dataclass(frozen=True)
class Held:
    """Why jobs are held back, and until when; `task` is empty where it is of no one task."""

    why: str
    task: str
    until: float


def held() -> Counter[Held]:
    """Return how many jobs are due and held back, by the reason that holds them longest."""
    now = time.time()
    pauses = holds.pauses()
    quiet = limits.quiet_until(config.settings().queue.quiet_hours, now)
    rows: Any = Job.select(Job.task, Job.priority, fn.COUNT(Job.id)).where(_due(now))
    found: Counter[Held] = Counter()
    for task, priority, count in rows.group_by(Job.task, Job.priority).tuples():
        kind = queue.task_class(task)
        is_calm = priority >= limits.URGENT and not getattr(kind, "loud", False)
        reasons = [
            Held(PAUSED, "", pauses.get("", 0.0)),
            Held(PAUSED, task, pauses.get(task, 0.0)),
            Held(QUIET, "", 0.0 if is_calm else quiet),
            Held(RATE, task, limits.free_at(kind, now) if kind else 0.0),
        ]
        longest = max(reasons, key=lambda reason: reason.until)
        if longest.until > now:
            found[longest] += count
    return found


def startable(now: float) -> Any:
    """Return what the rows of jobs have in common that a free worker would start now."""
    current = limits.current(queue.tasks())
    if current.everything > now:
        return Job.id < 0
    paused = [task for task, until in current.tasks.items() if until > now]
    free = _due(now) & Job.task.not_in(paused)
    return free & (Job.priority >= current.urgent) if current.quiet > now else free


def _due(now: float) -> Any:
    return Job.state.in_(ledger.WAITING) & (Job.due_at <= now) & (Job.waits_for == 0)
