"""What must not be started yet: rates, quiet hours, pauses; and how long a worker sleeps."""

import threading
import time
from dataclasses import replace
from datetime import datetime

import pytest
from huey.exceptions import ConfigurationError

from homequeue import config, histories, holds, ledger
from homequeue.db import db
from homequeue.models import Job
from homequeue.queue import every, limits
from homequeue.queue.worker import LOOK_AROUND
from tests.library import job
from tests.queue.helpers import states, step, work_off

pytestmark = pytest.mark.usefixtures("house")


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(fold=fold).timestamp()


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    moments = [float(int(time.time()))]  # a history is told to the millisecond
    monkeypatch.setattr(time, "time", lambda: moments[0])

    def go_on(seconds: float) -> float:
        moments[0] += seconds
        return moments[0]

    return go_on


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def quiet(house):
    """Sets the quiet hours."""

    def between(start: str, end: str) -> None:
        minutes = tuple(int(text[:2]) * 60 + int(text[3:]) for text in (start, end))
        config.bind(replace(house, queue=replace(house.queue, quiet_hours=minutes)))

    return between


# Rates


@pytest.mark.parametrize(
    ("text", "count", "seconds"),
    [("10/m", 10, 60), ("1/30s", 1, 30), ("5/h", 5, 3600), ("2/2d", 2, 172800)],
)
def test_rates_are_read(text, count, seconds):
    assert limits.parse_rate(text) == (count, seconds)


@pytest.mark.parametrize("text", ["", "0/m", "10", "10/w", "-1/m", "1.5/m", "10 / m"])
def test_nonsense_is_refused_where_the_task_is_declared(hall, text):
    with pytest.raises(ConfigurationError, match="no rate"):
        hall.task(rate=text)


@pytest.fixture
def mail(hall):
    @hall.task(rate="2/m")
    def mail(number):
        pass

    @hall.task()
    def other():
        pass

    hall.mail, hall.other = mail, other
    return hall


def test_no_more_is_started_than_the_rate_says(mail, clock):
    for number in range(5):
        mail.mail(number)
    mail.other()
    assert work_off(mail) == ["mail", "mail", "other"]
    clock(59)
    assert work_off(mail) == []
    clock(1)
    assert work_off(mail) == ["mail", "mail"]
    clock(60)
    assert work_off(mail) == ["mail"]


def test_a_worker_sleeps_until_the_rate_allows_more(mail, clock):
    for number in range(3):
        mail.mail(number)
    clock(10)
    step(mail)
    clock(5)
    step(mail)
    clock(5)
    mail.wait(300)
    assert mail.storage.slept == [pytest.approx(50)]
    clock(50)
    assert work_off(mail) == ["mail"]


def test_a_clock_that_went_back_does_not_stop_a_rate_for_a_day(mail, clock):
    for number in range(4):
        mail.mail(number)
    work_off(mail)
    clock(-86400)
    assert work_off(mail) == ["mail", "mail"]


def test_two_workers_that_look_at_once_do_not_exceed_the_rate(mail, monkeypatch):
    """Each has seen that two may be started, and each takes one after one has begun already."""
    for number in range(4):
        mail.mail(number)
    step(mail)
    look = ledger.claim
    nested: list[Job] = []

    def slow(worker, *seen):
        if not nested:
            nested.append(look("host/boot/7/7", *seen))
        return look(worker, *seen)

    monkeypatch.setattr(ledger, "claim", slow)
    assert mail.dequeue() is None
    states = sorted(one.state for one in Job.select())
    assert states == ["queued", "queued", "running", "succeeded"]
    late = Job.get(Job.state == "queued")
    assert (late.attempts, late.worker, late.started_at) == (0, None, None)
    assert histories.starts(late.history) == []


def test_each_try_of_a_job_counts(hall, clock):
    """Whoever is to be spared does not care which job it is that calls again."""
    tries = []

    @hall.task(rate="2/m", retries=9, retry_delay=1)
    def call():
        tries.append(time.time())
        raise OSError("engaged")

    call()
    for _ in range(200):
        if (task := hall.dequeue()) is not None:
            hall.execute(task)
        clock(1)
    assert len(tries) == 8
    assert all(later - moment >= 60 for moment, later in zip(tries, tries[2:], strict=False))


def test_a_job_that_another_was_quicker_than_is_as_it_was(mail, monkeypatch):
    mail.mail(1)
    ledger.retry_later(mail.dequeue().job, 0, "engaged", "line 5")
    before = Job.select().dicts().get()
    other = mail.mail.schedule((2,), priority=1, delay=0)
    look = ledger.claim

    def slow(worker, *seen):
        monkeypatch.setattr(ledger, "claim", look)
        assert look("host/boot/7/7", *seen).id == other.id
        return look(worker, *seen)

    monkeypatch.setattr(ledger, "claim", slow)
    assert mail.dequeue() is None
    assert Job.select().where(Job.id != other.id).dicts().get() == before
    assert (before["state"], before["error"]) == ("retrying", "engaged")


def test_what_is_held_at_the_last_moment_holds_up_nothing_else(mail):
    mail.mail(1)
    other = mail.other()
    assert ledger.claim("host/boot/7/7", checks={"mail": lambda: False}).id == other.id


def test_many_workers_at_once_keep_the_rate(mail):
    for number in range(12):
        mail.mail(number)
    ready, begun = threading.Barrier(6), []

    def work():
        ready.wait()
        task = mail.dequeue()
        begun.append(task)
        db.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.select().where(Job.state == "running").count() <= 2
    assert len([task for task in begun if task]) <= 2


# Quiet hours


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-10 21:59", None),
        ("2026-01-10 22:00", "2026-01-11 06:30"),
        ("2026-01-10 23:59:59", "2026-01-11 06:30"),
        ("2026-01-11 00:00", "2026-01-11 06:30"),
        ("2026-01-11 06:29:59", "2026-01-11 06:30"),
        ("2026-01-11 06:30", None),
        ("2026-01-11 12:00", None),
        ("2026-12-31 23:00", "2027-01-01 06:30"),
        ("2026-03-28 22:30", "2026-03-29 06:30"),
        ("2026-10-24 22:30", "2026-10-25 06:30"),
    ],
)
def test_quiet_hours_across_midnight(berlin, now, end):
    hours = (22 * 60, 6 * 60 + 30)
    assert limits.quiet_until(hours, at(now)) == (at(end) if end else 0)


def test_quiet_hours_within_a_day(berlin):
    hours = (13 * 60, 15 * 60)
    assert limits.quiet_until(hours, at("2026-01-10 13:00")) == at("2026-01-10 15:00")
    assert limits.quiet_until(hours, at("2026-01-10 12:59")) == 0
    assert limits.quiet_until(hours, at("2026-01-10 15:00")) == 0


def test_without_quiet_hours_none_is_quiet():
    assert limits.quiet_until(None, time.time()) == 0


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_quiet_hours_end_on_the_day_the_clock_is_changed(berlin, day):
    """Whatever hour is missing or doubled: the end is ahead while it is quiet, and it comes."""
    hours = (22 * 60, 2 * 60 + 30)
    moment, quiet_minutes = at(f"{day} 00:00"), 0
    while moment < at(f"{day} 05:00"):
        until = limits.quiet_until(hours, moment)
        wall = datetime.fromtimestamp(moment)
        assert bool(until) is (wall.hour * 60 + wall.minute < 150)
        assert until == 0 or moment < until <= moment + 3.5 * 3600
        quiet_minutes += bool(until)
        moment += 60
    assert quiet_minutes == {"2026-03-29": 120, "2026-10-25": 180}[day]


def test_in_quiet_hours_people_are_served_and_bulk_and_noise_wait(hall, quiet, berlin, clock):
    @hall.task(priority=10)
    def upload():
        pass

    @hall.task(priority=0)
    def bulk():
        pass

    @hall.task(priority=20, loud=True)
    def mail():
        pass

    clock(at("2026-01-10 23:00") - time.time())
    quiet("22:00", "06:30")
    for task in (bulk, mail, upload):
        task()
    assert work_off(hall) == ["upload"]
    hall.wait(86400)
    assert hall.storage.slept == [pytest.approx(7.5 * 3600)]
    clock(7.5 * 3600)
    assert work_off(hall) == ["mail", "bulk"]


# Pauses


def test_a_pause_of_one_task_lets_the_others_run(mail, clock):
    mail.mail(1)
    mail.other()
    holds.pause(time.time() + 60, "mail")
    assert work_off(mail) == ["other"]
    mail.wait(300)
    clock(60)
    assert mail.storage.slept == [pytest.approx(60)]
    assert work_off(mail) == ["mail"]


def test_the_longest_hold_counts(mail, clock):
    mail.mail(1)
    holds.pause(time.time() + 60, "mail")
    holds.pause(time.time() + 90)
    mail.wait(300)
    clock(75)
    assert work_off(mail) == []
    holds.pause(0)
    assert work_off(mail) == ["mail"]
    assert mail.storage.slept == [pytest.approx(90)]


def test_the_clock_goes_on_while_the_queue_is_paused(hall):
    @hall.periodic_task(every(minutes=10))
    def chore():
        pass

    hall.start_due(at("2026-01-10 12:01"))
    holds.pause(time.time() + 60)
    for minute in (10, 20, 30):
        hall.start_due(at(f"2026-01-10 12:{minute}"))
    assert Job.select().count() == 1, "what was due meanwhile is done once"
    assert work_off(hall) == []
    holds.pause(0)
    assert work_off(hall) == ["chore"]


# Sleeping: never in vain, and never too long


def test_nothing_to_do_is_no_reason_to_wake(hall):
    hall.wait(LOOK_AROUND)
    assert hall.storage.slept == [LOOK_AROUND]


def test_work_that_runs_elsewhere_does_not_keep_the_others_awake(hall):
    """The same work waits once more: a worker that looked for it again and again would burn."""
    job(key="same", task="bake")
    ledger.claim("host/boot/1/1")
    job(key="same", task="bake")
    assert hall.dequeue() is None
    hall.wait(LOOK_AROUND)
    job(key="other", task="bake")
    hall.wait(LOOK_AROUND)
    assert hall.storage.slept == [LOOK_AROUND, 0]


@pytest.mark.parametrize("held", ["pause", "task", "step", "later"])
def test_a_worker_that_may_start_nothing_does_not_spin(hall, clock, held):
    @hall.task()
    def bake():
        pass

    if held == "pause":
        holds.pause(time.time() + 20)
    if held == "task":
        holds.pause(time.time() + 20, "bake")
    if held == "step":
        hall.enqueue(bake.s(delay=20).then(bake))
    elif held == "later":
        bake.schedule(delay=20)
    else:
        bake()
    woke = 0
    while (task := hall.dequeue()) is None:
        hall.wait(LOOK_AROUND)
        clock(hall.storage.slept[-1])
        woke += 1
    assert woke == 1
    hall.execute(task)
    assert states()["bake"] == "succeeded"


def test_a_moment_that_has_passed_is_not_slept_for(hall, clock):
    job("retrying", due_at=time.time() - 500)
    hall.wait(LOOK_AROUND)
    assert hall.storage.slept == [0]
