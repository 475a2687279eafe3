"""Company: as long as somebody is busy somebody is free for what comes next, if so many may run.

Long work leaves a place: each kind of it is done by all workers but one at most, by one on a
strained machine, which then may have another worker beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from homequeue import db, ledger, processes
from homequeue.models import Job, Worker
from homequeue.queue.light import PeriodicTask, Task
from homequeue.queue.workers import allowed, asked_for


@dataclass(frozen=True)
class Sibling:
    """A worker of this supervisor that lives, and the task that it runs, if any."""

    name: str
    task: str | None


def family() -> list[Sibling]:
    """Return the living workers of this supervisor, by their names, and what they run."""
    runs = (Job.worker == Worker.identity) & (Job.state == ledger.RUNNING)
    rows: Any = (
        Worker.select(Worker.identity, Worker.name, Job.task)
        .join(Job, JOIN.LEFT_OUTER, on=runs)
        .where(Worker.parent == processes.parent_identity())
        .order_by(Worker.name)
        .tuples()
    )
    return [Sibling(name, task) for who, name, task in rows if processes.is_alive(who)]


def is_called_for(task: type[Task]) -> bool:
    """Tell whether who begins a task should have company at once: chores are short."""
    return is_long(task) or not issubclass(task, PeriodicTask)


def is_long(task: type[Task] | None) -> bool:
    """Tell whether a task is declared to take long."""
    return bool(getattr(task, "long", False))


def is_wanted(kinds: Mapping[str, type[Task]]) -> bool:
    """Tell whether one more worker should come: all are busy, and one more may run."""
    all_of = family()
    return all(one.task for one in all_of) and len(all_of) < _allowed(all_of, kinds)


def is_needless(name: str) -> bool:
    """Tell whether the free worker of this name may leave: another is free as well.

    Of those that ask at the same time the first by its name stays.
    """
    return any(one.task is None and one.name < name for one in family())


def is_one_too_many(name: str, kinds: Mapping[str, type[Task]]) -> bool:
    """Tell whether the free worker of this name must leave, for fewer may run than there are."""
    all_of = sorted(family(), key=lambda one: (one.task is None, one.name))
    return name in [one.name for one in all_of[_allowed(all_of, kinds) :]]


def crowded(kinds: Mapping[str, type[Task]]) -> set[str]:
    """Return the long tasks that already have all their places here."""
    ours = processes.parent_identity()
    busy = {task: count for task, parent, count in _at_length(kinds) if parent == ours}
    places = max(1, allowed() - 1) if busy else 0
    return {task for task, count in busy.items() if count >= places}


def at_length(kinds: Mapping[str, type[Task]]) -> set[str]:
    """Return the long tasks that run anywhere: what else there is of them waits for its place."""
    return {task for task, _, _ in _at_length(kinds)}


#: In plain SQL, for this is asked before each and every job.
AT_LENGTH = """
    SELECT job.task, worker.parent, COUNT(*) FROM job JOIN worker ON worker.identity = job.worker
    WHERE job.state = 'running' AND job.task IN ({}) GROUP BY job.task, worker.parent
"""


def _at_length(kinds: Mapping[str, type[Task]]) -> list[tuple[str, str, int]]:
    """How many runs of each long task go on, by the supervisor of their workers."""
    long = [name for name, kind in kinds.items() if is_long(kind)]
    if not long:
        return []
    query = db.sql(AT_LENGTH.format(", ".join("?" * len(long))))
    return [tuple(row) for row in db.db.execute_sql(query, long).fetchall()]


def _allowed(all_of: list[Sibling], kinds: Mapping[str, type[Task]]) -> int:
    is_at_length = any(one.task and is_long(kinds.get(one.task)) for one in all_of)
    return min(asked_for(), allowed() + is_at_length)
