"""The meter: what has ended since this process began to count, for those who watch over time.

Jobs are forgotten after a while and may be tried again, so their number goes up and down; what is
counted here only grows, and begins anew with the process.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from homequeue import ledger
from homequeue.models import Job

#: Upper ends of the classes of durations, in seconds.
BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
#: What ended less than so many seconds ago may still be on its way into the table.
SETTLED = 2.0


@dataclass
class Spans:
    """Durations of one task by class, the last of which has no upper end."""

    classes: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.classes[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Meter:
    """What has ended, by task and outcome, and how long it took and had waited, by task."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: dict[str, Spans] = field(default_factory=dict)
    waited: dict[str, Spans] = field(default_factory=dict)
    _seen: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> None:
        """Count what has ended since the last time; the first time, begin to count."""
        with self._lock:
            until = time.time() - SETTLED
            if self._seen is not None:
                self._count(self._seen, until)
            # After a clock that went back, what was counted must not be counted again.
            self._seen = max(until, self._seen or 0.0)

    def _count(self, since: float, until: float) -> None:
        columns = (Job.task, Job.state, Job.queued_at, Job.due_at, Job.started_at, Job.finished_at)
        ended = (Job.finished_at > since) & (Job.finished_at <= until)
        rows: Any = Job.select(*columns).where(ended).tuples()
        for task, state, queued, due, begun, end in rows:
            self.ended[task, state] += 1
            if begun is not None and state != ledger.CANCELLED:
                self.took.setdefault(task, Spans()).add(max(0.0, end - begun))
                self.waited.setdefault(task, Spans()).add(max(0.0, begun - max(queued, due)))


meter = Meter()
