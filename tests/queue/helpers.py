"""What the tests of the queue do again and again."""

import json
from typing import Any

from huey.storage import BaseStorage

from homequeue import ledger, processes
from homequeue.models import Job
from homequeue.queue import Queue
from tests.library import job


class Bell(BaseStorage):
    """Keeps the messages, and how long somebody would have slept, to look at."""

    tells_all = False

    def __init__(self) -> None:
        super().__init__("bell")
        self.messages: list[Any] = []
        self.slept: list[float] = []

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self.messages.append(json.loads(data.rpartition(b".")[0]))

    def wait(self, seconds: float) -> list[bytes]:
        self.slept.append(seconds)
        return []


def step(hall: Queue) -> Job:
    """Claim and run the most urgent job; the job as it then is."""
    task = hall.dequeue()
    assert task is not None, "nothing is due"
    hall.execute(task)
    return Job.get_by_id(task.job.id)


def work_off(hall: Queue) -> list[str]:
    """Run all that is due; the tasks in order."""
    done = []
    while (task := hall.dequeue()) is not None:
        hall.execute(task)
        done.append(task.job.task)
    return done


def make_due() -> None:
    Job.update(due_at=0).execute()


def the(task: str) -> Job:
    """The only job of a task."""
    return Job.get(Job.task == task)


def states() -> dict[str, str]:
    """The state of the newest job of each task."""
    return {one.task: one.state for one in Job.select().order_by(Job.id)}


def dead_process(boot: str | None = None) -> str:
    """An identity of a process that is gone."""
    return f"{processes.host()}/{boot or processes.realm()}/{2**22 + 1}/5"


def orphan(worker: str, **values: Any) -> Job:
    return job(ledger.RUNNING, worker=worker, attempts=1, **values)
