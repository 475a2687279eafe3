"""Figures for Prometheus: read by its own parser, and enough for the alert rules of the docs."""

import re
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from homequeue import __version__, holds
from homequeue.media import media
from homequeue.models import Job
from homequeue.queue import workers
from homequeue.services import meter as meters
from homequeue.web import metrics as web_metrics
from tests.library import job

RULES = Path(__file__).parents[2] / "docs" / "alerts.yml"
#: Words of PromQL that are no metric of ours.
PREFIX = r"homequeue_\w+"


@pytest.fixture(autouse=True)
def meter(monkeypatch):
    """A meter that has counted nothing yet, and waits for no row to settle."""
    fresh = meters.Meter()
    monkeypatch.setattr(web_metrics, "meter", fresh)
    monkeypatch.setattr(meters, "SETTLED", 0.0)
    return fresh


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


def test_what_ends_is_counted_from_the_first_look_on(as_anna):
    job("succeeded", started_at=time.time() - 2, finished_at=time.time() - 1)
    assert (
        value(scrape(as_anna), "jobs_ended_total", task="process_asset", state="succeeded") is None
    )
    now = time.time()
    one = job("succeeded", queued_at=now - 9, due_at=now - 5, started_at=now - 2, finished_at=now)
    job("failed", task="rescue", started_at=now - 400, finished_at=now)
    job("cancelled", finished_at=now)
    for _ in range(2):
        found = scrape(as_anna)
        task = {"task": "process_asset"}
        assert value(found, "jobs_ended_total", state="succeeded", **task) == 1
        assert value(found, "jobs_ended_total", state="cancelled", **task) == 1
        assert value(found, "job_duration_seconds_count", **task) == 1
        assert value(found, "job_duration_seconds_sum", **task) == pytest.approx(2, abs=1e-3)
        assert value(found, "job_duration_seconds_bucket", le="1", **task) == 0
        assert value(found, "job_duration_seconds_bucket", le="3", **task) == 1
        assert value(found, "job_duration_seconds_bucket", le="+Inf", **task) == 1
        assert value(found, "job_wait_seconds_sum", **task) == pytest.approx(3, abs=1e-3)
        assert value(found, "job_duration_seconds_bucket", le="300", task="rescue") == 0
        assert value(found, "job_duration_seconds_bucket", le="1000", task="rescue") == 1
    # Jobs are forgotten, or tried again; what was counted was counted.
    Job.delete().where(Job.id == one.id).execute()
    Job.update(finished_at=None, state="queued").execute()
    assert value(scrape(as_anna), "jobs_ended_total", state="succeeded", **task) == 1


def test_a_clock_that_went_back_counts_nothing_twice(as_anna, monkeypatch):
    scrape(as_anna)
    now = time.time()
    job("succeeded", started_at=now, finished_at=now)
    scrape(as_anna)
    monkeypatch.setattr(meters.time, "time", lambda: now - 3600)
    scrape(as_anna)
    monkeypatch.undo()
    monkeypatch.setattr(meters, "SETTLED", 0.0)


def test_a_row_that_is_on_its_way_is_waited_for(house, monkeypatch):
    fresh = meters.Meter()
    fresh.read()
    monkeypatch.setattr(meters, "SETTLED", 2.0)
    job("succeeded", started_at=time.time(), finished_at=time.time())
    fresh.read()
    assert fresh.ended == {}
    later = time.time() + 3
    monkeypatch.setattr(meters.time, "time", lambda: later)
    fresh.read()
    assert fresh.ended == {("process_asset", "succeeded"): 1}


def test_names_are_escaped(as_anna):
    odd = 'a"b\\c\nd'
    job(task=odd)
    assert value(scrape(as_anna), "jobs", task=odd, state="queued") == 1


def test_the_alert_rules_speak_of_what_is_there(as_anna):
    scrape(as_anna)
    job("succeeded", started_at=time.time(), finished_at=time.time())
    names = {name for name, _ in scrape(as_anna)}
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        spoken = {name.removeprefix("homequeue_") for name in re.findall(PREFIX, rule["expr"])}
        assert spoken, rule
        assert spoken <= names, rule
