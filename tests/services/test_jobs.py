"""Jobs as people ask for them."""

import time

import pytest

from homequeue import holds, ledger
from homequeue.errors import Conflict, NotFound
from homequeue.models import Asset, Job, Periodic, Worker
from homequeue.processes import identity
from homequeue.queue import queue, workers
from homequeue.services import figures, jobs, steering
from homequeue.services.jobs import Chosen
from tests.library import job, row


def ids(found: list[Job]) -> list[int]:
    return [one.id for one in found]


def test_lists_are_newest_first_and_go_on(house):
    made = [job().id for _ in range(5)]
    assert ids(jobs.listed(Chosen())) == made[::-1]
    assert ids(jobs.listed(Chosen(), limit=2)) == made[:2:-1]
    assert ids(jobs.listed(Chosen(), limit=2, before=made[3])) == [made[2], made[1]]
    assert jobs.total(Chosen()) == 5


def test_choosing(house):
    one = job("failed", task="rescue", asset=5)
    job("queued", task="rescue")
    job("failed", task="check_disk")
    assert ids(jobs.listed(Chosen(states=("failed",), task="rescue", asset=5))) == [one.id]
    assert jobs.total(Chosen(states=("failed", "queued"))) == 3
    assert jobs.total(Chosen(task="nothing")) == 0


def test_a_member_sees_what_is_about_them(anna, ben):
    hers, his = row(anna, 1), row(ben, 2)
    job(asset=hers.id)
    mine, report = job(asset=his.id), job(user=ben.id, task="report_uploads")
    job(user=anna.id)
    job(task="rescue")
    assert ids(jobs.listed(Chosen(user=ben))) == [report.id, mine.id]
    assert jobs.total(Chosen(user=ben)) == 2


def test_a_foreign_job_and_none_look_alike(anna, ben):
    foreign = job(asset=row(anna, 1).id)
    assert jobs.get(foreign.id).id == foreign.id
    assert jobs.get(foreign.id, anna).id == foreign.id
    for number in (foreign.id, 77):
        with pytest.raises(NotFound, match="There is no such job"):
            jobs.get(number, ben)


def test_children(house):
    parent = job()
    one, two = job(parent=parent.id), job(parent=parent.id)
    assert jobs.children([parent, one]) == {parent.id: [one.id, two.id], one.id: []}


@pytest.mark.parametrize("state", ledger.STATES)
def test_trying_again(house, state):
    one = job(state, task="rescue", worker="somebody" if state == "running" else None)
    if state in ("failed", "cancelled", "quarantined"):
        steering.retry(one, "Anna")
        assert Job.get().state == "queued"
    else:
        with pytest.raises(Conflict, match="only one"):
            steering.retry(one, "Anna")
        assert (Job.get().state, Job.get().worker) == (state, one.worker)


@pytest.mark.parametrize("state", ledger.STATES)
def test_cancelling(house, state):
    one = job(state, task="rescue")
    if state in ledger.WAITING:
        steering.cancel(one, "Anna")
        assert (Job.get().state, Job.get().error) == ("cancelled", "It was cancelled by Anna.")
    else:
        with pytest.raises(Conflict, match="only one"):
            steering.cancel(one, "Anna")
        assert Job.get().state == state


def test_trying_all_again(anna, ben):
    mine, hers = row(ben, 1, state="failed"), row(anna, 2, state="failed")
    for asset in (mine, hers):
        job("failed", asset=asset.id, args=f"[{asset.id}]")
    job("quarantined", asset=mine.id, args=f"[{mine.id}]")
    job("cancelled", asset=mine.id, args=f"[{mine.id}]")
    assert steering.retry_all(jobs.Chosen(ben), "Ben") == 2
    assert Asset.get_by_id(mine.id).state == "pending"
    assert Asset.get_by_id(hers.id).state == "failed"
    assert steering.retry_all(jobs.Chosen(), "Anna") == 1
    assert steering.retry_all(jobs.Chosen(), "Anna") == 0
    assert ledger.counts()["cancelled"] == 1


def test_pausing(house):
    until = steering.pause(60, "Anna")
    assert holds.paused_until() == until
    assert 59 < until - time.time() <= 60
    assert steering.pause(None, "Anna") > time.time() + 50 * 365 * 86400
    steering.resume("Anna")
    assert holds.paused_until() == 0


def test_resuming_wakes_the_workers(house, monkeypatch):
    rang = []
    monkeypatch.setattr(queue.storage, "enqueue", lambda *args: rang.append(args))
    steering.resume("Anna")
    assert rang


def test_only_the_living_work(house):
    workers.register("worker")
    Worker.create(identity=identity() + "0", parent=identity())
    assert [worker.identity for worker in figures.present_workers()] == [identity()]


def test_the_longest_wait(house):
    now = time.time()
    assert figures.oldest_wait() == 0
    job("scheduled", due_at=now + 50)
    job("running", due_at=now - 500)
    assert figures.oldest_wait() == 0
    job("queued", due_at=now - 5, queued_at=now - 5)
    job("retrying", due_at=now - 9, queued_at=now - 99)
    assert 9 <= figures.oldest_wait() < 12


def test_throughput_and_counts(house):
    now = time.time()
    job("succeeded", task="rescue", finished_at=now - 10)
    job("succeeded", task="rescue", finished_at=now - 100)
    job("failed", task="rescue", finished_at=now - 10)
    job("queued", task="check_disk")
    assert (figures.throughput(60), figures.throughput(3600)) == (1, 2)
    assert figures.counts_by_task() == {
        "rescue": {"succeeded": 2, "failed": 1},
        "check_disk": {"queued": 1},
    }


def test_periodic_work(house):
    rows = {one["task"]: one for one in figures.periodic()}
    chores = {"check_disk", "rescue", "purge_trash", "forget_stale", "tally"}
    assert set(rows) == chores | {"empty_inbox"}
    assert rows["rescue"]["last_run"] is None
    assert [name for name in rows if rows[name]["on_demand"]] == ["empty_inbox"]
    assert rows["rescue"]["next_due"] > time.time()
    last = job("succeeded", task="rescue", started_at=78.0, finished_at=79.0)
    Periodic.create(task="rescue", last_due=77.0, job=last.id)
    Periodic.create(task="check_disk", last_due=78.0, job=None)
    rows = {one["task"]: one for one in figures.periodic()}
    assert (rows["rescue"]["last_run"], rows["rescue"]["last_job"].id) == (79.0, last.id)
    assert rows["check_disk"]["last_run"] is None
    steering.run_now("rescue", "Anna")
    for is_on in (False, True):
        steering.switch("rescue", "Anna", is_on=is_on)
    row = {one["task"]: one for one in figures.periodic()}["rescue"]
    assert (row["last_run"], row["last_job"].state) == (79.0, "queued")
    Job.update(state="failed", finished_at=99.0).where(Job.id == row["last_job"].id).execute()
    assert {one["task"]: one for one in figures.periodic()}["rescue"]["last_run"] == 99.0
    Job.delete().execute()
    assert {one["task"]: one for one in figures.periodic()}["rescue"]["last_job"] is None


@pytest.mark.parametrize(
    ("task", "filename", "words"),
    [
        ("process_asset", "sea.jpg", "Making the preview of sea.jpg"),
        ("process_asset", None, "Making the preview of a photo"),
        ("process_asset", "{x} {0}.jpg", "Making the preview of {x} {0}.jpg"),
        ("purge_trash", None, "Emptying the trash"),
        ("was_renamed", None, "was_renamed"),
    ],
)
def test_what_a_job_does_in_words(house, task, filename, words):
    assert jobs.label(job(task=task), filename) == words


def test_file_names_of_jobs(ben):
    asset = row(ben, 1, filename="sea.jpg")
    found = [job(asset=asset.id), job(asset=77), job()]
    assert jobs.filenames(found) == {asset.id: "sea.jpg"}
    assert jobs.filenames([]) == {}
