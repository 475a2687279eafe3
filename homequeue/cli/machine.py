"""`homequeue status` and `config`: what runs, and with which settings."""

import argparse
import json
import os
import time
from typing import Any

from homequeue import config, db, facts, holds, ledger, processes
from homequeue.bootstrap import bootstrap
from homequeue.cli.waits import held_json, held_lines
from homequeue.config import OPTIONS, Settings
from homequeue.errors import UsageError
from homequeue.log import plain
from homequeue.media import media
from homequeue.models import Worker
from homequeue.services import crew, figures, ingest, jobs, notify
from homequeue.services import machine as storage
from homequeue.web.shapes import ago, moment_label, near_label, paused_label, rfc3339

#: Seconds the web process may take to answer that it serves.
PATIENCE = 5.0
#: Whether the web process answers; None where it is another machine's, which cannot be asked.
WEB = {True: "answers", False: "does not answer", None: "on another machine"}


def declare_json(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`."""
    parser.add_argument("--json", action="store_true", help="for programs")


def status(settings: Settings, arguments: argparse.Namespace) -> int:
    """Say what runs; exit 1 when something needs a person."""
    bootstrap(settings, may_create=False)
    seen = _seen(settings)
    if arguments.json:
        print(json.dumps(seen, indent=1))
    else:
        print("\n".join(_lines(seen)))
    return 1 if seen["needs_attention"] else 0


def declare_config(parser: argparse.ArgumentParser) -> None:
    """Declare `config [check|explain|test-notification]`."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("check", "explain", "test-notification"),
        help="look for errors only; print the text of a settings file; send a message as a test",
    )


def show(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show the value and the source of every option; loading them has checked most."""
    if arguments.action == "explain":
        print(config.explain(), end="")
        return 0
    if arguments.action == "check":
        notify.check(settings)
        print("The settings are fine.")
        return 0
    if arguments.action == "test-notification":
        return _test_notification(settings)
    for option in OPTIONS:
        source = settings.sources.get(option.key, "default")
        print(f"{option.key} = {config.shown(settings, option)}  ({source})")
    print(f"# data folder: {config.data_folder(settings)}")
    print(f"# settings file: {config.find_config(arguments.config, os.environ) or 'none'}")
    return 0


def _test_notification(settings: Settings) -> int:
    notify.check(settings)
    if not settings.notifications.urls:
        raise UsageError("There is nowhere to send it: set [notifications] urls first.")
    reasons = notify.try_channels(settings)
    for channel, why in reasons.items():
        print(plain(f"{channel}: {f'not taken: {why}' if why else 'taken'}"))
    return 1 if any(reasons.values()) else 0


def _seen(settings: Settings) -> dict[str, Any]:
    workers = len(figures.present_workers())
    # A supervisor is the parent that its workers wrote down, also while none of them lives.
    runs = workers > 0 or any(processes.is_alive(row.parent) for row in Worker.select())
    here = processes.identity(), settings.server.host, settings.server.port
    who, *address = facts.recall("listens") or here
    serves = None if processes.is_elsewhere(who) else runs and _answers(*address)
    counts = ledger.counts()
    problems = _asleep(runs, workers)
    problems += [_unanswered(*address)] if runs and serves is False else []
    return {
        "running": runs,
        "web": serves,
        "workers": workers,
        "counts": counts,
        "oldest_wait": round(figures.oldest_wait(), 3),
        "held": held_json(),
        "paused_until": rfc3339(holds.paused_until() or None),
        "paused_tasks": {name: rfc3339(until) for name, until in holds.pauses().items() if name},
        "rows": db.db.place(),
        "disk": {"free": media.free_bytes(), "total": media.disk_bytes()},
        "last_backup": None,  # programs know the word already; there is no backup command yet
        "periodic": {row["task"]: rfc3339(row["next_due"]) for row in figures.periodic()},
        "needs_attention": [
            *problems,
            *storage.problems(),
            *_stuck(),
            *_undelivered(),
            *_failures(counts),
        ],
    }


def _asleep(runs: bool, workers: int) -> list[str]:
    if not runs:
        return [
            f"homequeue is not running on {media.root}. "
            "Start it: homequeue run, or where it is a service: sudo systemctl start homequeue"
        ]
    if not workers:
        return ["homequeue runs, but none of its workers does. If this stays, its log says why."]
    return []


def _unanswered(host: str, port: int) -> str:
    where = f"http://{_reachable(host)}:{port}"
    return f"homequeue runs, but nobody serves {where}. If this stays, its log says why."


def _stuck() -> list[str]:
    return [
        f"{hand.name} seems to be stuck{f' in job {hand.job.id}' if hand.job else ''}. "
        "If this stays, stop the job: homequeue jobs stop ID"
        for hand in crew.on_duty()
        if hand.is_stuck
    ]


def _undelivered() -> list[str]:
    job = notify.undelivered()
    if job is None:
        return []
    lines = map(json.loads, job.history.splitlines())
    since = next((line["at"] for line in lines if line["state"] == ledger.RETRYING), job.queued_at)
    now = time.time()
    words = f"Notifications have not been delivered since {near_label(since, now)}: "
    words += str(job.error).removeprefix(f"{notify.UNDELIVERED}: ").rstrip(".")
    again = f" It is tried again at {near_label(job.due_at, now)}." if job.due_at > now else ""
    return [plain(f"{words}.{again} Test it: homequeue config test-notification")]


def _failures(counts: dict[str, int]) -> list[str]:
    failed = counts[ledger.FAILED] + counts[ledger.QUARANTINED]
    if not failed:
        return []
    words = "1 job failed. Try it again" if failed == 1 else f"{failed} jobs failed. Try them again"
    return [f"{words}: homequeue jobs retry --failed"]


def _reachable(host: str) -> str:
    """Return where to find, on this machine, a server that listens on all of its addresses."""
    found = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{found}]" if ":" in found else found


def _answers(host: str, port: int) -> bool:
    import http.client  # noqa: PLC0415  (3 MB, with ssl, that no other command needs)

    line = http.client.HTTPConnection(_reachable(host), port, timeout=PATIENCE)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _lines(seen: dict[str, Any]) -> list[str]:
    counts = ", ".join(f"{number} {state}" for state, number in seen["counts"].items() if number)
    wait = seen["oldest_wait"]
    lines = [
        f"web           {WEB[seen['web']]}",
        f"workers       {seen['workers'] or 'none'}",
        f"jobs          {counts or 'none'}",
        f"oldest wait   {ago(wait) if wait else 'nothing waits'}",
        f"rows          {seen['rows']}",
        f"disk          {ingest.in_words(seen['disk']['free'])} free "
        f"of {ingest.in_words(seen['disk']['total'])}",
    ]
    lines += [f"held          {line}" for line in held_lines()]
    if paused := paused_label(holds.paused_until(), time.time()):
        lines.append(f"jobs          {paused}")
    for name, until in holds.pauses().items():
        if name:
            held = paused_label(until, time.time())
            lines.append(f"{jobs.kind_label(name)}: {held[0].lower()}{held[1:]}")
    for row in figures.periodic():
        lines.append(f"next          {moment_label(row['next_due'])}  {row['label']}")
    return lines + [f"! {problem}" for problem in seen["needs_attention"]]
