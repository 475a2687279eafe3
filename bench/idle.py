"""What `homequeue run` costs while nothing happens, at work, and after it.

Beside the first, what the others cost who do no web: stock Huey's consumer with one worker, and
Celery with a worker of two children and its beat, without the Redis they need.
"""

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import renditions, rivals
from bench.processes import cost
from tests.conftest import free_port
from tests.processes.servers import NAME, PASSWORD, Answer, Homequeue, running
from tests.redisserver import RedisServer

IDLE = 60.0
#: The others need so many seconds to start and come to rest, and are watched for so many.
STARTED, QUIET = 10.0, 20.0
PHOTOS = 40
#: Within so many seconds of the last change each free worker has looked at it once. That first look
#: costs two pages (8 kB) of SQLite's index of its log, and none after it costs anything.
LOOKED = 35.0
#: A phone sends so many photos at a time.
LINES = 3
#: How long the server takes to notice that it is quiet again, in seconds.
BREATH = 5.0
#: And how long until the spare worker has left: it waits a minute, and looks every 30 seconds.
REST = 95.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        assert server.process is not None
        time.sleep(LOOKED)
        show_idle(server.process.pid)
        show_rivals()
        show_work(server, server.process.pid, Path(folder) / "photos")


def show_idle(root: int) -> None:
    """Print what the tree costs in a quiet minute."""
    before = cost(root)
    time.sleep(IDLE)
    after = cost(root)
    cpu = (after.cpu - before.cpu) / IDLE * 100
    print(f"idle, {after.processes} processes, {IDLE:.0f} s")
    print(f"  memory (PSS)   {after.pss / 2**20:8.1f} MB         bar ≤ 45")
    print(f"  wake-ups       {(after.wakeups - before.wakeups) / IDLE:8.2f} /s         bar ≤ 2")
    print(f"  processor      {cpu:8.2f} % of a core bar ≤ 0.2")
    print(f"  written        {after.written - before.written:8d} bytes      bar 0")


def show_rivals() -> None:
    """Print what the others cost in a quiet while."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(free_port(), Path(folder)).start()
        found = {
            "stock Huey, SQLite": quiet_while(["huey", folder, ""]),
            "stock Huey, Redis": quiet_while(["huey", folder, redis.url]),
        }
        if rivals.has_celery():
            worker = ["celery-worker", redis.url, "", "--concurrency=2"]
            beat = ["celery-beat", redis.url, f"{folder}/beat"]
            found["Celery worker and beat, Redis"] = quiet_while(worker, beat)
        redis.stop()
    print(f"beside it, {QUIET:.0f} s: {rivals.versions()}")
    for name, (pss, wakeups, cpu) in found.items():
        print(f"  {name:<32} {pss:6.1f} MB   {wakeups:7.2f} wake-ups/s   {cpu:6.2f} % of a core")


def quiet_while(*programs: list[str]) -> tuple[float, float, float]:
    """Return megabytes, wake-ups a second and percent of a core of idle programs."""
    with ExitStack() as stack:
        pids = [stack.enter_context(rivals.running(*words)).pid for words in programs]
        time.sleep(STARTED)
        before = [cost(pid) for pid in pids]
        time.sleep(QUIET)
        after = [cost(pid) for pid in pids]
    pairs = list(zip(before, after, strict=True))
    return (
        sum(one.pss for one in after) / 2**20,
        sum(late.wakeups - early.wakeups for early, late in pairs) / QUIET,
        sum(late.cpu - early.cpu for early, late in pairs) / QUIET * 100,
    )


def show_work(server: Homequeue, root: int, folder: Path) -> None:
    """Print the peak while photos are sent and processed, and what is left of it afterwards."""
    folder.mkdir()
    photos = renditions.apart(renditions.make_photos, folder, PHOTOS)
    peaks: list[int] = []
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(root, peaks, stop), daemon=True)
    watcher.start()
    began = time.monotonic()
    server.post_form("/sign-in", name=NAME, password=PASSWORD)
    send(server, photos)
    sent = time.monotonic() - began
    server.settled(PHOTOS, 300)
    seconds = time.monotonic() - began
    look(server)
    time.sleep(BREATH)
    stop.set()
    watcher.join()
    size = sum(photo.stat().st_size for photo in photos)
    left = cost(root)
    time.sleep(REST)
    print(f"{PHOTOS} photos of 12 MP, {size / PHOTOS / 1e6:.1f} MB each, two workers")
    print(f"  sent in        {sent:8.1f} s, ready in {seconds:.1f} s")
    print(f"  peak (PSS)     {max(peaks) / 2**20:8.1f} MB         bar ≤ 110")
    print(f"  afterwards     {left.pss / 2**20:8.1f} MB, {left.processes} processes")
    print(f"  when it rests  {cost(root).pss / 2**20:8.1f} MB         bar ≤ 60")
    print(f"  written        {left.written / size:8.2f} bytes per byte sent, bar ≤ 2.5")


def send(server: Homequeue, photos: Sequence[Path]) -> None:
    """Send photos as a phone does: some at a time; each second one as a form."""

    def one(number: int) -> Answer:
        photo = photos[number]
        # What follows the end of a picture is not looked at, but makes it another one.
        data = photo.read_bytes() + bytes([number])
        if number % 2:
            return server.upload_form((photo.name, data))
        return server.upload(data, photo.name)

    with ThreadPoolExecutor(LINES) as lines:
        statuses = {answer.status for answer in lines.map(one, range(len(photos)))}
    assert statuses == {201}, statuses


def look(server: Homequeue) -> None:
    """Look at the photos as a browser does: the page, all thumbnails, some originals."""
    paths = ["/"]
    for number, asset in enumerate(server.assets()):
        paths.append(f"/api/assets/{asset['id']}/thumbnail")
        paths += [f"/api/assets/{asset['id']}/original"] * (number < 10)
    with ThreadPoolExecutor(LINES) as lines:
        statuses = {answer.status for answer in lines.map(partial(server.request, "GET"), paths)}
    assert statuses == {200}, statuses


def watch(root: int, peaks: list[int], stop: threading.Event) -> None:
    """Note the memory of the tree until told to stop."""
    while not stop.wait(0.05):
        peaks.append(cost(root).pss)


if __name__ == "__main__":
    main()
