"""Single small things worth remembering: JSON values under names."""

import json
from typing import Any

from homequeue import db
from homequeue.models import Fact


def remember(name: str, value: Any) -> None:
    """Write a fact, in place of what was known before."""
    row = {Fact.name: name, Fact.value: json.dumps(value)}
    Fact.insert(row).on_conflict(conflict_target=[Fact.name], preserve=[Fact.value]).execute()


def recall(name: str, default: Any = None) -> Any:
    """Return a fact, or the default where nothing is known."""
    # In plain SQL, for this is asked before each and every job.
    rows = db.db.execute_sql(db.sql("SELECT value FROM fact WHERE name = ?"), (name,))
    row = rows.fetchone()
    return json.loads(row[0]) if row else default


def forget(name: str) -> None:
    """Delete a fact."""
    Fact.delete().where(Fact.name == name).execute()
