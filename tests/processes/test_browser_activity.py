"""The activity pages in a real browser: they follow the queue, and all on them can be done."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pictures import png_claiming
from tests.processes.browsing import LAPTOP, PHONE, Visitor
from tests.processes.chains import KITCHEN
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise, running
from tests.processes.test_browser import Open, axe, browser, expect, visit
from tests.processes.test_poison import defer

__all__ = ["axe", "browser", "visit"]

pytestmark = pytest.mark.slow

PAGES = ("/activity", "/activity/history", "/activity/machine")
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with an account, three photos and three of which no pictures can be made."""
    with running(tmp_path_factory.mktemp("activity")) as server:
        for number in range(3):
            assert server.upload(noise(number), f"sea {number}.jpg").status == 201
        for number in range(3):
            assert server.upload(cut(number), f"broken {number}.png").status == 201
        server.settled(6)
        yield server


def cut(number: int) -> bytes:
    """A PNG that ends after its head, each another."""
    return png_claiming(400 + number, 300)


def summary(visitor: Visitor) -> Any:
    return visitor.page.locator("#summary")


def test_the_page_follows_uploads_without_being_loaded_again(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in("/activity")
    page = visitor.page
    expect(summary(visitor)).to_contain_text("All done")
    page.evaluate("window.stays = 'here'")
    for number in range(10, 22):
        assert house.upload(noise(number), f"late {number}.jpg").status == 201
    done = page.locator("section[aria-labelledby='recent-title']")
    expect(done.get_by_text("Making the preview of late 21.jpg")).to_be_visible(timeout=20_000)
    expect(summary(visitor)).to_contain_text("All done", timeout=20_000)
    widths = visitor.pictures("section[aria-labelledby='recent-title'] img.job-pic")
    assert len(widths) == 10
    assert min(widths) > 0
    assert page.evaluate("window.stays") == "here"


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_pausing_goes_by_keys_and_is_said(
    size: dict[str, int], house: Homequeue, visit: Open
) -> None:
    visitor = visit(house, viewport=size)
    visitor.sign_in("/activity")
    page = visitor.page
    page.evaluate("window.stays = 'here'")
    page.locator("#pause-s-all").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#pause-hour-all")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#pause-hour-all")).to_be_hidden()
    expect(page.locator("#pause-s-all")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(summary(visitor)).to_contain_text("Paused")
    expect(page.locator("#notice")).to_contain_text("Paused. What runs is still finished.")
    expect(page.locator(".now")).to_contain_text(re.compile(r"Paused until \d\d:\d\d"))
    spoken = page.locator("p.sr[role=status]")
    expect(spoken).to_contain_text("Paused")
    try:
        asset = house.upload(noise(95), "later.jpg").json["assets"][0]["id"]
        expect(page.get_by_text("Making the preview of later.jpg")).to_be_visible(timeout=15_000)
    finally:
        page.locator("#resume-all").focus()
        page.keyboard.press("Enter")
    expect(summary(visitor)).to_contain_text("All done", timeout=15_000)
    assert page.evaluate("window.stays") == "here"
    eventually(house.is_idle, "it is done")
    house.request("DELETE", f"/api/assets/{asset}")
    house.request("DELETE", f"/api/assets/{asset}?purge=1")


def test_what_somebody_reads_or_types_stays(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in("/activity/machine")
    page = visitor.page
    page.locator("#workers").fill("7")
    page.locator("#table-s").click()
    page.locator("#again-all-s").focus()
    with page.expect_response("**/activity/machine", timeout=40_000) as polled:
        page.evaluate("document.getElementById('activity').dataset.rest = '100'")
        house.upload(noise(96), "meanwhile.jpg")
        visitor.page.evaluate(HIDE, False)
    assert polled.value.status == 200
    expect(page.locator("#table")).to_have_attribute("open", "")
    expect(page.locator("#workers")).to_have_value("7")
    expect(page.locator("#again-all-s")).to_be_focused()


def test_a_hidden_tab_does_not_ask(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in("/activity")
    page = visitor.page
    asked: list[float] = []
    page.on("request", lambda request: asked.append(time.monotonic()))
    eventually(house.is_idle, "nothing happens")
    page.evaluate("document.getElementById('activity').dataset.rest = '100'")
    page.evaluate(HIDE, False)
    page.wait_for_timeout(3_000)
    assert asked, "a tab that is seen asks"
    page.evaluate(HIDE, True)
    page.wait_for_timeout(1_000)
    asked.clear()
    page.wait_for_timeout(4_000)
    assert asked == []
    page.evaluate(HIDE, False)
    eventually(lambda: page.wait_for_timeout(50) or asked, "it asks again", 5)


def test_a_page_without_its_server_says_so(serve: Serve, visit: Open) -> None:
    server = serve()
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/activity")
    page = visitor.page
    page.evaluate("document.getElementById('activity').dataset.rest = '500'")
    page.evaluate(HIDE, False)
    lost = page.locator("p.lost[role=status]")
    expect(lost).to_have_text("")
    server.kill_all()
    words = re.compile(r"^No answer from the server; this is as of \d\d:\d\d\.$")
    expect(lost).to_have_text(words, timeout=25_000)
    expect(summary(visitor)).to_be_visible()
    server.start()
    expect(lost).to_have_text("", timeout=25_000)
    visitor.complaints.clear()


def test_failures_are_one_group_to_try_again_or_dismiss(serve: Serve, visit: Open) -> None:
    server = serve()
    for number in range(3):
        server.upload(cut(number), f"broken {number}.png")
    server.settled(3)
    visitor = visit(server, viewport=PHONE)
    visitor.sign_in("/activity")
    page = visitor.page
    failed = page.locator("#failed")
    expect(failed).to_contain_text("3 times the same")
    failed.get_by_text("Show them").click()
    expect(failed.get_by_role("link", name="Making the preview of broken 1.png")).to_be_visible()
    with page.expect_response("**/retry-failed"):
        page.get_by_role("button", name=re.compile("^Try these again: 3 times")).click()
    expect(page.locator("#notice")).to_contain_text("It is being tried again.")
    eventually(lambda: server.jobs().get("failed") == 3, "they failed again")
    page.get_by_role("button", name=re.compile("^Dismiss: 3 times")).click()
    expect(page.locator("#notice")).to_contain_text("Dismissed")
    expect(failed).to_have_count(0)
    visitor.visit("/activity/history?state=dismissed")
    expect(page.locator("li.job")).to_have_count(3)


def test_kinds_of_work_fit_on_a_phone(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in("/activity/machine")
    table = visitor.page.locator("section[aria-labelledby='kinds-title']")
    for seen in (
        table.get_by_role("button", name="Pause: Making previews"),
        table.locator("td[data-label='Failed']").first,
    ):
        box = seen.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]


def test_what_runs_is_stopped_from_the_page(serve: Serve, visit: Open) -> None:
    server = serve(module=KITCHEN)
    (number,) = defer(server, ["work", 60])
    eventually(lambda: server.jobs().get("running"), "it runs")
    visitor = visit(server, viewport=LAPTOP)
    visitor.sign_in("/activity")
    page = visitor.page
    expect(summary(visitor)).to_contain_text("Working.")
    page.get_by_role("button", name="Stop: work").click()
    expect(page.locator("#notice")).to_contain_text("Stopped.", timeout=20_000)
    expect(summary(visitor)).to_contain_text("All done", timeout=20_000)
    page.get_by_role("link", name="Details: work").click()
    page.wait_for_url(f"**/jobs/{number}")
    expect(page.get_by_text("It was stopped by Anna.").first).to_be_visible()
    page.get_by_role("button", name="Try again: work").click()
    expect(page.locator(f"#job-{number} progress")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Stop: work").click()
    expect(page.locator("#notice")).to_contain_text("Stopped.", timeout=20_000)


def test_a_button_pressed_too_late_says_so(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.sign_in("/activity/history?state=failed")
    page = visitor.page
    row = page.locator("li.job.bad").first
    number = str(row.get_attribute("id")).removeprefix("job-")
    assert house.post(f"/api/jobs/{number}/retry").status == 200
    eventually(house.is_idle, "it was tried")
    assert house.post(f"/api/jobs/{number}/dismiss").status == 200
    row.get_by_role("button", name=re.compile("Dismiss")).click()
    expect(page.locator("#notice")).to_contain_text("Only a job that failed can be dismissed.")
    # The browser tells of the 409 itself.
    assert [words for words in visitor.complaints if "409" not in words] == []
    visitor.complaints.clear()


def test_everything_goes_without_scripts(serve: Serve, visit: Open) -> None:
    server = serve()
    server.upload(noise(1), "sea.jpg")
    server.upload(cut(1), "broken.png")
    server.settled(2)
    visitor = visit(server, viewport=PHONE, java_script_enabled=False)
    visitor.sign_in("/activity")
    page = visitor.page
    page.locator("#pause-s-all").click()
    page.locator("#pause-ever-all").click()
    expect(page.locator("#notice")).to_contain_text("Paused.")
    expect(page.locator(".now")).to_contain_text("Paused until somebody resumes.")
    page.locator("#resume-all").click()
    expect(page.locator("#notice")).to_contain_text("Going on.")
    page.get_by_role("button", name="Dismiss: Making the preview of broken.png").click()
    expect(page.locator("#failed")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    page.locator("#q").fill("sea")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/activity/history?q=sea*")
    expect(page.locator("li.job")).to_have_count(1)
    page.get_by_role("link", name="Behind the scenes").click()
    page.locator("#workers").fill("3")
    page.locator("#set-workers").click()
    expect(page.locator("#workers")).to_have_value("3")
    page.get_by_role("button", name="Run now: Checking the disk").click()
    expect(page.locator("#notice")).to_contain_text("Started.")
    page.locator("#again-all-s").click()
    page.locator("#again-all-yes").click()
    expect(page.locator("#notice")).to_contain_text("They are made again after everything else.")
    server.settled(2)
    page.get_by_role("link", name="Hour").click()
    expect(page.get_by_role("heading", name="The last hour")).to_be_visible()
    expect(page.get_by_text("allowed 3 workers")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_axe_finds_nothing_on_the_activity_pages(
    size: dict[str, int], scheme: str, house: Homequeue, visit: Open, axe: str
) -> None:
    visitor = visit(house, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    visitor.context.add_init_script(axe)
    visitor.sign_in("/activity")
    (job,) = house.get("/api/jobs?state=failed&limit=1")["jobs"]
    found: dict[str, list[str]] = {}
    for path in (*PAGES, "/activity/machine?span=hour", f"/jobs/{job['id']}"):
        visitor.visit(path)
        for menu in visitor.page.locator("details[id]:not(#account)").all():
            menu.evaluate("(menu) => { menu.open = true; }")
        if violations := visitor.axe():
            found[path] = violations
        assert not visitor.is_too_wide(), path
    assert found == {}
