"""Drop links in a real browser: a link is made, guests send by it, its maker says yes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.servers import Homequeue, running
from tests.processes.test_browser import Open, axe, browser, expect, noises, visit
from tests.processes.uploading import FAST, forgive, line, overall, padded, rows

__all__ = ["axe", "browser", "visit"]

pytestmark = pytest.mark.slow

OWNER = {"viewport": LAPTOP}
GUEST = {"viewport": PHONE, "has_touch": True}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with an account; each test makes a link of its own."""
    with running(tmp_path_factory.mktemp("house")) as server:
        yield server


@pytest.fixture
def owner(house: Homequeue, visit: Open) -> Visitor:
    visitor = visit(house, **OWNER)
    visitor.sign_in("/shares")
    return visitor


def make_link(owner: Visitor, title: str, most: int = 500) -> str:
    page = owner.visit("/shares")
    page.get_by_label("What do you ask for?").fill(title)
    page.get_by_label("Into which album?").fill(f"Album of {title}")
    page.get_by_label("How many photos at most").fill(str(most))
    page.get_by_role("button", name="Make the link").click()
    return page.get_by_label("The link", exact=True).input_value()


def come_in(visitor: Visitor, link: str, name: str) -> Any:
    page = visitor.visit(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Go on to the photos").click()
    page.locator("#drop").wait_for()
    return page


def look(visitor: Visitor, name: str) -> None:
    """Keep a picture of the page for whoever wants to see it."""
    folder = visitor.server.data.parent / "pictures"
    folder.mkdir(exist_ok=True)
    visitor.page.screenshot(path=folder / f"{name}.png", full_page=True)


def test_guests_send_and_the_owner_says_yes(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path, axe: str
) -> None:
    link = make_link(owner, "Wedding")
    expect(owner.page.get_by_role("img", name="The link as a QR code")).to_be_visible()
    look(owner, "made")
    photos = noises(tmp_path, 5, 7000)
    sent = house.upload(photos[2].read_bytes(), "mine.jpg")
    assert sent.status == 201, sent.body
    already = sent.json["assets"][0]["id"]

    rita = visit(house, **GUEST)
    rita.context.add_init_script(axe)
    rita.visit(link)
    look(rita, "door")
    assert rita.axe() == []
    come_in(rita, link, "Aunt Rita")
    look(rita, "guest-empty")
    rita.choose(photos[:3])
    expect(rows(rita, ".good img")).to_have_count(3)
    expect(overall(rita)).to_have_text("3 of 3 sent")
    for row in rows(rita).all():
        expect(row).to_contain_text("Arrived")
    assert rita.page.locator("#rows a, #undo:visible").count() == 0
    look(rita, "guest-sent")
    assert rita.axe() == []
    assert not rita.is_too_wide()

    otto = visit(house, **GUEST)
    come_in(otto, link, "Otto")
    otto.choose(photos[3:4])
    expect(rows(otto, ".good")).to_have_count(1)
    otto.page.reload()
    expect(otto.page.locator("#sent .row")).to_have_count(1)
    rita.page.reload()
    expect(rita.page.locator("#sent .row")).to_have_count(3)

    page = owner.visit("/")
    expect(page.get_by_role("link", name="3 photos wait for your yes")).to_be_visible()
    assert page.locator(f"#a-{already}").count() == 1
    assert page.locator(".tile").count() == 1
    owner.context.add_init_script(axe)
    owner.visit("/waiting")
    expect(page.locator(".bin-card img")).to_have_count(3)
    look(owner, "waiting")
    assert owner.axe() == []
    page.locator(".bin-card", has_text="Otto").get_by_role("checkbox").check()
    page.get_by_role("button", name="Throw the chosen away").click()
    expect(page.locator(".bin-card")).to_have_count(2)
    page.get_by_role("button", name="Keep both").click()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    page = owner.visit("/")
    expect(page.locator(".tile")).to_have_count(3)
    owner.visit("/shares")
    look(owner, "shares")
    assert owner.axe() == []
    shown = house.assets(q="noise")
    assert {one["guest"] for one in shown} == {"Aunt Rita"}
    assert len(house.assets(trashed=1)) == 1


def test_one_is_decided_in_the_viewer(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path
) -> None:
    link = make_link(owner, "Picnic")
    rita = visit(house, **GUEST)
    come_in(rita, link, "")
    rita.choose(noises(tmp_path, 2, 7100))
    expect(rows(rita, ".good img")).to_have_count(2)
    page = owner.visit("/waiting")
    page.locator(".bin-pic").first.click()
    expect(page.get_by_text("From a guest. It waits for your yes")).to_be_visible()
    look(owner, "viewer")
    first = page.url
    page.get_by_role("button", name="Keep it").click()
    page.wait_for_url(lambda url: url != first)
    page.get_by_role("button", name="Throw it away").click()
    page.wait_for_url("**/waiting*")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def end_link(owner: Visitor, title: str) -> None:
    page = owner.visit("/shares")
    card = page.locator(".card", has_text=title)
    card.locator("details.confirm summary").click()
    card.get_by_role("button", name=f"End it for good: {title}").click()
    expect(card).to_contain_text("Ended")


def test_limits_and_ends_are_said_in_words(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path
) -> None:
    link = make_link(owner, "Small party", most=1)
    rita = visit(house, **GUEST)
    come_in(rita, link, "Rita")
    rita.choose(noises(tmp_path, 2, 7200))
    expect(rows(rita, ".good")).to_have_count(1)
    expect(rows(rita, ".bad")).to_contain_text("No more photos fit into this link.")
    expect(rita.page.locator("#waiting")).to_have_text("1 arrived, 1 did not")
    end_link(owner, "Small party")
    forgive(rita, "413")
    rita.choose(noises(tmp_path, 1, 7210))
    expect(rows(rita, ".bad").filter(has_text="This link has ended.")).to_have_count(1)
    rita.page.goto(link)
    expect(rita.page.get_by_text("This link has ended.")).to_be_visible()
    look(rita, "ended")
    forgive(rita, "410")


def test_a_large_one_goes_on_after_a_reload(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path
) -> None:
    link = make_link(owner, "Films")
    rita = visit(house, **GUEST)
    page = come_in(rita, link, "Rita")
    change = line(rita)
    rita.choose([padded(tmp_path / "large.jpg", 7300, 6 * 2**20)])
    expect(page.locator("#rows .row")).to_contain_text("of 6.3 MB")
    change(FAST)
    page.reload()
    expect(rows(rita, ".good")).to_have_count(1)
    (came,) = house.rows("select files, size from share where title = ?", "Films")
    assert tuple(came) == (1, 6 * 2**20)
    assert not house.rows("select id from upload where ended_at is null")


def test_a_link_that_ends_meanwhile_says_so(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path
) -> None:
    link = make_link(owner, "Short one")
    rita = visit(house, **GUEST)
    page = come_in(rita, link, "Rita")
    line(rita)
    rita.choose([padded(tmp_path / "long.jpg", 7340, 6 * 2**20)])
    expect(page.locator("#rows .row")).to_contain_text("of 6.3 MB")
    end_link(owner, "Short one")
    expect(rows(rita, ".bad")).to_contain_text("This link has ended.", timeout=30_000)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    forgive(rita, "410")


def test_a_guest_whose_cookie_is_gone_opens_the_link_once_more(
    house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path
) -> None:
    link = make_link(owner, "Forgetful")
    rita = visit(house, **GUEST)
    page = come_in(rita, link, "Rita")
    change = line(rita)
    rita.choose([padded(tmp_path / f"lost{n}.jpg", 7350 + n, 2**21) for n in range(2)])
    expect(rows(rita, ".sending")).to_have_count(2)
    rita.context.clear_cookies()
    expect(page.locator("#notice")).to_contain_text("Please open the link", timeout=30_000)
    expect(rows(rita, ".waiting")).to_have_count(2)
    change(FAST)
    with rita.context.expect_page() as opened:
        page.get_by_role("link", name="Open it").click()
    opened.value.get_by_role("button", name="Go on to the photos").click()
    opened.value.locator("#drop").wait_for()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(rows(rita, ".good")).to_have_count(2)
    forgive(rita, "403", "404")


def test_without_scripts(house: Homequeue, owner: Visitor, visit: Open, tmp_path: Path) -> None:
    link = make_link(owner, "Old phones")
    guest = visit(house, **GUEST, java_script_enabled=False)
    page = come_in(guest, link, "Grandma")
    photos = noises(tmp_path, 2, 7400)
    (tmp_path / "note.txt").write_text("no photo")
    page.locator("#files").set_input_files([*photos, tmp_path / "note.txt"])
    page.get_by_role("button", name="Send the chosen photos").click()
    expect(page.get_by_text("2 of 3 arrived.")).to_be_visible()
    expect(page.locator("#sent .row.good")).to_have_count(2)
    look(guest, "no-scripts")
    assert re.search(r"/s/[\w-]+/upload$", page.url)


def test_a_browser_that_is_signed_in_is_a_guest_at_a_link(
    house: Homequeue, owner: Visitor, tmp_path: Path
) -> None:
    link = make_link(owner, "Trial")
    come_in(owner, link, "Myself")
    owner.choose(noises(tmp_path, 1, 7500))
    expect(rows(owner, ".good")).to_have_count(1)
    page = owner.visit("/waiting")
    expect(page.get_by_text("From Myself")).to_be_visible()


def test_a_phone_is_given_a_token(house: Homequeue, visit: Open, axe: str) -> None:
    owner = visit(house, viewport=PHONE)
    owner.context.add_init_script(axe)
    owner.sign_in("/")
    page = owner.page
    page.get_by_label("Account of").click()
    page.get_by_role("link", name="Your phone").click()
    page.get_by_label("For which device?").fill("My phone")
    page.get_by_role("button", name="Make the token").click()
    token = page.get_by_label("The token", exact=True).input_value()
    assert token.startswith("hq_")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#notice")).to_contain_text("Copied.")
    expect(page.get_by_text(f"Bearer {token}").first).to_be_visible()
    look(owner, "devices")
    assert owner.axe() == []
    assert not owner.is_too_wide()
    page.get_by_role("button", name="Remove: My phone").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
    assert page.locator(".card", has_text="My phone").count() == 0
