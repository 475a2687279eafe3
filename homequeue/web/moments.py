"""Moments on this machine's clock, in words."""

from datetime import datetime, timedelta


def moment_label(moment: float | None) -> str:
    """Return a moment on this machine's clock in words; empty for none."""
    if moment is None:
        return ""
    when = datetime.fromtimestamp(moment)
    return f"{when.day} {when:%B %Y, %H:%M}"


def near_label(moment: float | None, now: float) -> str:
    """Return a moment in words that leave out the day if it is today; empty for none."""
    if moment is None:
        return ""
    when, today = datetime.fromtimestamp(moment), datetime.fromtimestamp(now).date()
    if when.date() == today:
        return f"{when:%H:%M}"
    if when.date() == today + timedelta(days=1):
        return f"tomorrow, {when:%H:%M}"
    return moment_label(moment)


def clock_label(moment: float) -> str:
    """Return what this machine's clock shows at a moment of the next 24 hours."""
    return f"{datetime.fromtimestamp(moment):%H:%M}"
