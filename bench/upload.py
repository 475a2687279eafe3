"""How long until a photo is answered for, beside copying it and waiting for the disk."""

import http.client
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import renditions
from tests.processes.servers import Homequeue, running

PHOTOS = 60
#: The photo is filled up to this many bytes.
SIZE = 4 * 2**20
#: How a JPEG ends: one that does not is looked at more closely.
END = b"\xff\xd9"
#: The bar: so many times the copy, and so many seconds more.
TIMES, MORE = 2, 0.005


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        (photo,) = renditions.apart(renditions.make_photos, Path(folder), 1)
        data = photo.read_bytes().ljust(SIZE, b"\0")
        photo.write_bytes(data)
        # What the worker does afterwards is another matter, and would be in the way of the next.
        server.post("/api/queue/pause")
        ways: dict[str, Callable[[bytes], None]] = {
            "cp and fsync": lambda _: copy(photo, server.data / "incoming"),
            "as it is": Line(server).send,
            "as a form": Line(server).send_form,
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(PHOTOS):
            for place, (way, send) in enumerate(ways.items()):
                # What follows the end of a picture is not looked at, but makes it another one.
                different = data + bytes([number, place]) + END
                began = time.perf_counter()
                send(different)
                taken[way].append(time.perf_counter() - began)
    show(taken)


def show(taken: dict[str, list[float]]) -> None:
    """Print the median of each way, and the bar."""
    print(f"a photo of {SIZE / 2**20:.0f} MB over loopback, kept for good    median      p90")
    for way, seconds in taken.items():
        seconds.sort()
        late = seconds[int(len(seconds) * 0.9)]
        print(f"  {way:<44} {statistics.median(seconds) * 1e3:>6.1f} {late * 1e3:>8.1f}  ms")
    bar = TIMES * statistics.median(taken["cp and fsync"]) + MORE
    print(f"  bar: {TIMES} × cp and fsync + {MORE * 1e3:.0f} ms = {bar * 1e3:.1f} ms")


def copy(source: Path, folder: Path) -> None:
    """Copy a file into a new one that stays, as that of an upload does, and wait for the disk."""
    handle, name = tempfile.mkstemp(dir=folder)
    shutil.copyfile(source, name)
    os.fsync(handle)
    os.close(handle)


class Line:
    """One connection that stays, as that of a phone that sends one photo after the other."""

    def __init__(self, server: Homequeue) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.own = {"Authorization": f"Bearer {server.token}"}

    def send(self, data: bytes) -> None:
        """Send a photo as it is."""
        self._post(data, {"Content-Type": "image/jpeg", "X-Filename": "photo.jpg"})

    def send_form(self, data: bytes) -> None:
        """Send a photo as a form."""
        named = b'Content-Disposition: form-data; name="file"; filename="photo.jpg"'
        kind = {"Content-Type": "multipart/form-data; boundary=line"}
        self._post(b"\r\n".join((b"--line", named, b"", data, b"--line--", b"")), kind)

    def _post(self, body: bytes, headers: dict[str, str]) -> None:
        self.line.request("POST", "/api/assets", body, self.own | headers)
        answer = self.line.getresponse()
        assert answer.status == 201, (answer.status, json.load(answer))
        answer.read()


if __name__ == "__main__":
    main()
