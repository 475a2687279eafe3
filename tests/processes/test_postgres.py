"""Rows and messages in PostgreSQL: one machine, a server that goes and comes back, two machines."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port, lack, part
from tests.postgres import Cluster
from tests.processes.conftest import Serve
from tests.processes.servers import (
    BROKEN,
    PATIENCE,
    Homequeue,
    eventually,
    is_alive,
    noise,
    parent_of,
    slow_photo,
)
from tests.processes.test_poison import defer, job, worker_of

pytestmark = pytest.mark.slow


@pytest.fixture
def home(server: Cluster, serve: Serve) -> Homequeue:
    """`homequeue run` with everything but the photos in PostgreSQL."""
    return serve(database_url=server.url())


def rows(server: Cluster, sql: str) -> list[tuple]:
    return server.ask(sql, database="homequeue")


def is_ready(home: Homequeue) -> bool:
    try:
        return home.request("GET", "/readyz").status == 200
    except BROKEN:
        return False


def who(home: Homequeue) -> tuple[list[int], list[int]]:
    """The processes that must outlive whatever happens."""
    pids = home.pids()
    return pids["web"], pids["worker"][:1]


def test_what_is_uploaded_becomes_ready(home: Homequeue, server: Cluster) -> None:
    for number in range(5):
        assert home.upload(noise(number)).status == 201
    assert {asset["state"] for asset in home.settled(5)} == {"ready"}
    assert home.upload(noise(0)).status == 200
    assert rows(server, "SELECT count(*) FROM asset") == [(5,)]
    assert not list(home.data.glob("homequeue.db*"))
    assert not (home.data / "doorbell").exists()
    assert "Traceback" not in home.err


def test_a_worker_is_woken_at_once(home: Homequeue, server: Cluster) -> None:
    eventually(lambda: is_ready(home), "a worker is there")
    for number in range(5):
        home.upload(noise(number))
        home.settled(number + 1)
    waits = rows(server, "SELECT started_at - queued_at FROM job WHERE task = 'process_asset'")
    assert sorted(wait for (wait,) in waits)[2] < 0.2


def test_no_connection_is_inherited(home: Homequeue) -> None:
    eventually(lambda: is_ready(home), "a worker is there")
    (supervisor,) = home.pids()["supervisor"]
    links = [os.readlink(entry) for entry in Path(f"/proc/{supervisor}/fd").iterdir()]
    # The one on which the web process listens.
    assert len([link for link in links if link.startswith("socket:")]) == 1


def test_status_says_where_the_rows_are(home: Homequeue, server: Cluster) -> None:
    eventually(lambda: is_ready(home), "a worker is there")
    said = home.cli("status")
    assert f"PostgreSQL at 127.0.0.1:{server.port}, homequeue" in said.stdout
    assert "geheim" not in said.stdout + said.stderr


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgres_goes_away_and_comes_back(home: Homequeue, server: Cluster, mode: str) -> None:
    assert home.upload(noise(1)).status == 201
    home.settled(1)
    before = who(home)
    server.stop(mode)

    for answer in (home.request("GET", "/readyz"), home.upload(noise(2)), home.upload(noise(2))):
        assert answer.status == 503
        assert "cannot be reached" in answer.json["error"]
        assert answer.seconds < 10
    page = home.request("GET", "/", headers={"Accept": "text/html"})
    assert (page.status, "cannot be reached" in page.text) == (503, True)
    monitor = {"Authorization": ""}  # a token could not be looked up
    assert home.request("GET", "/healthz", headers=monitor).status == 200
    assert home.cli("status").stderr.count("\n") == 1

    server.start()
    eventually(lambda: is_ready(home), "it is ready again", 10)
    assert home.upload(noise(2)).status == 201
    assert {asset["state"] for asset in home.settled(2, 20)} == {"ready"}
    assert who(home) == before
    assert "geheim" not in home.err


def test_postgres_goes_away_while_a_photo_is_made(home: Homequeue, server: Cluster) -> None:
    home.upload(slow_photo(1), "slow.png")
    running = "SELECT count(*) FROM job WHERE state = 'running'"
    eventually(lambda: rows(server, running) == [(1,)], "a worker is busy")
    server.stop("immediate")
    server.start()
    assert {asset["state"] for asset in home.settled(1)} == {"ready"}
    files = [path for path in (home.data / "renditions").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert rows(server, "SELECT count(*) FROM rendition") == [(2,)]


@pytest.mark.parametrize("is_forgotten_too", [False, True], ids=["a claim", "and a success"])
def test_what_a_crashed_server_forgot_is_not_done_twice_at_once(
    serve: Serve, server: Cluster, is_forgotten_too: bool
) -> None:
    """A worker need not wait for the disk, so its last commits may be lost: here, by hand."""
    impatient = "tests.processes.impatient"
    home = serve(database_url=server.url(), module=impatient, queue_workers=2)
    first, second = defer(home, ["work", 0], ["work", 4])
    ghost = worker_of(home, second)
    eventually(lambda: job(home, first)["state"] == "succeeded", "the first is done")
    if is_forgotten_too:
        claim = "state = 'running', finished_at = NULL, worker ="
        home.rows(f"update job set {claim} ? where id = ?", job(home, second)["worker"], first)
    claim = "state = 'queued', worker = NULL, started_at = NULL, attempts = 0"
    home.rows(f"update job set {claim} where id = ?", second)
    eventually(lambda: not is_alive(ghost), "who works at what is not its own ends", 3)
    ended = eventually(lambda: home.is_idle() and home.jobs(), "all is done", 15)
    assert "failed" not in ended
    for number in (first, second):
        row = job(home, number)
        assert (row["state"], row["attempts"], row["deaths"]) == ("succeeded", 1, 0)
    assert "Traceback" not in home.err


def test_it_does_not_start_without_postgres_and_says_why(server: Cluster, tmp_path: Path) -> None:
    url = server.url().replace(str(server.port), str(free_port()))
    done = Homequeue(tmp_path, {"database_url": url}).cli("run")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "[database] url" in done.stderr
    assert "geheim" not in done.stderr
    assert not (tmp_path / "data").exists()


# Two machines


@pytest.fixture
def other(home: Homequeue) -> Iterator[Homequeue]:
    """Workers on a second machine: another name, and processes that neither sees of the other."""
    apart = [part("unshare"), "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
    apart += [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    wrapper = [*apart, "sh", "-c", 'hostname second && exec "$@"', "sh"]
    if subprocess.run([*wrapper, "true"], check=False).returncode:
        lack("this machine may not make namespaces")
    machine = Homequeue(home.folder, home.settings, "worker", wrapper=wrapper)
    machine.launch()
    try:
        yield machine
    finally:
        machine.end()


def test_two_machines_share_the_work(home: Homequeue, other: Homequeue, server: Cluster) -> None:
    names = "SELECT count(DISTINCT split_part(identity, '/', 1)) FROM worker"
    eventually(lambda: rows(server, names) == [(2,)], "both machines have a worker")
    photos = [slow_photo(number, 5000) for number in range(16)]
    for photo in photos:
        assert home.upload(photo).status == 201
    assert {asset["state"] for asset in home.settled(16)} == {"ready"}
    done = rows(
        server,
        "SELECT split_part(worker, '/', 1), count(*), sum(attempts) FROM job"
        " WHERE task = 'process_asset' GROUP BY 1",
    )
    assert len(done) == 2, done
    assert sum(number for _, number, _ in done) == 16
    assert sum(attempts for _, _, attempts in done) == 16
    assert rows(server, "SELECT count(*) FROM rendition") == [(32,)]
    assert "Traceback" not in home.err


def test_a_machine_that_leaves_puts_back_what_it_does(
    home: Homequeue, other: Homequeue, server: Cluster
) -> None:
    names = "SELECT count(DISTINCT split_part(identity, '/', 1)) FROM worker"
    eventually(lambda: rows(server, names) == [(2,)], "both machines have a worker")
    # To make one takes as long as to process it: then none would wait.
    photos = [slow_photo(number, 5000) for number in range(8)]
    for photo in photos:
        assert home.upload(photo).status == 201
    there = "SELECT count(*) FROM job WHERE state = 'running' AND worker LIKE 'second.%'"
    eventually(lambda: rows(server, there) != [(0,)], "the second machine is busy")
    assert other.process is not None
    # What made its namespaces lets no signal through.
    (supervisor,) = [pid for pid in other.family() if parent_of(pid) == other.process.pid]
    os.kill(supervisor, signal.SIGTERM)
    assert other.process.wait(PATIENCE) == 0
    assert rows(server, there) == [(0,)]
    assert {asset["state"] for asset in home.settled(8)} == {"ready"}
    assert rows(server, "SELECT sum(deaths) FROM job") == [(0,)]


def test_a_strangers_messages_are_noticed_and_counted_once(serve: Serve, server: Cluster) -> None:
    home = serve(database_url=server.url(), module="tests.processes.impatient")
    eventually(lambda: is_ready(home), "a worker is there")
    home.upload(noise(1))
    home.settled(1)
    for _ in range(3):
        rows(server, "SELECT pg_notify('homequeue', 'forged'), pg_notify('homequeue', 'again')")
    noticed = "! 6 messages that homequeue did not write were among its own"
    eventually(lambda: noticed in home.cli("status").stdout, "status tells of them")
    texts = {one["text"] for one in home.get("/api/queue")["strange_messages"]}
    assert texts == {"b'forged'", "b'again'"}
