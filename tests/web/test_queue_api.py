"""The queue as programs and the buttons of the activity page see it."""

import time

import pytest
from peewee import OperationalError

from homequeue import holds, ledger
from homequeue.media import media
from homequeue.models import Asset, Job, Periodic, Worker
from homequeue.processes import identity
from homequeue.queue import queue, workers
from homequeue.services import users
from tests.library import job, jpeg, row, send

FIELDS = {
    "id", "task", "args", "state", "asset", "owner", "attempts", "max_attempts", "queued_at",
    "due_at", "started_at", "finished_at", "duration", "result", "error", "traceback", "worker",
    "parent", "children", "progress",
}  # fmt: skip
#: What one job tells beyond what a list tells of each.
DETAILS = {"batch", "follower", "waits_for", "step", "deaths", "expires_at", "timeout", "memory"}
DETAILS |= {"stopped_by", "dismissed_at", "history", "log"}


def ids(answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [one["id"] for one in answer.json["jobs"]]


def test_a_job_as_the_contract_has_it(as_ben, ben):
    asset = row(ben, 1)
    one = job(
        "succeeded", asset=asset.id, args=f"[{asset.id}]", attempts=2, max_attempts=5,
        queued_at=1720800000, due_at=1720800001, started_at=1720800002, finished_at=1720800003.25,
        result='{"a": 1}', worker="me",
    )  # fmt: skip
    child = job(parent=one.id, asset=asset.id)
    found = as_ben.get(f"/api/jobs/{one.id}").json
    assert set(found) == FIELDS | DETAILS
    assert (found["task"], found["args"], found["state"]) == ("process_asset", [1], "succeeded")
    assert (found["owner"], found["attempts"], found["max_attempts"]) == ("Ben", 2, 5)
    assert found["queued_at"] == "2024-07-12T16:00:00.000Z"
    assert found["finished_at"] == "2024-07-12T16:00:03.250Z"
    assert found["duration"] == 1.25
    assert found["result"] == {"a": 1}
    assert found["children"] == [child.id]
    assert as_ben.get(f"/api/jobs/{child.id}").json["parent"] == one.id


def test_lists_by_state_task_and_asset(as_anna, anna):
    row(anna, 1)
    for state in ledger.STATES:
        job(state, asset=1 if state == "failed" else None)
    other = job(task="rescue")
    assert len(ids(as_anna.get("/api/jobs"))) == len(ledger.STATES) + 1
    assert ids(as_anna.get("/api/jobs")) == sorted(ids(as_anna.get("/api/jobs")), reverse=True)
    assert len(ids(as_anna.get("/api/jobs?state=failed"))) == 1
    assert len(ids(as_anna.get("/api/jobs?state=failed,cancelled%20running"))) == 3
    assert ids(as_anna.get("/api/jobs?task=rescue")) == [other.id]
    assert ids(as_anna.get("/api/jobs?task=nothing")) == []
    assert len(ids(as_anna.get("/api/jobs?asset=1"))) == 1


def test_pages_of_jobs(as_anna):
    made = [job().id for _ in range(7)]
    seen, cursor = [], ""
    for _ in range(10):
        answer = as_anna.get(f"/api/jobs?limit=3{cursor}")
        seen += ids(answer)
        if answer.json["next"] is None:
            break
        cursor = f"&cursor={answer.json['next']}"
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    ["state=nonsense", "state=queued,x", "limit=0", "asset=x", "asset=0", "cursor=-1",
     "asset=" + "9" * 30, "cursor=" + "9" * 30, "asset=9223372036854775808", "limit=" + "9" * 5000],
)  # fmt: skip
def test_what_cannot_be_asked(as_anna, query):
    assert as_anna.get(f"/api/jobs?{query}").status == 422


def test_members_see_their_own_jobs_only(as_ben, as_anna, ben, anna):
    mine, hers = row(ben, 1), row(anna, 2)
    own = job(asset=mine.id)
    foreign, chore = job(asset=hers.id), job(task="rescue")
    assert ids(as_ben.get("/api/jobs")) == [own.id]
    assert ids(as_anna.get("/api/jobs")) == [chore.id, foreign.id, own.id]


def test_members_see_figures_of_their_own_jobs_only(as_ben, as_anna, ben, anna):
    now = time.time()
    mine, hers = row(ben, 1).id, row(anna, 2).id
    job("failed", asset=mine)
    job("succeeded", asset=hers, finished_at=now)
    job("queued", asset=hers, due_at=now - 50)
    job("succeeded", task="rescue", finished_at=now)
    found = as_ben.get("/api/queue").json
    assert {state: n for state, n in found["counts"].items() if n} == {"failed": 1}
    assert found["tasks"] == {"process_asset": {"failed": 1}}
    assert (found["throughput"], found["oldest_wait"]) == ({"minute": 0, "hour": 0}, 0)
    found = as_anna.get("/api/queue").json
    assert (found["counts"]["succeeded"], found["counts"]["queued"]) == (2, 1)
    assert found["throughput"] == {"minute": 2, "hour": 2}
    assert found["oldest_wait"] >= 50


# Again, or not at all


def test_trying_again(as_ben, ben):
    asset = row(ben, 1, state="failed", error="It rained.")
    one = job("failed", asset=asset.id, args=f"[{asset.id}]", error="It rained.", attempts=5)
    answer = as_ben.post(f"/api/jobs/{one.id}/retry")
    assert (answer.status, answer.json["state"], answer.json["attempts"]) == (200, "queued", 0)
    assert (Asset.get().state, Asset.get().error) == ("pending", None)


@pytest.mark.parametrize("state", ledger.STATES)
def test_only_what_ended_badly_is_tried_again(as_anna, state):
    one = job(state, task="rescue")
    answer = as_anna.post(f"/api/jobs/{one.id}/retry")
    good = state in ("failed", "cancelled", "quarantined")
    assert answer.status == (200 if good else 409)
    if not good:
        assert "only one that ended badly" in answer.json["error"]
    assert Job.get().state == ("queued" if good else state)


@pytest.mark.parametrize("state", ledger.STATES)
def test_only_what_waits_is_cancelled(as_anna, state):
    one = job(state, task="rescue")
    answer = as_anna.post(f"/api/jobs/{one.id}/cancel")
    good = state in ledger.WAITING
    assert answer.status == (200 if good else 409)
    assert Job.get().state == ("cancelled" if good else state)


def test_all_that_waits_of_a_batch_or_a_kind_is_cancelled(as_ben, as_anna, ben, anna):
    for number, owner in enumerate((ben, ben, anna), 1):
        job(asset=row(owner, number).id, args=f"[{number}]", batch=number)
    job("scheduled", task="convert_video", asset=1, args="[1]", batch=1)
    path = "/api/jobs/cancel-waiting"
    for body in ({}, {"task": ""}, {"kind": "x"}, {"batch": 0}, {"batch": 1.5}, {"batch": "1"}):
        assert as_anna.post(path, json=body).status == 422, body
    assert as_ben.post(path, json={"batch": 3}).json == {"jobs": 0}, "it is Anna's"
    assert as_ben.post(path, json={"batch": 1, "task": "convert_video"}).json == {"jobs": 1}
    answer = as_ben.post(path, form={"batch": "1", "next": "/activity?said=cancelled"})
    assert answer.header("Location") == "/activity?said=cancelled"
    answer = as_ben.post(path, form={"batch": "1", "next": "/activity?said=cancelled"})
    assert answer.header("Location") == "/activity?said=skipped"
    assert as_anna.post(path, json={"task": "process_asset"}).json == {"jobs": 2}
    assert {one.state for one in Job.select()} == {"cancelled"}


def test_cancelling_the_work_of_a_photo_says_so_on_it(as_ben, ben):
    asset = send(ben, jpeg()).asset
    one = Job.get()
    assert as_ben.post(f"/api/jobs/{one.id}/cancel").json["state"] == "cancelled"
    stored = Asset.get_by_id(asset.id)
    assert (stored.state, stored.error) == ("failed", "It was cancelled by Ben.")
    as_ben.post(f"/api/jobs/{one.id}/retry")
    assert Asset.get_by_id(asset.id).state == "pending"


def test_all_failed_ones_at_once_but_only_ones_own(as_ben, ben, anna):
    mine = [row(ben, n, state="failed").id for n in (1, 2)]
    hers = row(anna, 3, state="failed").id
    for asset in (*mine, hers):
        job("failed", asset=asset, args=f"[{asset}]")
    job("cancelled", asset=mine[0], args=f"[{mine[0]}]")
    answer = as_ben.post("/api/jobs/retry-failed", form={})
    assert (answer.status, answer.header("Location")) == (303, "/activity")
    assert [one.state for one in Job.select().order_by(Job.id)] == [
        "queued", "queued", "failed", "cancelled",
    ]  # fmt: skip
    assert Asset.get_by_id(hers).state == "failed"


def test_the_buttons_lead_back(as_anna):
    one = job("failed", task="rescue")
    answer = as_anna.post(f"/api/jobs/{one.id}/retry", form={"next": "/assets/5"})
    assert answer.header("Location") == "/assets/5"
    answer = as_anna.post(f"/api/jobs/{one.id}/cancel", form={})
    assert answer.header("Location") == "/activity"
    assert as_anna.post(f"/api/jobs/{one.id}/cancel", form={}).status == 409


# The queue as a whole


def test_the_queue_as_the_contract_has_it(as_anna):
    workers.register("worker")
    now = time.time()
    job("queued", due_at=now - 5, queued_at=now - 5)
    job("succeeded", task="rescue", finished_at=now - 10)
    job("succeeded", task="rescue", finished_at=now - 100)
    last = job("failed", task="check_disk")
    Periodic.create(task="check_disk", last_due=now - 60, job=last.id)
    found = as_anna.get("/api/queue").json
    assert set(found["counts"]) == set(ledger.STATES)
    assert found["counts"]["succeeded"] == 2
    assert found["tasks"]["rescue"] == {"succeeded": 2}
    assert [worker["identity"] for worker in found["workers"]] == [identity()]
    assert found["throughput"] == {"minute": 1, "hour": 2}
    assert 5 <= found["oldest_wait"] < 10
    assert found["paused_until"] is None
    periodic = {one["task"]: one for one in found["periodic"]}
    chores = {"check_disk", "rescue", "purge_trash", "forget_stale", "tally"}
    assert set(periodic) == chores | {"empty_inbox"}
    assert periodic["check_disk"]["last_state"] == "failed"
    assert periodic["rescue"]["last_state"] is None
    assert all(one["next_due"] for one in periodic.values())


def test_what_is_held_back_is_told_to_whom_it_concerns(as_anna, as_ben, anna, ben, night):
    job(asset=row(anna, 1).id, priority=0)
    job(asset=row(ben, 2).id, priority=0)
    job("succeeded", asset=row(ben, 3).id, started_at=1.0, finished_at=3.0)
    found = as_anna.get("/api/queue").json
    ((why, task, count),) = [(one["why"], one["task"], one["jobs"]) for one in found["held"]]
    assert (why, task, count) == ("quiet", None, 2)
    assert found["held"][0]["until"]
    assert found["seconds_left"] is None
    assert [one["jobs"] for one in as_ben.get("/api/queue").json["held"]] == [1]
    job(asset=row(ben, 4).id, priority=10)
    assert as_ben.get("/api/queue").json["seconds_left"] is None, "nobody works"
    workers.register("worker")
    assert as_ben.get("/api/queue").json["seconds_left"] > 0


def test_dead_workers_are_not_shown(as_anna):
    Worker.create(identity=identity() + "0", parent=identity())
    assert as_anna.get("/api/queue").json["workers"] == []


def test_pausing_and_resuming(as_anna):
    job()
    found = as_anna.post("/api/queue/pause").json
    assert found["paused_until"] > "2100"
    assert queue.dequeue() is None
    assert as_anna.post("/api/queue/resume").json["paused_until"] is None
    assert queue.dequeue() is not None


def test_pausing_for_a_while(as_anna):
    as_anna.post("/api/queue/pause", json={"seconds": 60})
    assert time.time() + 50 < holds.paused_until() < time.time() + 70


@pytest.mark.parametrize("body", ['{"seconds": 0}', '{"seconds": -1}', '{"seconds": "60"}',
                                  '{"seconds": true}', '{"seconds": 1e400}', '{"seconds": NaN}',
                                  '{"seconds": [1]}', "[]"])  # fmt: skip
def test_a_pause_that_cannot_be(as_anna, body):
    assert as_anna.post("/api/queue/pause", body=body.encode()).status == 422
    assert holds.paused_until() == 0


def test_the_buttons_pause_and_resume(as_anna):
    assert as_anna.post("/api/queue/pause", form={}).header("Location") == "/activity"
    assert holds.paused_until() > time.time() + 10**8
    as_anna.post("/api/queue/resume")
    assert holds.paused_until() == 0


# Health


def test_health(nobody, house):
    assert nobody.get("/healthz").json["status"] == "ok"


def test_a_monitor_with_a_cookie_does_not_depend_on_the_database(as_anna, monkeypatch):
    def away(*_):
        raise OperationalError("no connection")

    monkeypatch.setattr(users, "by_session", away)
    assert as_anna.get("/healthz").status == 200
    assert as_anna.get("/api/queue").status == 503


def test_ready_when_everything_is_there(nobody, house):
    answer = nobody.get("/readyz")
    assert (answer.status, answer.json["error"]) == (503, "No worker is running.")
    workers.register("worker")
    assert nobody.get("/readyz").json == {"status": "ready"}
    (media.root / "originals" / ".homequeue").unlink()
    assert nobody.get("/readyz").status == 503
    assert nobody.get("/healthz").status == 200


def test_a_list_knows_what_it_can_be_narrowed_down_by(as_anna, anna):
    job("succeeded", asset=row(anna, 1).id)
    job(task="rescue")
    assert len(ids(as_anna.get("/api/jobs?q=IMG_1"))) == 1
    for name in ("name", "states"):
        answer = as_anna.get(f"/api/jobs?{name}=IMG_1")
        assert answer.status == 422
        assert f"no {name} here: state, task, q," in answer.json["error"]
