"""Unique work that is claimed at the very moment of a call: either of them counts with the other.

With rows in PostgreSQL a claim is one statement, and waits for nobody's transaction by itself.
"""

import threading
from collections.abc import Callable

import pytest

from homequeue import db, ledger
from homequeue.models import Fact, Job
from tests.postgres import Cluster


@pytest.fixture
def where_rows_are(server: Cluster) -> dict[str, str]:
    return {"HOMEQUEUE_DATABASE_URL": server.local_url()}


def begun(work: Callable[[], None]) -> threading.Thread:
    """Begin something in a thread of its own, with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            db.db.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def sent_while_it_is_claimed(monkeypatch, task, *, priority: int = 0) -> Job | None:
    """Call a task of whose jobs one is found waiting, and claimed before it can be hastened."""
    has_key, claimed = ledger.has_key, []

    def claim() -> None:
        claimed.append(ledger.claim("host/boot/1/1"))

    def slow(key: str, states) -> bool:
        found = has_key(key, states)
        if not claimed:
            begun(claim).join(10)
        return found

    with monkeypatch.context() as patch, db.db.atomic():
        patch.setattr(ledger, "has_key", slow)
        job = task(priority=priority)
    assert claimed[0] is not None
    return job


@pytest.mark.parametrize("priority", [0, 5])
def test_work_that_is_begun_just_now_does_not_swallow_a_call(hall, monkeypatch, priority):
    """It has read already what there was to do, without what this call is about."""

    @hall.task(unique=True)
    def tell():
        pass

    first = tell()
    second = sent_while_it_is_claimed(monkeypatch, tell, priority=priority)
    assert second is not None
    assert [one.state for one in Job.select().order_by(Job.id)] == ["running", "queued"]
    assert second.id != first.id


def test_work_of_which_once_is_enough_may_begin_just_now(hall, monkeypatch):
    @hall.task(unique=True, once=True)
    def sweep():
        pass

    sweep()
    assert sent_while_it_is_claimed(monkeypatch, sweep) is None
    assert Job.select().count() == 1


def test_what_waits_is_not_begun_before_the_call_that_relies_on_it_is_kept(hall):
    @hall.task(unique=True)
    def tell():
        pass

    tell()
    seen: list[int] = []

    def claim() -> None:
        assert ledger.claim("host/boot/1/1") is not None
        seen.append(Fact.select().count())

    with db.db.atomic():
        Fact.create(name="what it is to tell", value="1")
        assert tell() is None
        thread = begun(claim)
        thread.join(0.3)
        assert seen == []
    thread.join(10)
    assert seen == [1]


def test_the_same_long_work_that_another_began_just_now_is_left_alone(hall, monkeypatch):
    @hall.task(unique=True, long=True)
    def film(number):
        pass

    film(1)
    ledger.add("film", [1], key=Job.get().key, priority=5)
    beside = ledger.add("film", [2], priority=-5)
    look = ledger._begin

    def slow(job: Job, worker: str) -> bool:
        monkeypatch.setattr(ledger, "_begin", look)
        begun(
            lambda: (
                Job.update(state="running").where(Job.id != job.id, Job.key == job.key).execute()
            )
        ).join(5)
        return look(job, worker)

    monkeypatch.setattr(ledger, "_begin", slow)
    assert hall.dequeue().job.id == beside.id
    assert sorted(Job.select(Job.priority, Job.state).tuples()) == [
        (-5, "running"),
        (0, "running"),
        (5, "queued"),
    ]
