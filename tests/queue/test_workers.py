"""Workers: who lives, here, in another container and on another machine."""

import time

import pytest
from peewee import OperationalError

from homequeue import db, facts, processes
from homequeue.models import Job, Worker
from homequeue.queue import worker, workers
from homequeue.queue.workers import LEASE
from tests.queue.helpers import dead_process, orphan

pytestmark = pytest.mark.usefixtures("house")

#: The same machine in another container, another machine, and this one before it was restarted.
CONTAINER = f"{processes.host()}/{processes.boot_id()}.7/42/99"
FOREIGN_CONTAINER = f"c0ffee.1/{processes.boot_id()}.7/42/99"
ATTIC = "attic.12345678/5b1e-of-another-machine.4026531836/42/99"
BEFORE = f"{processes.host()}/a-boot-before.4026531836/42/99"


@pytest.fixture
def clock(monkeypatch):
    """The clock of this process that never jumps."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(workers, "_heard", {})

    def go_on(seconds: float) -> None:
        now[0] += seconds

    return go_on


def present(identity: str, **values) -> Worker:
    return Worker.create(identity=identity, parent=identity + "0", **values)


def beat(identity: str, seen_at: float) -> None:
    Worker.update(seen_at=seen_at).where(Worker.identity == identity).execute()


@pytest.mark.parametrize(
    ("who", "elsewhere"),
    [
        (CONTAINER, True),
        (FOREIGN_CONTAINER, True),
        (ATTIC, True),
        (BEFORE, False),
        (dead_process(), False),
        (processes.identity(), False),
    ],
    ids=["container", "foreign container", "attic", "boot before", "dead", "we"],
)
def test_what_proc_knows_nothing_of(who, elsewhere):
    assert processes.is_elsewhere(who) is elsewhere


def test_two_machines_of_one_name_are_two():
    machine = processes.host()
    assert machine.count(".") >= 1, "the name alone would not tell them apart"
    name, _, number = machine.rpartition(".")
    other = f"{name}.{'0' * len(number)}/b00t.1/42/99"
    assert processes.is_elsewhere(other)


def test_a_worker_here_is_known_at_once(clock):
    assert workers.is_alive(processes.identity())
    assert not workers.is_alive(dead_process())
    assert not workers.is_alive(BEFORE)


@pytest.mark.parametrize("who", [CONTAINER, ATTIC])
def test_a_worker_elsewhere_lives_while_it_beats_and_a_lease_longer(clock, who):
    present(who)
    for number in range(20):
        beat(who, number)
        assert workers.is_alive(who)
        clock(LEASE - 1)
        assert workers.is_alive(who)
    clock(1)
    assert not workers.is_alive(who)


def test_who_looks_for_the_first_time_waits_a_whole_lease(clock):
    present(ATTIC, seen_at=time.time() - 86400)
    assert workers.is_alive(ATTIC)
    clock(LEASE)
    assert not workers.is_alive(ATTIC)


@pytest.mark.parametrize("skew", [-86400, 86400])
def test_clocks_need_not_agree(clock, skew):
    present(ATTIC)
    for _ in range(5):
        beat(ATTIC, time.time() + skew)
        assert workers.is_alive(ATTIC)
        clock(LEASE / 2)
    clock(LEASE / 2)
    assert not workers.is_alive(ATTIC)


def test_a_worker_elsewhere_that_is_not_written_down_is_dead(clock):
    assert not workers.is_alive(ATTIC)


def test_the_work_of_a_silent_machine_is_taken_over_and_blames_nobody(hall, clock):
    present(ATTIC)
    one = orphan(ATTIC, task="bake", deaths=2)
    assert hall.recover() == 0
    clock(LEASE - 1)
    beat(ATTIC, 5)
    assert hall.recover() == 0
    clock(LEASE)
    assert hall.recover() == 1
    one = Job.get_by_id(one.id)
    assert (one.state, one.deaths, one.attempts) == ("queued", 2, 0)


@pytest.fixture
def away(hall, clock, monkeypatch):
    """What the database refuses while it is away, to a worker that is free and to one at work."""
    one = worker.Worker(hall)
    one._stopping = True

    def refuse(*_):
        raise OperationalError("no connection")

    def busy() -> None:
        with pytest.raises(OperationalError):
            one._beat()

    def be_away(is_busy: bool, seconds: float) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(workers, "_write_down", refuse)
            patch.setattr(db, "is_shared", lambda: True)
            busy() if is_busy else one._complain(OperationalError("no connection"))
        clock(seconds)

    return be_away


@pytest.mark.parametrize("is_busy", [False, True])
def test_while_the_database_was_away_nobody_was_silent(hall, clock, away, is_busy):
    present(ATTIC)
    orphan(ATTIC, task="bake")
    assert hall.recover() == 0
    clock(LEASE - 1)
    away(is_busy, LEASE)
    assert hall.recover() == 0
    clock(LEASE - 1)
    assert hall.recover() == 0
    clock(1)
    assert hall.recover() == 1, "nothing was heard for a whole lease after that"


def test_a_defect_is_no_reason_to_wait_for_the_silent(hall, clock):
    present(ATTIC)
    orphan(ATTIC, task="bake")
    hall.recover()
    one = worker.Worker(hall)
    one._stopping = True
    clock(LEASE)
    one._complain(ValueError("a defect"))
    assert hall.recover() == 1


def test_who_registers_forgets_the_dead_and_not_those_elsewhere(clock):
    present(ATTIC)
    present(CONTAINER)
    present(BEFORE)
    present(dead_process())
    workers.register("worker 3")
    found = {row.identity: row.name for row in Worker.select()}
    assert set(found) == {ATTIC, CONTAINER, processes.identity()}
    assert found[processes.identity()] == "worker 3"


def test_who_was_written_down_without_being_told_can_register_again():
    """Of a commit one can be told that it failed, and it did not."""
    for name in ("worker 1", "worker 1", "worker 2"):
        workers.register(name)
        assert [row.name for row in Worker.select()] == [name]


def test_who_leaves_is_not_on_the_list_any_more(clock):
    workers.register("worker 1")
    present(ATTIC)
    workers.leave()
    assert [row.identity for row in Worker.select()] == [ATTIC]


def test_who_is_taken_for_lost_and_is_back_is_written_down_again(clock):
    workers.register("worker 1")
    present(ATTIC)
    Worker.delete().where(Worker.identity == processes.identity()).execute()
    workers.beat("worker 1")
    mine = Worker.get_by_id(processes.identity())
    assert (mine.name, mine.parent) == ("worker 1", processes.parent_identity())


def test_the_silent_are_forgotten_once_others_have_their_jobs(hall, clock):
    present(ATTIC)
    present(CONTAINER)
    present(FOREIGN_CONTAINER)
    orphan(FOREIGN_CONTAINER, task="bake")
    workers.forget_lost()
    clock(LEASE)
    beat(CONTAINER, 5)
    workers.forget_lost()
    assert {row.identity for row in Worker.select()} == {CONTAINER, FOREIGN_CONTAINER}
    hall.recover()
    workers.forget_lost()
    assert {row.identity for row in Worker.select()} == {CONTAINER}


def test_a_worker_forgets_the_silent_when_it_looks_around(hall, clock):
    present(ATTIC)
    one = worker.Worker(hall)
    one._step()
    clock(LEASE)
    one._looked_at = 0.0
    one._step()
    assert Worker.select().where(Worker.identity == ATTIC).count() == 0


def test_a_home_with_one_machine_writes_no_heartbeats(clock):
    workers.register("worker 1")
    present(processes.identity() + "1")
    before = Worker.get_by_id(processes.identity()).seen_at
    time.sleep(0.01)
    workers.beat("worker 1")
    if not db.is_shared():
        assert Worker.get_by_id(processes.identity()).seen_at == before


def test_where_there_are_others_they_hear_of_us(clock):
    workers.register("worker 1")
    present(CONTAINER)
    before = Worker.get_by_id(processes.identity()).seen_at
    time.sleep(0.01)
    workers.beat("worker 1")
    told = Worker.get_by_id(processes.identity())
    assert told.seen_at > before
    assert told.memory == pytest.approx(processes.memory_of(processes.identity()), rel=0.5)
    assert Worker.get_by_id(CONTAINER).seen_at < time.time() - 0.01


def test_who_looks_only_once_believes_what_is_written():
    assert workers.is_present(present(ATTIC))
    assert not workers.is_present(present(CONTAINER, seen_at=time.time() - LEASE - 1))
    assert not workers.is_present(present(dead_process()))


# Blame


def test_only_a_job_whose_supervisor_lives_can_have_killed_its_worker():
    row = present(dead_process())
    Worker.update(parent=processes.parent_identity()).execute()
    assert workers.is_to_blame(row.identity)
    Worker.update(parent=dead_process()).execute()
    assert not workers.is_to_blame(row.identity)
    assert not workers.is_to_blame(BEFORE)
    assert not workers.is_to_blame(ATTIC)


# How many


def test_so_many_as_were_asked_for_may_run(house, monkeypatch):
    monkeypatch.setattr(processes, "is_strained", lambda: False)
    assert workers.allowed() == house.queue.workers
    facts.remember("workers", 7)
    assert workers.allowed() == 7
    monkeypatch.setattr(processes, "is_strained", lambda: True)
    assert workers.allowed() == 1


@pytest.mark.parametrize(
    ("temperature", "available", "strained"),
    [(None, 50, False), (77.9, 50, False), (78.5, 50, True), (40.0, 7, True), (40.0, 9, False)],
)
def test_a_machine_that_is_hot_or_short_of_memory_is_strained(
    monkeypatch, temperature, available, strained
):
    monkeypatch.setattr(processes, "temperature", lambda: temperature)
    monkeypatch.setattr(processes, "memory", lambda: (100, available))
    assert processes.is_strained() is strained
