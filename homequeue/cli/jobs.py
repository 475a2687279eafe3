"""`homequeue jobs`."""

import argparse
import getpass
import json
import re
import time

from homequeue import ledger
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import UsageError
from homequeue.log import plain
from homequeue.services import jobs, steering
from homequeue.web.shapes import ago, jobs_json, moment_label

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare `jobs list|show|retry|cancel|pause|resume`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = actions.add_parser("list", help="newest first")
    listed.add_argument("--state", choices=ledger.STATES)
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
    paused = actions.add_parser("pause", help="start no more jobs")
    paused.add_argument("--for", dest="span", metavar="2h", help="so long: 30m, 2h, 1d")
    actions.add_parser("resume", help="start jobs again")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Look at the queue and steer it."""
    bootstrap(settings, may_create=False)
    ACTIONS[arguments.action](arguments)
    return 0


def span(text: str) -> float:
    """Return a span of time in seconds.

    >>> span("90s"), span("2h")
    (90.0, 7200.0)
    """
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if not match:
        raise UsageError(f"“{text}” is no span of time; write 30m, 2h or 1d.")
    return float(match[1]) * UNITS[match[2]]


def _limit(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError("it takes a number from 1 to 999999")
    return int(text)


def _list(arguments: argparse.Namespace) -> None:
    states = (arguments.state,) if arguments.state else ()
    found = jobs.listed(jobs.Chosen(states=states), arguments.limit)
    if arguments.json:
        print(json.dumps(jobs_json(found), indent=1))
        return
    if not found:
        print("There are no such jobs." if states else "There are no jobs.")
    names = jobs.filenames(found)
    for job in found:
        label = jobs.label(job, names.get(job.asset or 0))
        age = ago(time.time() - job.queued_at)
        error = f": {job.error}" if job.error and job.state != ledger.SUCCEEDED else ""
        print(plain(f"{job.id:>6}  {job.state:<11}  {age:>12} ago  {label}{error}"))


def _show(arguments: argparse.Namespace) -> None:
    job = jobs.get(arguments.id)
    shown = jobs_json([job])[0]
    if arguments.json:
        print(json.dumps(shown, indent=1))
        return
    for name, value in shown.items():
        if value not in (None, []):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            # Lines below the first, as of a traceback, stand below it.
            lines = [plain(line) for line in text.splitlines()]
            print(f"{name:<13} " + f"\n{'':<14}".join(lines))


def _retry(arguments: argparse.Namespace) -> None:
    if bool(arguments.ids) == arguments.failed:
        raise UsageError("Name the jobs to try again, or say --failed.")
    # All are looked up first: one wrong number, and nothing is done.
    for job in [jobs.get(job_id) for job_id in arguments.ids]:
        steering.retry(job, _who())
    count = steering.retry_all(jobs.Chosen(), _who()) if arguments.failed else len(arguments.ids)
    print(f"{_jobs(count)} queued again." if count else "No job has failed.")


def _cancel(arguments: argparse.Namespace) -> None:
    for job in [jobs.get(job_id) for job_id in arguments.ids]:
        steering.cancel(job, _who())
    print(f"{_jobs(len(arguments.ids))} cancelled.")


def _pause(arguments: argparse.Namespace) -> None:
    until = steering.pause(span(arguments.span) if arguments.span is not None else None, _who())
    end = f"until {moment_label(until)}" if arguments.span else "until homequeue jobs resume"
    print(f"No more jobs are started {end}.")


def _resume(_arguments: argparse.Namespace) -> None:
    steering.resume(_who())
    print("Jobs are started again.")


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _who() -> str:
    return f"{getpass.getuser()} (command line)"


ACTIONS = {
    "list": _list,
    "show": _show,
    "retry": _retry,
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
}
