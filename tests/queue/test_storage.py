"""The bells: a ring wakes a sleeper at once, and nothing depends on it being heard."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import redis

from homequeue.queue.storage import Doorbell, RedisBell
from tests.conftest import _wait_for_port, free_port, part


@pytest.fixture
def bell(tmp_path):
    bell = Doorbell("bell", tmp_path / "doorbell")
    yield bell
    bell.close()


def waits(bell, seconds: float) -> float:
    began = time.monotonic()
    bell.wait(seconds)
    return time.monotonic() - began


def test_a_ring_before_the_wait_is_heard(bell):
    bell.enqueue(b"x")
    assert waits(bell, 5) < 0.1


def test_without_a_ring_the_seconds_pass(bell):
    assert 0.09 < waits(bell, 0.1) < 1


def test_a_ring_wakes_a_thread_within_milliseconds(bell):
    woken = []
    sleeper = threading.Thread(target=lambda: (bell.wait(5), woken.append(time.monotonic())))
    bell.wait(0)
    sleeper.start()
    time.sleep(0.1)
    assert woken == []
    rang = time.monotonic()
    bell.enqueue(b"x")
    sleeper.join()
    assert woken[0] - rang < 0.1


def test_a_ring_wakes_another_process(bell, tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from homequeue.queue.storage import Doorbell\n"
        f"bell = Doorbell('bell', Path({str(tmp_path / 'doorbell')!r}))\n"
        "bell.wait(0); print('sleeping', flush=True)\n"
        "bell.wait(20); print(time.monotonic())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout.readline() == b"sleeping\n"
        time.sleep(0.1)
        rang = time.monotonic()
        bell.enqueue(b"x")
        # CLOCK_MONOTONIC is one clock for all processes of a machine.
        assert float(sleeper.stdout.readline()) - rang < 0.2


def test_each_ring_wakes_one(bell):
    bell.enqueue(b"x")
    bell.enqueue(b"x")
    assert waits(bell, 5) < 0.1
    assert waits(bell, 5) < 0.1
    assert waits(bell, 0.1) > 0.09


def test_a_full_bell_does_not_block(bell):
    began = time.monotonic()
    for _ in range(70_000):
        bell.enqueue(b"x")
    assert time.monotonic() - began < 2
    assert waits(bell, 5) < 0.1


def test_it_is_a_pipe_for_its_owner_alone(bell, tmp_path):
    bell.enqueue(b"x")
    assert (tmp_path / "doorbell").is_fifo()
    assert (tmp_path / "doorbell").stat().st_mode & 0o777 == 0o600


def test_whatever_lies_in_its_place_is_replaced(tmp_path):
    (tmp_path / "doorbell").write_text("a backup restored it as a file")
    bell = Doorbell("bell", tmp_path / "doorbell")
    bell.enqueue(b"x")
    assert waits(bell, 5) < 0.1
    bell.close()


def test_it_can_be_closed_and_used_again(bell):
    bell.enqueue(b"x")
    bell.close()
    bell.close()
    bell.enqueue(b"x")
    assert waits(bell, 5) < 0.1


def test_it_is_not_inherited_by_programs(bell):
    bell.enqueue(b"x")
    assert not os.get_inheritable(bell._fifo)


# Redis


@pytest.fixture
def redis_bell(redis_url):
    bell = RedisBell("homequeue", redis_url)
    yield bell
    bell.close()


@pytest.fixture
def dead_redis_bell(unused_url):
    bell = RedisBell("homequeue", unused_url)
    yield bell
    bell.close()


@pytest.fixture
def unused_url():
    return f"redis://127.0.0.1:{free_port()}/0"


def test_redis_hands_the_message_over(redis_bell):
    redis_bell.enqueue(b"one")
    redis_bell.enqueue(b"two")
    assert redis_bell.wait(5) == b"one"
    assert redis_bell.wait(5) == b"two"


def test_redis_wakes_a_sleeper_at_once(redis_bell):
    heard = []
    sleeper = threading.Thread(target=lambda: heard.append((redis_bell.wait(5), time.monotonic())))
    sleeper.start()
    time.sleep(0.1)
    rang = time.monotonic()
    redis_bell.enqueue(b"x")
    sleeper.join()
    assert heard[0][0] == b"x"
    assert heard[0][1] - rang < 0.15


def test_redis_waits_no_longer_than_asked(redis_bell):
    began = time.monotonic()
    assert redis_bell.wait(0.1) is None
    assert 0.09 < time.monotonic() - began < 1


def test_a_wait_of_nothing_does_not_wait_for_ever(redis_bell):
    began = time.monotonic()
    assert redis_bell.wait(0) is None
    assert time.monotonic() - began < 1


def test_redis_keeps_no_more_than_wake_everybody(redis_bell):
    redis_bell.most_messages = 20
    for number in range(50):
        redis_bell.enqueue(b"%d" % number)
    kept = [redis_bell.wait(0.01) for _ in range(21)]
    assert kept == [b"%d" % number for number in range(30, 50)] + [None]


def test_ringing_never_fails_when_redis_is_away(dead_redis_bell, caplog):
    began = time.monotonic()
    for _ in range(100):
        dead_redis_bell.enqueue(b"x")
    assert time.monotonic() - began < 1
    assert caplog.text.count("Redis does not answer") == 1


def test_a_worker_goes_on_looking_when_redis_is_away(dead_redis_bell, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    assert dead_redis_bell.wait(30) is None
    assert dead_redis_bell.wait(30) is None
    assert slept == [1.0]


def test_redis_that_stops_in_the_middle_and_comes_back(redis_bell, redis_url, monkeypatch):
    redis_bell.enqueue(b"before")
    assert redis_bell.wait(1) == b"before"
    redis.Redis.from_url(redis_url).shutdown(nosave=True)
    redis_bell.enqueue(b"lost")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert redis_bell.wait(1) is None
    port = redis_url.rpartition(":")[2].partition("/")[0]
    with subprocess.Popen([part("redis-server"), "--port", port, "--save", ""], stdout=-3) as again:
        try:
            monkeypatch.undo()
            _wait_for_port(int(port))
            redis_bell._deaf_until = 0.0
            redis_bell.enqueue(b"after")
            assert redis_bell.wait(1) == b"after"
        finally:
            again.terminate()


def test_redis_that_hangs_is_given_up_soon():
    """A server that accepts and never answers, as behind a frozen machine."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        bell = RedisBell("homequeue", f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        rang = threading.Thread(target=bell.enqueue, args=(b"x",), daemon=True)
        rang.start()
        rang.join(2)
        assert not rang.is_alive(), "an upload would hang with Redis"
