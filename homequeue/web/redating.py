"""What somebody wants of dates, as a form, an address or JSON says it: which photos, and how."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from homequeue.errors import Invalid
from homequeue.models import User
from homequeue.services import albums, dates, doubts, retiming
from homequeue.services.assets import Filter
from homequeue.web.visits import Visit, asset_ids

#: What a date can be moved by, with its name for one.
UNITS = {"years": "year", "days": "day", "hours": "hour", "minutes": "minute"}
#: Ways to change dates, as forms name them.
WAYS = ("shift", "first", "offset", "accept", "right")
FILTERS = ("q", "album", "kind", "day", "camera", "doubt")
DAY = re.compile(r"[12]\d{3}-[01]\d-[0-3]\d", re.ASCII)
OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
#: The most a date is moved by, in any unit: dates end at the year 9999.
FARTHEST = 10_000_000


@dataclass(frozen=True)
class Wish:
    """How dates are to change, and in words what that does."""

    change: retiming.Change
    words: str


def said(visit: Visit) -> dict[str, Any]:
    """Return what a request says, of a form or an address in the shape that JSON has."""
    if visit.request.method in ("GET", "HEAD"):
        return _of_fields(lambda name: visit.query(name) or "", visit.request.query.getall("id"))
    if visit.is_form:
        return _of_fields(visit.form, visit.request.forms.getall("id"))
    return visit.json()


def chosen(user: User, told: Mapping[str, Any]) -> Filter:
    """Return which photos are meant; Invalid if none are named."""
    ids, narrowed = asset_ids(told.get("ids", []), retiming.MOST), told.get("filter", {})
    if not isinstance(narrowed, dict) or not {*narrowed} <= {*FILTERS, "favorite"}:
        raise Invalid(f"“filter” takes {', '.join(FILTERS)} and favorite.")
    if not ids and not narrowed:
        raise Invalid("Choose some photos first.")
    return replace(_narrowed(user, narrowed), ids=tuple(ids))


def wish(told: Mapping[str, Any]) -> Wish:
    """Return how dates are to change; Invalid unless it is said in exactly one way."""
    ways = [way for way in WAYS if way in told]
    if len(ways) != 1:
        raise Invalid(f"Say in one way how the dates shall change: {', '.join(WAYS)}.")
    return READERS[ways[0]](told[ways[0]])


def preview(user: User, told: Mapping[str, Any], wanted: Wish) -> list[dict[str, Any]]:
    """Return what each photo's date would become, oldest first."""
    steps = retiming.plan(user, chosen(user, told), wanted.change)
    return [
        {
            "id": step.asset.id,
            "filename": step.asset.filename,
            "before": step.asset.taken_at,
            "after": step.taken_at,
            "offset_before": step.asset.taken_offset,
            "offset_after": step.offset,
        }
        for step in steps
    ]


def time_label(taken_at: str) -> str:
    """Return a clock on the wall in words.

    >>> time_label("2024-07-12T18:15:00.123")
    '12 July 2024, 18:15'
    """
    at = datetime.fromisoformat(taken_at)
    return f"{at.day} {at:%B} {at.year}, {at:%H:%M}"


def _of_fields(field: Callable[[str], str], ids: list[str]) -> dict[str, Any]:
    """Numbers are texts in a form, and what is empty was not filled in."""
    numbers = [number for text in ids for number in text.split(",") if number]
    if not all(re.fullmatch(r"\d{1,18}", number, re.ASCII) for number in numbers):
        raise Invalid("This form is damaged.")
    narrowed: dict[str, Any] = {name: value for name in FILTERS if (value := field(name).strip())}
    if "album" in narrowed:
        narrowed["album"] = _whole(narrowed["album"])
    if field("favorite") == "1":
        narrowed["favorite"] = True
    told: dict[str, Any] = {"ids": [int(number) for number in numbers], "filter": narrowed}
    way = field("how")
    return told | ({way: _value(way, field)} if way in WAYS else {})


def _value(way: str, field: Callable[[str], str]) -> Any:
    if way == "shift":
        sign = -1 if field("back") == "1" else 1
        return {unit: sign * _whole(field(unit).strip() or "0") for unit in UNITS}
    if way == "offset":
        return field("offset").strip() or None
    return field("first").strip() if way == "first" else True


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Invalid(f"“{text}” is not a whole number.")
    return int(text)


def _narrowed(user: User, told: Mapping[str, Any]) -> Filter:
    for name in FILTERS:
        kind = int if name == "album" else str
        if name in told and type(told[name]) is not kind:
            raise Invalid(f"“{name}” does not take {told[name]!r}.")
    if type(told.get("favorite", True)) is not bool:
        raise Invalid("“favorite” is true or false.")
    if "day" in told and not DAY.fullmatch(told["day"]):
        raise Invalid("A day is written as 2024-07-12.")
    if "doubt" in told and told["doubt"] not in doubts.REASONS:
        raise Invalid(f"“doubt” is one of {', '.join(doubts.REASONS)}.")
    if "album" in told:
        albums.get(user, told["album"])
    return Filter(**told)


def _shift(value: Any) -> Wish:
    if not isinstance(value, dict) or not {*value} <= {*UNITS}:
        raise Invalid(f"“shift” takes {', '.join(UNITS)}.")
    if not all(type(n) is int and abs(n) <= FARTHEST for n in value.values()):
        raise Invalid("“shift” takes whole numbers.")
    if not any(value.values()):
        raise Invalid("Say by how much the dates shall move.")
    return Wish(retiming.Distance(**value), f"moved {_distance_words(value)}")


def _distance_words(value: Mapping[str, int]) -> str:
    parts = [
        (n, f"{abs(n):,} {name}{'s' if abs(n) != 1 else ''}")
        for unit, name in UNITS.items()
        if (n := value.get(unit, 0))
    ]
    # What goes both ways is told part by part.
    later = " ".join(words for n, words in parts if n > 0)
    earlier = " ".join(words for n, words in parts if n < 0)
    return " and ".join(
        f"{words} {way}" for words, way in ((later, "later"), (earlier, "earlier")) if words
    )


def _first(value: Any) -> Wish:
    try:
        moment = dates.from_text(value, retiming.HAND)
    except (TypeError, ValueError):
        raise Invalid("A date and time is written as 2024-07-12T18:15.") from None
    return Wish(retiming.First(moment.at), f"set to {time_label(moment.taken_at)}")


def _offset(value: Any) -> Wish:
    if value is None:
        return Wish(retiming.Zone(None), "distance from UTC not known")
    if not isinstance(value, str) or not OFFSET.fullmatch(value):
        raise Invalid("A distance from UTC is written as +02:00; it is 14 hours at most.")
    return Wish(retiming.Zone(value), f"distance from UTC set to {value}")


def _accept(value: Any) -> Wish:
    _be_yes(value)
    return Wish(retiming.accept, "set to what was found")


def _right(value: Any) -> Wish:
    _be_yes(value)
    return Wish(retiming.confirm, "right as it was")


def _be_yes(value: Any) -> None:
    if value is not True:
        raise Invalid("“accept” and “right” take true.")


READERS: dict[str, Callable[[Any], Wish]] = {
    "shift": _shift,
    "first": _first,
    "offset": _offset,
    "accept": _accept,
    "right": _right,
}
