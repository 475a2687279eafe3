"""When periodic work is due: once per due moment, across downtime, clock jumps and summer time."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from homequeue.queue.light import ConfigurationError
from homequeue.queue.light import crontab as minutes_of

MINUTE = 60
DAY = 24 * 3600
#: How far back a missed moment is looked for, and how far ahead the next, in days.
HORIZON = 40


class Schedule(Protocol):
    """Tells when a periodic task is due."""

    def last_due(self, served: float, now: float) -> float | None:
        """Return the newest moment after `served` and up to `now` at which it was due, or None.

        All that was missed folds into this one moment.
        """

    def next_due(self, now: float) -> float | None:
        """Return the first moment after `now` at which it is due; None if that is far away."""


class Crontab:
    """Due at certain minutes of the wall clock, given as Huey's `crontab` takes them.

    A minute that comes twice because summer time ends counts once; one that does not come because
    it begins counts where it would be.
    """

    def __init__(
        self,
        minute: str = "*",
        hour: str = "*",
        day: str = "*",
        month: str = "*",
        day_of_week: str = "*",
    ) -> None:
        days = {"day": day, "month": month, "day_of_week": day_of_week}
        self._is_day = minutes_of(**days, strict=True)
        self._is_hour = minutes_of(hour=hour, strict=True)
        self._is_due = minutes_of(minute=minute, hour=hour, **days, strict=True)

    def last_due(self, served: float, now: float) -> float | None:
        """Return the newest moment after `served` and up to `now` at which it was due, or None."""
        moment = int(now) // MINUTE * MINUTE
        oldest = max(int(served) // MINUTE * MINUTE, moment - HORIZON * DAY)
        already = _wall(served)
        while moment > oldest:
            if any(wall != already and self._is_due(wall) for wall in _walls(moment)):
                return float(moment)
            moment = self._stride(moment, -1)
        return None

    def next_due(self, now: float) -> float | None:
        """Return the first moment after `now` at which it is due; None if none within HORIZON."""
        moment = int(now) // MINUTE * MINUTE + MINUTE
        last = moment + HORIZON * DAY
        while moment < last:
            if any(self._is_due(wall) for wall in _walls(moment)):
                return float(moment)
            moment = self._stride(moment, 1)
        return None

    def _stride(self, moment: int, direction: int) -> int:
        """Return the next minute to look at: of days and hours that are none, not each."""
        wall = _wall(moment)
        minutes = 1
        if not self._is_day(wall):
            minutes = _left(wall.hour * 60 + wall.minute, 24 * 60, direction)
        elif not self._is_hour(wall):
            minutes = _left(wall.minute, 60, direction)
        far = moment + direction * minutes * MINUTE
        # Where the clock is changed each minute counts.
        return far if _offset(far) == _offset(moment) else moment + direction * MINUTE


class Every:
    """Due once in each span of time, counted from 1970: `Every(minutes=90)`.

    Neither summer time nor a restart moves these moments, and all machines agree on them.
    """

    def __init__(self, *, days: int = 0, hours: int = 0, minutes: int = 0) -> None:
        self._seconds = int(timedelta(days=days, hours=hours, minutes=minutes).total_seconds())
        if self._seconds < MINUTE:
            raise ConfigurationError("The shortest span between two runs is a minute.")

    def last_due(self, served: float, now: float) -> float | None:
        """Return the newest moment after `served` and up to `now` at which it was due, or None."""
        newest = float(now // self._seconds * self._seconds)
        return newest if newest > served else None

    def next_due(self, now: float) -> float | None:
        """Return the first moment after `now` at which it is due."""
        return float((now // self._seconds + 1) * self._seconds)


#: As they are written where a task is declared.
crontab, every = Crontab, Every


def _left(passed: int, whole: int, direction: int) -> int:
    """Return how many minutes further an hour or a day of the wall clock is over, or not begun."""
    return whole - passed if direction > 0 else passed + 1


def _offset(moment: int) -> int:
    return time.localtime(moment).tm_gmtoff


def _wall(moment: float) -> datetime:
    return datetime.fromtimestamp(moment).replace(second=0, microsecond=0)


def _walls(moment: int) -> Iterator[datetime]:
    """Yield the wall-clock minutes that this minute stands for: its own and those just skipped."""
    wall = _wall(moment)
    skipped = _wall(moment - MINUTE) + timedelta(minutes=1)
    while skipped < wall:
        yield skipped
        skipped += timedelta(minutes=1)
    yield wall
