"""The ledger: who may move a job where, who owns it, and what survives a failure."""

import time

import pytest

from homequeue import holds, ledger, processes, runs, tasks
from homequeue.db import db
from homequeue.errors import ClaimLost
from homequeue.holds import Holds
from homequeue.models import Fact, Job
from homequeue.services import jobs
from tests.library import job

pytestmark = pytest.mark.usefixtures("house")

ME, OTHER = "host/boot/1/1", "host/boot/2/2"

#: Every move there may be, written out once more so that MOVES cannot grow in silence.
ALLOWED = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("scheduled", "running"),
    ("scheduled", "cancelled"),
    ("retrying", "running"),
    ("retrying", "cancelled"),
    ("running", "queued"),
    ("running", "scheduled"),
    ("running", "retrying"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "quarantined"),
    ("running", "cancelled"),
    ("failed", "queued"),
    ("failed", "scheduled"),
    ("cancelled", "queued"),
    ("cancelled", "scheduled"),
    ("quarantined", "queued"),
    ("quarantined", "scheduled"),
}


def stored(one: Job) -> Job:
    return Job.get_by_id(one.id)


def in_state(state: str) -> Job:
    return job(state, worker=ME if state == ledger.RUNNING else None, attempts=1)


def claimed(**values) -> Job:
    job(**values)
    found = ledger.claim(ME)
    assert found is not None
    return found


# Moves


@pytest.mark.parametrize("source", ledger.STATES)
def test_a_job_moves_only_where_the_table_says(source):
    for target in ledger.STATES:
        one = in_state(source)
        allowed = (source, target) in ALLOWED
        assert ledger._move(one, target) is allowed, target
        assert stored(one).state == (target if allowed else source)
        assert one.state == (target if allowed else source)


def test_a_job_that_has_moved_on_is_not_moved_again():
    one = in_state(ledger.QUEUED)
    late = stored(one)
    assert ledger.end(one, ledger.CANCELLED, "no")
    assert not ledger._move(late, ledger.RUNNING)
    assert stored(one).state == ledger.CANCELLED


def test_a_job_between_two_runs_of_the_same_state_is_not_mistaken():
    job()
    first = ledger.claim(ME)
    old = stored(first)
    assert ledger.release(first, died=True)
    assert ledger.claim(ME).id == old.id
    assert not ledger.end(old, ledger.FAILED, "from the run before")
    assert stored(old).state == ledger.RUNNING


def test_a_running_job_is_moved_by_its_worker_alone():
    one = claimed()
    theirs = stored(one)
    theirs.worker = OTHER
    assert not ledger.end(theirs, ledger.FAILED, "not mine")
    with pytest.raises(ClaimLost):
        ledger.succeed(theirs, None)
    assert stored(one).state == ledger.RUNNING


# Adding


def test_what_is_added_is_due_now():
    before = time.time()
    one = stored(ledger.add("thumb", [1, "ä", {"a": None}], priority=7, max_attempts=3))
    assert (one.state, one.args, one.priority) == ("queued", '[1, "\\u00e4", {"a": null}]', 7)
    assert (one.attempts, one.deaths, one.max_attempts) == (0, 0, 3)
    assert before <= one.due_at <= time.time()
    assert one.queued_at == one.due_at


def test_what_is_due_later_is_scheduled():
    later = time.time() + 50
    assert stored(ledger.add("thumb", [], due_at=later)).state == "scheduled"
    assert stored(ledger.add("thumb", [], due_at=time.time() - 1)).state == "queued"


def test_arguments_that_are_not_json_are_refused():
    with pytest.raises(TypeError):
        ledger.add("thumb", [object()])
    assert Job.select().count() == 0


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_has_not_are_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        ledger.add("thumb", [{"a": number}])
    assert Job.select().count() == 0


def test_a_job_remembers_which_job_added_it():
    parent = claimed()
    with runs.running(parent):
        child = ledger.add("thumb", [])
    assert stored(child).parent == parent.id
    assert ledger.add("thumb", []).parent is None


def test_the_parent_is_forgotten_when_its_run_ends_badly():
    parent = claimed()
    with pytest.raises(ValueError, match="x"), runs.running(parent):
        raise ValueError("x")
    assert ledger.add("thumb", []).parent is None


@pytest.mark.parametrize("state", ledger.STATES)
def test_a_key_is_taken_while_its_job_waits(state):
    job(state, key="k")
    waits = state in ("queued", "scheduled", "retrying")
    assert ledger.has_key("k", ledger.WAITING) is waits
    assert ledger.has_key("other", ledger.STATES) is False


# Claiming


def test_a_claim_says_who_when_and_how_often():
    job(attempts=2)
    before = time.time()
    one = stored(ledger.claim(ME))
    assert (one.state, one.worker, one.attempts) == ("running", ME, 3)
    assert before <= one.started_at <= time.time()


def test_nothing_to_claim():
    assert ledger.claim(ME) is None


def test_one_job_two_workers_one_gets_it():
    job()
    assert ledger.claim(ME) is not None
    assert ledger.claim(OTHER) is None


def test_two_workers_that_saw_the_same_job_do_not_both_get_it(monkeypatch):
    one, two = job(), job()
    look = ledger._most_urgent
    stolen = []

    def slow(*asked):
        seen = look(*asked)
        if not stolen:
            stolen.append(None)
            stolen.append(ledger.claim(OTHER))
        return seen

    monkeypatch.setattr(ledger, "_most_urgent", slow)
    mine = ledger.claim(ME)
    assert stolen[1].id == one.id
    assert mine.id == two.id
    assert stored(one).worker == OTHER


def test_the_urgent_first_then_the_oldest():
    plain, also, urgent, late = job(), job(), job(priority=9), job(priority=-1)
    order = [ledger.claim(ME).id for _ in range(4)]
    assert order == [urgent.id, plain.id, also.id, late.id]


@pytest.mark.parametrize("state", ["scheduled", "retrying"])
def test_what_waits_for_its_time_waits(state):
    job(state, due_at=time.time() + 60)
    assert ledger.claim(ME) is None
    Job.update(due_at=time.time() - 1).execute()
    assert ledger.claim(ME) is not None


def test_a_future_job_does_not_hold_up_the_others():
    job("scheduled", due_at=time.time() + 60, priority=100)
    now = job()
    assert ledger.claim(ME).id == now.id


def test_a_clock_that_goes_back_a_day_holds_up_no_queued_job(monkeypatch):
    ledger.add("thumb", [])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86400)
    assert ledger.claim(ME) is not None


def test_a_pause_holds_everything_back_until_it_is_over():
    job(priority=100)
    assert ledger.claim(ME, Holds(everything=time.time() + 60)) is None
    assert ledger.claim(ME, Holds(everything=time.time() - 1)) is not None


def test_a_pause_is_remembered_in_the_database():
    until = time.time() + 60
    holds.pause(until)
    assert holds.paused_until() == until
    assert Fact.get_by_id("pauses")
    holds.pause(0)
    assert holds.paused_until() == 0


def test_the_next_due_moment():
    assert ledger.next_due() is None
    job("succeeded", due_at=1)
    job("running", due_at=2, worker=ME)
    assert ledger.next_due() is None
    job("retrying", due_at=300)
    job("scheduled", due_at=200)
    assert ledger.next_due() == 200
    job("queued", due_at=100)
    assert ledger.next_due() == 0, "what is queued is due now, whatever the clock says"
    assert ledger.next_due(Holds(everything=5000)) == 5000


def test_work_that_runs_already_is_due_for_nobody():
    job(key="x")
    running = ledger.claim(ME)
    job(key="x")
    assert ledger.next_due() is None
    job("scheduled", key="y", due_at=300)
    assert ledger.next_due() == 300
    ledger.succeed(running, None)
    assert ledger.next_due() == 0


def test_what_waits_for_other_jobs_is_due_when_they_have_ended():
    one = job()
    after = job("scheduled", waits_for=1, due_at=0)
    Job.update(follower=after.id).where(Job.id == one.id).execute()
    running = ledger.claim(ME)
    assert (ledger.claim(ME), ledger.next_due()) == (None, None)
    ledger.succeed(running, None)
    assert ledger.next_due() == 0
    assert ledger.claim(ME).id == after.id


@pytest.mark.parametrize(
    ("held", "moment"),
    [
        (Holds(tasks={"bake": 900}), 500),
        (Holds(tasks={"bake": 900, "mix": 700}), 700),
        (Holds(tasks={"mix": 600}), 0),
        (Holds(quiet=800, urgent=1), 500),
        (Holds(quiet=800, urgent=6), 800),
        (Holds(everything=950, tasks={"bake": 900}), 950),
    ],
)
def test_the_next_due_moment_of_what_is_held_back(held, moment):
    job("queued", task="bake", priority=0)
    job("scheduled", task="mix", priority=5, due_at=500)
    assert ledger.next_due(held) == moment


@pytest.mark.parametrize(
    ("held", "order"),
    [
        (Holds(), ["mix", "bake"]),
        (Holds(tasks={"mix": 2e9}), ["bake"]),
        (Holds(tasks={"mix": 2e9, "bake": 2e9, "other": 2e9}), []),
        (Holds(tasks={"mix": 5.0}), ["mix", "bake"]),
        (Holds(quiet=2e9, urgent=1), ["mix"]),
        (Holds(tasks={"mix": 2e9}, quiet=2e9, urgent=1), []),
        (Holds(quiet=5.0, urgent=1), ["mix", "bake"]),
    ],
)
def test_what_is_held_back_is_not_claimed(held, order):
    job(task="bake", priority=0)
    job(task="mix", priority=5)
    claims = iter(lambda: ledger.claim(ME, held), None)
    assert [one.task for one in claims] == order


def test_a_new_upload_goes_before_a_bulk_run_always():
    bulk = [job(task="process_asset", priority=tasks.BULK) for _ in range(5)]
    ledger.claim(ME)
    upload = job(task="process_asset", priority=tasks.UPLOAD)
    assert ledger.claim(ME).id == upload.id
    assert ledger.claim(ME).id == bulk[1].id


def test_only_what_waits_is_hastened_and_never_slowed_down():
    waiting, urgent = job(key="x", priority=3), job("retrying", key="x", priority=9)
    other, running = job(key="y"), job("running", key="x", worker=ME)
    assert ledger.hasten("x", 5)
    assert not ledger.hasten("z", 5)
    found = [stored(one).priority for one in (waiting, urgent, other, running)]
    assert found == [5, 9, 0, 0]
    later = job("scheduled", key="z", waits_for=1)
    assert not ledger.hasten("z", 5), "a later step may never be done"
    assert stored(later).priority == 0


def test_one_is_followed_and_the_newest_of_its_key():
    one, two = job(key="x"), job("retrying", key="x")
    after, more = job("scheduled", waits_for=1), job("scheduled", waits_for=1)
    assert ledger.follow("x", after.id)
    assert (stored(one).follower, stored(two).follower) == (None, after.id)
    assert ledger.follow("x", more.id)
    assert not ledger.follow("x", more.id)
    assert not ledger.follow("y", more.id)


def test_the_same_work_cannot_be_claimed_twice_at_one_moment(monkeypatch):
    """Both workers have looked before either has begun."""
    first, second = job(key="x"), job(key="x", priority=-1)
    other = job(key="y", priority=-2)
    look, stolen = ledger._most_urgent, []

    def slow(*asked):
        if stolen:
            return look(*asked)
        seen = stored(second)
        stolen.append(ledger._begin(stored(first), OTHER))
        return seen

    monkeypatch.setattr(ledger, "_most_urgent", slow)
    assert ledger.claim(ME).id == other.id
    assert stolen == [True]
    assert (stored(second).state, stored(second).attempts) == ("queued", 0)


# Expiry


@pytest.mark.parametrize("state", ["queued", "scheduled"])
def test_what_had_to_begin_and_did_not_is_expired(state):
    late = job(state, expires_at=100)
    job(state, expires_at=300)
    job(state)
    assert ledger.expired(100) == []
    assert [one.id for one in ledger.expired(101)] == [late.id]


def test_what_has_begun_does_not_expire():
    job("retrying", expires_at=100, attempts=1)
    job("queued", expires_at=100, attempts=1, deaths=1)
    job("running", expires_at=100, attempts=1)
    job("succeeded", expires_at=100, attempts=1)
    assert ledger.expired(500) == []


def test_a_revived_job_does_not_expire_again():
    one = job("cancelled", expires_at=100)
    ledger.revive(one)
    assert stored(one).expires_at is None


# Batches


def test_jobs_are_part_of_the_batch_of_the_context_or_of_their_parent():
    with ledger.part_of(7):
        assert ledger.add("thumb", []).batch == 7
        with ledger.part_of(8):
            assert ledger.add("thumb", []).batch == 8
    assert ledger.add("thumb", []).batch is None
    parent = claimed(batch=9, priority=9)
    with runs.running(parent):
        assert ledger.add("thumb", []).batch == 9
        with ledger.part_of(7):
            assert ledger.add("thumb", []).batch == 7


# Finishing


def test_results_and_success_are_kept_together():
    one = claimed(error="of the try before", traceback="old")
    with runs.running(one), ledger.finishing():
        Fact.create(name="result", value="1")
    one = stored(one)
    assert (one.state, one.error, one.traceback) == ("succeeded", None, None)
    assert one.started_at <= one.finished_at <= time.time()
    assert Fact.get_by_id("result").value == "1"


def test_nobody_sees_the_results_before_the_success():
    one = claimed()
    with runs.running(one), ledger.finishing():
        assert db.in_transaction()
        Fact.create(name="result", value="1")
        assert stored(one).state == "running"


def test_a_worker_that_lost_its_claim_keeps_nothing():
    one = claimed()
    Job.update(worker=OTHER).execute()
    with pytest.raises(ClaimLost), runs.running(one), ledger.finishing():
        Fact.create(name="result", value="1")
    assert Fact.select().count() == 0
    assert stored(one).state == "running"
    assert stored(one).worker == OTHER


def test_a_claim_lost_to_ourselves_is_lost_too():
    one = claimed()
    assert ledger.release(stored(one), died=True)
    again = ledger.claim(ME)
    assert again.id == one.id
    with pytest.raises(ClaimLost), runs.running(one), ledger.finishing():
        Fact.create(name="result", value="1")
    assert Fact.select().count() == 0


def test_results_that_fail_leave_the_job_running():
    one = claimed()
    with pytest.raises(ZeroDivisionError), runs.running(one), ledger.finishing():
        Fact.create(name="result", value=str(1 / 0))
    assert stored(one).state == "running"
    assert one.state == "running"
    ledger.retry_later(one, time.time(), "words", "trace")
    assert stored(one).state == "retrying"


def test_a_commit_that_fails_leaves_the_job_running(monkeypatch):
    one = claimed()

    def full() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"), runs.running(one), ledger.finishing():
        monkeypatch.setattr(db.obj, "commit", full)
    monkeypatch.undo()
    assert one.state == "running"
    assert stored(one).state == "running"


def test_finishing_without_a_job_is_a_transaction():
    with ledger.finishing():
        Fact.create(name="result", value="1")
    with pytest.raises(ZeroDivisionError), ledger.finishing():
        Fact.create(name="lost", value=str(1 / len([])))
    assert [fact.name for fact in Fact.select()] == ["result"]


def test_success_is_recorded_once():
    one = claimed()
    ledger.succeed(one, {"made": 2})
    first = stored(one)
    assert (first.state, first.result) == ("succeeded", '{"made": 2}')
    ledger.succeed(one, {"made": 3})
    assert stored(one).result == '{"made": 2}'


def test_success_without_a_result():
    one = claimed()
    ledger.succeed(one, None)
    assert stored(one).result is None


# Ends without success, and new beginnings


def test_a_job_of_a_worker_that_died_counts_the_death_and_the_try():
    one = claimed()
    assert ledger.release(one, died=True)
    one = stored(one)
    assert (one.state, one.worker, one.attempts, one.deaths) == ("queued", None, 1, 1)


def test_a_job_given_back_kindly_has_not_been_tried():
    one = claimed()
    assert ledger.release(one, died=False)
    one = stored(one)
    assert (one.state, one.worker, one.attempts, one.deaths) == ("queued", None, 0, 0)


def test_a_released_job_is_claimed_before_younger_ones():
    one = claimed()
    job()
    ledger.release(one, died=False)
    assert ledger.claim(OTHER).id == one.id


def test_a_job_that_ended_its_worker_lets_the_others_go_first():
    one = claimed()
    other = job()
    ledger.release(one, died=True)
    assert ledger.claim(OTHER).id == other.id
    assert ledger.claim(ME).id == one.id


def test_the_same_work_never_runs_twice_side_by_side():
    job(key="x")
    running = ledger.claim(ME)
    again = job(key="x")
    assert ledger.claim(OTHER) is None
    ledger.succeed(running, None)
    assert ledger.claim(OTHER).id == again.id


def test_postponing_is_no_try():
    one = claimed()
    due_at = time.time() + 30
    ledger.postpone(one, due_at)
    one = stored(one)
    assert (one.state, one.attempts, one.worker, one.due_at) == ("scheduled", 0, None, due_at)


def test_a_retry_says_why():
    one = claimed()
    due_at = time.time() + 30
    ledger.retry_later(one, due_at, "It rained.", "line 1\nline 2")
    one = stored(one)
    assert (one.state, one.attempts, one.due_at) == ("retrying", 1, due_at)
    assert (one.error, one.traceback, one.worker) == ("It rained.", "line 1\nline 2", None)


@pytest.mark.parametrize("move", ["postpone", "retry_later"])
def test_nothing_is_put_off_by_a_worker_that_lost_its_claim(move):
    one = claimed()
    Job.update(worker=OTHER).execute()
    with pytest.raises(ClaimLost):
        ledger.postpone(one, 1) if move == "postpone" else ledger.retry_later(one, 1, "", "")
    assert stored(one).state == "running"


def test_an_end_says_when_and_why():
    one = claimed()
    assert ledger.end(one, ledger.FAILED, "It rained.", "trace")
    one = stored(one)
    assert (one.state, one.error, one.traceback) == ("failed", "It rained.", "trace")
    assert one.finished_at <= time.time()


@pytest.mark.parametrize("state", ["failed", "cancelled", "quarantined"])
def test_a_revived_job_has_all_its_tries_before_it(state):
    one = job(
        state, attempts=5, deaths=3, due_at=5, queued_at=5, finished_at=6, worker=ME, progress=0.5
    )
    assert ledger.revive(one)
    one = stored(one)
    assert (one.state, one.attempts, one.deaths) == ("queued", 0, 0)
    assert (one.worker, one.finished_at, one.progress) == (None, None, None)
    assert time.time() - 5 < one.due_at == one.queued_at
    assert ledger.claim(ME).id == one.id


@pytest.mark.parametrize("state", ["queued", "scheduled", "retrying", "running", "succeeded"])
def test_what_has_not_ended_badly_is_not_revived(state):
    one = job(state)
    assert not ledger.revive(one)
    assert stored(one).state == state


@pytest.mark.parametrize("state", ledger.STATES)
def test_only_what_ended_badly_can_be_dismissed_and_its_reason_stays(state):
    one = job(state, error="It rained.", worker=ME if state == "running" else None)
    may = state in ("failed", "quarantined")
    assert ledger.dismiss(one, "Anna") is may
    one = stored(one)
    assert (one.state, one.error) == (state, "It rained.")
    assert (one.dismissed_at is not None) is may
    assert ('"dismissed"' in one.history and '"Anna"' in one.history) is may
    assert not ledger.dismiss(one, "Anna"), "once is enough"
    assert ledger.revive(one) is (may or state == "cancelled")
    assert stored(one).dismissed_at is None


def test_an_old_reason_is_gone_once_it_is_queued_or_runs_again():
    one = claimed()
    ledger.retry_later(one, time.time(), "It rained.", "Traceback")
    assert stored(one).error == "It rained."
    one = ledger.claim(ME)
    assert (stored(one).error, stored(one).traceback) == (None, None)
    assert ledger.end(one, "failed", "It snowed.", "Traceback")
    assert ledger.revive(one)
    one = stored(one)
    assert (one.error, one.traceback) == (None, None)
    assert "It rained." in one.history
    assert "It snowed." in one.history


def test_what_was_dismissed_is_forgotten_as_what_is_done():
    for dismissed_at in (None, 90.0):
        job("failed", finished_at=50.0, dismissed_at=dismissed_at)
    assert jobs.forget_before(100.0) == 1
    assert [one.dismissed_at for one in Job.select()] == [None]


@pytest.mark.sqlite("its plans have their own words")
@pytest.mark.parametrize("narrowed", ["", "AND task NOT IN ('bake')", "AND priority >= 1"])
def test_the_most_urgent_of_however_many_is_found_without_sorting_them(narrowed):
    asked = f"EXPLAIN QUERY PLAN {ledger.MOST_URGENT} {narrowed} {ledger.IN_ORDER}"
    plan = [line[3] for line in db.execute_sql(asked, (time.time(),))]
    assert plan[0].startswith("SEARCH job USING INDEX job_ready"), plan
    assert not any("TEMP B-TREE" in line for line in plan), plan


@pytest.mark.parametrize("state", ["failed", "quarantined"])
def test_who_does_the_same_work_well_dismisses_those_that_failed_at_it(state):
    kept = [
        job(state, key="show[2]"),
        job(state),
        job(state, key="show[1]", follower=77),
        job("retrying", key="show[1]", due_at=time.time() + 50),
        job("cancelled", key="show[1]"),
    ]
    before = [stored(one).state for one in kept]
    older, later = job(state, key="show[1]", error="It rained."), job(key="show[1]", priority=5)
    newer = job(state, key="show[1]")
    one = ledger.claim(ME)
    with runs.running(one), ledger.finishing():
        pass
    assert one.id == later.id
    for bad in (older, newer):
        assert stored(bad).state == state
        assert stored(bad).dismissed_at is not None
        assert f"dismissed: job {one.id} has done the same since" in stored(bad).history
    assert stored(older).error == "It rained.", "its reason stays"
    assert [stored(one).state for one in kept] == before


@pytest.mark.parametrize("state", ["failed", "quarantined"])
def test_who_fails_at_the_same_work_stands_for_those_that_failed_at_it_before(state):
    kept = [job(state, key="show[2]"), job(state), job(state, key="show[1]", follower=77)]
    older, one = job("failed", key="show[1]", error="It rained."), claimed(key="show[1]")
    assert ledger.end(one, state, "It snowed.")
    assert f"dismissed: job {one.id} has failed at the same since" in stored(older).history
    assert (stored(older).state, stored(older).error) == ("failed", "It rained.")
    assert stored(older).dismissed_at is not None
    assert [stored(bad).dismissed_at for bad in (one, *kept)] == [None] * 4


def test_who_is_cancelled_has_not_failed_and_dismisses_nobody():
    bad = job("failed", key="show[1]")
    assert ledger.end(claimed(key="show[1]"), "cancelled", "It was stopped by Anna.")
    assert stored(bad).dismissed_at is None


def test_who_fails_to_finish_dismisses_nobody():
    bad = job("failed", key="show[1]")
    one = claimed(key="show[1]")
    with pytest.raises(ZeroDivisionError), runs.running(one), ledger.finishing():
        raise ZeroDivisionError
    Job.update(attempts=7).where(Job.id == one.id).execute()
    with pytest.raises(ClaimLost), runs.running(one), ledger.finishing():
        pass
    assert stored(bad).dismissed_at is None


def test_only_old_successes_and_cancellations_are_forgotten():
    for state in ledger.STATES:
        job(state, finished_at=100, task="old")
        job(state, finished_at=300, task="new")
    job("succeeded", task="never finished")
    assert jobs.forget_before(200) == 2
    left = {(one.task, one.state) for one in Job.select()}
    assert ("old", "succeeded") not in left
    assert ("old", "cancelled") not in left
    assert ("old", "failed") in left
    assert len(left) == 2 * len(ledger.STATES) - 2 + 1


def test_counts_name_every_state():
    job("queued")
    job("queued")
    job("failed")
    counts = ledger.counts()
    assert set(counts) == set(ledger.STATES)
    assert (counts["queued"], counts["failed"], counts["running"]) == (2, 1, 0)


def test_the_identity_of_this_process_can_own_a_job():
    job()
    assert ledger.claim(processes.identity()).worker == processes.identity()
