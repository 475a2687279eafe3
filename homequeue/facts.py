"""Single small things worth remembering: JSON values under names."""

import json
from typing import Any

from homequeue.models import Fact


def remember(name: str, value: Any) -> None:
    """Write a fact, in place of what was known before."""
    row = {Fact.name: name, Fact.value: json.dumps(value)}
    Fact.insert(row).on_conflict(conflict_target=[Fact.name], preserve=[Fact.value]).execute()


def recall(name: str, default: Any = None) -> Any:
    """Return a fact, or the default where nothing is known."""
    fact = Fact.get_or_none(Fact.name == name)
    return json.loads(fact.value) if fact else default


def forget(name: str) -> None:
    """Delete a fact."""
    Fact.delete().where(Fact.name == name).execute()
