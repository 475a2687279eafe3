"""The machine itself: how warm, how busy and how full it is."""

import os
import time
from dataclasses import dataclass

from homequeue import facts, processes
from homequeue.media import media

DAY = 86400.0
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


def watch_disk(free: int) -> None:
    """Remember how much was free today, for a month."""
    day = int(time.time() // DAY)
    seen = dict(facts.recall("disk_days", {})) | {str(day): free}
    facts.remember("disk_days", {key: seen[key] for key in sorted(seen)[-31:]})


def days_left() -> float | None:
    """Return in how many days the disk is full if it goes on like this; None if it never is."""
    seen = sorted((int(day), free) for day, free in facts.recall("disk_days", {}).items())
    if len(seen) < 2 or seen[0][0] == seen[-1][0]:
        return None
    used_a_day = (seen[0][1] - seen[-1][1]) / (seen[-1][0] - seen[0][0])
    days = seen[-1][1] / used_a_day if used_a_day > 0 else FAR
    return days if days < FAR else None
