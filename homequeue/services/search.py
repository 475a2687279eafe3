"""Search: the words somebody looks for, as conditions on assets."""

import re
from typing import Any

from peewee import fn

from homequeue.errors import Invalid
from homequeue.models import Asset

#: Each word makes the query deeper, and SQLite follows it only so far down.
MOST_WORDS = 20
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
#: A year, a month of it or a day of it, as the API writes them.
DATE = re.compile(r"[12]\d{3}(-[01]\d(-[0-3]\d)?)?", re.ASCII)


def conditions(q: str) -> list[Any]:
    """Return what an asset must be like to be found: for each word, a condition.

    A word is part of a file name, of a caption or of the name of a camera, or it is a date such as
    2019, 2019-07 or March; a number beside a month is a day of it.
    """
    words = q.split()
    if len(words) > MOST_WORDS:
        raise Invalid(f"A search takes up to {MOST_WORDS} words.")
    has_month = any(_month(word) for word in words)
    return [_condition(word, has_month) for word in words]


def _condition(word: str, has_month: bool) -> Any:
    found = (
        Asset.filename.contains(word)
        | Asset.caption.contains(word)
        | Asset.make.contains(word)
        | Asset.model.contains(word)
    )
    month = _month(word)
    if month:
        found |= fn.SUBSTR(Asset.taken_at, 6, 2) == f"{month:02}"
    if has_month and re.fullmatch(r"\d{1,2}", word, re.ASCII):
        found |= fn.SUBSTR(Asset.taken_at, 9, 2) == word.zfill(2)
    if DATE.fullmatch(word):
        found |= Asset.taken_at.startswith(word)
    return found


def _month(word: str) -> int:
    """Return the number of a month by its name or the beginning of it; 0 if it is none.

    >>> _month("March"), _month("sept."), _month("ma"), _month("2019")
    (3, 9, 0, 0)
    """
    beginning = word.lower().rstrip(".,")
    if len(beginning) < 3:
        return 0
    return next((n for n, name in enumerate(MONTHS, 1) if name.startswith(beginning)), 0)
