"""Fixtures: a house on a real database, and real servers, each on a free port of 127.0.0.1.

With `--database=postgres` the house has its rows in PostgreSQL instead of in a file of SQLite.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homequeue import config
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.db import db
from homequeue.media import MARKER
from homequeue.queue import queue
from homequeue.services import users
from tests.postgres import Cluster, programs

#: The cheapest argon2id, so that tests do not wait for passwords.
CHEAP_ARGON2 = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}


def pytest_addoption(parser: pytest.Parser) -> None:
    choices = ("sqlite", "postgres")
    parser.addoption("--database", choices=choices, default="sqlite", help="where the rows are")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With another database, run again only what uses one."""
    if config.getoption("--database") != "sqlite":
        used = [item for item in items if "where_rows_are" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in used])
        items[:] = used


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
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{program} is missing, and in CI nothing may be")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


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


@pytest.fixture
def house(overrides: dict[str, str], where_rows_are: dict[str, str]) -> Iterator[Settings]:
    """A house that stands, in this process."""
    settings = config.load(overrides=overrides, environ=where_rows_are)
    if where_rows_are:
        # Its tables may be there already: then this must be the folder that belongs to them.
        originals = config.data_folder(settings) / "originals"
        originals.mkdir(parents=True, exist_ok=True)
        (originals / MARKER).touch()
    bootstrap(settings, durable=False)
    yield settings
    db.close()
    queue.storage.close()
    tempfile.tempdir = None


@pytest.fixture
def anna(house: Settings) -> users.User:
    """The first user, an administrator."""
    return users.add("Anna", "correct horse", is_admin=True)


@pytest.fixture
def ben(anna: users.User) -> users.User:
    """Another user, who is not."""
    return users.add("Ben", "battery staple")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis server of this test's own."""
    port = free_port()
    command = [part("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    options = ["--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
    _wait_for_port(port)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def work_off() -> int:
    """Do all jobs that are due, in this process; return how many."""
    done = 0
    while (task := queue.dequeue()) is not None:
        queue.execute(task)
        done += 1
    return done
