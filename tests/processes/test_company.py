"""Workers beside each other, and beside all else that the machine has to do."""

import ctypes
import os
import time

import pytest

from homequeue import processes
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise
from tests.processes.test_poison import defer, job, worker_of

pytestmark = pytest.mark.slow

IMPATIENT = "tests.processes.impatient"
#: Far longer than a spare worker stays here without work.
LONG = 20


def workers_of(server: Homequeue) -> list[int]:
    return server.pids()["worker"]


def test_a_spare_stays_while_the_other_is_at_long_work(serve: Serve) -> None:
    server = serve(module=IMPATIENT)
    (number,) = defer(server, ["work", LONG])
    busy = worker_of(server, number)
    eventually(lambda: len(workers_of(server)) == 2, "a spare has come")
    time.sleep(LONG / 4)
    (spare,) = set(workers_of(server)) - {busy}
    asset = server.upload(noise(1)).json["assets"][0]["id"]
    ready = f"/api/assets/{asset}"
    eventually(lambda: server.get(ready)["state"] == "ready", "the photo is ready", LONG / 2)
    assert job(server, number)["state"] == "running"
    assert set(workers_of(server)) == {busy, spare}
    eventually(lambda: len(workers_of(server)) == 1, "when all is done the spare leaves")


def test_company_comes_in_the_midst_of_long_work_when_more_are_asked_for(serve: Serve) -> None:
    server = serve(module=IMPATIENT, queue_workers=1)
    (number,) = defer(server, ["work", LONG])
    busy = worker_of(server, number)
    assert server.cli("jobs", "workers", "2").returncode == 0
    eventually(lambda: len(workers_of(server)) == 2, "a spare has come", LONG / 2)
    assert busy in workers_of(server)
    assert job(server, number)["state"] == "running"


def test_a_worker_is_the_last_for_processor_and_disk_and_the_web_process_is_not(
    serve: Serve,
) -> None:
    server = serve()
    (worker,) = eventually(lambda: workers_of(server), "a worker is there")
    (web,) = server.pids()["web"]
    eventually(lambda: os.getpriority(os.PRIO_PROCESS, worker) == 19, "it yields the processor")
    assert os.getpriority(os.PRIO_PROCESS, web) == os.getpriority(os.PRIO_PROCESS, 0)
    number = processes._ioprio_set(os.uname().machine, ctypes.sizeof(ctypes.c_void_p))
    if number is None:
        pytest.skip("the number of the system call is not known here")

    def disk(pid: int) -> int:
        # ioprio_get(2) comes after ioprio_set(2) on every machine.
        ioprio: int = ctypes.CDLL(None).syscall(number + 1, processes.IOPRIO_WHO_PROCESS, pid)
        return ioprio

    eventually(lambda: disk(worker) == processes.IOPRIO_IDLE, "it yields the disk")
    assert disk(web) != processes.IOPRIO_IDLE
