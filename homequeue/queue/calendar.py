"""When periodic work is due: once per due moment, across downtime, clock jumps and summer time."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

MINUTE = 60
#: How far back a missed moment is looked for, and how far ahead the next, in days.
HORIZON = 40

Validate = Callable[[datetime], bool]


def last_due(validate: Validate, served: float, now: float) -> float | None:
    """Return the newest moment after `served` and up to `now` at which a task was due, or None.

    `validate` tells of a local wall-clock minute whether it is one (as Huey's `crontab` does). All
    that was missed folds into this one moment. A wall-clock minute that comes twice because summer
    time ends counts once; one that does not come because it begins counts where it would be.
    """
    newest = int(now) // MINUTE * MINUTE
    oldest = max(int(served) // MINUTE * MINUTE, newest - HORIZON * 24 * 60 * MINUTE)
    already = _wall(served)
    for moment in range(newest, oldest, -MINUTE):
        for wall in _walls(moment):
            if wall != already and validate(wall):
                return float(moment)
    return None


def next_due(validate: Validate, now: float) -> float | None:
    """Return the first moment after `now` at which a task is due; None if none within HORIZON."""
    first = int(now) // MINUTE * MINUTE + MINUTE
    for moment in range(first, first + HORIZON * 24 * 60 * MINUTE, MINUTE):
        if any(validate(wall) for wall in _walls(moment)):
            return float(moment)
    return None


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
