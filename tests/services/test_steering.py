"""Steering: what people do to the queue, and what is noted of it."""

import time
from datetime import datetime

import pytest

from homequeue import facts, holds, ledger, tasks
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Asset, Batch, Deed, Job, Periodic
from homequeue.queue import queue
from homequeue.services import jobs, steering
from tests.library import job, row, whole

pytestmark = pytest.mark.usefixtures("house")

BAD = ("failed", "quarantined")


def noted() -> list[tuple[str, str]]:
    return [(deed.who, deed.words) for deed in Deed.select().order_by(Deed.id)]


# One job


@pytest.mark.parametrize("state", ["failed", "quarantined", "cancelled"])
def test_trying_again_is_noted(state):
    one = job(state, task="rescue")
    steering.retry(one, "Anna")
    assert Job.get().state == "queued"
    assert noted() == [("Anna", f"had job {one.id} tried again")]
    assert '"Anna"' in Job.get().history


def test_what_is_refused_is_not_noted():
    running = job("running", task="rescue", worker="somebody")
    for act in (steering.retry, steering.cancel, steering.dismiss):
        with pytest.raises(Conflict):
            act(running, "Anna")
    with pytest.raises(Conflict):
        steering.stop(job("succeeded", task="rescue"), "Anna")
    assert noted() == []


def test_a_job_that_has_begun_meanwhile_is_not_cancelled():
    late = job(task="rescue")
    ledger.claim("host/boot/1/1")
    with pytest.raises(Conflict, match="has begun"):
        steering.cancel(late, "Anna")
    assert Job.get().state == "running"


def test_to_stop_what_waits_is_to_cancel_it():
    one = job("scheduled", task="rescue")
    steering.stop(one, "Anna")
    assert (Job.get().state, Job.get().error) == ("cancelled", "It was cancelled by Anna.")
    assert noted() == [("Anna", f"cancelled job {one.id}")]


def test_stopping_is_noted(monkeypatch):
    one = job("running", task="rescue", worker="attic.1/another-boot.1/7/7")
    steering.stop(one, "Anna")
    assert Job.get().stopped_by == "Anna"
    assert noted() == [("Anna", f"stopped job {one.id}")]


@pytest.mark.parametrize("state", ledger.STATES)
def test_dismissing(anna, state):
    asset = row(anna, 1, state="failed", error="It is no picture.")
    one = job(state, asset=asset.id, error="It is no picture.", worker="x/y/1/1")
    if state in BAD:
        steering.dismiss(one, "Anna")
        assert (Job.get().state, Job.get().error) == (state, "It is no picture.")
        assert Job.get().dismissed_at is not None
        assert noted() == [("Anna", f"dismissed job {one.id}")]
    else:
        with pytest.raises(Conflict, match="failed"):
            steering.dismiss(one, "Anna")
        assert Job.get().state == state
    assert Asset.get().error == "It is no picture.", "it has no pictures all the same"


# Many jobs


def test_one_group_of_failures_is_dismissed_or_tried_again_and_no_other(anna, ben):
    hers, his = row(anna, 1, state="failed"), row(ben, 2, state="failed")
    for asset in (hers, his):
        job("failed", asset=asset.id, args=f"[{asset.id}]")
    job("quarantined", task="rescue")
    job("cancelled", asset=his.id, args=f"[{his.id}]")
    assert steering.dismiss_all(jobs.Chosen(task="rescue"), "Anna") == 1
    assert steering.dismiss_all(jobs.Chosen(task="rescue"), "Anna") == 0
    assert steering.retry_all(jobs.Chosen(ben), "Ben") == 1
    assert jobs.needing_a_look() == ledger.counts()["failed"] == 1
    assert steering.dismiss_all(jobs.Chosen(), "Anna") == 1
    assert jobs.needing_a_look() == 0
    assert (ledger.counts()["failed"], ledger.counts()["queued"]) == (1, 1)
    assert noted() == [
        ("Anna", "dismissed 1 failed job"),
        ("Ben", "had 1 failed job tried again"),
        ("Anna", "dismissed 1 failed job"),
    ]


def test_what_waits_of_a_batch_is_cancelled_and_seen_on_its_photos(anna, ben):
    with ledger.part_of(7):
        fresh, again = row(ben, 1).id, whole(ben, 2).id
        for asset in (fresh, again):
            tasks.process_asset(asset)
        queue.enqueue(tasks.ping.s("a").then(tasks.ping, "b"))
        begun = job("running", asset=row(ben, 3).id, batch=7, worker="x/y/1/1")
    other = job("retrying", asset=row(ben, 4).id)
    chosen = jobs.Chosen(ben, batch=7)
    assert steering.cancel_all(chosen, "Ben") == 2
    assert steering.cancel_all(chosen, "Ben") == 0
    assert [Job.get_by_id(one.id).state for one in (begun, other)] == ["running", "retrying"]
    assert (Asset.get_by_id(fresh).state, Asset.get_by_id(again).state) == ("failed", "ready")
    assert Asset.get_by_id(fresh).error == "It was cancelled by Ben."
    assert steering.cancel_all(jobs.Chosen(batch=7), "Anna") == 2, "and what was to follow it"
    assert ledger.counts()["cancelled"] == 4
    assert noted() == [(who, "cancelled 2 jobs that waited") for who in ("Ben", "Anna")]


@pytest.mark.parametrize("chosen", [jobs.Chosen(batch=0), jobs.Chosen(task="")])
def test_no_batch_and_no_task_is_not_all_of_them(house, chosen):
    job(task="rescue")
    assert steering.cancel_all(chosen, "Anna") == 0


def test_of_many_jobs_one_row_at_a_time_is_held(house, monkeypatch):
    for _ in range(5):
        job("failed", task="rescue", log="x" * 1000)
    held = []
    read = jobs.by_ids
    monkeypatch.setattr(jobs, "by_ids", lambda ids: held.append(len(ids)) or read(ids))
    assert steering.dismiss_all(jobs.Chosen(), "Anna") == 5
    assert held == [1] * 5


def test_pictures_are_made_again_as_one_batch_after_all_other_work(ben):
    found = [row(ben, number, state="failed").id for number in range(3)]
    tasks.process_asset(found[0])
    assert steering.make_again(found, tasks.process_again, "Ben") == 2
    batch = Batch.get()
    again = list(Job.select().where(Job.batch == batch.id).order_by(Job.id))
    assert [one.asset for one in again] == found[1:]
    assert {one.priority for one in again} == {tasks.BULK}
    assert noted() == [("Ben", "had the pictures of 2 photos made again")]


def test_a_bulk_run_lets_others_write_between_its_pieces(ben, monkeypatch):
    monkeypatch.setattr(steering, "PIECE", 2)

    def broken(asset_id: int) -> object:
        if asset_id == 4:
            raise ZeroDivisionError
        return tasks.process_again(asset_id)

    with pytest.raises(ZeroDivisionError):
        steering.make_again([1, 2, 3, 4, 5], broken, "Ben")
    assert [job.args for job in Job.select().order_by(Job.id)] == ["[1]", "[2]"], (
        "a piece is whole or not at all"
    )
    assert noted() == [("Ben", "had the pictures of 2 photos made again")], "what was done is noted"


@pytest.mark.parametrize(
    ("state", "act", "words"),
    [
        ("failed", "retry_all", "had 2 failed jobs tried again"),
        ("failed", "dismiss_all", "dismissed 2 failed jobs"),
        ("queued", "cancel_all", "cancelled 2 jobs that waited"),
    ],
)
def test_who_is_killed_midway_has_said_what_was_done(monkeypatch, state, act, words):
    monkeypatch.setattr(steering, "PIECE", 1)
    found = [job(state, task="rescue").id for _ in range(3)]
    read = jobs.by_ids

    def killed(ids):
        if ids == found[2:]:
            raise SystemExit
        return read(ids)

    monkeypatch.setattr(jobs, "by_ids", killed)
    with pytest.raises(SystemExit):
        getattr(steering, act)(jobs.Chosen(), "Ben")
    assert noted() == [("Ben", words)]


def test_nothing_is_noted_of_pictures_that_are_made_already(ben):
    asset = row(ben, 1, state="failed").id
    tasks.process_asset(asset)
    assert steering.make_again([asset], tasks.process_again, "Ben") == 0
    assert noted() == []
    again = row(ben, 2, state="failed").id
    assert steering.make_again([again], tasks.process_again, "Ben") == 1
    assert noted() == [("Ben", "had the pictures of 1 photo made again")]


@pytest.mark.parametrize("state", [*ledger.WAITING, "running"])
def test_the_same_work_is_not_queued_twice_by_trying_again(anna, state):
    asset = row(anna, 1, state="failed", error="It rained.").id
    one, other = (
        job(s, key=f"process_asset[{asset}]", asset=asset, args=f"[{asset}]", worker="x/y/1/1")
        for s in ("failed", state)
    )
    with pytest.raises(Conflict, match=f"waits or runs already, as job {other.id}"):
        steering.retry(one, "Anna")
    assert steering.retry_all(jobs.Chosen(), "Anna") == 0
    assert [found.state for found in Job.select().order_by(Job.id)] == ["failed", state]
    assert Asset.get().error == "It rained.", "nothing of it was begun"
    assert noted() == []


def test_of_several_failures_of_the_same_work_one_is_tried_again():
    for task in ("rescue", "rescue", "check_disk"):
        job("failed", task=task, key=f"{task}[]")
    assert steering.retry_all(jobs.Chosen(), "Anna") == 2
    assert [one.state for one in Job.select().order_by(Job.id)] == ["queued", "failed", "queued"]


# Pauses


def test_pausing_all_or_one_task():
    until = steering.pause(60, "Anna")
    assert holds.paused_until() == until
    steering.pause(None, "Anna", "rescue")
    assert holds.paused_until("rescue") > time.time() + 50 * 365 * 86400
    steering.resume("Ben")
    assert (holds.paused_until(), holds.paused_until("rescue") > 0) == (0, True)
    steering.resume("Ben", "rescue")
    assert holds.pauses() == {}
    assert [who for who, _ in noted()] == ["Anna", "Anna", "Ben", "Ben"]
    assert noted()[0][1] == "paused the queue"
    assert "Looking for lost work" in noted()[1][1]


@pytest.mark.parametrize("act", [steering.resume, lambda who, task: steering.pause(1, who, task)])
def test_work_that_does_not_exist_cannot_be_paused(act):
    with pytest.raises(NotFound, match="no such work"):
        act("Anna", "nonsense")
    assert noted() == []
    assert holds.pauses() == {}


def test_the_next_morning_is_ahead_and_in_the_morning():
    seconds = steering.until_morning()
    assert 0 < seconds <= 25 * 3600
    morning = datetime.fromtimestamp(time.time() + seconds + 1)
    assert (morning.hour, morning.minute) == (steering.MORNING, 0)


# Periodic work


def test_periodic_work_can_be_done_now():
    steering.run_now("rescue", "Anna")
    assert Job.get().task == "rescue"
    assert Periodic.get_by_id("rescue").job == Job.get().id
    with pytest.raises(Conflict, match="“Looking for lost work” waits already"):
        steering.run_now("rescue", "Ben")
    assert Job.select().count() == 1
    for name in ("nonsense", "process_asset"):
        with pytest.raises(NotFound, match="no such periodic work"):
            steering.run_now(name, "Anna")
    assert [who for who, _ in noted()] == ["Anna"], "of what was not done nothing is noted"


def test_what_is_switched_off_is_not_started(monkeypatch):
    now = time.time()
    queue.start_due(now)
    steering.switch("check_disk", "Anna", is_on=False)
    queue.start_due(now + 600)
    assert Job.select().where(Job.task == "check_disk").count() == 0
    with pytest.raises(NotFound):
        steering.switch("process_asset", "Anna", is_on=False)


def test_what_is_switched_on_again_counts_from_there():
    now = time.time()
    queue.start_due(now - 86400)
    steering.switch("check_disk", "Anna", is_on=False)
    steering.switch("check_disk", "Anna", is_on=True)
    queue.start_due(now)
    assert Job.select().where(Job.task == "check_disk").count() == 0
    queue.start_due(now + 300)
    assert Job.select().where(Job.task == "check_disk").count() == 1
    assert [words.split()[-1] for _, words in noted()] == ["off", "on"]


def test_what_is_on_already_misses_nothing_by_being_switched_on():
    now = time.time()
    queue.start_due(now - 86400)
    steering.switch("check_disk", "Anna", is_on=True)
    queue.start_due(now)
    assert Job.select().where(Job.task == "check_disk").count() == 1


# Workers and deeds


def test_how_many_work_side_by_side():
    steering.set_workers(3, "Anna")
    assert facts.recall("workers") == 3
    for nonsense in (0, -1, 65):
        with pytest.raises(Invalid, match="1 to 64"):
            steering.set_workers(nonsense, "Anna")
    steering.set_workers(1, "Anna")
    assert noted() == [("Anna", "allowed 3 workers"), ("Anna", "allowed 1 worker")]


def test_what_people_did_last_comes_first():
    for number in range(5):
        steering.pause(number, f"person {number}")
    assert [deed.who for deed in steering.deeds(2)] == ["person 4", "person 3"]


def test_deeds_are_forgotten_with_the_history():
    Deed.create(at=100, who="Anna", words="paused the queue")
    Deed.create(at=300, who="Ben", words="resumed the queue")
    assert steering.forget_before(200) == 1
    assert noted() == [("Ben", "resumed the queue")]
