"""What is kept but not shown for want of a part that not every home has installed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homequeue import ledger
from homequeue.models import Asset, Job
from homequeue.services import assets, developing, video


@dataclass(frozen=True)
class Part:
    """Something to be installed, what it shows, and how the words of what failed for it begin.

    Whoever sent a photo reads those words; the remedy is for whoever runs the server.
    """

    shows: str
    is_there: Callable[[], bool]
    words: str
    remedy: str


PARTS = (
    Part("video", video.is_possible, video.LACKING, "sudo apt install ffmpeg"),
    Part(
        "raw photo",
        developing.is_possible,
        developing.LACKING,
        "pip install 'homequeue[raw]'",
    ),
)


def problems() -> list[str]:
    """Say how many files wait for each part that is missing, and how it is installed."""
    found = ((part, _waiting(part)) for part in PARTS if not part.is_there())
    return [_in_words(part, count) for part, count in found if count]


def showable() -> list[Job]:
    """Return the jobs that failed for want of a part which is there by now."""
    there = [part for part in PARTS if part.is_there()]
    still = Job.select(Job).join(Asset, on=(Asset.id == Job.asset))
    still = still.where(Asset.state == assets.FAILED)
    return [job for part in there for job in still.where(_failed_for(part))]


def _waiting(part: Part) -> int:
    return int(Job.select().where(_failed_for(part), Job.dismissed_at.is_null()).count())


def _failed_for(part: Part) -> Any:
    return (Job.state == ledger.FAILED) & Job.error.startswith(part.words)


def _in_words(part: Part, count: int) -> str:
    files = f"1 {part.shows} is" if count == 1 else f"{count} {part.shows}s are"
    return f"{files} kept but not shown: {part.remedy}"
