"""Jobs as people ask for them: lists, single ones, again, not at all, later."""

import time
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue import ledger
from homequeue.errors import Conflict, NotFound
from homequeue.models import Asset, Job, Periodic, User, Worker
from homequeue.processes import is_alive
from homequeue.queue import calendar, queue

#: SQLite knows no larger number.
LARGEST = 2**63 - 1
#: For ever, as far as a pause goes.
FOREVER = 100 * 365 * 86400.0


@dataclass(frozen=True)
class Chosen:
    """Which jobs a list shows; `user` None is everybody's."""

    user: User | None = None
    states: tuple[str, ...] = ()
    task: str | None = None
    asset: int | None = None


def upcoming(chosen: Chosen, limit: int = 100) -> list[Job]:
    """Return waiting jobs in the order in which they will be started."""
    waiting = Job.select().where(*_conditions(chosen))
    return list(waiting.order_by(Job.priority.desc(), Job.due_at, Job.id).limit(limit))


def listed(chosen: Chosen, limit: int = 100, before: int | None = None) -> list[Job]:
    """Return jobs, newest first; `before` is the id from which to go on."""
    query = Job.select().where(*_conditions(chosen))
    if before is not None:
        query = query.where(Job.id < before)
    return list(query.order_by(Job.id.desc()).limit(limit))


def total(chosen: Chosen) -> int:
    """Return how many jobs a list has in all."""
    return int(Job.select().where(*_conditions(chosen)).count())


def get(job_id: int, user: User | None = None) -> Job:
    """Return a job; NotFound if it is missing or, for a `user`, somebody else's."""
    known = Job.id == min(job_id, LARGEST)
    job: Job | None = Job.get_or_none(*_conditions(Chosen(user=user)), known)
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


def owners(found: list[Job]) -> dict[int, str]:
    """Return the name of the user whom each of these jobs is for, by its id."""
    names = {user.id: user.name for user in User.select()}
    ids = [job.asset for job in found if job.asset]
    assets = Asset.select(Asset.id, Asset.owner).where(Asset.id.in_(ids))
    owner_of = {asset.id: asset.owner_id for asset in assets}
    users = {job.id: job.user or owner_of.get(job.asset or 0, 0) for job in found}
    return {job_id: names[user] for job_id, user in users.items() if user in names}


def retry(job: Job) -> None:
    """Queue a job again that failed, was cancelled or quarantined."""
    if not queue.revive(job):
        raise Conflict(f"This job is {job.state}; only one that ended badly can be tried again.")


def retry_failed(user: User | None = None) -> int:
    """Queue all jobs again that failed or were quarantined; return how many."""
    chosen = Chosen(user=user, states=(ledger.FAILED, ledger.QUARANTINED))
    return sum(queue.revive(job) for job in Job.select().where(*_conditions(chosen)))


def cancel(job: Job) -> None:
    """Say of a waiting job that it need not be done."""
    if not queue.give_up(job, ledger.CANCELLED, "It was cancelled."):
        raise Conflict(f"This job is {job.state}; only one that waits can be cancelled.")


def pause(seconds: float | None = None) -> float:
    """Start no more jobs for so long, or until `resume`; return the moment it ends."""
    until = time.time() + (seconds if seconds is not None else FOREVER)
    ledger.pause(until)
    return until


def resume() -> None:
    """Start jobs again."""
    ledger.pause(0)
    queue.ring(2)


def workers() -> list[Worker]:
    """Return the workers that are alive."""
    rows = Worker.select().order_by(Worker.started_at)
    return [worker for worker in rows if is_alive(worker.identity)]


def oldest_wait() -> float:
    """Return for how many seconds the longest-waiting due job has waited; 0 if none waits."""
    now = time.time()
    waiting = Job.state.in_(ledger.WAITING) & (Job.due_at <= now)
    moment = Job.select(fn.MIN(Job.due_at)).where(waiting).scalar()
    return max(0.0, now - moment) if moment is not None else 0.0


def throughput(seconds: float) -> int:
    """Return how many jobs succeeded in the last so many seconds."""
    recent = (Job.state == ledger.SUCCEEDED) & (Job.finished_at > time.time() - seconds)
    return int(Job.select().where(recent).count())


def counts_by_task() -> dict[str, dict[str, int]]:
    """Return how many jobs of each task are in each state."""
    rows: Any = Job.select(Job.task, Job.state, fn.COUNT(Job.id)).group_by(Job.task, Job.state)
    found: dict[str, dict[str, int]] = {}
    for task, state, number in rows.tuples():
        found.setdefault(task, {})[state] = number
    return found


def periodic() -> list[dict[str, Any]]:
    """Return each periodic task with when it last was due, its last job and when it is next."""
    rows = {row.task: row for row in Periodic.select()}
    last_jobs = {job.id: job for job in Job.select().where(Job.id.in_(_job_ids(rows)))}
    return [
        {
            "task": name,
            "label": getattr(task, "label", name),
            "last_due": rows[name].last_due if name in rows and rows[name].job else None,
            "last_job": last_jobs.get(rows[name].job or 0) if name in rows else None,
            "next_due": calendar.next_due(task.validate_datetime, time.time()),
        }
        for name, task in queue.periodic_tasks().items()
    ]


def label(job: Job, filename: str | None = None) -> str:
    """Return what a job does, in words for a person."""
    kind = queue.task_class(job.task)
    words = str(getattr(kind, "label", job.task))
    return words.replace("{}", filename or "a photo")


def filenames(jobs: list[Job]) -> dict[int, str]:
    """Return the file names of the assets that jobs are about, by asset id."""
    ids = [job.asset for job in jobs if job.asset]
    return {a.id: a.filename for a in Asset.select(Asset.id, Asset.filename).where(Asset.id << ids)}


def _job_ids(rows: dict[str, Periodic]) -> list[int]:
    return [row.job for row in rows.values() if row.job]


def _conditions(chosen: Chosen) -> list[Any]:
    conditions: list[Any] = [Job.id > 0]
    if chosen.user is not None:
        own = Asset.select(Asset.id).where(Asset.owner == chosen.user)
        conditions.append(Job.asset.in_(own) | (Job.user == chosen.user.id))
    if chosen.states:
        conditions.append(Job.state.in_(chosen.states))
    if chosen.task:
        conditions.append(Job.task == chosen.task)
    if chosen.asset:
        conditions.append(Job.asset == chosen.asset)
    return conditions
