"""Deferring: from a call of a task to the rows of its jobs, alone, in chains or in groups."""

import json
from datetime import datetime
from typing import Any

from homequeue import ledger
from homequeue.models import Job
from homequeue.queue.light import ConfigurationError, Task, chord


def write(task: Task, *, waits_for: int = 0, follower: int | None = None) -> list[Job]:
    """Write the jobs of a task and of the steps that are to follow it; return them, its own last.

    Of a `unique` task none is written if the same work waits already, or runs where `once` is
    enough; what is to follow it follows that. Only where that runs, or has something to follow it
    already, the work is done once more.
    """
    _check(task)
    key = _key(task)
    waits = key is not None and not waits_for and _is_there(task, key)
    after: list[Job] = []
    if task.on_complete is not None:
        after = write(task.on_complete, waits_for=1, follower=follower)
        follower = after[-1].id
    if key is not None and waits and (follower is None or ledger.follow(key, follower)):
        return after
    return [*after, _add(task, key, waits_for=waits_for, follower=follower)]


def write_group(both: chord) -> list[Job]:
    """Write the jobs of a group and the one that waits for the end of them all, which is first."""
    if not both.tasks:
        both.callback.extend_data(([],))
        return write(both.callback)[::-1]
    after = write(both.callback, waits_for=len(both.tasks))[-1]
    written: list[Job] = []
    members: list[int] = []
    for task in both.tasks:
        if isinstance(task, chord):
            raise ConfigurationError("A group with a follow-up cannot be part of another group.")
        jobs = write(task, follower=after.id)
        # Of a chain it is the last step, which is written first.
        members.append(jobs[0].id if jobs else _followed(task, after.id))
        written += jobs
    after.needs_success, after.members = False, json.dumps(members)
    after.save(only=[Job.needs_success, Job.members])
    return [after, *written]


def _is_there(task: Task, key: str) -> bool:
    """Tell whether the same work waits, and have it as urgent, or runs where `once` is enough."""
    once = (ledger.RUNNING,) if getattr(task, "once", False) else ()
    if not ledger.has_key(key, (*ledger.WAITING, *once)):
        return False
    # In PostgreSQL it may have been claimed just now; then it knows nothing of what is new.
    return ledger.hasten(key, int(task.priority or 0)) or ledger.has_key(key, once)


def _followed(task: Task, follower: int) -> int:
    """Return the job that waited already for the same work, and is followed now."""
    waited = (Job.key == _key(task)) & (Job.follower == follower)
    return int(Job.select(Job.id).where(waited).scalar())


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
