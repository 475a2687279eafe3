"""Holds: what must not be started yet, for a while, however much of it waits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

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


NO_HOLDS = Holds()


def pauses() -> dict[str, float]:
    """Return until when which task is paused; the empty name stands for all of them."""
    now = time.time()
    return {task: until for task, until in facts.recall("pauses", {}).items() if until > now}


def paused_until(task: str = "") -> float:
    """Return the moment until which no job, or none of a task, is started; 0 if not paused."""
    return pauses().get(task, 0.0)


def pause(until: float, task: str = "") -> None:
    """Start no job, or none of a task, before this moment; a moment in the past resumes."""
    with db.atomic():
        facts.remember("pauses", pauses() | {task: until})
