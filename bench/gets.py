"""How long a GET takes while others are busy: idle, beside photos being processed, slow phones."""

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import renditions
from bench.upload import Line
from tests.processes.servers import Homequeue, running

SECONDS = 4.0
PHOTOS = 40
SLOW, SILENT = 20, 50
ADDRESS = "/api/assets?limit=20"


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        photos = renditions.apart(renditions.make_photos, Path(folder), 4)
        # The server and its workers have one core, and we another.
        os.sched_setaffinity(0, cores[:1])
        with running(Path(folder)) as server:
            os.sched_setaffinity(0, cores[-1:])
            server.post("/api/queue/pause")
            fill(server, photos)
            measure(server, lambda: None)
            idle = measure(server, lambda: None)
            server.post("/api/queue/resume")
            busy = measure(server, lambda: None)
            left = server.jobs()
            server.settled(PHOTOS, 300)
            with contextlib.ExitStack() as stack:
                lines = crowd(server, stack)
                slow = measure(server, lambda: drip(lines))
    print("a GET of 20 assets, server and workers on one core   p50      p99    worst")
    show("idle", idle)
    show(f"while photos are processed ({left.get('queued', 0)} left)", busy)
    show(f"{SLOW} slow uploads, {SILENT} silent lines", slow)
    ratio = at(busy, 0.99) / at(idle, 0.99)
    print(f"  bars: p99 beside photos ≤ 2 × idle (here {ratio:.1f}), beside slow lines ≤ 50 ms")


def measure(server: Homequeue, meanwhile: Callable[[], None]) -> list[float]:
    """Return the sorted seconds of GETs that follow each other with a short pause."""
    found = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        answer = server.request("GET", ADDRESS)
        assert answer.status == 200
        found.append(answer.seconds)
        meanwhile()
        time.sleep(0.005)
    return sorted(found)


def fill(server: Homequeue, photos: list[Path]) -> None:
    """Send photos, each of them another one."""
    line = Line(server)
    for number in range(PHOTOS):
        line.send(photos[number % len(photos)].read_bytes() + bytes([number]))


def crowd(server: Homequeue, stack: contextlib.ExitStack) -> list[socket.socket]:
    """Open silent lines, and return those of uploads that have begun."""
    where = ("127.0.0.1", server.port)
    head = f"POST /api/assets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
    lines = [stack.enter_context(socket.create_connection(where)) for _ in range(SLOW + SILENT)]
    for line in lines[:SLOW]:
        line.sendall(f"{head}Content-Length: {2**30}\r\n\r\n".encode())
    return lines[:SLOW]


def drip(lines: list[socket.socket]) -> None:
    """Send a little of each slow upload."""
    for line in lines:
        line.sendall(bytes(100))


def at(seconds: list[float], share: float) -> float:
    """Return the time within which such a share was answered."""
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))]


def show(what: str, seconds: list[float]) -> None:
    """Print one row."""
    p50, p99, worst = (value * 1e3 for value in (at(seconds, 0.5), at(seconds, 0.99), seconds[-1]))
    print(f"  {what:<48}{p50:>8.1f} {p99:>8.1f} {worst:>8.1f}  ms, {len(seconds)} requests")


if __name__ == "__main__":
    main()
