"""`homequeue jobs`."""

import argparse
import json
import re
import time
from collections.abc import Callable
from functools import partial

from homequeue import ledger
from homequeue.bootstrap import bootstrap
from homequeue.cli.steer import STEERING, declare_steering, who
from homequeue.cli.waits import held_lines
from homequeue.config import Settings
from homequeue.errors import Conflict, NotFound, UsageError
from homequeue.log import plain
from homequeue.models import Job
from homequeue.services import jobs, steering
from homequeue.web.shapes import ago, jobs_json

Act = Callable[[Job, str], None]
ActOnAll = Callable[[jobs.Chosen, str], int]


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare `jobs list|show|retry|cancel|stop|dismiss`, and what steers the queue."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = actions.add_parser("list", help="newest first")
    listed.add_argument("--state", choices=ledger.STATES)
    listed.add_argument("--task", help="only those of one task")
    listed.add_argument("--name", default="", metavar="TEXT", help="only of photos called so")
    listed.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many")
    listed.add_argument("--json", action="store_true", help="for programs")
    shown = actions.add_parser("show", help="everything about one job")
    shown.add_argument("id", type=int, metavar="ID")
    shown.add_argument("--json", action="store_true", help="for programs")
    again = actions.add_parser("retry", help="queue again what ended badly")
    again.add_argument("ids", type=int, nargs="*", metavar="ID")
    again.add_argument("--failed", action="store_true", help="all that failed")
    dropped = actions.add_parser("cancel", help="drop what waits")
    dropped.add_argument("ids", type=int, nargs="+", metavar="ID")
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
    states = (arguments.state,) if arguments.state else ()
    chosen = jobs.Chosen(states=states, task=arguments.task, text=arguments.name)
    found = jobs.listed(chosen, arguments.limit)
    if arguments.json:
        print(json.dumps(jobs_json(found), indent=1))
        return 0
    if not found:
        print("There are no jobs." if chosen == jobs.Chosen() else "There are no such jobs.")
    names = jobs.filenames(found)
    for job in found:
        label = jobs.label(job, names.get(job.asset or 0))
        age = ago(time.time() - job.queued_at)
        error = f": {job.error}" if job.error and job.state != ledger.SUCCEEDED else ""
        print(plain(f"{job.id:>6}  {job.state:<11}  {age:>12} ago  {label}{error}"))
    if arguments.state in (None, *ledger.WAITING):
        for line in held_lines():
            print(line)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    job = _job(arguments.id)
    shown = jobs_json([job])[0]
    if arguments.json:
        print(json.dumps(shown, indent=1))
        return 0
    for name, value in shown.items():
        if value not in (None, []):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            # Lines below the first, as of a traceback, stand below it.
            lines = [plain(line) for line in text.splitlines()]
            print(f"{name:<13} " + f"\n{'':<14}".join(lines))
    return 0


def _job(job_id: int) -> Job:
    """Return a job; NotFound says which one is not there, of many that were named."""
    try:
        return jobs.get(job_id)
    except NotFound:
        raise NotFound(f"There is no such job: {job_id}.") from None


def _on_each(arguments: argparse.Namespace, act: Act, done: str) -> int:
    # All are looked up first: one wrong number, and nothing is done.
    for job in [_job(job_id) for job_id in arguments.ids]:
        try:
            act(job, who())
        except Conflict as error:
            raise Conflict(f"Job {job.id}: {error}") from error
    print(f"{_jobs(len(arguments.ids))} {done}.")
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
    "retry": partial(
        _on_failed, act=steering.retry, act_on_all=steering.retry_all, done="queued again"
    ),
    "cancel": partial(_on_each, act=steering.cancel, done="cancelled"),
    "stop": partial(_on_each, act=steering.stop, done="stopped"),
    "dismiss": partial(
        _on_failed, act=steering.dismiss, act_on_all=steering.dismiss_all, done="dismissed"
    ),
    **STEERING,
}
