"""Stopping what runs: at once and by force, without harm to anything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes.chains import KITCHEN
from tests.processes.servers import NAME, Homequeue, eventually, is_alive, running, slow_photo
from tests.processes.test_poison import defer, job, quickly, worker_of

pytestmark = [pytest.mark.slow, pytest.mark.rows]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Homequeue]:
    with running(tmp_path / "house", module=KITCHEN) as server:
        yield server


def stop(server: Homequeue, number: int) -> Any:
    return server.post(f"/api/jobs/{number}/stop")


@pytest.mark.parametrize("asked", [["work", 60], ["work_deaf", 60]], ids=["work", "in C"])
def test_a_running_job_is_stopped_with_its_worker(server: Homequeue, asked: list[Any]) -> None:
    other, number = defer(server, ["work", 4], asked)
    pid, neighbour = worker_of(server, number), worker_of(server, other)
    with quickly(3, "stopping"):
        answer = stop(server, number)
        assert answer.status == 200, answer.text
        row = job(server, number)
        assert (row["state"], row["error"]) == ("cancelled", f"It was stopped by {NAME}.")
        assert not is_alive(pid)
    assert is_alive(neighbour)
    assert job(server, other)["state"] == "running"
    after = defer(server, ["work", 0])[0]
    eventually(server.is_idle, "the others are done", 20)
    assert {job(server, one)["state"] for one in (other, after)} == {"succeeded"}
    assert job(server, other)["deaths"] == 0


def test_a_photo_that_takes_too_long_is_stopped_in_its_sandbox(server: Homequeue) -> None:
    server.upload(slow_photo(1), "slow.png")
    eventually(lambda: server.pids()["decoder"], "the photo is opened", 20)
    decoder = server.pids()["decoder"][0]
    number = server.get("/api/jobs?task=process_asset")["jobs"][0]["id"]
    with quickly(3, "stopping"):
        assert stop(server, number).status == 200
        eventually(lambda: not is_alive(decoder), "the child is gone", 3)
    asset = server.assets()[0]
    assert (asset["state"], asset["error"]) == ("failed", f"It was stopped by {NAME}.")
    assert server.post(f"/api/jobs/{number}/retry").status == 200
    assert server.settled(1, 40)[0]["state"] == "ready"


def test_what_was_stopped_can_be_asked_for_again(server: Homequeue) -> None:
    number = defer(server, ["work", 1])[0]
    worker_of(server, number)
    stop(server, number)
    assert stop(server, number).status == 409
    server.post(f"/api/jobs/{number}/retry")
    eventually(server.is_idle, "it is done", 20)
    row = job(server, number)
    assert (row["state"], row["attempts"], row["deaths"]) == ("succeeded", 1, 0)


def test_ten_in_a_row_are_stopped_and_the_work_goes_on(server: Homequeue) -> None:
    numbers = defer(server, *([["work", 60]] * 10), ["work", 0])
    for number in numbers[:-1]:
        worker_of(server, number)
        assert stop(server, number).status == 200
    eventually(server.is_idle, "the last is done", 30)
    assert job(server, numbers[-1])["state"] == "succeeded"
    assert {job(server, number)["state"] for number in numbers[:-1]} == {"cancelled"}
