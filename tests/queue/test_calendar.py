"""Schedules: when periodic work is due, whatever clocks and calendars do."""

import random
import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from huey.api import crontab as minutes_of
from huey.exceptions import ConfigurationError

from homequeue.queue import calendar
from homequeue.queue.calendar import DAY, MINUTE, crontab, every

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


def runs(schedule, start: float, end: float, step: float = 60) -> list[str]:
    """Walk a clock and note when the task would be started."""
    served, found, now = start, [], start
    while now <= end:
        due = schedule.last_due(served, now)
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
    assert NIGHTLY.last_due(at("2026-01-10 02:30"), at("2026-01-11 02:29")) is None


def test_a_week_of_downtime_folds_into_one_run():
    due = NIGHTLY.last_due(at("2026-01-03 02:30"), at("2026-01-10 12:00"))
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
    assert NIGHTLY.next_due(at("2026-01-10 12:00")) == at("2026-01-11 02:30")
    assert EVERY_FIVE.next_due(at("2026-01-10 12:05")) == at("2026-01-10 12:10")
    never = crontab(month="2", day="30")
    assert never.next_due(at("2026-01-10 12:00")) is None


# However many days and hours are passed over, the answer is that of who looks at each minute


def walls(moment: int) -> list[datetime]:
    wall, before = datetime.fromtimestamp(moment), datetime.fromtimestamp(moment - MINUTE)
    skipped = int((wall - before) / timedelta(minutes=1)) - 1
    return [wall - timedelta(minutes=n) for n in range(max(0, skipped), -1, -1)]


def last_of_each(due, served: float, now: float) -> float | None:
    already = datetime.fromtimestamp(served).replace(second=0, microsecond=0)
    newest = int(now) // MINUTE * MINUTE
    oldest = max(int(served) // MINUTE * MINUTE, newest - calendar.HORIZON * DAY)
    for moment in range(newest, oldest, -MINUTE):
        if any(wall != already and due(wall) for wall in walls(moment)):
            return moment
    return None


def next_of_each(due, now: float) -> float | None:
    first = int(now) // MINUTE * MINUTE + MINUTE
    for moment in range(first, first + calendar.HORIZON * DAY, MINUTE):
        if any(due(wall) for wall in walls(moment)):
            return moment
    return None


#: Clocks are changed here by an hour, by half an hour, at midnight, and not at all.
ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "America/Asuncion", "Asia/Kathmandu", "UTC"]


@pytest.mark.parametrize("zone", ZONES)
def test_days_and_hours_that_are_none_are_passed_over_unseen(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setattr(calendar, "HORIZON", 4)
    time.tzset()
    chance = random.Random(zone)
    changes = [at(day) for day in ("2024-03-31", "2024-10-27", "2024-04-07", "2024-10-06")]
    for _ in range(30):
        fields = {
            "minute": chance.choice(["0", "30", "*/7", "59", "2,31"]),
            "hour": chance.choice(["*", "0", "2", "3", "23", "1-2", "*/6"]),
            "day": chance.choice(["*", "*", "*", "1", "27-31", "31"]),
            "day_of_week": chance.choice(["*", "*", "0", "1-5"]),
        }
        now = chance.choice(changes) + chance.uniform(-DAY, 2 * DAY)
        served = now - chance.choice([30, 3600, DAY, 3 * DAY]) * chance.random()
        schedule, due = crontab(**fields), minutes_of(**fields)
        assert schedule.last_due(served, now) == last_of_each(due, served, now), (fields, now)
        assert schedule.next_due(now) == next_of_each(due, now), (fields, now)


def test_looking_ahead_is_cheap(monkeypatch):
    """A page asks for each periodic task, every time somebody looks at it."""
    looks = []
    schedule = crontab(minute="20", hour="3", day="1")
    look = schedule._is_due
    monkeypatch.setattr(schedule, "_is_due", lambda wall: looks.append(1) or look(wall))
    assert schedule.next_due(at("2026-01-02 12:00")) == at("2026-02-01 03:20")
    assert schedule.last_due(at("2026-01-05 12:00"), at("2026-01-31 12:00")) is None
    assert len(looks) < 150


def test_nonsense_is_refused_where_it_is_written():
    for nonsense in ("every hour", "61", "5m"):
        with pytest.raises(ValueError, match="not a valid input"):
            crontab(minute=nonsense)


# Spans


def test_an_interval_is_due_once_in_each_span():
    found = runs(every(minutes=90), at("2026-01-10 12:01"), at("2026-01-10 18:00"))
    assert found == ["10 13:00", "10 14:30", "10 16:00", "10 17:30"]


def test_whoever_looks_late_is_not_late_the_next_time():
    assert every(hours=6).last_due(at("2026-01-10 07:00"), at("2026-01-10 13:59")) == at(
        "2026-01-10 13:00"
    )
    assert every(hours=6).next_due(at("2026-01-10 13:59")) == at("2026-01-10 19:00")


def test_an_interval_that_was_missed_for_a_week_is_due_once():
    spans = every(minutes=90)
    due = spans.last_due(at("2026-01-03 02:30"), at("2026-01-10 12:00"))
    assert at("2026-01-10 10:30") < due <= at("2026-01-10 12:00")
    assert spans.last_due(due, at("2026-01-10 12:00")) is None


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_summer_time_neither_shortens_nor_lengthens_an_interval(day):
    spans, now, found = every(minutes=90), at(f"{day} 00:10"), []
    while now < at(f"{day} 08:00"):
        now = spans.next_due(now)
        found.append(now)
    assert {b - a for a, b in pairwise(found)} == {90 * 60}


def test_an_interval_is_served_at_its_moment_and_not_again():
    spans = every(days=2)
    moment = spans.next_due(at("2026-01-10 12:00"))
    assert spans.last_due(moment - 1, moment) == moment
    assert spans.last_due(moment, moment + DAY) is None
    assert spans.next_due(moment) == moment + 2 * DAY


@pytest.mark.parametrize("span", [{}, {"minutes": 0}, {"hours": -1}])
def test_an_interval_takes_at_least_a_minute(span):
    with pytest.raises(ConfigurationError, match="a minute"):
        every(**span)
