"""Each entry of the vocabulary in docs/queue.md, by real processes, wherever the queue is kept."""

import itertools
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homequeue import ledger
from tests.postgres import Cluster
from tests.processes.chains import COURSE, KITCHEN
from tests.processes.servers import NAME, ROOT, Homequeue, eventually, running
from tests.processes.torture import redis_server

pytestmark = pytest.mark.slow

Test = Callable[..., None]
#: The entries of the vocabulary that a test here is about.
TRIED: list[str] = []


def about(*entries: str) -> Callable[[Test], Test]:
    """Say which entries a test is about, by the words in their first column."""
    TRIED.extend(entries)
    return lambda test: test


class Guest:
    """Orders from the menu, and looks at what comes of it."""

    def __init__(self, server: Homequeue) -> None:
        self.server = server
        pipe = subprocess.PIPE
        own = {"cwd": server.folder, "env": server._environment(), "text": True}
        self._waiter = subprocess.Popen(server._argv("defer"), stdin=pipe, stdout=pipe, **own)

    def order(self, name: str) -> Any:
        """Have something of the menu deferred, by a process of its own; the numbers of the jobs."""
        assert self._waiter.stdin is not None
        assert self._waiter.stdout is not None
        self._waiter.stdin.write(json.dumps({"order": name}) + "\n")
        self._waiter.stdin.flush()
        return json.loads(self._waiter.stdout.readline())

    def job(self, number: int) -> dict[str, Any]:
        return self.server.get(f"/api/jobs/{number}")

    def jobs(self, task: str) -> list[dict[str, Any]]:
        return self.server.get(f"/api/jobs?task={task}")["jobs"]

    def becomes(self, number: int, *states: str) -> dict[str, Any]:
        """A job once it is in one of these states."""

        def look() -> dict[str, Any]:
            job = self.job(number)
            return job if job["state"] in states else {}

        return eventually(look, f"job {number} is {' or '.join(states)}", 30)

    def ended(self, number: int) -> dict[str, Any]:
        return self.becomes(number, *ledger.ENDED)

    def act(self, number: int, action: str) -> None:
        answer = self.server.post(f"/api/jobs/{number}/{action}")
        assert answer.status == 200, answer.text

    def pause(self, seconds: float, task: str) -> None:
        answer = self.server.post("/api/queue/pause", {"seconds": seconds, "task": task})
        assert answer.status == 200, answer.text

    def leave(self) -> None:
        self._waiter.kill()
        self._waiter.communicate()


def at(job: dict[str, Any], which: str) -> float:
    return datetime.fromisoformat(job[which]).timestamp()


def moves(job: dict[str, Any]) -> list[str]:
    return [line["state"] for line in job["history"]]


@pytest.fixture(scope="module", params=["SQLite", "Redis", "PostgreSQL"])
def guest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """A guest of one kitchen for all tests; it is in the midst of its quiet hours."""
    place = tmp_path_factory.mktemp("vocabulary")
    now, hours = datetime.now(), timedelta(hours=2)
    settings = {"queue_quiet_hours": f"{now - hours:%H:%M}-{now + hours:%H:%M}"}
    if request.param == "PostgreSQL":
        cluster: Cluster = request.getfixturevalue("cluster").start()
        cluster.fresh()
        settings["database_url"] = cluster.url()
    with redis_server(place) as redis_url:
        if request.param == "Redis":
            settings["queue_url"] = redis_url
        with running(place / "house", module=KITCHEN, **settings) as server:
            eventually(lambda: server.request("GET", "/readyz").status == 200, "workers are there")
            guest = Guest(server)
            yield guest
            guest.leave()


def test_each_entry_of_the_vocabulary_is_tried_here() -> None:
    page = Path(ROOT, "docs/queue.md").read_text().split("## Vocabulary")[1].split("\n## ")[0]
    entries = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    assert entries[0] == "to"
    assert set(entries[1:]) == {*TRIED}


@about("defer")
def test_a_call_is_a_job(guest: Guest) -> None:
    for order, result in (("a dish", "warm"), ("a dish by name", "named")):
        job = guest.ended(guest.order(order))
        assert (job["state"], job["result"], job["attempts"]) == ("succeeded", result, 1)


@about("defer")
def test_what_is_rolled_back_is_no_job(guest: Guest) -> None:
    assert guest.order("nothing after all") is None
    guest.ended(guest.order("a dish"))
    assert ["rolled back"] not in [job["args"] for job in guest.jobs("dish")]


@about("defer")
def test_an_idle_worker_is_woken_by_the_bell(guest: Guest) -> None:
    waits = []
    for _ in range(5):
        time.sleep(0.3)
        job = guest.ended(guest.order("a dish"))
        waits.append(at(job, "started_at") - at(job, "queued_at"))
    # Without a bell a worker looks every second at the most.
    assert sorted(waits)[2] < 0.4, waits


@about("delay, or a moment")
@pytest.mark.parametrize("order", ["later", "at a moment"])
def test_what_is_put_off_begins_when_it_is_due(guest: Guest, order: str) -> None:
    number = guest.order(order)
    assert guest.job(number)["state"] == "scheduled"
    job = guest.ended(number)
    assert job["state"] == "succeeded"
    # Nobody looks around that soon: somebody has slept until that moment.
    assert at(job, "due_at") <= at(job, "started_at") < at(job, "due_at") + 8
    # A moment without a time zone counts to the second.
    assert 0 < at(job, "due_at") - at(job, "queued_at") < 2.2


@about("give up if not begun in time", "pause")
def test_a_pause_ends_by_itself_and_what_came_too_late_is_given_up(guest: Guest) -> None:
    guest.pause(2, "awaited")
    in_vain, patient = guest.order("soon or never")
    other = guest.ended(guest.order("a dish"))
    assert guest.job(patient)["state"] == "queued"
    assert guest.job(patient)["started_at"] is None
    job = guest.ended(in_vain)
    assert (job["state"], job["error"]) == ("cancelled", "It was not begun in time.")
    job = guest.ended(patient)
    assert (job["state"], job["result"]) == ("succeeded", "patient")
    assert at(job, "started_at") > at(other, "finished_at")


@about("be first, or last")
def test_the_most_urgent_is_first_and_equal_ones_come_in_order(guest: Guest) -> None:
    written = guest.order("by urgency")
    urgency = dict(zip(written, (5, 10, 20, 5, 20, 10), strict=True))
    jobs = sorted(
        (guest.ended(n) for n in written), key=lambda job: (-urgency[job["id"]], job["id"])
    )
    for before, after in itertools.pairwise(jobs):
        # Two workers may take two at once, and then it is chance who writes first.
        assert at(before, "started_at") < at(after, "started_at") + COURSE / 2


@about("leave a place")
def test_long_work_leaves_a_place_for_others(guest: Guest) -> None:
    feasts = guest.order("feasts")
    guest.becomes(feasts[0], "running", *ledger.ENDED)
    dish = guest.ended(guest.order("a dish"))
    spans = sorted(
        (at(job, "started_at"), at(job, "finished_at")) for job in map(guest.ended, feasts)
    )
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    assert at(dish, "started_at") < spans[-1][0]


@about("try again")
def test_what_may_pass_is_tried_again_after_growing_delays(guest: Guest) -> None:
    job = guest.ended(guest.order("moody"))
    assert (job["state"], job["result"], job["attempts"]) == ("succeeded", 3, 3)
    assert moves(job) == ["queued", *["running", "retrying"] * 2, "running", "succeeded"]
    moments = [datetime.fromisoformat(line["at"]).timestamp() for line in job["history"]]
    first, second = (moments[at + 1] - moments[at] for at in (2, 4))
    assert first >= 0.35
    assert second >= 0.7


@about("try again", "cancel, stop, bring back")
def test_what_does_not_pass_is_tried_again_only_when_asked(guest: Guest) -> None:
    number = guest.order("fussy")
    job = guest.ended(number)
    assert (job["state"], job["attempts"]) == ("failed", 1)
    assert job["error"] == "Something unexpected went wrong (ValueError)."
    assert job["traceback"].endswith("ValueError: This is no egg.\n")
    told = "select value from fact where name = 'sent back'"
    assert [json.loads(row[0]) for row in guest.server.rows(told)] == [job["error"]]
    guest.act(number, "retry")
    assert guest.ended(number)["result"] == "egg"
    assert guest.server.rows(told) == []


@about("chain")
def test_a_chain_hands_its_results_on(guest: Guest) -> None:
    first = guest.order("a chain")
    second = guest.job(first)["follower"]
    third = guest.job(second)["follower"]
    assert third is not None, "all steps are rows from the start"
    assert [guest.ended(number)["result"] for number in (first, second, third)] == [1, 3, 6]


@about("chain")
def test_a_chain_that_broke_goes_on_where_it_broke(guest: Guest) -> None:
    number = guest.order("a chain that breaks")
    assert guest.ended(number)["state"] == "failed"
    after = guest.job(number)["follower"]
    assert guest.ended(after)["state"] == "cancelled"
    guest.act(number, "retry")
    job = eventually(lambda: _succeeded(guest.job(after)), "it is done after all", 30)
    assert job["result"] == "egg"


@about("group, with a follow-up")
def test_what_follows_a_group_is_given_all_its_results(guest: Guest) -> None:
    job = guest.ended(guest.order("a group"))
    assert (job["state"], job["result"]) == ("succeeded", ["soup", None, "jam"])


@about("have a result")
def test_a_result_can_be_waited_for(guest: Guest) -> None:
    job = guest.job(guest.order("a result"))
    assert (job["state"], job["result"]) == ("succeeded", "result")


@about("tell progress")
def test_progress_is_seen_while_the_work_goes_on(guest: Guest) -> None:
    number = guest.order("progress")

    def look() -> bool:
        job = guest.job(number)
        told = (job["state"], job["step"], job["progress"])
        return told == ("running", "Stirring", 0.4)

    eventually(look, "the progress is told", 20)
    assert guest.ended(number)["state"] == "succeeded"


@about("see states and history")
def test_a_history_says_when_and_who(guest: Guest) -> None:
    number = guest.order("tomorrow")
    guest.act(number, "cancel")
    guest.act(number, "retry")
    job = guest.ended(number)
    states = ["scheduled", "cancelled", "queued", "running", "succeeded"]
    assert moves(job) == states
    assert [line.get("who") for line in job["history"]] == [None, None, NAME, job["worker"], None]
    assert job["history"][1]["words"] == f"It was cancelled by {NAME}."
    moments = [line["at"] for line in job["history"]]
    assert moments == sorted(moments)


@about("cancel, stop, bring back")
def test_what_waits_can_be_cancelled_and_brought_back(guest: Guest) -> None:
    number = guest.order("tomorrow")
    guest.act(number, "cancel")
    assert guest.job(number)["state"] == "cancelled"
    guest.act(number, "retry")
    assert guest.ended(number)["result"] == "tomorrow"


@about("cancel, stop, bring back")
def test_what_runs_can_be_stopped(guest: Guest) -> None:
    number = guest.order("long")
    guest.becomes(number, "running")
    guest.act(number, "stop")
    job = guest.job(number)
    assert (job["state"], job["error"]) == ("cancelled", f"It was stopped by {NAME}.")
    assert guest.ended(guest.order("a dish"))["state"] == "succeeded"


@about("limit the time")
def test_what_takes_longer_than_it_may_is_broken_off(guest: Guest) -> None:
    job = guest.ended(guest.order("too long"))
    assert (job["state"], job["error"]) == ("failed", "It took longer than the 1 s it may take.")


@about("limit the rate")
def test_a_rate_holds_for_all_workers_together(guest: Guest) -> None:
    jobs = [guest.ended(number) for number in guest.order("three rare ones")]
    assert {job["state"] for job in jobs} == {"succeeded"}
    begun = sorted(at(job, "started_at") for job in jobs)
    assert begun[2] - begun[0] >= 2


@about("queue the same once")
def test_the_same_waits_once_and_becomes_as_urgent_as_the_most_urgent_call(guest: Guest) -> None:
    first, second = guest.order("the same twice")
    assert second is None
    assert guest.server.rows("select priority from job where id = ?", first)[0][0] == 20
    assert guest.ended(first)["state"] == "succeeded"


@about("queue the same once")
def test_the_same_does_not_run_side_by_side(guest: Guest) -> None:
    first = guest.order("the same")
    guest.becomes(first, "running")
    second = guest.order("the same")
    assert second not in (None, first)
    assert at(guest.ended(second), "started_at") >= at(guest.ended(first), "finished_at")


@about("queue the same once")
def test_what_is_once_enough_is_not_queued_while_it_runs(guest: Guest) -> None:
    first = guest.order("once")
    guest.becomes(first, "running")
    assert guest.order("once") is None
    guest.ended(first)
    assert guest.ended(guest.order("once"))["state"] == "succeeded"


@about("repeat")
def test_what_was_missed_is_made_up_for_once_whoever_looks(guest: Guest) -> None:
    rows = guest.server.rows
    names = "task in ('spring_clean', 'wait_for_snow')"
    seen = f"select count(*) from periodic where {names}"
    eventually(lambda: rows(seen)[0][0] == 2, "a worker knows of them", 20)
    before = len(guest.jobs("spring_clean"))
    rows(f"update periodic set last_due = last_due - 3 * 86400 where {names}")
    for _ in range(2):
        for pid in guest.server.pids()["worker"]:
            guest.server.kill_pid(pid)
        # Whoever does this has looked at the clock before.
        guest.ended(guest.order("a dish"))
    done = guest.jobs("spring_clean")
    assert len(done) == before + 1, "three days fold into one run"
    assert guest.ended(done[0]["id"])["result"] == "clean"
    assert guest.jobs("wait_for_snow") == [], "nothing is written for what is not wanted"


@about("keep quiet")
def test_in_quiet_hours_neither_noise_nor_bulk_work_begins(guest: Guest) -> None:
    held = guest.order("noise")
    assert guest.ended(guest.order("a dish"))["state"] == "succeeded"
    assert [guest.job(number)["state"] for number in held] == ["queued", "queued"]
    for number in held:
        guest.act(number, "cancel")


@about("know that all of it works")
def test_a_ping_goes_through_the_whole_queue(guest: Guest) -> None:
    done = guest.server.cli("jobs", "ping")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Answered by Worker( \d+)? in \d+ ms\.\n", done.stdout), done.stdout


def test_nothing_of_it_went_wrong_in_silence(guest: Guest) -> None:
    assert guest.server.jobs().keys() <= {"succeeded", "failed", "cancelled"}
    assert "cannot be used" not in guest.server.err
    assert "does not answer" not in guest.server.err


def _succeeded(job: dict[str, Any]) -> dict[str, Any]:
    return job if job["state"] == "succeeded" else {}
