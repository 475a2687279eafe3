"""How long from deferring a job to its start, on an idle queue; beside stock Huey and Celery.

What defers is a process with nothing else to do, and then the three that do in a real `homequeue
run`: a thread of the web process with an upload, a forked worker with a job that defers another,
and `homequeue import`. Of those the rows tell, whose moment of queueing is before the commit.
"""

import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import rivals
from bench.processes import wait_for
from tests.conftest import free_port
from tests.processes.servers import Homequeue, noise, running
from tests.redisserver import RedisServer

SAMPLES = 200
#: Of uploads and of jobs that defer others; and of imports, of which each is a start of a program.
OF_A_HOME, IMPORTS = 60, 15
#: Stock Huey on SQLite backs off up to 10 s when idle, so each of its samples has to wait for that.
STOCK_SAMPLES = 8
STOCK_IDLE = 6.0
PATIENCE = 30.0
KITCHEN = "tests.processes.kitchen"


def main() -> None:
    found = {"homequeue, a process that only defers": measure_ours()}
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "house", module=KITCHEN) as home,
    ):
        found["homequeue run, an upload over HTTP"] = measure_uploads(home)
        found["homequeue run, a job that defers another"] = measure_jobs(home)
        found["homequeue run, homequeue import"] = measure_imports(home, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        found["stock Huey, SQLite"] = measure_huey(folder, "", STOCK_SAMPLES, STOCK_IDLE)
        redis = RedisServer(free_port(), Path(folder)).start()
        try:
            found["stock Huey, Redis"] = measure_huey(folder, redis.url, SAMPLES, 0)
            if rivals.has_celery():
                found["Celery, Redis, prefork"] = measure_celery(redis.url)
        finally:
            redis.stop()
    print(rivals.versions())
    print("deferred → started, idle queue                    median      p99    worst")
    for name, seconds in found.items():
        show(name, seconds)
    ratio = statistics.median(found["stock Huey, SQLite"]) / statistics.median(
        found["homequeue, a process that only defers"]
    )
    print(f"  {ratio:.0f} × quicker than stock Huey on SQLite (bar: median ≤ 5 ms, p99 ≤ 50 ms)")


def show(name: str, seconds: list[float]) -> None:
    """Print a line of the table."""
    seconds.sort()
    p99 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    print(
        f"  {name:<44} {statistics.median(seconds) * 1e3:>8.1f} {p99 * 1e3:>8.1f} "
        f"{seconds[-1] * 1e3:>8.1f}  ms, {len(seconds)} samples"
    )


def pause() -> None:
    """Let the queue become idle, for not always the same time."""
    time.sleep(random.uniform(0.02, 0.06))


# homequeue


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
                pause()
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


def _state(job_class: type, job_id: int) -> str:
    return str(job_class.get_by_id(job_id).state)


def measure_uploads(home: Homequeue) -> list[float]:
    """Return what the job of a photo waits for when it comes over HTTP."""
    for number in range(OF_A_HOME):
        assert home.upload(noise(number), f"{number}.jpg").status == 201
        settle(home)
    return waits(home, "process_asset", OF_A_HOME)


def measure_jobs(home: Homequeue) -> list[float]:
    """Return what a job waits for that was deferred by one that goes on for a while."""
    for times in (20, OF_A_HOME):  # with the first a second worker comes, and stays for a while
        done = home.cli("defer", stdin=f'["hand_over", {times}]\n')
        assert done.returncode == 0, done.stderr
        settle(home)
    return waits(home, "dish", OF_A_HOME)


def measure_imports(home: Homequeue, folder: Path) -> list[float]:
    """Return what the job of a photo waits for that `homequeue import` brings in."""
    for number in range(IMPORTS):
        photo = folder / f"imported{number}.jpg"
        photo.write_bytes(noise(10_000 + number))
        done = home.cli("import", str(photo))
        assert done.returncode == 0, done.stderr
        settle(home)
    return waits(home, "process_asset", IMPORTS)


def settle(home: Homequeue) -> None:
    """Wait until nothing is left to do, and a moment more."""
    wait_for("an idle queue", home.is_idle, PATIENCE)
    pause()


def waits(home: Homequeue, task: str, count: int) -> list[float]:
    """Return what the newest jobs of a task have waited for."""
    newest = f"select started_at - queued_at from job where task = ? order by id desc limit {count}"
    return [float(row[0]) for row in home.rows(newest, task)]


# The others


def measure_huey(folder: str, url: str, samples: int, idle: float) -> list[float]:
    """Return the same for Huey with a storage of its own, its consumer and its defaults."""
    task = rivals.huey(folder, url).task()(rivals.now)
    with rivals.running("huey", folder, url):
        return _sampled(samples, idle, lambda: task().get(blocking=True, timeout=PATIENCE))


def measure_celery(url: str) -> list[float]:
    """Return the same for Celery with one prefork child."""
    _, declare = rivals.celery(url, results=True)
    task = declare(rivals.now)
    with rivals.running("celery-worker", url, "results", "--concurrency=1", *rivals.ALONE):
        return _sampled(SAMPLES, 0.0, lambda: task.delay().get(timeout=PATIENCE))


def _sampled(samples: int, idle: float, began_at: Callable[[], float]) -> list[float]:
    began_at()  # it has started
    found = []
    for _ in range(samples):
        time.sleep(random.uniform(0.8, 1.2) * idle)
        pause()
        called = time.monotonic()
        found.append(began_at() - called)
    return found


if __name__ == "__main__":
    main()
