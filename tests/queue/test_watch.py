"""Watching a run: its time limit, its heartbeat, and requests to stop it."""

import faulthandler
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from peewee import OperationalError

from homequeue import errors, ledger, processes, runs
from homequeue.models import Fact, Job
from homequeue.queue import queue as house_queue
from homequeue.queue import watch, workers
from tests.library import job
from tests.queue.helpers import dead_process, orphan, states, step, the

pytestmark = pytest.mark.usefixtures("house")


def busy(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass


# Time limits


def test_a_run_that_takes_too_long_fails_in_words_and_is_not_tried_again(hall):
    @hall.task(timeout=0.1, retries=5)
    def bake():
        try:
            busy(5)
        except Exception:
            raise AssertionError("work must not be able to swallow its end") from None

    bake()
    began = time.monotonic()
    one = step(hall)
    assert time.monotonic() - began < 2
    assert (one.state, one.error) == ("failed", "It took longer than the 0.1 s it may take.")


def test_a_limit_may_be_set_for_one_call(hall):
    @hall.task(timeout=60)
    def bake():
        busy(5)

    bake.schedule(delay=-1, timeout=0.1)
    assert step(hall).error == "It took longer than the 0.1 s it may take."


def test_who_is_quick_is_not_disturbed_afterwards(hall):
    @hall.task(timeout=0.2)
    def bake():
        pass

    bake()
    assert step(hall).state == "succeeded"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    busy(0.3)


def test_an_alarm_that_comes_after_the_end_is_not_heard():
    before = signal.getsignal(signal.SIGALRM)
    with watch.watched(0.01, lambda: None):
        alarm = signal.getsignal(signal.SIGALRM)
    busy(0.02)
    alarm(signal.SIGALRM, None)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


@pytest.mark.parametrize("ends_badly", [False, True])
def test_the_hard_limit_is_set_before_and_lifted_after(monkeypatch, ends_badly):
    said = []
    monkeypatch.setattr(
        faulthandler, "dump_traceback_later", lambda seconds, exit, file: said.append(seconds)
    )
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: said.append("lifted"))
    try:
        with watch.watched(20, lambda: None):
            assert said == [20 + watch.HARD_GRACE]
            if ends_badly:
                raise watch.TimedOut
    except watch.TimedOut:
        pass
    assert said[1:] == ["lifted"]


def test_the_death_of_a_worker_at_its_limit_is_called_by_its_name(hall):
    one = orphan(dead_process(), task="bake", timeout=5, started_at=time.time() - 20)
    assert hall.recover() == 1
    one = Job.get_by_id(one.id)
    assert (one.state, one.error) == ("failed", "It took longer than the 5 s it may take.")


def test_an_early_death_is_not_the_limit(hall):
    one = orphan(dead_process(), task="bake", timeout=60, started_at=time.time() - 20)
    hall.recover()
    assert (Job.get_by_id(one.id).state, Job.get_by_id(one.id).deaths) == ("queued", 1)


def test_in_a_thread_nothing_is_watched():
    done = []

    def run():
        with watch.watched(0.01, lambda: done.append("beat")):
            busy(0.05)
            done.append("ran")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == ["ran"]


# Heartbeats


def test_a_long_run_shows_again_and_again_that_it_lives(monkeypatch):
    beats = []
    monkeypatch.setattr(watch, "BEAT", 0.05)
    with watch.watched(None, lambda: beats.append(threading.current_thread())):
        busy(0.4)
    assert 3 <= len(beats) <= 9
    assert threading.main_thread() not in beats, "the run itself may be within a transaction"


def test_a_run_is_not_held_up_for_its_heartbeat(monkeypatch, capfd):
    monkeypatch.setattr(watch, "PATIENCE", 0.05)
    release = threading.Event()
    began = time.monotonic()
    watch.look(lambda: release.wait(20) and None)
    assert time.monotonic() - began < 10
    release.set()


# Being stopped


@pytest.fixture
def killed(monkeypatch):
    """The signals that this process would have sent itself."""
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: sent.append((pid, signum)))
    return sent


def claimed(**values) -> Job:
    job(task="bake", **values)
    return ledger.claim(processes.identity())


def test_a_run_goes_on_while_the_database_is_away(monkeypatch):
    complaints = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)

    def beat():
        raise OperationalError("the server does not answer")

    watch.look(beat)
    assert complaints == []


def test_a_run_that_is_to_stop_ends_its_process(killed):
    one = claimed()
    with runs.running(one):
        watch.look()
        assert killed == []
        assert ledger.stop(one, "Anna")
        watch.look()
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_a_process_that_is_at_other_work_does_not_end(killed):
    one, other = claimed(), claimed()
    ledger.stop(one, "Anna")
    watch.look()
    with runs.running(other):
        watch.look()
    assert killed == []


def test_a_run_is_not_ended_for_what_was_meant_for_one_before(killed):
    one = claimed()
    ledger.stop(one, "Anna")
    ledger.release(Job.get_by_id(one.id), died=True)
    with runs.running(ledger.claim(processes.identity())):
        watch.look()
    assert killed == []


# Runs that the database knows nothing of


def set_back(one: Job) -> None:
    """Have the database forget a claim, as after a crash of its server."""
    Job.update(state="queued", worker=None, attempts=one.attempts - 1).execute()


@pytest.mark.parametrize("other", ["host/boot/7/7", None])
def test_a_run_whose_claim_is_gone_ends_its_process(killed, other):
    one = claimed()
    with runs.running(one):
        set_back(one)
        if other:
            ledger.claim(other)
        watch.look()
    assert killed == [(os.getpid(), signal.SIGKILL)]
    assert the("bake").worker == other, "it is left to whom it belongs"


def test_a_success_that_the_database_forgot_too_is_put_back_and_blames_nobody(killed):
    before = orphan(processes.identity(), task="mix", deaths=1)
    neighbour = orphan("host/boot/7/7", task="boil")
    one = claimed()
    with runs.running(one):
        watch.look()
        assert (killed, the("mix").state) == ([], "running")
        Job.update(state="queued", worker=None, attempts=0).where(Job.id == one.id).execute()
        watch.look()
    assert killed == [(os.getpid(), signal.SIGKILL)]
    again = the("mix")
    assert (again.state, again.attempts, again.deaths) == ("queued", before.attempts - 1, 1)
    assert the("boil").worker == neighbour.worker


def test_the_moments_around_the_end_of_a_run_are_no_reason_to_end_the_process(killed, monkeypatch):
    one, seen = claimed(), []

    def look(*_):
        watch.look()
        seen.append(Job.get_by_id(one.id).state)

    monkeypatch.setattr(ledger, "_release_follower", look)
    with runs.running(one):
        with ledger.finishing():
            look()
            ledger.db.db.after_commit(look)
        look()
    assert (killed, seen) == ([], ["running", "succeeded", "succeeded", "succeeded"])


def test_a_success_that_is_rolled_back_leaves_the_run_going_on(killed):
    one = claimed()
    with runs.running(one):
        with pytest.raises(ZeroDivisionError), ledger.db.db.atomic(), ledger.finishing():
            raise ZeroDivisionError
        watch.look()
        assert killed == []
        set_back(one)
        watch.look()
    assert len(killed) == 1


def test_a_database_that_is_not_there_is_no_reason_to_end_the_process(killed, monkeypatch):
    def refuse(_):
        raise OperationalError("no connection")

    one = claimed()
    with runs.running(one):
        set_back(one)
        with monkeypatch.context() as patch:
            patch.setattr(runs, "goes_on", refuse)
            watch.look()
        assert killed == []


def test_an_answer_that_comes_too_late_is_not_believed(killed, monkeypatch):
    """By then the run may have ended, and its worker be at other work."""
    monkeypatch.setattr(watch, "PATIENCE", 0.05)
    one, other = claimed(), orphan(processes.identity(), task="mix")
    late, said = threading.Event(), threading.Event()

    def goes_on(_):
        late.wait(5)
        said.set()
        return False

    with runs.running(one), monkeypatch.context() as patch:
        patch.setattr(runs, "goes_on", goes_on)
        watch.look()
        late.set()
        assert said.wait(5)
        time.sleep(0.1)
    assert (killed, Job.get_by_id(other.id).state) == ([], "running")


def test_only_what_runs_can_be_stopped(hall):
    for state in ledger.STATES:
        if state != ledger.RUNNING:
            assert not hall.stop(job(state, task="bake"), "Anna"), state
    late = claimed()
    ledger.succeed(Job.get_by_id(late.id), None)
    assert not hall.stop(late, "Anna")


@pytest.fixture
def worker():
    """A process that could be a worker, and does not hear when it is asked."""
    code = "import signal, time; signal.signal(12, signal.SIG_IGN); print(1, flush=True)"
    command = [sys.executable, "-c", f"{code}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert signal.SIGUSR2 == 12
        process.stdout.readline()
        yield process
        process.kill()


def test_a_worker_that_does_not_hear_is_killed_with_its_run(hall, worker, monkeypatch):
    monkeypatch.setattr("homequeue.queue.STOP_PATIENCE", 0.2)
    one = orphan(processes._identity(worker.pid), task="bake")
    assert hall.stop(one, "Anna")
    assert worker.wait(5) == -signal.SIGKILL
    one = Job.get_by_id(one.id)
    assert (one.state, one.error, one.deaths) == ("cancelled", "It was stopped by Anna.", 0)
    assert '"It was stopped by Anna."' in one.history.splitlines()[-1]


def test_a_worker_whose_run_ends_just_now_is_left_at_its_next_work(hall, worker):
    """It would be innocent work that dies."""
    one = orphan(processes._identity(worker.pid), task="bake")

    def end():
        time.sleep(0.1)
        ledger.succeed(Job.get_by_id(one.id), None)
        house_queue.storage.close()

    ending = threading.Thread(target=end)
    ending.start()
    began = time.monotonic()
    assert hall.stop(one, "Anna")
    assert time.monotonic() - began < 4
    ending.join()
    assert worker.poll() is None
    assert Job.get_by_id(one.id).state == "succeeded"


@pytest.mark.parametrize("end", [OSError("cold"), errors.NotYet("not yet", 50)])
def test_a_run_that_puts_itself_off_while_it_is_stopped_is_not_taken_up_again(hall, end):
    def given_up(words):
        Fact.create(name="gave up", value=words)

    @hall.task(retries=3, given_up=given_up)
    def bake():
        ledger.stop(runs.current(), "Anna")
        raise end

    bake()
    one = step(hall)
    assert (one.state, one.error) == ("cancelled", "It was stopped by Anna.")
    assert Fact.get_by_id("gave up").value == "It was stopped by Anna."


def test_a_stop_that_came_too_late_does_not_hold_for_the_next_time(hall):
    one = claimed()
    ledger.stop(one, "Anna")
    hall.give_up(one, ledger.FAILED, "It failed by itself.")
    assert hall.revive(Job.get_by_id(one.id))
    assert ledger.claim(processes.identity()).stopped_by is None


def test_a_run_elsewhere_is_asked_and_ends_when_it_hears(hall, monkeypatch):
    elsewhere = "attic.1/another-boot.1/77/5"
    one = orphan(elsewhere, task="bake")
    monkeypatch.setattr(processes, "send", lambda *_: pytest.fail("it is not ours to kill"))
    assert hall.stop(one, "Anna")
    assert (the("bake").state, the("bake").stopped_by) == ("running", "Anna")
    assert watch.is_stopped(the("bake"))
    # Its successor over there finds it dead, or we do when nothing is heard any more.
    assert hall.recover() == 1
    assert states() == {"bake": "cancelled"}
    assert the("bake").error == "It was stopped by Anna."


def test_the_end_of_a_worker_that_is_gone_already_is_quick(hall):
    one = orphan(dead_process(), task="bake")
    began = time.monotonic()
    workers.end_run(one, 20)
    assert time.monotonic() - began < 10
