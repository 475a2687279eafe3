"""Holds: what must not be started yet, and what is remembered of it."""

import threading
import time

import pytest

from homequeue import facts, holds
from homequeue.db import db
from homequeue.holds import NO_HOLDS, Holds

pytestmark = pytest.mark.usefixtures("house")


def test_nothing_is_held_back_by_itself():
    assert holds.pauses() == {}
    assert holds.paused_until() == holds.paused_until("bake") == 0
    assert NO_HOLDS.until("bake", -5) == 0


@pytest.mark.parametrize(
    ("held", "task", "priority", "until"),
    [
        (Holds(everything=9), "bake", 99, 9),
        (Holds(tasks={"bake": 7}), "bake", 0, 7),
        (Holds(tasks={"bake": 7}), "mix", 0, 0),
        (Holds(quiet=5, urgent=1), "bake", 0, 5),
        (Holds(quiet=5, urgent=1), "bake", 1, 0),
        (Holds(9, {"bake": 7}, 5, 1), "bake", 0, 9),
        (Holds(3, {"bake": 7}, 5, 1), "bake", 0, 7),
        (Holds(3, {"bake": 4}, 5, 1), "bake", 0, 5),
    ],
)
def test_the_last_of_all_holds_counts(held, task, priority, until):
    assert held.until(task, priority) == until


def test_pauses_of_tasks_and_of_all_are_apart():
    now = time.time()
    holds.pause(now + 60)
    holds.pause(now + 90, "bake")
    assert holds.pauses() == {"": now + 60, "bake": now + 90}
    holds.pause(0)
    assert (holds.paused_until(), holds.paused_until("bake")) == (0, now + 90)
    holds.pause(0, "bake")
    assert holds.pauses() == {}


def test_what_is_over_is_forgotten(monkeypatch):
    now = time.time()
    holds.pause(now + 10, "bake")
    holds.pause(now + 50, "mix")
    monkeypatch.setattr(time, "time", lambda: now + 10)
    assert holds.pauses() == {"mix": now + 50}
    holds.pause(now + 60)
    assert set(facts.recall("pauses")) == {"", "mix"}


def test_who_pauses_at_the_same_moment_undoes_nothing_of_the_other():
    until = time.time() + 60
    ready = threading.Barrier(6)

    def pause(task: str) -> None:
        ready.wait()
        holds.pause(until, task)
        db.close()

    threads = [threading.Thread(target=pause, args=[f"task {n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(holds.pauses()) == 6
