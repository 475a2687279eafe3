"""The queue: Huey's tasks, consumer and clock, with the ledger as the truth.

`queue` is declared empty, so that tasks can be declared at import, and bound once by `bind`.
Calling a task writes its job into the open transaction; after the commit the bell rings. A worker
claims jobs from the ledger, runs them through `Queue.execute`, and sleeps at the bell in between.
"""

import json
import logging
import random
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import OperationalError

from homequeue import ledger, processes
from homequeue.db import db
from homequeue.errors import ClaimLost, HomequeueError, NotYet
from homequeue.models import Job, Periodic, Worker
from homequeue.queue import calendar
from homequeue.queue.light import ConfigurationError, Huey, PeriodicTask, Task, crontab
from homequeue.queue.messages import SignedJson
from homequeue.queue.storage import Doorbell, RedisBell, Unbound

__all__ = ["Queue", "bind", "crontab", "queue"]

logger = logging.getLogger("homequeue.queue")

#: The longest a retry is put off, in seconds.
LONGEST_DELAY = 6 * 3600
#: What may pass by itself, besides errors that say so of themselves.
PASSING = (OSError, MemoryError, OperationalError)

Declare = Callable[[Callable[..., Any]], Any]


class Queue(Huey):  # type: ignore[misc]
    """Huey with the ledger behind it."""

    storage_class = Unbound

    def __init__(self) -> None:
        super().__init__("homequeue", results=False)

    # Declaring

    def task(self, **options: Any) -> Declare:
        """Declare a task: `@queue.task(retries=3, …)`.

        Besides Huey's options there are these: `subject` ("asset" or "user") says that the first
        argument is such an id; `unique=True` queues the same work once while it waits;
        `given_up(words, *args)` is called in the transaction that ends a job without success, and
        `revived(*args)` in the one that queues it again; `label` names the work for people.
        """
        declare: Declare = super().task(**options)
        return declare

    def periodic_task(self, due: calendar.Validate, **options: Any) -> Declare:
        """Declare a task that is due at certain minutes: `@queue.periodic_task(crontab(…))`.

        It is `unique`: what was due while the queue was paused is done once.
        """
        declare: Declare = super().periodic_task(due, **({"unique": True} | options))
        return declare

    # Deferring

    def enqueue(self, task: Task) -> Job | None:
        """Write the task's job into the open transaction and ring the bell after its commit.

        Returns the job, or None if the task is `unique` and the same work waits already.
        """
        self._must_be_bound()
        name = self.name_of(task)
        subject = getattr(task, "subject", None)
        key = f"{name}{json.dumps(list(task.args))}" if getattr(task, "unique", False) else None
        with db.atomic():
            job = ledger.add(
                name,
                task.args,
                due_at=_epoch(task.eta),
                priority=int(task.priority or 0),
                max_attempts=task.retries + 1,
                key=key,
                **({subject: task.args[0]} if subject else {}),
            )
            if job is not None:
                self._ring_after_commit(job)
        return job

    def name_of(self, task: Task) -> str:
        """Return the short name of a task, as the ledger knows it."""
        return str(type(task).__name__)

    def task_class(self, name: str) -> type[Task] | None:
        """Return the task of a short name, or None if this version has none such."""
        found = (kind for kind in self._registry._registry.values() if kind.__name__ == name)
        return next(found, None)

    def periodic_tasks(self) -> dict[str, PeriodicTask]:
        """Return every periodic task by its short name."""
        return {self.name_of(task): task for task in self._registry.periodic_tasks}

    # Working

    def dequeue(self) -> Task | None:
        """Claim the most urgent due job as a task to execute; None if there is none."""
        job = ledger.claim(processes.identity())
        if job is None:
            return None
        kind = self.task_class(job.task)
        if kind is None:
            ledger.end(job, ledger.FAILED, "This version of homequeue does not know this task.")
            return None
        task = kind(tuple(json.loads(job.args)), id=str(job.id))
        task.job = job
        return task

    def wait(self, seconds: float) -> None:
        """Sleep until the bell rings, the next job is due or the seconds are over."""
        self._must_be_bound()
        due = ledger.next_due()
        if due is not None:
            seconds = min(seconds, max(0.0, due - time.time()))
        message = self.storage.wait(seconds)
        if message is not None:
            try:
                self.serializer.deserialize(message)
            except ValueError:
                logger.warning("A message with a wrong signature was dropped.")

    def execute(self, task: Task, timestamp: Any = None) -> None:
        """Run the task of a claimed job and write what became of it."""
        try:
            self._run(task.job, task)
        except ClaimLost as error:
            logger.warning("%s", error)

    def _run(self, job: Job, task: Task) -> None:
        try:
            with ledger.running(job):
                result = task.execute()
            ledger.succeed(job, result)
        except ClaimLost:
            raise
        except NotYet as error:
            ledger.postpone(job, time.time() + error.seconds)
        except KeyboardInterrupt:
            ledger.release(job, died=False)
            raise
        except SystemExit:
            self.give_up(job, ledger.FAILED, "The work tried to end its worker.")
        except Exception as error:
            self._settle(job, task, error)

    def _settle(self, job: Job, task: Task, error: Exception) -> None:
        words, trace = describe(error), traceback.format_exc()
        if job.state != ledger.RUNNING:
            logger.warning("Job %s (%s) had succeeded, then: %s", job.id, job.task, words)
        elif may_pass(error) and job.attempts - job.deaths < job.max_attempts:
            logger.info("Job %s (%s) will be tried again: %s", job.id, job.task, words)
            due_at = time.time() + retry_delay(task, job.attempts)
            ledger.retry_later(job, due_at, words, trace)
        else:
            logger.warning("Job %s (%s) failed: %s", job.id, job.task, words)
            self.give_up(job, ledger.FAILED, words, trace)

    # Ends, new beginnings and rescues

    def give_up(self, job: Job, state: str, words: str, trace: str | None = None) -> bool:
        """End a job without success, together with what that means for its subject."""
        with db.atomic():
            return ledger.end(job, state, words, trace) and self._call_hook("given_up", job, words)

    def revive(self, job: Job) -> bool:
        """Queue an ended job again, together with what that means for its subject."""
        with db.atomic():
            if not (ledger.revive(job) and self._call_hook("revived", job)):
                return False
            self._ring_after_commit(job)
        return True

    def recover(self) -> int:
        """Queue again, or quarantine, the running jobs whom nobody runs; return how many.

        That is: those of dead workers, and those of this very process, which must be between jobs
        when it calls this.
        """
        ledger.follow_clock(time.time(), LONGEST_DELAY)
        me = processes.identity()
        orphans = [
            job
            for job in Job.select().where(Job.state == ledger.RUNNING)
            if job.worker == me or not processes.is_alive(str(job.worker))
        ]
        for job in orphans:
            died = job.worker != me and _is_to_blame(str(job.worker))
            if died and job.deaths + 1 >= ledger.MAX_DEATHS:
                words = f"It ended its worker {ledger.MAX_DEATHS} times."
                self.give_up(job, ledger.QUARANTINED, words)
            elif ledger.release(job, died=died):
                self._ring(job)
        return len(orphans)

    def _call_hook(self, name: str, job: Job, *words: str) -> bool:
        hook = getattr(self.task_class(job.task), name, None)
        if hook is not None:
            hook(*words, *json.loads(job.args))
        return True

    # Periodic work

    def start_due(self, now: float) -> float:
        """Queue each periodic task that has not run since it was last due.

        Returns the next moment at which one is due. However many schedulers there are and however
        often they start, a due moment is served once: its row is moved by a conditional UPDATE.
        """
        upcoming = now + 24 * 3600
        for name, task in self.periodic_tasks().items():
            self._start_if_due(name, task, now)
            upcoming = min(upcoming, calendar.next_due(task.validate_datetime, now) or upcoming)
        return upcoming

    def _start_if_due(self, name: str, task: PeriodicTask, now: float) -> None:
        row = Periodic.get_or_none(Periodic.task == name)
        if row is None:
            Periodic.insert(task=name, last_due=now).on_conflict_ignore().execute()
            return
        if row.last_due > now + calendar.MINUTE:
            # The clock went back: begin to count from here, or the task would sleep until then.
            Periodic.update(last_due=now).where(Periodic.task == name).execute()
            return
        due = calendar.last_due(task.validate_datetime, row.last_due, now)
        if due is None:
            return
        with db.atomic():
            unserved = (Periodic.task == name) & (Periodic.last_due == row.last_due)
            if Periodic.update(last_due=due).where(unserved).execute():
                job = self.enqueue(task)
                if job is not None:
                    Periodic.update(job=job.id).where(Periodic.task == name).execute()

    # Bells

    def ring(self, times: int = 1) -> None:
        """Wake sleeping workers, for nothing in particular."""
        for _ in range(times):
            self.storage.enqueue(self.serializer.serialize({"job": None}))

    def _must_be_bound(self) -> None:
        if isinstance(self.storage, Unbound):
            raise ConfigurationError("The queue is not bound yet: call bootstrap first.")

    def _ring(self, job: Job) -> None:
        try:
            self.storage.enqueue(self.serializer.serialize({"job": job.id, "task": job.task}))
        except Exception:
            # The job is safe, and a worker will find it: whoever deferred it must not suffer.
            logger.exception("The bell could not be rung for job %s.", job.id)

    def _ring_after_commit(self, job: Job) -> None:
        db.after_commit(lambda: self._ring(job))


queue = Queue()


def bind(folder: Path, url: str, secret: bytes) -> None:
    """Give the queue its bell (a FIFO in `folder`, or Redis at `url`) and its signing key."""
    queue.serializer = SignedJson(secret)
    queue.storage = RedisBell(queue.name, url) if url else Doorbell(queue.name, folder / "doorbell")


def register_worker() -> None:
    """Write down that this process works, and forget the ones of this machine that are gone."""
    gone = [row.identity for row in Worker.select() if not processes.is_alive(row.identity)]
    with db.atomic():
        Worker.delete().where(Worker.identity.in_(gone)).execute()
        Worker.create(identity=processes.identity(), parent=processes.parent_identity())


def _is_to_blame(worker: str) -> bool:
    """Tell whether the job of a dead worker may be what killed it.

    A power cut, or the end of the whole tree with its supervisor, is no fault of the job.
    """
    row = Worker.get_or_none(Worker.identity == worker)
    return processes.is_of_this_boot(worker) and (row is None or processes.is_alive(row.parent))


def describe(error: Exception) -> str:
    """Return an error in words: its own if it was made for people, else its kind and text."""
    return str(error) if isinstance(error, HomequeueError) else f"{type(error).__name__}: {error}"


def may_pass(error: Exception) -> bool:
    """Tell whether trying again later may help."""
    return error.passing if isinstance(error, HomequeueError) else isinstance(error, PASSING)


def retry_delay(task: Task, attempt: int) -> float:
    """Return the seconds to wait after the n-th attempt: growing, capped, never in step."""
    growth = (task.retry_backoff or 1) ** (attempt - 1)
    return float(min(task.retry_delay * growth, LONGEST_DELAY) * random.uniform(0.9, 1.1))


_EPOCH = datetime(1970, 1, 1)


def _epoch(eta: Any) -> float | None:
    # Huey's etas are naive UTC datetimes.
    return (eta - _EPOCH).total_seconds() if eta is not None else None
