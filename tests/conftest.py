"""Fixtures: a house on a real database, and real servers, each on a free port of 127.0.0.1.

With `--database=postgres` the house has its rows in PostgreSQL instead of in a file of SQLite.
"""

import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from homequeue import config
from homequeue.bootstrap import DATABASE, bootstrap
from homequeue.config import Settings
from homequeue.db import db
from homequeue.media import MARKER
from homequeue.queue import limits, queue
from homequeue.services import room, users
from tests.postgres import Cluster, programs
from tests.redisserver import RedisServer

#: The cheapest argon2id, so that tests do not wait for passwords.
CHEAP_ARGON2 = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}


def pytest_addoption(parser: pytest.Parser) -> None:
    choices = ("sqlite", "postgres")
    parser.addoption("--database", choices=choices, default="sqlite", help="where the rows are")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; with another database, run again only what uses one."""
    _slow_files_first(items)
    if config.getoption("--database") != "sqlite":
        used = [
            item
            for item in items
            if "where_rows_are" in getattr(item, "fixturenames", ())
            or (item.get_closest_marker("rows") and not item.get_closest_marker("sqlite"))
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in used])
        items[:] = used


def _slow_files_first(items: list[pytest.Item]) -> None:
    """Put the files that start processes first, so that none of them is alone at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    all_of_it = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], -all_of_it[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Spell out what no other process could be told: half characters in what a test has logged."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def part(program: str) -> str:
    """Return the path of a program a test needs; without it the test skips, but never in CI."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:{programs()}")
    return found or lack(f"{program} is not installed")


def lack(words: str) -> NoReturn:
    """Skip a test for want of something; in CI nothing may be wanting, and it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"{words}, and in CI nothing may be missing")
    pytest.skip(words)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "ARGON2", CHEAP_ARGON2)
    monkeypatch.setattr(users, "throttle", users.Throttle())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL that all tests share, and may stop."""
    part("postgres")
    made = Cluster(free_port())
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture
def server(cluster: Cluster) -> Cluster:
    """A PostgreSQL that runs, and in it the database of its `url`, in which there is nothing."""
    cluster.start().fresh()
    return cluster


@pytest.fixture
def where_rows_are(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The environment that says so, for the house and for the command line."""
    if request.config.getoption("--database") == "sqlite":
        return {}
    if about_sqlite := request.node.get_closest_marker("sqlite"):
        pytest.skip(f"about SQLite: {about_sqlite.args[0]}")
    database: Cluster = request.getfixturevalue("cluster").start()
    database.fresh(with_tables="house" in request.fixturenames)
    monkeypatch.setenv("HOMEQUEUE_DATABASE_URL", database.local_url())
    return {"HOMEQUEUE_DATABASE_URL": database.local_url()}


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, str]:
    """Settings of the house under test; a test module may override this fixture."""
    return {"library.path": str(tmp_path / "data"), "uploads.min_free": "1M"}


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with all tables and no rows: to copy it is quicker than to make it."""
    folder = tmp_path_factory.mktemp("tables") / "data"
    bootstrap(config.load(overrides={"library.path": str(folder)}, environ={}), durable=False)
    db.close()
    queue.storage.close()
    tempfile.tempdir = None
    return folder / DATABASE


@pytest.fixture
def house(
    overrides: dict[str, str],
    where_rows_are: dict[str, str],
    empty_tables: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """A house that stands, in this process."""
    # What a server of another test had begun to receive is nothing to this one.
    monkeypatch.setattr(room, "_coming", {})
    settings = config.load(overrides=overrides, environ=where_rows_are)
    folder = config.data_folder(settings)
    # Its tables are there already: then this must be the folder that belongs to them.
    (folder / "originals").mkdir(parents=True, exist_ok=True)
    (folder / "originals" / MARKER).touch()
    if not where_rows_are:
        shutil.copyfile(empty_tables, folder / DATABASE)
    bootstrap(settings, durable=False)
    yield settings
    db.close()
    queue.storage.close()
    tempfile.tempdir = None


@pytest.fixture
def night(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet hours, for an hour from now on, whenever that is."""
    config.bind(replace(house, queue=replace(house.queue, quiet_hours=(1320, 420))))
    monkeypatch.setattr(limits, "quiet_until", lambda hours, now: now + 3600 if hours else 0.0)


@pytest.fixture
def anna(house: Settings) -> users.User:
    """The first user, an administrator."""
    return users.add("Anna", "correct horse", is_admin=True)


@pytest.fixture
def ben(anna: users.User) -> users.User:
    """Another user, who is not."""
    return users.add("Ben", "battery staple")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, which it may stop and start."""
    part("redis-server")
    server = RedisServer(free_port(), tmp_path)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis of this test's own."""
    return redis_server.url


def work_off() -> int:
    """Do all jobs that are due, in this process; return how many."""
    done = 0
    while (task := queue.dequeue()) is not None:
        queue.execute(task)
        done += 1
    return done
