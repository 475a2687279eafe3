"""What became of a job, as its row tells it: one line of JSON for each move, the oldest first."""

import json
from typing import Final

#: Of a history of so many characters the lines in the middle are forgotten, but for the last ones.
LONG, LAST_LINES = 8192, 30
#: In the line of this state it was a worker who moved the job; in all others a person, or nobody.
BEGUN: Final = "running"


def line(at: float, state: str, who: str | None = None, words: str | None = None) -> str:
    """Return a line of a job's history."""
    told = {"who": who, "words": words}
    entry = {"at": round(at, 3), "state": state, **{k: v for k, v in told.items() if v}}
    return json.dumps(entry) + "\n"


def starts(history: str) -> list[float]:
    """Return the moments at which a job was begun, as its history tells."""
    lines = map(json.loads, history.splitlines())
    return [entry["at"] for entry in lines if entry["state"] == BEGUN]


def shortened(history: str) -> str | None:
    """Return the first and the last lines of a history that is long; None if it is not."""
    lines = history.splitlines(keepends=True) if len(history) > LONG else []
    return "".join([*lines[:1], *lines[-LAST_LINES:]]) if len(lines) > 2 * LAST_LINES else None
