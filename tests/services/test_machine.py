"""The machine: how full its disk is, and for how much longer it lasts."""

import os
import time
from pathlib import Path

import pytest

from homequeue import facts, processes
from homequeue.services import machine
from homequeue.services.machine import DAY

pytestmark = pytest.mark.usefixtures("house")

GB = 10**9


@pytest.fixture
def today(monkeypatch):
    """Sets the day."""
    noon = time.time() // DAY * DAY + DAY / 2

    def be(day: float) -> None:
        monkeypatch.setattr(time, "time", lambda: noon + day * DAY)

    be(0)
    return be


def watch(today, *free: int) -> None:
    for day, size in enumerate(free):
        today(day)
        machine.watch_disk(size)


def test_a_disk_that_fills_is_full_some_day(today):
    watch(today, 100 * GB, 95 * GB, 90 * GB)
    assert machine.days_left() == 18


@pytest.mark.parametrize("free", [(), (100,), (100, 100), (90, 95), (100, 50, 110)])
def test_a_disk_that_does_not_fill_is_never_full(today, free):
    watch(today, *free)
    assert machine.days_left() is None


def test_what_is_farther_than_ten_years_is_never(today):
    watch(today, 10_000 * GB, 10_000 * GB - 1)
    assert machine.days_left() is None


def test_a_day_counts_once_and_with_what_was_seen_last(today):
    watch(today, 100)
    today(1)
    for free in (95, 80, 90):
        machine.watch_disk(free)
    assert machine.days_left() == 9
    assert len(facts.recall("disk_days")) == 2


def test_a_month_is_remembered(today):
    watch(today, *range(1000, 920, -1))
    assert len(facts.recall("disk_days")) == machine.MONTH
    assert machine.days_left() == 921


def test_days_of_a_wrong_clock_do_not_count(today, monkeypatch):
    """A machine without a clock of its own wakes up in 1970."""
    watch(today, 100, 90)
    clock = time.time
    for wrong in (5 * DAY, 9999 * DAY, 99999 * DAY):
        monkeypatch.setattr(time, "time", lambda moment=wrong: moment)
        machine.watch_disk(95)
    monkeypatch.setattr(time, "time", clock)
    assert machine.days_left() == 9


def test_how_the_machine_is():
    found = machine.now()
    assert 0 < found.memory_free <= found.memory
    assert 0 < found.disk_free <= found.disk
    assert found.cores == os.cpu_count()
    assert len(found.load) == 3


def test_the_warmest_sensor_counts_and_broken_ones_do_not(monkeypatch, tmp_path):
    for number, reading in enumerate(["41000", "63500", "rubbish"]):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}/temp").write_text(reading + "\n")
    (tmp_path / "thermal_zone9").mkdir()
    monkeypatch.setattr(processes, "Path", lambda _: tmp_path)
    assert processes.temperature() == 63.5
    monkeypatch.setattr(processes, "Path", lambda _: Path("/nothing"))
    assert processes.temperature() is None
