"""The queue: Huey's tasks, consumer and clock, with the ledger as the truth.

`queue` is declared empty, so that tasks can be declared at import, and bound once by `bind`.
Calling a task writes its job into the open transaction; after the commit the bell rings. A worker
claims jobs from the ledger, runs them through `Queue.execute`, and sleeps at the bell in between.
"""

import inspect
import json
import logging
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from homequeue import ledger, processes, runs
from homequeue.db import db
from homequeue.errors import ClaimLost, Conflict, NotYet
from homequeue.models import Job, Periodic
from homequeue.queue import calendar, deferring, limits, strangers, watch, workers
from homequeue.queue.calendar import crontab, every
from homequeue.queue.hooks import call_hook, is_wanted, tell_of_end
from homequeue.queue.light import (
    ConfigurationError,
    Huey,
    PeriodicTask,
    Task,
    chord,
    group,
)
from homequeue.queue.messages import SignedJson
from homequeue.queue.retries import describe, may_pass, retry_delay
from homequeue.queue.setbacks import count_from_here, follow_clock
from homequeue.queue.storage import Unbound, bell

__all__ = ["Queue", "bind", "chord", "crontab", "every", "group", "queue"]

logger = logging.getLogger("homequeue.queue")

#: How long a run is asked to stop before it is killed, in seconds.
STOP_PATIENCE = 2.0
EXPIRED = "It was not begun in time."
DEADLY = "It crashed three times, so it was set aside."

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
        argument is such an id; `unique=True` queues the same work once while it waits, and with
        `once=True` also while it runs;
        `given_up(words, *args)` is called in the transaction that ends a job without success, and
        `revived(*args)` in the one that queues it again; `label` names the work for people, and
        `kind` all work of its kind;
        `rate="10/m"` starts no more than that; `loud=True` keeps it out of quiet hours; `long=True`
        leaves a place to what is short. `timeout` is in seconds and holds for work of any kind.
        """
        if "rate" in options:
            limits.parse_rate(options["rate"])
        declare: Declare = super().task(**options)

        def declared(function: Callable[..., Any]) -> Any:
            wrapper = declare(function)
            wrapper.task_class.signature = inspect.signature(function)
            return wrapper

        return declared

    def periodic_task(self, schedule: calendar.Schedule, **options: Any) -> Declare:
        """Declare a task that is due again and again: `crontab(minute="7")`, `every(hours=6)`.

        It is `unique`: what was due while the queue was paused is done once. Where `only_if()` is
        false when it is due, nothing is done and nothing written; it is asked again soon.
        """
        options = {"unique": True, "schedule": schedule} | options
        # Huey's own scheduler, which would ask a function, is not used.
        declare: Declare = super().periodic_task(None, **options)
        return declare

    # Deferring

    def enqueue(self, task: Task | chord | group) -> Any:
        """Write the jobs of a task, a chain or a group into the open transaction.

        The bell rings after its commit. Returns the job (of a chain the first, of a group with a
        follow-up the last), or None if the task is `unique` and the same work waits already; of a
        group without one it returns a list.
        """
        self._must_be_bound()
        with db.atomic():
            if isinstance(task, group):
                return [self.enqueue(member) for member in task.tasks]
            is_group = isinstance(task, chord)
            jobs = deferring.write_group(task) if is_group else deferring.write(task)[::-1]
            self._ring_after_commit(*jobs)
            return jobs[0] if jobs else None

    def wait_for(self, job: Job, seconds: float) -> Job:
        """Return a job's row once it has ended, or as it is when the seconds are over."""
        deadline = time.monotonic() + seconds
        pause = 0.001
        while True:
            row: Job = Job.get_by_id(job.id)
            if row.state in ledger.ENDED or time.monotonic() >= deadline:
                return row
            time.sleep(pause)
            pause = min(0.25, pause * 1.5)

    def tasks(self) -> dict[str, type[Task]]:
        """Return every task by its short name."""
        return {kind.__name__: kind for kind in self._registry._registry.values()}

    def task_class(self, name: str) -> type[Task] | None:
        """Return the task of a short name, or None if this version has none such."""
        return self.tasks().get(name)

    def periodic_tasks(self) -> dict[str, PeriodicTask]:
        """Return every periodic task by its short name."""
        return {deferring.name_of(task): task for task in self._registry.periodic_tasks}

    # Working

    def dequeue(self) -> Task | None:
        """Claim the most urgent due job as a task to execute; None if there is none."""
        me, kinds = processes.identity(), self.tasks()
        checks = limits.checks(kinds)
        while (job := ledger.claim(me, limits.current(kinds), checks)) is not None:
            kind = kinds.get(job.task)
            if kind is None:
                words = "This version of homequeue does not know this task."
                self._end(job, ledger.FAILED, words)
            elif job.attempts == 1 and job.expires_at is not None and job.expires_at < time.time():
                self._end(job, ledger.CANCELLED, EXPIRED)
            else:
                task = kind(tuple(json.loads(job.args)), id=str(job.id), timeout=job.timeout)
                task.job = job
                return task
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until the bell rings, the next job may start or the seconds are over."""
        self._must_be_bound()
        due = ledger.next_due(limits.current(self.tasks()))
        if due is not None:
            seconds = min(seconds, max(0.0, due - time.time()))
        for message in self.storage.wait(seconds):
            try:
                self.serializer.deserialize(message)
            except ValueError:
                hearer = processes.identity() if self.storage.tells_all else "one of all"
                strangers.keep(message, hearer)

    def execute(self, task: Task, beat: Callable[[], None] = lambda: None) -> None:
        """Run the task of a claimed job, with a `beat` now and then; write what became of it."""
        try:
            with runs.running(task.job):
                self._run(task.job, task, beat)
        except ClaimLost as error:
            logger.warning("%s", error)
        if task.job.state in ledger.WAITING:
            self._cancel_if_stopped(task.job.id)

    def _run(self, job: Job, task: Task, beat: Callable[[], None]) -> None:
        try:
            with watch.watched(task.timeout, beat):
                result = task.execute()
            ledger.succeed(job, result)
        except ClaimLost:
            raise
        except NotYet as error:
            ledger.postpone(job, time.time() + error.seconds, str(error))
        except watch.Interrupted:
            ledger.release(job, died=False)
            raise
        except (SystemExit, KeyboardInterrupt):
            self._end(job, ledger.FAILED, "The work tried to end its worker.")
        except watch.TimedOut:
            self._end(job, ledger.FAILED, _too_long(job))
        except Exception as error:
            self._settle(job, task, error)

    def _settle(self, job: Job, task: Task, error: Exception) -> None:
        words, trace = describe(error), traceback.format_exc()
        if job.state != ledger.RUNNING:
            logger.warning("Job %s (%s) had succeeded, then: %r", job.id, job.task, error)
        elif may_pass(error) and job.attempts - job.deaths < job.max_attempts:
            logger.info("Job %s (%s) will be tried again: %r", job.id, job.task, error)
            due_at = time.time() + retry_delay(task, job.attempts)
            ledger.retry_later(job, due_at, words, trace)
        else:
            logger.warning("Job %s (%s) failed: %r", job.id, job.task, error)
            self._end(job, ledger.FAILED, words, trace)

    # Ends, new beginnings and rescues

    def give_up(
        self, job: Job, state: str, words: str, trace: str | None = None, *, surely: bool = False
    ) -> bool:
        """End a job without success, with what that means for its subject and for what follows.

        With `surely` it ends even if what it means for its subject cannot be kept.
        """
        with db.atomic():
            doomed = ledger.doomed_by(job)
            if not ledger.end(job, state, words, trace):
                return False
            tell_of_end(self.task_class(job.task), job, words, surely=surely)
            self._ring_after_commit(*ledger.freed_by(job))
            for follower in doomed:
                why = f"What goes before it was not done (job {job.id})."
                self.give_up(follower, ledger.CANCELLED, why, surely=surely)
        return True

    def _end(self, job: Job, state: str, words: str, trace: str | None = None) -> None:
        """End a job without success, whatever its hook says: a worker must go on."""
        self.give_up(job, state, words, trace, surely=True)

    def revive(self, job: Job, who: str | None = None) -> bool:
        """Queue an ended job again, with what that means for its subject and for what follows.

        Raises Conflict if the same `unique` work waits or runs already: once is enough.
        """
        with db.atomic():
            return self._revive(job, who, [])

    def _revive(self, job: Job, who: str | None, revived: list[int]) -> bool:
        """Queue a job again; in one chain or group (`revived`) the same work may be there twice."""
        if not ledger.revive(job, who):
            return False
        if (twin := ledger.twin(job, revived)) is not None:
            raise Conflict(f"The same work waits or runs already, as job {twin.id}.")
        revived.append(job.id)
        call_hook(self.task_class(job.task), "revived", job)
        for other in ledger.revived_with(job):
            self._revive(other, who, revived)
        self._ring_after_commit(job)
        return True

    def stop(self, job: Job, who: str) -> bool:
        """End a running job at once, together with its worker, whom its supervisor replaces.

        Returns False if it does not run any more. A worker elsewhere hears of it when it beats.
        """
        if not ledger.stop(job, who):
            return False
        if not processes.is_elsewhere(str(job.worker)):
            workers.end_run(job, STOP_PATIENCE)
            self._settle_orphan(Job.get_by_id(job.id))
            self._cancel_if_stopped(job.id)
        return True

    def _cancel_if_stopped(self, job_id: int) -> None:
        """Cancel a job whose run had ended, to be taken up later, before it could be stopped."""
        job = Job.get_or_none(Job.id == job_id, Job.stopped_by.is_null(False))
        if job is not None and job.state in ledger.WAITING:
            self._end(job, ledger.CANCELLED, _stopped_by(job))

    def forget_asset(self, asset_id: int) -> None:
        """Delete the jobs of an asset that is no more, except one that is running."""
        waiting = Job.select().where(Job.asset == asset_id, Job.state.in_(ledger.WAITING))
        for job in list(waiting):
            self.give_up(job, ledger.CANCELLED, "What it is about is no more.")
        ledger.forget_asset(asset_id)

    def recover(self) -> int:
        """Queue again, or end, the running jobs whom nobody runs; return how many.

        That is: those of dead workers, and those of this very process, which must be between jobs
        when it calls this.
        """
        now = time.time()
        follow_clock(now)
        for job in ledger.expired(now):
            self._end(job, ledger.CANCELLED, EXPIRED)
        running = Job.select().where(Job.state == ledger.RUNNING)
        return sum(self._settle_orphan(job) for job in list(running))

    def _settle_orphan(self, job: Job) -> bool:
        """Decide what becomes of a job if its worker is dead; tell whether it was."""
        worker = str(job.worker)
        is_ours = worker == processes.identity()
        if job.state != ledger.RUNNING or not (is_ours or not workers.is_alive(worker)):
            return False
        died = not is_ours and workers.is_to_blame(worker)
        if job.stopped_by:
            self._end(job, ledger.CANCELLED, _stopped_by(job))
        elif job.timeout and died and time.time() > float(job.started_at or 0) + job.timeout:
            self._end(job, ledger.FAILED, _too_long(job))
        elif died and job.deaths + 1 >= ledger.MAX_DEATHS:
            self._end(job, ledger.QUARANTINED, DEADLY)
        elif ledger.release(job, died=died):
            self._ring(job)
        return True

    # Periodic work

    def start_due(self, now: float) -> float:
        """Queue each periodic task that has not run since it was last due.

        Returns the next moment at which one is due. However many schedulers there are and however
        often they start, a due moment is served once: its row is moved by a conditional UPDATE.
        """
        upcoming = now + 24 * 3600
        count_from_here(now)
        off = {row.task for row in Periodic.select().where(~Periodic.is_on)}
        for name, task in self.periodic_tasks().items():
            if name in off:
                continue
            self._start_if_due(name, task, now)
            upcoming = min(upcoming, task.schedule.next_due(now) or upcoming)
        return upcoming

    def _start_if_due(self, name: str, task: PeriodicTask, now: float) -> None:
        row = Periodic.get_or_none(Periodic.task == name)
        if row is None:
            Periodic.insert(task=name, last_due=now).on_conflict_ignore().execute()
            return
        due = task.schedule.last_due(row.last_due, now)
        if due is None or not is_wanted(task):
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

    def _ring_after_commit(self, *jobs: Job) -> None:
        for job in jobs:
            if not job.waits_for:
                db.after_commit(partial(self._ring, job))


queue = Queue()


def bind(folder: Path, url: str, secret: bytes) -> None:
    """Give the queue its bell (see `storage.bell`) and its signing key."""
    queue.serializer = SignedJson(secret)
    queue.storage = bell(queue.name, folder, url)


def _stopped_by(job: Job) -> str:
    return f"It was stopped by {job.stopped_by}."


def _too_long(job: Job) -> str:
    return f"It took longer than the {job.timeout:g} s it may take."
