"""What waits: for its moment, or although it is due, in words."""

from typing import Any

from homequeue.services import delays, jobs
from homequeue.services.delays import Held
from homequeue.web.held import held_for
from homequeue.web.moments import moment_label


def held_lines() -> list[str]:
    """Return why jobs are held back, one reason a line; nothing if none is."""
    return [_line(held, count) for held, count in delays.held().items()]


def next_run(row: dict[str, Any]) -> str:
    """Return when a periodic task is begun next, in words."""
    if not row["is_on"]:
        return "switched off"
    return "when wanted" if row["on_demand"] else moment_label(row["next_due"])


def _line(held: Held, count: int) -> str:
    wait = "1 job waits" if count == 1 else f"{count} jobs wait"
    if held.task:
        wait = wait.replace(" wait", f" ({jobs.kind_label(held.task)}) wait", 1)
    task = f" --task {held.task}" if held.task else ""
    resume = f"; homequeue jobs resume{task}" if held.why == delays.PAUSED else ""
    return f"{wait} {held_for(held)}{resume}"
