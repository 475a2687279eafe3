"""The bells: a ring wakes a sleeper at once, and nothing depends on it being heard."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import redis

from homequeue import postgres
from homequeue.queue.messages import SignedJson
from homequeue.queue.storage import ENOUGH, Doorbell, PostgresBell, RedisBell
from homequeue.queue.storage import bell as chosen_bell
from tests.conftest import free_port


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
    assert waits(bell, 20) < 5


def test_without_a_ring_the_seconds_pass(bell):
    assert 0.09 < waits(bell, 0.1) < 5


def test_a_ring_wakes_a_thread(bell):
    woken = []
    sleeper = threading.Thread(target=lambda: (bell.wait(20), woken.append(time.monotonic())))
    bell.wait(0)
    sleeper.start()
    time.sleep(0.1)
    assert woken == []
    rang = time.monotonic()
    bell.enqueue(b"x")
    sleeper.join()
    assert woken[0] - rang < 5


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
        assert float(sleeper.stdout.readline()) - rang < 5


def test_each_ring_wakes_one(bell):
    bell.enqueue(b"x")
    bell.enqueue(b"x")
    assert waits(bell, 20) < 5
    assert waits(bell, 20) < 5
    assert waits(bell, 0.1) > 0.09


def test_a_full_bell_does_not_block(bell):
    bell.enqueue(b"x")
    with contextlib.suppress(BlockingIOError):
        while os.write(bell._fifo, b"somebody else writes here" * 100):
            pass
    bell.enqueue(b"x")
    assert waits(bell, 20) < 5


def looks(bell) -> int:
    """How often a worker that finds nothing looks again before it sleeps."""
    count = 0
    while waits(bell, 0.5) < 0.4:
        count += 1
    return count


def test_after_many_rings_nobody_looks_for_each_of_them(bell):
    for _ in range(5000):
        bell.enqueue(b"x")
    assert 1 <= looks(bell) <= ENOUGH


def test_as_many_rings_as_there_may_be_workers_wake_them_all(bell):
    woken = []
    sleepers = [threading.Thread(target=lambda: (bell.wait(30), woken.append(1))) for _ in range(8)]
    bell.wait(0)
    for sleeper in sleepers:
        sleeper.start()
    for _ in range(ENOUGH):
        bell.enqueue(b"x")
    for sleeper in sleepers:
        sleeper.join(20)
    assert len(woken) == len(sleepers)


def test_it_is_a_pipe_for_its_owner_alone(bell, tmp_path):
    bell.enqueue(b"x")
    assert (tmp_path / "doorbell").is_fifo()
    assert (tmp_path / "doorbell").stat().st_mode & 0o777 == 0o600


def test_whatever_lies_in_its_place_is_replaced(tmp_path):
    (tmp_path / "doorbell").write_text("a backup restored it as a file")
    bell = Doorbell("bell", tmp_path / "doorbell")
    bell.enqueue(b"x")
    assert waits(bell, 20) < 5
    bell.close()


def test_it_can_be_closed_and_used_again(bell):
    bell.enqueue(b"x")
    bell.close()
    bell.close()
    bell.enqueue(b"x")
    assert waits(bell, 20) < 5


@pytest.mark.parametrize("rubbish", [None, "a file in its place"])
def test_a_bell_that_was_torn_down_is_hung_up_again_by_both_sides(tmp_path, rubbish):
    ringer, listener = (Doorbell("bell", tmp_path / "doorbell") for _ in range(2))
    listener.wait(0)
    ringer.enqueue(b"x")
    assert waits(listener, 5) < 0.1
    (tmp_path / "doorbell").unlink()
    if rubbish:
        (tmp_path / "doorbell").write_text(rubbish)
    listener.wait(0)
    ringer.enqueue(b"x")
    assert waits(listener, 5) < 0.1
    ringer.close()
    listener.close()


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
    assert redis_bell.wait(20) == [b"one"]
    assert redis_bell.wait(20) == [b"two"]


def test_redis_wakes_a_sleeper_at_once(redis_bell):
    heard = []
    sleeper = threading.Thread(target=lambda: heard.append((redis_bell.wait(20), time.monotonic())))
    sleeper.start()
    time.sleep(0.1)
    rang = time.monotonic()
    redis_bell.enqueue(b"x")
    sleeper.join()
    assert heard[0][0] == [b"x"]
    assert heard[0][1] - rang < 5


def test_redis_waits_no_longer_than_asked(redis_bell):
    began = time.monotonic()
    assert redis_bell.wait(0.1) == []
    assert 0.09 < time.monotonic() - began < 5


def test_a_wait_of_nothing_does_not_wait_for_ever(redis_bell):
    began = time.monotonic()
    assert redis_bell.wait(0) == []
    assert time.monotonic() - began < 5


def test_redis_keeps_no_more_than_wake_everybody_and_the_oldest_of_them(redis_bell):
    """A stranger's message does not go unseen because we ring so much."""
    for number in range(ENOUGH + 50):
        redis_bell.enqueue(b"%d" % number)
    kept = [redis_bell.wait(0.01) for _ in range(ENOUGH + 1)]
    assert kept == [[b"%d" % number] for number in range(ENOUGH)] + [[]]


def test_ringing_never_fails_when_redis_is_away(dead_redis_bell, caplog):
    began = time.monotonic()
    for _ in range(100):
        dead_redis_bell.enqueue(b"x")
    assert time.monotonic() - began < 5
    assert caplog.text.count("Redis does not answer") == 1


def test_a_redis_that_stays_away_is_told_once_and_again_after_it_was_there(
    redis_bell, redis_url, monkeypatch, caplog
):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    line = redis.Redis.from_url(redis_url)
    for _ in range(2):
        line.config_set("maxmemory", 1)
        for _ in range(3):
            redis_bell._deaf_until = 0.0
            redis_bell.enqueue(b"x")
            assert redis_bell._deaf_until > time.monotonic()
        line.config_set("maxmemory", 0)
        redis_bell._deaf_until = 0.0
        redis_bell.enqueue(b"x")
        assert redis_bell._deaf_until == 0.0
    assert caplog.text.count("Redis does not answer") == 2


def test_a_worker_goes_on_looking_when_redis_is_away(dead_redis_bell, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    assert dead_redis_bell.wait(30) == []
    assert dead_redis_bell.wait(30) == []
    assert slept == [1.0]


def test_redis_that_takes_messages_is_no_trouble(redis_bell, redis_url):
    assert redis_bell.trouble() == ""
    line = redis.Redis.from_url(redis_url)
    line.config_set("maxmemory", 10**9)
    line.config_set("maxmemory-policy", "allkeys-lru")
    assert redis_bell.trouble() == "", "it throws nothing away while there is room"
    line.config_set("maxmemory", line.info("memory")["used_memory"] + 10_000)
    assert redis_bell.trouble().startswith("Redis is full and throws messages away")
    line.config_set("maxmemory-policy", "volatile-lru")
    assert redis_bell.trouble() == "", "ours are not among those"
    assert redis_bell.wait(0) == [], "to ask rings nothing"


def test_redis_that_is_away_or_full_or_shut_is_named(redis_bell, dead_redis_bell, redis_url):
    assert dead_redis_bell.trouble().startswith("Redis does not answer: ")
    line = redis.Redis.from_url(redis_url)
    line.config_set("maxmemory", 1)
    assert redis_bell.trouble().startswith("Redis is full and takes no messages: ")
    line.config_set("maxmemory", 0)
    line.execute_command("ACL SETUSER default -set")
    assert redis_bell.trouble().startswith("Redis takes no messages: ")
    line.execute_command("ACL SETUSER default +set -info")
    assert redis_bell.trouble() == "", "not everybody may ask how full it is"
    line.config_set("requirepass", "hunter2")
    wrong = RedisBell("homequeue", redis_url.replace("//", "//:hunter3@"))
    for bell in (wrong, RedisBell("homequeue", redis_url)):
        words = bell.trouble()
        assert words.startswith("Redis refuses the password in [queue] url: ")
        assert words.endswith(". Work is done all the same, but begins some seconds later.")
        assert "hunter" not in words
        bell.close()


def test_redis_that_stops_in_the_middle_and_comes_back(redis_bell, redis_server, monkeypatch):
    redis_bell.enqueue(b"before")
    assert redis_bell.wait(1) == [b"before"]
    redis_server.stop()
    redis_bell.enqueue(b"lost")
    with monkeypatch.context() as hurry:
        hurry.setattr(time, "sleep", lambda _: None)
        assert redis_bell.wait(1) == []
    redis_server.start()
    redis_bell._deaf_until = 0.0
    redis_bell.enqueue(b"after")
    assert redis_bell.wait(1) == [b"after"]


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


# PostgreSQL


@pytest.fixture
def postgres_url(server):
    return server.local_url()


@pytest.fixture
def hall(postgres_url):
    """A bell to ring, and two that listen already, as workers have them."""
    bells = [PostgresBell("homequeue", postgres_url) for _ in range(3)]
    for listening in bells[1:]:
        assert listening.wait(5) == []
    yield bells
    for one in bells:
        one.close()


def test_postgres_wakes_all_who_listen(hall):
    ringer, *listeners = hall
    ringer.enqueue(b"x")
    assert [listening.wait(5) for listening in listeners] == [[b"x"]] * 2
    assert [listening.wait(0.05) for listening in listeners] == [[]] * 2


def test_postgres_wakes_a_sleeper_at_once(hall):
    heard = []
    sleeper = threading.Thread(target=lambda: heard.append((hall[1].wait(20), time.monotonic())))
    sleeper.start()
    time.sleep(0.1)
    assert heard == []
    rang = time.monotonic()
    hall[0].enqueue(b"x")
    sleeper.join()
    assert heard[0][0] == [b"x"]
    assert heard[0][1] - rang < 5


def test_postgres_waits_no_longer_than_asked(hall):
    began = time.monotonic()
    assert hall[1].wait(0.1) == []
    assert hall[1].wait(0) == []
    assert 0.09 < time.monotonic() - began < 5


def test_who_begins_to_listen_looks_at_the_ledger_again(postgres_url):
    """Whatever was rung before is not heard."""
    late = PostgresBell("homequeue", postgres_url)
    assert waits(late, 30) < 1
    assert waits(late, 0.1) > 0.09
    late.close()


def test_many_rings_are_one_reason_to_look(hall):
    for number in range(50):
        hall[0].enqueue(b"%d" % number)
    time.sleep(0.1)
    assert hall[1].wait(20) == [b"%d" % number for number in range(50)]
    assert hall[1].wait(0.1) == []


def test_after_many_rings_of_postgres_nobody_looks_for_each_of_them(hall):
    for _ in range(2000):
        hall[0].enqueue(b"x" * 200)
    assert 1 <= looks(hall[1]) <= 5


def test_threads_may_ring_at_the_same_time(hall, caplog):
    rings = [
        threading.Thread(target=lambda: [hall[0].enqueue(b"x") for _ in range(20)])
        for _ in range(4)
    ]
    for thread in rings:
        thread.start()
    for thread in rings:
        thread.join()
    assert set(hall[1].wait(20)) == {b"x"}
    assert caplog.text == ""


@pytest.mark.parametrize("payload", ["", "rubbish", '{"job":7}.0000', "Ünsinn", "x" * 7999])
def test_strangers_messages_come_as_they_are_and_are_refused(hall, server, payload):
    server.ask("SELECT pg_notify(%s, %s)", "homequeue", payload, database="homequeue")
    (message,) = hall[1].wait(20)
    assert message == payload.encode()
    with pytest.raises(ValueError, match="signature"):
        SignedJson(b"secret" * 8).deserialize(message)


def test_other_channels_and_databases_are_not_heard(hall, server):
    server.ask("SELECT pg_notify('other', 'x')", database="homequeue")
    server.ask("SELECT pg_notify('homequeue', 'x')", database="postgres")
    assert hall[1].wait(0.2) == []


def test_ringing_never_fails_when_postgres_is_away(hall, server, caplog):
    hall[0].enqueue(b"x")
    server.stop()
    began = time.monotonic()
    for _ in range(100):
        hall[0].enqueue(b"x")
    assert time.monotonic() - began < 5
    assert caplog.text.count("PostgreSQL does not answer") == 1
    server.start()
    hall[0]._deaf_until = 0.0
    hall[0].enqueue(b"x")
    assert caplog.text.count("PostgreSQL does not answer") == 1


def test_postgres_that_is_away_is_named(hall, server):
    assert hall[0].trouble() == ""
    server.stop()
    words = hall[0].trouble()
    assert words.startswith("PostgreSQL does not answer: ")
    assert "\n" not in words


def test_a_pipe_has_no_server_that_could_be_in_trouble(tmp_path):
    assert Doorbell("homequeue", tmp_path / "doorbell").trouble() == ""


def test_a_restart_is_no_reason_not_to_ring(hall, server, caplog):
    hall[0].enqueue(b"before")
    server.stop()
    server.start()
    listening = PostgresBell("homequeue", server.local_url())
    listening.wait(5)
    hall[0].enqueue(b"after")
    assert listening.wait(5) == [b"after"]
    assert caplog.text == ""
    listening.close()


def test_a_listener_goes_on_looking_while_postgres_is_away(hall, server, monkeypatch, caplog):
    server.stop("immediate")
    slept = []
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", slept.append)
        assert [hall[1].wait(30) for _ in range(3)] == [[]] * 3
    assert set(slept) == {1.0}
    assert caplog.text.count("PostgreSQL does not answer") == 1
    server.start()
    hall[1]._deaf_until = 0.0
    assert hall[1].wait(20) == []  # it listens again
    hall[0].enqueue(b"after")
    assert hall[1].wait(20) == [b"after"]


def test_postgres_that_hangs_is_given_up_soon():
    """A server that accepts and never answers, as behind a frozen machine."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        bell = PostgresBell("homequeue", f"postgresql://127.0.0.1:{frozen.getsockname()[1]}/x")
        began = time.monotonic()
        bell.enqueue(b"x")
        bell.enqueue(b"x")
        assert time.monotonic() - began < 3


def test_a_closed_bell_can_be_used_again(hall):
    hall[0].close()
    hall[0].close()
    hall[0].enqueue(b"x")
    assert hall[1].wait(20) == [b"x"]


def test_the_address_chooses_the_bell(tmp_path, postgres_url):
    kinds = {
        "": Doorbell,
        "redis://127.0.0.1:1/0": RedisBell,
        postgres_url: PostgresBell,
        postgres_url.replace("postgresql", "postgres"): PostgresBell,
    }
    for url, kind in kinds.items():
        assert type(chosen_bell("homequeue", tmp_path, url)) is kind


def test_a_child_of_a_listener_does_not_end_its_connection(hall):
    """The sandbox is such a child."""
    child = os.fork()
    if not child:
        hall.clear()
        os._exit(0)
    os.waitpid(child, 0)
    hall[0].enqueue(b"x")
    assert hall[1].wait(20) == [b"x"]
    assert not postgres.is_lost(hall[1]._listener)
