"""What waits although it is due, in words."""

import time
from typing import Any

from homequeue.services import delays, jobs, steering
from homequeue.services.delays import Held
from homequeue.web.shapes import near_label, rfc3339


def held_lines() -> list[str]:
    """Return why jobs are held back, one reason a line; nothing if none is."""
    return [_line(held, count, time.time()) for held, count in delays.held().items()]


def held_json() -> list[dict[str, Any]]:
    """Return the same as JSON has it."""
    return [
        {"why": held.why, "task": held.task or None, "until": rfc3339(held.until), "jobs": count}
        for held, count in delays.held().items()
    ]


def _line(held: Held, count: int, now: float) -> str:
    wait = "1 job waits" if count == 1 else f"{count} jobs wait"
    if held.task:
        wait = wait.replace(" wait", f" ({jobs.kind_label(held.task)}) wait", 1)
    end = near_label(held.until, now)
    if held.why == delays.QUIET:
        return f"{wait} for the end of the quiet hours at {end}"
    if held.why == delays.RATE:
        return f"{wait} until {end}: only so many are started in a while"
    resume = f"homequeue jobs resume{f' --task {held.task}' if held.task else ''}"
    is_forever = held.until - now > steering.FOREVER / 2
    return f"{wait} until {'somebody resumes' if is_forever else end}: {resume}"
