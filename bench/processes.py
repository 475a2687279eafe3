"""What processes cost: memory, wake-ups, processor and disk, read from /proc."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Sums over a process tree: PSS in bytes, the rest counted since each process began."""

    pss: int
    wakeups: int
    cpu: float
    written: int
    processes: int


def tree(root: int) -> list[int]:
    """Return the pids of a process and everything below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def cost(root: int) -> Cost:
    """Measure a process tree now."""
    pss = wakeups = written = 0
    cpu = 0.0
    pids = tree(root)
    for pid in pids:
        try:
            pss += _field(f"/proc/{pid}/smaps_rollup", "Pss:") * 1024
            written += _field(f"/proc/{pid}/io", "write_bytes:")
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            for task in Path(f"/proc/{pid}/task").iterdir():
                wakeups += _field(f"{task}/status", "voluntary_ctxt_switches:")
        except OSError:
            continue  # it ended while we looked
    return Cost(pss, wakeups, cpu, written, len(pids))


def wait_for(what: str, done: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so, or fail after the seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process kindly, then firmly."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _field(path: str, name: str) -> int:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
