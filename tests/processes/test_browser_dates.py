"""Checking dates, moving them, and possible duplicates, in a real browser."""

import re
from pathlib import Path

import pytest

from tests import pictures
from tests.processes.browsing import LAPTOP, PHONE, axe_core
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue
from tests.processes.test_browser import Open, browser, expect, visit

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow

UNSET = pictures.exif({0x0110: "X100"}, {0x9003: "2010:01:01 00:00:10"})
SIZE = (600, 400)


@pytest.fixture
def house(serve: Serve) -> Homequeue:
    """A server with two photos of a clock nobody set, one without a date, and a picture twice."""
    server = serve()
    for seed, name in ((1, "IMG_20190712_181500.jpg"), (2, "IMG_20190712_182000.jpg")):
        photo = pictures.data(pictures.photo(*SIZE, seed), exif=UNSET)
        assert server.upload(photo, name).status == 201
    assert server.upload(pictures.data(pictures.photo(*SIZE, 3)), "scan.jpg").status == 201
    for caption in ("At the sea", ""):
        tags = {0x010E: caption} if caption else {}
        exif = pictures.exif(tags, {0x9003: "2024:07:12 18:15:00"})
        photo = pictures.data(pictures.photo(*SIZE, 4), exif=exif)
        assert server.upload(photo, f"sea {len(caption)}.jpg").status == 201
    server.settled(5)
    return server


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_dates_are_checked_without_leaving_the_page(
    house: Homequeue, visit: Open, size: dict[str, int]
) -> None:
    visitor = visit(house, viewport=size)
    visitor.sign_in("/dates")
    page = visitor.page
    cards = page.locator(".doubt")
    expect(cards).to_have_count(3)
    assert not visitor.is_too_wide()
    page.evaluate("window.stays = true")
    page.get_by_role("button", name="Use 12 July 2019, 18:15").press("Enter")
    expect(cards).to_have_count(2)
    expect(page.locator("#notice")).to_contain_text("The date is changed.")
    expect(page.locator(".doubt button:focus")).to_have_count(1)
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(cards).to_have_count(3)
    use_found = page.locator("#chosen").get_by_role("button", name="Use what was found")
    page.get_by_label("scan.jpg", exact=True).check()
    expect(use_found).to_be_disabled()
    expect(use_found).to_have_css("border-style", "dashed")
    words = page.locator("#how-many")
    expect(words).to_have_text("For the photo ticked, of which nothing else was found:")
    page.get_by_label("Choose all on this page").check()
    expect(use_found).to_be_enabled()
    expect(words).to_have_text("For the 3 photos ticked:")
    page.get_by_label("scan.jpg", exact=True).uncheck()
    page.locator("#chosen").get_by_role("button", name="Move…").click()
    page.get_by_label("Set the first one").check()
    page.get_by_label("Date and time of the first photo").fill("2018-02-03T04:05:06")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator(".before-after tbody tr")).to_have_count(2)
    assert not visitor.is_too_wide()
    page.get_by_role("button", name="Change these 2 dates").click()
    expect(cards).to_have_count(1)
    found = house.assets()
    assert sum(one["taken_at"].startswith("2018-02-03T04:05") for one in found) == 2
    page.get_by_role("button", name="It is right: scan.jpg").click()
    expect(page.get_by_role("heading", name="All dates look right")).to_be_visible()


def test_what_a_form_shows_is_in_sight(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in("/dates/move?q=scan")
    page = visitor.page
    page.get_by_label("Set it").check()
    page.get_by_label("Date and time").fill("2018-02-03T04:05:06")
    page.get_by_role("button", name="Show what changes").click()
    button = page.get_by_role("button", name="Change this date")
    expect(button).to_be_visible()
    bar = page.locator(".tabs").bounding_box()
    for part in (button, page.locator("#preview-title")):
        box = part.bounding_box()
        assert box
        assert bar
        assert box["y"] >= 0
        assert box["y"] + box["height"] < bar["y"]
    page.get_by_label("Move it").check()
    page.get_by_label("hours").fill("1")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("alert")).to_be_in_viewport()


def test_one_of_two_is_kept(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in("/duplicates")
    page = visitor.page
    expect(page.locator(".twins")).to_have_count(1)
    expect(page.locator(".twins h2")).to_have_text("The same picture, other details")
    assert all(visitor.pictures(".twin-list img"))
    assert not visitor.is_too_wide()
    page.get_by_role("button", name=re.compile("^Keep only this one: sea 0.jpg")).click()
    expect(page.get_by_role("heading", name="Nothing looks double")).to_be_visible()
    visitor.visit("/trash")
    expect(page.locator(".bin-name")).to_have_text(["sea 10.jpg"])
    captions = [one["caption"] for one in house.assets()]
    assert "At the sea" in captions


def test_it_works_without_scripts(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE, java_script_enabled=False)
    visitor.sign_in("/dates")
    page = visitor.page
    page.get_by_role("button", name="Use 12 July 2019, 18:15").click()
    expect(page.locator(".doubt")).to_have_count(2)
    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(page.locator(".doubt")).to_have_count(3)
    page.locator(".doubt .tick input").first.check()
    page.locator("#chosen").get_by_role("button", name="They are right").click()
    expect(page.locator(".doubt")).to_have_count(2)
    visitor.visit("/duplicates")
    page.get_by_role("button", name=re.compile("^Keep both")).click()
    expect(page.get_by_role("heading", name="Nothing looks double")).to_be_visible()


def test_nobody_is_kept_out(house: Homequeue, visit: Open, tmp_path: Path) -> None:
    source = axe_core(tmp_path)
    for scheme in ("light", "dark"):
        visitor = visit(house, viewport=PHONE, color_scheme=scheme, bypass_csp=True)
        visitor.context.add_init_script(source)
        visitor.sign_in("/dates")
        for path in (
            "/dates",
            "/dates/move",
            "/dates/move?q=IMG&how=shift&years=1&back=0",
            "/dates/changes",
            "/duplicates",
        ):
            page = visitor.visit(path)
            if path == "/dates":
                page.locator(".set-date summary").first.click()
            assert visitor.axe() == [], (path, scheme)
            assert not visitor.is_too_wide(), path
