"""A second machine behind a network cable: namespaces of its own for network, processes and name.

It reaches the rows over the network only and shares the media folder; the cable can be pulled, and
the machine can vanish in the midst of its work.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.conftest import lack, part
from tests.postgres import Cluster
from tests.processes.conftest import Serve
from tests.processes.servers import PATIENCE, Homequeue, eventually, parent_of, slow_photo

pytestmark = pytest.mark.slow

IMPATIENT = "tests.processes.impatient"
NETWORK = f"198.18.{os.getpid() % 250}"
FIRST, SECOND = f"{NETWORK}.1", f"{NETWORK}.2"
#: Jobs that run on the second machine, whose name begins its workers' identities.
THERE = "SELECT count(*) FROM job WHERE state = 'running' AND worker LIKE 'second.%'"
#: Workers of the second machine that are on the list.
LISTED = "SELECT count(*) FROM worker WHERE identity LIKE 'second.%'"


@dataclass
class Machine:
    """The second machine and the cable to it."""

    name: str
    workers: Homequeue

    def plug(self, state: str) -> None:
        """Pull the cable (`down`) or put it in (`up`)."""
        ip("link", "set", f"{self.name}a", state)

    def leave(self) -> None:
        """Be stopped, as by its service manager; what made its namespaces hears no signal."""
        assert self.workers.process is not None
        pids = map(int, ip("netns", "pids", self.name).split())
        inside = [pid for pid in pids if parent_of(pid) == self.workers.process.pid]
        for pid in inside:
            os.kill(pid, signal.SIGTERM)
        assert self.workers.process.wait(PATIENCE) == 0

    def vanish(self) -> None:
        """Lose its power: no process of it says goodbye."""
        self.plug("down")
        for pid in ip("netns", "pids", self.name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def is_well(home: Homequeue) -> None:
    found = home.cli("status")
    assert found.returncode == 0, found.stdout


def ip(*words: str) -> str:
    done = subprocess.run([part("ip"), *words], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def cable() -> Iterator[str]:
    """A network namespace and a cable that leads into it; its name."""
    name = f"hq{os.getpid()}"
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError:
        lack("this machine may not make networks")
    try:
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        ip("addr", "add", f"{FIRST}/24", "dev", f"{name}a")
        ip("link", "set", f"{name}a", "up")
        ip("-n", name, "addr", "add", f"{SECOND}/24", "dev", f"{name}b")
        ip("-n", name, "link", "set", f"{name}b", "up")
        yield name
    finally:
        # The namespace itself goes when the last process in it has.
        subprocess.run([part("ip"), "link", "del", f"{name}a"], check=False, capture_output=True)
        ip("netns", "del", name)


@pytest.fixture
def home(server: Cluster, serve: Serve) -> Homequeue:
    """The first machine, with one worker at a time."""
    return serve(database_url=server.url(), queue_workers=1, module=IMPATIENT)


@pytest.fixture
def other(home: Homequeue, server: Cluster, cable: str) -> Iterator[Machine]:
    """The second machine: `homequeue worker`, which knows the rows by an address of the network."""
    inside = [part("ip"), "netns", "exec", cable, part("unshare"), "--uts", "--pid", "--fork"]
    wrapper = [*inside, "--mount-proc", "--kill-child", "sh", "-c", 'hostname second && exec "$@"']
    settings = home.settings | {"database_url": server.url(host=FIRST)}
    workers = Homequeue(home.folder, settings, "worker", IMPATIENT, [*wrapper, "sh"])
    workers.launch()
    try:
        yield Machine(cable, workers)
    finally:
        workers.end()


def rows(server: Cluster, sql: str) -> list[tuple]:
    return server.ask(sql, database="homequeue")


def send_until_busy_there(home: Homequeue, server: Cluster, first: int) -> int:
    """Upload photos until the second machine is at one; return how many."""
    sent = 0
    while rows(server, THERE) == [(0,)]:
        assert sent < 40, "the second machine takes no work"
        assert home.upload(slow_photo(first + sent, 4000)).status == 201
        sent += 1
    return sent


def test_the_cable_is_pulled_and_put_in_again(
    home: Homequeue, other: Machine, server: Cluster
) -> None:
    eventually(lambda: workers_of(server) == 2, "both machines have a worker")
    sent = send_until_busy_there(home, server, 0)
    other.plug("down")
    assert {asset["state"] for asset in home.settled(sent)} == {"ready"}, "the first did it all"
    assert rows(server, "SELECT count(*), count(DISTINCT asset_id) FROM rendition") == [
        (2 * sent, sent)
    ]
    ended = rows(server, "SELECT id, finished_at FROM job WHERE task = 'process_asset' ORDER BY 1")

    other.plug("up")
    more = send_until_busy_there(home, server, 100)
    assert {asset["state"] for asset in home.settled(sent + more)} == {"ready"}
    again = rows(server, "SELECT id, finished_at FROM job WHERE task = 'process_asset' ORDER BY 1")
    assert again[:sent] == ended, "what was done meanwhile is not done twice"
    assert rows(server, "SELECT max(deaths) FROM job") == [(0,)], "no job is to blame"
    assert "Traceback" not in home.err + other.workers.err


def test_a_machine_vanishes_in_the_midst_of_its_work(
    home: Homequeue, other: Machine, server: Cluster
) -> None:
    eventually(lambda: workers_of(server) == 2, "both machines have a worker")
    sent = send_until_busy_there(home, server, 0)
    other.vanish()
    assert {asset["state"] for asset in home.settled(sent)} == {"ready"}
    assert rows(server, "SELECT count(*) FROM rendition") == [(2 * sent,)]
    assert rows(server, "SELECT max(deaths) FROM job") == [(0,)]
    eventually(lambda: workers_of(server) == 1, "the vanished machine is not counted any more")
    eventually(lambda: rows(server, LISTED) == [(0,)], "nor is it on the list")
    is_well(home)


def test_a_machine_leaves_and_is_missed_by_nobody(
    home: Homequeue, other: Machine, server: Cluster
) -> None:
    eventually(lambda: workers_of(server) == 2, "both machines have a worker")
    other.leave()
    assert rows(server, LISTED) == [(0,)]
    is_well(home)


def test_the_clock_has_one_that_looks_at_it(
    home: Homequeue, other: Machine, server: Cluster
) -> None:
    eventually(lambda: workers_of(server) == 2, "both machines have a worker")
    past = "UPDATE periodic SET last_due = last_due - 600 WHERE task = 'check_disk'"
    before = rows(server, "SELECT count(*) FROM job WHERE task = 'check_disk'")[0][0]
    rows(server, past)
    done = "SELECT count(*) FROM job WHERE task = 'check_disk' AND state = 'succeeded'"
    eventually(lambda: rows(server, done)[0][0] > before, "the missed run is made up for")
    assert rows(server, done)[0][0] == before + 1, "by one of the machines"


def workers_of(server: Cluster) -> int:
    """How many machines have workers that were heard of lately."""
    names = "SELECT count(DISTINCT split_part(identity, '/', 1)) FROM worker"
    lately = f"{names} WHERE seen_at > extract(epoch FROM now()) - 8"
    return int(rows(server, lately)[0][0])
