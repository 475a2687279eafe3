"""What homequeue is measured beside: stock Huey, and Celery on Redis. Celery: the extra `bench`.

`python -m bench.rivals celery-worker URL …` and the like are those programs, as processes.
"""

import importlib.metadata
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before homequeue, which keeps Redis from it: `queue/light.py`.
from huey import RedisHuey, SqliteHuey

#: What a Celery worker need not do where there is only one.
ALONE = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


def note(path: str) -> None:
    """Write down the time."""
    Path(path).write_text(str(time.monotonic()))


def do_nothing() -> None:
    """Do nothing."""


def now() -> float:
    """Return the time at which this was begun."""
    return time.monotonic()


def has_celery() -> bool:
    """Tell whether Celery is installed; say how to if it is not."""
    found = importlib.util.find_spec("celery") is not None
    if not found:
        print("Celery is not installed: pip install 'homequeue[bench]'", file=sys.stderr)
    return found


def versions() -> str:
    """Which versions are measured."""
    names = ["huey", *(["celery"] if has_celery() else []), "redis"]
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    server = subprocess.run(["redis-server", "--version"], capture_output=True, text=True)
    redis = server.stdout.partition("v=")[2].partition(" ")[0]
    return f"{', '.join(found)} (client), Redis {redis}, Python {sys.version.partition(' ')[0]}"


def huey(folder: str | Path, url: str, **options: Any) -> Any:
    """Huey on Redis, or without an address on a file of SQLite."""
    if url:
        return RedisHuey("bench", url=url, **options)
    return SqliteHuey("bench", filename=f"{folder}/huey.db", **options)


def celery(url: str, *, results: bool) -> tuple[Any, Callable[[Callable[..., Any]], Any]]:
    """A Celery application on a broker, and what makes a task of a function, by its name."""
    from celery import Celery

    app = Celery("bench", broker=url, backend=url if results else None)
    app.conf.update(task_ignore_result=not results, worker_hijack_root_logger=False)
    return app, lambda function: app.task(name=function.__name__)(function)


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of the programs below as a process, killed with all its children at last."""
    command = [sys.executable, "-m", "bench.rivals", *words]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **silent)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def be_celery_worker(url: str, results: str, *options: str) -> None:
    """Be a Celery worker with prefork children."""
    os.environ["C_FORCE_ROOT"] = "1"
    app, task = celery(url, results=bool(results))
    for function in (note, do_nothing, now):
        task(function)
    app.worker_main(["worker", "--pool=prefork", "--loglevel=ERROR", *options])


def be_celery_beat(url: str, schedule: str) -> None:
    """Be Celery's beat, with one task that is due every five minutes."""
    app, task = celery(url, results=False)
    app.conf.beat_schedule = {"chore": {"task": task(do_nothing).name, "schedule": 300}}
    app.start(["beat", "--loglevel=ERROR", f"--schedule={schedule}"])


def be_huey(folder: str, url: str) -> None:
    """Be Huey's consumer as it comes: one worker and its scheduler in threads."""
    queue = huey(folder, url)
    queue.task()(now)
    queue.create_consumer().run()


PROGRAMS = {"celery-worker": be_celery_worker, "celery-beat": be_celery_beat, "huey": be_huey}

if __name__ == "__main__":
    # Tasks are named for their module, which is not `__main__` where they are deferred.
    from bench import rivals

    rivals.PROGRAMS[sys.argv[1]](*sys.argv[2:])
