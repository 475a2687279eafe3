"""The part of `homequeue jobs` that steers the queue as a whole, and asks whether it answers."""

import argparse
import getpass
import json
import re
import sys
import time
from typing import Any

from homequeue import holds, ledger, tasks
from homequeue.cli.waits import next_run
from homequeue.errors import UsageError
from homequeue.log import plain
from homequeue.queue import queue, strangers
from homequeue.services import assets, crew, figures, jobs, steering
from homequeue.web.moments import moment_label
from homequeue.web.queue_shapes import chore_json
from homequeue.web.shapes import STATE_WORDS, photos

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Seconds in which a queue that works answers a ping.
PATIENCE = 10.0


def declare_steering(actions: Any) -> None:
    """Declare `jobs ping|pause|resume|workers|again|periodic|strange`."""
    actions.add_parser("ping", help="send a job through the whole queue and wait for its answer")
    paused = actions.add_parser("pause", help="start no more jobs")
    paused.add_argument("--for", dest="span", metavar="2h", help="so long: 30m, 2h, 1d")
    paused.add_argument("--task", default="", help="only those of one task")
    resumed = actions.add_parser("resume", help="start jobs again")
    resumed.add_argument("--task", default="", help="only those of one task")
    side = actions.add_parser("workers", help="how many jobs may run side by side")
    side.add_argument("count", type=int, metavar="N")
    again = actions.add_parser("again", help="make the pictures of photos again")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("--missing", action="store_true", help="of those that have none")
    which.add_argument("--all", action="store_true", help="of all")
    again.add_argument("--yes", action="store_true", help="do not ask")
    chores = actions.add_parser("periodic", help="list the periodic work, start it, switch it")
    act = chores.add_mutually_exclusive_group()
    act.add_argument("--run", metavar="NAME", help="start it now")
    act.add_argument("--on", metavar="NAME", help="switch it on")
    act.add_argument("--off", metavar="NAME", help="switch it off")
    act.add_argument("--json", action="store_true", help="the list, for programs")
    strange = actions.add_parser("strange", help="messages that homequeue did not write")
    strange.add_argument("--clear", action="store_true", help="forget them")


def span(text: str) -> float:
    """Return a span of time in seconds.

    >>> span("90s"), span("2h")
    (90.0, 7200.0)
    """
    match = re.fullmatch(r"0*([1-9]\d{0,5})([smhd])", text.strip())
    if not match:
        raise UsageError(f"“{text}” is no span of time; write 30m, 2h or 1d.")
    return float(match[1]) * UNITS[match[2]]


def who() -> str:
    """Return who acts, as it is noted."""
    return f"{getpass.getuser()} (command line)"


def _ping(_arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    job = queue.wait_for(queue.enqueue(tasks.ping.s("pong")), PATIENCE)
    took = 1000 * (time.monotonic() - begun)
    if job.result == '"pong"':
        worker = crew.names().get(str(job.worker), "a worker")
        print(f"Answered by {worker} in {took:.0f} ms.")
        return 0
    queue.give_up(job, ledger.CANCELLED, "Nobody answered in time.")
    held = "The queue is paused." if holds.paused_until() else "Is homequeue running?"
    print(f"Nobody answered in {PATIENCE:.0f} seconds. {held}", file=sys.stderr)
    return 1


def _pause(arguments: argparse.Namespace) -> int:
    seconds = span(arguments.span) if arguments.span is not None else None
    until = steering.pause(seconds, who(), arguments.task)
    what = f" of {arguments.task}" if arguments.task else ""
    back = f"homequeue jobs resume{f' --task {arguments.task}' if arguments.task else ''}"
    end = moment_label(until) if arguments.span else back
    print(f"No more jobs{what} are started until {end}.")
    return 0


def _resume(arguments: argparse.Namespace) -> int:
    steering.resume(who(), arguments.task)
    print(f"Jobs{f' of {arguments.task}' if arguments.task else ''} are started again.")
    return 0


def _workers(arguments: argparse.Namespace) -> int:
    steering.set_workers(arguments.count, who())
    few = "1 job runs" if arguments.count == 1 else f"{arguments.count} jobs run"
    print(f"At most {few} side by side.")
    return 0


def _again(arguments: argparse.Namespace) -> int:
    found = assets.all_present() if arguments.all else assets.unready()
    if not found:
        print("There are no photos." if arguments.all else "No photo lacks its pictures.")
        return 0
    if not (arguments.yes or _agreed(f"Make the pictures of {photos(len(found))} again?")):
        print("Nothing was done. Say --yes to do it.")
        return 1
    count = steering.make_again(found, tasks.process_again, who())
    print(f"The pictures of {photos(count)} are made again, after everything else.")
    return 0


def _agreed(question: str) -> bool:
    """Ask a person; where there is none, the answer is no."""
    if not sys.stdin.isatty():
        print(question)
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        print()
        return False


def _periodic(arguments: argparse.Namespace) -> int:
    if arguments.run:
        steering.run_now(arguments.run, who())
        print(f"Started: {jobs.kind_label(arguments.run)}.")
    elif name := arguments.on or arguments.off:
        steering.switch(name, who(), is_on=bool(arguments.on))
        print(f"Switched {'on' if arguments.on else 'off'}: {jobs.kind_label(name)}.")
    elif arguments.json:
        print(json.dumps([chore_json(row) for row in figures.periodic()], indent=1))
    else:
        print("\n".join(plain(_chore(row)) for row in figures.periodic()))
    return 0


def _chore(row: dict[str, Any]) -> str:
    job, ended = row["last_job"], moment_label(row["last_run"])
    last = f"{STATE_WORDS[job.state].lower()} {ended}".strip() if job else ended or "not yet"
    return f"{row['task']:<14} next {next_run(row):<26} last {last:<32} {row['label']}"


def _strange(arguments: argparse.Namespace) -> int:
    if arguments.clear:
        count = steering.clear_strangers(who())
        print(f"Cleared: {'1 message' if count == 1 else f'{count} messages'}.")
        return 0
    found = strangers.found()
    if (count := strangers.count()) > len(found):
        print(f"The last {len(found)} of {count}:")
    for stranger in found:
        print(f"{moment_label(stranger.at)}  {plain(stranger.text)}")
    if not found:
        print("There are no strange messages.")
    return 0


STEERING = {
    "ping": _ping,
    "pause": _pause,
    "resume": _resume,
    "workers": _workers,
    "again": _again,
    "periodic": _periodic,
    "strange": _strange,
}
