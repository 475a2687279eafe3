"""Retiming: somebody sets or moves the dates of photos, and may take that back.

A date set by hand is never overwritten by a file. What was before is kept with each change, so that
undoing it restores exactly that; what has been changed once more since then is left as it is.
"""

import calendar
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homequeue import db
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Asset, Retiming, User
from homequeue.services import assets, dates, doubts

#: What a change writes, and what undoing it restores.
COLUMNS = (
    "taken_at",
    "taken_offset",
    "taken_at_source",
    "doubt",
    "candidate",
    "candidate_source",
)
#: In plain SQL: thousands of rows are written while everybody else waits for their turn.
WRITE = f"UPDATE asset SET {', '.join(f'{name} = ?' for name in COLUMNS)}, edited = ? WHERE id = ?"
HAND: Final = "hand"
#: Photos that are changed at once, changes of a user that can be undone.
MOST, KEPT = 10_000, 500
#: Cameras that somebody can choose from.
CAMERAS = 200


@dataclass(frozen=True)
class Step:
    """What the date of an asset becomes."""

    asset: Asset
    taken_at: str
    offset: str | None
    source: str = HAND

    @property
    def changes(self) -> bool:
        """Whether the clock or its distance from UTC becomes another."""
        old = self.asset.taken_at, self.asset.taken_offset
        return (self.taken_at, self.offset) != old


#: What is to become of chosen assets, oldest first.
Change = Callable[[Sequence[Asset]], list[Step]]


@dataclass(frozen=True)
class Distance:
    """How far dates are moved; years keep the day, but for a 29 February without one."""

    years: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0

    def __call__(self, chosen: Sequence[Asset]) -> list[Step]:
        """Move each by this."""
        return [_moved(asset, self._from(_at(asset))) for asset in chosen]

    def _from(self, at: datetime) -> datetime:
        try:
            span = timedelta(days=self.days, hours=self.hours, minutes=self.minutes)
            last = calendar.monthrange(at.year + self.years, at.month)[1]
            return at.replace(year=at.year + self.years, day=min(at.day, last)) + span
        except (ValueError, OverflowError, IndexError):
            raise Invalid(OUT_OF_RANGE) from None


OUT_OF_RANGE = "There can be no photos of that time."
NOT_FOUND = "No other date was found of what you chose, so nothing is changed."


@dataclass(frozen=True)
class First:
    """What the oldest of them is set to; the others keep their distance from it."""

    at: datetime

    def __call__(self, chosen: Sequence[Asset]) -> list[Step]:
        """Move each by as much as the first."""
        distance = self.at - _at(chosen[0]) if chosen else timedelta()
        try:
            return [_moved(asset, _at(asset) + distance) for asset in chosen]
        except OverflowError:
            raise Invalid(OUT_OF_RANGE) from None


@dataclass(frozen=True)
class Zone:
    """How far from UTC their clocks were, None if nobody knows; the clocks stay as they are."""

    offset: str | None

    def __call__(self, chosen: Sequence[Asset]) -> list[Step]:
        """Write that down with each."""
        return [Step(asset, asset.taken_at, self.offset) for asset in chosen]


def accept(chosen: Sequence[Asset]) -> list[Step]:
    """Take the other date that was found; assets without one stay in doubt."""
    return [_accepted(asset, asset.candidate) for asset in chosen if asset.candidate]


def confirm(chosen: Sequence[Asset]) -> list[Step]:
    """Say that the dates are right as they are."""
    return [
        Step(asset, asset.taken_at, asset.taken_offset, asset.taken_at_source) for asset in chosen
    ]


def plan(owner: User, chosen: assets.Filter, change: Change) -> list[Step]:
    """Return what a change would do; NotFound if one of the named photos is not the owner's."""
    found = list(assets.matching(owner, chosen).limit(MOST + 1))
    if len(found) > MOST:
        raise Invalid(f"Up to {MOST:,} photos can be changed at once. Choose fewer.")
    if len(found) < len(set(chosen.ids)):
        raise NotFound("There is no such photo.")
    return change(found)


def apply(owner: User, chosen: assets.Filter, change: Change, words: str) -> Retiming:
    """Change dates, in one transaction, and keep what was; `words` say what was done."""
    with db.db.atomic():
        steps = plan(owner, chosen, change)
        if not steps:
            raise Invalid(NOT_FOUND if change is accept else "There is nothing to change.")
        before = [_write(step) for step in steps]
        made: Retiming = Retiming.create(
            user=owner, words=words, count=len(steps), before=json.dumps(before)
        )
        _forget(owner)
    return made


def undo(owner: User, retiming_id: int) -> tuple[int, int]:
    """Restore what was before a change; return of how many, and how many have changed since."""
    with db.db.atomic():
        done: Retiming | None = Retiming.get_or_none(
            (Retiming.id == retiming_id) & (Retiming.user == owner)
        )
        if done is None:
            raise NotFound("There is no such change.")
        if done.undone_at is not None:
            raise Conflict("This is undone already.")
        rows = json.loads(done.before)
        found = {asset.id: asset for asset in Asset.select().where(Asset.id.in_(_ids(rows)))}
        left = [row for row in rows if not _restore(row, found.get(row["id"]))]
        if len(left) == len(rows):
            raise Conflict("These dates were changed once more since then. Undo that first.")
        changed: dict[str, Any] = {"before": json.dumps(left), "count": len(left)}
        if not left:
            changed = {"before": "[]", "undone_at": time.time()}
        Retiming.update(**changed).where(Retiming.id == done.id).execute()
    return len(rows) - len(left), len(left)


def listed(owner: User, before: int | None, limit: int) -> list[Retiming]:
    """Return changes of an owner, newest first, older than the one numbered `before`."""
    told = Retiming.id, Retiming.at, Retiming.words, Retiming.count, Retiming.undone_at
    mine = Retiming.select(*told).where(Retiming.user == owner)
    mine = mine.where(Retiming.id < before) if before else mine
    return list(mine.order_by(Retiming.id.desc()).limit(limit))


def cameras(owner: User) -> list[str]:
    """Return the cameras that an owner's photos are from, by name."""
    mine = (Asset.owner == owner) & Asset.model.is_null(False)
    found: Any = Asset.select(Asset.model).where(mine, Asset.trashed_at.is_null()).distinct()
    return [model for (model,) in found.order_by(Asset.model).limit(CAMERAS).tuples()]


def _at(asset: Asset) -> datetime:
    return datetime.fromisoformat(asset.taken_at)


def _moved(asset: Asset, at: datetime) -> Step:
    if at < dates.FIRST_PHOTOGRAPH or dates.is_ahead(at, datetime.now(UTC).replace(tzinfo=None)):
        raise Invalid(OUT_OF_RANGE)
    return Step(asset, dates.Moment(at, HAND).taken_at, _offset(asset))


def _accepted(asset: Asset, candidate: str) -> Step:
    moment = dates.from_text(candidate, HAND)
    return Step(asset, moment.taken_at, dates.offset_text(moment.offset) or _offset(asset))


def _offset(asset: Asset) -> str | None:
    """What is known of the zone; that of a file or an upload is the zone of another day."""
    guessed = asset.taken_at_source in (doubts.FILE, doubts.UPLOAD)
    return None if guessed else asset.taken_offset


def _write(step: Step) -> dict[str, Any]:
    """Write a date; return what it takes to restore the one before."""
    asset = step.asset
    was_edited = set(json.loads(asset.edited))
    after = (step.taken_at, step.offset, step.source)
    by_hand = json.dumps(sorted(was_edited | set(COLUMNS)))
    _update(asset, (*after, None, None, None), by_hand)
    return {
        "id": asset.id,
        "was": [getattr(asset, name) for name in COLUMNS],
        "edited": sorted(was_edited & set(COLUMNS)),
        "is": after,
    }


def _restore(row: dict[str, Any], asset: Asset | None) -> bool:
    """Restore the date of one asset; False if it is not what the change made of it, or is gone."""
    if asset is None or [getattr(asset, name) for name in COLUMNS[:3]] != row["is"]:
        return False
    by_hand = set(json.loads(asset.edited))
    if asset.doubt is not None or not set(COLUMNS) <= by_hand:
        return False
    _update(asset, row["was"], json.dumps(sorted((by_hand - set(COLUMNS)) | set(row["edited"]))))
    return True


def _update(asset: Asset, values: Sequence[Any], edited: str) -> None:
    db.db.execute_sql(db.sql(WRITE), (*values, edited, asset.id))


def _ids(rows: Sequence[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def _forget(owner: User) -> None:
    """Keep the newest changes of an owner only."""
    newest = Retiming.select(Retiming.id).where(Retiming.user == owner)
    oldest = newest.order_by(Retiming.id.desc()).offset(KEPT).limit(1).scalar()
    if oldest is not None:
        Retiming.delete().where(Retiming.user == owner, Retiming.id <= oldest).execute()
