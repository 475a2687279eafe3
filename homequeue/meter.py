"""The meter: how many jobs have ended and how long they took, counted in the very moment.

Rows of jobs are forgotten after a while and may be tried again, so their number goes up and down;
what is counted here only grows, whatever the clock says and whoever has restarted.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from peewee import CompositeKey, DoubleField, IntegerField, TextField

from homequeue import db
from homequeue.models import Job, Table

#: Upper ends of the classes of spans, in seconds; the last class has none.
BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
#: The class of what did not begin, or was not let end.
NONE = -1


class Ending(Table):
    """How many jobs of a task ended so, by the classes of how long they took and had waited.

    The seconds are those of all of them.
    """

    task = TextField()
    state = TextField()
    took = IntegerField()
    waited = IntegerField()
    jobs = IntegerField()
    seconds_taken = DoubleField()
    seconds_waited = DoubleField()

    class Meta:
        """One row for what is alike: there are few, and one statement counts."""

        primary_key = CompositeKey("task", "state", "took", "waited")


@dataclass
class Spans:
    """Durations of one task by class, the last of which has no upper end."""

    classes: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, place: int, jobs: int, seconds: float) -> None:
        """Count jobs of a class that have these seconds together."""
        self.classes[place] += jobs
        self.total += seconds


@dataclass
class Meter:
    """What has ended, by task and outcome, and how long it took and had waited, by task."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: dict[str, Spans] = field(default_factory=dict)
    waited: dict[str, Spans] = field(default_factory=dict)


def count(job: Job) -> bool:
    """Count a job that has just ended, in the transaction in which it does."""
    took = waited = 0.0
    classes = NONE, NONE
    if job.started_at is not None and job.finished_at is not None and job.state != "cancelled":
        took = max(0.0, job.finished_at - job.started_at)
        waited = max(0.0, job.started_at - max(job.queued_at, job.due_at))
        classes = bisect_left(BOUNDS, took), bisect_left(BOUNDS, waited)
    db.db.execute_sql(db.sql(COUNT), (job.task, job.state, *classes, took, waited))
    return True


#: In plain SQL, for this is done after each and every job.
COUNT = """
    INSERT INTO ending (task, state, took, waited, jobs, seconds_taken, seconds_waited)
    VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT (task, state, took, waited) DO UPDATE SET
    jobs = ending.jobs + 1, seconds_taken = ending.seconds_taken + excluded.seconds_taken,
    seconds_waited = ending.seconds_waited + excluded.seconds_waited
"""


def read() -> Meter:
    """Return what has been counted since there is a library."""
    meter = Meter()
    rows: Any = Ending.select().tuples()
    for task, state, took, waited, jobs, seconds_taken, seconds_waited in rows:
        meter.ended[task, state] += jobs
        if took != NONE:
            meter.took.setdefault(task, Spans()).add(took, jobs, seconds_taken)
            meter.waited.setdefault(task, Spans()).add(waited, jobs, seconds_waited)
    return meter
