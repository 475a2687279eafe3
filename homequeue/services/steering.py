"""Steering the queue: what people do to it, and a note of who did what."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from homequeue import facts, holds, ledger
from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Deed, Job, Periodic
from homequeue.queue import queue, strangers
from homequeue.services import batches, jobs
from homequeue.services.jobs import Chosen

#: For ever, as far as a pause goes.
FOREVER = 100 * 365 * 86400.0
#: When a pause until the morning ends, in hours of this machine's clock.
MORNING = 7
#: So many jobs are written in one transaction, for which everybody else waits.
PIECE = 200
#: As many workers as anybody may ask for.
MOST_WORKERS = 64


def retry(job: Job, who: str) -> None:
    """Queue a job again that failed, was cancelled or quarantined."""
    with db.atomic():
        if not queue.revive(job, who):
            raise Conflict("This job is fine; only one that ended badly can be tried again.")
        _note(who, f"had job {job.id} tried again")


def retry_all(chosen: Chosen, who: str) -> int:
    """Queue all jobs of a list again that failed or were quarantined; return how many."""
    bad = replace(chosen, states=ledger.BAD)
    said = _Said(who, lambda count: f"had {_failed(count)} tried again")
    return _on_all(bad, lambda job: _revive(job, who), said)


def cancel(job: Job, who: str) -> None:
    """Say of a waiting job that it need not be done."""
    if not _cancel(job, who):
        raise Conflict("This job has begun or ended; only one that waits can be cancelled.")
    _note(who, f"cancelled job {job.id}")


def cancel_all(chosen: Chosen, who: str) -> int:
    """Say of all jobs of a list that wait that they need not be done; return how many."""
    waits = replace(chosen, states=ledger.WAITING)
    said = _Said(who, _cancelled)
    return _on_all(waits, lambda job: _cancel(job, who), said)


def stop(job: Job, who: str) -> None:
    """End a running job at once, wherever it is; one that waits is cancelled instead."""
    if job.state in ledger.WAITING:
        cancel(job, who)
        return
    if not queue.stop(job, who):
        raise Conflict("This job does not run; only one that does can be stopped.")
    _note(who, f"stopped job {job.id}")


def dismiss(job: Job, who: str) -> None:
    """Say of a job that ended badly that nobody needs to look at it any more."""
    if not ledger.dismiss(job, who):
        raise Conflict("Only a job that failed can be dismissed.")
    _note(who, f"dismissed job {job.id}")


def dismiss_all(chosen: Chosen, who: str) -> int:
    """Dismiss all jobs of a list that ended badly; return how many."""
    bad = replace(chosen, states=ledger.BAD)
    said = _Said(who, lambda count: f"dismissed {_failed(count)}")
    return _on_all(bad, lambda job: ledger.dismiss(job, who), said)


def pause(seconds: float | None, who: str, task: str = "") -> float:
    """Start no more jobs, or none of a task, for so long or until `resume`; return its end."""
    _check_task(task)
    until = time.time() + (seconds if seconds is not None else FOREVER)
    holds.pause(until, task)
    _note(who, f"paused {_named(task)}")
    return until


def until_morning() -> float:
    """Return the seconds until the next morning, which for a night owl is that of the same day."""
    now = datetime.now()
    morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    morning += timedelta(days=1) if morning <= now else timedelta()
    return morning.timestamp() - time.time()


def resume(who: str, task: str = "") -> None:
    """Start jobs again, or those of a task."""
    _check_task(task)
    holds.pause(0, task)
    _note(who, f"resumed {_named(task)}")
    queue.ring(2)


def run_now(task: str, who: str) -> None:
    """Queue a periodic task that is not due; Conflict if it waits already."""
    kind = queue.periodic_tasks().get(task)
    if kind is None:
        raise NotFound("There is no such periodic work.")
    with db.atomic():
        job = queue.enqueue(type(kind)())
        if job is None:
            raise Conflict(f"{_named(task)} waits already, and is done when its turn comes.")
        _know(task)
        Periodic.update(job=job.id).where(Periodic.task == task).execute()
        _note(who, f"started {_named(task)}")


def switch(task: str, who: str, *, is_on: bool) -> None:
    """Switch a periodic task on or off."""
    if task not in queue.periodic_tasks():
        raise NotFound("There is no such periodic work.")
    with db.atomic():
        _know(task)
        # What it would have done while it was off is not made up for.
        begins = {Periodic.last_due: time.time()} if is_on else {}
        row = (Periodic.task == task) & (Periodic.is_on != is_on)
        Periodic.update({Periodic.is_on: is_on, **begins}).where(row).execute()
        _note(who, f"switched {_named(task)} {'on' if is_on else 'off'}")


def set_workers(count: int, who: str) -> None:
    """Let so many jobs run side by side, until it is said again."""
    if not 1 <= count <= MOST_WORKERS:
        raise Invalid(f"There can be 1 to {MOST_WORKERS} workers.")
    facts.remember("workers", count)
    _note(who, f"allowed {count} workers" if count > 1 else "allowed 1 worker")


def make_again(found: Iterable[int], defer: Callable[[int], object], who: str) -> int:
    """Have the pictures of assets made again, after all other work; return of how many."""
    said = _Said(who, _made_again)
    with ledger.part_of(batches.begin("again", None)):
        return _in_pieces(found, lambda asset_id: bool(defer(asset_id)), said)


def clear_strangers(who: str) -> int:
    """Forget the messages that homequeue did not write; return how many were kept."""
    count = strangers.clear()
    _note(
        who,
        f"cleared {count} strange messages" if count > 1 else "cleared 1 strange message",
        count,
    )
    return count


def forget_before(moment: float) -> int:
    """Delete what was noted before a moment; return how many deeds."""
    return int(Deed.delete().where(Deed.at < moment).execute())


def deeds(limit: int = 20, before: int | None = None) -> list[Deed]:
    """Return what people did last, newest first; `before` is the id from which to go on."""
    found = Deed.select() if before is None else Deed.select().where(Deed.id < before)
    return list(found.order_by(Deed.id.desc()).limit(limit))


@dataclass
class _Said:
    """The note of what somebody does to many, which grows with it."""

    who: str
    words: Callable[[int], str]
    count: int = 0
    deed: int | None = None

    def add(self, count: int) -> None:
        """Note so many more, in the transaction in which it was done to them."""
        if not count:
            return
        self.count += count
        words = self.words(self.count)
        if self.deed is None:
            self.deed = Deed.create(who=self.who, words=words).id
        else:
            Deed.update(words=words).where(Deed.id == self.deed).execute()


def _on_all(chosen: Chosen, act: Callable[[Job], bool], said: _Said) -> int:
    """Do something to all jobs of a list; return to how many it was done.

    Each row is read when it is its turn: with their logs and histories all of them are too much to
    hold, and what was done to one may have moved the next.
    """
    return _in_pieces(jobs.ids(chosen), lambda job_id: any(map(act, jobs.by_ids([job_id]))), said)


def _in_pieces(found: Iterable[Any], act: Callable[[Any], bool], said: _Said) -> int:
    """Do something to many, so that others may write in between; return to how many it was done.

    Each piece is noted with it: whoever is killed between two has said what was done.
    """
    left = iter(found)
    while piece := list(islice(left, PIECE)):
        with db.atomic():
            said.add(sum(map(act, piece)))
    return said.count


def _cancel(job: Job, who: str) -> bool:
    """Cancel a job that waits, with what that means for its photo and for what follows it."""
    waits = job.state in ledger.WAITING
    return waits and queue.give_up(job, ledger.CANCELLED, f"It was cancelled by {who}.")


def _revive(job: Job, who: str) -> bool:
    with suppress(Conflict):  # the same is being done already, or will be
        return queue.revive(job, who)
    return False


def _know(task: str) -> None:
    """Have a row for a periodic task, also if no worker has looked at the clock yet."""
    row = {Periodic.task: task, Periodic.last_due: time.time()}
    Periodic.insert(row).on_conflict_ignore().execute()


def _check_task(task: str) -> None:
    if task and queue.task_class(task) is None:
        raise NotFound("There is no such work.")


def _named(task: str) -> str:
    return f"“{jobs.kind_label(task)}”" if task else "the queue"


def _failed(count: int) -> str:
    return "1 failed job" if count == 1 else f"{count:,} failed jobs"


def _cancelled(count: int) -> str:
    return "cancelled 1 job" if count == 1 else f"cancelled {count:,} jobs that waited"


def _made_again(count: int) -> str:
    return f"had the pictures of {'1 photo' if count == 1 else f'{count:,} photos'} made again"


def _note(who: str, words: str, count: int = 1) -> None:
    if count:
        Deed.create(who=who, words=words)
