"""Ten thousand jobs, watched in a real browser while photos are uploaded; by hand.

`python -m tests.processes.watch [--jobs 10000] [--images FOLDER]` uploads so many small photos with
the activity page open on a phone and on a laptop. It prints how long the page took to answer while
work went on and afterwards, what the browser complained of, and how the page felt: the longest time
for which it did not react.
"""

# ruff: noqa: T201

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.processes.browsing import LAPTOP, PHONE, Visitor, chromium
from tests.processes.servers import Homequeue, noise

#: Seconds between two looks.
EVERY = 5.0
#: Milliseconds of each answer for the page since the last look, and the longest task of its thread.
TAKEN = """() => {
  const found = performance.getEntriesByType('resource');
  const entries = found.filter((one) => one.name.endsWith('/activity'));
  performance.clearResourceTimings();
  return entries.map((one) => [one.responseEnd - one.startTime, one.transferSize]);
}"""
FEEL = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
  }).observe({ type: 'longtask', buffered: true });
}"""


def upload(server: Homequeue, count: int, seed: int) -> None:
    """Send so many photos, one after the other, as a phone does."""
    for number in range(seed, seed + count):
        answer = server.upload(noise(number, 48, 36), f"IMG_{number}.jpg")
        assert answer.status == 201, answer.text


def look(visitors: dict[str, Visitor], taken: list[float]) -> str:
    """Note what the answers took since the last look; return the first sentence of the page."""
    for visitor in visitors.values():
        taken += [spent for spent, _ in visitor.page.evaluate(TAKEN)]
    return str(next(iter(visitors.values())).page.text_content("#summary"))


def shoot(visitors: dict[str, Visitor], folder: Path | None, name: str) -> None:
    if folder is not None:
        for size, visitor in visitors.items():
            visitor.page.screenshot(path=str(folder / f"{name}-{size}.png"))


def told(taken: list[float]) -> str:
    if not taken:
        return "no answers"
    slowest = sorted(taken)[int(len(taken) * 0.95)]
    middle = statistics.median(taken)
    return f"{len(taken)} answers, median {middle:.0f} ms, 95 in 100 within {slowest:.0f} ms"


def watch(server: Homequeue, visitors: dict[str, Visitor], count: int, folder: Path | None) -> None:
    """Upload from four phones at once, and look until all is done."""
    begun = time.monotonic()
    phones = [
        threading.Thread(target=upload, args=(server, count // 4, 10**6 * phone))
        for phone in range(4)
    ]
    for phone in phones:
        phone.start()
    busy: list[float] = []
    is_half = False
    while any(phone.is_alive() for phone in phones) or not server.is_idle():
        visitors["wide"].page.wait_for_timeout(EVERY * 1000)
        words, done = look(visitors, busy), server.jobs().get("succeeded", 0)
        print(f"{time.monotonic() - begun:6.0f} s  {done:6} done  {words}", flush=True)
        if not is_half and done > count / 2:
            shoot(visitors, folder, "activity-many")
            is_half = True
    print(f"all done after {time.monotonic() - begun:.0f} s; while busy: {told(busy)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--images", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        server = Homequeue(Path(folder))
        try:
            server.start().open_account()
            visitors = {
                name: Visitor(browser, server, viewport=size, color_scheme=scheme)
                for name, size, scheme in (("phone", PHONE, "light"), ("wide", LAPTOP, "dark"))
            }
            for visitor in visitors.values():
                visitor.sign_in("/activity")
                visitor.page.evaluate(FEEL)
            watch(server, visitors, arguments.jobs, arguments.images)
            calm: list[float] = []
            visitors["wide"].page.wait_for_timeout(3 * 12_000)
            print("at the end:", look(visitors, calm), told(calm))
            for name, visitor in visitors.items():
                longest = visitor.page.evaluate("window.longest")
                print(f"{name}: longest task {longest:.0f} ms; complaints: {visitor.complaints}")
                visitor.visit("/activity/machine?span=hour")
            shoot(visitors, arguments.images, "machine")
        finally:
            server.end()


if __name__ == "__main__":
    main()
