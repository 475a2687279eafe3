"""How long from deferring a job to its start, on an idle queue: ours beside stock SqliteHuey."""

import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import wait_for

SAMPLES = 200
#: Stock Huey backs off up to 10 s when idle, so each of its samples has to wait for that.
STOCK_SAMPLES = 8
STOCK_IDLE = 6.0


def main() -> None:
    ours = measure_ours()
    stock = measure_stock()
    print("deferred → started, idle queue, SQLite            median      p99    worst")
    for name, found in (("homequeue", ours), ("stock SqliteHuey (thread worker)", stock)):
        found.sort()
        p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
        print(
            f"  {name:<44} {statistics.median(found) * 1e3:>8.1f} {p99 * 1e3:>8.1f} "
            f"{found[-1] * 1e3:>8.1f}  ms, {len(found)} samples"
        )
    ratio = statistics.median(stock) / statistics.median(ours)
    print(f"  homequeue is {ratio:.0f} × quicker (bar: median ≤ 5 ms, p99 ≤ 50 ms)")


def measure_ours() -> list[float]:
    """Return seconds from commit to start, a producer and a worker process of our own."""
    from homequeue import config, db
    from homequeue.bootstrap import DATABASE, bootstrap
    from homequeue.media import media
    from homequeue.models import Job
    from homequeue.queue import queue
    from homequeue.queue.worker import Worker

    task = queue.task(name="bench_started_at")(lambda: time.monotonic())
    with tempfile.TemporaryDirectory() as folder:
        bootstrap(config.load(overrides={"library.path": folder, "log.level": "error"}, environ={}))
        worker = os.fork()
        if worker == 0:
            db.bind(media.root / DATABASE, durable=False)
            Worker(queue).run()
            os._exit(0)
        try:
            time.sleep(1)
            found = []
            for _ in range(SAMPLES):
                time.sleep(random.uniform(0.02, 0.06))
                job = task()
                committed = time.monotonic()
                wait_for("a job", lambda job=job: _state(Job, job.id) == "succeeded", 10)
                found.append(float(Job.get_by_id(job.id).result) - committed)
        finally:
            os.kill(worker, signal.SIGTERM)
            os.waitpid(worker, 0)
            db.db.close()
            task.unregister()
            tempfile.tempdir = None
    return found


def measure_stock() -> list[float]:
    """Return the same for Huey's own SQLite storage, consumer and defaults."""
    from huey import SqliteHuey

    with tempfile.TemporaryDirectory() as folder:
        huey = SqliteHuey("bench", filename=str(Path(folder) / "huey.db"))
        task = huey.task(name="started_at")(lambda: time.monotonic())
        worker = os.fork()
        if worker == 0:
            sys.stderr.close()
            huey.create_consumer(workers=1, periodic=False).run()
            os._exit(0)
        try:
            found = []
            for _ in range(STOCK_SAMPLES):
                time.sleep(random.uniform(0.8, 1.2) * STOCK_IDLE)
                committed = time.monotonic()
                found.append(task().get(blocking=True, timeout=30) - committed)
        finally:
            os.kill(worker, signal.SIGTERM)
            os.waitpid(worker, 0)
    return found


def _state(job_class: type, job_id: int) -> str:
    return str(job_class.get_by_id(job_id).state)


if __name__ == "__main__":
    main()
