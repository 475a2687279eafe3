"""Limits on what may be started now: pauses, quiet hours, rates, and places for long work."""

import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from homequeue import config, histories, holds, ledger
from homequeue.holds import Check, Holds
from homequeue.models import Job
from homequeue.queue.company import crowded, is_long
from homequeue.queue.light import ConfigurationError, Task

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: In quiet hours nothing with a priority below this is started.
URGENT = 1
#: How soon long work asks again for a place, in seconds; who ends such work asks at once.
ASK_AGAIN = 30.0


def parse_rate(text: str) -> tuple[int, float]:
    """Return how many runs are allowed in how many seconds.

    >>> parse_rate("10/m"), parse_rate("1/30s")
    ((10, 60.0), (1, 30.0))
    """
    match = re.fullmatch(r"([1-9]\d*)/(\d*)([smhd])", text)
    if not match:
        raise ConfigurationError(f"“{text}” is no rate; write 10/m or 1/30s.")
    return int(match[1]), float(match[2] or 1) * UNITS[match[3]]


def current(kinds: Mapping[str, type[Task]]) -> Holds:
    """Return what must not be started now of these tasks, by their names."""
    now = time.time()
    pauses = holds.pauses()
    everything = pauses.pop("", 0.0)
    quiet = quiet_until(config.settings().queue.quiet_hours, now)
    full = crowded(kinds)
    for name, kind in kinds.items():
        calm = quiet if getattr(kind, "loud", False) else 0.0
        place = now + ASK_AGAIN if name in full else 0.0
        until = max(pauses.get(name, 0.0), calm, place, free_at(kind, now))
        if until > now:
            pauses[name] = until
    return Holds(everything, pauses, quiet, URGENT)


def checks(kinds: Mapping[str, type[Task]]) -> dict[str, Check]:
    """Return of the tasks of which only so many may begin what tells whether one more may."""
    limited = {
        name: kind
        for name, kind in kinds.items()
        if is_long(kind) or getattr(kind, "rate", None) is not None
    }
    return {name: partial(_has_place, name, kind) for name, kind in limited.items()}


def _has_place(name: str, kind: type[Task]) -> bool:
    now = time.time()
    return free_at(kind, now) <= now and not crowded({name: kind})


def quiet_until(hours: tuple[int, int] | None, now: float) -> float:
    """Return the moment at which the quiet hours that it is in now end; 0 if it is in none."""
    if hours is None:
        return 0.0
    wall = datetime.fromtimestamp(now)
    minute = wall.hour * 60 + wall.minute
    start, end = hours
    is_quiet = start <= minute < end if start < end else minute >= start or minute < end
    if not is_quiet:
        return 0.0
    morning = wall.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0)
    return (morning if morning > wall else morning + timedelta(days=1)).timestamp()


def free_at(kind: type[Task], now: float) -> float:
    """Return the moment from which the rate of a task allows one run more."""
    if getattr(kind, "rate", None) is None:
        return 0.0
    count, seconds = parse_rate(kind.rate)
    # Of a clock that went back the moments ahead mean nothing.
    first, last = now - seconds, now + ledger.CLOCK_TOLERANCE
    began = (Job.started_at > first) & (Job.started_at < last)
    newest = Job.select(Job.history).where(Job.task == kind.__name__, began)
    rows = newest.order_by(Job.started_at.desc()).limit(count)
    found = [moment for job in rows for moment in histories.starts(job.history)]
    recent = sorted(moment for moment in found if first < moment < last)
    return recent[-count] + seconds if len(recent) >= count else 0.0
