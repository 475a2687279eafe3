"""The history of jobs, looked through by filters in the address, and the page of a single job."""

import json
import re
import time
from datetime import datetime
from itertools import pairwise, zip_longest
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse

from homequeue import ledger
from homequeue.errors import NotFound
from homequeue.models import Job, User
from homequeue.queue import queue
from homequeue.services import batches, crew, delays, figures, ingest, jobs
from homequeue.web import shapes
from homequeue.web.activity import BUSY_REST, saying, whose
from homequeue.web.held import held_for
from homequeue.web.moments import moment_label, near_label
from homequeue.web.pages import conditional, page
from homequeue.web.queue_api import chosen
from homequeue.web.rows import job_rows
from homequeue.web.shapes import took_label
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
    (jobs.DISMISSED, "Dismissed"),
)
#: How jobs are related to another.
KIN = {
    "parent": "Queued by",
    "before": "Waits for",
    "after": "Followed by",
    "children": "Has queued",
}
#: What an address may say of a list besides where it begins.
FILTERS = ("state", "task", "q", "batch", "asset", "cause")


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
        receipt=_receipt(wanted.batch, visit.user),
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


def _receipt(batch_id: int | None, viewer: User) -> str | None:
    """Return the page that tells what became of each file of a batch, None if there is none."""
    try:
        batch = batches.get(viewer, batch_id or 0)
    except NotFound:
        return None
    return f"/batches/{batch.id}" if batches.has_files(batch) else None


def _told(job: Job, visit: Visit) -> dict[str, Any]:
    is_admin = visit.user.is_admin
    return {
        "back": saying(f"/jobs/{job.id}"),
        "rest": 0 if job.state in ledger.ENDED else BUSY_REST,
        "job": job_rows([job], visit.user)[0],
        "facts": [(name, words) for name, words in _facts(job, is_admin).items() if words],
        "worker": (_worker(job), job.worker) if is_admin and job.worker else None,
        "moves": _moves(job, visit.user),
        "log": job.log if is_admin else "",
        "family": _family(job, visit),
        "batch": job.batch,
        "receipt": _receipt(job.batch, visit.user),
    }


def _facts(job: Job, is_admin: bool) -> dict[str, str]:
    took, waited = shapes.duration(job), _waited(job)
    runs, waits = job.state == ledger.RUNNING, job.state in ledger.WAITING
    fails = job.expires_at is not None and waits
    why = delays.of(job)
    return {
        "Queued": moment_label(job.queued_at),
        "Waits": held_for(why) if why else "",
        "Waited": took_label(waited) if waited is not None and not waits else "",
        "Done": "" if job.progress is None or not runs else f"{100 * job.progress:.0f} %",
        "Time left": shapes.left_label(figures.left_of(job)) if runs else "",
        "Took": took_label(took) if took is not None else "",
        "Ended": moment_label(job.finished_at),
        "Tried": _tried(job),
        "Crashed": "once" if job.deaths == 1 else f"{job.deaths} times" if job.deaths else "",
        "Memory at its peak": ingest.in_words(job.memory) if job.memory else "",
        "Must begin before": moment_label(job.expires_at) if fails else "",
        "May take": f"{job.timeout:g} seconds" if job.timeout else "",
        "Priority": str(job.priority) if is_admin else "",
        "Task": f"{job.task}({job.args[1:-1]})" if is_admin else "",
        "Result": _result(job),
    }


def _tried(job: Job) -> str:
    """Return how often a job was begun; those before it was queued again count no more."""
    if not job.attempts:
        return ""
    states = [move["state"] for move in shapes.moves(job, is_admin=True)]
    is_again = any(old in ledger.ENDED and new not in ledger.ENDED for old, new in pairwise(states))
    since = " since it was queued again" if is_again else ""
    return f"{job.attempts} of {job.max_attempts} times{since}"


def _result(job: Job) -> str:
    """Return the result of a job: words as they are, all else as JSON."""
    value = json.loads(job.result) if job.result else ""
    return value if isinstance(value, str) else str(job.result)


def _waited(job: Job) -> float | None:
    """Return for how long a job waited when its last attempt could begin."""
    if job.started_at is None:
        return None
    return max(0.0, job.started_at - max(job.queued_at, job.due_at))


def _moves(job: Job, viewer: User) -> list[dict[str, str]]:
    """Return what became of a job one after the other, attempts included."""
    moves = shapes.moves(job, is_admin=viewer.is_admin)
    following = [move["at"] for move in moves[1:]]
    return [
        {
            "when": f"{datetime.fromtimestamp(move['at']):%H:%M:%S}",
            "day": near_label(move["at"], time.time()),
            "state": shapes.STATE_WORDS[move["state"]],
            "who": _who(move.get("who", "")),
            "words": move.get("words", ""),
            "span": _span(move["state"], end - move["at"]) if end is not None else "",
        }
        for move, end in zip_longest(moves, following)
    ]


def _span(state: str, seconds: float) -> str:
    """Return how long a job was in a state, of one that is no end."""
    if state in ledger.ENDED:
        return ""
    return f"{'after' if state == ledger.RETRYING else 'for'} {took_label(seconds)}"


def _who(name: str) -> str:
    """Return a person's name as it is, and of a worker what tells it from others.

    >>> _who("Anna"), _who("pi.1f2e/0a-4.1/812/99")
    ('Anna', 'process 812 on pi')
    """
    worker = re.fullmatch(r"([^/]*)\.[^./]*/[^/]+/(\d+)/\d+", name)
    return f"process {worker[2]} on {worker[1]}" if worker else name


def _worker(job: Job) -> str:
    """Return in few words which worker runs a job or did so last."""
    worker = str(job.worker)
    return ", ".join(filter(None, (crew.names().get(worker), _who(worker))))


def _family(job: Job, visit: Visit) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the jobs that a job comes from, waits for, or has brought about."""
    kin = jobs.kin(job, whose(visit), PAGE)
    return [(KIN[name], job_rows(found, visit.user)) for name, found in kin.items() if found]


def _with_own(choices: tuple[tuple[str, str], ...], states: str) -> list[tuple[str, str]]:
    """Return the choices, and another if an address asks for what is none of them."""
    words = " or ".join(shapes.LOOKS[state] for state in states.split(",") if state)
    is_known = states in dict(choices)
    return [*choices, *([] if is_known else [(states, words)])]
