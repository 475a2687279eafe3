"""The upload page in a real browser: ways to choose, what it says, what a person may do."""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import png_claiming
from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.servers import Homequeue, checksum, eventually, noise, running
from tests.processes.test_browser import Open, axe, browser, expect, noises, visit, wait_for_rows
from tests.processes.uploading import (
    FAST,
    MIB,
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

__all__ = ["axe", "browser", "visit"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with an account; each test brings photos of its own."""
    with running(tmp_path_factory.mktemp("house")) as server:
        yield server


@pytest.fixture
def arrive(house: Homequeue, visit: Open) -> Callable[..., Visitor]:
    """Opens the upload page of the house."""

    def opened(size: dict[str, int] = LAPTOP, **options: Any) -> Visitor:
        visitor = visit(house, viewport=size, **options)
        visitor.sign_in("/upload")
        return visitor

    return opened


# How files come


DROP_ON_DISK = {"type": "drop", "x": 300, "y": 700, "modifiers": 0}


def drop_from_disk(visitor: Visitor, *paths: Path) -> None:
    """Drop files and folders as a file manager does."""
    session = visitor.context.new_cdp_session(visitor.page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", DROP_ON_DISK | {"type": kind, "data": data})


def test_a_folder_of_250_files_is_dropped_anywhere(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    folder = tmp_path / "Holiday"
    deeper = folder / "day 2"
    deeper.mkdir(parents=True)
    files = noises(folder, 200, 10_000) + noises(deeper, 50, 10_200)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (deeper / name).write_bytes(b"nobody wants this")
    visitor = arrive()
    drop_from_disk(visitor, folder)
    expect(overall(visitor)).to_contain_text("250 of 250 sent", timeout=120_000)
    expect(rows(visitor)).to_have_count(250)
    expect(rows(visitor, ".bad")).to_have_count(0)
    assert count(house, files) == 250


FORGET = "setInterval(() => gc({ type: 'major', execution: 'async' }), 0)"


def test_files_are_read_to_their_end_whatever_the_browser_forgets(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    visitor.choose(noises(tmp_path, 1, 10_700))
    wait_for_rows(visitor, 1)
    (worker,) = visitor.page.workers
    worker.evaluate(FORGET)
    files = [padded(tmp_path / f"{n}.jpg", 10_710 + n, 4 * MIB) for n in range(6)]
    visitor.choose(files)
    wait_for_rows(visitor, 7)
    assert count(house, files) == 6


#: The first file lives in a cloud that does not answer, as phones show them.
SILENT = """() => {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = () => { Worker.prototype.postMessage = postMessage; };
}"""


def test_a_file_that_is_not_read_keeps_no_other_waiting(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    visitor.page.clock.install()
    visitor.page.evaluate(SILENT)
    files = noises(tmp_path, 3, 10_720)
    visitor.choose(files)
    # The phone sleeps, which is no silence.
    visitor.page.clock.fast_forward(600_000)
    expect(overall(visitor)).to_contain_text("0 of 3 sent")
    visitor.page.clock.run_for(60_000)
    wait_for_rows(visitor, 3)
    assert count(house, files) == 3


#: What is dropped is in a folder, beside a file and a folder that cannot be read.
LOCKED = """() => {
  DataTransferItem.prototype.webkitGetAsEntry = function () {
    const dropped = this.getAsFile();
    const no = (_, bad) => bad(new DOMException('no'));
    const photo = { name: dropped.name, isFile: true, file: (good) => good(dropped) };
    const locked = { name: 'locked.jpg', isFile: true, file: no };
    const sealed = { name: 'sealed', isDirectory: true, createReader: () => ({ readEntries: no }) };
    const slices = [[photo, locked], [sealed], []];
    const readEntries = (good) => good(slices.shift());
    return { name: 'Holiday', isDirectory: true, createReader: () => ({ readEntries }) };
  };
}"""


def test_what_of_a_folder_cannot_be_read_is_said(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    visitor.page.evaluate(LOCKED)
    visitor.drop(noises(tmp_path, 1, 10_290))
    wait_for_rows(visitor, 1)
    expect(overall(visitor)).to_contain_text("1 of 3 sent · 1 ready · 2 not accepted")
    for name in ("locked.jpg", "sealed"):
        row = rows(visitor, ".bad").filter(has_text=name)
        expect(row).to_contain_text("could not be read. Choose it once more")


PASTE = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
  const how = { clipboardData: transfer, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new ClipboardEvent('paste', how));
}"""


def test_photos_are_pasted_and_chosen_by_every_button(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE, has_touch=True)
    page = visitor.page
    (pasted, camera, file) = noises(tmp_path, 3, 10_300)
    page.evaluate(PASTE, [pasted.name, base64.b64encode(pasted.read_bytes()).decode()])
    wait_for_rows(visitor, 1)
    for number, (words, path) in enumerate({"Camera": camera, "Files": file}.items(), 2):
        with page.expect_file_chooser() as opened:
            page.get_by_text(words, exact=True).click()
        assert opened.value.is_multiple() == (words == "Files")
        opened.value.set_files(path)
        wait_for_rows(visitor, number)
    assert page.get_by_text("Camera", exact=True).locator("input").get_attribute("capture")


def test_a_folder_is_chosen_by_its_button(arrive: Callable[..., Visitor], tmp_path: Path) -> None:
    files = noises(tmp_path, 3, 10_310)
    (tmp_path / ".hidden").write_bytes(b"no")
    visitor = arrive()
    with visitor.page.expect_file_chooser() as opened:
        visitor.page.get_by_text("A folder", exact=True).click()
    opened.value.set_files(tmp_path)
    wait_for_rows(visitor, len(files))
    expect(rows(visitor)).to_have_count(len(files))


def test_no_file_is_skipped_and_only_hope_is_offered(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE)
    page = visitor.page
    # Two photos that a name, a size and a date cannot tell apart, and words that are no photo.
    photos = [noise(number) for number in (970, 971)]
    for folder, data in zip("ab", photos, strict=True):
        (tmp_path / folder).mkdir()
        longest = max(len(photo) for photo in photos)
        (tmp_path / folder / "same.jpg").write_bytes(data.ljust(longest, b"\0"))
    (tmp_path / "words.jpg").write_text("not a photo")
    (tmp_path / "empty.jpg").write_bytes(b"")
    visitor.drop([tmp_path / "a" / "same.jpg"])
    visitor.drop([tmp_path / "b" / "same.jpg"])
    wait_for_rows(visitor, 2)
    visitor.choose([tmp_path / "words.jpg"])
    expect(rows(visitor, ".bad")).to_have_count(1)
    visitor.choose([*noises(tmp_path, 4, 980), tmp_path / "words.jpg", tmp_path / "empty.jpg"])
    expect(rows(visitor, ".bad")).to_have_count(3)
    wait_for_rows(visitor, 6)
    expect(overall(visitor)).to_contain_text("6 of 9 sent")
    expect(overall(visitor)).to_contain_text("3 not accepted")
    assert page.get_by_role("button", name="again").count() == 0
    expect(rows(visitor, ".bad").filter(has_text="empty.jpg")).to_contain_text("0 bytes")
    first = page.locator(".row").evaluate_all("rows => rows.slice(0, 3).map((r) => r.className)")
    assert all("bad" in name for name in first), "what was refused comes first"
    page.get_by_role("button", name="Show not accepted").click()
    expect(rows(visitor, ".bad").first).to_be_focused()
    expect(rows(visitor, ".bad").first).to_be_in_viewport()
    forgive(visitor, "415", "422")


# What is here already


CHECKSUM = """async (bytes) => {
  const { checksumOf } = await import('/static/js/checksum.js');
  const filled = (size) => new File([new Uint8Array(size).map((_, n) => n * 7 + size)], 'x');
  const found = [];
  for (const size of bytes) found.push(await checksumOf({ file: filled(size) }));
  return found;
}"""


@pytest.mark.parametrize("mode", ["byob", "not in this browser"])
def test_checksums_are_those_of_sha_256(mode: str, arrive: Callable[..., Visitor]) -> None:
    visitor = arrive()

    def change(route: Any) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=found.text().replace("byob", mode))

    visitor.context.route("**/hash-worker.js", change)
    sizes = [0, 1, 55, 56, 63, 64, 65, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 5]
    found = visitor.page.evaluate(CHECKSUM, sizes)
    files = [bytes((n * 7 + size) % 256 for n in range(size)) for size in sizes]
    assert found == [hashlib.sha256(data).hexdigest() for data in files]


def test_what_is_here_is_not_sent_again(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    known, trashed, fresh = noises(tmp_path, 3, 10_320)
    assert house.upload(known.read_bytes(), "known.jpg").status == 201
    asset = house.upload(trashed.read_bytes(), "back.jpg").json["assets"][0]["id"]
    house.request("DELETE", f"/api/assets/{asset}")
    visitor = arrive(PHONE)
    sent = requests(visitor, "/api/uploads")
    visitor.choose([known, trashed, fresh])
    wait_for_rows(visitor, 3)
    assert len(sent) == 1
    expect(rows(visitor).filter(has_text=known.name)).to_contain_text("Already here")
    expect(rows(visitor).filter(has_text=trashed.name)).to_contain_text("out of the trash")
    expect(overall(visitor)).to_contain_text("3 of 3 sent · 1 ready · 2 already here")
    assert house.get(f"/api/assets/{asset}")["trashed_at"] is None
    visitor.page.get_by_role("link", name="What became of each file").click()
    for path, words in ((known, "Already here"), (trashed, "out of the trash"), (fresh, "Added")):
        row = visitor.page.get_by_role("listitem").filter(has_text=path.name)
        expect(row.first).to_contain_text(words)


def test_the_same_bytes_twice_in_one_choice_are_said_to_be_here(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    (one,) = noises(tmp_path, 1, 10_323)
    other = tmp_path / "copy.jpg"
    other.write_bytes(one.read_bytes())
    visitor = arrive()
    visitor.choose([one, other])
    wait_for_rows(visitor, 2)
    words = sorted(visitor.page.locator("#rows .row .state").all_inner_texts())
    assert words == ["Added", "Already here"]


# In which order, and how many are left


def test_the_small_ones_go_first(arrive: Callable[..., Visitor], tmp_path: Path) -> None:
    visitor = arrive()
    large = padded(tmp_path / "large.jpg", 10_325, 5_000_000)
    small = [padded(tmp_path / f"small{n}.jpg", 10_326 + n, 50_000 + n) for n in range(5)]
    sizes: list[int] = []

    def hear(request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/api/uploads"):
            sizes.append(int(request.headers["upload-length"]))

    visitor.page.on("request", hear)
    visitor.choose([large, *reversed(small)])
    wait_for_rows(visitor, 6)
    assert sizes == [50_000, 50_001, 50_002, 50_003, 50_004, 5_000_000]


BADGE = """
window.badges = [];
navigator.setAppBadge = async (count) => { window.badges.push(count); };
navigator.clearAppBadge = async () => { window.badges.push('none'); };
"""


def test_the_icon_says_how_many_are_left(arrive: Callable[..., Visitor], tmp_path: Path) -> None:
    visitor = arrive()
    visitor.context.add_init_script(BADGE)
    page = visitor.visit("/upload")
    change = line(visitor)
    visitor.choose([padded(tmp_path / f"b{n}.jpg", 10_327 + n, 2 * MIB) for n in range(3)])
    expect(rows(visitor, ".sending")).to_have_count(3)
    page.wait_for_function("window.badges.includes(3)")
    change(FAST)
    wait_for_rows(visitor, 3)
    page.wait_for_function("window.badges.at(-1) === 'none'")
    counts = page.evaluate("window.badges.filter((one) => one !== 'none')")
    assert counts == sorted(counts, reverse=True)


# A person's will


def test_all_that_may_still_go_well_is_tried_again_at_once(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE)
    files = noises(tmp_path, 3, 10_333)
    (tmp_path / "words.jpg").write_text("not a photo")
    visitor.choose([tmp_path / "words.jpg"])
    expect(rows(visitor, ".bad")).to_have_count(1)
    everything = visitor.page.get_by_role("button", name="Try all again")
    expect(everything).to_be_hidden()
    visitor.page.route("**/api/uploads", lambda route: route.fulfill(status=413))
    visitor.choose(files)
    expect(rows(visitor, ".bad")).to_have_count(4)
    visitor.page.unroute_all()
    everything.click()
    wait_for_rows(visitor, 3)
    expect(rows(visitor, ".bad")).to_have_count(1)
    expect(everything).to_be_hidden()
    assert count(house, files) == 3
    forgive(visitor, "413", "415")


def test_files_are_paused_resumed_and_left_out(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    page = visitor.page
    change = line(visitor)
    files = [padded(tmp_path / f"m{n}.jpg", 10_330 + n, 3 * MIB) for n in range(6)]
    visitor.choose(files)
    expect(rows(visitor, ".sending")).to_have_count(3)
    expect(page).to_have_title(re.compile(r"^\(0/6\) Upload"))
    page.get_by_role("button", name="Pause: m0.jpg").click()
    expect(rows(visitor, ".paused")).to_contain_text("Paused")
    page.get_by_role("button", name="Pause all").click()
    expect(rows(visitor, ".paused")).to_have_count(6)
    sent = requests(visitor, "/api/uploads")
    time.sleep(1)
    assert sent == []
    page.get_by_role("button", name="Cancel: m5.jpg").click()
    expect(rows(visitor, ".cancelled")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Resume: m0.jpg").click()
    expect(rows(visitor, ".sending")).to_have_count(1)
    change(FAST)
    expect(rows(visitor, ".ready")).to_have_count(1)
    page.get_by_role("button", name="Resume all").click()
    expect(overall(visitor)).to_contain_text("5 of 5 sent")
    expect(overall(visitor)).to_contain_text("1 cancelled")
    assert (count(house, files), count(house, files[5:])) == (5, 0)
    page.get_by_role("button", name="Try all again").click()
    expect(overall(visitor)).to_contain_text("6 of 6 sent")
    assert count(house, files) == 6
    forgive_resuming(visitor)


def test_the_rest_is_left_out_on_both_sides(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    line(visitor)
    visitor.choose([padded(tmp_path / f"n{n}.jpg", 10_340 + n, 4 * MIB) for n in range(4)])
    eventually(lambda: len(house.rows("select id from upload where ended_at is null")) == 3, "sent")
    visitor.page.get_by_role("button", name="Cancel all").click()
    expect(rows(visitor, ".cancelled")).to_have_count(4)
    expect(overall(visitor)).to_have_text("4 cancelled")
    expect(visitor.page.locator("#overall-bar")).to_be_hidden()
    expect(visitor.page.get_by_role("button", name="Try all again")).to_be_visible()
    eventually(lambda: not house.rows("select id from upload where ended_at is null"), "forgotten")
    assert list((house.data / "incoming").iterdir()) == []
    visitor.visit("/upload")
    time.sleep(0.6)
    expect(rows(visitor)).to_have_count(0)


#: Keeps the store of files busy, as large ones do that are being put into it.
BUSY = """async () => {
  const request = indexedDB.open('homequeue');
  await new Promise((resolve) => { request.onsuccess = resolve; });
  const files = request.result.transaction('files', 'readwrite').objectStore('files');
  const again = () => { files.get('none').onsuccess = again; };
  again();
}"""


def test_what_was_cancelled_stays_so_though_the_page_is_left_at_once(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    line(visitor)
    visitor.choose([padded(tmp_path / f"l{n}.jpg", 10_350 + n, 4 * MIB) for n in range(3)])
    expect(rows(visitor, ".sending")).to_have_count(3)
    visitor.page.evaluate(BUSY)
    visitor.page.get_by_role("button", name="Cancel all").click()
    visitor.visit("/upload")
    time.sleep(0.6)
    expect(rows(visitor)).to_have_count(0)


def test_it_says_how_fast_it_goes_and_how_long_it_takes(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE)
    change = line(visitor)
    visitor.choose([padded(tmp_path / "long.jpg", 10_350, 6 * MIB)])
    pace = visitor.page.locator("#waiting")
    expect(pace).to_have_text(re.compile(r"^\d+ kB a second, .* left$"))
    expect(rows(visitor, ".sending")).to_contain_text(re.compile(r"[\d.]+ [kM]B of 6.3 MB"))
    assert 0 < visitor.page.locator("#overall-bar").evaluate("bar => bar.value") < 1
    change(FAST)
    wait_for_rows(visitor, 1)
    expect(visitor.page).to_have_title("Upload · homequeue")


def test_an_upload_is_told_in_words_and_taken_back(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    files = noises(tmp_path, 3, 10_360)
    assert house.upload(files[0].read_bytes(), "known.jpg").status == 201
    (tmp_path / "words.jpg").write_text("not a photo")
    visitor = arrive(LAPTOP, permissions=["clipboard-read"])
    page = visitor.page
    visitor.choose([*files, tmp_path / "words.jpg"])
    wait_for_rows(visitor, 3)
    page.get_by_text("Copy a summary").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"\d+ [A-Z][a-z]+ 20\d\d, \d\d:\d\d: 4 files", copied.splitlines()[0])
    assert copied.splitlines()[1:4] == ["2 added", "1 already here", "1 not accepted"]
    assert copied.splitlines()[4].startswith("words.jpg: This is not a photo")
    page.get_by_role("button", name="Move these 2 photos to the trash").click()
    expect(rows(visitor, ".undone")).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 photos are in the trash")).to_be_visible()
    expect(overall(visitor)).to_contain_text("2 in the trash")
    known = house.rows("select checksum from asset where trashed_at is null")
    assert checksum(files[0].read_bytes()) in {row[0] for row in known}
    assert not {checksum(path.read_bytes()) for path in files[1:]} & {row[0] for row in known}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="2 photos are back.")).to_be_visible()
    expect(rows(visitor, ".ready")).to_have_count(2)
    known = house.rows("select checksum from asset where trashed_at is null")
    assert {checksum(path.read_bytes()) for path in files} <= {row[0] for row in known}
    forgive(visitor, "415")


def test_the_page_and_the_receipt_say_the_same(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    known, trashed, *new = noises(tmp_path, 4, 10_630)
    assert house.upload(known.read_bytes(), known.name).status == 201
    asset = house.upload(trashed.read_bytes(), trashed.name).json["assets"][0]["id"]
    assert house.request("DELETE", f"/api/assets/{asset}").status == 204
    (tmp_path / "torn.jpg").write_bytes(noise(10_640)[:-9_000])
    (tmp_path / "bare.png").write_bytes(png_claiming(400, 300))
    (tmp_path / "words.jpg").write_text("not a photo")
    (tmp_path / "empty.jpg").write_bytes(b"")
    others = [tmp_path / name for name in ("torn.jpg", "bare.png", "words.jpg", "empty.jpg")]
    visitor = arrive()
    page = visitor.page
    visitor.choose([known, trashed, *new, *others])
    wait_for_rows(visitor, 5)
    expect(rows(visitor, ".bad")).to_have_count(3)
    copied = tally(visitor)
    on_page = told(visitor)
    assert len(on_page) == 8
    page.get_by_role("link", name="What became of each file").click()
    expect(page.locator("#summary")).to_be_visible()
    assert told(visitor) == on_page
    counts = page.locator("#summary").inner_text().strip(".").replace(" photos", "").split(", ")
    assert counts == [line for line in copied if re.match(r"\d+ (?!of them|\w+ \d{4})", line)]
    forgive(visitor, "415", "422")


def test_later_files_have_a_link_to_their_own_batch(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    one, other = noises(tmp_path, 2, 10_645)
    visitor = arrive()
    visitor.choose([one])
    wait_for_rows(visitor, 1)
    house.rows("update batch set touched_at = touched_at - 700")
    visitor.choose([other])
    wait_for_rows(visitor, 2)
    links = visitor.page.get_by_role("link", name="What became of each file")
    expect(links).to_have_text(["What became of each file", "What became of each file (part 2)"])
    for path, link in ((one, links.first), (other, links.last)):
        page = visitor.context.new_page()
        page.goto(link.get_attribute("href"))
        expect(page.get_by_role("listitem").filter(has_text=path.name)).to_be_visible()
        page.close()


def told(visitor: Visitor) -> dict[str, str]:
    """What is said of each file that has a row, by its name."""
    found = rows(visitor).evaluate_all(
        """rows => rows.map((row) => ['.name', '.state'].map(
            (part) => row.querySelector(part).textContent.trim()))"""
    )
    return {name: words.partition(", looks like")[0] for name, words in found}


def test_what_lies_beside_photos_is_passed_over(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive()
    beside = [tmp_path / name for name in ("a.XMP", "a.aae", "a.jpg.json")]
    for path in beside:
        path.write_text("{}")
    visitor.choose([*noises(tmp_path, 1, 10_370), *beside])
    wait_for_rows(visitor, 1)
    expect(rows(visitor)).to_have_count(1)
    expect(overall(visitor)).to_contain_text("3 other files left out")
    words = "3 files that only belong to photos were left out"
    expect(visitor.page.locator("#notice")).to_contain_text(words)
    expect(visitor.page.locator("#notice")).to_contain_text("comes along with the photo")
    assert tally(visitor)[1:] == ["1 added", words]


def rated(path: Path, rating: int) -> Path:
    """A sidecar that gives so many stars."""
    path.write_text(f'<x:xmpmeta><rdf:Description xmp:Rating="{rating}"/></x:xmpmeta>')
    return path


def ratings(house: Homequeue, files: list[Path]) -> list[int | None]:
    found = dict(house.rows("select checksum, rating from asset"))
    return [found.get(checksum(path.read_bytes())) for path in files]


def test_sidecars_go_to_the_photos_they_lie_beside(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    folder = tmp_path / "Rated"
    names = ("here/a.jpg", "there/a.jpg", "there/b.jpg", "there/had.jpg")
    files = [folder / name for name in names]
    for number, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(10_380 + number))
    known = house.upload(files[2].read_bytes(), "b.jpg").json["assets"][0]["id"]
    had = house.upload(files[3].read_bytes(), "had.jpg").json["assets"][0]["id"]
    other = rated(tmp_path / "other.xmp", 1).read_bytes()
    assert house.request("PUT", f"/api/assets/{had}/sidecar", other).status == 204
    rated(folder / "there" / "a.jpg.xmp", 3)
    rated(folder / "there" / "b.xmp", 4)
    rated(folder / "there" / "had.xmp", 5)
    rated(folder / "lonely.xmp", 5)
    visitor = arrive()
    drop_from_disk(visitor, folder)
    wait_for_rows(visitor, 4)
    expect(overall(visitor)).to_contain_text("1 other file left out")
    eventually(lambda: ratings(house, files) == [None, 3, 4, 1], "rated")
    assert house.get(f"/api/assets/{known}")["rating"] == 4
    note = "Its sidecar was not taken: This photo has another sidecar already."
    expect(rows(visitor).filter(has_text="had.jpg")).to_contain_text(note)
    forgive(visitor, "409")


def test_a_sidecar_is_not_forgotten_with_the_page(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    files = noises(tmp_path, 1, 10_388)
    visitor = arrive(PHONE)
    visitor.context.route("**/sidecar", lambda route: route.abort())
    visitor.drop([*files, rated(tmp_path / f"{files[0].name}.xmp", 2)])
    wait_for_rows(visitor, 1)
    assert ratings(house, files) == [None]
    visitor.context.unroute_all()
    visitor.visit("/upload")
    eventually(lambda: ratings(house, files) == [2], "rated")
    expect(rows(visitor)).to_contain_text("Added")
    visitor.visit("/upload")
    time.sleep(0.6)
    expect(rows(visitor)).to_have_count(0)
    forgive(visitor, "net::ERR_")


def test_the_last_upload_is_taken_back_when_the_page_is_opened_again(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE)
    files = noises(tmp_path, 3, 10_365)
    note = visitor.page.get_by_text("Your last upload here brought 3 photos.")
    visitor.choose(files)
    wait_for_rows(visitor, 3)
    expect(visitor.page.get_by_role("button", name="Move these 3 photos")).to_be_visible()
    visitor.visit("/upload")
    expect(note).to_be_visible()
    visitor.choose(noises(tmp_path, 1, 10_365))
    expect(note).to_be_hidden()
    expect(rows(visitor)).to_contain_text("Already here")
    visitor.visit("/upload")
    visitor.page.get_by_role("button", name="Move them to the trash").click()
    said = visitor.page.get_by_role("status").filter(has_text="3 photos are in the trash.")
    expect(said).to_be_visible()
    trashed = {row[0] for row in house.rows("select checksum from asset where trashed_at > 0")}
    assert trashed >= {checksum(path.read_bytes()) for path in files}
    visitor.visit("/upload")
    expect(note).to_be_hidden()


def test_only_the_photos_of_the_last_upload_are_offered_back(
    house: Homequeue, arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE)
    page = visitor.page
    offer = page.locator("#last")
    visitor.choose(noises(tmp_path, 3, 10_600))
    wait_for_rows(visitor, 3)
    visitor.visit("/upload")
    expect(offer).to_contain_text("brought 3 photos")
    change = line(visitor)
    big = padded(tmp_path / "paused.jpg", 10_610, 4 * MIB)
    visitor.choose([big, *noises(tmp_path, 2, 10_620)])
    page.get_by_role("button", name="Pause: paused.jpg").click()
    wait_for_rows(visitor, 2)
    change(FAST)
    # The one that is paused is cancelled on the next page, where it belongs to the same upload.
    visitor.visit("/upload")
    page.get_by_role("button", name="Cancel: paused.jpg").click()
    visitor.visit("/upload")
    expect(offer).to_contain_text("brought 2 photos")
    offer.get_by_role("button").click()
    expect(page.get_by_role("status").filter(has_text="2 photos are in the trash")).to_be_visible()
    there = {row[0] for row in house.rows("select checksum from asset where trashed_at is null")}
    assert {checksum(path.read_bytes()) for path in noises(tmp_path, 3, 10_600)} <= there
    visitor.visit("/upload")
    expect(offer).to_be_hidden()


MOVES = """async (states) => {
  const { move, newItem, counts } = await import('/static/js/states.js');
  const item = newItem(new File(['x'], 'x.jpg'));
  return states.map((state) => [move(item, state), item.state, counts[state]]);
}"""


def test_a_row_goes_only_where_it_may_go(arrive: Callable[..., Visitor]) -> None:
    page = arrive().page
    page.goto("/trash")
    way = ["sending", "waiting", "making", "sending", "ready", "waiting", "undone", "sending"]
    assert page.evaluate(MOVES, way) == [
        [False, "new", 0],
        [True, "waiting", 1],
        [False, "waiting", 0],
        [True, "sending", 1],
        [True, "ready", 1],
        [False, "ready", 0],
        [True, "undone", 1],
        [False, "undone", 0],
    ]


def test_all_of_it_goes_by_keys(arrive: Callable[..., Visitor], tmp_path: Path) -> None:
    visitor = arrive()
    page = visitor.page
    change = line(visitor)
    with page.expect_file_chooser() as opened:
        # The browser is told to hand the chooser over by the time these have been answered.
        page.locator("#main").focus()
        page.keyboard.press("Tab")
        expect(page.locator("#files")).to_be_focused()
        page.keyboard.press("Enter")
    opened.value.set_files([padded(tmp_path / f"k{n}.jpg", 10_370 + n, 2 * MIB) for n in range(2)])
    expect(rows(visitor, ".sending")).to_have_count(2)
    page.get_by_role("button", name="Pause: k0.jpg").focus()
    page.keyboard.press("Enter")
    expect(rows(visitor, ".paused")).to_have_count(1)
    expect(page.get_by_role("button", name="Resume: k0.jpg")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows(visitor, ".paused")).to_have_count(0)
    expect(page.get_by_role("button", name="Pause: k0.jpg")).to_be_focused()
    change(FAST)
    wait_for_rows(visitor, 2)
    # The button is gone; the keyboard is still at the row.
    expect(rows(visitor).filter(has_text="k0.jpg")).to_be_focused()
    forgive_resuming(visitor)


@pytest.mark.parametrize(
    ("seconds", "until"), [(None, "somebody resumes"), (3600, r"([01]\d|2[0-3]):\d\d")]
)
def test_nothing_is_promised_while_the_queue_is_paused(
    house: Homequeue,
    arrive: Callable[..., Visitor],
    tmp_path: Path,
    seconds: int | None,
    until: str,
) -> None:
    visitor = arrive(PHONE, locale="en-US")
    page = visitor.page
    note = page.get_by_text("Photos are kept safe meanwhile")
    expect(note).to_be_hidden()
    house.post("/api/queue/pause", {"seconds": seconds} if seconds else {})
    try:
        visitor.choose(noises(tmp_path, 1, 992 + bool(seconds)))
        expect(page.locator(".row")).to_contain_text("Sent – its preview comes later")
        expect(note).to_contain_text(re.compile(rf"Paused until {until}\."))
        expect(page.locator("#waiting")).to_contain_text("when homequeue goes on")
    finally:
        house.request("POST", "/api/queue/resume")
    wait_for_rows(visitor, 1)
    expect(note).to_be_hidden()


# Phones


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/130.0 Mobile"


def test_what_an_iphone_does_is_said_when_it_is_seen(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE, user_agent=IPHONE)
    note = visitor.page.locator("#phone-note")
    (tmp_path / "IMG_0001.JPG").write_bytes(noise(10_500))
    (tmp_path / "IMG_0002.jpeg").write_bytes(noise(10_501))
    visitor.choose([tmp_path / "IMG_0001.JPG"])
    wait_for_rows(visitor, 1)
    expect(note).to_be_hidden()
    visitor.choose([tmp_path / "IMG_0002.jpeg"])
    expect(note).to_contain_text("turns photos into JPEG")
    expect(note).to_contain_text("“Current”")


def with_place(seed: int, latitude: bytes) -> bytes:
    """A JPEG whose EXIF has a latitude of these 24 bytes."""
    number = lambda value, size: value.to_bytes(size, "big")  # noqa: E731
    entry = lambda tag, kind, many, value: (  # noqa: E731
        number(tag, 2) + number(kind, 2) + number(many, 4) + number(value, 4)
    )
    ifd0 = number(1, 2) + entry(0x8825, 4, 1, 26) + number(0, 4)
    gps = number(1, 2) + entry(2, 5, 3, 44) + number(0, 4)
    body = b"Exif\0\0MM\0*" + number(8, 4) + ifd0 + gps + latitude
    return b"\xff\xd8\xff\xe1" + number(len(body) + 2, 2) + body + noise(seed)[2:]


def test_what_an_android_phone_does_is_said_when_it_is_seen(
    arrive: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = arrive(PHONE, user_agent=ANDROID)
    note = visitor.page.locator("#phone-note")
    there = b"".join(part.to_bytes(4, "big") for part in (48, 1, 8, 1, 30, 1))
    (tmp_path / "there.jpg").write_bytes(with_place(10_510, there))
    (tmp_path / "none.jpg").write_bytes(noise(10_511))
    (tmp_path / "wiped.jpg").write_bytes(with_place(10_512, bytes(24)))
    visitor.choose([tmp_path / "there.jpg", tmp_path / "none.jpg"])
    wait_for_rows(visitor, 2)
    expect(note).to_be_hidden()
    visitor.choose([tmp_path / "wiped.jpg"])
    expect(note).to_contain_text("takes the places out of photos")


# Looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_axe_finds_nothing_in_the_middle_of_an_upload(
    size: dict[str, int], scheme: str, arrive: Callable[..., Visitor], axe: str, tmp_path: Path
) -> None:
    visitor = arrive(size, color_scheme=scheme, reduced_motion="reduce")
    visitor.page.evaluate(axe)
    seed = 10_600 + size["width"] + (scheme == "dark") * 50
    (tmp_path / "words.jpg").write_text("not a photo")
    (tmp_path / "broken.png").write_bytes(png_claiming(400, 300))
    visitor.choose([*noises(tmp_path, 2, seed), tmp_path / "words.jpg", tmp_path / "broken.png"])
    wait_for_rows(visitor, 2)
    line(visitor)
    visitor.choose([padded(tmp_path / f"x{n}.jpg", seed + 5 + n, 9 * MIB) for n in range(6)])
    visitor.page.get_by_role("button", name="Pause: x4.jpg").click()
    visitor.page.get_by_role("button", name="Cancel: x5.jpg").click()
    expect(rows(visitor, ".sending")).to_have_count(3)
    assert visitor.axe() == []
    assert not visitor.is_too_wide()
    visitor.page.get_by_role("button", name="Cancel all").click()
    visitor.page.get_by_text("Copy a summary").click()
    assert visitor.axe() == []
    forgive(visitor, "415")
