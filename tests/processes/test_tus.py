"""Resumable uploads by real clients: tuspy, tus-js-client in Chromium, and one that misbehaves."""

import base64
import contextlib
import hashlib
import http.client
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.processes.browsing import LAPTOP, Visitor, chromium
from tests.processes.conftest import Serve
from tests.processes.servers import (
    BROKEN,
    Answer,
    Homequeue,
    checksum,
    eventually,
    is_alive,
    noise,
    running,
)

pytestmark = pytest.mark.slow

MIB = 2**20
BYTES = "application/offset+octet-stream"
#: Seconds in which everybody else is answered, whoever else is slow.
PROMPT = 0.2
#: How often the server is killed while it receives.
KILLS = 4
SCRIPT = "/static/vendor/tus-js-client/tus.min.js"


def photo(seed: int, size: int = 3 * MIB) -> bytes:
    """A JPEG of noise, filled up to so many bytes that are unlike those of any other seed."""
    body = noise(seed)
    return body + random.Random(seed).randbytes(size - len(body) - 2) + b"\xff\xd9"


def metadata(filename: str) -> str:
    return f"filename {base64.b64encode(filename.encode()).decode()}"


def ask(server: Homequeue, method: str, path: str, body: Any = None, **headers: Any) -> Answer:
    named = {name.replace("_", "-"): str(text) for name, text in headers.items()}
    return server.request(method, path, body, {"Tus-Resumable": "1.0.0"} | named)


def create(server: Homequeue, size: int, filename: str = "a.jpg") -> str:
    given = {"Upload_Length": size, "Upload_Metadata": metadata(filename)}
    answer = ask(server, "POST", "/api/uploads", **given)
    assert answer.status == 201, answer
    return answer.headers["location"]


def add(server: Homequeue, place: str, data: bytes, at: int, **headers: Any) -> Answer:
    given = {"Content_Type": BYTES, "Upload_Offset": at}
    return ask(server, "PATCH", place, data, **given | headers)


def offset(server: Homequeue, place: str) -> int:
    answer = ask(server, "HEAD", place)
    assert answer.status == 200, answer
    return int(answer.headers["upload-offset"])


def original(server: Homequeue, answer: Answer) -> bytes:
    """The bytes that are kept of what an answer names."""
    path = f"/api/assets/{answer.headers['homequeue-asset']}/original"
    return server.request("GET", path).body


# tuspy


def client_of(server: Homequeue) -> TusClient:
    return TusClient(
        f"{server.url}/api/uploads", headers={"Authorization": f"Bearer {server.token}"}
    )


@pytest.mark.parametrize("with_checksums", [False, True])
def test_tuspy_sends_a_photo(shared: Homequeue, tmp_path: Path, with_checksums: bool) -> None:
    path = tmp_path / "Фото на море.jpg"
    path.write_bytes(photo(1 + with_checksums))
    uploader = client_of(shared).uploader(
        str(path),
        chunk_size=MIB,
        metadata={"filename": path.name},
        upload_checksum=with_checksums,
    )
    uploader.upload()
    said = uploader.request.response_headers
    asset = shared.get(f"/api/assets/{said['homequeue-asset']}")
    assert (asset["filename"], asset["checksum"]) == (path.name, checksum(path.read_bytes()))
    receipts = shared.get(f"/api/batches/{said['homequeue-batch']}")
    assert path.name in [file["filename"] for file in receipts["files"]]


@pytest.mark.rows
def test_tuspy_goes_on_after_the_server_was_killed(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    path = tmp_path / "a.jpg"
    path.write_bytes(photo(3))
    first = client_of(server).uploader(str(path), chunk_size=MIB, metadata={"filename": "a.jpg"})
    first.upload(stop_at=MIB)
    server.kill_all()
    with pytest.raises((TusUploadFailed, TusCommunicationError)):
        first.upload_chunk()
    server.start()
    second = client_of(server).uploader(str(path), chunk_size=MIB, url=first.url)
    assert second.offset == MIB
    second.upload()
    (asset,) = server.settled(1)
    assert (asset["state"], asset["checksum"]) == ("ready", checksum(path.read_bytes()))


def test_tuspy_is_told_that_something_is_no_photo(shared: Homequeue, tmp_path: Path) -> None:
    path = tmp_path / "list.jpg"
    path.write_bytes(b"Milk, eggs, bread" * 1000)
    uploader = client_of(shared).uploader(str(path), metadata={"filename": "list.jpg"})
    with pytest.raises(TusUploadFailed) as caught:
        uploader.upload()
    assert caught.value.status_code == 415
    assert b"error" in caught.value.response_content


# A client that cuts, repeats, reorders and lies


class Rascal:
    """Sends one file as badly as a client can, and never stops before it has arrived."""

    def __init__(self, server: Homequeue, seed: int, size: int) -> None:
        self.server = server
        self.rng = random.Random(seed)
        self.data = photo(seed, size)
        self.asset = 0
        self.seen: set[int] = set()

    def run(self) -> None:
        place = self._until_done(lambda: create(self.server, len(self.data)))
        while not self.asset:
            with contextlib.suppress(*BROKEN, AssertionError):
                self._step(place)

    def _step(self, place: str) -> None:
        answer = ask(self.server, "HEAD", place)
        self.seen.add(answer.status)
        assert answer.status in (200, 423), "an upload is lost"
        if answer.status == 423:
            time.sleep(0.05)
            return
        at = int(answer.headers["upload-offset"])
        assert int(answer.headers["upload-length"]) == len(self.data)
        if at == len(self.data):
            self.asset = int(answer.headers["homequeue-asset"])
            return
        piece = self.data[at : at + self.rng.randrange(1, MIB)]
        trick = self.rng.choice((self._send, self._cut, self._lie, self._twist, self._repeat))
        trick(place, piece, at)

    def _send(self, place: str, piece: bytes, at: int) -> None:
        self.seen.add(add(self.server, place, piece, at).status)

    def _cut(self, place: str, piece: bytes, at: int) -> None:
        """Break off in the middle of a piece, sometimes after the last byte of it."""
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as line:
            line.sendall(
                f"PATCH {place} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
                f"Authorization: Bearer {self.server.token}\r\nContent-Type: {BYTES}\r\n"
                f"Upload-Offset: {at}\r\nContent-Length: {len(piece)}\r\n\r\n".encode()
            )
            line.sendall(piece[: self.rng.randrange(len(piece) + 1)])

    def _lie(self, place: str, piece: bytes, at: int) -> None:
        """Send bytes that are not what their checksum says."""
        wrong = base64.b64encode(hashlib.sha256(piece + b"x").digest()).decode()
        answer = add(self.server, place, piece, at, Upload_Checksum=f"sha256 {wrong}")
        assert answer.status in (423, 460), answer
        self.seen.add(answer.status)

    def _twist(self, place: str, piece: bytes, at: int) -> None:
        """Send a later piece before its turn, and more than there is room for."""
        answer = add(self.server, place, piece[1:], at + 1)
        assert answer.status in (409, 413, 423), answer
        self.seen.add(answer.status)
        assert add(self.server, place, self.data + b"x", at).status in (413, 423, 409)

    def _repeat(self, place: str, piece: bytes, at: int) -> None:
        """Send the same piece twice, at the same time."""
        twins = [threading.Thread(target=self._quietly, args=(place, piece, at)) for _ in "ab"]
        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()

    def _quietly(self, place: str, piece: bytes, at: int) -> None:
        with contextlib.suppress(*BROKEN):
            self._send(place, piece, at)

    def _until_done(self, act: Any) -> Any:
        while True:
            with contextlib.suppress(*BROKEN, AssertionError):
                return act()
            time.sleep(0.05)


@pytest.mark.rows
def test_whatever_a_client_and_the_power_do_every_byte_arrives(serve: Serve) -> None:
    server = serve()
    rascals = [Rascal(server, seed, 2 * MIB + seed) for seed in range(70, 78)]
    threads = [threading.Thread(target=rascal.run) for rascal in rascals]
    for thread in threads:
        thread.start()
    rng, kills = random.Random(7), 0
    # More in so short a time, and the supervisor would wait before it starts another one.
    while any(thread.is_alive() for thread in threads) and kills < KILLS:
        time.sleep(rng.uniform(0.2, 0.8))
        kills += server.kill("web") is not None
    for thread in threads:
        thread.join(120)
    assert all(rascal.asset for rascal in rascals)
    found = {asset["id"]: asset["checksum"] for asset in server.settled(len(rascals))}
    assert found == {rascal.asset: checksum(rascal.data) for rascal in rascals}
    assert kills, "nothing was killed"
    statuses = set().union(*(rascal.seen for rascal in rascals))
    assert {200, 204, 409, 460} <= statuses <= {200, 204, 409, 413, 423, 460, 503}
    # A kill may have left a second name of what has become an original, but no file that is open.
    assert server.rows("select id from upload where ended_at is null") == []


@pytest.mark.rows
def test_a_server_killed_in_the_middle_of_a_piece_goes_on_where_it_was(serve: Serve) -> None:
    server = serve()
    data = photo(5)
    place = create(server, len(data))
    (web,) = server.pids()["web"]
    with socket.create_connection(("127.0.0.1", server.port), 10) as line:
        line.sendall(piece_head(server, place, len(data)) + data[: 2 * MIB])
        eventually(lambda: offset(server, place) == 2 * MIB, "it has come")
        server.kill_pid(web)
        eventually(lambda: not is_alive(web), "it is dead")
    eventually(server.answers, "another one serves")
    assert offset(server, place) == 2 * MIB
    answer = add(server, place, data[2 * MIB :], 2 * MIB)
    assert (answer.status, original(server, answer)) == (204, data)


def piece_head(server: Homequeue, place: str, size: int, at: int = 0) -> bytes:
    return (
        f"PATCH {place} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Type: {BYTES}\r\n"
        f"Upload-Offset: {at}\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


# Many, slow, large


def test_pieces_that_drip_hold_no_thread(shared: Homequeue) -> None:
    """More of them than there are threads."""
    data = photo(6, MIB)
    places = [create(shared, len(data)) for _ in range(20)]
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", shared.port), 10))
            for _ in places
        ]
        for line, place in zip(lines, places, strict=True):
            line.sendall(piece_head(shared, place, len(data)))
        for at in range(0, 1000, 100):
            for line in lines:
                line.sendall(data[at : at + 100])
            assert shared.request("GET", "/healthz").seconds < PROMPT
        eventually(lambda: {offset(shared, place) for place in places} == {1000}, "all has come")
        answer = add(shared, places[0], data, 0)
        assert answer.status == 423
    eventually(lambda: add(shared, places[0], data[1000:], 1000).status == 204, "it is free")


def test_a_line_that_fell_silent_makes_way(shared: Homequeue) -> None:
    data = photo(7, MIB)
    place = create(shared, len(data))
    with socket.create_connection(("127.0.0.1", shared.port), 10) as silent:
        silent.sendall(piece_head(shared, place, len(data)) + data[:1000])
        eventually(lambda: offset(shared, place) == 1000, "it has come")
        assert add(shared, place, data[1000:], 1000).status == 423
        answers: list[Answer] = []

        def goes_on() -> bool:
            answers.append(add(shared, place, data[1000:], 1000))
            return answers[-1].status == 204

        eventually(goes_on, "the new one may go on", 10)
    assert original(shared, answers[-1]) == data


@pytest.mark.timeout(600)
def test_memory_stays_flat_however_large_a_file_is(serve: Serve) -> None:
    """And it is larger than 31 bits can count."""
    server = serve(uploads_max_size="4G")
    (web,) = server.pids()["web"]
    size = 2560 * MIB
    place = create(server, size)
    body = photo(8, MIB)[:-2]
    before, most = memory(web), 0
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    line.putrequest("PATCH", place)
    given = {"Content-Type": BYTES, "Upload-Offset": "0", "Content-Length": str(size)}
    named = {"Authorization": f"Bearer {server.token}", "Tus-Resumable": "1.0.0"}
    for name, text in (given | named).items():
        line.putheader(name, text)
    line.endheaders()
    whole = hashlib.sha256()
    for chunk in _filled(body, size):
        line.send(chunk)
        whole.update(chunk)
        most = max(most, memory(web))
    answer = line.getresponse()
    assert answer.status == 204, answer.read()
    assert server.get(f"/api/assets/{answer.headers['homequeue-asset']}")["checksum"] == (
        whole.hexdigest()
    )
    assert max(most, memory(web)) - before < 20 * MIB


def _filled(body: bytes, size: int) -> Iterator[bytes]:
    """A photo followed by zeros up to a size, and the end of a photo."""
    yield body
    left = size - len(body) - 2
    while left:
        chunk = bytes(min(left, MIB))
        left -= len(chunk)
        yield chunk
    yield b"\xff\xd9"


def memory(pid: int) -> int:
    """The bytes of memory that a process shares with no other."""
    found = re.findall(
        r"Private_\w+: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    )
    return sum(map(int, found)) * 1024


def in_pieces(server: Homequeue, data: bytes) -> None:
    place = create(server, len(data))
    for at in range(0, len(data), MIB):
        answer = add(server, place, data[at : at + MIB], at)
    assert answer.headers["homequeue-outcome"] == "added"


def as_it_is(server: Homequeue, data: bytes) -> None:
    assert server.upload(data).status == 201


def as_a_form(server: Homequeue, data: bytes) -> None:
    assert server.upload_form(("a.jpg", data)).status == 201


@pytest.mark.parametrize(("send", "most"), [(in_pieces, 1.5), (as_it_is, 2.5), (as_a_form, 2.5)])
def test_what_is_sent_is_not_written_again_and_again(
    serve: Serve, send: Callable[[Homequeue, bytes], None], most: float
) -> None:
    """Original, renditions and database together, for each byte that is sent."""
    server = serve()
    photos = [photo(seed, 4 * MIB) for seed in range(20, 30)]
    before = written(server)
    for data in photos:
        send(server, data)
    server.settled(len(photos))
    eventually(server.is_idle, "all is done")
    os.sync()
    assert written(server) - before < most * sum(map(len, photos))


def written(server: Homequeue) -> int:
    """The bytes that all its processes have written to the disk or had to."""
    total = 0
    for pid in server.family():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            counted = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
            total += int(re.findall(r"\nwrite_bytes: (\d+)", counted)[0])
    return total


# tus-js-client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visitor(browser: Any, shared: Homequeue) -> Iterator[Visitor]:
    """Somebody at a page with tus-js-client."""
    found = Visitor(browser, shared, viewport=LAPTOP)
    yield at_a_page(found)
    found.close()


def at_a_page(visitor: Visitor) -> Visitor:
    visitor.sign_in("/upload")
    visitor.page.add_script_tag(url=SCRIPT)
    visitor.page.evaluate(PAGE)
    return visitor


def wait(page: Any, expression: str) -> None:
    """Wait for something to be true on a page, which lets nobody but us evaluate anything."""
    eventually(lambda: page.evaluate(f"Boolean({expression})"), expression)


#: Makes files as `photo` does not (there is no noise in it), and sends them.
PAGE = """() => {
  window.file = (head, size, name) => {
    const start = Uint8Array.from(atob(head), (letter) => letter.charCodeAt(0));
    const rest = new Uint8Array(size - start.length).fill(7);
    rest.set([0xff, 0xd9], rest.length - 2);
    return new File([start, rest], name, { type: 'image/jpeg', lastModified: 1700000000000 });
  };
  window.send = (file, options = {}) => new Promise((resolve) => {
    const csrf = document.querySelector('meta[name="csrf-token"]').content;
    const told = { retries: 0, most: 0 };
    window.upload = new tus.Upload(file, {
      endpoint: '/api/uploads',
      chunkSize: 2 ** 20,
      retryDelays: [100, 200, 400, 800, 1600, 3200, 6400],
      headers: { 'X-CSRF-Token': csrf },
      metadata: { filename: file.name, type: file.type, modified: String(file.lastModified) },
      onShouldRetry: (error) => {
        told.retries += 1;
        const status = error.originalResponse?.getStatus() ?? 0;
        return status < 400 || status >= 500 || status === 409 || status === 423;
      },
      onProgress: (sent) => { told.most = Math.max(told.most, sent); },
      onError: (error) => resolve({ ...told, status: error.originalResponse?.getStatus(),
        body: error.originalResponse?.getBody() }),
      onSuccess: ({ lastResponse }) => resolve({ ...told, url: window.upload.url,
        asset: lastResponse.getHeader('Homequeue-Asset'),
        outcome: lastResponse.getHeader('Homequeue-Outcome') }),
      ...options,
    });
    if (options.previous) window.upload.resumeFromPreviousUpload(options.previous);
    window.upload.start();
  });
}"""

SEND = "([head, size, name, options]) => window.send(window.file(head, size, name), options)"


def sent_file(seed: int, size: int) -> bytes:
    """What the page makes of a seed."""
    start = noise(seed)
    return start + bytes([7]) * (size - len(start) - 2) + b"\xff\xd9"


def arguments(seed: int, size: int, name: str, **options: Any) -> list[Any]:
    return [base64.b64encode(noise(seed)).decode(), size, name, options]


@pytest.mark.parametrize(
    "options", [{}, {"uploadDataDuringCreation": True}, {"overridePatchMethod": True}]
)
def test_tus_js_client_sends_a_photo(
    visitor: Visitor, shared: Homequeue, options: dict[str, bool]
) -> None:
    seed = 40 + len(str(options))
    size, name = 3 * MIB + 5, "Grüße & Küsse.jpg"
    told = visitor.page.evaluate(SEND, arguments(seed, size, name, **options))
    assert (told["retries"], told["outcome"]) == (0, "added"), told
    asset = shared.get(f"/api/assets/{told['asset']}")
    assert (asset["filename"], asset["checksum"]) == (name, checksum(sent_file(seed, size)))
    assert visitor.complaints == []


def test_tus_js_client_sends_a_small_photo_in_one_request(visitor: Visitor) -> None:
    asked: list[str] = []
    visitor.page.on(
        "request", lambda one: asked.append(one.method) if "/api/uploads" in one.url else None
    )
    options = {"uploadDataDuringCreation": True}
    told = visitor.page.evaluate(SEND, arguments(91, 200_000, "small.jpg", **options))
    assert (told["outcome"], asked) == ("added", ["POST"])


def test_tus_js_client_is_told_what_is_no_photo(visitor: Visitor) -> None:
    options = ["TWlsayE=", 500, "list.jpg", {}]
    told = visitor.page.evaluate(SEND, options)
    assert told["status"] == 415
    assert "error" in told["body"]


def test_two_tabs_at_one_upload(visitor: Visitor, browser: Any, shared: Homequeue) -> None:
    """Each goes on where the other has come to."""
    size = 6 * MIB
    place = create(shared, size, "two.jpg")
    with contextlib.closing(Visitor(browser, shared, viewport=LAPTOP)) as other:
        at_a_page(other)
        start = "([head, size, name, options]) => { window.told = null;"
        start += " window.send(window.file(head, size, name), options)"
        start += ".then((told) => { window.told = told; }); }"
        given = arguments(92, size, "two.jpg", uploadUrl=place, chunkSize=100_000)
        for one in (visitor, other):
            one.page.evaluate(start, given)
        for one in (visitor, other):
            wait(one.page, "window.told")
        told = [one.page.evaluate("window.told") for one in (visitor, other)]
    assert told[0]["asset"] == told[1]["asset"] is not None, told
    asset = shared.get(f"/api/assets/{told[0]['asset']}")
    assert asset["checksum"] == checksum(sent_file(92, size))


def test_tus_js_client_goes_on_after_kills_and_a_reload(browser: Any, tmp_path: Path) -> None:
    size = 40 * MIB
    given = arguments(93, size, "long.jpg")
    with running(tmp_path / "house") as server:
        visitor = at_a_page(Visitor(browser, server, viewport=LAPTOP))
        page = visitor.page
        page.evaluate(f"(given) => {{ ({SEND})(given); }}", given)
        wait(page, "window.upload?.url")
        server.kill("web")
        eventually(server.answers, "another one serves")
        wait(page, "window.upload._offset >= 2 * 2 ** 20")
        page.reload()
        at_a_page(visitor)
        resumed = page.evaluate(
            """async ([head, size, name]) => {
              const file = window.file(head, size, name);
              const [previous] = await new tus.Upload(file, { endpoint: '/api/uploads' })
                .findPreviousUploads();
              return { ...await window.send(file, { previous }), before: previous.uploadUrl };
            }""",
            given[:3],
        )
        assert resumed["url"] == resumed["before"], "it began from nothing"
        (asset,) = server.settled(1)
        assert (str(asset["id"]), asset["state"]) == (resumed["asset"], "ready")
        assert asset["checksum"] == checksum(sent_file(93, size))
        visitor.close()
