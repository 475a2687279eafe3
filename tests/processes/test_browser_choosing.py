"""Photos are ticked and put into albums, out of them and into the trash, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.browsing import LAPTOP, PHONE, axe_core
from tests.processes.servers import Homequeue, noise, running
from tests.processes.test_browser import Open, browser, expect, visit

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow

#: Whether nothing lies over what the keyboard is at.
IN_SIGHT = """() => {
  const box = document.activeElement;
  const { x, y, width, height } = box.getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2) === box;
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with thirty photos and an album."""
    with running(tmp_path_factory.mktemp("house")) as server:
        for number in range(1, 31):
            assert server.upload(noise(760 + number), f"photo {number:02}.jpg").status == 201
        server.settled(30)
        assert server.post("/api/albums", {"title": "Sea"}).status == 201
        yield server


def members(server: Homequeue, album: int) -> list[str]:
    return sorted(one["filename"] for one in server.assets(album=album))


def test_an_album_is_filled_by_keyboard(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in("/")
    page = visitor.page
    page.get_by_role("link", name="Choose").press("Enter")
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(30)
    boxes.first.focus()
    for key in ["Tab"] * 29 + ["Shift+Tab"] * 29:
        assert page.evaluate(IN_SIGHT)
        page.keyboard.press(key)
    for name in ("photo 07.jpg", "photo 30.jpg"):
        page.get_by_role("checkbox", name=name).press("Space")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_label("Album", exact=True).select_option("A new album…")
    page.get_by_label("Title of a new album").fill("Lake")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lake")
    expect(page.locator("#notice")).to_contain_text("2 photos are in the album.")
    expect(page.locator("#timeline .tile")).to_have_count(2)
    assert not visitor.is_too_wide()
    album = int(page.url.rpartition("album=")[2].partition("&")[0])
    assert members(house, album) == ["photo 07.jpg", "photo 30.jpg"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_photos_are_chosen_by_taps(house: Homequeue, visit: Open, scripts: bool) -> None:
    visitor = visit(house, viewport=PHONE, has_touch=True, java_script_enabled=scripts)
    visitor.sign_in("/albums")
    page = visitor.page
    page.get_by_role("link", name="Sea").tap()
    page.get_by_role("link", name="Add photos").first.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add to “Sea”")
    before = page.locator(".tile").count()
    page.get_by_role("button", name="Add to album").tap()
    expect(page.get_by_role("alert")).to_have_text("Tick some photos first.")
    for number in (2, 3, 4):
        page.locator(".tile img").nth(number).tap()
    page.get_by_role("button", name="Add to album").tap()
    expect(page.locator("#notice")).to_contain_text("3 photos are in the album.")
    page.get_by_role("link", name="Choose").tap()
    page.locator(".tile img").first.tap()
    page.get_by_role("button", name="Take out of album").tap()
    expect(page.locator("#notice")).to_contain_text("1 photo is out of the album")
    expect(page.locator("#timeline .tile")).to_have_count(2)
    page.get_by_role("link", name="Choose").tap()
    for number in (0, 1):
        page.locator(".tile img").nth(number).tap()
    page.get_by_role("button", name="Move to trash").tap()
    expect(page.locator("#notice")).to_contain_text("2 photos are in the trash.")
    expect(page.locator("#timeline .tile")).to_have_count(0)
    page.locator("#notice").get_by_role("button", name="Undo").tap()
    expect(page.locator("#notice")).to_contain_text("They are all out of the trash.")
    assert len(house.assets()) == 30
    page.goto("/albums")
    page.get_by_role("link", name="Sea").tap()
    page.get_by_role("link", name="Choose").tap()
    for number in (0, 1):
        page.locator(".tile img").nth(number).tap()
    page.get_by_role("button", name="Take out of album").tap()
    expect(page.get_by_role("heading", name="Nothing in this album yet")).to_be_visible()
    page.get_by_role("link", name="Add photos").first.tap()
    expect(page.locator(".tile")).to_have_count(before)
    visitor.complaints[:] = [words for words in visitor.complaints if "422" not in words]


def test_nobody_is_kept_out(house: Homequeue, visit: Open, tmp_path: Path) -> None:
    source = axe_core(tmp_path)
    for scheme, size in (("light", PHONE), ("dark", PHONE), ("dark", LAPTOP)):
        visitor = visit(house, viewport=size, color_scheme=scheme, bypass_csp=True)
        visitor.context.add_init_script(source)
        visitor.sign_in("/")
        for path in ("/choose", "/choose?into=1", "/choose?q=nowhere", "/?album=1"):
            page = visitor.visit(path)
            for number in range(min(2, page.locator(".tile .tick").count())):
                page.locator(".tile .tick").nth(number).click()
            assert visitor.axe() == [], (path, scheme)
            assert not visitor.is_too_wide()
        page = visitor.visit("/choose")
        expect(page.get_by_label("Title of a new album")).to_be_hidden()
        page.get_by_label("Album", exact=True).select_option("A new album…")
        expect(page.get_by_label("Title of a new album")).to_be_visible()
        assert visitor.axe() == []
