"""What was understood of a photo is shown, and plays: placeholders, animations, Live Photos."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import lives, pictures
from tests.films import HEVC
from tests.films import part as program
from tests.processes.browsing import LAPTOP, PHONE, Visitor, axe_core
from tests.processes.servers import Homequeue, eventually, running
from tests.processes.test_browser import Open, browser, expect, visit

__all__ = ["browser", "visit"]

pytestmark = pytest.mark.slow

#: The colours of the placeholder of a tile near its corners, read from its picture.
CORNERS = """async (tile) => {
  const url = getComputedStyle(tile).backgroundImage.slice(5, -2);
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  brush.drawImage(picture, 0, 0);
  const at = (x, y) => [...brush.getImageData(x, y, 1, 1).data.slice(0, 3)];
  const [right, low] = [picture.width - 2, picture.height - 2];
  return { scheme: url.slice(0, 14), size: [picture.width, picture.height],
           corners: [at(1, 1), at(right, 1), at(1, low), at(right, low)] };
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homequeue]:
    """A server with one photo of each kind that moves, and one that does not."""
    program("ffmpeg")
    tags = pictures.exif(
        {0x4746: 4, 0x9C9E: "Frost;The yard behind the house".encode("utf-16-le")},
        gps={1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0), 6: 34.5},
    )
    files = {
        "still.jpg": pictures.data(pictures.scene(600, 400), exif=tags),
        "moves.gif": lives.animation(),
        "moves.webp": lives.animation("WEBP"),
        "motion.jpg": lives.motion_photo(seconds=1.5)[0],
        "hevc.jpg": lives.motion_photo(*HEVC, seconds=1.5, seed=1)[0],
        "live.jpg": lives.photo(),
        "live.mov": lives.clip(seconds=1.5),
    }
    with running(tmp_path_factory.mktemp("house")) as server:
        for name, data in files.items():
            assert server.upload(data, name).status == 201
        eventually(lambda: len(server.assets()) == 6 and server.is_idle(), "all is made", 120)
        yield server


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_core(tmp_path_factory.mktemp("axe"))


def number(server: Homequeue, name: str) -> int:
    return next(int(one["id"]) for one in server.assets() if one["filename"] == name)


def at_photo(server: Homequeue, visit: Open, name: str, **options: Any) -> Visitor:
    """A visitor who looks at a photo."""
    visitor = visit(server, **{"viewport": LAPTOP} | options)
    visitor.sign_in(f"/assets/{number(server, name)}")
    return visitor


def test_placeholders_are_there_before_the_thumbnails(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    visitor.context.route("**/thumbnail*", lambda _: None)
    visitor.sign_in()
    page = visitor.page
    tile = page.locator(f"#a-{number(house, 'still.jpg')}")
    expect(tile).to_have_css("background-image", re.compile(r'url\("data:image/png'))
    seen = tile.evaluate(CORNERS)
    assert (seen["scheme"], seen["size"]) == ("data:image/png", [16, 11])
    red, green, blue, yellow = seen["corners"]
    assert red[0] > 100 > max(red[1:])
    assert green[1] == max(green) > 60
    assert blue[2] == max(blue) > 100
    assert min(yellow[:2]) > 100 > yellow[2]


def test_nothing_is_drawn_behind_thumbnails_that_are_there(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=PHONE)
    visitor.sign_in()
    assert all(visitor.pictures("#timeline .tile img"))
    expect(visitor.page.locator("[data-thumbhash]")).to_have_count(0)
    texts = visitor.page.locator(".badge.play").all_inner_texts()
    assert sorted(text.strip() for text in texts) == ["Live", "Live", "Live", "moves", "moves"]


@pytest.mark.parametrize("name", ["moves.gif", "moves.webp"])
def test_an_animation_moves(name: str, house: Homequeue, visit: Open) -> None:
    visitor = at_photo(house, visit, name)
    photo = visitor.page.locator("#photo")
    eventually(lambda: photo.evaluate("(one) => one.currentSrc").endswith("/original"), "it moves")
    shots = {photo.screenshot() for _ in range(8)}
    assert len(shots) > 1
    expect(visitor.page.locator("#live")).to_be_hidden()


def test_an_animation_rests_for_those_who_want_that(house: Homequeue, visit: Open) -> None:
    visitor = at_photo(house, visit, "moves.gif", reduced_motion="reduce")
    photo, link = visitor.page.locator("#photo"), visitor.page.get_by_role("link", name="Play")
    assert "/preview" in photo.evaluate("(one) => one.currentSrc")
    link.click()
    eventually(lambda: photo.evaluate("(one) => one.currentSrc").endswith("/original"), "it moves")
    visitor.page.locator("#viewer").focus()
    visitor.page.keyboard.press(" ")
    assert "/preview" in photo.get_attribute("src")


@pytest.mark.parametrize("name", ["motion.jpg", "hevc.jpg", "live.jpg"])
def test_a_clip_plays_once_and_the_photo_is_there_again(
    name: str, house: Homequeue, visit: Open
) -> None:
    visitor = at_photo(house, visit, name)
    page, clip = visitor.page, visitor.page.locator("#clip")
    expect(clip).to_be_hidden()
    page.get_by_role("link", name="Live").click()
    expect(clip).to_be_visible()
    assert clip.evaluate("(film) => [film.muted, film.videoWidth]") == [True, 320]
    expect(clip).to_be_hidden(timeout=15_000)
    page.locator("#viewer").focus()
    page.keyboard.press(" ")
    expect(clip).to_be_visible()
    page.keyboard.press(" ")
    expect(clip).to_be_hidden()
    assert page.url.endswith(f"/assets/{number(house, name)}")


def test_a_finger_on_the_photo_plays_it_for_as_long_as_it_stays(
    house: Homequeue, visit: Open
) -> None:
    visitor = at_photo(house, visit, "live.jpg", viewport=PHONE, has_touch=True)
    clip = visitor.page.locator("#clip")
    line = visitor.context.new_cdp_session(visitor.page)
    finger = {"x": 200, "y": 300}
    line.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
    expect(clip).to_be_visible()
    line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(clip).to_be_hidden()
    assert clip.evaluate("(film) => film.paused")


def test_without_scripts_the_clip_is_a_link(house: Homequeue, visit: Open) -> None:
    visitor = at_photo(house, visit, "motion.jpg", java_script_enabled=False)
    address = visitor.page.locator("#live").get_attribute("href")
    answer = visitor.context.request.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.body()[4:8] == b"ftyp"


@pytest.mark.parametrize("name", ["still.jpg", "live.jpg"])
def test_the_pages_are_for_everybody(name: str, house: Homequeue, visit: Open, axe: str) -> None:
    visitor = visit(house, viewport=PHONE, bypass_csp=True)
    visitor.context.add_init_script(axe)
    visitor.sign_in()
    assert visitor.axe() == []
    page = visitor.visit(f"/assets/{number(house, name)}")
    assert visitor.axe() == []
    assert not visitor.is_too_wide()
    for link in page.locator("#live").all():
        box = link.bounding_box()
        assert min(box["width"], box["height"]) >= 44


def test_nobody_outside_is_asked_for_a_place(house: Homequeue, visit: Open) -> None:
    visitor = visit(house, viewport=LAPTOP)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.sign_in(f"/assets/{number(house, 'still.jpg')}")
    visitor.page.wait_for_load_state("networkidle")
    expect(visitor.page.get_by_role("link", name="Show on OpenStreetMap")).to_be_visible()
    assert asked
    assert all(url.startswith((house.url, "data:")) for url in asked)
