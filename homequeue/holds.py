"""Holds: what must not be started yet, for a while, however much of it waits."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from homequeue import facts
from homequeue.db import db


@dataclass(frozen=True)
class Holds:
    """What must not be started yet: everything, some tasks, or what is not `urgent` enough.

    Moments are seconds since 1970; below the priority `urgent` nothing is started before `quiet`.
    """

    everything: float = 0.0
    tasks: Mapping[str, float] = field(default_factory=dict)
    quiet: float = 0.0
    urgent: int = 0

    def until(self, task: str, priority: int) -> float:
        """Return the moment until which jobs of a task and a priority are held back."""
        calm = self.quiet if priority < self.urgent else 0.0
        return max(self.everything, self.tasks.get(task, 0.0), calm)

    def besides(self, task: str) -> "Holds":
        """Return what must not be started if nothing of a task may be either."""
        return replace(self, tasks={**self.tasks, task: inf})


#: Tells whether one more of a task may be started now.
Check = Callable[[], bool]
NO_HOLDS = Holds()


def pauses() -> dict[str, float]:
    """Return until when which task is paused; the empty name stands for all of them."""
    return {task: until for task, (until, _) in _lasting().items()}


def paused_until(task: str = "") -> float:
    """Return the moment until which no job, or none of a task, is started; 0 if not paused."""
    return pauses().get(task, 0.0)


def pause(until: float, task: str = "") -> None:
    """Start no job, or none of a task, before this moment; a moment in the past resumes."""
    with db.atomic():
        facts.remember("pauses", _lasting() | {task: (until, time.time())})


def follow_clock(now: float, tolerance: float) -> None:
    """Have what was paused at a moment that is still ahead last as long from now on."""
    if any(made > now + tolerance for _, made in _lasting().values()):
        with db.atomic():
            lasting = _lasting()
            anew = {
                task: (now + until - made, now)
                for task, (until, made) in lasting.items()
                if made > now + tolerance
            }
            facts.remember("pauses", lasting | anew)


def _lasting() -> dict[str, tuple[float, float]]:
    """Return until when which task is paused, and when that was said."""
    now = time.time()
    written = facts.recall("pauses", {})
    # Before, only the end was written down.
    pairs = {task: one if isinstance(one, list) else (one, 0.0) for task, one in written.items()}
    return {task: (until, made) for task, (until, made) in pairs.items() if until > now}
