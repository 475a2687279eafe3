"""Every door photos come in through: curl, bare sockets, slow lines, `homequeue import`."""

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homequeue.services.sidecars import is_companion
from tests import corpora
from tests.conftest import part
from tests.processes.conftest import Serve
from tests.processes.servers import NAME, PASSWORD, Homequeue, checksum, eventually, noise, running

pytestmark = pytest.mark.slow

#: Seconds in which everybody else is answered, whoever else is slow.
PROMPT = 0.2
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".avif")
MIB = 2**20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server that takes files of up to 1 MiB."""
    with running(tmp_path_factory.mktemp("small"), uploads_max_size="1M") as server:
        yield server


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server that wants more free space than any disk has."""
    with running(tmp_path_factory.mktemp("full"), uploads_min_free="1000T") as server:
        yield server


# curl


def curl(server: Homequeue, *words: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """Let curl send something; return status and body."""
    token = f"Authorization: Bearer {server.token}"
    command = [part("curl"), "--silent", "--show-error", "--max-time", "20", "-H", token]
    done = subprocess.run(
        [*command, "-w", "\n%{http_code}", *words], input=stdin, capture_output=True, check=True
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def test_curl_sends_a_file_under_its_name(shared: Homequeue, tmp_path: Path) -> None:
    photo = tmp_path / "Фото на море 1.jpg"
    photo.write_bytes(noise(100))
    status, body = curl(shared, "-T", str(photo), f"{shared.url}/api/assets/")
    assert status == 201, body
    (asset,) = [one for one in shared.assets() if one["checksum"] == checksum(noise(100))]
    assert asset["filename"] == photo.name
    assert curl(shared, "-T", str(photo), f"{shared.url}/api/assets/")[0] == 200


def test_curl_sends_a_large_file_that_waits_for_100_continue(
    shared: Homequeue, tmp_path: Path
) -> None:
    data = noise(101, 2400, 2000)
    assert len(data) > 2 * MIB
    photo = tmp_path / "large.jpg"
    photo.write_bytes(data)
    began = time.monotonic()
    words = ("--expect100-timeout", "20", "-H", "Expect: 100-continue", "-T", str(photo))
    assert curl(shared, *words, f"{shared.url}/api/assets")[0] == 201
    # curl gives up waiting for the 100 after so long.
    assert time.monotonic() - began < 10
    assert checksum(data) in shared.originals().values()


def test_curl_sends_a_pipe_of_unknown_length(shared: Homequeue) -> None:
    status, body = curl(shared, "-T", "-", f"{shared.url}/api/assets/piped.jpg", stdin=noise(102))
    assert status == 201, body
    assert checksum(noise(102)) in shared.originals().values()


def test_curl_sends_a_form_of_two(shared: Homequeue, tmp_path: Path) -> None:
    words = []
    for number in (103, 104):
        (tmp_path / f"{number}.jpg").write_bytes(noise(number))
        words += ["-F", f"file=@{tmp_path}/{number}.jpg"]
    assert curl(shared, *words, f"{shared.url}/api/assets")[0] == 201
    assert {checksum(noise(103)), checksum(noise(104))} <= set(shared.originals().values())


# Refused before the body


def send(
    server: Homequeue, size: int, body: bytes = b"", *, token: str | None = None, more: str = ""
) -> tuple[bytes, bytes, float]:
    """Promise so many bytes and send those given; return status line, rest and seconds."""
    token = server.token if token is None else token
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /api/assets HTTP/1.1\r\nHost: home\r\n{authorization}{more}"
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        line.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        line.sendall(body)
        began = time.monotonic()
        answer = line.makefile("rb")
        status = answer.readline()
        seconds = time.monotonic() - began
        return status, answer.read(), seconds


@pytest.mark.parametrize("expecting", ["", "Expect: 100-continue\r\n"])
@pytest.mark.parametrize("sent", [0, 8 * MIB], ids=["headers only", "whole body"])
@pytest.mark.parametrize(
    ("which", "token", "status"),
    [("small", None, 413), ("full", None, 507), ("small", "", 401), ("small", "hq_wrong", 401)],
)
def test_what_is_refused_is_told_so_whether_it_waits_or_not(
    which: str,
    token: str | None,
    status: int,
    sent: int,
    expecting: str,
    request: pytest.FixtureRequest,
) -> None:
    server = request.getfixturevalue(which)
    line, rest, seconds = send(server, 8 * MIB, bytes(sent), token=token, more=expecting)
    assert line.startswith(f"HTTP/1.1 {status} ".encode()), line
    assert b'"error"' in rest
    assert b"100 Continue" not in rest
    assert b"Content-Security-Policy" in rest
    assert seconds < PROMPT
    assert server.request("GET", "/healthz").status == 200
    assert not list((server.data / "incoming").iterdir())


def test_a_token_that_may_only_read_is_refused_before_the_body(small: Homequeue) -> None:
    made = small.cli("token", "add", "Anna", "--name", "reader", "--scope", "read")
    assert send(small, MIB, token=made.stdout.strip())[0].startswith(b"HTTP/1.1 403 ")


def test_more_than_was_promised_or_allowed_in_pieces_is_refused(small: Homequeue) -> None:
    """Without a Content-Length nothing is known before."""
    status, body = curl(
        small, "-T", "-", f"{small.url}/api/assets/large.jpg", stdin=noise(105, 1800, 1500)
    )
    assert status == 413, body
    assert small.assets() == []


def test_who_waits_for_100_continue_gets_it_and_then_the_answer(shared: Homequeue) -> None:
    data = noise(106)
    head = f"POST /api/assets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.token}\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), 20) as line:
        line.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        answer = line.makefile("rb")
        assert answer.readline().startswith(b"HTTP/1.1 100 ")
        assert answer.readline() == b"\r\n"
        line.sendall(data)
        assert answer.readline().startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_an_upload_that_breaks_off_leaves_nothing(shared: Homequeue, kind: str) -> None:
    before = shared.originals()
    data = noise(107 + len(kind), 2400, 2000)
    named = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    form = b"".join(b"--x\r\n" + named + one + b"\r\n" for one in (noise(106), data))
    sent = form if "form" in kind else data
    for share in (0.01, 0.5, 0.99):
        head = f"POST /api/assets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.token}\r\n"
        head += f"Content-Type: {kind}\r\n"
        with socket.create_connection(("127.0.0.1", shared.port), 20) as line:
            line.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode())
            line.sendall(sent[: int(len(sent) * share)])
    assert shared.originals() == before
    eventually(lambda: not list((shared.data / "incoming").iterdir()), "nothing is left", 10)
    assert shared.upload(data).status == 201


# Slow lines


def test_slow_and_silent_lines_hold_nobody_up(shared: Homequeue) -> None:
    photos = [noise(number) for number in range(110, 130)]
    head = f"POST /api/assets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.token}\r\n"
    with contextlib.ExitStack() as stack:
        silent = [socket.create_connection(("127.0.0.1", shared.port), 20) for _ in range(50)]
        slow = [socket.create_connection(("127.0.0.1", shared.port), 20) for _ in photos]
        for line in (*silent, *slow):
            stack.enter_context(line)
        for line, data in zip(slow, photos, strict=True):
            line.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode())
        # One byte a second from each of twenty, for three seconds, while others ask.
        taken = []
        for second in range(3):
            for line, data in zip(slow, photos, strict=True):
                line.sendall(data[second : second + 1])
            until = time.monotonic() + 1
            while time.monotonic() < until:
                answer = shared.request("GET", "/api/assets?limit=20")
                assert answer.status == 200
                taken.append(answer.seconds)
                time.sleep(0.02)
        assert max(taken) < PROMPT
        # And they are served once they are done.
        for line, data in zip(slow, photos, strict=True):
            line.sendall(data[3:])
        for line in slow:
            assert line.makefile("rb").readline().startswith(b"HTTP/1.1 201 ")


# The way out


@pytest.fixture(scope="module")
def film(shared: Homequeue) -> tuple[str, bytes]:
    """The address and the bytes of an original that no buffer holds."""
    data = noise(131).ljust(40 * MIB, b"\0") + b"\xff\xd9"
    (asset,) = shared.upload(data).json["assets"]
    return f"/api/assets/{asset['id']}/original", data


def test_a_part_of_a_file_is_sent_without_a_word(
    shared: Homequeue, film: tuple[str, bytes]
) -> None:
    url, data = film
    before = len(shared.err)
    parts = {"0-0": data[:1], "5-100004": data[5:100005], "-70001": data[-70001:]}
    for wanted, expected in {**parts, f"{30 * MIB}-": data[30 * MIB :]}.items():
        answer = shared.request("GET", url, headers={"Range": f"bytes={wanted}"})
        assert (answer.status, answer.headers["content-length"]) == (206, str(len(expected)))
        assert answer.body == expected
    assert shared.request("GET", url).body == data
    assert shared.request("HEAD", url).headers["content-length"] == str(len(data))
    assert shared.request("GET", url, headers={"Range": "bytes=99999999-"}).status == 416
    assert " waitress: " not in shared.err[before:]


def test_downloads_that_nobody_reads_hold_no_thread_and_no_memory(
    shared: Homequeue, film: tuple[str, bytes]
) -> None:
    url, _ = film
    head = f"GET {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.token}\r\n\r\n"
    (web,) = shared.pids()["web"]
    before = memory(web)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            line = socket.create_connection(("127.0.0.1", shared.port), 20)
            stack.enter_context(line).sendall(head.encode())
        time.sleep(1)
        taken = [shared.request("GET", "/api/assets?limit=20").seconds for _ in range(20)]
        assert max(taken) < PROMPT
        assert memory(web) - before < 20 * MIB


def memory(pid: int) -> int:
    """What a process has for itself, in bytes."""
    found = re.search(r"Private_Dirty: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert found
    return int(found[1]) * 1024


def test_memory_that_was_needed_for_a_moment_goes_back(serve: Serve) -> None:
    """A password takes 19 MiB, a photo some, and each thread has its turn with them."""
    server = serve()
    (web,) = server.pids()["web"]
    before = memory(web)
    with ThreadPoolExecutor(4) as lines:
        list(
            lines.map(
                lambda _: server.post_form("/sign-in", name=NAME, password=PASSWORD), range(9)
            )
        )
        list(lines.map(lambda number: server.upload(noise(number, 2400, 2000)), range(132, 140)))
    eventually(lambda: memory(web) - before < 10 * MIB, "the memory is given back", 10)


def test_pages_leave_no_memory_behind(serve: Serve) -> None:
    server = serve()
    assert server.upload(noise(141), "one.jpg").status == 201
    server.settled(1)
    (web,) = server.pids()["web"]

    def look(times: int) -> int:
        for path in ("/", "/assets/1", "/upload", "/activity", "/trash") * times:
            assert server.request("GET", path, headers={"Accept": "text/html"}).status == 200
        return memory(web)

    before = look(20)
    assert look(100) - before < 6 * MIB


# homequeue import


def imported(server: Homequeue, folder: Path) -> tuple[int, dict[str, int], list[str]]:
    """Import a folder; return the exit code, the counts, and who was refused and why."""
    done = server.cli("import", str(folder))
    said = r"(\d+) added, (\d+) already here, (\d+) not accepted(?:, (\d+) skipped)?\n"
    found = re.fullmatch(said, done.stdout)
    assert found, (done.stdout, done.stderr)
    numbers = map(int, found.groups("0"))
    counts = dict(zip(("added", "known", "refused", "skipped"), numbers, strict=True))
    refused = [line for line in done.stderr.splitlines() if line.startswith(str(folder))]
    assert "Traceback" not in done.stderr
    return done.returncode, counts, refused


def settled_well(server: Homequeue, count: int) -> list[dict[str, object]]:
    """All assets, once each is ready or failed with words, every job has ended and all is calm."""
    found = server.settled(count, 120)
    for asset in found:
        assert (asset["state"] == "failed") == bool(asset["error"]), asset
    eventually(server.is_idle, "no job waits or runs")
    assert "A defect" not in server.err
    assert "Traceback" not in server.err
    assert server.pids()["worker"]
    assert server.request("GET", "/readyz").status == 200
    return found


@pytest.mark.parametrize("name", ["orientation", "phones"])
def test_real_photos_are_imported(name: str, serve: Serve) -> None:
    folder = corpora.folder(name)
    files = [path for path in corpora.files(name) if not path.name.startswith(".")]
    photos = [path for path in files if path.suffix.lower() in PICTURES]
    different = {checksum(path.read_bytes()) for path in photos}
    server = serve()
    code, counts, refused = imported(server, folder)
    skipped = sum(is_companion(path) for path in files)
    assert counts == {
        "added": len(different),
        "known": len(photos) - len(different),
        "refused": len(files) - len(photos) - skipped,
        "skipped": skipped,
    }
    assert code == (1 if refused else 0)
    assert len(refused) == counts["refused"]
    assert all(len(line.rpartition(": ")[2]) > 10 for line in refused)
    found = settled_well(server, len(different))
    assert {asset["state"] for asset in found} == {"ready"}
    assert set(server.originals().values()) == different
    # Once more changes nothing.
    _, again, _ = imported(server, folder)
    assert again == counts | {"added": 0, "known": len(photos)}
    assert len(server.assets()) == len(different)


def test_hostile_files_cost_nothing_but_themselves(serve: Serve) -> None:
    folder = corpora.folder("hostile")
    files = [path for path in corpora.files("hostile") if not path.name.startswith(".")]
    server = serve()
    assert server.upload(noise(1)).status == 201
    code, counts, refused = imported(server, folder)
    assert sum(counts.values()) == len(files)
    assert code == 1
    assert len(refused) == counts["refused"]
    found = settled_well(server, counts["added"] + 1)
    assert next(one for one in found if one["checksum"] == checksum(noise(1)))["state"] == "ready"


def test_hostile_files_are_taken_or_refused_in_words_over_http(serve: Serve) -> None:
    corpora.folder("hostile")
    server = serve()
    web = server.pids()["web"]
    answers = {
        path.name: server.upload(path.read_bytes(), path.name) for path in corpora.files("hostile")
    }
    strange = {
        name: (answer.status, answer.text)
        for name, answer in answers.items()
        if answer.status not in (200, 201, 413, 415, 422) or "assets" not in answer.json
    }
    assert strange == {}
    for name, answer in answers.items():
        if answer.status >= 400:
            assert answer.json["rejected"][0]["filename"] == name
            assert answer.json["error"] == answer.json["rejected"][0]["error"]
    kept = sum(answer.status == 201 for answer in answers.values())
    settled_well(server, kept)
    assert server.pids()["web"] == web
    for asset in server.assets():
        for spec in ("thumbnail", "preview", "original"):
            answer = server.request("GET", f"/api/assets/{asset['id']}/{spec}")
            assert answer.status == 200 or (asset["state"] == "failed" and answer.status == 404)
