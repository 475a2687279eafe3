"""The pulse: something small that is another whenever the queue has moved, and cheap to take."""

from typing import Any

from peewee import fn

from homequeue import facts, holds, ledger
from homequeue.models import Batch, Deed, Job, Periodic
from homequeue.queue import strangers
from homequeue.services import figures, machine, receipts


def take() -> tuple[Any, ...]:
    """Return the pulse: two that are equal mean that nobody would see a difference.

    What an index knows is enough: any move of a job shows in how many are in which state, in what
    was queued, begun or ended last, or in what runs; and any act of a person in its deed.
    """
    again = Job.select(fn.MAX(Job.due_at)).where(Job.state == ledger.RETRYING)
    newest: Any = Job.select(fn.MAX(Job.id), fn.MAX(Job.finished_at)).tuples().get()
    return (
        newest,
        again.scalar(),
        sorted(ledger.counts().items()),
        running(),
        Deed.select(fn.MAX(Deed.id)).scalar(),
        Batch.select(fn.MAX(Batch.id)).scalar(),
        receipts.last(),
        sorted(holds.pauses().items()),
        facts.recall("workers"),
        facts.recall(strangers.FACT),
        sorted(Periodic.select(Periodic.task, Periodic.last_due, Periodic.is_on).tuples()),
        [worker.identity for worker in figures.present_workers()],
        machine.problems(),
    )


def running() -> list[tuple[Any, ...]]:
    """Return what runs, and how far it is."""
    columns = (Job.id, Job.attempts, Job.worker, Job.step, Job.progress, Job.stopped_by)
    runs: Any = Job.select(*columns).where(Job.state == ledger.RUNNING).order_by(Job.id).tuples()
    return list(runs)
