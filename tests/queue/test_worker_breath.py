"""A worker whose database is away: it says so once, and asks less and less often."""

import logging

import pytest
from peewee import OperationalError

from homequeue.queue import queue
from homequeue.queue import worker as worker_module
from homequeue.queue.worker import BREATH, LONGEST_BREATH, Worker

pytestmark = pytest.mark.usefixtures("house")


@pytest.fixture
def pauses(monkeypatch):
    taken = []
    monkeypatch.setattr(worker_module.time, "sleep", taken.append)
    return taken


def broken(monkeypatch, error: Exception) -> None:
    def dequeue():
        raise error

    monkeypatch.setattr(queue, "dequeue", dequeue)


def test_the_pause_grows_and_begins_anew(monkeypatch, pauses):
    one = Worker(queue)
    broken(monkeypatch, OperationalError("no connection"))
    for _ in range(5):
        one._step()
    assert pauses == [BREATH, 1.0, 2.0, LONGEST_BREATH, LONGEST_BREATH]
    monkeypatch.undo()
    monkeypatch.setattr(queue, "wait", lambda seconds: None)
    one._step()
    assert one._breath == 0


def test_a_database_that_is_away_is_one_line(monkeypatch, pauses, caplog):
    one = Worker(queue)
    broken(monkeypatch, OperationalError("no\nconnection"))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            one._step()
    (record,) = caplog.records
    assert "\\x0aconnection" in record.getMessage()
    assert record.exc_info is None


def test_a_defect_is_told_in_full(monkeypatch, pauses, caplog):
    one = Worker(queue)
    broken(monkeypatch, ValueError("a defect"))
    one._step()
    assert caplog.records[0].exc_info is not None
