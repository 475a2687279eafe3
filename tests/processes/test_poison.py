"""Work that ends, blocks or starves its worker: it is told why, and no other work suffers."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from homequeue import ledger
from tests.processes.chains import KITCHEN
from tests.processes.servers import Homequeue, eventually, running

pytestmark = [pytest.mark.slow, pytest.mark.rows]

DEADLY = "It crashed three times, so it was set aside."
LONG = "It took longer than the 1 s it may take."
#: What is put in, and how it has to end.
POISON: dict[str, tuple[list[Any], str, str]] = {
    "a write where nothing is": (["crash"], "quarantined", DEADLY),
    "an end without a word": (["vanish", 3], "quarantined", DEADLY),
    "an end that looks well": (["vanish", 0], "quarantined", DEADLY),
    "an end of the program": (["leave"], "failed", "The work tried to end its worker."),
    "too much memory": (["eat"], "failed", "It needed more memory than it may have."),
    "no end": (["spin"], "failed", LONG),
    "no end and no ears": (["spin_deaf"], "failed", LONG),
}


def defer(server: Homequeue, *asked: list[Any]) -> list[int]:
    """Put work in; the numbers of the jobs."""
    done = server.cli("defer", stdin="".join(json.dumps(words) + "\n" for words in asked))
    assert done.returncode == 0, done.stderr
    return list(map(int, done.stdout.split()))


def job(server: Homequeue, number: int) -> Any:
    return server.rows("select * from job where id = ?", number)[0]


def worker_of(server: Homequeue, number: int) -> int:
    """The process that runs a job, once one does."""

    def look() -> int:
        row = job(server, number)
        assert row["state"] not in ledger.ENDED, f"job {number} has {row['state']} before"
        return int(row["worker"].split("/")[2]) if row["state"] == "running" else 0

    return eventually(look, f"job {number} runs", 20)


@contextmanager
def quickly(seconds: float, what: str) -> Iterator[None]:
    """What is done here may take so long."""
    began = time.monotonic()
    yield
    taken = time.monotonic() - began
    assert taken < seconds, f"{what} took {taken:.2f} s"


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All the poison at once, among honest work; the rows of all jobs when nothing is left."""
    with running(tmp_path_factory.mktemp("kitchen") / "house", module=KITCHEN) as server:
        poison = [asked for asked, _, _ in POISON.values()]
        numbers = defer(server, *poison, *([["work", 0.05]] * 20), {"chain": 1})
        eventually(server.is_idle, "everything has ended", 60)
        rows = dict(zip(POISON, (job(server, number) for number in numbers), strict=False))
        honest = "select task, state, deaths from job where task in ('work', 'first', 'second')"
        yield {"poison": rows, "honest": server.rows(honest), "log": server.err}


@pytest.mark.parametrize("name", POISON)
def test_poison_ends_with_its_reason(name: str, poisoned: dict[str, Any]) -> None:
    _, state, words = POISON[name]
    row = poisoned["poison"][name]
    assert (row["state"], row["error"]) == (state, words)
    assert row["finished_at"] >= row["queued_at"]
    assert row["attempts"] == (3 if state == "quarantined" else 1)
    assert json.loads(row["history"].splitlines()[-1])["words"] == words


def test_the_neighbours_of_poison_do_not_notice(poisoned: dict[str, Any]) -> None:
    assert len(poisoned["honest"]) == 22
    assert {(row["state"], row["deaths"]) for row in poisoned["honest"]} == {("succeeded", 0)}


def test_where_endless_work_hangs_can_be_read_in_the_log(poisoned: dict[str, Any]) -> None:
    assert "in spin_deaf" in poisoned["log"]


# Deaths that are no fault of the work


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Homequeue]:
    with running(tmp_path / "house", module=KITCHEN) as server:
        yield server


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV])
def test_the_work_of_a_killed_worker_begins_again_within_two_seconds(
    server: Homequeue, signum: signal.Signals
) -> None:
    number = defer(server, ["work", 3])[0]
    for deaths in (1, 2):
        pid = worker_of(server, number)
        with quickly(2, "recovery"):
            os.kill(pid, signum)
            eventually(lambda pid=pid: worker_of(server, number) != pid, "another runs it", 20)
        assert job(server, number)["deaths"] == deaths
    eventually(server.is_idle, "it is done", 20)
    assert (job(server, number)["state"], job(server, number)["attempts"]) == ("succeeded", 3)


def test_a_power_cut_counts_as_no_death(server: Homequeue) -> None:
    number = defer(server, ["work", 3])[0]
    for _ in range(4):
        worker_of(server, number)
        server.kill_all()
        server.start()
    eventually(server.is_idle, "it is done", 20)
    row = job(server, number)
    assert (row["state"], row["deaths"], row["attempts"]) == ("succeeded", 0, 1)


def test_a_spare_worker_that_vanishes_politely_is_missed(server: Homequeue) -> None:
    """It ends with 0, as one does that leaves because there is no work; nobody else looks soon."""
    long = defer(server, ["work", 6])[0]
    worker_of(server, long)
    short = defer(server, ["vanish", 0])[0]
    ended: Callable[[], bool] = lambda: job(server, short)["state"] == "quarantined"  # noqa: E731
    with quickly(6, "three deaths and what comes of them"):
        eventually(ended, "it is set aside", 20)
    assert job(server, long)["state"] == "running"
