"""What waits, what was not delivered and how a start begins, in process."""

import json
import mmap
import re
import time
from dataclasses import replace

import pytest

from homequeue import config, facts, holds, tasks
from homequeue.bootstrap import bootstrap
from homequeue.cli import serve
from homequeue.models import Job
from homequeue.queue import limits
from homequeue.services import delays, figures, notify, users
from tests.conftest import free_port
from tests.library import execute_one, job, row
from tests.test_cli import _no_settings_of_this_machine, call, home, refused, serving

__all__ = ["_no_settings_of_this_machine", "call", "home", "serving"]

NOWHERE = "json://127.0.0.1:9/hunter2"


@pytest.fixture
def quiet(monkeypatch):
    """Quiet hours all around the clock; the words that set them."""
    monkeypatch.setattr(limits, "quiet_until", lambda hours, now: now + 3600 if hours else 0.0)
    return ("--queue-quiet-hours", "22:00-07:00")


def waiting(task: str = "process_asset", ago: float = 500, **values) -> Job:
    moment = time.time() - ago
    return job("queued", task=task, due_at=moment, queued_at=moment, **values)


# What is held back


def test_nothing_is_held_of_what_may_begin(house):
    waiting(priority=tasks.UPLOAD)
    job("scheduled", due_at=time.time() + 50)
    job("running")
    holds.pause(time.time() + 50, "convert_video")
    assert not delays.held()
    assert figures.oldest_wait() >= 499


def test_a_pause_holds_what_is_due_and_nobody_waits_longest(house):
    waiting()
    waiting("report_uploads")
    job("scheduled", due_at=time.time() + 50)
    holds.pause(until := time.time() + 60)
    assert delays.held() == {delays.Held("paused", "", until): 2}
    assert figures.oldest_wait() == 0


def test_a_pause_of_one_task_holds_that_one(house):
    waiting()
    waiting("report_uploads", ago=20)
    holds.pause(until := time.time() + 60, "process_asset")
    assert delays.held() == {delays.Held("paused", "process_asset", until): 1}
    assert 19 < figures.oldest_wait() < 30


def test_quiet_hours_hold_what_is_loud_and_what_has_time(house, quiet):
    config.bind(replace(house, queue=replace(house.queue, quiet_hours=(1320, 420))))
    waiting("report_uploads", priority=tasks.PEOPLE)
    waiting(priority=tasks.BULK)
    waiting(priority=tasks.UPLOAD, ago=20)
    ((held, count),) = delays.held().items()
    assert (held.why, held.task, count) == ("quiet", "", 2)
    assert 19 < figures.oldest_wait() < 30


def test_a_rate_holds_the_next_ones(house, monkeypatch):
    monkeypatch.setattr(tasks.report_uploads.task_class, "rate", "1/h", raising=False)
    began = time.time() - 10
    line = json.dumps({"at": began, "state": "running"}) + "\n"
    job("succeeded", task="report_uploads", started_at=began, history=line)
    waiting("report_uploads")
    ((held, count),) = delays.held().items()
    assert (held.why, held.task, count) == ("rate", "report_uploads", 1)
    assert held.until == pytest.approx(began + 3600)


def test_what_holds_longest_is_named(house):
    waiting()
    holds.pause(time.time() + 60)
    holds.pause(until := time.time() + 600, "process_asset")
    assert delays.held() == {delays.Held("paused", "process_asset", until): 1}


def test_status_and_the_list_say_what_waits_for_the_quiet_hours(home, serving, quiet):
    for _ in range(3):
        waiting("report_uploads", user=1)
    words = r"3 jobs wait for the end of the quiet hours at (tomorrow, )?\d\d:\d\d"
    code, out, _ = home("status", *quiet)
    assert code == 0
    assert re.search(rf"^held +{words}$", out, re.MULTILINE)
    assert "oldest wait   nothing waits" in out
    assert re.fullmatch(words, home("jobs", "list", *quiet)[1].splitlines()[-1])
    assert "quiet" not in home("jobs", "list", "--state", "failed", *quiet)[1]
    assert "quiet" not in home("status")[1]


def test_status_and_the_list_say_what_waits_for_a_pause(home, serving):
    waiting()
    home("jobs", "pause")
    line = "1 job waits until somebody resumes: homequeue jobs resume"
    assert f"held          {line}\n" in home("status")[1]
    assert home("jobs", "list")[1].endswith(f"{line}\n")
    home("jobs", "resume")
    home("jobs", "pause", "--task", "process_asset", "--for", "30s")
    line = r"1 job \(Making previews\) waits until .*\d: homequeue jobs resume --task process_asset"
    assert re.search(line, home("status")[1])


def test_status_says_what_waits_for_a_rate(home, monkeypatch):
    until = time.time() + 60
    held = delays.Counter({delays.Held("rate", "report_uploads", until): 2})
    monkeypatch.setattr(delays, "held", lambda: held)
    _, out, _ = home("status")
    words = r"2 jobs \(Telling about new photos\) wait until .*\d: only so many are started"
    assert re.search(words, out)


def test_what_is_held_for_programs(home):
    waiting()
    home("jobs", "pause")
    seen = json.loads(home("status", "--json")[1])
    assert [(one["why"], one["task"], one["jobs"]) for one in seen["held"]] == [("paused", None, 1)]
    assert seen["held"][0]["until"] == seen["paused_until"]
    assert seen["oldest_wait"] == 0


# Backups that nobody makes yet


def test_status_boasts_of_no_backup(home, serving):
    assert "backup" not in home("status")[1]
    assert json.loads(home("status", "--json")[1])["last_backup"] is None


# Notifications


def test_status_says_that_notifications_are_not_delivered(home, serving, monkeypatch):
    monkeypatch.setenv("HOMEQUEUE_NOTIFICATIONS_URLS", NOWHERE)
    ben = users.get("Ben")
    row(ben, 1, uploaded_at=1.0, notified_at=None, state="ready")
    home("status")
    tasks.report_uploads(ben.id)
    assert execute_one().state == "retrying"
    code, out, _ = home("status")
    assert code == 1
    (problem,) = [line for line in out.splitlines() if line.startswith("!")]
    words = r"! Notifications have not been delivered since \d\d:\d\d: address 1 \(json://…\): "
    assert re.match(words, problem), problem
    assert re.search(r"\. It is tried again at \d\d:\d\d\. Test it: homequeue config", problem)
    assert "hunter2" not in out
    # Also while it is tried once more, or waits for more photos.
    Job.update(state="running").execute()
    assert "not been delivered" in home("status")[1]
    Job.update(state="scheduled", due_at=1.0).execute()
    assert "not been delivered" in home("status")[1]
    Job.update(state="succeeded", error=None).execute()
    assert home("status")[0] == 0


def test_a_report_that_waits_for_its_batch_is_not_undelivered(house):
    waiting("report_uploads")
    job("failed", task="report_uploads", error="It rained.")
    job("retrying", error="It rained.")
    assert notify.undelivered() is None


def test_testing_the_channels(call, monkeypatch, tmp_path):
    sent = []

    def deliver(url, title, text):
        sent.append((url, title, text))
        return "Connection refused" if url == NOWHERE else ""

    monkeypatch.setattr(notify, "_deliver", deliver)
    test = ("config", "test-notification", "--notifications-urls")
    code, out, err = call(*test, f"json://localhost {NOWHERE}")
    assert (code, err) == (1, "")
    assert (
        out == "address 1 (json://…): taken\naddress 2 (json://…): not taken: Connection refused\n"
    )
    assert [url for url, *_ in sent] == ["json://localhost", NOWHERE]
    assert "This is a test from homequeue" in sent[0][2]
    assert call(*test, "json://localhost")[0] == 0
    assert not (tmp_path / "data").exists()


def test_testing_what_is_no_channel(call):
    assert "set [notifications] urls" in refused(call("config", "test-notification"))
    words = ("config", "test-notification", "--notifications-urls", "foo://hunter2")
    assert "cannot be used" in refused(call(*words))


def test_a_test_that_is_really_sent(call):
    url = f"json://127.0.0.1:{free_port()}/"
    code, out, _ = call("config", "test-notification", "--notifications-urls", url)
    assert code == 1
    assert re.search(r"not taken: .*refused", out), out


# The first start


def test_only_the_first_web_process_welcomes(tmp_path, where_rows_are, capsys):
    overrides = {"library.path": str(tmp_path / "data")}
    settings = config.load(overrides=overrides, environ=where_rows_are)
    bootstrap(settings)
    greeted = mmap.mmap(-1, 1)
    serve._welcome(settings, greeted, 8001)
    code = re.search(r"^Set-up code: (\S+)$", capsys.readouterr().out, re.MULTILINE)[1]
    serve._welcome(settings, greeted, 8002)
    assert capsys.readouterr().out == ""
    assert facts.recall("listens")[-1] == 8002
    assert users.set_up(code, "Anna", "correct horse", "x"), "what was printed still holds"
