"""`homequeue status` beside a real homequeue: what it notices, and in which words."""

import signal

import pytest

from tests.conftest import free_port
from tests.processes.conftest import Serve
from tests.processes.servers import eventually

pytestmark = pytest.mark.slow


def test_status_notices_what_does_not_run(serve: Serve) -> None:
    server = serve()
    eventually(lambda: server.cli("status").returncode == 0, "all is well")

    # Stopped, not killed: the supervisor would have another one there at once.
    web = server.kill("web", signal.SIGSTOP)
    assert web is not None
    found = server.cli("status")
    server.kill_pid(web, signal.SIGCONT)
    assert found.returncode == 1
    assert f"nobody serves http://127.0.0.1:{server.port}." in found.stdout
    eventually(lambda: server.cli("status").returncode == 0, "all is well again")

    server.stop()
    found = server.cli("status")
    assert found.returncode == 1
    assert f"homequeue is not running on {server.data}." in found.stdout


def test_status_need_not_be_told_the_port(serve: Serve) -> None:
    server = serve()
    eventually(server.answers, "it serves")
    server.settings["server_port"] = free_port()
    eventually(lambda: server.cli("status").returncode == 0, "all is well")
