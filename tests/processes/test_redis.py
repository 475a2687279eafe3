"""A Redis that is away, forgets, or shuts its door: it may cost time, not a photo."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise
from tests.redisserver import RedisServer

pytestmark = pytest.mark.slow

MESSAGES = "homequeue.homequeue.messages"
#: What takes the room of our messages, in bytes.
STUFFING = 4096


@pytest.fixture
def line(redis_url: str) -> Iterator[Any]:
    """Our own line to the Redis of the test."""
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def status(server: Homequeue) -> str:
    """What `homequeue status` finds wrong; nothing if all is well."""
    found = server.cli("status")
    wrong = [row for row in found.stdout.splitlines() if row.startswith("! ")]
    assert found.returncode == (1 if wrong else 0), found.stderr
    return "\n".join(wrong)


def is_well(server: Homequeue) -> None:
    eventually(lambda: not status(server), "status finds nothing wrong")


def send(server: Homequeue, *numbers: int) -> None:
    for number in numbers:
        assert server.upload(noise(number), f"{number}.jpg").status == 201


def are_made(server: Homequeue, count: int) -> None:
    rows = server.rows
    ready = "select count(*) from asset where state = 'ready'"
    eventually(lambda: rows(ready)[0][0] == count, f"{count} photos are ready")


def test_a_redis_that_throws_messages_away_loses_no_work(
    serve: Serve, line: Any, redis_url: str
) -> None:
    kitchen = {"module": "tests.processes.kitchen", "queue_workers": 1}
    server = serve(queue_url=redis_url, **kitchen)
    is_well(server)

    # While the only worker is busy nobody takes the messages, and others need the room.
    assert server.cli("defer", stdin='["work", 4]\n').returncode == 0
    eventually(lambda: server.jobs().get("running"), "the worker is busy")
    send(server, 1, 2, 3)
    assert line.llen(MESSAGES) >= 3
    line.config_set("maxmemory-policy", "allkeys-lru")
    line.config_set("maxmemory", line.info("memory")["used_memory"] + 50 * STUFFING)
    for number in range(2000):
        line.set(f"stuffing {number}", b"x" * STUFFING)
    assert not line.exists(MESSAGES), "the messages are gone"
    assert "Redis is full and throws messages away" in status(server)
    are_made(server, 3)

    # With even less it takes nothing at all.
    line.config_set("maxmemory", 1)
    send(server, 4, 5)
    words = status(server)
    assert "Redis is full and takes no messages" in words
    assert "Work is done all the same" in words
    are_made(server, 5)

    line.config_set("maxmemory", 0)
    is_well(server)
    send(server, 6)
    are_made(server, 6)
    assert server.is_idle()


def test_a_redis_whose_password_was_changed_holds_up_nothing(
    serve: Serve, line: Any, redis_url: str
) -> None:
    line.config_set("requirepass", "open sesame")
    server = serve(queue_url=redis_url.replace("//", "//:open%20sesame@"))
    is_well(server)
    send(server, 1)
    are_made(server, 1)

    line.config_set("requirepass", "changed")
    line.client_kill_filter(_type="normal", skipme=True)
    send(server, 2, 3)
    words = status(server)
    assert "Redis refuses the password in [queue] url" in words
    assert "Work is done all the same" in words
    are_made(server, 3)

    line.config_set("requirepass", "open sesame")
    is_well(server)
    # Redis is heard again once it has been left alone for a while: then a message wakes a worker.
    eventually(lambda: _listens(line), "workers listen again", 30)
    send(server, 4)
    are_made(server, 4)
    assert "sesame" not in server.err + server.out + words


def test_a_redis_that_is_away_and_comes_back_empty_holds_up_nothing(
    serve: Serve, redis_server: RedisServer
) -> None:
    server = serve(queue_url=redis_server.url)
    is_well(server)
    send(server, 1)
    are_made(server, 1)
    before = server.pids()["web"], server.pids()["worker"][:1]

    redis_server.stop()
    send(server, 2, 3)
    words = status(server)
    assert "Redis does not answer" in words
    assert "Work is done all the same" in words
    assert server.request("GET", "/readyz").status == 200
    are_made(server, 3)

    redis_server.start()
    is_well(server)
    with redis.Redis.from_url(redis_server.url) as line:
        eventually(lambda: _listens(line), "workers listen again", 30)
    send(server, 4)
    are_made(server, 4)
    assert server.is_idle()
    assert (server.pids()["web"], server.pids()["worker"][:1]) == before
    assert "Traceback" not in server.err


def test_a_ping_is_answered_while_redis_is_away(serve: Serve, redis_server: RedisServer) -> None:
    server = serve(queue_url=redis_server.url)
    is_well(server)
    for _ in range(2):
        done = server.cli("jobs", "ping")
        assert done.returncode == 0, done.stderr
        assert re.search(r"in \d+ ms\.$", done.stdout.strip())
        redis_server.stop()


def _listens(line: Any) -> bool:
    return any(one["cmd"] == "brpop" for one in line.client_list())
