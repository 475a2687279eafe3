"""Trends: how much was done and how long it took, over the last hour, day and month."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homequeue import ledger
from homequeue.models import Job
from homequeue.queue import queue
from homequeue.services import figures
from homequeue.services.figures import HOUR

#: Minutes of a bar in the picture of an hour, and how many bars the others have.
MINUTES = 2
HOURS, DAYS = 24, 30
#: When a job ended and began, how it ended, and when it could have begun.
Ended = tuple[float, float | None, str, float]


@dataclass(frozen=True)
class Slot:
    """What ended in a span of time that began at `start`; spans in seconds."""

    start: float
    succeeded: int = 0
    failed: int = 0
    median: float = 0.0
    p95: float = 0.0
    #: How long they typically had waited.
    wait: float = 0.0

    @property
    def runs(self) -> int:
        """How many ended, well or badly."""
        return self.succeeded + self.failed


def of_hour() -> list[Slot]:
    """Return the last hour in pieces of MINUTES, oldest first."""
    width = 60 * MINUTES
    last = int(time.time()) // width * width
    starts = [last - width * back for back in reversed(range(60 // MINUTES))]
    ended = _ended(starts[0])
    return [_measured(start, [row for row in ended if row[0] // width * width == start])
            for start in starts]  # fmt: skip


def of_day() -> list[Slot]:
    """Return the last day in hours, oldest first."""
    hour = int(time.time()) // HOUR
    return list(_hours(HOURS, hour).values())


def of_month() -> list[Slot]:
    """Return the last month in days of this machine's calendar, oldest first."""
    today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    by_day: dict[datetime, list[Slot]] = {day: [] for day in days}
    for slot in _hours((DAYS + 1) * 24, int(time.time()) // HOUR).values():
        day = datetime.fromtimestamp(slot.start).replace(hour=0, minute=0)
        if day in by_day:
            by_day[day].append(slot)
    return [_merged(day.timestamp(), slots) for day, slots in by_day.items()]


SPANS = {"hour": of_hour, "day": of_day, "month": of_month}


def _hours(count: int, last: int) -> dict[int, Slot]:
    """Return so many hours by their numbers: what was written down of them, else the rows."""
    chores = set(queue.periodic_tasks())
    told: dict[int, list[Slot]] = {}
    for row in figures.history(count - 1):
        slot = Slot(row.hour * HOUR, row.succeeded, row.failed, row.median, row.p95, row.wait)
        told.setdefault(row.hour, []).extend([] if row.task in chores else [slot])
    missing = [hour for hour in range(last - 1, last + 1) if hour not in told]
    ended = _ended(missing[0] * HOUR) if missing else []
    for hour in missing:
        of_it = [row for row in ended if row[0] // HOUR == hour]
        told[hour] = [_measured(hour * HOUR, of_it)]
    return {
        hour: _merged(hour * HOUR, told.get(hour, [])) for hour in range(last - count + 1, last + 1)
    }


def _ended(since: float) -> list[Ended]:
    """Return when the jobs of people ended and began, how, and when they could, since a moment."""
    ended = (Job.finished_at >= since) & Job.task.not_in(list(queue.periodic_tasks()))
    outcomes = Job.state.in_((ledger.SUCCEEDED, ledger.FAILED, ledger.QUARANTINED))
    columns = (Job.finished_at, Job.started_at, Job.state, Job.queued_at, Job.due_at)
    rows: Any = Job.select(*columns).where(ended, outcomes).tuples()
    return [(end, begun, state, max(queued, due)) for end, begun, state, queued, due in rows]


def _measured(start: float, rows: list[Ended]) -> Slot:
    ran = [(end, begun, ready) for end, begun, _, ready in rows if begun is not None]
    spans = [max(0.0, end - begun) for end, begun, _ in ran]
    waits = [max(0.0, begun - ready) for _, begun, ready in ran]
    succeeded = sum(state == ledger.SUCCEEDED for _, _, state, _ in rows)
    median, wait = (statistics.median(found) if found else 0.0 for found in (spans, waits))
    return Slot(start, succeeded, len(rows) - succeeded, median, figures.p95(spans), wait)


def _merged(start: float, slots: Iterable[Slot]) -> Slot:
    """Return several slots as one; its spans are those of its parts, weighed by their runs."""
    parts = list(slots)
    runs = max(1, sum(slot.runs for slot in parts))
    return Slot(
        start,
        sum(slot.succeeded for slot in parts),
        sum(slot.failed for slot in parts),
        sum(slot.median * slot.runs for slot in parts) / runs,
        sum(slot.p95 * slot.runs for slot in parts) / runs,
        sum(slot.wait * slot.runs for slot in parts) / runs,
    )
