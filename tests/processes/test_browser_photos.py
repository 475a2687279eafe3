"""Photos and the viewer in a real browser: drops, captions, and news that come by themselves."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import png_claiming
from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise, running
from tests.processes.test_browser import (
    Open,
    browser,
    expect,
    noises,
    visit,
    wait_for_photo,
    wait_for_rows,
)

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with three photos."""
    with running(tmp_path_factory.mktemp("house")) as server:
        for number in range(700, 703):
            assert server.upload(noise(number), f"photo {number}.jpg").status == 201
        server.settled(3)
        yield server


def drag(visitor: Visitor, files: list[Path], *, release: bool = True) -> None:
    """Drag files out of a file manager over the page and let them fall, as the browser sees it."""
    line = visitor.context.new_cdp_session(visitor.page)
    given = {"items": [], "files": [str(path) for path in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop")[: 3 if release else 2]:
        line.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 300, "data": given})


def test_photos_dropped_on_the_photos_are_uploaded(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in()
    page = visitor.page
    files = noises(tmp_path, 3, 710)
    drag(visitor, files, release=False)
    mark = "getComputedStyle(document.body, '::after').content"
    eventually(lambda: page.evaluate(mark) == '"Drop to upload"', "the page says so", 10)
    drag(visitor, files)
    page.wait_for_url("**/upload")
    wait_for_rows(visitor, 3)
    expect(page).to_have_title(re.compile("Upload · homequeue$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Upload")
    # It is the upload page for good: it takes more, and leafing back leads to the photos.
    visitor.choose(noises(tmp_path, 1, 713))
    wait_for_rows(visitor, 4)
    drag(visitor, noises(tmp_path, 1, 714))
    wait_for_rows(visitor, 5)
    page.keyboard.press("Tab")
    page.evaluate("location.hash = 'main'")
    expect(page.locator("#rows .row")).to_have_count(5)
    page.go_back()
    page.go_back()
    expect(page.locator("#timeline .tile img")).to_have_count(5)
    page.wait_for_load_state()
    page.go_forward()
    expect(page.locator("#drop")).to_be_visible()
    page.wait_for_load_state()
    page.go_back()
    expect(page.locator("#timeline .tile img")).to_have_count(5)


def test_the_timeline_does_not_come_back_over_the_upload(
    house: Homequeue, visit: Open, tmp_path: Path
) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in()
    (tmp_path / "words.jpg").write_text("not a photo")
    drag(visitor, [tmp_path / "words.jpg"])
    expect(visitor.page.locator(".row.bad")).to_have_count(1)
    visitor.page.wait_for_timeout(4_000)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Upload")
    assert all("415" in words for words in visitor.complaints)
    visitor.complaints.clear()


@pytest.mark.parametrize("path", ["/trash", "/activity", "/assets/1", "/sign-in"])
def test_no_page_is_lost_to_a_dropped_file(
    path: str, house: Homequeue, visit: Open, tmp_path: Path
) -> None:
    visitor = visit(house, viewport=LAPTOP)
    if path != "/sign-in":
        visitor.sign_in()
    page = visitor.visit(path)
    drag(visitor, noises(tmp_path, 1, 720))
    if path != "/sign-in":
        expect(page.get_by_role("status").filter(has_text="Nothing was taken.")).to_be_visible()
        page.get_by_role("link", name="Upload").last.click()
        page.wait_for_url("**/upload")
    else:
        page.wait_for_timeout(500)
        assert page.url.endswith(path)


# The upload page


def test_what_could_not_be_shown_can_be_tried_again_where_it_was_sent(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/upload")
    page = visitor.page
    (tmp_path / "broken.png").write_bytes(png_claiming(400, 300))
    visitor.choose([tmp_path / "broken.png"])
    row = page.locator(".row.unmade")
    expect(row).to_contain_text("nothing in it can be shown")
    (asset,) = server.assets()
    path = server.data / server.rows("select path from asset")[0][0]
    path.write_bytes(noise(750))
    with page.expect_response("**/retry"):
        row.get_by_role("button", name="Try again: broken.png").click()
    wait_for_rows(visitor, 1)
    assert server.get(f"/api/assets/{asset['id']}")["state"] == "ready"


def test_a_damaged_photo_is_kept_and_said_to_be_damaged(
    serve: Serve, visit: Open, tmp_path: Path
) -> None:
    visitor = visit(serve(), viewport=PHONE)
    visitor.sign_in("/upload")
    (tmp_path / "torn.jpg").write_bytes(noise(751)[:-9_000])
    visitor.choose([tmp_path / "torn.jpg"])
    row = visitor.page.locator(".row.good")
    expect(row).to_contain_text("Added, but damaged: it shows as far as it goes.")


# Captions


def caption(server: Homequeue, asset: int) -> Any:
    return server.get(f"/api/assets/{asset}")["caption"]


def write_caption(visitor: Visitor, words: str) -> None:
    page = visitor.page
    page.locator("#caption-s").click()
    expect(page.get_by_label("Caption", exact=True)).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(words)


LEAVING = {
    "older": lambda page: page.locator("#go-older").click(),
    "back": lambda page: page.locator("#back").click(),
    "escape": lambda page: page.keyboard.press("Escape"),
    "heart": lambda page: page.get_by_role("button", name="Favorite").click(),
    "elsewhere": lambda page: page.locator("#title").click(),
    "address": lambda page: page.goto("/trash"),
    "save": lambda page: page.get_by_role("button", name="Save").click(),
}


@pytest.mark.parametrize("way", LEAVING)
def test_what_was_written_is_saved_whichever_way_one_leaves(
    way: str, house: Homequeue, visit: Open
) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in()
    asset = house.assets()[0]["id"]
    page = visitor.visit(f"/assets/{asset}")
    write_caption(visitor, f"By {way} <3")
    LEAVING[way](page)
    eventually(lambda: caption(house, asset) == f"By {way} <3", "it is saved", 10)
    if way in ("escape", "elsewhere", "save", "heart"):
        expect(page.get_by_role("status").filter(has_text="The caption is saved.")).to_be_visible()
        expect(page.locator(".caption-words")).to_have_text(f"By {way} <3")
        expect(page.locator("#caption-s")).to_have_text("Change the caption")
        expect(page.get_by_label("Caption", exact=True)).to_be_hidden()
    if way == "older":
        wait_for_photo(visitor, house.assets()[1]["id"])
        page.keyboard.press("ArrowLeft")
        wait_for_photo(visitor, asset)
        expect(page.locator(".caption-words")).to_have_text(f"By {way} <3")


def test_a_caption_is_taken_away_by_emptying_it(house: Homequeue, visit: Open) -> None:
    asset = house.assets()[1]["id"]
    house.request(
        "PATCH", f"/api/assets/{asset}", b'{"caption": "old"}', {"Content-Type": "application/json"}
    )
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in()
    page = visitor.visit(f"/assets/{asset}")
    write_caption(visitor, " ")
    page.keyboard.press("Escape")
    expect(page.locator("#caption-s")).to_have_text("Add a caption")
    expect(page.locator(".caption-words")).to_be_hidden()
    assert caption(house, asset) is None


def test_a_caption_that_cannot_be_saved_keeps_one_here(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in()
    asset = house.assets()[0]["id"]
    page = visitor.visit(f"/assets/{asset}")
    write_caption(visitor, "Far from home")
    visitor.context.set_offline(True)
    page.locator("#go-older").click()
    expect(page.get_by_role("status").filter(has_text="is not saved")).to_be_visible()
    assert page.url.endswith(f"/assets/{asset}")
    visitor.context.set_offline(False)
    page.locator("#go-older").click()
    eventually(lambda: caption(house, asset) == "Far from home", "it is saved", 10)
    assert all("ERR_INTERNET_DISCONNECTED" in words for words in visitor.complaints)
    visitor.complaints.clear()


# News


def test_a_page_that_is_only_looked_at_notices_what_others_send(serve: Serve, visit: Open) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in()
    page = visitor.page
    expect(page.get_by_text("This is where your photos will live")).to_be_visible()
    # It finds nothing new at first, and rests.
    page.wait_for_timeout(4_000)
    assert server.upload(noise(730), "from a phone.jpg").status == 201
    began = time.monotonic()
    expect(page.locator("#timeline .tile img")).to_have_count(1, timeout=25_000)
    assert time.monotonic() - began < 22
    expect(page.get_by_role("searchbox")).to_be_visible()
    expect(page.locator(".page-head")).to_contain_text("1 photo")


def test_what_waits_turns_into_pictures_soon(serve: Serve, visit: Open) -> None:
    server = serve()
    assert server.upload(noise(739), "first.jpg").status == 201
    server.settled(1)
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in()
    page = visitor.page
    server.request("POST", "/api/queue/pause")
    for number in range(740, 743):
        assert server.upload(noise(number), f"{number}.jpg").status == 201
    visitor.visit("/")
    expect(page.locator(".tile[data-state='held']")).to_have_count(3)
    server.request("POST", "/api/queue/resume")
    server.settled(4)
    assert server.upload(png_claiming(400, 300), "broken.png").status == 201
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#timeline .tile img")).to_have_count(4, timeout=10_000)
    expect(page.locator(".tile[data-state='failed']")).to_have_count(1, timeout=10_000)


# Small screens


@pytest.mark.parametrize(
    "path", ["/", "/upload", "/choose", "/trash", "/password", "/assets/1", "/sign-in"]
)
def test_nothing_is_pushed_sideways_on_a_phone_at_twice_the_size(
    path: str, house: Homequeue, visit: Open
) -> None:
    visitor = visit(house, viewport={"width": 195, "height": 422}, has_touch=True)
    if path != "/sign-in":
        visitor.sign_in()
    thrown = house.assets()[-1]["id"]
    house.request("DELETE", f"/api/assets/{thrown}")
    try:
        visitor.visit(path)
        assert not visitor.is_too_wide()
    finally:
        house.request("POST", f"/api/assets/{thrown}/restore")
