"""Deferring: from a call of a task to the rows of its jobs, alone, in chains or in groups."""

import json
from datetime import datetime
from typing import Any

from homequeue import ledger
from homequeue.models import Job
from homequeue.queue.light import ConfigurationError, Task, chord


def write(task: Task, *, waits_for: int = 0, follower: int | None = None) -> list[Job]:
    """Write the jobs of a task and of the steps that are to follow it; return them, its own last.

    Of a `unique` task none is written if the same work waits already; what is to follow it follows
    that. Only where that has something to follow it already the work is done once more.
    """
    _check(task)
    key = _key(task)
    waits = key is not None and not waits_for and ledger.waiting_with_key(key)
    after: list[Job] = []
    if task.on_complete is not None:
        after = write(task.on_complete, waits_for=1, follower=follower)
        follower = after[-1].id
    if key is not None and waits:
        ledger.hasten(key, int(task.priority or 0))
        if follower is None or ledger.follow(key, follower):
            return after
    return [*after, _add(task, key, waits_for=waits_for, follower=follower)]


def write_group(both: chord) -> list[Job]:
    """Write the jobs of a group and the one that waits for the end of them all, which is first."""
    if not both.tasks:
        both.callback.extend_data(([],))
        return write(both.callback)[::-1]
    after = write(both.callback, waits_for=len(both.tasks))[-1]
    after.needs_success = False
    Job.update(needs_success=False).where(Job.id == after.id).execute()
    members: list[Job] = []
    for task in both.tasks:
        if isinstance(task, chord):
            raise ConfigurationError("A group with a follow-up cannot be part of another group.")
        members += write(task, follower=after.id)
    return [after, *members]


def name_of(task: Task) -> str:
    """Return the short name of a task, as the ledger knows it."""
    return str(type(task).__name__)


def _add(task: Task, key: str | None, **values: Any) -> Job:
    subject = getattr(task, "subject", None)
    if task.expires:
        task.resolve_expires()
    return ledger.add(
        name_of(task),
        _arguments(task),
        due_at=_epoch(task.eta),
        expires_at=_epoch(task.expires_resolved),
        timeout=task.timeout,
        priority=int(task.priority or 0),
        max_attempts=task.retries + 1,
        key=key,
        **({subject: _arguments(task)[0]} if subject else {}),
        **values,
    )


def _arguments(task: Task) -> list[Any]:
    """Return the arguments by position, so that the same call always looks the same."""
    if not task.kwargs:
        return list(task.args)
    bound = task.signature.bind(*task.args, **task.kwargs)
    if bound.kwargs:
        raise TypeError(f"{name_of(task)}: arguments must have a position.")
    return list(bound.args)


def _key(task: Task) -> str | None:
    is_unique = getattr(task, "unique", False)
    return f"{name_of(task)}{json.dumps(_arguments(task))}" if is_unique else None


def _check(task: Task) -> None:
    """Refuse what Huey offers and the ledger would forget, rather than forget it."""
    if task.on_error is not None:
        raise ConfigurationError("Say given_up=… where the task is declared instead of .error(…).")
    kind = type(task)
    if (task.retry_delay, task.retry_backoff) != (
        kind.default_retry_delay,
        kind.default_retry_backoff,
    ):
        raise ConfigurationError("Say retry_delay and retry_backoff where the task is declared.")


_EPOCH = datetime(1970, 1, 1)


def _epoch(moment: datetime | None) -> float | None:
    # Huey's moments are naive UTC datetimes.
    return (moment - _EPOCH).total_seconds() if moment is not None else None
