"""What of the inbox was not taken, by its owner, as long as anything of it lies there."""

from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue.models import Batch, Receipt, User
from homequeue.services import clearing
from homequeue.services.receipts import REFUSED


@dataclass(frozen=True)
class Untaken:
    """How many files of a batch were not taken out of the inbox."""

    batch: Batch
    count: int


def found(user: User | None = None) -> list[Untaken]:
    """Return the batches of which files were not taken, everybody's or a user's, newest first.

    It ends when nothing lies any more in what was put aside for their owner.
    """
    owners = {one.id for one in clearing.owners() if user is None or one.id == user.id}
    if not owners:
        return []
    count = fn.COUNT(Receipt.id)
    rows: Any = Batch.select(Batch, count.alias("refused")).join(Receipt)
    rows = rows.where(Batch.kind == "inbox", Batch.user.in_(owners), Receipt.outcome == REFUSED)
    rows = rows.group_by(Batch.id).order_by(Batch.id.desc())
    return [Untaken(batch, batch.refused) for batch in rows]
