"""Jobs as people ask for them: lists of them, and single ones."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.errors import NotFound
from homequeue.models import Asset, Job, Periodic, User
from homequeue.queue import queue

#: SQLite knows no larger number.
LARGEST = 2**63 - 1
#: What ended badly and was dismissed is asked for by this word, and not by its state.
DISMISSED = "dismissed"
#: How many jobs are looked at for one that ended as asked for.
FEW = 6


@dataclass(frozen=True)
class Chosen:
    """Which jobs a list shows; `user` None is everybody's."""

    user: User | None = None
    states: tuple[str, ...] = ()
    task: str | None = None
    asset: int | None = None
    #: Tasks that are left out.
    besides: tuple[str, ...] = ()
    batch: int | None = None
    #: What the errors of those that ended badly have in common.
    cause: str | None = None
    #: Part of a file name.
    text: str = ""


def upcoming(chosen: Chosen, limit: int = 100) -> list[Job]:
    """Return waiting jobs in the order in which they will be started."""
    waiting = Job.select().where(*conditions(chosen))
    return list(waiting.order_by(Job.priority.desc(), Job.due_at, Job.id).limit(limit))


def listed(chosen: Chosen, limit: int = 100, before: int | None = None) -> list[Job]:
    """Return jobs, newest first; `before` is the id from which to go on."""
    query = Job.select().where(*conditions(chosen))
    if before is not None:
        query = query.where(Job.id < before)
    return list(query.order_by(Job.id.desc()).limit(limit))


def ended(chosen: Chosen, limit: int) -> list[Job]:
    """Return jobs that have ended, the last of them first; of the `states` that are asked for.

    Only a few are looked at: to find all that ended so or so, and sort them, would take long.
    """
    every = conditions(replace(chosen, states=()))
    query = Job.select().where(Job.finished_at.is_null(False), *every)
    last = query.order_by(Job.finished_at.desc()).limit(FEW * limit)
    return [job for job in last if job.state in chosen.states][:limit]


def ids(chosen: Chosen) -> list[int]:
    """Return the ids of all jobs of a list, oldest first."""
    found: Any = Job.select(Job.id).where(*conditions(chosen))
    return [job_id for (job_id,) in found.order_by(Job.id).tuples()]


def total(chosen: Chosen) -> int:
    """Return how many jobs a list has in all."""
    return int(Job.select().where(*conditions(chosen)).count())


def counts(user: User | None = None) -> dict[str, int]:
    """Return how many jobs are in each state, everybody's or a user's."""
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id)).where(*conditions(Chosen(user)))
    return dict.fromkeys(ledger.STATES, 0) | dict(rows.group_by(Job.state).tuples())


def counts_by_look() -> dict[str, int]:
    """Return how many jobs are in each state, as lists have them: what was dismissed is apart."""
    seen = Job.state.in_(ledger.BAD) & Job.dismissed_at.is_null(False)
    rows: Any = Job.select(Job.state, fn.COUNT(Job.id)).where(seen).group_by(Job.state).tuples()
    dismissed = dict(rows)
    every = ledger.counts().items()
    left = {state: count - dismissed.get(state, 0) for state, count in every}
    return left | {DISMISSED: sum(dismissed.values())}


def get(job_id: int, user: User | None = None) -> Job:
    """Return a job; NotFound if it is missing or, for a `user`, somebody else's."""
    known = Job.id == min(job_id, LARGEST)
    job: Job | None = Job.get_or_none(*conditions(Chosen(user=user)), known)
    if job is None:
        raise NotFound("There is no such job.")
    return job


def children(found: list[Job]) -> dict[int, list[int]]:
    """Return the ids of the jobs that each of these jobs queued, by its id."""
    ids = [job.id for job in found]
    queued: dict[int, list[int]] = {job_id: [] for job_id in ids}
    for child in Job.select(Job.id, Job.parent).where(Job.parent.in_(ids)).order_by(Job.id):
        queued[child.parent or 0].append(child.id)
    return queued


def by_ids(ids: Iterable[int]) -> list[Job]:
    """Return the jobs of these ids."""
    return list(Job.select().where(Job.id.in_(list(ids))))


def kin(job: Job, user: User | None, limit: int) -> dict[str, list[Job]]:
    """Return the jobs that a job comes from, waits for, is waited for by, and has queued.

    For a `user` only their own.
    """
    related = {
        "parent": Job.id == job.parent,
        "before": Job.follower == job.id,
        "after": Job.id == job.follower,
        "children": Job.parent == job.id,
    }
    seen = Job.select().where(*conditions(Chosen(user=user))).order_by(Job.id).limit(limit)
    return {name: list(seen.where(condition)) for name, condition in related.items()}


def owners(found: list[Job]) -> dict[int, str]:
    """Return the name of the user whom each of these jobs is for, by its id."""
    names = {user.id: user.name for user in User.select()}
    ids = [job.asset for job in found if job.asset]
    assets = Asset.select(Asset.id, Asset.owner).where(Asset.id.in_(ids))
    owner_of = {asset.id: asset.owner_id for asset in assets}
    users = {job.id: job.user or owner_of.get(job.asset or 0, 0) for job in found}
    return {job_id: names[user] for job_id, user in users.items() if user in names}


def label(job: Job, filename: str | None = None) -> str:
    """Return what a job does, in words for a person."""
    words = str(getattr(queue.task_class(job.task), "label", job.task))
    return words.replace("{}", filename or "a photo")


def kind_label(task: str) -> str:
    """Return what all jobs of a task do, in words for a person."""
    kind = queue.task_class(task)
    return str(getattr(kind, "kind", None) or getattr(kind, "label", task))


def filenames(jobs: list[Job]) -> dict[int, str]:
    """Return the file names of the assets that jobs are about, by asset id."""
    ids = [job.asset for job in jobs if job.asset]
    return {a.id: a.filename for a in Asset.select(Asset.id, Asset.filename).where(Asset.id << ids)}


def needing_a_look() -> int:
    """Return how many jobs ended badly and were not dismissed."""
    return total(Chosen(states=ledger.BAD))


def forget_before(moment: float) -> int:
    """Delete the jobs that ended before a moment and need no look; return how many."""
    last = Periodic.select(Periodic.job).where(Periodic.job.is_null(False))
    seen = Job.state.in_((ledger.SUCCEEDED, ledger.CANCELLED)) | Job.dismissed_at.is_null(False)
    return int(Job.delete().where(seen, Job.finished_at < moment, Job.id.not_in(last)).execute())


def conditions(chosen: Chosen) -> list[Any]:
    """Return what the rows of a list have in common, as parts of a query."""
    parts: list[Any] = [Job.id > 0]
    if chosen.user is not None:
        own = Asset.select(Asset.id).where(Asset.owner == chosen.user)
        parts.append(Job.asset.in_(own) | (Job.user == chosen.user.id))
    if chosen.states:
        parts.append(_in_states(chosen.states))
    if chosen.task is not None:
        parts.append(Job.task == chosen.task)
    if chosen.asset is not None:
        parts.append(Job.asset == chosen.asset)
    if chosen.batch is not None:
        parts.append(Job.batch == chosen.batch)
    if chosen.cause is not None:
        parts.append(fn.COALESCE(Job.cause, "") == chosen.cause)
    if chosen.text:
        named = Asset.select(Asset.id).where(Asset.filename.contains(chosen.text))
        parts.append(Job.asset.in_(named))
    if chosen.besides:
        parts.append(Job.task.not_in(chosen.besides))
    return parts


def _in_states(states: tuple[str, ...]) -> Any:
    asked = Job.state.in_(states)
    if set(ledger.BAD) & set(states):
        asked &= Job.dismissed_at.is_null()
    return asked | Job.dismissed_at.is_null(False) if DISMISSED in states else asked
