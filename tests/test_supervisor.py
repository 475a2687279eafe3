"""The supervisor: a machine that has no room for one process more does not end the house."""

import errno
import logging
import os
import signal
import time

import pytest

from homequeue import supervisor
from homequeue.supervisor import LONGEST_PAUSE, SHORTEST_PAUSE, Child


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def go_on(seconds: float) -> None:
        now[0] += seconds

    return go_on


@pytest.fixture
def forks(monkeypatch):
    """The answers of the machine to each fork: the number of a process, or an error."""
    answers: list[int | OSError] = []

    def fork() -> int:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(os, "fork", fork)
    return answers


def no_room() -> OSError:
    return OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def blocked() -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_child_that_cannot_be_started_is_started_later(clock, forks, caplog):
    child = Child("worker 1", lambda: None)
    forks += [no_room(), OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), 4711]
    before = blocked()
    pauses = []
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            supervisor._start_missing([child])
            assert (child.pid, blocked()) == (0, before)
            supervisor._start_missing([child])  # nothing is tried before its time
            pauses.append(supervisor._pause([child]))
            clock(pauses[-1])
        supervisor._start_missing([child])
    assert pauses == pytest.approx([SHORTEST_PAUSE, 2 * SHORTEST_PAUSE])
    assert (child.pid, forks) == (4711, [])
    assert blocked() == before
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "worker 1 cannot be started now: Resource temporarily unavailable"),
        ("WARNING", "worker 1 cannot be started now: Cannot allocate memory"),
        ("INFO", "worker 1 started as process 4711"),
    ]


def test_the_others_are_started_meanwhile_and_the_pause_has_an_end(clock, forks):
    unlucky, lucky = Child("web", lambda: None), Child("worker 1", lambda: None)
    forks += [no_room(), 4711, *(no_room() for _ in range(9))]
    for _ in range(10):
        supervisor._start_missing([unlucky, lucky])
        assert supervisor._pause([unlucky, lucky]) <= LONGEST_PAUSE
        clock(LONGEST_PAUSE)
    assert (unlucky.pid, lucky.pid, forks) == (0, 4711, [])
    assert unlucky.pause == LONGEST_PAUSE
