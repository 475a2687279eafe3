"""The first sentence of the activity page: what goes on, for how long still, and what is held."""

import time
from collections import Counter
from dataclasses import dataclass

from homequeue import holds, ledger
from homequeue.models import User
from homequeue.queue import queue
from homequeue.services import delays, figures, jobs
from homequeue.services.delays import Held, Later
from homequeue.services.jobs import Chosen
from homequeue.web import shapes
from homequeue.web.held import held_for

PREVIEWS = "process_asset"
#: The states of what is not done with.
OPEN = (*ledger.WAITING, ledger.RUNNING)
#: What people wait for, as it is said while it is done: the verb, one of them, many of them.
DOING = {
    PREVIEWS: ("making previews for", "photo", "photos"),
    "convert_video": ("converting", "video", "videos"),
}


@dataclass(frozen=True)
class State:
    """What is known of the queue: jobs by task and state, everybody's or a user's, and holds."""

    user: User | None
    counts: dict[str, dict[str, int]]
    pauses: dict[str, float]
    #: What is due and held back, by its task and the reason, and what waits for its time.
    held: Counter[tuple[str, Held]]
    later: list[Later]
    #: How many jobs wait, the house's own chores left out, and how many need a look.
    waiting: int
    failed: int

    def count(self, task: str, states: tuple[str, ...]) -> int:
        """Return how many jobs of a task are in these states."""
        return sum(self.counts.get(task, {}).get(state, 0) for state in states)

    def runs(self, task: str) -> int:
        """Return how many jobs of a task run."""
        return self.count(task, (ledger.RUNNING,))

    def waits(self, task: str) -> int:
        """Return how many jobs of a task wait."""
        return self.count(task, ledger.WAITING)

    def goes(self, task: str) -> int:
        """Return how many jobs of a task wait for nothing but a worker, or for other work."""
        held = sum(count for (name, _), count in self.held.items() if name == task)
        later = sum(one.count for one in self.later if one.task == task)
        # Between two looks some may have moved on.
        return 0 if self.is_paused(task) else max(0, self.waits(task) - held - later)

    def is_paused(self, task: str) -> bool:
        """Tell whether a task, or everything, is paused."""
        return "" in self.pauses or task in self.pauses

    @property
    def is_busy(self) -> bool:
        """Whether anything runs."""
        return any(self.runs(task) for task in self.counts)

    @property
    def is_moving(self) -> bool:
        """Whether anything runs, or would if there were a worker for it."""
        return self.is_busy or any(self.goes(task) for task in self.counts)

    @property
    def is_still(self) -> bool:
        """Whether nothing runs because it is held back."""
        is_held = bool(self.held) and not self.is_moving
        return not self.is_busy and (is_held or self.is_paused(PREVIEWS))


def look(user: User | None, causes: list[figures.Cause]) -> State:
    """Return what is known of the queue now; `causes` are those of what failed."""
    counts, chores = figures.counts_by_task(user, OPEN), queue.periodic_tasks()
    waits = [found for task, found in counts.items() if task not in chores]
    waiting = sum(found.get(state, 0) for found in waits for state in ledger.WAITING)
    failed = sum(cause.count for cause in causes)
    held, later = delays.held_by_task(user), delays.later(user)
    return State(user, counts, holds.pauses(), held, later, waiting, failed)


def summary(state: State) -> str:
    """Return what goes on, in a sentence or two."""
    doing = [words for task in DOING if (words := _doing(state, task))]
    held = [*_paused(state), *_put_off(state)]
    photos = state.waits(PREVIEWS) + state.runs(PREVIEWS)
    if "" not in state.pauses and (photos or state.waiting) and not figures.present_workers():
        work = shapes.photos(photos) if photos else "something"
        return f"Nobody is working, and {work} {'waits' if photos <= 1 else 'wait'}."
    if not doing and state.is_busy:
        doing = [_other(state)]
    if doing:
        said = _joined(doing)
        held = [f"{said[0].upper()}{said[1:]}.", *held]
    if held:
        is_look_due = state.pauses or not doing
        return " ".join([*held, *(_look(state.failed) if is_look_due else [])])
    if state.waiting:
        return "Nothing to do right now. Something is waiting for its time."
    if state.failed:
        return "All done, except for what needs a look below."
    return "All done. Nothing is waiting."


def _doing(state: State, task: str) -> str:
    """Return what is done of a kind, and for how long; empty if nothing is."""
    runs, goes = state.runs(task), state.goes(task)
    # Videos wait until there are no previews to be made: that they are converted would not be so.
    if not runs and (task != PREVIEWS or not goes):
        return ""
    states = (ledger.RUNNING, *(ledger.WAITING if goes else ()))
    those = Chosen(state.user, states, task)
    left = shapes.how_long(figures.left(those, with_held=False))
    return f"{DOING[task][0]} {_count(task, runs + goes)}{f', {left}' if left else ''}"


def _other(state: State) -> str:
    chores = queue.periodic_tasks()
    loud = [task for task in state.counts if state.runs(task) and task not in chores]
    named = [task for task in loud if hasattr(queue.task_class(task), "label")]
    return jobs.kind_label(named[0]) if named else "working"


def _joined(parts: list[str]) -> str:
    """Return what is done as one sentence; a part with a comma is closed by another."""
    return ", and ".join(parts) if any("," in part for part in parts) else " and ".join(parts)


def _paused(state: State) -> list[str]:
    """Return what is paused: everything, or kinds of which something waits, and previews always."""
    if "" in state.pauses:
        if state.is_busy:
            return ["Nothing else is begun."]
        photos = state.waits(PREVIEWS)
        return (
            [f"Paused, with {shapes.photos(photos)} waiting."]
            if photos
            else ["Paused. No photo is waiting."]
        )
    kinds = [task for task in sorted(state.pauses) if task == PREVIEWS or state.waits(task)]
    return [_paused_kind(state, task) for task in kinds]


def _paused_kind(state: State, task: str) -> str:
    label = "Previews are" if task == PREVIEWS else f"{jobs.kind_label(task)} is"
    count = state.waits(task)
    waiting = f", with {_count(task, count)} waiting" if count else ""
    until = shapes.paused_label(state.pauses[task], time.time()).removesuffix(".")
    return f"{label} {until[0].lower()}{until[1:]}{waiting}."


def _put_off(state: State) -> list[str]:
    """Return what waits for another reason than a pause, which is said already."""
    if "" in state.pauses:
        return []
    later = [one for one in state.later if one.is_again and one.task in DOING]
    held = state.held + Counter({(one.task, one.held): one.count for one in later if one.held})
    by_reason: dict[Held, Counter[str]] = {}
    for (task, why), count in held.items():
        if not state.is_paused(task):
            by_reason.setdefault(why, Counter())[task if task in DOING else ""] += count
    again = [one for one in later if not one.held and not state.is_paused(one.task)]
    told = [_waiting(why, counts) for why, counts in by_reason.items()]
    return told + [_again(one) for one in again]


def _waiting(why: Held, counts: Counter[str]) -> str:
    told = [_count(task, counts[task]) for task in (*DOING, "") if counts[task]]
    wait = f"{' and '.join(told)} {'waits' if counts.total() == 1 else 'wait'}"
    return f"{wait} {held_for(why)}."


def _again(later: Later) -> str:
    """Return what failed and is tried again, and when."""
    now = time.time()
    first, last = (_span(at - now) for at in (later.first, later.last))
    when = f" in {first}" if first == last else f", the first in {first}"
    is_are = "is" if later.count == 1 else "are"
    return f"{_count(later.task, later.count)} {is_are} tried again{when}."


def _span(seconds: float) -> str:
    return shapes.ago(seconds) if seconds >= 60 else "less than a minute"


def _count(task: str, count: int) -> str:
    _, one, many = DOING.get(task, ("", "job", "jobs"))
    return f"{count:,} {one if count == 1 else many}"


def _look(failed: int) -> list[str]:
    return [f"{failed:,} {'needs' if failed == 1 else 'need'} a look below."] if failed else []
