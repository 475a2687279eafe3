"""Figures for Prometheus: read by its own parser, and enough for the alert rules of the docs."""

import re
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from homequeue import __version__, holds, ledger, meter
from homequeue.db import db
from homequeue.media import media
from homequeue.models import Job
from homequeue.queue import company, queue, workers
from homequeue.queue.storage import RedisBell
from tests.library import job

RULES = Path(__file__).parents[2] / "docs" / "alerts.yml"
#: Words of PromQL that are no metric of ours.
PREFIX = r"homequeue_\w+"


def scrape(client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics")
    assert answer.status == 200
    assert (answer.header("Content-Type") or "").startswith("text/plain; version=0.0.4")
    assert answer.text.endswith("\n")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    assert len({family.name for family in families}) == len(families)
    assert all(family.type != "unknown" for family in families)
    return {
        (sample.name.removeprefix("homequeue_"), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_depth_workers_and_the_machine(as_anna):
    workers.register("worker")
    job("failed")
    job("queued", task="rescue", due_at=time.time() - 60)
    found = scrape(as_anna)
    assert value(found, "jobs", task="process_asset", state="failed") == 1
    assert value(found, "jobs", task="rescue", state="queued") == 1
    assert 60 <= (value(found, "oldest_wait_seconds") or 0) < 70
    assert value(found, "workers") == 1
    assert value(found, "workers_stuck") == 0
    assert (value(found, "workers_memory_bytes") or 0) > 10**6
    assert value(found, "info", version=__version__) == 1
    assert value(found, "storage_ready") == 1
    assert 0 < (value(found, "disk_free_bytes") or 0) < (value(found, "disk_bytes") or 0)
    (media.root / "originals" / ".homequeue").unlink()
    assert value(scrape(as_anna), "storage_ready") == 0


def test_whether_messages_reach_the_workers(as_anna, monkeypatch):
    assert value(scrape(as_anna), "bell_ready") == 1
    monkeypatch.setattr(queue, "storage", RedisBell("homequeue", "redis://127.0.0.1:1/0"))
    assert value(scrape(as_anna), "bell_ready") == 0


def test_what_needs_a_look_is_told_until_somebody_has_dismissed_it(as_anna):
    failed = job("failed", task="process_asset", finished_at=time.time())
    job("quarantined", task="process_asset", finished_at=time.time())
    assert value(scrape(as_anna), "jobs_needing_a_look") == 2
    ledger.dismiss(failed, "Anna")
    found = scrape(as_anna)
    assert value(found, "jobs_needing_a_look") == 1
    assert value(found, "jobs", task="process_asset", state="failed") == 1


def test_pauses(as_anna):
    job()
    assert value(scrape(as_anna), "paused", task="") == 0
    assert value(scrape(as_anna), "paused", task="process_asset") == 0
    holds.pause(time.time() + 99, "report_uploads")
    holds.pause(time.time() + 99)
    found = scrape(as_anna)
    assert value(found, "paused", task="") == 1
    assert value(found, "paused", task="report_uploads") == 1
    assert value(found, "paused", task="process_asset") == 0


def test_what_is_held_back_by_the_reason(as_anna, night):
    job(priority=0)
    job(priority=10)
    job(task="report_uploads", priority=20)
    found = scrape(as_anna)
    counts = [value(found, "jobs_held", why=why) for why in ("paused", "quiet", "rate")]
    assert counts == [0, 2, 0]
    holds.pause(time.time() + 7200)
    found = scrape(as_anna)
    assert value(found, "jobs_held", why="paused") == 3
    assert value(found, "jobs_held", why="quiet") == 0


def end(state: str, **values) -> Job:
    """A job that ends so, by itself."""
    one = job("running", **{"worker": "x/y/1/1", "started_at": time.time()} | values)
    if state == ledger.SUCCEEDED:
        ledger.succeed(one, None)
    else:
        ledger.end(one, state, "It rained.")
    return one


def test_whatever_ends_is_counted_with_how_long_it_took(as_anna):
    waiting, task = job(), {"task": "process_asset"}
    for state in ledger.ENDED:
        assert value(scrape(as_anna), "jobs_ended_total", state=state, **task) == 0
    now = time.time()
    end("succeeded", queued_at=now - 9, due_at=now - 5, started_at=now - 2)
    end("failed", task="rescue", started_at=now - 400)
    ledger.end(waiting, ledger.CANCELLED, "It was cancelled by Anna.")
    for _ in range(2):
        found = scrape(as_anna)
        assert value(found, "jobs_ended_total", state="succeeded", **task) == 1
        assert value(found, "jobs_ended_total", state="cancelled", **task) == 1
        assert value(found, "job_duration_seconds_count", **task) == 1
        assert value(found, "job_duration_seconds_sum", **task) == pytest.approx(2, abs=0.5)
        assert value(found, "job_duration_seconds_bucket", le="1", **task) == 0
        assert value(found, "job_duration_seconds_bucket", le="3", **task) == 1
        assert value(found, "job_duration_seconds_bucket", le="+Inf", **task) == 1
        assert value(found, "job_wait_seconds_sum", **task) == pytest.approx(3, abs=0.01)
        assert value(found, "job_duration_seconds_bucket", le="300", task="rescue") == 0
        assert value(found, "job_duration_seconds_bucket", le="1000", task="rescue") == 1


def test_a_failure_that_is_tried_again_or_forgotten_at_once_was_counted(as_anna):
    task = {"task": "process_asset", "state": "failed"}
    one = end("failed")
    ledger.revive(one)
    assert value(scrape(as_anna), "jobs_ended_total", **task) == 1
    ledger.claim("x/y/1/1")
    ledger.end(Job.get(), ledger.FAILED, "It rained again.")
    Job.delete().execute()
    assert value(scrape(as_anna), "jobs_ended_total", **task) == 2
    assert value(scrape(as_anna), "job_duration_seconds_count", task="process_asset") == 2


def test_what_ends_counts_whatever_the_clock_says(house, monkeypatch):
    now = time.time()
    for count, moment in enumerate((now, now + 86400, now, now - 3600), 1):
        monkeypatch.setattr(ledger.time, "time", lambda moment=moment: moment)
        end("succeeded", started_at=now)
        assert meter.read().ended == {("process_asset", "succeeded"): count}
    assert meter.read().took["process_asset"].classes == [3, *[0] * 8, 1]


def test_what_is_rolled_back_has_not_ended(house):
    one = job("running", worker="x/y/1/1", started_at=time.time())
    with db.atomic() as transaction:
        ledger.end(one, ledger.FAILED, "It rained.")
        transaction.rollback()
    assert meter.read().ended == {}


def test_names_are_escaped(as_anna):
    odd = 'a"b\\c\nd'
    job(task=odd)
    assert value(scrape(as_anna), "jobs", task=odd, state="queued") == 1


def rules() -> list[dict]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def test_the_alert_rules_speak_of_what_is_there(as_anna):
    end("succeeded")
    names = {name for name, _ in scrape(as_anna)}
    assert len({rule["alert"] for rule in rules()}) == len(rules()) > 5
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        spoken = {name.removeprefix("homequeue_") for name in re.findall(PREFIX, rule["expr"])}
        assert spoken, rule
        assert spoken <= names, rule


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_the_alert_rules_speak_of_labels_and_values_that_are_there(as_anna, rule):
    end("succeeded")
    labels: dict[str, set[str]] = {}
    for name, pairs in scrape(as_anna):
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    spoken = [name.removeprefix("homequeue_") for name in re.findall(PREFIX, rule["expr"])]
    known = set.union(*(labels[name] for name in spoken))
    grouped = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
    used = {label for group in grouped for label in group.replace(",", " ").split()}
    used |= set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert used <= known
    there = {"task": set(queue.tasks()), "state": set(ledger.STATES)}
    for name, chosen in re.findall(r"homequeue_(\w+)\{([^}]*)\}", rule["expr"]):
        for label, how, values in re.findall(r'(\w+)([=!~]+)"([^"]*)"', chosen):
            assert label in labels[name]
            assert set(values.split("|") if "~" in how else [values]) <= there[label]


def test_what_may_take_minutes_is_not_called_slow():
    (slow,) = (rule for rule in rules() if rule["alert"] == "HomequeueIsSlow")
    (besides,) = re.findall(r'task!~"([^"]*)"', slow["expr"])
    long = {name for name, kind in queue.tasks().items() if company.is_long(kind)}
    assert set(besides.split("|")) == long
