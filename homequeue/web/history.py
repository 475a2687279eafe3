"""The history of jobs, looked through by filters in the address, and the page of a single job."""

import json
import re
import time
from datetime import datetime
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse

from homequeue import ledger
from homequeue.models import Job
from homequeue.queue import queue
from homequeue.services import ingest, jobs
from homequeue.web import shapes
from homequeue.web.activity import BUSY_REST, saying, whose
from homequeue.web.pages import conditional, page
from homequeue.web.queue_api import chosen
from homequeue.web.rows import job_rows
from homequeue.web.shapes import moment_label, near_label, took_label
from homequeue.web.visits import Visit

PAGE = 50
#: What a list can be narrowed down to, by the states it then shows.
CHOICES = (
    ("", "All"),
    ("running", "Running"),
    ("queued,scheduled,retrying", "Waiting"),
    ("failed,quarantined", "Needs a look"),
    ("succeeded", "Done"),
    ("cancelled", "Cancelled"),
)
#: How jobs are related to another.
KIN = {
    "parent": "Queued by",
    "before": "Waits for",
    "after": "Followed by",
    "children": "Has queued",
}
#: What an address may say of a list besides where it begins.
FILTERS = ("state", "task", "q", "batch", "asset", "like")


def show(visit: Visit) -> HTTPResponse:
    """Show the jobs that the filters of the address let through, newest first."""
    wanted = chosen(visit)
    before = visit.number("cursor", 0, 2**62) or None
    found = jobs.listed(wanted, PAGE + 1, before)
    filters = {name: value for name in FILTERS if (value := visit.query(name))}
    older = {**filters, "cursor": found[PAGE - 1].id} if len(found) > PAGE else None
    here = "/activity/history" + (f"?{urlencode(filters)}" if filters else "")
    return page(
        visit,
        "history",
        back=saying(here),
        rows=job_rows(found[:PAGE], visit.user),
        total=jobs.total(wanted),
        filters=filters,
        choices=_with_own(CHOICES, ",".join(wanted.states)),
        kinds=sorted(((name, jobs.kind_label(name)) for name in queue.tasks()), key=lambda k: k[1]),
        older=f"/activity/history?{urlencode(older)}" if older else None,
    )


def show_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Show everything about one job."""
    job = jobs.get(job_id, whose(visit))
    # It tells for how long it has been running, so it is another page every other second.
    answer = page(visit, "job", **_told(job, visit))
    return conditional(visit, answer.body, lambda: answer)


def _told(job: Job, visit: Visit) -> dict[str, Any]:
    is_admin = visit.user.is_admin
    return {
        "back": saying(f"/jobs/{job.id}"),
        "rest": 0 if job.state in ledger.ENDED else BUSY_REST,
        "job": job_rows([job], visit.user)[0],
        "facts": [(name, words) for name, words in _facts(job, is_admin).items() if words],
        "moves": _moves(job),
        "log": job.log if is_admin else "",
        "family": _family(job, visit),
        "batch": job.batch,
    }


def _facts(job: Job, is_admin: bool) -> dict[str, str]:
    took, waited = shapes.duration(job), _waited(job)
    fails = job.expires_at is not None and job.state in ledger.WAITING
    return {
        "Queued": moment_label(job.queued_at),
        "Waited": took_label(waited) if waited is not None else "",
        "Took": took_label(took) if took is not None else "",
        "Ended": moment_label(job.finished_at),
        "Tried": f"{job.attempts} of {job.max_attempts} times" if job.attempts else "",
        "Crashed": "once" if job.deaths == 1 else f"{job.deaths} times" if job.deaths else "",
        "Memory at its peak": ingest.in_words(job.memory) if job.memory else "",
        "Must begin before": moment_label(job.expires_at) if fails else "",
        "May take": f"{job.timeout:g} seconds" if job.timeout else "",
        "Priority": str(job.priority) if is_admin else "",
        "Task": f"{job.task}({job.args[1:-1]})" if is_admin else "",
        "Worker": (job.worker or "") if is_admin else "",
        "Result": job.result or "",
    }


def _waited(job: Job) -> float | None:
    """Return for how long a job waited when its last attempt could begin."""
    if job.started_at is None:
        return None
    return max(0.0, job.started_at - max(job.queued_at, job.due_at))


def _moves(job: Job) -> list[dict[str, str]]:
    """Return what became of a job one after the other, attempts included."""
    moves = [json.loads(line) for line in job.history.splitlines()]
    following = [move["at"] for move in moves[1:]]
    return [
        {
            "when": f"{datetime.fromtimestamp(move['at']):%H:%M:%S}",
            "day": near_label(move["at"], time.time()),
            "state": shapes.STATE_WORDS[move["state"]],
            "who": _who(move.get("who", "")),
            "words": move.get("words", ""),
            "for_label": took_label(end - move["at"]) if end is not None else "",
        }
        for move, end in zip_longest(moves, following)
    ]


def _who(name: str) -> str:
    """Return a person's name as it is, and of a worker what tells it from others.

    >>> _who("Anna"), _who("pi.1f2e/0a-4.1/812/99")
    ('Anna', 'process 812 on pi')
    """
    worker = re.fullmatch(r"([^/]*)\.[^./]*/[^/]+/(\d+)/\d+", name)
    return f"process {worker[2]} on {worker[1]}" if worker else name


def _family(job: Job, visit: Visit) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the jobs that a job comes from, waits for, or has brought about."""
    kin = jobs.kin(job, whose(visit), PAGE)
    return [(KIN[name], job_rows(found, visit.user)) for name, found in kin.items() if found]


def _with_own(choices: tuple[tuple[str, str], ...], states: str) -> list[tuple[str, str]]:
    """Return the choices, and another if an address asks for what is none of them."""
    words = " or ".join(shapes.STATE_WORDS[state] for state in states.split(",") if state)
    is_known = states in dict(choices)
    return [*choices, *([] if is_known else [(states, words)])]
