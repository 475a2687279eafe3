"""Runs: what a job's work says of itself while it runs, and what is left of it."""

import json
import logging
import threading
import time

import pytest
from peewee import OperationalError

from homequeue import histories, ledger, runs
from homequeue.models import Job
from homequeue.queue.worker import _Notes
from tests.library import job

pytestmark = pytest.mark.usefixtures("house")

ME = "host/boot/1/1"


@pytest.fixture
def one() -> Job:
    job(task="bake")
    return ledger.claim(ME)


@pytest.fixture
def clock(monkeypatch):
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def go_on(seconds: float) -> None:
        now[0] += seconds

    return go_on


def stored(one: Job) -> Job:
    return Job.get_by_id(one.id)


def test_without_a_run_nothing_is_said():
    runs.report("stirring", 0.5)
    runs.note("a line")
    runs.used(5)
    assert runs.current() is None


def test_when_a_run_last_said_something_is_known_until_it_begins_anew(one):
    assert stored(one).reported_at is None
    with runs.running(one):
        runs.report("stirring", 0.5)
    assert time.time() - 5 < stored(one).reported_at <= time.time()
    ledger.release(one, died=False)
    ledger.claim(ME)
    assert stored(one).reported_at is None


@pytest.fixture
def is_away(monkeypatch):
    """A database that takes no progress, until it is told to."""
    away, update = [True], Job.update

    def refuse(*args, **values):
        if away[0]:
            raise OperationalError("disk I/O error")
        return update(*args, **values)

    monkeypatch.setattr(Job, "update", refuse)
    return away


def test_progress_that_cannot_be_written_does_not_end_the_run(one, clock, is_away):
    with runs.running(one):
        runs.report("stirring", 0.5)
        is_away[0] = False
        clock(1)
        runs.report("stirring", 0.6)
    assert stored(one).progress == 0.6


def test_within_a_transaction_it_does_not_go_on_as_if_nothing_were_amiss(one, is_away):
    with runs.running(one), pytest.raises(OperationalError), ledger.finishing():
        runs.report("stirring", 0.5)
    assert stored(one).state == "running"


def test_a_run_is_of_its_context_alone(one):
    seen = []
    with runs.running(one):
        thread = threading.Thread(target=lambda: seen.append(runs.current()))
        thread.start()
        thread.join()
        assert runs.current() is one
    assert seen == [None]
    assert runs.current() is None


def test_progress_is_written_once_a_second_at_most(one, clock):
    with runs.running(one):
        for percent in range(50):
            clock(0.13)
            runs.report(f"step {percent}", percent / 100)
            if percent in (0, 7):
                assert (stored(one).step, stored(one).progress) == ("step 0", 0)
            if percent == 8:
                assert (stored(one).step, stored(one).progress) == ("step 8", 0.08)
        assert stored(one).step == "step 48"


def test_progress_of_a_run_that_lost_its_claim_is_not_shown(one, clock):
    Job.update(worker="somebody else").execute()
    with runs.running(one):
        clock(2)
        runs.report("stirring", 0.5)
    assert stored(one).step is None


def test_a_new_try_begins_without_the_progress_of_the_last(one, clock):
    with runs.running(one):
        clock(2)
        runs.report("stirring", 0.9)
        ledger.retry_later(one, 0, "It rained.", "")
    assert stored(one).progress == 0.9
    again = ledger.claim(ME)
    assert (stored(again).progress, stored(again).step) == (None, None)


@pytest.mark.parametrize("end", ["succeed", "fail", "retry", "postpone", "release"])
def test_what_was_logged_and_needed_is_kept_however_it_ends(one, end):
    with runs.running(one):
        runs.note("one")
        runs.note("two")
        runs.used(500)
        runs.used(200)
        {
            "succeed": lambda: ledger.succeed(one, None),
            "fail": lambda: ledger.end(one, ledger.FAILED, "no"),
            "retry": lambda: ledger.retry_later(one, 0, "no", ""),
            "postpone": lambda: ledger.postpone(one, 0),
            "release": lambda: ledger.release(one, died=False),
        }[end]()
    assert (stored(one).log, stored(one).memory) == ("one\ntwo", 500)


def test_only_the_last_lines_are_kept(one):
    with runs.running(one):
        for number in range(250):
            runs.note(f"line {number}")
        ledger.succeed(one, None)
    lines = stored(one).log.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (runs.MOST_LINES, "line 150", "line 249")


def test_a_run_leaves_nothing_in_other_jobs(one):
    other = job(task="mix")
    with runs.running(one):
        runs.note("mine")
        assert ledger.end(other, ledger.CANCELLED, "not needed")
    assert (stored(other).log, stored(one).log) == ("", "")


def test_a_silent_run_leaves_what_the_one_before_has_said(one):
    with runs.running(one):
        runs.note("it rains")
        ledger.retry_later(one, 0, "It rained.", "")
    again = ledger.claim(ME)
    with runs.running(again):
        ledger.succeed(again, None)
    assert stored(one).log == "it rains"


def test_what_is_logged_while_a_job_runs_belongs_to_it(one, capsys):
    notes = _Notes()

    def log(words, *values):
        notes.handle(logging.LogRecord("homequeue.oven", 30, "", 1, words, values, None))

    with runs.running(one):
        log("%s pieces\nof \x1b[31mcake", 12)
        log("%d pieces", "many")  # wrong, but no reason for the work to fail
        ledger.succeed(one, None)
    log("after it")
    assert stored(one).log == "WARNING homequeue.oven: 12 pieces\\x0aof \\x1b[31mcake"
    assert "Logging error" in capsys.readouterr().err


def test_whether_a_run_goes_on(one):
    assert runs.goes_on(one)
    before = stored(one)
    ledger.release(one, died=True)
    assert not runs.goes_on(before)
    again = ledger.claim(ME)
    assert runs.goes_on(again)
    assert not runs.goes_on(before), "the same worker runs it, but for another time"
    ledger.succeed(again, None)
    assert not runs.goes_on(again)


# The history of a job


def lines(one: Job) -> list[dict]:
    return [json.loads(line) for line in stored(one).history.splitlines()]


def test_the_history_says_when_what_and_who():
    one = ledger.add("bake", [])
    ledger.claim(ME)
    ledger.retry_later(stored(one), 0, "It rained.", "")
    again = ledger.claim(ME)
    ledger.end(again, ledger.FAILED, "It rained again.")
    ledger.revive(stored(one), "Anna")
    told = [(line["state"], line.get("who"), line.get("words")) for line in lines(one)]
    assert told == [
        ("queued", None, None),
        ("running", ME, None),
        ("retrying", None, "It rained."),
        ("running", ME, None),
        ("failed", None, "It rained again."),
        ("queued", "Anna", None),
    ]
    moments = [line["at"] for line in lines(one)]
    assert moments == sorted(moments)
    assert time.time() - 5 < moments[0] <= time.time()


def test_words_cannot_break_a_line_of_history():
    one = ledger.add("bake", [])
    words = 'a "quote", a\nline, \u2028 another,  and \x85 a third, Ünïcödé'
    ledger.end(one, ledger.CANCELLED, words)
    assert [line.get("words") for line in lines(one)] == [None, words]


def test_a_history_does_not_grow_for_ever():
    """Work that waits for something else is put off again and again, for hours."""
    one = ledger.add("bake", [])
    for number in range(400):
        again = ledger.claim(ME)
        ledger.postpone(again, 0, f"Not yet, {number}.")
    history = lines(one)
    assert len(stored(one).history) < 2 * histories.LONG
    assert history[0]["state"] == "queued"
    assert history[-1]["words"] == "Not yet, 399."
    assert len(history) >= histories.LAST_LINES


def test_a_move_that_does_not_happen_leaves_no_line(one):
    late = stored(one)
    ledger.succeed(one, None)
    assert not ledger.end(late, ledger.FAILED, "too late")
    assert [line["state"] for line in lines(one)] == ["running", "succeeded"]
