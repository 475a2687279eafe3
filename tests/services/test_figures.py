"""Figures: what the queue is doing, how well it did, and for how much longer."""

import time
from typing import Any

import pytest
from peewee import fn

from homequeue import facts, holds, ledger, processes
from homequeue.db import db
from homequeue.models import Job, Tally, Worker
from homequeue.queue import workers
from homequeue.services import figures
from homequeue.services.figures import HOUR
from homequeue.services.jobs import Chosen
from tests.library import job, row

NOON = 500_000 * HOUR


@pytest.fixture
def at(house, monkeypatch):
    """Sets the clock, in hours after a noon."""

    def hours(number: float) -> float:
        monkeypatch.setattr(time, "time", lambda: NOON + number * HOUR)
        return NOON + number * HOUR

    hours(0)
    return hours


def ran(
    task: str, end: float, span: float = 2, wait: float = 1, state="succeeded", **values
) -> Job:
    """A job that ended at an hour after noon, ran for some seconds and had waited for some."""
    finished_at = NOON + end * HOUR
    started_at = finished_at - span
    moments = {"queued_at": started_at - wait, "due_at": started_at - wait}
    moments |= {"started_at": started_at, "finished_at": finished_at}
    return job(state, task=task, **moments | values)


def tallied() -> list[tuple]:
    rows = Tally.select().order_by(Tally.hour, Tally.task)
    return [(one.hour - 500_000, one.task, one.succeeded, one.failed) for one in rows]


# Hours


def test_each_hour_is_written_down_once_it_is_over(at):
    ran("bake", 0.5)
    ran("bake", 0.9)
    ran("bake", 0.95, state="failed")
    ran("mix", 0.1, state="quarantined")
    at(0.99)
    assert figures.tally() == 0
    at(1.03)
    assert figures.tally() == 2
    assert tallied() == [(0, "bake", 2, 1), (0, "mix", 0, 1)]


def test_hours_are_neither_missed_nor_counted_twice(at):
    for hour in (0, 1, 3):
        ran("bake", hour + 0.5)
    ran("bake", 2.0)  # just begun
    ran("bake", 1.99999)
    for moment in (1.01, 1.5, 2.01, 2.01, 7.01, 7.5):
        at(moment)
        figures.tally()
    assert tallied() == [(0, "bake", 1, 0), (1, "bake", 2, 0), (2, "bake", 1, 0), (3, "bake", 1, 0)]


def test_two_that_tally_at_once_write_each_hour_once(at, monkeypatch):
    ran("bake", 0.5)
    at(1.1)
    look, nested = figures._kind, []

    def slow(*asked):
        if not nested:
            nested.append(None)
            figures.tally()
        return look(*asked)

    monkeypatch.setattr(figures, "_kind", slow)
    figures.tally()
    assert tallied() == [(0, "bake", 1, 0)]


def test_hours_stay_when_their_jobs_are_forgotten(at):
    ran("bake", 0.5)
    at(1.1)
    figures.tally()
    Job.delete().execute()
    at(9)
    figures.tally()
    assert tallied() == [(0, "bake", 1, 0)]
    assert [one.task for one in figures.history(9)] == ["bake"]
    assert figures.history(8) == []


def test_a_clock_that_was_ahead_for_a_while_stops_nothing(at):
    ran("bake", 1000.5)
    at(1001.1)
    figures.tally()
    ran("bake", 0.5)
    at(1.1)
    figures.tally()
    assert (0, "bake", 1, 0) in tallied()


def test_what_was_cancelled_is_neither_a_success_nor_a_failure(at):
    ran("bake", 0.5, state="cancelled")
    ran("bake", 0.6)
    ran("mix", 0.7, state="cancelled")
    at(1.1)
    figures.tally()
    assert tallied() == [(0, "bake", 1, 0)]


def test_all_runs_are_counted_however_many(at, monkeypatch):
    monkeypatch.setattr(figures, "MOST_RUNS", 3)
    for number in range(10):
        ran("bake", 0.1 + number / 100)
    ran("bake", 0.5, state="failed")
    at(1.1)
    figures.tally()
    assert tallied() == [(0, "bake", 10, 1)]


# Kinds


def test_how_the_jobs_of_each_task_fared(at):
    at(2)
    for span in (1, 2, 3, 4, 100):
        ran("bake", 1.5, span=span, wait=span / 10)
    ran("bake", 1.6, state="failed", span=5, wait=0.5)
    ran("mix", -23)
    ran("mix", 1.9, started_at=None, state="failed")
    kinds = {kind.task: kind for kind in figures.kinds()}
    bake = kinds["bake"]
    assert (bake.runs, bake.failed, bake.median, bake.p95, bake.wait) == (6, 1, 3.5, 100, 0.35)
    assert (kinds["mix"].runs, kinds["mix"].failed, kinds["mix"].median) == (1, 1, 0)


def test_time_that_ran_backwards_is_no_time(at):
    ran("bake", 0.5, span=-30, wait=-20)
    at(1)
    assert [(kind.median, kind.wait) for kind in figures.kinds()] == [(0, 0)]


# Causes


def test_why_jobs_ended_badly_the_most_frequent_first(at, anna, ben):
    hers, his = row(anna, 1).id, row(ben, 2).id
    for asset in (hers, his, his):
        job("failed", asset=asset, error="It is no picture.")
    newest = job("quarantined", asset=his, error="It crashed.")
    job("failed", task="rescue", error="It is no picture.")
    job("cancelled", asset=his, error="It was cancelled.")
    job("retrying", asset=his, error="It rained.")
    found = [(cause.task, cause.error, cause.count) for cause in figures.causes()]
    assert found[0] == ("process_asset", "It is no picture.", 3)
    assert sorted(found[1:]) == [
        ("process_asset", "It crashed.", 1),
        ("rescue", "It is no picture.", 1),
    ]
    his_own = figures.causes(ben)
    assert [(cause.count, cause.newest) for cause in his_own] == [(2, 3), (1, newest.id)]


# What is left


@pytest.fixture
def two_workers(house, monkeypatch):
    monkeypatch.setattr(processes, "is_strained", lambda: False)
    facts.remember("workers", 2)


def test_long_work_is_shared_by_one_worker_less(at, two_workers):
    ran("convert_video", 0, span=600)
    for _ in range(4):
        job("queued", task="convert_video")
    assert figures.left(Chosen()) == figures.Left(2400), "one after the other"


def test_how_long_it_takes_is_told_by_the_last_runs(at, two_workers):
    assert figures.seconds_left() is None
    for span in (2, 4, 60):
        ran("bake", 0, span=span)
    for state in (*ledger.WAITING, "running"):
        job(state, task="bake", worker="x/y/1/1")
    assert figures.seconds_left() == 4 * 4 / 2
    job("queued", task="never run before")
    assert figures.left(Chosen()) == figures.Left(8, is_least=True)


def test_workers_of_other_machines_share_the_work(at, two_workers):
    ran("bake", 0, span=6)
    for _ in range(4):
        job(task="bake")
    assert figures.seconds_left() == 12, "as many as may, though none has come yet"
    for number in range(3):
        Worker.create(identity=f"attic.77/boot.1/{number}/99", parent="x", seen_at=at(0))
    assert figures.seconds_left() == 8
    Worker.update(seen_at=at(0) - workers.LEASE - 1).execute()
    assert figures.seconds_left() == 12, "who is gone helps nobody"


def test_nobody_can_know_what_was_never_done(at, two_workers):
    job("queued", task="never run before")
    assert figures.left(Chosen()) is None


def test_what_runs_takes_what_its_progress_tells(at, two_workers):
    now = at(1)
    film = job("running", task="film", started_at=now - 60, progress=0.2, reported_at=now)
    assert figures.left(Chosen()) == figures.Left(240), "one film is not shared by the workers"
    at(1 + 30 / HOUR)
    assert figures.left(Chosen()) == figures.Left(240), "silence is no progress"
    ran("bake", 0, span=2)
    for _ in range(4):
        job(task="bake")
    assert figures.left(Chosen()) == figures.Left(240)
    assert figures.left(Chosen(task="bake")).seconds == 124, "it goes before"
    Job.update(progress=0.01).where(Job.id == film.id).execute()
    assert figures.left(Chosen()) == figures.Left(4, is_least=True)


def test_what_is_paused_goes_before_nothing(at, two_workers):
    ran("bake", 0, span=2)
    ran("mix", 0, span=10)
    job(task="bake", priority=20)
    job(task="mix")
    assert figures.left(Chosen(task="mix")) == figures.Left(6)
    holds.pause(time.time() + 99, "bake")
    assert figures.left(Chosen(task="mix")) == figures.Left(5)


def test_what_waits_does_not_go_before_what_runs(at, two_workers):
    now = at(1)
    ran("bake", 0, span=100)
    job(task="bake", priority=20)
    job("running", task="film", started_at=now - 60, progress=0.5, reported_at=now)
    assert figures.left(Chosen(task="film")) == figures.Left(60)


def test_how_long_a_run_takes_still(at):
    now = at(1)
    ran("bake", 0, span=100)
    assert figures.left_of(job("running", task="bake", started_at=now - 40)) == 60
    assert figures.left_of(job("running", task="bake", started_at=now - 140)) is None
    assert figures.left_of(job("running", task="mix", started_at=now - 40)) is None
    film = job("running", task="bake", started_at=now - 30, progress=0.75, reported_at=now)
    assert figures.left_of(film) == 10


def test_the_chores_of_the_house_take_no_time_that_people_wait_for(at, two_workers):
    job("queued", task="rescue")
    assert figures.seconds_left() is None
    ran("bake", 0, span=6)
    job("queued", task="bake")
    assert figures.seconds_left() == 3


def test_only_the_last_runs_tell(at, two_workers):
    for number in range(figures.RECENT):
        ran("bake", 1 + number / 100, span=10)
    for _ in range(100):
        ran("bake", 0, span=1000)
    job("queued", task="bake")
    assert figures.seconds_left() == 5


def test_a_member_waits_for_what_goes_before_and_for_nothing_else(at, two_workers, anna, ben):
    hers, his = row(anna, 1).id, row(ben, 2).id
    ran("bake", 0, span=2)
    ran("mix", 0, span=10)
    for number in range(4):
        job(task="bake", asset=hers, priority=10 if number else 20)
    job(task="mix", asset=hers, priority=20)
    assert figures.seconds_left(ben) is None
    job(task="bake", asset=his, priority=10)
    job(task="bake", asset=hers, priority=10)
    job(task="mix", asset=hers, priority=5)
    job("scheduled", task="mix", asset=hers, priority=20, due_at=time.time() + 999)
    job("scheduled", task="mix", asset=hers, priority=20, waits_for=1)
    job("succeeded", task="mix", asset=hers, priority=20)
    assert figures.seconds_left(ben) == (5 * 2 + 10) / 2
    assert figures.seconds_left() == (6 * 2 + 3 * 10) / 2, "but for what waits for its time"
    later = job("retrying", task="mix", asset=his, due_at=time.time() + 999)
    assert figures.left(Chosen(ben)) == figures.Left((5 * 2 + 10) / 2, is_least=True)
    Job.update(due_at=time.time()).where(Job.id == later.id).execute()
    assert figures.seconds_left(ben) == (6 * 2 + 3 * 10) / 2, "now also what goes before that"


def test_what_is_held_back_takes_nobody_knows_how_long(at, two_workers, night):
    ran("bake", 0, span=2)
    ran("mix", 0, span=10)
    job(task="mix", priority=0)
    assert figures.left(Chosen()) is None
    job(task="bake", priority=10)
    assert figures.left(Chosen()) == figures.Left(1, is_least=True)
    assert figures.left(Chosen(), with_held=False) == figures.Left(1)
    assert figures.left(Chosen(task="bake")) == figures.Left(1)
    job("scheduled", task="rescue", due_at=time.time() + 99)
    assert figures.left(Chosen(task="bake")) == figures.Left(1), "chores are for nobody"


def test_a_follow_up_is_counted_where_it_belongs(at, two_workers):
    ran("bake", 0, span=2)
    job("scheduled", task="bake", waits_for=1)
    assert figures.left(Chosen()) == figures.Left(1)


def test_photos_that_are_left(at, anna, ben):
    hers, his = row(anna, 1).id, row(ben, 2).id
    job("queued", asset=hers)
    job("running", asset=his, worker="x/y/1/1")
    job("succeeded", asset=his)
    job("queued", task="rescue")
    assert (figures.photos_left(), figures.photos_left(ben)) == (2, 1)


def test_jobs_that_wait_for_others_do_not_wait_for_a_worker(at):
    at(1)
    job("scheduled", waits_for=2, due_at=NOON)
    assert figures.oldest_wait() == 0


@pytest.mark.sqlite("its plans have their own words")
def test_counting_100_000_jobs_reads_an_index_and_no_row(at):
    query = Job.select(Job.task, Job.state, fn.COUNT(Job.id)).where(Job.id > 0)
    sql, values = query.group_by(Job.task, Job.state).sql()
    plan = [line[3] for line in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert plan == ["SCAN t1 USING COVERING INDEX job_task_state"]


@pytest.mark.sqlite("its plans have their own words")
@pytest.mark.parametrize("ask", [lambda: figures.throughput(60), figures.kinds])
def test_what_ended_lately_is_found_by_its_moment(at, ask, monkeypatch):
    at(0.1)
    job("succeeded", started_at=NOON, finished_at=NOON)
    plans = []

    def explained(sql: str, values: Any = None) -> Any:
        plans.extend(line[3] for line in execute(f"EXPLAIN QUERY PLAN {sql}", values))
        return execute(sql, values)

    execute = db.execute_sql
    monkeypatch.setattr(db.obj, "execute_sql", explained)
    ask()
    found = [plan for plan in plans if plan.startswith(("SEARCH t1", "SCAN t1"))]
    assert found
    assert all("job_ended (state=? AND finished_at>" in plan for plan in found), plans


def test_only_the_newest_runs_are_looked_at_of_whatever_state(at, monkeypatch):
    monkeypatch.setattr(figures, "MOST_RUNS", 2)
    at(1)
    for number, state in enumerate(("succeeded", "failed", "succeeded", "failed")):
        begun = NOON + 10 * number
        job(state, started_at=begun, finished_at=begun + 1 + number)
    (kind,) = figures.kinds()
    assert (kind.runs, kind.failed, kind.median) == (4, 2, 3.5)


def test_counts_of_some_states(at, ben):
    for state in ledger.STATES:
        job(state, worker="x/y/1/1")
    assert figures.counts_by_task(None, ("failed", "queued")) == {
        "process_asset": {"failed": 1, "queued": 1}
    }
    assert figures.counts_by_task(ben, ("failed", "queued")) == {}


def test_figures_of_one_person(at, anna, ben):
    hers, his = row(anna, 1).id, row(ben, 2).id
    job("queued", asset=hers)
    job("failed", asset=his)
    assert figures.counts_by_task(ben) == {"process_asset": {"failed": 1}}
    assert len(figures.causes(ben)) == 1
    assert figures.causes(anna) == []
    assert Chosen(ben).user == ben
