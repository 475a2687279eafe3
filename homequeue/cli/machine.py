"""`homequeue status` and `config`: what runs, and with which settings."""

import argparse
import json
import os
import time
from dataclasses import asdict
from typing import Any

from homequeue import config, db, facts, holds, ledger, processes
from homequeue.bootstrap import bootstrap
from homequeue.cli.waits import held_lines, next_run
from homequeue.config import OPTIONS, Settings
from homequeue.errors import UsageError
from homequeue.log import plain
from homequeue.media import media
from homequeue.models import Job, Worker
from homequeue.queue import queue, strangers
from homequeue.services import batches, crew, figures, inbox, inbox_files, ingest, jobs, notify
from homequeue.services import machine as storage
from homequeue.web.moments import near_label
from homequeue.web.queue_shapes import batch_json, held_json, worker_json
from homequeue.web.shapes import STATE_WORDS, ago, how_long, paused_label, rfc3339, since_label

#: Seconds the web process may take to answer that it serves.
PATIENCE = 5.0
#: How many of those that failed are named.
NAMED = 2
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
    serves = None if processes.is_elsewhere(who) else runs and answers(PATIENCE, *address)
    counts = ledger.counts()
    problems = _asleep(runs, workers)
    problems += [_unanswered(*address)] if runs and serves is False else []
    return {
        "running": runs,
        "web": serves,
        "workers": workers,
        "crew": [worker_json(hand) for hand in crew.on_duty()],
        "machine": asdict(storage.now()),
        "batches": [batch_json(progress) for progress in batches.unfinished()],
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
            *inbox.problems(),
            *_unlooked(),
            *_stuck(),
            *_undelivered(),
            *filter(None, [plain(queue.storage.trouble())]),
            *_strange(),
            *_failures(),
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
    where = f"http://{reachable(host)}:{port}"
    return f"homequeue runs, but nobody serves {where}. If this stays, its log says why."


def _unlooked() -> list[str]:
    """Say of what lies in the inbox that nobody is to look."""
    (look,) = (row for row in figures.periodic() if row["task"] == "empty_inbox")
    lying = 0 if look["is_on"] else sum(not one.problem for one in inbox_files.look())
    if not lying:
        return []
    lie = "1 file lies" if lying == 1 else f"{lying} files lie"
    words = f"{lie} in the inbox, and looking into it is switched off."
    return [f"{words} Switch it on: homequeue jobs periodic --on {look['task']}"]


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


def _strange() -> list[str]:
    found = strangers.found()
    if not found:
        return []
    count = strangers.count()
    few = "A message" if count == 1 else f"{count} messages"
    was, it = ("was", "it") if count == 1 else ("were", "them")
    last = near_label(found[-1].at, time.time())
    words = f"{few} that homequeue did not write {was} among its own, the last at {last}. "
    words += f"Nothing of {it} was done. Look at {it}: homequeue jobs strange"
    return [f"{words}; then: homequeue jobs strange --clear"]


def _failures() -> list[str]:
    """Say of what failed how much it is, what the newest are, and what can be done."""
    count = jobs.needing_a_look()
    if not count:
        return []
    newest = jobs.listed(jobs.Chosen(states=ledger.BAD), NAMED)
    names = jobs.filenames(newest)
    told = [_failure(job, names.get(job.asset or 0)) for job in newest]
    need, them = ("1 job needs", "it") if count == 1 else (f"{count:,} jobs need", "them")
    among = "" if count <= NAMED else "the newest are "
    words = f"{need} a look: {among}{' and '.join(told)}. Look at {them}: homequeue jobs list "
    words += f"--failed. Try {them} again: homequeue jobs retry --failed. If that is of no use: "
    return [plain(f"{words}homequeue jobs dismiss {newest[0].id if count == 1 else 'ID'}")]


def _failure(job: Job, filename: str | None) -> str:
    why = f" ({str(job.error).rstrip('.')})" if job.error else ""
    return f"job {job.id}, {jobs.label(job, filename)}{why}"


def reachable(host: str) -> str:
    """Return where to find, on this machine, a server that listens on all of its addresses."""
    found = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{found}]" if ":" in found else found


def answers(patience: float, host: str, port: int) -> bool:
    """Tell whether a web process says that it serves, within so many seconds."""
    import http.client  # noqa: PLC0415  (3 MB, with ssl, that no other command needs)

    line = http.client.HTTPConnection(reachable(host), port, timeout=patience)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _lines(seen: dict[str, Any]) -> list[str]:
    wait = seen["oldest_wait"]
    waits = any(seen["counts"][state] for state in ledger.WAITING)
    idle = "nothing that may begin now" if waits else "nothing waits"
    lines = [
        f"web           {WEB[seen['web']]}",
        f"workers       {seen['workers'] or 'none'}",
        f"jobs          {_counts(seen['counts'])}",
        f"oldest wait   {ago(wait) if wait else idle}",
        f"rows          {seen['rows']}",
        f"disk          {ingest.in_words(seen['disk']['free'])} free "
        f"of {ingest.in_words(seen['disk']['total'])}",
    ]
    lines += [f"machine       {_machine(seen['machine'])}"]
    lines += [f"worker        {_worker(hand)}" for hand in crew.on_duty()]
    lines += [f"under way     {_batch(progress)}" for progress in batches.unfinished()]
    lines += [f"held          {line}" for line in held_lines()]
    if paused := paused_label(holds.paused_until(), time.time()):
        lines.append(f"jobs          {paused}")
    for name, until in holds.pauses().items():
        if name:
            held = paused_label(until, time.time())
            lines.append(f"{jobs.kind_label(name)}: {held[0].lower()}{held[1:]}")
    for row in figures.periodic():
        lines.append(f"next          {next_run(row)}  {row['label']}")
    return lines + [f"! {problem}" for problem in seen["needs_attention"]]


def _counts(counts: dict[str, int]) -> str:
    """Return how many jobs are in which state, and how many of those that failed need no look."""
    told = [f"{number} {_state(state, number)}" for state, number in counts.items() if number]
    seen = sum(counts[state] for state in ledger.BAD) - jobs.needing_a_look()
    some = f" ({seen} that failed {'is' if seen == 1 else 'are'} dismissed)" if seen else ""
    return ", ".join(told) + some if told else "none"


def _state(state: str, number: int) -> str:
    words = STATE_WORDS[state].lower()
    return words if number == 1 else words.replace(" its ", " their ")


def _machine(found: dict[str, Any]) -> str:
    """Return how busy, large, warm and soon full the machine is."""
    warm, days = found["temperature"], found["days_left"]
    return ", ".join(
        [
            f"load {found['load'][0]:.2f} on {found['cores']} cores",
            f"memory {ingest.in_words(found['memory_free'])} free "
            f"of {ingest.in_words(found['memory'])}",
            *([] if warm is None else [f"{warm:.0f} °C"]),
            *([] if days is None else [f"disk full in {ago(days * storage.DAY)} at this pace"]),
        ]
    )


def _worker(hand: crew.Hand) -> str:
    """Return what a worker does, and how large it is."""
    doing = f"job {hand.job.id}, {jobs.kind_label(hand.job.task)}" if hand.job else "waits for work"
    heard = "" if hand.is_here else f", heard of {since_label(crew.silence(hand.worker))}"
    memory = f", {ingest.in_words(hand.memory)}" if hand.memory else ""
    return plain(f"{hand.name}: {doing}{memory}{heard}{', stuck' if hand.is_stuck else ''}")


def _batch(progress: batches.Progress) -> str:
    """Return how far a batch is, and for how long still."""
    batch, ended = progress.batch, progress.total - progress.left
    left = how_long(figures.expected(jobs.Chosen(batch=batch.id)))
    told = f"batch {batch.id}, {batches.title(batch)}: {ended:,} of {progress.total:,}"
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    return f"{told}{failed}{f', {left}' if left else ''}"
