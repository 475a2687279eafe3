"""Videos from the upload to the screen, with a real server, a real ffmpeg and a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.films import AAC, H264, HEVC, MPEG2, film, turned
from tests.processes.browsing import LAPTOP, PHONE, Visitor, axe_core, chromium
from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = pytest.mark.slow

#: What a film on the page knows of itself, and the colour of what it shows in its corner.
LOOK = """(film) => {
  const canvas = document.createElement('canvas');
  canvas.width = film.videoWidth;
  canvas.height = film.videoHeight;
  canvas.getContext('2d').drawImage(film, 0, 0);
  const [red, green, blue] = canvas.getContext('2d').getImageData(9, 9, 1, 1).data;
  return { width: film.videoWidth, height: film.videoHeight, duration: film.duration,
           at: film.currentTime, paused: film.paused, red, green, blue };
}"""
JUMP = """async (film, to) => {
  const there = new Promise((resolve) => film.addEventListener('seeked', resolve, { once: true }));
  film.currentTime = to;
  await there;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


def video_of(server: Homequeue, asset: int) -> str:
    """The address of what can be played, once it is there."""
    look = lambda: server.get(f"/api/assets/{asset}")["renditions"]["video"]  # noqa: E731
    return str(eventually(look, "the video can be played", 120))


def sent(server: Homequeue, data: bytes, name: str) -> int:
    answer = server.upload(data, name)
    assert answer.status == 201, answer.text
    return int(answer.json["assets"][0]["id"])


def wait_for_film(visitor: Visitor) -> Any:
    """The film in the viewer, once it has a picture."""
    found = visitor.page.locator("video#photo")
    expect(found).to_be_visible(timeout=90_000)
    handle = found.element_handle()
    visitor.page.wait_for_function("(film) => film.readyState >= 2", arg=handle)
    return handle


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((*H264, *AAC), "phone.mp4"),
        ((*H264, *AAC), "phone.mov"),
        ((*HEVC, *AAC), "iphone.mov"),
        ((*MPEG2, "-c:a", "mp2"), "camcorder.mpg"),
    ],
)
def test_a_browser_plays_it_and_jumps_to_any_place(
    shared: Homequeue, browser: Any, options: tuple[str, ...], name: str
) -> None:
    data = film(*options, name=name, seconds=12.0, sound=True)
    asset = sent(shared, data, name)
    video_of(shared, asset)
    visitor = Visitor(browser, shared, viewport=LAPTOP)
    visitor.sign_in(f"/assets/{asset}")
    handle = wait_for_film(visitor)
    seen = handle.evaluate(LOOK)
    assert (seen["width"], seen["height"]) == (320, 180)
    assert seen["duration"] == pytest.approx(12, abs=0.2)
    assert (seen["paused"], seen["at"]) == (True, 0)
    for place in (9.0, 2.5):
        handle.evaluate(JUMP, place)
        seen = handle.evaluate(LOOK)
        assert seen["at"] == pytest.approx(place, abs=0.1)
        assert seen["red"] > 200 > 60 > seen["green"]
    visitor.page.locator("#viewer").focus()
    visitor.page.keyboard.press(" ")
    visitor.page.wait_for_function("(film) => film.currentTime > 2.7", arg=handle)
    visitor.page.keyboard.press(" ")
    assert handle.evaluate(LOOK)["paused"]
    assert visitor.complaints == []
    visitor.close()


def test_what_was_held_upright_is_upright(shared: Homequeue, browser: Any) -> None:
    upright = turned(film(*HEVC, name="a.mov", seconds=3.0), 90, "b.mov")
    asset = sent(shared, upright, "upright.mov")
    video_of(shared, asset)
    visitor = Visitor(browser, shared, viewport=PHONE)
    visitor.sign_in(f"/assets/{asset}")
    seen = wait_for_film(visitor).evaluate(LOOK)
    assert (seen["width"], seen["height"]) == (180, 320)
    found = shared.get(f"/api/assets/{asset}")
    assert (found["width"], found["height"]) == (180, 320)
    assert not visitor.is_too_wide()
    assert visitor.complaints == []
    visitor.close()


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_page_tells_how_far_it_is_and_then_plays(
    serve: Serve, browser: Any, size: dict[str, int], tmp_path: Path
) -> None:
    server = serve()
    server.post("/api/queue/pause", {"task": "convert_video"})
    asset = sent(server, film(*HEVC, *AAC, name="a.mov", seconds=12.0, sound=True), "a.mov")
    (found,) = server.settled(1)
    assert (found["kind"], found["renditions"]["video"]) == ("video", None)
    visitor = Visitor(browser, server, viewport=size)
    visitor.context.add_init_script(axe_core(tmp_path))
    visitor.sign_in(f"/assets/{asset}")
    held = "it waits until somebody resumes: converting videos is paused"
    expect(visitor.page.locator("#film-note")).to_contain_text(held)
    expect(visitor.page.locator("img#photo")).to_be_visible()
    assert visitor.axe() == []
    assert not visitor.is_too_wide()
    server.post("/api/queue/resume", {"task": "convert_video"})
    # Nobody touches the page.
    wait_for_film(visitor)
    expect(visitor.page.locator("[aria-live]").last).to_contain_text("The video is ready")
    assert visitor.axe() == []
    visitor.visit("/")
    expect(visitor.page.locator(".badge.play")).to_contain_text("0:12")
    assert visitor.axe() == []
    assert visitor.complaints == []
    visitor.close()


def test_a_conversion_that_is_stopped_leaves_nothing_running(serve: Serve) -> None:
    server = serve()
    data = film(*MPEG2, "-vf", "scale=1920:1080", name="a.mpg", seconds=40.0)
    asset = sent(server, data, "long.mpg")
    look = lambda: [j for j in server.get(f"/api/jobs?asset={asset}")["jobs"] if is_going(j)]  # noqa: E731
    (job,) = eventually(look, "the conversion runs", 60)
    assert 0 < job["progress"] < 1
    assert server.post(f"/api/jobs/{job['id']}/stop").status < 300
    gone = lambda: not ffmpegs(server)  # noqa: E731
    eventually(gone, "ffmpeg is gone", 10)
    ended = server.get(f"/api/jobs/{job['id']}")
    assert ended["state"] == "cancelled"
    assert server.get(f"/api/assets/{asset}")["state"] == "ready"
    assert server.request("GET", f"/api/assets/{asset}/video").status == 404
    # And the work goes on.
    sent(server, noise(1), "photo.jpg")
    server.settled(2)


def is_going(job: dict[str, Any]) -> bool:
    return job["task"] == "convert_video" and bool(job["progress"])


def test_a_server_that_is_killed_converts_it_once_more(serve: Serve) -> None:
    server = serve()
    data = film(*MPEG2, "-vf", "scale=1920:1080", name="a.mpg", seconds=20.0)
    asset = sent(server, data, "long.mpg")
    look = lambda: [j for j in server.get(f"/api/jobs?asset={asset}")["jobs"] if is_going(j)]  # noqa: E731
    eventually(look, "the conversion runs", 60)
    server.kill_all()
    time.sleep(0.2)
    assert ffmpegs(server) == []
    server.start()
    assert server.request("GET", video_of(server, asset)).status == 200


def ffmpegs(server: Homequeue) -> list[str]:
    """The commands of what reads or writes below the folder of a server."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            held = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if command.startswith("ffmpeg") and any(str(server.data) in name for name in held):
            found.append(command)
    return found


def test_the_pages_go_on_while_a_film_is_converted(serve: Serve) -> None:
    server = serve()
    data = film(*MPEG2, "-vf", "scale=1920:1080", name="a.mpg", seconds=20.0)
    asset = sent(server, data, "long.mpg")
    look = lambda: [j for j in server.get(f"/api/jobs?asset={asset}")["jobs"] if is_going(j)]  # noqa: E731
    eventually(look, "the conversion runs", 60)
    sent(server, noise(7), "photo.jpg")
    photo = eventually(lambda: ready(server), "the photo is ready meanwhile", 30)
    assert photo["filename"] == "photo.jpg"


def ready(server: Homequeue) -> dict[str, Any] | None:
    found = [one for one in server.assets() if one["kind"] == "photo" and one["state"] == "ready"]
    return found[0] if found else None
