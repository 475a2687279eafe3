"""`homequeue jobs` where it steers the queue, in process."""

import json
import re
import sys
import threading
import time

import pytest

from homequeue import facts, holds, ledger
from homequeue.cli import steer
from homequeue.db import db
from homequeue.models import Deed, Job, Periodic
from homequeue.processes import identity
from homequeue.queue import queue, strangers, workers
from homequeue.services import users
from homequeue.web.moments import moment_label
from tests.conftest import work_off
from tests.library import job, row, whole
from tests.test_cli import _no_settings_of_this_machine, call, home, refused

__all__ = ["_no_settings_of_this_machine", "call", "home"]


def states() -> list[str]:
    return [one.state for one in Job.select().order_by(Job.id)]


# Looking


def test_everything_about_one_job(home):
    line = '{"at": 1720800007, "state": "running", "who": "pi.1/2/3/4", "words": "%s"}\n'
    one = job(
        "running", task="rescue", worker="pi.1/2/3/4", started_at=5.0, batch=7, step="Reading",
        memory=12345678, deaths=2, stopped_by="Anna", log="WARNING a: b\nINFO c: \x1b[2J",
        history=line % "it began" + line % "once more",
    )  # fmt: skip
    code, out, _ = home("jobs", "show", str(one.id))
    assert code == 0
    told = {text[:13].strip(): text[14:] for text in out.splitlines() if text[0] != " "}
    for name, value in {
        "batch": "7",
        "step": "Reading",
        "memory": "12345678",
        "deaths": "2",
        "stopped_by": "Anna",
        "log": "WARNING a: b",
        "label": "Looking for lost work",
        "started_at": f"{moment_label(5.0)}:05",
        "history": f"{moment_label(1720800000)}:07  running  pi.1/2/3/4  it began",
    }.items():
        assert told[name] == value
    below = [text.strip() for text in out.splitlines() if text[0] == " "]
    assert below[0].endswith("once more")
    assert below[1].startswith("INFO c: ")
    assert "\x1b" not in out
    found = json.loads(home("jobs", "show", str(one.id), "--json")[1])
    assert (found["batch"], found["log"][0]) == (7, "WARNING a: b")
    assert found["history"][1]["words"] == "once more"


def test_how_each_kind_of_work_fared(home):
    assert home("jobs", "kinds")[:2] == (0, "Nothing was done in the last 24 hours.\n")
    now = time.time()
    for state in ("succeeded", "succeeded", "succeeded", "failed"):
        job(state, queued_at=now - 9, due_at=now - 9, started_at=now - 4, finished_at=now - 2)
    head, told = home("jobs", "kinds")[1].splitlines()
    assert head.split() == ["jobs", "typical", "95", "in", "100", "waited", "failed"]
    assert told.split() == ["process_asset", "4", "2.0", "s", "2.0", "s", "5.0", "s", "25.0", "%"]
    (kind,) = json.loads(home("jobs", "kinds", "--json")[1])
    assert (kind["task"], kind["runs"], kind["failed"]) == ("process_asset", 4, 1)


def test_periodic_work_for_programs(home):
    home("jobs", "periodic", "--off", "tally")
    told = {one["task"]: one for one in json.loads(home("jobs", "periodic", "--json")[1])}
    assert set(told) == set(queue.periodic_tasks())
    assert (told["tally"]["on"], told["rescue"]["on"]) == (False, True)
    assert told["rescue"]["next_due"] > "2026"


def test_who_did_what(home):
    assert home("jobs", "deeds")[1] == "Nobody has done anything to the queue yet.\n"
    for number in range(3):
        Deed.create(who="Ben", words=f"stopped job {number}\x1b[2J")
    lines = home("jobs", "deeds", "--limit", "2")[1].splitlines()
    assert [line.partition("Ben ")[2][:13] for line in lines] == ["stopped job 2", "stopped job 1"]
    assert "\x1b" not in "".join(lines)
    found = json.loads(home("jobs", "deeds", "--json")[1])
    assert [deed["who"] for deed in found] == ["Ben"] * 3


# One by one


def test_dismissing(home):
    one, two = job("failed", task="rescue"), job("quarantined", task="rescue")
    waits = job(task="rescue")
    assert home("jobs", "dismiss", str(one.id))[:2] == (0, "1 job dismissed.\n")
    assert "Only a job that failed" in refused(home("jobs", "dismiss", str(waits.id)))
    assert home("jobs", "dismiss", "--failed")[:2] == (0, "1 job dismissed.\n")
    assert home("jobs", "dismiss", "--failed")[:2] == (0, "No job has failed.\n")
    assert states() == ["failed", "quarantined", "queued"]
    assert len(home("jobs", "list", "--state", "dismissed")[1].splitlines()) == 2
    assert home("jobs", "list", "--state", "failed")[1] == "There are no such jobs.\n"
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


@pytest.mark.parametrize(
    ("action", "done", "words"),
    [
        ("retry", "queued again", "only one that ended badly can be tried again"),
        ("dismiss", "dismissed", "Only a job that failed can be dismissed"),
    ],
)
def test_of_several_jobs_all_are_done_that_can_be(home, action, done, words):
    for state in ("failed", "succeeded", "failed", "queued", "failed"):
        job(state, task="rescue")
    code, out, err = home("jobs", action, "1", "2", "3", "4", "5")
    assert (code, out) == (1, f"3 jobs {done}.\n")
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["homequeue", "Job 2"],
        ["homequeue", "Job 4"],
    ]
    assert words in err
    assert home("jobs", "retry", "--failed")[1] == "No job has failed.\n"


def test_cancelling_all_that_waits_of_a_batch_or_a_task(home):
    for batch in (1, 1, 2, None):
        job(task="rescue", batch=batch)
    job("running", task="rescue", batch=1, worker="x/y/1/1")
    for words in ([], ["1", "--batch", "1"], ["1", "--task", "rescue"]):
        refused(home("jobs", "cancel", *words))
    assert home("jobs", "cancel", "--batch", "0")[:2] == (0, "No such job waits.\n")
    assert home("jobs", "cancel", "--batch", "1")[:2] == (0, "2 jobs cancelled.\n")
    assert states() == ["cancelled", "cancelled", "queued", "queued", "running"]
    assert home("jobs", "cancel", "--task", "rescue", "--batch", "2")[1] == "1 job cancelled.\n"
    assert home("jobs", "cancel", "--task", "rescue")[:2] == (0, "1 job cancelled.\n")
    assert home("jobs", "cancel", "--task", "nothing")[:2] == (0, "No such job waits.\n")


@pytest.mark.parametrize(("action", "done"), [("cancel", "cancelled"), ("stop", "stopped")])
def test_of_several_jobs_those_that_have_ended_hold_up_nobody(home, action, done):
    for state in ("succeeded", "queued", "scheduled"):
        job(state, task="rescue")
    code, out, err = home("jobs", action, "1", "2", "3")
    assert (code, out) == (1, f"2 jobs {done}.\n")
    assert err.startswith("homequeue: Job 1: This job ")
    assert states() == ["succeeded", "cancelled", "cancelled"]
    code, out, err = home("jobs", action, "1", "1")
    assert (code, out, len(err.splitlines())) == (1, "", 2)


def test_the_same_work_is_tried_again_once(home):
    for _ in range(2):
        job("failed", task="rescue", key="rescue[]")
    code, out, err = home("jobs", "retry", "1", "2")
    assert (code, out) == (1, "1 job queued again.\n")
    assert err == "homequeue: Job 2: The same work waits or runs already, as job 1.\n"
    assert states() == ["queued", "failed"]


def test_strange_messages_are_named_until_somebody_has_looked(home, monkeypatch):
    assert home("jobs", "strange")[:2] == (0, "There are no strange messages.\n")
    assert "did not write" not in home("status")[1]
    now = time.time()
    for number, message in enumerate((b'{"job":1}.forged', b"\x1b[2J\x00<script>")):
        monkeypatch.setattr(time, "time", lambda n=number: now + 2 * n)
        strangers.keep(message, "")
    code, out, _ = home("status")
    assert code == 1
    assert "! 2 messages that homequeue did not write were among its own, the last at " in out
    assert "homequeue jobs strange" in out
    code, out, _ = home("jobs", "strange")
    assert code == 0
    first, second = out.splitlines()
    assert first.endswith("  b'{\"job\":1}.forged'")
    assert second.endswith("  b'\\x1b[2J\\x00<script>'")
    assert home("jobs", "strange", "--clear")[:2] == (0, "Cleared: 2 messages.\n")
    assert home("jobs", "strange", "--clear")[:2] == (0, "Cleared: 0 messages.\n")
    assert "did not write" not in home("status")[1]
    assert [deed.words for deed in Deed.select()] == ["cleared 2 strange messages"]


def test_of_many_strange_messages_the_last_are_shown_and_all_counted(home, monkeypatch):
    now = time.time()
    for number in range(12):
        monkeypatch.setattr(time, "time", lambda n=number: now + 2 * n)
        strangers.keep(b"%d" % number, "")
    assert "! 12 messages that homequeue did not write were among its own" in home("status")[1]
    first, *shown = home("jobs", "strange")[1].splitlines()
    assert first == "The last 10 of 12:"
    assert shown[-1].endswith("  b'11'")
    assert home("jobs", "strange", "--clear")[1] == "Cleared: 12 messages.\n"


def test_lists_of_a_task_and_of_a_name(home):
    ben = users.get("Ben")
    job(asset=row(ben, 1, filename="Sea.jpg").id)
    job(asset=row(ben, 2, filename="hill.jpg").id)
    job(task="rescue")
    assert len(home("jobs", "list", "--task", "process_asset")[1].splitlines()) == 2
    assert "Sea.jpg" in home("jobs", "list", "--name", "sea")[1]
    assert len(home("jobs", "list", "--name", "sea")[1].splitlines()) == 1
    assert home("jobs", "list", "--task", "convert_video")[1] == "There are no such jobs.\n"
    said = refused(home("jobs", "list", "--task", "bogus"))
    assert re.search("There is no task “bogus”; there are: .*convert_video, .*tally", said)
    job(task="of_old")
    assert "of_old" in home("jobs", "list", "--task", "of_old")[1]


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
    workers.register("worker")
    worker = threading.Thread(target=work)
    worker.start()
    try:
        code, out, _ = home("jobs", "ping")
    finally:
        done.set()
        worker.join()
    assert code == 0
    assert re.fullmatch(r"Answered by Worker in \d+ ms\.\n", out)
    assert states() == ["succeeded"]


def test_a_ping_that_nobody_answers(home, monkeypatch):
    monkeypatch.setattr(steer, "PATIENCE", 0.05)
    code, out, err = home("jobs", "ping")
    assert (code, out) == (1, "")
    assert "Is homequeue running?" in err
    assert states() == [ledger.CANCELLED]
    home("jobs", "pause")
    assert "The queue is paused." in home("jobs", "ping")[2]
