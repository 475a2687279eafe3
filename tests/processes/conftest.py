"""Fixtures: real servers, ended by their pid whatever happens."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.processes import servers
from tests.processes.servers import Homequeue, running

Serve = Callable[..., Homequeue]


@pytest.fixture(scope="session", autouse=True)
def _rows_are_where_they_should_be(request: pytest.FixtureRequest) -> None:
    """With --database=postgres each server has a database of its own there."""
    if request.config.getoption("--database") == "postgres":
        servers.cluster = request.getfixturevalue("cluster")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with an account and the settings asked for."""
    with ExitStack() as stack:
        number = iter(range(100))

        def start(**settings: Any) -> Homequeue:
            folder = tmp_path / f"house{next(number)}"
            return stack.enter_context(running(folder, **settings))

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """One server for the tests of a module that leave it as they found it."""
    with running(tmp_path_factory.mktemp("shared")) as server:
        yield server
