"""What the queue looks like from outside: the JSON of its workers, batches, chores and deeds."""

from typing import Any

from homequeue import db
from homequeue.media import media
from homequeue.models import Deed, User
from homequeue.queue import queue
from homequeue.services import batches, crew, delays, figures, hearing, jobs, machine
from homequeue.web import shapes
from homequeue.web.shapes import rfc3339

#: What carries the messages, by the name of its storage.
BELLS = {"Doorbell": "fifo", "RedisBell": "redis", "PostgresBell": "postgresql"}


def worker_json(hand: crew.Hand) -> dict[str, Any]:
    """Return a worker."""
    return {
        "name": hand.name,
        "identity": hand.worker.identity,
        "started_at": rfc3339(hand.worker.started_at),
        "seen_at": rfc3339(hand.seen_at),
        "job": hand.job.id if hand.job else None,
        "memory": hand.memory,
        "stuck": hand.is_stuck,
    }


def batch_json(progress: batches.Progress) -> dict[str, Any]:
    """Return a batch and how far it is."""
    left = figures.expected(jobs.Chosen(batch=progress.batch.id))
    return {
        "id": progress.batch.id,
        "kind": progress.batch.kind,
        "made_at": rfc3339(progress.batch.made_at),
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "seconds_left": None if left is None else round(left.seconds, 1),
    }


def held_json(user: User | None = None) -> list[dict[str, Any]]:
    """Return what is due and held back, everybody's or a user's, by the reason."""
    return [
        {"why": held.why, "task": held.task or None, "until": rfc3339(held.until), "jobs": count}
        for held, count in delays.held(user).items()
    ]


def chore_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a periodic task, from what `figures.periodic` tells of it."""
    job = row["last_job"]
    shown = shapes.outcome(job) if job else {"state": None, "result": None, "error": None}
    return {
        "task": row["task"],
        "on": row["is_on"],
        "on_demand": row["on_demand"],
        "last_run": rfc3339(row["last_run"]),
        **{f"last_{name}": value for name, value in shown.items()},
        "next_due": rfc3339(row["next_due"]),
    }


def deed_json(deed: Deed) -> dict[str, Any]:
    """Return who did what, and when."""
    return {"at": rfc3339(deed.at), "who": deed.who, "words": deed.words}


def storage_json() -> dict[str, Any]:
    """Return where all is kept, what carries the messages, and what is wrong with either."""
    return {
        "photos": str(media.root),
        "rows": db.db.place(),
        "messages": BELLS.get(type(queue.storage).__name__),
        "problems": [*machine.problems(), *filter(None, [hearing.trouble()])],
    }
