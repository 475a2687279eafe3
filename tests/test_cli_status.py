"""What waits, what was not delivered and how a start begins, in process."""

import json
import mmap
import re
import time
from dataclasses import replace

import pytest

from homequeue import config, facts, holds, processes, tasks
from homequeue.bootstrap import bootstrap
from homequeue.cli import serve
from homequeue.errors import Unavailable
from homequeue.media import media
from homequeue.models import Batch, Job, Worker
from homequeue.queue import limits
from homequeue.services import delays, figures, inbox_files, machine, notify, users
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


def test_status_tells_of_workers_the_machine_and_what_is_under_way(home, serving, monkeypatch):
    found = machine.Machine(61.4, (0.5, 1, 1), 4, 4 * 10**9, 10**9, 10**12, 10**11, 12.2)
    monkeypatch.setattr(machine, "now", lambda: found)
    batch = Batch.create(kind="upload")
    for state in ("succeeded", "failed", "queued"):
        job(state, batch=batch.id, started_at=5.0, finished_at=9.0)
    worker = Worker.select().where(Worker.identity == processes.identity()).first()
    doing = job("running", batch=batch.id, worker=worker.identity, started_at=time.time())
    far = f"attic.7/{processes.boot_id()}.1/7/9"
    Worker.create(identity=far, parent="x", seen_at=time.time() - 20, memory=98_765_432)
    out = home("status")[1]
    gone = (
        "load 0.50 on 4 cores, memory 1 GB free of 4 GB, 61 °C, disk full in 12 days at this pace"
    )
    assert f"machine       {gone}\n" in out
    assert re.search(rf"^worker        .*: job {doing.id}, Making previews, [\d.]+ MB$", out, re.M)
    assert "worker        Worker on attic: waits for work, 98.8 MB, heard of 2" in out
    assert f"under way     batch {batch.id}, Upload: 2 of 4, 1 failed, " in out
    told = json.loads(home("status", "--json")[1])
    assert (told["workers"], len(told["crew"])) == (2, 2)
    assert (told["machine"]["temperature"], told["machine"]["days_left"]) == (61.4, 12.2)
    assert [(one["id"], one["total"], one["done"]) for one in told["batches"]] == [(batch.id, 4, 1)]


def test_status_and_the_list_say_what_waits_for_the_quiet_hours(home, serving, quiet):
    for _ in range(3):
        waiting("report_uploads", user=1)
    words = r"3 jobs wait for the end of the quiet hours at \d\d:\d\d"
    code, out, _ = home("status", *quiet)
    assert code == 0
    assert re.search(rf"^held +{words}$", out, re.MULTILINE)
    assert "oldest wait   nothing that may begin now\n" in out
    assert re.fullmatch(words, home("jobs", "list", *quiet)[1].splitlines()[-1])
    assert "quiet" not in home("jobs", "list", "--state", "failed", *quiet)[1]
    assert "quiet" not in home("status")[1]


def test_status_promises_no_time_while_nothing_is_begun(home, serving, quiet):
    ran = {"started_at": time.time() - 12, "finished_at": time.time() - 10}
    batch = Batch.create(kind="upload")
    job("succeeded", batch=batch.id, **ran)
    waits = waiting(batch=batch.id, priority=tasks.BULK)
    line = f"under way     batch {batch.id}, Upload: 1 of 2"
    assert f"{line}, less than a minute\n" in home("status")[1]
    assert f"{line}\n" in home("status", *quiet)[1]
    holds.pause(time.time() + 600)
    assert f"{line}\n" in home("status")[1]
    holds.pause(0)
    Job.update(state="running", worker="gone", started_at=time.time()).where(
        Job.id == waits.id
    ).execute()
    Worker.delete().execute()
    assert f"{line}\n" in home("status")[1], "nobody works"


def test_status_says_for_how_long_the_oldest_has_waited(home, serving):
    waiting(ago=20)
    waiting(ago=500)
    job("scheduled", due_at=time.time() + 50, queued_at=time.time() - 9000)
    assert "oldest wait   8 minutes\n" in home("status")[1]
    assert 500 <= json.loads(home("status", "--json")[1])["oldest_wait"] < 530
    Job.update(state="running").where(Job.due_at < time.time() - 400).execute()
    assert re.search(r"^oldest wait   2\d seconds$", home("status")[1], re.MULTILINE)


def test_status_and_the_list_say_what_waits_for_a_pause(home, serving):
    waiting()
    home("jobs", "pause")
    line = "1 job waits until somebody resumes: everything is paused; homequeue jobs resume"
    assert f"held          {line}\n" in home("status")[1]
    assert home("jobs", "list")[1].endswith(f"{line}\n")
    home("jobs", "resume")
    home("jobs", "pause", "--task", "process_asset", "--for", "30s")
    line = r"1 job \(Making previews\) waits until .*\d: .* is paused; homequeue jobs resume --task"
    assert re.search(line, home("status")[1])


def test_status_says_what_waits_for_a_rate(home, monkeypatch):
    until = time.time() + 60
    held = delays.Counter({delays.Held("rate", "report_uploads", until): 2})
    monkeypatch.setattr(delays, "held", lambda user=None: held)
    _, out, _ = home("status")
    words = r"2 jobs \(Telling about new photos\) wait until .*\d, for only so many are begun"
    assert re.search(words, out)


def test_what_is_held_for_programs(home):
    waiting()
    home("jobs", "pause")
    seen = json.loads(home("status", "--json")[1])
    assert [(one["why"], one["task"], one["jobs"]) for one in seen["held"]] == [("paused", None, 1)]
    assert seen["held"][0]["until"] == seen["paused_until"]
    assert seen["oldest_wait"] == 0


# Backups that nobody makes yet


def test_status_counts_those_apart_that_were_dismissed(home, serving):
    job("failed")
    job("quarantined", dismissed_at=5.0)
    code, out, _ = home("status")
    assert code == 1
    assert "jobs          1 failed, 1 set aside (1 that failed is dismissed)\n" in out
    assert "! 1 job needs a look:" in out


def test_status_says_how_jobs_are_in_the_words_of_the_page(home, serving):
    for state in ("queued", "retrying", "retrying", "scheduled", "scheduled", "quarantined"):
        job(state, dismissed_at=5.0)
    out = home("status")[1]
    words = "1 waiting, 2 waiting for their time, 2 will be tried again, 1 set aside"
    assert f"jobs          {words} (1 that failed is dismissed)\n" in out
    counts = json.loads(home("status", "--json")[1])["counts"]
    assert (counts["retrying"], counts["quarantined"]) == (2, 1)


def test_status_names_the_newest_failures_with_the_reason_and_what_to_do(home, serving):
    anna = users.get("Anna")
    job("failed", asset=row(anna, 1).id, error="It is no picture.")
    (line,) = re.findall(r"^! (.*)$", home("status")[1], re.MULTILINE)
    assert line == (
        "1 job needs a look: job 1, Making the preview of IMG_1.jpg (It is no picture). "
        "Look at it: homequeue jobs list --failed. Try it again: homequeue jobs retry --failed. "
        "If that is of no use: homequeue jobs dismiss 1"
    )
    job("quarantined", asset=row(anna, 2).id, error="It\x1b[31m crashed.")
    job("failed", task="rescue")
    (line,) = re.findall(r"^! (.*)$", home("status")[1], re.MULTILINE)
    assert line.startswith(
        "3 jobs need a look: the newest are job 3, Looking for lost work "
        "and job 2, Making the preview of IMG_2.jpg (It"
    )
    assert "\x1b" not in line
    assert "IMG_1" not in line
    assert line.endswith("homequeue jobs dismiss ID")


def test_the_list_of_what_failed_has_what_was_set_aside_and_the_words_of_the_page(home):
    for state in ("failed", "quarantined", "retrying", "failed"):
        job(state, task="rescue", error="It rained.")
    Job.update(dismissed_at=5.0).where(Job.id == 4).execute()
    assert states(home("jobs", "list", "--failed")[1]) == ["Set aside", "Failed"]
    every = ["Failed, dismissed", "Will be tried again", "Set aside", "Failed"]
    assert states(home("jobs", "list")[1]) == every
    told = json.loads(home("jobs", "list", "--failed", "--json")[1])
    assert [one["state"] for one in told] == ["quarantined", "failed"]


def states(listed: str) -> list[str]:
    """How jobs are, of a list."""
    return [re.split(r"  +", line.strip())[1] for line in listed.splitlines()]


def test_status_names_what_lies_in_an_inbox_that_nobody_looks_into(home, serving):
    inbox_files.prepare()
    lying = media.root / "inbox" / "Ben" / "a.jpg"
    lying.parent.mkdir(exist_ok=True)
    lying.write_bytes(b"not looked at")
    assert home("status")[0] == 0
    home("jobs", "periodic", "--off", "empty_inbox")
    code, out, _ = home("status")
    assert code == 1
    assert "next          switched off  Looking into the inbox\n" in out
    assert "! 1 file lies in the inbox, and looking into it is switched off. Switch it on: " in out
    lying.unlink()
    assert home("status")[0] == 0


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


def test_a_child_makes_the_tables(tmp_path, where_rows_are, monkeypatch):
    settings = config.load(
        overrides={"library.path": str(tmp_path / "data")}, environ=where_rows_are
    )
    serve._prepare(settings)
    monkeypatch.setattr("homequeue.migrations.absent", None)  # it is what a change begins with
    bootstrap(settings)
    assert not users.is_set_up()


def test_of_what_a_child_cannot_prepare_the_parent_speaks(tmp_path, capfd):
    (tmp_path / "data").write_text("a file")
    settings = config.load(overrides={"library.path": str(tmp_path / "data")}, environ={})
    serve._prepare(settings)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(Unavailable, match="is a file"):
        bootstrap(settings)
