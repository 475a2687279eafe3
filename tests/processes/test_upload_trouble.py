"""Whatever happens to an upload, each file arrives once or says why not."""

import os
import re
import time
from pathlib import Path

import pytest

from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.conftest import Serve
from tests.processes.proxies import Passing, proxy
from tests.processes.servers import NAME, PASSWORD, Homequeue, checksum, eventually
from tests.processes.test_browser import Open, browser, expect, noises, visit, wait_for_rows
from tests.processes.uploading import (
    FAST,
    MIB,
    SLOW,
    forgive,
    line,
    overall,
    padded,
    requests,
    rows,
)

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow

#: Bytes of the file that is sent with flat memory; 2.5G by hand.
BIG = int(os.environ.get("HOMEQUEUE_BIG_UPLOAD", 400 * MIB))


def check_all_arrived(
    visitor: Visitor, server: Homequeue, files: list[Path], rows: int = 0
) -> None:
    shown = rows or len(files)
    wait_for_rows(visitor, shown)
    expect(overall(visitor)).to_contain_text(f"{shown} of {shown} sent")
    found = server.settled(len(files))
    assert {asset["state"] for asset in found} == {"ready"}
    sent = sorted(checksum(path.read_bytes()) for path in files)
    assert sorted(asset["checksum"] for asset in found) == sent
    assert sorted(server.originals().values()) == sent


@pytest.mark.parametrize(
    "trouble", ["web killed", "worker killed", "switched off for a while", "offline"]
)
def test_an_upload_survives_trouble_by_itself(
    trouble: str, serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    change = line(visitor)
    files = noises(tmp_path, 20)
    visitor.choose(files)
    eventually(lambda: len(server.rows("select id from asset")) >= 4, "some have arrived", 20)
    if trouble.endswith("killed"):
        assert server.kill(trouble.partition(" ")[0])
    elif trouble == "offline":
        change(SLOW | {"offline": True})
        expect(rows(visitor, ".again").first).to_be_visible()
        change(SLOW)
    else:
        server.kill_all()
        expect(rows(visitor, ".again").first).to_be_visible()
        server.start()
    assert len(server.rows("select id from asset")) < 20
    check_all_arrived(visitor, server, files)
    # Of requests that find nobody the browser tells itself; nothing else may be said.
    forgive(visitor, "net::ERR_", "503")


def test_a_full_disk_is_waited_out(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/upload")
    visitor.page.wait_for_load_state("networkidle")
    # As if something else had filled it.
    server.kill_all()
    server.settings["uploads_min_free"] = "100T"
    server.start()
    files = noises(tmp_path, 2, 10_400)
    visitor.choose(files)
    expect(rows(visitor, ".again").first).to_contain_text(re.compile("disk|space|room"))
    server.kill_all()
    del server.settings["uploads_min_free"]
    server.start()
    check_all_arrived(visitor, server, files)
    forgive(visitor, "507", "net::ERR_", "503")


def test_pieces_become_small_enough_for_a_proxy(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    files = [padded(tmp_path / f"p{n}.jpg", 10_410 + n, MIB + 100_000 * n) for n in range(2)]
    with proxy(server) as between:
        between.limit = 200_000
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        check_all_arrived(visitor, server, files)
        passed = [one.size for one in between.seen if one.path.startswith("/api/uploads")]
        assert max(size for size in passed if size <= between.limit) == MIB // 8
        assert sum(size > between.limit for size in passed) <= 2 * 3
        between.limit = 0
        visitor.choose(noises(tmp_path, 1, 10_414))
        expect(rows(visitor, ".bad")).to_contain_text("lets no files through")
    forgive(visitor, "413")


def test_all_of_it_works_on_plain_http(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    files = noises(tmp_path, 2, 10_416)
    with proxy(server) as between:
        door = {"base_url": "http://pi.local", "proxy": {"server": between.url}}
        visitor = visit(server, viewport=PHONE, **door)
        visitor.sign_in("/upload")
        assert visitor.page.evaluate("isSecureContext") is False
        sent = requests(visitor, "/api/uploads")
        visitor.choose(files[:1])
        wait_for_rows(visitor, 1)
        visitor.choose(files)
        check_all_arrived(visitor, server, files, rows=3)
        assert len(sent) == 2
        visitor.page.get_by_text("What became of them").click()
        visitor.page.get_by_role("button", name="Copy").click()
        expect(visitor.page.get_by_text("Copied.")).to_be_visible()
        line(visitor)
        visitor.choose([padded(tmp_path / "long.jpg", 10_418, 2 * MIB)])
        expect(rows(visitor, ".sending")).to_be_visible()
        visitor.page.reload()
        expect(rows(visitor)).to_have_count(1)
        expect(overall(visitor)).to_contain_text("1 of 1 sent", timeout=30_000)
    # Of a header that is for https only the browser says so on every page.
    forgive(visitor, "423", "Cross-Origin-Opener-Policy")


def test_a_line_that_breaks_costs_only_what_was_on_it(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    files = [padded(tmp_path / "long.jpg", 10_420, 6 * MIB)]

    def meddle(passing: Passing) -> str:
        pieces = [one for one in between.seen if one.method in ("POST", "PATCH") and one.size > 1e5]
        if passing not in pieces or passing.method == "GET":
            return "pass"
        return {2: "cut", 4: "answer", 6: "cut"}.get(len(pieces), "pass")

    with proxy(server) as between:
        between.meddle = meddle
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        check_all_arrived(visitor, server, files)
        began = [one for one in between.seen if (one.method, one.path) == ("POST", "/api/uploads")]
        assert len(began) == 1
        assert sum(one.size for one in between.seen if one.method == "PATCH") <= 9 * MIB
    forgive(visitor, "net::ERR_", "502", "423")


def test_the_last_answer_may_be_lost(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    files = [padded(tmp_path / "last.jpg", 10_430, MIB + 300_000)]
    lost: list[Passing] = []

    def meddle(passing: Passing) -> str:
        if passing.method != "PATCH" or lost:
            return "pass"
        lost.append(passing)
        return "answer"

    with proxy(server) as between:
        between.meddle = meddle
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        check_all_arrived(visitor, server, files)
        expect(rows(visitor)).to_contain_text("Ready")
        began = [one for one in between.seen if (one.method, one.path) == ("POST", "/api/uploads")]
        assert len(began) == 1
    forgive(visitor, "net::ERR_", "423")


def test_a_session_that_ends_asks_to_sign_in_and_goes_on(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/upload")
    page = visitor.page
    change = line(visitor)
    files = [padded(tmp_path / f"s{n}.jpg", 10_440 + n, 2 * MIB) for n in range(3)]
    visitor.choose(files)
    expect(rows(visitor, ".sending")).to_have_count(3)
    server.rows("delete from session")
    expect(page.get_by_text("You were signed out. The rest waits here")).to_be_visible(
        timeout=30_000
    )
    change(FAST)
    with visitor.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in again").click()
    door = opened.value
    door.get_by_label("Name").fill(NAME)
    door.get_by_label("Password", exact=True).fill(PASSWORD)
    door.get_by_role("button", name="Sign in").click()
    door.wait_for_url("**/upload")
    page.bring_to_front()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    check_all_arrived(visitor, server, files)
    expect(door.locator("#rows .row")).to_have_count(0)
    forgive(visitor, "401")


def test_nothing_is_sent_as_somebody_else(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    assert server.cli("user", "add", "Ben", "--password-stdin", stdin="a horse of course\n")
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    page = visitor.page
    line(visitor)
    visitor.choose([padded(tmp_path / f"o{n}.jpg", 10_450 + n, 2 * MIB) for n in range(2)])
    expect(rows(visitor, ".sending")).to_have_count(2)
    server.rows("delete from session")
    expect(page.get_by_text("You were signed out")).to_be_visible(timeout=30_000)
    door = visitor.context.new_page()
    door.goto("/sign-in?next=/upload")
    door.get_by_label("Name").fill("Ben")
    door.get_by_label("Password", exact=True).fill("a horse of course")
    door.get_by_role("button", name="Sign in").click()
    door.wait_for_url("**/upload")
    page.bring_to_front()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    time.sleep(1)
    expect(rows(visitor, ".waiting")).to_have_count(2)
    page.goto("/upload")
    time.sleep(1)
    expect(rows(visitor)).to_have_count(0)
    assert server.rows("select id from asset") == []
    forgive(visitor, "401")


# Reloads and tabs


@pytest.mark.parametrize("how", ["reloaded", "closed"])
def test_it_goes_on_after_the_page_was(how: str, serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    line(visitor)
    files = [padded(tmp_path / f"r{n}.jpg", 10_460 + n, 2 * MIB) for n in range(4)]
    visitor.choose(files)
    expect(rows(visitor, ".sending").first).to_contain_text(
        re.compile(r"1\.[2-9] MB of 2\.1 MB"), timeout=20_000
    )
    visitor.page.get_by_role("button", name="Pause: r3.jpg").click()
    # Nobody is quicker than this.
    time.sleep(0.2)
    if how == "reloaded":
        visitor.page.reload()
    else:
        visitor.page.close()
        visitor.page = visitor.context.new_page()
        visitor.visit("/upload")
    expect(rows(visitor)).to_have_count(4)
    expect(rows(visitor, ".paused")).to_contain_text("r3.jpg")
    wait_for_rows(visitor, 3)
    visitor.page.get_by_role("button", name="Resume: r3.jpg").click()
    check_all_arrived(visitor, server, files)
    # Three had begun when the page went away, and all went on where they were.
    assert len(server.rows("select id from upload")) == 4
    visitor.page.reload()
    time.sleep(0.6)
    expect(rows(visitor)).to_have_count(0)


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another of that name"])
def test_a_big_file_is_chosen_again_and_continues(
    same: bool, serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/upload")
    page = visitor.page
    line(visitor, SLOW | {"uploadThroughput": 10**7})
    for folder in "ab":
        (tmp_path / folder).mkdir()
    one, other = (padded(tmp_path / f / "big.jpg", 10_470 + ord(f), 70 * MIB) for f in "ab")
    visitor.choose([one])
    expect(rows(visitor, ".sending")).to_contain_text(
        re.compile(r"[2-6]\d\.\d MB of 73\.4 MB"), timeout=30_000
    )
    page.reload()
    expect(rows(visitor, ".choose")).to_contain_text("Not finished before this page was closed")
    chosen = one if same else other
    sent = requests(visitor, "/api/uploads")
    with page.expect_file_chooser() as opened:
        page.get_by_role("button", name="Choose it again: big.jpg").click()
    opened.value.set_files(chosen)
    wait_for_rows(visitor, 1)
    began = [one for one in sent if one.startswith("POST")]
    assert (len(began), len(sent) < 60) == ((0, True) if same else (1, False))
    assert list(server.originals().values()) == [checksum(chosen.read_bytes())]
    # The server may still be busy with the request of the page that went away.
    forgive(visitor, "423")


def test_two_tabs_at_once_send_each_file_once(serve: Serve, visit: Open, tmp_path: Path) -> None:
    server = serve()
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    first = visitor.page
    line(visitor)
    files = noises(tmp_path, 12, 10_480)
    visitor.choose(files)
    expect(rows(visitor, ".sending").first).to_be_visible()
    visitor.page = visitor.context.new_page()
    visitor.visit("/upload")
    time.sleep(0.6)
    expect(rows(visitor)).to_have_count(0)
    visitor.choose(files)
    check_all_arrived(visitor, server, files)
    visitor.page = first
    wait_for_rows(visitor, 12)
    assert len(server.originals()) == 12


# Sizes


def memory(pid: int) -> int:
    """Bytes of memory that only a process has."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty:\s+(\d+) kB", text)[1]) * 1024  # type: ignore[index]


def renderers() -> dict[int, int]:
    found = {}
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found[int(pid)] = memory(int(pid))
        except (OSError, TypeError):
            continue
    return found


@pytest.mark.timeout(600)
def test_a_big_file_is_sent_with_flat_memory_on_both_sides(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve(uploads_max_size="4G")
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    (web,) = server.pids()["web"]
    before, pages = memory(web), max(renderers().values())
    visitor.choose([padded(tmp_path / "big.jpg", 10_520, BIG)])
    most = most_page = 0
    while not server.rows("select id from asset"):
        most = max(most, memory(web))
        most_page = max(most_page, *renderers().values())
        time.sleep(0.1)
    assert most - before < 16 * MIB, (most, before)
    # What was read is let go of in gulps; how large these are does not hang on the file.
    assert most_page - pages < 192 * MIB, (most_page, pages)
    expect(rows(visitor)).to_contain_text(re.compile("Ready|Kept|Sent"))
