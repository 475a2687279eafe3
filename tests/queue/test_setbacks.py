"""Setbacks: a clock that goes back holds up nothing, and shortens nothing."""

import time

import pytest

from homequeue import facts, holds, ledger
from homequeue.errors import NotYet
from homequeue.models import Job
from homequeue.queue.setbacks import WORDS, follow_clock
from tests.queue.helpers import step, the, work_off

pytestmark = pytest.mark.usefixtures("house")

DAY = 86400.0


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    moments = [float(int(time.time()))]
    monkeypatch.setattr(time, "time", lambda: moments[0])

    def go_on(seconds: float) -> float:
        moments[0] += seconds
        return moments[0]

    return go_on


@pytest.fixture
def kitchen(hall):
    tries = []

    @hall.task(retries=3, retry_delay=30)
    def fry():
        tries.append(1)
        raise OSError("cold")

    @hall.task()
    def look():
        if len(tries) < 1:
            tries.append(1)
            raise NotYet("It boils.", 40)

    @hall.task()
    def serve():
        pass

    hall.fry, hall.look, hall.serve = fry, look, serve
    return hall


def wait_of(task: str) -> float:
    return float(the(task).due_at) - time.time()


@pytest.mark.parametrize(("task", "least", "most"), [("fry", 26, 34), ("look", 40, 40)])
def test_what_was_put_off_by_a_clock_that_was_ahead_waits_as_long_as_it_was_to(
    kitchen, clock, task, least, most
):
    getattr(kitchen, task)()
    clock(DAY)
    state = step(kitchen).state
    clock(-DAY)
    kitchen.recover()
    assert least <= wait_of(task) <= most
    assert the(task).state == state
    assert WORDS in the(task).history
    before = the(task).due_at
    clock(20)
    kitchen.recover()
    assert the(task).due_at == before, "it is told once"
    clock(20)
    assert work_off(kitchen) == [task]


def test_what_was_queued_by_a_clock_that_was_ahead_is_put_off_from_now_on(kitchen, clock):
    clock(DAY)
    ledger.add("serve", [], due_at=time.time() + 90)
    now = clock(-DAY)
    kitchen.recover()
    assert wait_of("serve") == 90
    assert the("serve").queued_at == now


@pytest.mark.parametrize("back", [0, 59, 61, 3600])
def test_a_moment_that_is_far_away_stays_so(kitchen, clock, back):
    ledger.add("serve", [], due_at=time.time() + 3 * DAY)
    clock(-back)
    kitchen.recover()
    assert wait_of("serve") >= 3 * DAY


def test_a_steady_clock_changes_no_moment(kitchen, clock):
    ledger.add("serve", [], due_at=time.time() + 30 * DAY)
    kitchen.fry()
    step(kitchen)
    before = sorted(Job.select(Job.due_at, Job.history).tuples())
    follow_clock(clock(5))
    assert sorted(Job.select(Job.due_at, Job.history).tuples()) == before


def test_a_pause_made_by_a_clock_that_was_ahead_lasts_as_long_as_it_was_to(kitchen, clock):
    far = clock(0) + 5 * 365 * DAY
    holds.pause(far, "fry")
    ahead = clock(4 * 365 * DAY)
    holds.pause(ahead + 3600)
    holds.pause(ahead + 7200, "look")
    now = clock(-4 * 365 * DAY)
    kitchen.recover()
    assert holds.pauses() == {"": now + 3600, "look": now + 7200, "fry": far}
    clock(10)
    kitchen.recover()
    assert holds.pauses() == {"": now + 3600, "look": now + 7200, "fry": far}
    clock(3590)
    kitchen.serve()
    assert work_off(kitchen) == ["serve"]


@pytest.mark.parametrize("back", [-DAY, 0, 59])
def test_a_pause_made_by_a_clock_that_was_about_right_stays_as_it_was_made(kitchen, clock, back):
    until = clock(0) + 3 * DAY
    holds.pause(until)
    clock(-back)
    kitchen.recover()
    assert holds.pauses() == {"": until}


def test_a_pause_that_was_made_before_its_moment_was_kept_stays(kitchen, clock):
    until = clock(0) + 3 * DAY
    facts.remember("pauses", {"": until, "look": clock(0) - 5})
    kitchen.recover()
    assert holds.pauses() == {"": until}
    holds.pause(until, "fry")
    assert holds.pauses() == {"": until, "fry": until}
    holds.pause(0)
    assert holds.pauses() == {"fry": until}


def test_a_rate_of_a_day_that_never_was_holds_up_nothing(hall, clock, monkeypatch):
    """Two workers began at once, and one had to put its job back."""

    @hall.task(rate="1/m")
    def mail(number):
        pass

    mail(1)
    mail(2)
    clock(DAY)
    look, nested = ledger.claim, []

    def slow(worker, *seen):
        if not nested:
            nested.append(look("host/boot/7/7", *seen))
        return look(worker, *seen)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "claim", slow)
        assert hall.dequeue() is None
    clock(-DAY)
    assert hall.dequeue() is not None
