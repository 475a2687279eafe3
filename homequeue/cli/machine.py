"""`homequeue status` and `config`: what runs, and with which settings."""

import argparse
import http.client
import json
import time
from typing import Any

from homequeue import config, db, facts, holds, ledger, processes
from homequeue.bootstrap import bootstrap
from homequeue.config import OPTIONS, Settings
from homequeue.errors import Unavailable
from homequeue.media import media
from homequeue.models import Worker
from homequeue.services import figures, ingest, notify
from homequeue.web.shapes import ago, moment_label, paused_label, rfc3339

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
    """Declare `config [check|explain]`."""
    parser.add_argument(
        "action", nargs="?", choices=("check", "explain"), help="check: only errors"
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
    for option in OPTIONS:
        source = settings.sources.get(option.key, "default")
        print(f"{option.key} = {config.shown(settings, option)}  ({source})")
    print(f"# data folder: {config.data_folder(settings)}")
    return 0


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
        "paused_until": rfc3339(holds.paused_until() or None),
        "rows": db.db.place(),
        "disk": {"free": media.free_bytes(), "total": media.disk_bytes()},
        "last_backup": facts.recall("last_backup"),
        "periodic": {row["task"]: rfc3339(row["next_due"]) for row in figures.periodic()},
        "needs_attention": problems + _storage(settings) + _failures(counts),
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


def _storage(settings: Settings) -> list[str]:
    problems = []
    try:
        media.check_mounted()
    except Unavailable as error:
        problems.append(str(error))
    free = media.free_bytes()
    if free < settings.uploads.min_free:
        left = f"{ingest.in_words(free)} left"
        problems.append(f"The disk is nearly full: {left}, so no photos are taken. Make room.")
    return problems


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
        f"last backup   {seen['last_backup'] or 'never'}",
    ]
    if paused := paused_label(holds.paused_until(), time.time()):
        lines.append(f"jobs          {paused}")
    for row in figures.periodic():
        lines.append(f"next          {moment_label(row['next_due'])}  {row['label']}")
    return lines + [f"! {problem}" for problem in seen["needs_attention"]]
