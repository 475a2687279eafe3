"""What `homequeue run` costs while nothing happens, at work, and after it."""

import http.client
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import renditions
from bench.processes import cost, end, wait_for

IDLE = 60.0
PHOTOS = 40
PORT = 8497


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = ["--data", str(Path(folder) / "data")]
        command = [sys.executable, "-m", "homequeue", *data]
        server = subprocess.Popen(
            [*command, "run", "--host", "127.0.0.1", "--port", str(PORT)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for("the server", is_up, 20)
            time.sleep(5)
            show_idle(server.pid)
            show_work(server.pid, command, Path(folder) / "photos")
        finally:
            end(server)


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


def show_work(root: int, command: list[str], folder: Path) -> None:
    """Print the peak while photos are processed, and what is left of it afterwards."""
    folder.mkdir()
    renditions.apart(renditions.make_photos, folder, PHOTOS)
    subprocess.run(
        [*command, "user", "add", "bench", "--password-stdin"],
        input=b"bench bench\n",
        check=True,
        stdout=subprocess.DEVNULL,
    )
    peaks: list[int] = []
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(root, peaks, stop))
    watcher.start()
    began = time.monotonic()
    subprocess.run(
        [*command, "import", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for("the photos", lambda: is_done(command), 300)
    seconds = time.monotonic() - began
    stop.set()
    watcher.join()
    time.sleep(3)
    print(f"{PHOTOS} photos of 12 MP, two workers, {seconds:.1f} s")
    print(f"  peak (PSS)     {max(peaks) / 2**20:8.1f} MB         bar ≤ 110")
    print(f"  afterwards     {cost(root).pss / 2**20:8.1f} MB         bar ≤ 60")


def watch(root: int, peaks: list[int], stop: threading.Event) -> None:
    """Note the memory of the tree until told to stop."""
    while not stop.wait(0.05):
        peaks.append(cost(root).pss)


def is_up() -> bool:
    """Tell whether the server answers."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def is_done(command: list[str]) -> bool:
    """Tell whether every job has ended."""
    found = subprocess.run([*command, "status"], capture_output=True, check=False).stdout.decode()
    jobs = next(line for line in found.splitlines() if line.startswith("jobs"))
    return not any(word in jobs for word in ("queued", "running", "retrying"))


if __name__ == "__main__":
    main()
