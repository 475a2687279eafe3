"""Setbacks: what was put off by a clock that went back since waits as long as it was to wait.

Periodic work does not sleep until the clock is there again, and then it is not done once more.
"""

import json
from typing import Any

from homequeue import facts, histories, holds
from homequeue.db import db
from homequeue.ledger import CLOCK_TOLERANCE, RETRYING, SCHEDULED
from homequeue.models import Job, Periodic

WORDS = "the clock went back"
#: The fact that tells up to when which periodic work was served by a clock that went back since.
SERVED = "served_ahead"


def follow_clock(now: float) -> None:
    """Put off from now on, for the same span, what was put off at a moment that is still ahead.

    That is so for jobs and for pauses.
    """
    holds.follow_clock(now, CLOCK_TOLERANCE)
    put_off = Job.state.in_((SCHEDULED, RETRYING)) & (Job.due_at > now + CLOCK_TOLERANCE)
    rows: Any = Job.select(Job.id, Job.state, Job.due_at, Job.history).where(put_off).tuples()
    for number, state, due_at, history in list(rows):
        # Whatever it was that put a job off, that was the last that happened to it.
        moment = json.loads(history.splitlines()[-1])["at"] if history else now
        if moment > now + CLOCK_TOLERANCE:
            line = histories.line(now, state, words=WORDS)
            told = {"due_at": now + due_at - moment, "history": Job.history + line}
            same = (Job.id == number) & (Job.state == state) & (Job.due_at == due_at)
            Job.update(**told).where(same).execute()
            Job.update(queued_at=now).where(Job.id == number, Job.queued_at > now).execute()


def count_from_here(now: float) -> None:
    """Count periodic work that was served ahead from now on, until the clock is there again."""
    is_ahead = Periodic.last_due > now + CLOCK_TOLERANCE
    served = facts.recall(SERVED, {})
    if Periodic.select().where(is_ahead).exists() or min(served.values(), default=now + 1) <= now:
        with db.atomic():
            _count_from_here(now, is_ahead, facts.recall(SERVED, {}))


def _count_from_here(now: float, is_ahead: Any, served: dict[str, float]) -> None:
    for row in list(Periodic.select().where(is_ahead)):
        served[row.task] = max(row.last_due, served.get(row.task, 0.0))
    Periodic.update(last_due=now).where(is_ahead).execute()
    for task, moment in served.items():
        if moment <= now:
            behind = (Periodic.task == task) & (Periodic.last_due < moment)
            Periodic.update(last_due=moment).where(behind).execute()
    left = {task: moment for task, moment in served.items() if moment > now}
    facts.remember(SERVED, left)
