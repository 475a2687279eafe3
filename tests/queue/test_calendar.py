import time
from datetime import datetime

import pytest
from huey.api import crontab

from homequeue.queue import calendar

NIGHTLY = crontab(minute="30", hour="2")
EVERY_FIVE = crontab(minute="*/5")


@pytest.fixture(autouse=True)
def _berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(fold=fold).timestamp()


def runs(validate, start: float, end: float, step: float = 60) -> list[str]:
    """Walk a clock and note when the task would be started."""
    served, found, now = start, [], start
    while now <= end:
        due = calendar.last_due(validate, served, now)
        if due is not None:
            served = due
            found.append(f"{datetime.fromtimestamp(due):%d %H:%M}")
        now += step
    return found


def test_once_a_night():
    assert runs(NIGHTLY, at("2026-01-10 12:00"), at("2026-01-13 12:00"), 900) == [
        "11 02:30",
        "12 02:30",
        "13 02:30",
    ]


def test_nothing_is_due_between():
    assert calendar.last_due(NIGHTLY, at("2026-01-10 02:30"), at("2026-01-11 02:29")) is None


def test_a_week_of_downtime_folds_into_one_run():
    due = calendar.last_due(NIGHTLY, at("2026-01-03 02:30"), at("2026-01-10 12:00"))
    assert due == at("2026-01-10 02:30")


def test_every_five_minutes():
    found = runs(EVERY_FIVE, at("2026-01-10 12:01"), at("2026-01-10 12:16"))
    assert found == ["10 12:05", "10 12:10", "10 12:15"]


def test_when_summer_time_begins_the_skipped_hour_is_not_skipped():
    # 29 March 2026: after 01:59 comes 03:00, and 02:30 never.
    found = runs(NIGHTLY, at("2026-03-28 12:00"), at("2026-03-30 12:00"), 900)
    assert len(found) == 2
    assert found[0].startswith("29")
    assert found[1] == "30 02:30"


def test_when_summer_time_ends_the_doubled_hour_counts_once():
    # 25 October 2026: 02:30 comes twice.
    found = runs(NIGHTLY, at("2026-10-24 12:00"), at("2026-10-26 12:00"), 900)
    assert found == ["25 02:30", "26 02:30"]


def test_when_summer_time_ends_frequent_work_goes_on():
    start, end = at("2026-10-25 02:01"), at("2026-10-25 02:56", fold=1)
    assert end - start == 115 * 60
    assert len(runs(EVERY_FIVE, start, end)) == 23


def test_next_due():
    assert calendar.next_due(NIGHTLY, at("2026-01-10 12:00")) == at("2026-01-11 02:30")
    assert calendar.next_due(EVERY_FIVE, at("2026-01-10 12:05")) == at("2026-01-10 12:10")
    never = crontab(month="2", day="30")
    assert calendar.next_due(never, at("2026-01-10 12:00")) is None
