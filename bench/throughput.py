"""Jobs a second for work that does nothing, producer and one worker on one core of this machine.

Ours on SQLite and with Redis as the bell, beside stock Huey on SQLite and Redis and Celery on Redis
(prefork, with and without a result backend). A first and a last job note the time, so that the
start of a worker does not count. `python -m bench.throughput`; Celery is in the extra `bench`.
"""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import rivals
from bench.processes import wait_for
from bench.rivals import do_nothing, note
from tests.conftest import free_port
from tests.redisserver import RedisServer

JOBS = 3000
PATIENCE = 120


@dataclass(frozen=True)
class Rates:
    """Jobs a second: deferred one by one, each safe when the call returns, and done."""

    deferred: float
    done: float


class Clock:
    """Two files in which the first and the last job note the time."""

    def __init__(self, folder: str) -> None:
        self.first = f"{folder}/first"
        self.last = f"{folder}/last"

    def rates(self, began: float, deferred: float) -> Rates:
        """Return the rates once the last job has been done."""
        wait_for("the last job", lambda: os.path.exists(self.last), PATIENCE)
        time.sleep(0.1)
        span = float(Path(self.last).read_text()) - float(Path(self.first).read_text())
        return Rates(JOBS / (deferred - began), JOBS / span)


def defer_all(stamp: Callable[[str], object], nothing: Callable[[], object], clock: Clock) -> float:
    """Defer everything; return the moment before."""
    began = time.monotonic()
    stamp(clock.first)
    for _ in range(JOBS):
        nothing()
    stamp(clock.last)
    return began


def in_child(work: Callable[[], None]) -> multiprocessing.Process:
    """Run something in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def ours(folder: str, url: str) -> Rates:
    """Measure homequeue; `url` is Redis' or empty."""
    from homequeue import config, db
    from homequeue.bootstrap import DATABASE, bootstrap
    from homequeue.media import media
    from homequeue.queue import queue
    from homequeue.queue.worker import Worker

    overrides = {"library.path": folder, "log.level": "error", "queue.url": url}
    bootstrap(config.load(overrides=overrides, environ={}))
    # As a worker binds: a web process would wait for the disk at every single commit.
    db.bind(media.root / DATABASE, durable=False)
    stamp, nothing = queue.task(name="stamp")(note), queue.task(name="nothing")(do_nothing)
    clock = Clock(folder)
    began = defer_all(stamp, nothing, clock)
    deferred = time.monotonic()
    db.db.close()
    worker = in_child(lambda: Worker(queue).run())
    try:
        return clock.rates(began, deferred)
    finally:
        worker.kill()
        worker.join()


def stock(folder: str, url: str) -> Rates:
    """Measure Huey with a storage of its own."""
    queue = rivals.huey(folder, url, results=False)
    stamp, nothing = queue.task(name="stamp")(note), queue.task(name="nothing")(do_nothing)
    clock = Clock(folder)
    began = defer_all(stamp, nothing, clock)
    deferred = time.monotonic()
    consumer = {"workers": 1, "periodic": False, "worker_type": "process"}
    worker = in_child(lambda: queue.create_consumer(**consumer).run())
    try:
        return clock.rates(began, deferred)
    finally:
        subprocess.run(["pkill", "-9", "-P", str(worker.pid)], check=False)
        worker.kill()
        worker.join()


def celery(folder: str, url: str, *, results: bool) -> Rates:
    """Measure Celery with one prefork child."""
    _, task = rivals.celery(url, results=results)
    stamp, nothing = task(note), task(do_nothing)
    clock = Clock(folder)
    began = defer_all(stamp.delay, nothing.delay, clock)
    deferred = time.monotonic()
    words = [url, "results" if results else "", "--concurrency=1", *rivals.ALONE]
    with rivals.running("celery-worker", *words):
        return clock.rates(began, deferred)


def main() -> None:
    """Measure all of them on one core, each with a Redis and a folder of its own."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = {
        "homequeue, SQLite": _measure(ours, with_redis=False),
        "homequeue, SQLite, bell through Redis": _measure(ours),
        "stock Huey, SQLite (loses what runs)": _measure(stock, with_redis=False),
        "stock Huey, Redis (loses what runs)": _measure(stock),
    }
    if rivals.has_celery():
        for results in (False, True):
            name = f"Celery, Redis, prefork{', results kept' if results else ''}"
            found[name] = _measure(lambda f, u, r=results: celery(f, u, results=r))
    ours_done = found["homequeue, SQLite"].done
    print(rivals.versions())
    print(f"no-op jobs a second on one core, {JOBS} jobs      deferred     done   ours / theirs")
    for name, rates in found.items():
        ratio = ours_done / rates.done
        print(f"  {name:<44} {rates.deferred:>9.0f} {rates.done:>8.0f} {ratio:>8.2f} ×")


def _measure(system: Callable[[str, str], Rates], *, with_redis: bool = True) -> Rates:
    reader, writer = multiprocessing.get_context("fork").Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(free_port(), Path(folder))
        url = server.start().url if with_redis else ""
        try:
            # A process for each, so that none inherits the tasks and threads of another.
            child = in_child(lambda: writer.send(system(folder, url)))
            child.join()
            if child.exitcode:
                raise RuntimeError("a benchmark failed")
            rates: Rates = reader.recv()
            return rates
        finally:
            server.stop()


if __name__ == "__main__":
    main()
