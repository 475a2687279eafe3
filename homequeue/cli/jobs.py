"""`homequeue jobs`."""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from homequeue import ledger
from homequeue.bootstrap import bootstrap
from homequeue.cli.steer import STEERING, declare_steering, who
from homequeue.cli.waits import held_lines
from homequeue.config import Settings
from homequeue.errors import Conflict, NotFound, UsageError
from homequeue.log import plain
from homequeue.models import Job
from homequeue.queue import queue
from homequeue.services import figures, jobs, steering
from homequeue.web.moments import moment_label
from homequeue.web.queue_shapes import deed_json
from homequeue.web.shapes import STATE_WORDS, ago, job_details, jobs_json, took_label

Act = Callable[[Job, str], None]
ActOnAll = Callable[[jobs.Chosen, str], int]


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare `jobs list|show|kinds|deeds|retry|cancel|…`, and what steers the queue."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = actions.add_parser("list", help="newest first")
    states = listed.add_mutually_exclusive_group()
    states.add_argument("--state", choices=(*ledger.STATES, jobs.DISMISSED))
    states.add_argument("--failed", action="store_true", help="what failed or was set aside")
    listed.add_argument("--task", help="only those of one task")
    listed.add_argument("--name", default="", metavar="TEXT", help="only of photos called so")
    listed.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many")
    listed.add_argument("--json", action="store_true", help="for programs")
    shown = actions.add_parser("show", help="everything about one job")
    shown.add_argument("id", type=int, metavar="ID")
    shown.add_argument("--json", action="store_true", help="for programs")
    fared = actions.add_parser("kinds", help="how each kind of work fared in the last day")
    fared.add_argument("--json", action="store_true", help="for programs")
    done = actions.add_parser("deeds", help="who did what to the queue, newest first")
    done.add_argument("--limit", type=_limit, default=20, metavar="N", help="at most so many")
    done.add_argument("--json", action="store_true", help="for programs")
    again = actions.add_parser("retry", help="queue again what ended badly")
    again.add_argument("ids", type=int, nargs="*", metavar="ID")
    again.add_argument("--failed", action="store_true", help="all that failed")
    dropped = actions.add_parser("cancel", help="drop what waits")
    dropped.add_argument("ids", type=int, nargs="*", metavar="ID")
    dropped.add_argument("--batch", type=int, metavar="ID", help="all that waits of a batch")
    dropped.add_argument("--task", metavar="NAME", help="all that waits of a task")
    ended = actions.add_parser("stop", help="end what runs, at once")
    ended.add_argument("ids", type=int, nargs="+", metavar="ID")
    seen = actions.add_parser("dismiss", help="say that a failure needs no look any more")
    seen.add_argument("ids", type=int, nargs="*", metavar="ID")
    seen.add_argument("--failed", action="store_true", help="all that failed")
    declare_steering(actions)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Look at the queue and steer it."""
    bootstrap(settings, may_create=False)
    return ACTIONS[arguments.action](arguments)


def _limit(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError("it takes a number from 1 to 999999")
    return int(text)


def _list(arguments: argparse.Namespace) -> int:
    states = (arguments.state,) if arguments.state else ledger.BAD * arguments.failed
    chosen = jobs.Chosen(states=states, task=arguments.task, text=arguments.name)
    found = jobs.listed(chosen, arguments.limit)
    if arguments.json:
        print(json.dumps(jobs_json(found), indent=1))
        return 0
    if not found:
        _must_be_task(arguments.task)
        print("There are no jobs." if chosen == jobs.Chosen() else "There are no such jobs.")
    names = jobs.filenames(found)
    for job in found:
        label = jobs.label(job, names.get(job.asset or 0))
        age = ago(time.time() - job.queued_at)
        error = f": {job.error}" if job.error and job.state != ledger.SUCCEEDED else ""
        state = STATE_WORDS[job.state] + (", dismissed" if job.dismissed_at else "")
        print(plain(f"{job.id:>6}  {state:<20}  {age:>12} ago  {label}{error}"))
    if not states or arguments.state in ledger.WAITING:
        for line in held_lines():
            print(line)
    return 0


def _must_be_task(name: str | None) -> None:
    """Refuse a name that no task has; of one that had it once there may be jobs still."""
    if name is not None and name not in queue.tasks():
        there = ", ".join(sorted(queue.tasks()))
        raise UsageError(f"There is no task “{name}”; there are: {there}.")


def _show(arguments: argparse.Namespace) -> int:
    job = _job(arguments.id)
    shown = jobs_json([job])[0] | job_details(job, is_admin=True)
    if arguments.json:
        print(json.dumps(shown, indent=1))
        return 0
    label = jobs.label(job, jobs.filenames([job]).get(job.asset or 0))
    for name, value in ({"label": label} | shown).items():
        if value not in (None, []):
            # Lines below the first, as of a traceback, stand below it.
            told = [_here(value)] if name.endswith("_at") else _lines(value)
            lines = [plain(line) for line in told]
            print(f"{name:<13} " + f"\n{'':<14}".join(lines))
    return 0


def _lines(value: Any) -> list[str]:
    """Return what is told under a name: text, lines of a log, moves of a history, or anything."""
    if isinstance(value, list) and isinstance(value[0], dict):
        return ["  ".join((move | {"at": _here(move["at"])}).values()) for move in value]
    if isinstance(value, list) and isinstance(value[0], str):
        return value
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).splitlines()


def _here(moment: str) -> str:
    """Return a moment of the API on this machine's clock, with its second."""
    when = datetime.fromisoformat(moment).timestamp()
    return f"{moment_label(when)}:{int(when) % 60:02}"


def _kinds(arguments: argparse.Namespace) -> int:
    found = sorted(figures.kinds(), key=lambda kind: -kind.runs)
    if arguments.json:
        print(json.dumps([asdict(kind) for kind in found], indent=1))
        return 0
    head = ("", "jobs", "typical", "95 in 100", "waited", "failed")
    for name, *told in [head, *map(_kind, found)] if found else []:
        print(f"{name:<16}" + "".join(f"{words:>12}" for words in told))
    if not found:
        print("Nothing was done in the last 24 hours.")
    return 0


def _kind(kind: figures.Kind) -> tuple[str, ...]:
    spans = (took_label(span) for span in (kind.median, kind.p95, kind.wait))
    return (kind.task, f"{kind.runs:,}", *spans, f"{100 * kind.failed / max(1, kind.runs):.1f} %")


def _deeds(arguments: argparse.Namespace) -> int:
    found = steering.deeds(arguments.limit)
    if arguments.json:
        print(json.dumps([deed_json(deed) for deed in found], indent=1))
        return 0
    for deed in found:
        print(plain(f"{moment_label(deed.at):<26} {deed.who} {deed.words}"))
    if not found:
        print("Nobody has done anything to the queue yet.")
    return 0


def _job(job_id: int) -> Job:
    """Return a job; NotFound says which one is not there, of many that were named."""
    try:
        return jobs.get(job_id)
    except NotFound:
        raise NotFound(f"There is no such job: {job_id}.") from None


def _on_each(arguments: argparse.Namespace, act: Act, done: str) -> int:
    # All are looked up first: one wrong number, and nothing is done.
    found = [_job(job_id) for job_id in arguments.ids]
    refused = 0
    for job in found:
        try:
            act(job, who())
        except Conflict as error:
            refused += 1
            print(f"homequeue: Job {job.id}: {error}", file=sys.stderr)
    if refused < len(found):
        print(f"{_jobs(len(found) - refused)} {done}.")
    return 1 if refused else 0


def _cancel(arguments: argparse.Namespace) -> int:
    named = arguments.batch is not None or arguments.task is not None
    if bool(arguments.ids) == named:
        raise UsageError("Name the jobs, or say of which --batch or --task all that waits.")
    if arguments.ids:
        return _on_each(arguments, steering.cancel, "cancelled")
    chosen = jobs.Chosen(task=arguments.task, batch=arguments.batch)
    count = steering.cancel_all(chosen, who())
    print(f"{_jobs(count)} cancelled." if count else "No such job waits.")
    return 0


def _on_failed(arguments: argparse.Namespace, act: Act, act_on_all: ActOnAll, done: str) -> int:
    if bool(arguments.ids) == arguments.failed:
        raise UsageError("Name the jobs, or say --failed for all that failed.")
    if arguments.ids:
        return _on_each(arguments, act, done)
    count = act_on_all(jobs.Chosen(), who())
    print(f"{_jobs(count)} {done}." if count else "No job has failed.")
    return 0


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "kinds": _kinds,
    "deeds": _deeds,
    "retry": partial(
        _on_failed, act=steering.retry, act_on_all=steering.retry_all, done="queued again"
    ),
    "cancel": _cancel,
    "stop": partial(_on_each, act=steering.stop, done="stopped"),
    "dismiss": partial(
        _on_failed, act=steering.dismiss, act_on_all=steering.dismiss_all, done="dismissed"
    ),
    **STEERING,
}
