"""The vocabulary of docs/queue.md as it is written in code: tasks, and what can be ordered of them.

Part of the kitchen: `{"order": "a chain"}` in a line of its stdin calls what is below in `ORDERS`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from homequeue import db, facts, histories, runs
from homequeue.queue import every, group, queue
from tests.processes.chains import COURSE

URGENT, NORMAL, LATER = 20, 10, 5
#: An order: what was written, as the queue returned it.
Order = Callable[[], Any]


@queue.task(priority=NORMAL)
def dish(word: str) -> str:
    """Give the word back."""
    return word


@queue.task(priority=NORMAL)
def add(number: int, given: int = 0) -> int:
    """Add to the number of the step before."""
    return number + given


@queue.task(priority=NORMAL, retries=2, retry_delay=0.4, retry_backoff=2)
def moody() -> int:
    """Fail twice at what may pass."""
    attempts = int(runs.current().attempts)
    if attempts < 3:
        raise OSError("The oven is cold.")
    return attempts


@queue.task(
    priority=NORMAL,
    retries=2,
    given_up=lambda words: facts.remember("sent back", words),
    revived=lambda: facts.forget("sent back"),
)
def fussy() -> str:
    """Fail at what does not pass by itself, until somebody asks again."""
    if len(histories.starts(runs.current().history)) == 1:
        raise ValueError("This is no egg.")
    return "egg"


@queue.task(priority=NORMAL)
def tray(words: list[str | None]) -> list[str | None]:
    """Give back what a whole group has made."""
    return words


@queue.task(priority=NORMAL)
def stir() -> None:
    """Tell of the progress, and take a moment to be looked at."""
    runs.report("Stirring", 0.4)
    time.sleep(1.5)


@queue.task(priority=NORMAL)
def simmer(seconds: float) -> None:
    """Take a while."""
    time.sleep(seconds)


@queue.task(priority=LATER, long=True)
def feast() -> None:
    """Take long, and leave a place to others."""
    time.sleep(COURSE)


@queue.task(priority=NORMAL)
def hand_over(times: int) -> None:
    """Have others do something, now and then."""
    for _ in range(times):
        dish("handed over")
        time.sleep(0.05)


@queue.task(priority=NORMAL, timeout=1)
def burn() -> None:
    """Take longer than it may."""
    time.sleep(60)


@queue.task(priority=NORMAL, rate="2/2s")
def rare() -> None:
    """Be served twice in two seconds at most."""


@queue.task(priority=NORMAL, unique=True)
def single(word: str) -> None:
    """Wait once only, and never run beside its like."""
    time.sleep(0.5)


@queue.task(priority=NORMAL, unique=True, once=True)
def once(word: str) -> None:
    """Neither wait nor run twice."""
    time.sleep(1)


@queue.task(priority=NORMAL)
def awaited(word: str) -> str:
    """Give the word back; the tests pause this task."""
    return word


@queue.task(priority=NORMAL, loud=True)
def drum() -> None:
    """Make noise."""


@queue.periodic_task(every(days=1), priority=NORMAL)
def spring_clean() -> str:
    """Be due at midnight."""
    return "clean"


@queue.periodic_task(every(days=1), priority=NORMAL, only_if=lambda: False)
def wait_for_snow() -> None:
    """Be due at midnight, and never wanted."""


def roll_back() -> None:
    """Defer in a transaction that comes to nothing."""
    with suppress(ZeroDivisionError), db.db.atomic():
        dish("rolled back")
        raise ZeroDivisionError


def all_of(*orders: Order) -> Order:
    """Write several things in one transaction."""

    def write() -> list[Any]:
        with db.db.atomic():
            return [order() for order in orders]

    return write


def soon() -> datetime:
    return datetime.now() + timedelta(seconds=2)


def s(task: Any, *arguments: Any, **options: Any) -> Order:
    """Write one job with options of its own."""
    return lambda: queue.enqueue(task.s(*arguments, **options))


ORDERS: dict[str, Order] = {
    "a dish": lambda: dish("warm"),
    "a dish by name": lambda: dish(word="named"),
    "nothing after all": roll_back,
    "later": lambda: dish.schedule(("later",), delay=1),
    "at a moment": lambda: dish.schedule(("at one",), eta=soon()),
    "tomorrow": lambda: dish.schedule(("tomorrow",), delay=86_400),
    "soon or never": all_of(s(awaited, "in vain", expires=1), s(awaited, "patient")),
    "by urgency": all_of(
        *(s(simmer, COURSE, priority=n) for n in (LATER, NORMAL, URGENT, LATER, URGENT, NORMAL))
    ),
    "feasts": all_of(feast, feast, feast),
    "moody": lambda: moody(),
    "fussy": lambda: fussy(),
    "a chain": lambda: queue.enqueue(add.s(1).then(add, 2).then(add, 3)),
    "a chain that breaks": lambda: queue.enqueue(fussy.s().then(awaited)),
    "a group": lambda: queue.enqueue(group([dish.s("soup"), fussy.s(), dish.s("jam")]).then(tray)),
    "a result": lambda: queue.wait_for(dish("result"), 20),
    "progress": lambda: stir(),
    "long": lambda: simmer(60),
    "too long": lambda: burn(),
    "three rare ones": all_of(rare, rare, rare),
    "the same twice": all_of(s(single, "a", priority=LATER), s(single, "a", priority=URGENT)),
    "the same": lambda: single("b"),
    "once": lambda: once("c"),
    "noise": all_of(drum, s(dish, "bulk", priority=0)),
    "awaited": lambda: awaited("awaited"),
}


def numbers(written: Any) -> Any:
    """What an order has written, as numbers of jobs; null where the same waits already."""
    if isinstance(written, list):
        return [numbers(one) for one in written]
    return written and written.id
