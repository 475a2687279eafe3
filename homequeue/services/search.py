"""Search: the words somebody looks for, as conditions on assets."""

import json
import re
from functools import reduce
from operator import or_
from typing import Any
from unicodedata import normalize

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
#: What stands between tags: a word of nothing else would be found in all of them.
AROUND_TAGS = frozenset("[],")
#: A day of a month.
DAY = re.compile(r"[0-3]?\d", re.ASCII)
#: A year, a month of it or a day of it, as the API writes them.
DATE = re.compile(r"[12]\d{3}(-[01]\d(-[0-3]\d)?)?", re.ASCII)


def conditions(q: str) -> list[Any]:
    """Return what an asset must be like to be found: for each word, a condition.

    A word is part of a file name, of a caption, of a tag or of the name of a camera, or it is a
    date such as 2019, 2019-07 or March; a number beside a month is a day of it, and no part of the
    many names in which there are numbers.
    """
    words = q.split()
    if len(words) > MOST_WORDS:
        raise Invalid(f"A search takes up to {MOST_WORDS} words.")
    beside = ["", *words, ""]
    return [
        _day(word) if DAY.fullmatch(word) and (_month(before) or _month(after)) else _word(word)
        for before, word, after in zip(beside, words, beside[2:], strict=False)
    ]


def _day(word: str) -> Any:
    return fn.SUBSTR(Asset.taken_at, 9, 2) == word.zfill(2)


def _word(word: str) -> Any:
    # Files from Macs spell ü as u and dots; only where the two differ is there more to look for.
    forms = sorted({normalize("NFC", word), normalize("NFD", word)})
    columns = (Asset.filename, Asset.caption, Asset.make, Asset.model)
    found = reduce(or_, (column.contains(form) for column in columns for form in forms))
    if not set(word) <= AROUND_TAGS:
        found |= reduce(or_, (Asset.tags.contains(_as_written(form)) for form in forms))
    month = _month(word)
    if month:
        found |= fn.SUBSTR(Asset.taken_at, 6, 2) == f"{month:02}"
    if DATE.fullmatch(word):
        found |= Asset.taken_at.startswith(word)
    return found


def _as_written(word: str) -> str:
    """Return a word as it is written in a tag, which is JSON.

    >>> _as_written('frost'), _as_written('"Nan"')
    ('frost', '\\\\"Nan\\\\"')
    """
    return json.dumps(word, ensure_ascii=False)[1:-1]


def _month(word: str) -> int:
    """Return the number of a month by its name or the beginning of it; 0 if it is none.

    >>> _month("March"), _month("sept."), _month("ma"), _month("2019")
    (3, 9, 0, 0)
    """
    beginning = word.lower().rstrip(".,")
    if len(beginning) < 3:
        return 0
    return next((n for n, name in enumerate(MONTHS, 1) if name.startswith(beginning)), 0)
