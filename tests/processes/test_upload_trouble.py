"""Whatever happens to an upload, each file arrives once or says why not."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from homequeue import parsers
from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.conftest import Serve
from tests.processes.proxies import Passing, Proxy, proxy
from tests.processes.servers import NAME, PASSWORD, Homequeue, checksum, eventually, parent_of
from tests.processes.test_browser import Open, browser, expect, noises, visit, wait_for_rows
from tests.processes.uploading import (
    FAST,
    MIB,
    SLOW,
    count,
    forgive,
    forgive_resuming,
    line,
    overall,
    padded,
    requests,
    rows,
    tally,
)

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow

#: Bytes of the file that is sent with flat memory, such as 2.5G by hand: a browser hashes it first.
BIG = parsers.size(os.environ.get("HOMEQUEUE_BIG_UPLOAD", "400M"))


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


def test_a_disk_that_fills_up_meanwhile_is_waited_out(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve(module="tests.processes.crammed")
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    change = line(visitor)
    files = [padded(tmp_path / f"f{n}.jpg", 10_403 + n, 2 * MIB) for n in range(5)]
    visitor.choose(files)
    begun = "select id from upload where ended_at is null"
    eventually(lambda: len(server.rows(begun)) == 3, "three are under way")
    full = server.data.parent / "full"
    full.touch()
    expect(rows(visitor, ".again")).to_have_count(3, timeout=30_000)
    expect(rows(visitor, ".again").first).to_contain_text("The disk of the server is full")
    full.unlink()
    change(FAST)
    check_all_arrived(visitor, server, files)
    assert len(server.rows("select id from upload")) == 5, "what was sent is not sent again"
    forgive(visitor, "507")


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
        expect(rows(visitor, ".bad")).to_contain_text(
            "Your router or a proxy lets no files through"
        )
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
        visitor.page.get_by_text("Copy a summary").click()
        visitor.page.get_by_role("button", name="Copy").click()
        expect(visitor.page.get_by_text("Copied.")).to_be_visible()
        line(visitor)
        visitor.choose([padded(tmp_path / "long.jpg", 10_418, 2 * MIB)])
        expect(rows(visitor, ".sending")).to_be_visible()
        visitor.page.reload()
        expect(rows(visitor)).to_have_count(1)
        expect(overall(visitor)).to_contain_text("1 of 1 sent", timeout=30_000)
    forgive(visitor, "423")


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


@contextmanager
def sent_with_losses(
    server: Homequeue, visit: Open, files: list[Path], which: tuple[str, str], most: int
) -> Iterator[tuple[Visitor, Proxy]]:
    """Somebody whose files have arrived, though the first answers to such requests were lost."""
    lost: list[Passing] = []

    def meddle(passing: Passing) -> str:
        method, path = which
        if passing.method != method or not passing.path.startswith(path) or len(lost) == most:
            return "pass"
        lost.append(passing)
        return "answer"

    with proxy(server) as between:
        between.meddle = meddle
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        check_all_arrived(visitor, server, files)
        assert len(lost) == most
        expect(rows(visitor)).to_contain_text("Added")
        yield visitor, between


def test_the_last_answer_may_be_lost(serve: Serve, visit: Open, tmp_path: Path) -> None:
    files = [padded(tmp_path / "last.jpg", 10_430, MIB + 300_000)]
    with sent_with_losses(serve(), visit, files, ("PATCH", "/"), 1) as (visitor, between):
        began = [one for one in between.seen if (one.method, one.path) == ("POST", "/api/uploads")]
        assert len(began) == 1
    forgive(visitor, "net::ERR_", "423")


@pytest.mark.parametrize("size", [400_000, 900_000, MIB + 300_000])
def test_the_first_answers_may_be_lost(
    size: int, serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    files = [padded(tmp_path / "first.jpg", 10_431, size)]
    with sent_with_losses(server, visit, files, ("POST", "/api/uploads"), 2) as (visitor, _):
        expect(visitor.page.locator("#undo")).to_have_text("Move this photo to the trash")
    for table in ("upload", "receipt"):
        assert [row[0] for row in server.rows(f"select outcome from {table}")] == ["added"]
    # The page only learns by going on that a photo has come whose answer was lost.
    forgive(visitor, "net::ERR_", "409")


def test_what_is_on_its_way_says_that_it_is_too_late_to_cancel(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    files = [padded(tmp_path / "late.jpg", 10_432, 400_000)]
    with proxy(server) as between:
        between.meddle = lambda passing: "late" if passing.path == "/api/uploads" else "pass"
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        eventually(lambda: count(server, files) == 1, "it arrived")
        visitor.page.get_by_role("button", name="Cancel: late.jpg").click()
        expect(rows(visitor, ".sending")).to_contain_text("too late to cancel")
        check_all_arrived(visitor, server, files)


def test_what_had_arrived_is_not_called_cancelled(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    files = [padded(tmp_path / "small.jpg", 10_433, 400_000)]
    files.append(padded(tmp_path / "large.jpg", 10_434, MIB + 300_000))

    def meddle(passing: Passing) -> str:
        is_upload = passing.path.startswith("/api/uploads") and passing.method != "DELETE"
        pieces = [one for one in between.seen if one.method == "PATCH"]
        is_small = passing.method == "POST" and passing.size > 0
        return "answer" if is_upload and (is_small or len(pieces) > 1) else "pass"

    with proxy(server) as between:
        between.meddle = meddle
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        for path in files:
            eventually(lambda path=path: count(server, [path]) == 1, "it arrived")
            expect(rows(visitor, ".again").filter(has_text=path.name)).to_be_visible()
            visitor.page.get_by_role("button", name=f"Cancel: {path.name}").click()
        words = "Added · It had arrived before it was cancelled"
        expect(rows(visitor, ".ready").filter(has_text=words)).to_have_count(2)
    forgive(visitor, "net::ERR_")


@pytest.mark.parametrize("status", ["200", "404"])
def test_what_a_stranger_answers_ends_no_file(
    status: str, serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    files = [padded(tmp_path / "one.jpg", 10_435, 3 * MIB)]
    in_the_way = True

    def meddle(passing: Passing) -> str:
        sent = [one for one in between.seen if one.method == "PATCH"]
        is_upload = passing.path.startswith("/api/uploads")
        return status if is_upload and len(sent) > 1 and in_the_way else "pass"

    with proxy(server) as between:
        between.meddle = meddle
        visitor = visit(server, viewport=LAPTOP, base_url=between.url)
        visitor.sign_in("/upload")
        visitor.choose(files)
        expect(rows(visitor, ".bad")).to_contain_text(
            f"Your router or a proxy answered instead of homequeue ({status})", timeout=60_000
        )
        in_the_way = False
        visitor.page.get_by_role("button", name="Try again: one.jpg").click()
        check_all_arrived(visitor, server, files)
        began = [one for one in between.seen if (one.method, one.path) == ("POST", "/api/uploads")]
        assert len(began) == 1, "what was sent is not sent again"
    forgive(visitor, status)


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
    come_in(door, NAME, PASSWORD)
    # The first page has been in sight all the time, beside the other.
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    check_all_arrived(visitor, server, files)
    expect(door.locator("#rows .row")).to_have_count(0)
    forgive(visitor, "401")


def come_in(door: Any, name: str, password: str) -> None:
    """Sign in by a page that shows the door to the upload page."""
    door.get_by_label("Name").fill(name)
    door.get_by_label("Password", exact=True).fill(password)
    door.get_by_role("button", name="Sign in").click()
    door.wait_for_url("**/upload")


def come_back(visitor: Visitor) -> None:
    """Go back to the tab that was first."""
    visitor.page.bring_to_front()
    visitor.page.evaluate(
        "document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))"
    )


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
    come_in(door, "Ben", "a horse of course")
    come_back(visitor)
    time.sleep(1)
    expect(rows(visitor, ".waiting")).to_have_count(2)
    page.goto("/upload")
    time.sleep(1)
    expect(rows(visitor)).to_have_count(0)
    assert server.rows("select id from asset") == []
    forgive(visitor, "401")


def test_what_waits_stays_when_somebody_else_signs_in(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    assert server.cli("user", "add", "Ben", "--password-stdin", stdin="a horse of course\n")
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/upload")
    page = visitor.page
    change = line(visitor)
    files = [padded(tmp_path / f"w{n}.jpg", 10_455 + n, 2 * MIB) for n in range(5)]
    visitor.choose(files)
    expect(rows(visitor, ".sending")).to_have_count(3)
    page.get_by_role("button", name="Pause all").click()
    door = visitor.context.new_page()
    door.goto("/sign-in?next=/upload")
    come_in(door, "Ben", "a horse of course")
    page.bring_to_front()
    page.get_by_role("button", name="Resume all").click()
    expect(page.get_by_text("Somebody else is signed in here now.")).to_be_visible(timeout=30_000)
    expect(rows(visitor, ".waiting")).to_have_count(5)
    change(FAST)
    door.goto("/sign-in?next=/upload")
    come_in(door, NAME, PASSWORD)
    come_back(visitor)
    check_all_arrived(visitor, server, files)
    assert len(server.rows("select id from upload")) == 5, "what was sent is not sent again"
    forgive(visitor, "403", "404")


def test_an_old_token_costs_nothing_on_a_bad_line(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/upload")
    visitor.page.evaluate("document.querySelector('[name=csrf-token]').content = 'old'")
    visitor.page.route("**/upload", lambda route: route.abort(), times=1)
    files = noises(tmp_path, 1, 10_458)
    visitor.choose(files)
    check_all_arrived(visitor, server, files)
    forgive(visitor, "403", "net::ERR_")


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
    forgive_resuming(visitor)
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


STORED = """async () => {
  const { items } = await import('/static/js/states.js');
  return items.filter((item) => item.stored).map((item) => item.name);
}"""


#: Whether it is written down of all files that they are paused.
PAUSED = """async () => {
  const request = indexedDB.open('homequeue');
  await new Promise((resolve) => { request.onsuccess = resolve; });
  const found = request.result.transaction('uploads').objectStore('uploads').getAll();
  await new Promise((resolve) => { found.onsuccess = resolve; });
  request.result.close();
  return found.result.every((one) => one.paused);
}"""


def stored(visitor: Visitor) -> list[str]:
    """The names of the files that the browser has stored, once there are no more."""
    before, now = None, visitor.page.evaluate(STORED)
    while now != before or not now:
        time.sleep(1)
        before, now = now, visitor.page.evaluate(STORED)
    return list(now)


@pytest.mark.parametrize("room", ["told", "not told"])
def test_what_the_browser_has_no_room_for_is_chosen_again(
    room: str, serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=LAPTOP)
    if room == "not told":
        # As on plain http.
        visitor.context.add_init_script("delete Navigator.prototype.storage")
    visitor.sign_in("/upload")
    page = visitor.page
    change = line(visitor, SLOW | {"uploadThroughput": 10**5})
    quota = {"origin": server.url, "quotaSize": 20 * MIB}
    visitor.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
    files = [padded(tmp_path / f"q{n}.jpg", 10_490 + n, 3 * MIB) for n in range(8)]
    visitor.choose(files)
    expect(rows(visitor, ".sending")).to_have_count(3)
    kept = stored(visitor)
    page.get_by_role("button", name="Pause all").click()
    assert 2 <= len(kept) < len(files)
    eventually(lambda: page.evaluate(PAUSED), "it is written down that they are paused")
    page.reload()
    expect(rows(visitor, ".paused")).to_have_count(len(kept), timeout=30_000)
    left = rows(visitor, ".choose")
    expect(left).to_have_count(len(files) - len(kept))
    expect(left.first).to_contain_text("Not finished before this page was closed")
    expect(overall(visitor)).to_contain_text(f"{len(files) - len(kept)} to be chosen again")
    change(FAST)
    page.get_by_role("button", name="Resume all").click()
    wait_for_rows(visitor, len(kept))
    missing = [path for path in files if path.name not in kept]
    copied = tally(visitor)
    assert copied[0].endswith(f": {len(files)} files")
    assert copied[1:3] == [f"{len(kept)} added", f"{len(missing)} to be chosen again"]
    assert sorted(copied[3:]) == [path.name for path in missing]
    visitor.choose(missing)
    check_all_arrived(visitor, server, files)
    # The server may still be busy with the requests of the page that went away.
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
    """The memory of the pages of our own browser: other tests have theirs."""
    found = {}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        try:
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes() and is_ours(pid):
                found[pid] = memory(pid)
        except (OSError, TypeError):
            continue
    return found


def is_ours(pid: int) -> bool:
    while pid and pid != os.getpid():
        pid = parent_of(pid)
    return pid == os.getpid()


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

    def has_arrived() -> bool:
        nonlocal most, most_page
        most = max(most, memory(web))
        most_page = max(most_page, *renderers().values())
        # What is only waiting to be let go of would hide what the page holds; but it takes a while.
        visitor.page.request_gc()
        time.sleep(1)
        return bool(server.rows("select id from asset"))

    eventually(has_arrived, "the file has arrived", 500)
    assert most - before < 16 * MIB, (most, before)
    assert most_page - pages < 32 * MIB, (most_page, pages)
    expect(rows(visitor)).to_contain_text(re.compile("Added|Sent"))
