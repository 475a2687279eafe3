"""The machine itself: how warm, how busy and how full it is."""

import os
import time
from dataclasses import dataclass

from homequeue import config, facts, processes
from homequeue.errors import Unavailable
from homequeue.media import media
from homequeue.services import ingest, unshown

DAY = 86400.0
#: For how many days it is remembered how full the disk was.
MONTH = 31
#: Beyond so many days nobody needs a forecast.
FAR = 3650.0


@dataclass(frozen=True)
class Machine:
    """Temperature in degrees Celsius, load by `uptime`, sizes in bytes; None where unknown."""

    temperature: float | None
    load: tuple[float, float, float]
    cores: int
    memory: int
    memory_free: int
    disk: int
    disk_free: int
    days_left: float | None


def now() -> Machine:
    """Return how the machine is."""
    memory, memory_free = processes.memory()
    return Machine(
        temperature=processes.temperature(),
        load=os.getloadavg(),
        cores=os.cpu_count() or 1,
        memory=memory,
        memory_free=memory_free,
        disk=media.disk_bytes(),
        disk_free=media.free_bytes(),
        days_left=days_left(),
    )


def is_hot(found: Machine) -> bool:
    """Tell whether a machine is so warm that less is done at a time."""
    return (found.temperature or 0.0) > processes.HOT


def problems() -> list[str]:
    """Return what keeps photos from being taken or shown, in words; nothing if all is well."""
    try:
        media.check_mounted()
        free = media.free_bytes()
    except (Unavailable, OSError) as error:
        return [str(error)]
    if free >= config.settings().uploads.min_free:
        return unshown.problems()
    left = f"{ingest.in_words(free)} left"
    return [f"The disk is nearly full: {left}, so no photos are taken. Make room."]


def watch_disk(free: int) -> None:
    """Remember how much was free today, for a month."""
    day = int(time.time() // DAY)
    seen = dict(facts.recall("disk_days", {})) | {str(day): free}
    facts.remember("disk_days", {key: seen[key] for key in sorted(seen, key=int)[-MONTH:]})


def days_left() -> float | None:
    """Return in how many days the disk is full if it goes on like this; None if it never is."""
    today = int(time.time() // DAY)
    found = ((int(day), free) for day, free in facts.recall("disk_days", {}).items())
    # What was seen while the clock was wrong tells nothing.
    seen = sorted(entry for entry in found if today - MONTH <= entry[0] <= today)
    if len(seen) < 2 or seen[0][0] == seen[-1][0]:
        return None
    used_a_day = (seen[0][1] - seen[-1][1]) / (seen[-1][0] - seen[0][0])
    days = seen[-1][1] / used_a_day if used_a_day > 0 else FAR
    return days if days < FAR else None
