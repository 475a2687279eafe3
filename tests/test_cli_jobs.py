"""`homequeue jobs` where it steers the queue, in process."""

import sys
import threading
import time

import pytest

from homequeue import facts, holds, ledger
from homequeue.cli import steer
from homequeue.db import db
from homequeue.models import Deed, Job, Periodic
from homequeue.processes import identity
from homequeue.queue import queue, workers
from homequeue.services import users
from tests.conftest import work_off
from tests.library import job, row, whole
from tests.test_cli import _no_settings_of_this_machine, call, home, refused

__all__ = ["_no_settings_of_this_machine", "call", "home"]


def states() -> list[str]:
    return [one.state for one in Job.select().order_by(Job.id)]


# One by one


def test_dismissing(home):
    one, two = job("failed", task="rescue"), job("quarantined", task="rescue")
    waits = job(task="rescue")
    assert home("jobs", "dismiss", str(one.id))[:2] == (0, "1 job dismissed.\n")
    assert "Only a job that failed" in refused(home("jobs", "dismiss", str(waits.id)))
    assert home("jobs", "dismiss", "--failed")[:2] == (0, "1 job dismissed.\n")
    assert home("jobs", "dismiss", "--failed")[:2] == (0, "No job has failed.\n")
    assert states() == ["cancelled", "cancelled", "queued"]
    assert "no such job" in refused(home("jobs", "dismiss", str(two.id), "77"))
    refused(home("jobs", "dismiss"))
    refused(home("jobs", "dismiss", "1", "--failed"))


def test_stopping(home):
    one, two = job(task="rescue"), job("succeeded", task="rescue")
    assert home("jobs", "stop", str(one.id))[:2] == (0, "1 job stopped.\n")
    assert "does not run" in refused(home("jobs", "stop", str(two.id)))
    assert states() == ["cancelled", "succeeded"]
    (deed,) = Deed.select()
    assert deed.who.endswith("(command line)")


def test_lists_of_a_task_and_of_a_name(home):
    ben = users.get("Ben")
    job(asset=row(ben, 1, filename="Sea.jpg").id)
    job(asset=row(ben, 2, filename="hill.jpg").id)
    job(task="rescue")
    assert len(home("jobs", "list", "--task", "process_asset")[1].splitlines()) == 2
    assert "Sea.jpg" in home("jobs", "list", "--name", "sea")[1]
    assert len(home("jobs", "list", "--name", "sea")[1].splitlines()) == 1
    assert home("jobs", "list", "--task", "nothing")[1] == "There are no such jobs.\n"


# The queue as a whole


def test_pausing_one_task(home):
    job(task="rescue")
    code, out, _ = home("jobs", "pause", "--task", "rescue", "--for", "2h")
    assert code == 0
    assert out.startswith("No more jobs of rescue are started until ")
    assert queue.dequeue() is None
    assert home("jobs", "resume", "--task", "rescue")[:2] == (
        0,
        "Jobs of rescue are started again.\n",
    )
    assert holds.pauses() == {}
    assert "no such work" in refused(home("jobs", "pause", "--task", "nonsense"))
    words = "No more jobs of rescue are started until homequeue jobs resume --task rescue.\n"
    assert home("jobs", "pause", "--task", "rescue")[1] == words


def test_what_is_paused_is_in_the_status(home):
    home("jobs", "pause", "--task", "process_asset")
    assert "Making previews: paused until somebody resumes." in home("status")[1]


def test_what_is_stuck_is_in_the_status(home):
    now = time.time()
    job("succeeded", started_at=now - 10, finished_at=now - 9)
    one = job("running", started_at=now - 1000, worker=identity())
    workers.register("worker")
    code, out, _ = home("status")
    assert code == 1
    assert f"Worker seems to be stuck in job {one.id}" in out


@pytest.mark.parametrize(
    ("count", "words"),
    [("1", "At most 1 job runs side by side.\n"), ("3", "At most 3 jobs run side by side.\n")],
)
def test_how_many_workers(home, count, words):
    assert home("jobs", "workers", count)[:2] == (0, words)
    assert facts.recall("workers") == int(count)


@pytest.mark.parametrize("count", ["0", "-1", "65"])
def test_a_number_of_workers_that_cannot_be(home, count):
    assert home("jobs", "workers", count)[0] in (1, 2)
    assert facts.recall("workers") is None


def test_making_pictures_again(home):
    ben = users.get("Ben")
    assert home("jobs", "again", "--all")[:2] == (0, "There are no photos.\n")
    whole(ben, 1)
    assert home("jobs", "again", "--missing")[:2] == (0, "No photo lacks its pictures.\n")
    row(ben, 2)
    code, out, _ = home("jobs", "again", "--all")
    assert code == 1
    assert "Make the pictures of 2 photos again?" in out
    assert "Nothing was done. Say --yes to do it." in out
    assert states() == []
    words = "The pictures of 1 photo are made again, after everything else.\n"
    assert home("jobs", "again", "--missing", "--yes")[:2] == (0, words)
    assert states() == ["queued"]
    assert home("jobs", "again")[0] == 2
    assert home("jobs", "again", "--all", "--missing")[0] == 2


@pytest.mark.parametrize(("answer", "count"), [("y", 1), ("Yes ", 1), ("n", 0), ("", 0)])
def test_a_person_is_asked_first(home, monkeypatch, answer, count):
    whole(users.get("Ben"), 1)
    monkeypatch.setattr(steer, "input", lambda question: answer, raising=False)

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(steer, "sys", type("Sys", (), {"stdin": Terminal(), "stderr": sys.stderr}))
    assert home("jobs", "again", "--all")[0] == (0 if count else 1)
    assert len(states()) == count


def test_periodic_work(home):
    code, out, _ = home("jobs", "periodic")
    assert code == 0
    assert len(out.splitlines()) == len(queue.periodic_tasks())
    assert "Looking for lost work" in out
    assert "last not yet" in out
    words = "Started: Looking for lost work.\n"
    assert home("jobs", "periodic", "--run", "rescue")[:2] == (0, words)
    assert [one.task for one in Job.select()] == ["rescue"]
    assert "last waiting" in home("jobs", "periodic")[1]
    assert (
        home("jobs", "periodic", "--off", "rescue")[1] == "Switched off: Looking for lost work.\n"
    )
    assert not Periodic.get(Periodic.task == "rescue").is_on
    assert "next switched off" in home("jobs", "periodic")[1]
    assert home("jobs", "periodic", "--on", "rescue")[1] == "Switched on: Looking for lost work.\n"
    assert Periodic.get(Periodic.task == "rescue").is_on
    for option in ("--run", "--on", "--off"):
        assert "no such periodic work" in refused(home("jobs", "periodic", option, "nonsense"))
    assert home("jobs", "periodic", "--on", "rescue", "--off", "rescue")[0] == 2


# Ping


def test_a_ping_is_answered(home):
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            work_off()
            time.sleep(0.01)
        db.close()

    home("jobs", "list")  # the queue is bound by now
    worker = threading.Thread(target=work)
    worker.start()
    try:
        code, out, _ = home("jobs", "ping")
    finally:
        done.set()
        worker.join()
    assert code == 0
    assert out.startswith("Answered by ")
    assert out.endswith(" ms.\n")
    assert states() == ["succeeded"]


def test_a_ping_that_nobody_answers(home, monkeypatch):
    monkeypatch.setattr(steer, "PATIENCE", 0.05)
    code, out, err = home("jobs", "ping")
    assert (code, out) == (1, "")
    assert "Is homequeue running?" in err
    assert states() == [ledger.CANCELLED]
    home("jobs", "pause")
    assert "The queue is paused." in home("jobs", "ping")[2]
