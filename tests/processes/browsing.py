"""A person with a browser: Chromium by Playwright, with an ear for what it complains about."""

import base64
import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from tests.conftest import part
from tests.processes.servers import NAME, PASSWORD, Homequeue

logger = logging.getLogger(__name__)

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A test may let a page forget what it can at any moment.
    "--js-flags=--expose-gc",
)
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
#: Milliseconds that anything on a page may take; 50 photos on a busy machine are the longest.
PATIENCE = 60_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

DROP = """([files, target]) => {
  const transfer = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type, lastModified: 1700000000000 }));
  }
  const on = document.querySelector(target);
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
    on.dispatchEvent(new DragEvent(kind, how));
  }
}"""

#: Scrolls to every picture, as a person does, and tells how wide those are that could be shown.
LOOK = """async (selector) => {
  const widths = [];
  for (const picture of document.querySelectorAll(selector)) {
    picture.scrollIntoView({ block: 'center' });
    await picture.decode().catch(() => {});
    widths.push(picture.naturalWidth);
  }
  window.scrollTo(0, 0);
  return widths;
}"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of the machine's own."""
    program = part("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


class Visitor:
    """A person at a page of one homequeue; `complaints` is what the browser did not like."""

    def __init__(self, browser: Browser, server: Homequeue, **options: Any) -> None:
        self.server = server
        self.complaints: list[str] = []
        self.context = browser.new_context(**({"base_url": server.url} | options))
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            place = message.location.get("url", "")
            self.complaints.append(f"{message.type}: {message.text} ({place})")

    def close(self) -> None:
        self.context.close()

    def tell(self) -> None:
        """Log what a person sees now and what the server has logged, for who asks why it failed."""
        for page in self.context.pages:
            with contextlib.suppress(Error):
                words = page.locator("body").inner_text(timeout=1_000)
                logger.warning("%s shows:\n%s", page.url, words[:2_000])
        logger.warning("The server logged:\n%s", self.server.err[-2_000:])

    def visit(self, path: str) -> Page:
        """Open a page and wait until it has come to rest."""
        self.page.goto(path, wait_until="load")
        return self.page

    def sign_in(self, next_path: str = "/") -> None:
        page = self.visit(f"/sign-in?next={next_path}")
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{next_path}")

    def borrow_session(self) -> None:
        """Let the server's own client ask as this person."""
        cookies = {one["name"]: one["value"] for one in self.context.cookies()}
        self.server.cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def choose(self, files: Sequence[Path]) -> None:
        """Choose files by the button of the upload page."""
        with self.page.expect_file_chooser() as opened:
            self.page.locator("label.choose").click()
        opened.value.set_files(files)

    def drop(self, files: Sequence[Path], target: str = "#drop") -> None:
        """Drop files onto the page."""
        given = [
            [path.name, kind_of(path), base64.b64encode(path.read_bytes()).decode()]
            for path in files
        ]
        self.page.evaluate(DROP, [given, target])

    def pictures(self, selector: str) -> list[int]:
        """The widths of all pictures of a kind, each scrolled to first; 0 is a broken one."""
        return list(self.page.evaluate(LOOK, selector))

    def is_too_wide(self) -> bool:
        """Tell whether the page can be pushed sideways."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def axe(self) -> list[str]:
        """What axe-core, given to the context as a script, finds on the page."""
        found = self.page.evaluate(
            "async (tags) => (await axe.run({ runOnly: tags })).violations", WCAG
        )
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
            for one in found
        ]


def kind_of(path: Path) -> str:
    """The type a browser would give a file by its name."""
    kinds = {".jpg": "jpeg", ".jpeg": "jpeg", ".heic": "heic", ".avif": "avif", ".webp": "webp"}
    return f"image/{kinds.get(path.suffix.lower(), path.suffix.lower().lstrip('.'))}"


def axe_core(folder: Path) -> str:
    """The source of axe-core from npm, or from the file $AXE_CORE names; in CI it must be there."""
    if named := os.environ.get("AXE_CORE"):
        return Path(named).read_text(encoding="utf-8")
    try:
        subprocess.run(
            ["npm", "pack", "axe-core@4", "--silent"],
            cwd=folder,
            capture_output=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI"):
            pytest.fail(
                f"axe-core cannot be had from npm, and in CI nothing may be missing: {error}"
            )
        pytest.skip(f"axe-core cannot be had from npm: {error}")
    (archive,) = folder.glob("axe-core-*.tgz")
    subprocess.run(["tar", "-xzf", archive.name, "package/axe.min.js"], cwd=folder, check=True)
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")
