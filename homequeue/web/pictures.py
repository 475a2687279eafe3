"""Pictures of figures: bars as shapes for SVG, with words for those who do not see them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homequeue.services.trends import Slot
from homequeue.web.shapes import took_label

#: The units of the drawing; it is stretched to the room there is.
WIDTH, HEIGHT = 600.0, 100.0
#: The part of a bar's room that is left free, and the least that is seen of what is not nothing.
FREE, LEAST = 0.25, 1.5


@dataclass(frozen=True)
class Bar:
    """A bar of two parts: from the ground up to `low`, and on to `high`."""

    x: float
    width: float
    low: float
    high: float


def done(slots: list[Slot], span: str) -> dict[str, Any]:
    """Return the picture of how much was done."""
    most = max((slot.runs for slot in slots), default=0)
    good, failed = sum(slot.succeeded for slot in slots), sum(slot.failed for slot in slots)
    words = f"{good:,} done{f' and {failed:,} failed' if failed else ''} in the last {span}, "
    words += "without housekeeping."
    return {
        "title": "Done",
        "words": words,
        "most": f"{most:,}" if most else "",
        "bars": _bars([(slot.succeeded, slot.runs) for slot in slots], most),
    }


def taken(slots: list[Slot]) -> dict[str, Any]:
    """Return the picture of how long it took."""
    ran = [slot for slot in slots if slot.runs]
    most = max((slot.p95 for slot in slots), default=0.0)
    runs = sum(slot.runs for slot in ran)
    words = "Nothing was done."
    if ran:
        median = sum(slot.median * slot.runs for slot in ran) / runs
        words = f"Typically {took_label(median)}, at most {took_label(most)} for 95 in 100."
    return {
        "title": "Time it took",
        "words": words,
        "most": took_label(most) if most else "",
        "bars": _bars([(slot.median, slot.p95) for slot in slots], most),
    }


def waited(slots: list[Slot]) -> dict[str, Any]:
    """Return the picture of how long it had waited before it was begun."""
    most = max((slot.wait for slot in slots), default=0.0)
    runs = sum(slot.runs for slot in slots)
    words = "Nothing was done."
    if runs:
        typical = sum(slot.wait * slot.runs for slot in slots) / runs
        words = f"Typically {took_label(typical)}, and {took_label(most)} when it was slowest."
    return {
        "title": "Time it waited",
        "words": words,
        "most": took_label(most) if most else "",
        "bars": _bars([(slot.wait, slot.wait) for slot in slots], most),
    }


def table(slots: list[Slot], span: str) -> list[dict[str, str]]:
    """Return what the pictures show as rows of words, newest first, without those of nothing."""
    name = NAMES[span]
    return [
        {
            "when": name(datetime.fromtimestamp(slot.start)),
            "done": f"{slot.succeeded:,}",
            "failed": f"{slot.failed:,}",
            "median": took_label(slot.median),
            "p95": took_label(slot.p95),
            "wait": took_label(slot.wait),
        }
        for slot in reversed(slots)
        if slot.runs
    ]


def marks(slots: list[Slot], span: str) -> tuple[str, str, str]:
    """Return what stands below a picture at its left, in its middle and at its right."""
    name = NAMES[span]
    first, middle = slots[0].start, slots[len(slots) // 2].start
    start, half = (name(datetime.fromtimestamp(moment)) for moment in (first, middle))
    return (
        start,
        half,
        "today" if span == "month" else f"now, {datetime.fromtimestamp(time.time()):%H:%M}",
    )


def _clock(when: datetime) -> str:
    return f"{when:%H:%M}"


def _day(when: datetime) -> str:
    return f"{when.day} {when:%B}"


NAMES: dict[str, Callable[[datetime], str]] = {"hour": _clock, "day": _clock, "month": _day}


def _bars(parts: list[tuple[float, float]], most: float) -> list[Bar]:
    room = WIDTH / max(1, len(parts))
    return [
        Bar(
            round((place + FREE / 2) * room, 2),
            round((1 - FREE) * room, 2),
            _height(low, most),
            _height(max(low, high), most),
        )
        for place, (low, high) in enumerate(parts)
    ]


def _height(value: float, most: float) -> float:
    return round(max(LEAST, HEIGHT * value / most), 2) if value > 0 else 0.0
