"""The queue: from a call of a task to what became of its job, whatever happens on the way."""

import errno
import json
import os
import threading
import time
from datetime import datetime, timedelta

import pytest
from huey.exceptions import ConfigurationError
from peewee import OperationalError

from homequeue import errors, holds, ledger, processes, runs, tasks
from homequeue.db import db, in_words
from homequeue.models import Fact, Job, Periodic, Worker
from homequeue.queue import Queue, crontab, queue, strangers, watch, worker, workers
from homequeue.queue.retries import LONGEST_DELAY, describe, may_pass, retry_delay
from tests.library import job
from tests.queue.helpers import dead_process, make_due, orphan, step, the, work_off

pytestmark = pytest.mark.usefixtures("house")


# Deferring


def test_a_call_writes_a_job(hall):
    @hall.task(retries=4, priority=7)
    def bake(cake, pieces):
        raise AssertionError("not now")

    before = time.time()
    bake("apple", 12)
    one = Job.get()
    assert (one.task, json.loads(one.args), one.state) == ("bake", ["apple", 12], "queued")
    assert (one.priority, one.max_attempts) == (7, 5)
    assert before <= one.queued_at <= time.time()
    assert hall.storage.messages == [{"job": one.id, "task": "bake"}]


def test_a_call_in_a_transaction_that_is_rolled_back_leaves_nothing(hall):
    @hall.task()
    def bake():
        pass

    with pytest.raises(ZeroDivisionError), db.atomic():  # noqa: PT012
        bake()
        assert Job.select().count() == 1
        raise ZeroDivisionError
    assert Job.select().count() == 0
    assert hall.storage.messages == []
    with db.atomic():
        Fact.create(name="later", value="1")
    assert hall.storage.messages == []


def test_the_bell_rings_after_the_commit_and_not_before(hall):
    @hall.task()
    def bake():
        pass

    with db.atomic():
        with db.atomic():
            bake()
        assert hall.storage.messages == []
    assert len(hall.storage.messages) == 1


def test_a_job_is_about_its_subject(hall):
    @hall.task(subject="asset")
    def show(asset_id):
        pass

    @hall.task(subject="user")
    def greet(user_id):
        pass

    show(5)
    greet(6)
    found = {one.task: (one.asset, one.user) for one in Job.select()}
    assert found == {"show": (5, None), "greet": (None, 6)}


def test_unique_work_waits_once(hall):
    @hall.task(unique=True)
    def bake(cake):
        pass

    bake("apple")
    bake("apple")
    bake("plum")
    assert [json.loads(one.args) for one in Job.select()] == [["apple"], ["plum"]]
    assert len(hall.storage.messages) == 2


def test_unique_work_that_has_begun_may_wait_again(hall):
    @hall.task(unique=True)
    def bake():
        pass

    bake()
    hall.dequeue()
    bake()
    assert sorted(one.state for one in Job.select()) == ["queued", "running"]


def test_work_that_is_enough_once_does_not_wait_while_it_runs(hall):
    @hall.task(unique=True, once=True)
    def bake():
        pass

    @hall.task()
    def eat():
        pass

    assert bake() is not None
    task = hall.dequeue()
    assert bake() is None
    assert hall.enqueue(bake.s().then(eat)) is not None, "what is to follow needs one to follow"
    assert sorted(one.state for one in Job.select()) == ["queued", "running", "scheduled"]
    hall.execute(task)
    Job.update(state="succeeded").execute()
    assert bake() is not None, "it is over, and may be done again"


def test_unique_work_called_by_many_at_once_waits_once(hall):
    @hall.task(unique=True)
    def bake():
        pass

    ready = threading.Barrier(8)

    def call():
        ready.wait()
        for _ in range(5):
            bake()
        db.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.select().count() == 1


def test_a_delay_schedules(hall):
    @hall.task()
    def bake():
        pass

    before = time.time()
    bake.schedule(delay=60)
    one = Job.get()
    assert one.state == "scheduled"
    assert before + 60 <= one.due_at <= time.time() + 60
    assert hall.dequeue() is None
    make_due()
    assert step(hall).state == "succeeded"


def test_an_eta_is_local_time(hall, monkeypatch):
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()

    @hall.task()
    def bake():
        pass

    try:
        wanted = time.time() + 3600
        bake.schedule(eta=datetime.fromtimestamp(wanted))
        assert abs(Job.get().due_at - wanted) <= 1
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_eta_in_the_past_is_due_now(hall):
    @hall.task()
    def bake():
        pass

    bake.schedule(eta=datetime.now() - timedelta(days=1))
    assert step(hall).state == "succeeded"


def test_a_job_queued_by_a_job_is_its_child(hall):
    @hall.task()
    def crumb():
        pass

    @hall.task()
    def bake():
        crumb()

    bake()
    parent = step(hall)
    assert Job.get(Job.task == "crumb").parent == parent.id
    assert Job.get(Job.task == "bake").parent is None


def test_a_queue_that_is_not_bound_says_so(house):
    unbound = Queue()

    @unbound.task()
    def bake():
        pass

    with pytest.raises(ConfigurationError, match="bootstrap"):
        bake()
    with pytest.raises(ConfigurationError, match="bootstrap"):
        unbound.wait(0)


def test_arguments_may_be_given_by_name_and_are_the_same_work(hall):
    @hall.task(subject="asset", unique=True)
    def show(asset_id, size=3):
        return [asset_id, size]

    show(asset_id=7)
    assert (the("show").args, the("show").asset) == ("[7]", 7)
    assert show(7) is None
    show(8, size=5)
    assert [json.loads(one.args) for one in Job.select().order_by(Job.id)] == [[7], [8, 5]]
    assert json.loads(step(hall).result) == [7, 3]


def test_the_tasks_of_the_house_take_their_arguments_by_name(house):
    assert tasks.process_asset(asset_id=7).asset == 7
    assert tasks.process_asset(7) is None
    assert tasks.report_uploads(user_id=5).user == 5


def test_arguments_without_a_position_are_refused(hall):
    @hall.task()
    def bake(*, cake):
        pass

    with pytest.raises(TypeError, match="position"):
        bake(cake="apple")
    with pytest.raises(TypeError):
        bake(flour="much")
    assert Job.select().count() == 0


def test_unique_work_that_is_asked_for_urgently_becomes_urgent(hall):
    @hall.task(unique=True, priority=0)
    def bake(cake):
        pass

    bake("plum")
    bake("apple")
    hall.enqueue(bake.s("apple", priority=10))
    assert json.loads(step(hall).args) == ["apple"]
    hall.enqueue(bake.s("plum", priority=-5))
    assert the("bake").priority in (0, 10)
    assert Job.get(Job.state == "queued").priority == 0


def test_a_bulk_run_does_not_slow_down_what_somebody_waits_for(house):
    tasks.process_asset(7)
    assert tasks.process_again(7) is None
    assert the("process_asset").priority == tasks.UPLOAD
    tasks.process_again(8)
    tasks.process_asset(8)
    assert {one.priority for one in Job.select()} == {tasks.UPLOAD}


def test_a_ping_crosses_the_whole_path(house):
    one = tasks.ping("hello")
    assert queue.wait_for(one, 0).state == "queued"
    queue.execute(queue.dequeue())
    answered = queue.wait_for(one, 5)
    assert (answered.state, json.loads(answered.result)) == ("succeeded", "hello")


def test_who_waits_for_a_job_hears_of_its_end_at_once(hall):
    @hall.task()
    def bake():
        pass

    one = bake()
    began = time.monotonic()
    ending = threading.Timer(0.2, lambda: (hall.give_up(one, "cancelled", "no"), db.close()))
    ending.start()
    assert hall.wait_for(one, 30).state == "cancelled"
    assert 0.15 < time.monotonic() - began < 15
    ending.join()


# Expiry


def test_what_is_not_begun_in_time_is_cancelled_in_words(hall, monkeypatch):
    @hall.task(expires=60)
    def bake():
        raise AssertionError

    bake()
    assert 59 < the("bake").expires_at - time.time() <= 60
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert hall.dequeue() is None
    assert (the("bake").state, the("bake").error) == ("cancelled", "It was not begun in time.")


def test_what_waits_behind_a_pause_expires_too(hall, monkeypatch):
    @hall.task(expires=60)
    def bake():
        raise AssertionError

    bake()
    holds.pause(time.time() + 3600)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    hall.recover()
    assert the("bake").state == "cancelled"


def test_what_has_begun_in_time_may_be_tried_again_later(hall, monkeypatch):
    tries = []

    @hall.task(expires=60, retries=1, retry_delay=100)
    def bake():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("cold")

    bake()
    assert step(hall).state == "retrying"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 200)
    hall.recover()
    assert step(hall).state == "succeeded"


# Working


def test_a_task_gets_its_arguments_and_its_result_is_kept(hall):
    seen = []

    @hall.task()
    def bake(*args):
        seen.append(args)
        return {"pieces": 12}

    bake("Äpfel", None, 1.5, [1, {"a": True}])
    done = step(hall)
    assert seen == [("Äpfel", None, 1.5, [1, {"a": True}])]
    assert (done.state, done.result) == ("succeeded", '{"pieces": 12}')
    assert done.worker == processes.identity()


def test_nothing_is_left_running_in_the_context(hall):
    @hall.task()
    def bake():
        assert runs.current() is not None

    bake()
    assert step(hall).state == "succeeded"
    assert runs.current() is None


def test_a_job_that_finished_itself_is_not_finished_twice(hall):
    @hall.task()
    def bake():
        with ledger.finishing():
            Fact.create(name="cake", value="1")
        return "thrown away"

    bake()
    done = step(hall)
    assert (done.state, done.result) == ("succeeded", None)
    assert Fact.get_by_id("cake")


def test_an_error_after_the_results_are_kept_undoes_nothing(hall):
    @hall.task(retries=3)
    def bake():
        with ledger.finishing():
            Fact.create(name="cake", value="1")
        raise OSError("while washing up")

    bake()
    assert step(hall).state == "succeeded"
    assert hall.dequeue() is None


def test_an_error_that_may_pass_is_tried_again_later_and_later(hall):
    @hall.task(retries=3, retry_delay=20, retry_backoff=4)
    def bake():
        raise OSError("the oven is cold")

    bake()
    waits = []
    for attempt in (1, 2, 3):
        now = time.time()
        one = step(hall)
        assert (one.state, one.attempts, one.worker) == ("retrying", attempt, None)
        assert one.error == "Something unexpected went wrong (OSError)."
        assert "in bake" in one.traceback
        assert "OSError: the oven is cold" in one.traceback
        waits.append(one.due_at - now)
        assert hall.dequeue() is None
        make_due()
    for wait, nominal in zip(waits, (20, 80, 320), strict=True):
        assert 0.9 * nominal <= wait <= 1.1 * nominal + 1
    one = step(hall)
    assert (one.state, one.attempts) == ("failed", 4)
    assert one.finished_at


def test_a_success_after_errors_forgets_them(hall):
    tries = []

    @hall.task(retries=2, retry_delay=1)
    def bake():
        tries.append(1)
        if len(tries) < 2:
            raise OSError("cold")

    bake()
    assert step(hall).error
    make_due()
    done = step(hall)
    assert (done.state, done.error, done.traceback) == ("succeeded", None, None)


def test_an_error_that_will_not_pass_fails_at_once(hall):
    @hall.task(retries=9)
    def bake():
        raise errors.Unreadable("This is no recipe.")

    bake()
    one = step(hall)
    assert (one.state, one.attempts, one.error) == ("failed", 1, "This is no recipe.")
    assert "Unreadable" in one.traceback


def test_a_task_without_retries_is_tried_once(hall):
    @hall.task()
    def bake():
        raise OSError

    bake()
    assert step(hall).state == "failed"


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError("disk"), True),
        (ConnectionError("net"), True),
        (MemoryError(), True),
        (OperationalError("database is locked"), True),
        (errors.Unavailable("x"), True),
        (errors.NoSpace("x"), True),
        (errors.DeliveryFailed("x"), True),
        (errors.Unreadable("x"), False),
        (errors.TooLarge("x"), False),
        (ValueError("x"), False),
        (ZeroDivisionError(), False),
    ],
)
def test_what_may_pass(error, passes):
    assert may_pass(error) is passes


def test_errors_in_words():
    assert describe(errors.NoSpace("The disk is full.")) == "The disk is full."
    assert describe(ValueError("x")) == "Something unexpected went wrong (ValueError)."
    assert describe(OSError("x")) == "Something unexpected went wrong (OSError)."


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "There is no room left on the disk."),
        (errno.EIO, "The disk could not be read or written. It may be failing."),
        (errno.EROFS, "Nothing can be written to the disk: it is mounted for reading only."),
        (errno.EACCES, "homequeue may not open a file or folder that it needs."),
        (errno.ENOENT, "A file or folder that it needs is not there."),
        (errno.ENOMEM, describe(MemoryError())),
        (errno.ECONNREFUSED, "What it needs in the network does not answer."),
    ],
)
def test_errors_of_the_system_in_words(number, words):
    assert describe(OSError(number, os.strerror(number), "/var/lib/homequeue/a.jpg")) == words


def test_errors_of_the_database_in_words(hall):
    for text in ("database is locked", "server closed the connection unexpectedly"):
        words = describe(OperationalError(text))
        assert words == str(in_words(OperationalError(text)))
        assert text not in words


def test_what_python_says_is_for_who_reads_the_traceback_and_kinds_are_told_apart(hall):
    @hall.task()
    def bake(error):
        raise {"file": OSError(28, "No space left on device", "/srv/1.jpg"), "key": KeyError("egg"),
               "value": ValueError("egg")}[error]  # fmt: skip

    for error in ("file", "key", "value"):
        bake(error)
        one = step(hall)
        assert "Errno" not in one.error + one.cause
        assert "egg" not in one.error + one.cause
        assert ("KeyError: 'egg'" in one.traceback) == (error == "key")
        assert ("[Errno 28] No space left" in one.traceback) == (error == "file")
    assert len({one.cause for one in Job.select()}) == 3


def test_the_longest_wait_is_bounded_and_never_in_step(hall):
    @hall.task(retries=99, retry_delay=30, retry_backoff=2)
    def bake():
        pass

    task = bake.s()
    waits = {retry_delay(task, 60) for _ in range(20)}
    assert max(waits) <= LONGEST_DELAY * 1.1
    assert min(waits) >= LONGEST_DELAY * 0.9
    assert len(waits) > 1


def test_a_retry_without_a_backoff_waits_the_same_each_time(hall):
    @hall.task(retries=9, retry_delay=10)
    def bake():
        pass

    assert 9 <= retry_delay(bake.s(), 5) <= 11


def test_not_yet_postpones_without_counting(hall):
    answers = [errors.NotYet("still warm", 40), errors.NotYet("still warm", 40), None]

    @hall.task()
    def cut():
        error = answers.pop(0)
        if error:
            raise error

    cut()
    for _ in range(2):
        now = time.time()
        one = step(hall)
        assert (one.state, one.attempts, one.error) == ("scheduled", 0, None)
        assert now + 39 < one.due_at < time.time() + 41
        make_due()
    assert step(hall).state == "succeeded"


def test_an_unknown_task_fails_in_words(hall):
    one = job(task="was_renamed")
    assert hall.dequeue() is None
    one = Job.get_by_id(one.id)
    assert one.state == "failed"
    assert "does not know this task" in one.error


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_a_task_that_exits_fails_and_the_worker_lives(hall, end):
    @hall.task(retries=9)
    def bake():
        raise end

    bake()
    one = step(hall)
    assert one.state == "failed"
    assert "end its worker" in one.error


def test_an_interrupt_gives_the_job_back_untried(hall):
    @hall.task()
    def bake():
        raise watch.Interrupted

    bake()
    with pytest.raises(watch.Interrupted):
        step(hall)
    one = Job.get()
    assert (one.state, one.attempts, one.deaths, one.worker) == ("queued", 0, 0, None)


@pytest.mark.parametrize("end", [None, OSError("x"), ValueError("x"), errors.NotYet("x", 5)])
def test_a_run_that_lost_its_claim_changes_nothing_however_it_ends(hall, end):
    @hall.task(retries=3)
    def bake():
        Job.update(worker="somebody else").execute()
        if end is not None:
            raise end

    bake()
    task = hall.dequeue()
    hall.execute(task)
    one = Job.get()
    assert (one.state, one.worker, one.error) == ("running", "somebody else", None)


def test_a_worker_that_waits_hears_when_the_next_job_is_due(hall, monkeypatch):
    waited = []
    monkeypatch.setattr(hall.storage, "wait", lambda seconds: waited.append(seconds) or [])
    hall.wait(30)
    job("scheduled", due_at=time.time() + 10)
    hall.wait(30)
    Job.update(due_at=time.time() - 10).execute()
    hall.wait(30)
    assert waited[0] == 30
    assert 9 < waited[1] <= 10
    assert waited[2] == 0


@pytest.fixture
def forge(hall, monkeypatch):
    """A stranger: the messages that a worker of ours hears now, and `at` how many seconds."""
    monkeypatch.setattr(strangers, "_unwritten", strangers.Unwritten())
    began = time.time()

    def hear(*messages: bytes, at: float = 0.0) -> None:
        monkeypatch.setattr(time, "time", lambda: began + at)
        monkeypatch.setattr(hall.storage, "wait", lambda _: list(messages))
        hall.wait(1)

    return hear


def test_a_forged_message_is_put_aside_and_never_believed(hall, forge, caplog):
    forge(b'{"job":1}.forged')
    assert "wrong signature" in caplog.text
    assert Job.select().count() == 0
    assert [one.text for one in strangers.found()] == ["b'{\"job\":1}.forged'"]
    for seconds in range(2, 60, 2):
        forge(b"x" * 5000, at=seconds)
    assert strangers.count() == 30
    kept = strangers.found()
    assert len(kept) == 10
    assert len(kept[-1].text) < 300


def test_a_flood_is_counted_and_written_down_once_a_second(hall, forge):
    forge(*[b"%d" % number for number in range(30)])
    assert strangers.count() == 1
    forge(b"30", at=5)
    assert strangers.count() == 31
    forge(b"31", b"32", at=7)
    strangers.write_down()
    strangers.write_down()
    assert strangers.count() == 33
    assert [one.text for one in strangers.found()] == [f"b'{number}'" for number in range(23, 33)]
    assert strangers.clear() == 33
    assert (strangers.count(), strangers.found()) == (0, [])


def test_a_stranger_behind_one_of_ours_is_noticed(hall, forge):
    genuine = hall.serializer.serialize({"job": 1})
    forge(genuine, b"rubbish", genuine)
    assert [one.text for one in strangers.found()] == ["b'rubbish'"]


@pytest.mark.parametrize(("tells_all", "number"), [(False, 5), (True, 3)])
def test_a_message_that_all_have_heard_is_one(hall, forge, monkeypatch, tells_all, number):
    monkeypatch.setattr(hall.storage, "tells_all", tells_all)
    forge(b"1", at=0)
    forge(b"2", at=2)
    forge(b"3", at=4)
    with monkeypatch.context() as patch:
        patch.setattr(processes, "identity", lambda: "another worker")
        forge(b"2", at=6)
        forge(b"3", at=8)
    assert strangers.count() == number


def test_a_worker_writes_down_what_it_has_counted_when_it_looks_around(hall, forge):
    forge(b"1", b"2", b"3")
    worker.Worker(hall)._look_at_clock()
    assert strangers.count() == 3


@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
@pytest.mark.parametrize("is_kept_with_its_effect", [False, True])
def test_a_result_that_json_has_not_fails_the_job(hall, number, is_kept_with_its_effect):
    @hall.task()
    def measure():
        if is_kept_with_its_effect:
            with ledger.finishing(result=number):
                pass
        return [number]

    measure()
    one = step(hall)
    assert (one.state, one.result) == ("failed", None)
    assert "JSON" in one.traceback


# Hooks


@pytest.fixture
def hooked(hall):
    """A task that says of its ends and new beginnings in the table of facts."""

    def given_up(words, cake):
        assert db.in_transaction()
        Fact.create(name=f"gave up {cake}", value=json.dumps(words))

    def revived(cake):
        assert db.in_transaction()
        Fact.create(name=f"revived {cake}", value="1")

    @hall.task(given_up=given_up, revived=revived)
    def bake(cake):
        raise errors.Invalid("No flour.")

    return bake


def facts() -> dict[str, str]:
    return {fact.name: fact.value for fact in Fact.select()}


def test_the_end_and_what_it_means_come_together(hall, hooked):
    hooked("apple")
    assert step(hall).state == "failed"
    assert facts() == {"gave up apple": '"No flour."'}


def test_an_end_whose_meaning_cannot_be_kept_is_no_end(hall, hooked):
    one = job(task="bake", args='["apple"]')
    Fact.create(name="gave up apple", value="0")
    with pytest.raises(Exception, match=r"(?i)unique"):
        hall.give_up(one, ledger.CANCELLED, "no")
    assert Job.get_by_id(one.id).state == "queued"


@pytest.fixture
def sick(hall):
    """A task whose hook cannot say what its end means, once it has written the half of it."""

    def given_up(words, cake):
        Fact.create(name="half", value="1")
        raise OSError(errno.EIO, "Input/output error")

    @hall.task(given_up=given_up)
    def bake(cake):
        raise errors.Invalid("No flour.")

    return bake


def test_a_hook_that_fails_does_not_stop_the_work_on_other_jobs(hall, sick, caplog):
    sick("apple")
    sick("plum")
    assert work_off(hall) == ["bake", "bake"]
    assert {(one.state, one.error) for one in Job.select()} == {("failed", "No flour.")}
    assert facts() == {}
    assert "Input/output error" in caplog.text


@pytest.mark.parametrize(
    ("values", "state"),
    [({"deaths": 2}, "quarantined"), ({"stopped_by": "Anna"}, "cancelled")],
)
def test_a_hook_that_fails_does_not_stop_the_rescue_of_other_jobs(hall, sick, values, state):
    bad = orphan(dead_process(), task="bake", args='["apple"]', **values)
    after = job("scheduled", task="bake", args='["pie"]', waits_for=1)
    Job.update(follower=after.id).where(Job.id == bad.id).execute()
    late = job(task="bake", args='["plum"]', expires_at=5)
    good = orphan(dead_process())
    assert hall.recover() == 2
    found = [Job.get_by_id(one.id).state for one in (bad, after, late, good)]
    assert found == [state, "cancelled", "cancelled", "queued"]


def test_a_person_is_told_that_a_job_cannot_be_ended(hall, sick):
    one = job(task="bake", args='["apple"]')
    with pytest.raises(OSError, match="Input/output"):
        hall.give_up(one, ledger.CANCELLED, "no")
    assert Job.get_by_id(one.id).state == "queued"


def test_a_database_that_is_away_ends_no_job_by_halves(hall):
    def given_up(words):
        raise OperationalError("database is locked")

    @hall.task(given_up=given_up)
    def bake():
        pass

    one = orphan(dead_process(), task="bake", deaths=2)
    with pytest.raises(OperationalError):
        hall.recover()
    assert Job.get_by_id(one.id).state == "running"


def test_a_cancelled_job_tells_its_subject(hall, hooked):
    one = job(task="bake", args='["apple"]')
    assert hall.give_up(one, ledger.CANCELLED, "It was cancelled.")
    assert facts() == {"gave up apple": '"It was cancelled."'}


def test_an_end_that_came_too_late_tells_nobody(hall, hooked):
    one = job(task="bake", args='["apple"]')
    late = Job.get_by_id(one.id)
    hooked_state = ledger.claim("host/boot/1/1")
    assert not hall.give_up(late, ledger.CANCELLED, "no")
    assert hooked_state.state == "running"
    assert facts() == {}


def test_a_new_beginning_and_what_it_means_come_together(hall, hooked):
    one = job("failed", task="bake", args='["apple"]', finished_at=1)
    assert hall.revive(one)
    assert Job.get_by_id(one.id).state == "queued"
    assert facts() == {"revived apple": "1"}
    assert hall.storage.messages == [{"job": one.id, "task": "bake"}]


def test_a_new_beginning_whose_meaning_cannot_be_kept_is_none(hall, hooked):
    one = job("failed", task="bake", args='["apple"]')
    Fact.create(name="revived apple", value="0")
    with pytest.raises(Exception, match=r"(?i)unique"):
        hall.revive(one)
    assert Job.get_by_id(one.id).state == "failed"
    assert hall.storage.messages == []


def test_what_goes_well_calls_no_hook(hall, hooked):
    one = job("succeeded", task="bake", args='["apple"]')
    assert not hall.revive(one)
    assert facts() == {}


def test_a_job_of_an_unknown_task_can_be_ended_and_revived(hall):
    one = job(task="was_renamed")
    assert hall.give_up(one, ledger.CANCELLED, "no")
    assert hall.revive(one)


# Rescue


def test_the_job_of_a_dead_worker_is_queued_again(hall):
    one = orphan(dead_process())
    assert hall.recover() == 1
    one = Job.get_by_id(one.id)
    assert (one.state, one.deaths, one.attempts, one.worker) == ("queued", 1, 1, None)
    assert hall.storage.messages == [{"job": one.id, "task": one.task}]


def test_the_job_of_a_living_worker_is_left_alone(hall):
    init = f"{processes.host()}/{processes.realm()}/1/{processes.start_time(1)}"
    one = orphan(init)
    assert hall.recover() == 0
    assert Job.get_by_id(one.id).worker == init


def test_a_process_that_took_over_a_number_is_not_the_worker(hall):
    alike = f"{processes.host()}/{processes.realm()}/1/{processes.start_time(1) + 1}"
    one = orphan(alike)
    assert hall.recover() == 1
    assert Job.get_by_id(one.id).state == "queued"


def test_three_deaths_are_enough(hall, hooked):
    one = job(task="bake", args='["apple"]')
    for deaths in (1, 2):
        ledger.claim(dead_process())
        hall.recover()
        one = Job.get_by_id(one.id)
        assert (one.state, one.deaths) == ("queued", deaths)
        assert facts() == {}
    ledger.claim(dead_process())
    hall.recover()
    one = Job.get_by_id(one.id)
    assert one.state == "quarantined"
    assert "three times" in one.error
    assert list(facts()) == ["gave up apple"]
    assert hall.dequeue() is None


def test_a_quarantined_job_that_is_revived_may_die_three_times_again(hall, hooked):
    one = job("quarantined", task="bake", args='["apple"]', deaths=3, attempts=3)
    assert hall.revive(one)
    ledger.claim(dead_process())
    hall.recover()
    assert Job.get_by_id(one.id).state == "queued"


def test_a_quarantine_does_not_hold_up_the_others(hall):
    bad = orphan(dead_process(), deaths=2)
    good = orphan(dead_process())
    hall.recover()
    assert Job.get_by_id(bad.id).state == "quarantined"
    assert Job.get_by_id(good.id).state == "queued"


def test_a_power_cut_is_no_fault_of_the_job(hall):
    one = orphan(dead_process(boot="00000000-0000-0000-0000-000000000000"), deaths=2)
    assert hall.recover() == 1
    one = Job.get_by_id(one.id)
    assert (one.state, one.deaths, one.attempts) == ("queued", 2, 0)


def test_what_this_very_process_left_behind_is_queued_again(hall):
    one = orphan(processes.identity(), deaths=2)
    assert hall.recover() == 1
    one = Job.get_by_id(one.id)
    assert (one.state, one.deaths, one.attempts) == ("queued", 2, 0)


def test_deaths_do_not_use_up_the_tries(hall):
    @hall.task(retries=1)
    def bake():
        raise OSError("cold")

    bake()
    ledger.claim(dead_process())
    hall.recover()
    assert step(hall).state == "retrying"
    make_due()
    assert step(hall).state == "failed"


def test_two_that_rescue_at_once_count_one_death(hall, monkeypatch):
    one = orphan(dead_process())
    alive = processes.is_alive
    nested = []

    def look(who):
        if not nested:
            nested.append(None)
            nested.append(hall.recover())
        return alive(who)

    monkeypatch.setattr(processes, "is_alive", look)
    hall.recover()
    assert nested[1] == 1
    assert Job.get_by_id(one.id).deaths == 1


def test_workers_that_are_gone_are_forgotten(hall):
    Worker.create(identity=dead_process(), parent=processes.identity())
    workers.register("worker")
    assert [row.identity for row in Worker.select()] == [processes.identity()]


# Periodic work


@pytest.fixture
def chores(hall):
    """A queue with a nightly and a frequent chore."""

    @hall.periodic_task(crontab(minute="30", hour="2"))
    def nightly():
        pass

    @hall.periodic_task(crontab(minute="*/5"))
    def frequent():
        pass

    return hall


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def started() -> list[str]:
    found = [one.task for one in Job.select().order_by(Job.id)]
    Job.delete().execute()
    return found


def test_a_new_chore_waits_for_its_first_moment(chores):
    chores.start_due(at("2026-01-10 12:00:30"))
    assert started() == []
    assert Periodic.select().count() == 2


def test_a_chore_runs_when_it_is_due(chores):
    chores.start_due(at("2026-01-10 12:01"))
    following = chores.start_due(at("2026-01-10 12:05:01"))
    assert started() == ["frequent"]
    assert following == at("2026-01-10 12:10")
    chores.start_due(at("2026-01-10 12:05:20"))
    chores.start_due(at("2026-01-10 12:09:59"))
    assert started() == []
    chores.start_due(at("2026-01-11 02:30"))
    assert sorted(started()) == ["frequent", "nightly"]


def test_two_schedulers_start_a_chore_once(chores, monkeypatch):
    chores.start_due(at("2026-01-10 12:01"))
    schedule = chores.periodic_tasks()["frequent"].schedule
    look = schedule.last_due
    nested = []

    def slow(*args):
        due = look(*args)
        if due is not None and not nested:
            nested.append(None)
            chores.start_due(at("2026-01-10 12:05:01"))
        return due

    monkeypatch.setattr(schedule, "last_due", slow)
    chores.start_due(at("2026-01-10 12:05:01"))
    assert nested
    assert started() == ["frequent"]


def test_a_week_of_silence_is_caught_up_with_once(chores):
    chores.start_due(at("2026-01-03 12:01"))
    chores.start_due(at("2026-01-10 12:01"))
    assert sorted(started()) == ["frequent", "nightly"]
    chores.start_due(at("2026-01-10 12:02"))
    assert started() == []


def test_a_clock_that_went_back_starts_counting_from_there(chores):
    chores.start_due(at("2026-01-10 12:01"))
    chores.start_due(at("2026-01-09 12:01"))
    assert started() == []
    chores.start_due(at("2026-01-09 12:05"))
    assert started() == ["frequent"]


def test_a_clock_that_went_back_and_is_right_again_serves_nothing_twice(chores):
    chores.start_due(at("2026-01-09 12:01"))
    chores.start_due(at("2026-01-10 02:30"))
    assert sorted(started()) == ["frequent", "nightly"]
    chores.start_due(at("2026-01-10 12:01"))
    assert started() == ["frequent"]
    for moment in ("2026-01-09 12:01", "2026-01-08 23:59", "2026-01-08 12:00:30"):
        chores.start_due(at(moment))
        assert started() == []
    chores.start_due(at("2026-01-09 02:31"))
    assert sorted(started()) == ["frequent", "nightly"], "meanwhile it counts from there"
    for moment in ("2026-01-10 12:03", "2026-01-10 12:04"):
        chores.start_due(at(moment))
        assert started() == [], "it was served before the clock went back"
    chores.start_due(at("2026-01-10 12:05"))
    assert started() == ["frequent"]
    chores.start_due(at("2026-01-11 02:31"))
    assert sorted(started()) == ["frequent", "nightly"]
    assert facts()["served_ahead"] == "{}"


def test_a_clock_that_comes_halfway_back_serves_what_it_has_not(chores):
    chores.start_due(at("2026-01-10 12:01"))
    chores.start_due(at("2026-01-10 12:31"))
    started()
    for moment, due in {"12:01": [], "12:11": ["frequent"], "12:29": ["frequent"]}.items():
        chores.start_due(at(f"2026-01-10 {moment}"))
        assert started() == due
    chores.start_due(at("2026-01-10 12:34"))
    assert started() == []
    chores.start_due(at("2026-01-10 12:36"))
    assert started() == ["frequent"]


def test_a_clock_that_went_back_seconds_starts_nothing_twice(chores):
    chores.start_due(at("2026-01-10 12:01"))
    chores.start_due(at("2026-01-10 12:05:00"))
    assert started() == ["frequent"]
    chores.start_due(at("2026-01-10 12:04:30"))
    chores.start_due(at("2026-01-10 12:05:10"))
    assert started() == []


def test_the_last_job_of_a_chore_is_known(chores):
    chores.start_due(at("2026-01-10 12:01"))
    chores.start_due(at("2026-01-10 12:05"))
    row = Periodic.get_by_id("frequent")
    assert Job.get_by_id(row.job).task == "frequent"
    assert row.last_due == at("2026-01-10 12:05")


def test_a_chore_that_cannot_be_queued_stays_due(chores, monkeypatch):
    chores.start_due(at("2026-01-10 12:01"))

    def full(*_args, **_values):
        raise OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "add", full)
        with pytest.raises(OperationalError):
            chores.start_due(at("2026-01-10 12:05"))
    chores.start_due(at("2026-01-10 12:06"))
    assert started() == ["frequent"]


def test_a_chore_that_is_not_wanted_writes_nothing_and_is_asked_again(hall):
    wanted = []

    @hall.periodic_task(crontab(minute="*/5"), only_if=lambda: bool(wanted))
    def looking():
        pass

    hall.start_due(at("2026-01-10 12:01"))
    before = list(Periodic.select().tuples())
    for minute in ("12:05", "12:06", "12:10", "12:11"):
        hall.start_due(at(f"2026-01-10 {minute}"))
    assert list(Periodic.select().tuples()) == before
    assert started() == []
    wanted.append("something")
    for minute in ("12:12", "12:13"):
        hall.start_due(at(f"2026-01-10 {minute}"))
    assert started() == ["looking"], "once, and not before it is due again"


def test_a_chore_that_cannot_tell_whether_it_is_wanted_holds_up_nobody(hall, caplog):
    def bottomless():
        raise RecursionError("too deep")

    @hall.periodic_task(crontab(minute="*/5"), only_if=bottomless)
    def a_looking():
        pass

    @hall.periodic_task(crontab(minute="*/5"))
    def other():
        pass

    for minute in ("12:01", "12:06"):
        hall.start_due(at(f"2026-01-10 {minute}"))
    assert started() == ["other"]
    assert "whether a_looking is wanted" in caplog.text


def test_without_chores_the_scheduler_looks_again_in_a_day(hall):
    now = at("2026-01-10 12:01")
    assert hall.start_due(now) == now + 86400


def test_the_tasks_of_the_house_have_names_and_labels(house):
    names = {kind.__name__ for kind in queue._registry._registry.values()}
    assert names == {
        "process_asset",
        "report_uploads",
        "check_disk",
        "rescue",
        "purge_trash",
        "forget_stale",
        "ping",
        "convert_video",
        "tally",
        "empty_inbox",
    }
    for name in names:
        assert queue.task_class(name).label
    assert queue.task_class("nothing") is None
