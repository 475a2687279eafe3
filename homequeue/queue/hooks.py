"""Hooks: what a task wants asked before it begins by the clock, and done when a job of it ends."""

import json
import logging

from peewee import OperationalError

from homequeue.db import db
from homequeue.models import Job
from homequeue.queue.light import PeriodicTask, Task

logger = logging.getLogger("homequeue.queue")


def call_hook(kind: type[Task] | None, name: str, job: Job, *words: str) -> None:
    """Call a hook of a job's task, if it has such, in the transaction that is open."""
    hook = getattr(kind, name, None)
    if hook is not None:
        hook(*words, *json.loads(job.args))


def tell_of_end(kind: type[Task] | None, job: Job, words: str, *, surely: bool) -> None:
    """Call `given_up`; with `surely` the job ends even if that fails.

    Otherwise what cannot be ended would be tried again and again, before anything else.
    """
    try:
        with db.atomic():
            call_hook(kind, "given_up", job, words)
    except OperationalError:
        raise  # while the database is away nothing can be ended
    except Exception:
        if not surely:
            raise
        logger.exception("Job %s (%s) ends, and what that means cannot be kept.", job.id, job.task)


def is_wanted(task: PeriodicTask) -> bool:
    """Ask a periodic task whether there is anything to do; if it cannot tell, the others go on."""
    only_if = getattr(type(task), "only_if", None)
    try:
        return only_if is None or bool(only_if())
    except OperationalError:
        raise
    except Exception:
        logger.exception("Nobody can tell whether %s is wanted.", type(task).__name__)
        return False
