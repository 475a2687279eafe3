"""Make the screenshots of the docs from the real thing: `make screenshots`.

A server on a fresh folder, an account made with the set-up code, photos dropped in a browser.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from scenes import scenes

PHOTOS = 50
IMAGES = Path(__file__).parent / "images"
SIZES = {"phone": (390, 844, "light"), "wide": (1440, 900, "dark")}
BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photos = [_write(Path(folder), name, data) for name, data in scenes(PHOTOS)]
        command = [sys.executable, "-m", "homequeue", "run", "--data", f"{folder}/data"]
        command += ["--host", "127.0.0.1", "--port", "8421"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            code = _set_up_code(server)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
            _first_visit(browser, code, photos)
            for name in SIZES:
                _tour(browser, name)
        finally:
            server.terminate()
            server.wait(30)


def _set_up_code(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"Set-up code: (\S+)", line):
            return found[1]
    raise RuntimeError("the server did not start")


def _first_visit(browser: Browser, code: str, photos: list[str]) -> None:
    page = _page(browser, "phone")
    page.goto("http://127.0.0.1:8421/")
    _shoot(page, "set-up-phone")
    page.fill("[name=code]", code)
    page.fill("[name=name]", "Anna")
    page.fill("[name=password]", "correct horse")
    page.click("main button[type=submit]")
    page.goto("http://127.0.0.1:8421/upload")
    page.set_input_files("input[type=file]", photos)
    time.sleep(1.2)
    _shoot(page, "upload-phone")
    _wait(page, lambda: page.locator(f"text={PHOTOS} of {PHOTOS}").count() > 0)
    page.goto("http://127.0.0.1:8421/activity")
    _shoot(page, "activity-phone")
    _wait(page, lambda: "All done" in str(page.text_content("main")))
    page.context.storage_state(path=str(IMAGES / ".state.json"))
    page.context.close()


def _wait(page: Page, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(page.url)
        page.wait_for_timeout(100)


def _tour(browser: Browser, name: str) -> None:
    page = _page(browser, name, state=str(IMAGES / ".state.json"))
    page.goto("http://127.0.0.1:8421/")
    time.sleep(1)
    _shoot(page, f"timeline-{name}")
    page.click(".tile a >> nth=2")
    time.sleep(1)
    _shoot(page, f"viewer-{name}")
    page.goto("http://127.0.0.1:8421/activity")
    time.sleep(0.5)
    _shoot(page, f"activity-{name}" if name != "phone" else "activity-done-phone")
    page.context.close()
    if name == "wide":
        (IMAGES / ".state.json").unlink()


def _page(browser: Browser, name: str, state: str | None = None) -> Page:
    width, height, scheme = SIZES[name]
    viewport = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=state)
    return context.new_page()


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=str(IMAGES / f"{name}.png"))


def _write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


if __name__ == "__main__":
    main()
