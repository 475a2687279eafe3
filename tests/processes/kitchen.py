"""homequeue with a few tasks more: work of all kinds, good and bad, for tests to put in.

`python -m tests.processes.kitchen …` is `homequeue …`; its command `defer` reads from stdin what is
to be deferred, a line of JSON each: `["name", argument, …]`, `{"chain": number}`, or
`{"order": "name"}` of the menu.
"""

import argparse
import collections
import ctypes
import itertools
import json
import logging
import os
import sys
import time
from typing import Any

from peewee import IntegrityError

from homequeue import cli, db, ledger
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.models import Job
from homequeue.queue import queue, watch
from tests.processes import menu

# So that tests need not wait longer than people would.
watch.HARD_GRACE = 1.0

#: What a step of a chain has done, without any index that would hide that it was done twice.
EFFECTS = "CREATE TABLE IF NOT EXISTS effect (step TEXT NOT NULL, number INTEGER NOT NULL)"
#: The chains that were accepted.
SENT = "CREATE TABLE IF NOT EXISTS sent (number INTEGER PRIMARY KEY)"


def _sql(statement: str, *values: object) -> None:
    db.db.execute_sql(statement.replace("?", db.db.param), values)


@queue.task()
def first(number: int) -> int:
    """The first step of a chain: its effect, its success and its result are one."""
    time.sleep(0.01)
    with ledger.finishing(result=number * 2):
        _sql("INSERT INTO effect VALUES ('first', ?)", number)
    return number * 2


@queue.task()
def second(number: int, given: int) -> None:
    """The second step, which needs what the first has found."""
    time.sleep(0.01)
    with ledger.finishing():
        _sql("INSERT INTO effect VALUES ('second', ?)", number if given == number * 2 else -number)


@queue.task()
def crash() -> None:
    """Write where nothing is."""
    ctypes.memset(0, 1, 1)


@queue.task()
def vanish(code: int) -> None:
    """End without a word."""
    os._exit(code)


@queue.task()
def leave() -> None:
    """End the program, politely."""
    sys.exit(0)


@queue.task()
def eat() -> None:
    """Take all the memory there is."""
    plate = []
    while True:
        plate.append(b"x" * 2**24)


@queue.task(timeout=1)
def spin() -> None:
    """Never end, in Python, and listen to nobody."""
    while True:
        try:
            while True:
                pass
        except Exception:
            logging.getLogger().info("spinning on")


@queue.task(timeout=1)
def spin_deaf() -> None:
    """Never end, in C, where no signal is heard."""
    collections.deque(itertools.repeat(0), maxlen=0)


@queue.task()
def work(seconds: float) -> None:
    """Take a while, as honest work does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.05)


@queue.task()
def work_deaf(seconds: float) -> None:
    """Take a while, in C."""
    ctypes.PyDLL(None).usleep(0)  # as if it were a library of somebody else's
    collections.deque(itertools.repeat(0, int(seconds * 50_000_000)), maxlen=0)


def defer(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Defer what stdin says, and print the number of each job once it is kept."""
    bootstrap(settings, may_create=False)
    with db.db.atomic():
        _sql(EFFECTS)
        _sql(SENT)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_kept(json.loads(line))) + "\n")
        sys.stdout.flush()
    return 0


def _kept(asked: Any) -> Any:
    """Defer one thing that was asked for; the number of its job, or what there is of them."""
    if isinstance(asked, list):
        return _single(*asked)
    if "order" in asked:
        return menu.numbers(menu.ORDERS[asked["order"]]())
    return _chain(asked["chain"])


def _single(name: str, *arguments: object) -> int:
    job: Job = queue.enqueue(queue.tasks()[name](arguments))
    return job.id


def _chain(number: int) -> int:
    """Defer a chain, once however often it is asked for."""
    try:
        with db.db.durable():
            _sql("INSERT INTO sent VALUES (?)", number)
            queue.enqueue(first.s(number).then(second, number))
    except IntegrityError:
        pass  # whoever asked was told nothing the first time
    return number


def main() -> int:
    """Be homequeue, with a command more."""
    cli.COMMANDS += (cli.Command("defer", "put work in", defer),)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
