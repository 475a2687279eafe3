"""Company: while somebody is busy somebody is free, up to the number that may run, and no more."""

import time

import pytest

from homequeue import config, ledger, processes, tasks
from homequeue.models import Job
from homequeue.models import Worker as Row
from homequeue.queue import company, watch, workers
from homequeue.queue.worker import ALONE, Worker
from homequeue.services import steering
from tests.library import job
from tests.queue.helpers import dead_process, work_off

pytestmark = pytest.mark.usefixtures("house")

DEAD = dead_process()


@pytest.fixture(autouse=True)
def strain(monkeypatch):
    """Whether the machine is hot or short of memory, as a test says; all but DEAD live."""
    is_strained = [False]
    monkeypatch.setattr(processes, "is_strained", lambda: is_strained[0])
    monkeypatch.setattr(processes, "is_alive", lambda who: who != DEAD)
    # All workers here are this one process, which is none of them.
    monkeypatch.setattr(workers, "beat", lambda name: None)
    return is_strained


@pytest.fixture
def kitchen(hall):
    @hall.task()
    def fry():
        pass

    @hall.task(long=True)
    def roast(number=0):
        pass

    hall.fry, hall.roast = fry, roast
    return hall


def sibling(number: int, task: str | None = None) -> str:
    """A worker of this supervisor, with what it runs."""
    who = f"{processes.identity()}{number}"
    name = f"worker {number}"
    Row.create(identity=who, parent=processes.parent_identity(), name=name)
    if task is not None:
        job(ledger.RUNNING, task, worker=who, attempts=1)
    return who


class Spare(Worker):
    """A worker of a number that can be stepped, and what it called."""

    def __init__(self, queue, number: int = 2, patience: float | None = 60.0) -> None:
        self.calls: list[str] = []
        name = f"worker {number}"
        super().__init__(queue, lambda: self.calls.append(name), patience, name)
        self._worked_at = time.monotonic() - 61
        self._looked_at, self._upcoming = time.time(), time.time() + 99

    def leaves(self) -> bool:
        self._step()
        return self._stopping

    def looks_around(self) -> bool:
        """Tell whether it leaves once it has looked at the clock."""
        self._worked_at, self._looked_at = time.monotonic(), 0.0
        return self.leaves()


def ask_for(number: int) -> None:
    steering.set_workers(number, "Anna")


# Who is there


def test_only_the_living_of_our_own_supervisor_are_family():
    sibling(1)
    sibling(2, "fry")
    Row.create(identity=DEAD, parent=processes.parent_identity(), name="worker 3")
    Row.create(identity=processes.identity() + "9", parent="another's", name="worker 1")
    found = [(one.name, one.task) for one in company.family()]
    assert found == [("worker 1", None), ("worker 2", "fry")]


# Who is called


@pytest.mark.parametrize(
    ("allowed", "busy", "is_wanted"),
    [
        (2, ["fry"], True),
        (2, [None], False),
        (2, ["fry", None], False),
        (2, ["fry", "fry"], False),
        (3, ["fry", "fry"], True),
        (1, ["fry"], False),
        (1, ["roast"], False),
    ],
)
def test_company_is_wanted_while_all_are_busy_and_more_may_run(kitchen, allowed, busy, is_wanted):
    ask_for(allowed)
    for number, task in enumerate(busy, 1):
        sibling(number, task)
    assert company.is_wanted(kitchen.tasks()) is is_wanted


@pytest.mark.parametrize(
    ("allowed", "busy", "is_wanted"),
    [
        (2, ["fry"], False),
        (2, ["roast"], True),
        (4, ["roast"], True),
        (4, ["roast", "fry"], False),
        (1, ["roast"], False),
    ],
)
def test_long_work_does_not_take_the_only_place_of_a_strained_machine(
    kitchen, strain, allowed, busy, is_wanted
):
    strain[0] = True
    ask_for(allowed)
    for number, task in enumerate(busy, 1):
        sibling(number, task)
    assert company.is_wanted(kitchen.tasks()) is is_wanted


def test_a_worker_that_begins_calls_and_does_not_look_again_at_once(kitchen):
    workers.register("worker 1")
    one = Spare(kitchen, 1, None)
    for _ in range(3):
        kitchen.fry()
        one._step()
    assert one.calls == ["worker 1"]
    one._called_at -= ALONE
    kitchen.fry()
    one._step()
    assert one.calls == ["worker 1"] * 2


def test_chores_are_short_and_call_nobody(hall):
    declared = tasks.queue.tasks()
    assert not company.is_called_for(declared["tally"])
    assert not company.is_called_for(declared["check_disk"])
    assert company.is_called_for(declared["empty_inbox"])
    assert company.is_called_for(declared["convert_video"])
    assert company.is_called_for(declared["process_asset"])


def test_who_is_at_it_for_long_calls_again_in_the_midst_of_it(kitchen, monkeypatch):
    """The other was there when it began, and has left since; or more may run by now."""
    monkeypatch.setattr(watch, "BEAT", 0.05)
    monkeypatch.setattr("homequeue.queue.worker.ALONE", 0.0)
    other = sibling(2)
    one = Spare(kitchen, 1, None)
    seen = []

    @kitchen.task()
    def simmer():
        seen.append(list(one.calls))
        Row.delete().where(Row.identity == other).execute()
        deadline = time.monotonic() + 20
        while not one.calls and time.monotonic() < deadline:
            time.sleep(0.01)

    workers.register("worker 1")
    simmer()
    one._step()
    assert seen == [[]], "there was company to begin with"
    assert set(one.calls) == {"worker 1"}


# Who leaves


def test_a_spare_stays_while_all_others_are_busy(kitchen):
    sibling(1, "roast")
    sibling(2)
    one = Spare(kitchen)
    assert not one.leaves()
    Job.update(state="succeeded").execute()
    assert one.leaves()


def test_a_spare_that_has_just_worked_stays_a_while(kitchen):
    sibling(1)
    sibling(2)
    one = Spare(kitchen)
    kitchen.fry()
    assert not one.leaves()
    assert not one.leaves()
    one._worked_at -= 61
    assert one.leaves()


def test_of_two_spares_that_look_at_once_one_stays(kitchen):
    sibling(1, "roast")
    sibling(2)
    sibling(10)
    assert [Spare(kitchen, number).leaves() for number in (2, 10)].count(True) == 1


def test_the_first_worker_never_leaves(kitchen):
    ask_for(1)
    sibling(1)
    sibling(2)
    one = Spare(kitchen, 1, None)
    assert not one.leaves()
    assert not one.looks_around()


def test_where_fewer_may_run_so_many_leave_as_are_too_many(kitchen):
    ask_for(3)
    for number in range(1, 6):
        sibling(number)
    spares = [Spare(kitchen, number) for number in range(2, 6)]
    assert [one.looks_around() for one in spares] == [False, False, True, True]


def test_of_those_too_many_the_free_leave_first(kitchen):
    ask_for(2)
    sibling(1, "fry")
    sibling(2)
    sibling(3, "fry")
    assert Spare(kitchen, 2).looks_around()


def test_on_a_strained_machine_the_spares_leave(kitchen, strain):
    ask_for(3)
    for number in (1, 2, 3):
        sibling(number)
    spares = [Spare(kitchen, number) for number in (2, 3)]
    assert [one.looks_around() for one in spares] == [False, False]
    strain[0] = True
    assert [one.looks_around() for one in spares] == [True, True]


def test_on_a_strained_machine_one_stays_beside_long_work(kitchen, strain):
    strain[0] = True
    ask_for(3)
    sibling(1, "roast")
    sibling(2)
    sibling(3)
    assert [Spare(kitchen, number).looks_around() for number in (2, 3)] == [False, True]


# Places for long work


@pytest.mark.parametrize(
    ("allowed", "is_strained", "at_once"),
    [(1, False, 1), (2, False, 1), (3, False, 2), (3, True, 1)],
)
def test_long_work_leaves_a_place(kitchen, strain, allowed, is_strained, at_once):
    strain[0] = is_strained
    ask_for(allowed)
    for number in range(4):
        kitchen.roast(number)
    kitchen.fry()
    workers.register("worker 1")
    begun = [task.job.task for task in iter(kitchen.dequeue, None)]
    assert sorted(begun) == ["fry"] + ["roast"] * at_once
    kitchen.wait(99)
    assert 0 < kitchen.storage.slept[-1] <= 30
    ledger.succeed(Job.get(Job.task == "roast", Job.state == "running"), None)
    assert kitchen.dequeue().job.task == "roast"


def test_long_work_of_another_machine_takes_no_place_here(kitchen):
    Row.create(identity="attic.1/b00t.1/42/99", parent="attic.1/b00t.1/41/98", name="worker 1")
    job(ledger.RUNNING, "roast", worker="attic.1/b00t.1/42/99", attempts=1)
    kitchen.roast()
    assert work_off(kitchen) == ["roast"]


def test_two_that_begin_long_work_at_once_do_not_take_all_places(kitchen, monkeypatch):
    ask_for(2)
    other = sibling(2)
    workers.register("worker 1")
    for number in range(2):
        kitchen.roast(number)
    look, nested = ledger.claim, []

    def slow(worker, *seen):
        if not nested:
            nested.append(look(other, *seen))
        return look(worker, *seen)

    monkeypatch.setattr(ledger, "claim", slow)
    assert kitchen.dequeue() is None
    late = Job.get(Job.state == "queued")
    assert (late.attempts, late.worker, late.history.count("\n")) == (0, None, 1)


def test_photos_go_before_a_full_inbox_and_both_before_films():
    declared = {name: kind.default_priority for name, kind in tasks.queue.tasks().items()}
    order = ["process_asset", "empty_inbox", "convert_video"]
    assert sorted(order, key=lambda name: -declared[name]) == order
    assert config.settings().queue.workers == 2
