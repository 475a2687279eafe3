"""The activity page: what is being done, what waits for it, and what needs a look."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bottle import HTTPResponse

from homequeue import ledger
from homequeue.models import Job, User
from homequeue.queue import queue, strangers
from homequeue.services import batches, figures, jobs, machine, pulse, untaken
from homequeue.services.jobs import Chosen
from homequeue.web import shapes
from homequeue.web.moments import near_label
from homequeue.web.pages import conditional, page, say
from homequeue.web.rows import BAD, job_rows
from homequeue.web.summary import look, summary
from homequeue.web.visits import Visit

#: How many jobs the page lists of those that run or are done, and of those that come next.
LISTED, NEXT = 10, 5
#: How many causes it tells apart, of how many failures it looks for examples, how many it shows.
CAUSES, EXAMPLES, SHOWN = 20, 50, 5
#: Of how many batches it names what was not taken out of the inbox.
UNTAKEN = 5
#: Milliseconds until the page asks again, by whether anything happens.
BUSY_REST, CALM_REST = 2_000, 10_000
#: Seconds after which the page is another although nothing moved: it tells for how long.
BUSY_BEAT, CALM_BEAT = 2, 60


def show(visit: Visit) -> HTTPResponse:
    """Show what the queue does; a client that has seen it already is told so at little cost."""
    beat = BUSY_BEAT if pulse.running() else CALM_BEAT
    version = pulse.take(), time.time() // beat
    return conditional(visit, version, lambda: page(visit, "activity", **_now(visit)))


def whose(visit: Visit) -> User | None:
    """Return whose jobs a visitor sees: administrators see everybody's, which is None."""
    return None if visit.user.is_admin else visit.user


def saying(here: str) -> Callable[[str], str]:
    """Return what gives the address of this page that says a word of what was done."""
    return partial(say, here)


def pause_row(task: str, pauses: dict[str, float]) -> dict[str, Any]:
    """Return what is told of the pause of a task, or of everything if it has no name."""
    until = pauses.get(task, 0.0)
    return {"task": task, "id": task or "all", "paused": shapes.paused_label(until, time.time())}


def _now(visit: Visit) -> dict[str, Any]:
    user = whose(visit)
    found_causes = figures.causes(user)
    state = look(user, found_causes)
    chores = tuple(queue.periodic_tasks())
    running, waiting, recent = _lists(user, chores)
    return {
        "back": saying("/activity"),
        "rest": BUSY_REST if state.is_moving else CALM_REST,
        "summary": summary(state),
        "is_busy": state.is_busy,
        "is_still": state.is_still,
        "pause": pause_row("", state.pauses),
        "problems": machine.problems(),
        "batches": [_batch_row(one, visit.user) for one in batches.unfinished(user)],
        "strangers": _stranger_rows() if visit.user.is_admin else [],
        "strangers_total": strangers.count() if visit.user.is_admin else 0,
        "causes": _cause_rows(found_causes[:CAUSES], user, visit.user),
        "failed_total": state.failed,
        "causes_left": max(0, len(found_causes) - CAUSES),
        **_not_taken(user, visit.user),
        "running": job_rows(running, visit.user),
        "kinds": _kind_rows(state.counts, state.pauses, chores),
        "waiting": job_rows(waiting, visit.user),
        "waiting_total": state.waiting,
        "recent": job_rows(recent, visit.user),
    }


def _lists(user: User | None, chores: tuple[str, ...]) -> tuple[list[Job], list[Job], list[Job]]:
    """Return the jobs that run, that come next and that are done, each in one list only."""
    # The house's own chores would bury everything else; they have a table of their own.
    wait = Chosen(user, ledger.WAITING, besides=chores)
    done = Chosen(user, (ledger.SUCCEEDED, ledger.CANCELLED), besides=chores)
    running = jobs.listed(Chosen(user, (ledger.RUNNING,)), LISTED)
    # Between two looks a job may move on.
    seen = {job.id for job in running}
    waiting = [job for job in jobs.upcoming(wait, NEXT) if job.id not in seen]
    seen |= {job.id for job in waiting}
    return running, waiting, [job for job in jobs.ended(done, LISTED) if job.id not in seen]


def _stranger_rows() -> list[dict[str, str]]:
    now = time.time()
    return [
        {"text": stranger.text, "when": near_label(stranger.at, now)}
        for stranger in reversed(strangers.found())
    ]


def _batch_row(found: batches.Progress, viewer: User) -> dict[str, Any]:
    batch, now = found.batch, time.time()
    bad = found.failed - found.dismissed
    return {
        "id": batch.id,
        "title": batches.title(batch),
        "has_files": batches.has_files(batch),
        "owner": batches.owner(batch) if batch.user != viewer.id else "",
        "made_label": near_label(batch.made_at, now),
        "ended": found.done + found.failed,
        "total": found.total,
        "waiting": found.waiting,
        "cancelled_label": f"{found.cancelled:,} cancelled" if found.cancelled else "",
        "failed_label": f"{bad:,} {'needs' if bad == 1 else 'need'} a look" if bad else "",
        "left_label": shapes.how_long(figures.expected(Chosen(batch=batch.id))),
    }


def _not_taken(user: User | None, viewer: User) -> dict[str, Any]:
    """Return what of the inbox was not taken: the newest batches, and how many files before."""
    found, now = untaken.found(user), time.time()
    return {
        "untaken": [
            {
                "batch": one.batch.id,
                "words": shapes.untaken(one.count),
                "owner": batches.owner(one.batch) if one.batch.user != viewer.id else "",
                "made_label": near_label(one.batch.made_at, now),
            }
            for one in found[:UNTAKEN]
        ],
        "untaken_before": sum(one.count for one in found[UNTAKEN:]),
    }


def _kind_rows(
    counts: dict[str, dict[str, int]], pauses: dict[str, float], chores: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return the kinds of work of which something waits, or that are paused."""
    waiting = {
        task: sum(found.get(state, 0) for state in ledger.WAITING) for task, found in counts.items()
    }
    tasks = {task for task, count in waiting.items() if count and task not in chores}
    return [
        pause_row(task, pauses) | {"label": jobs.kind_label(task), "count": waiting.get(task, 0)}
        for task in sorted(tasks | (set(pauses) - {""}), key=lambda task: -waiting.get(task, 0))
    ]


def _cause_rows(
    causes: list[figures.Cause], user: User | None, viewer: User
) -> list[dict[str, Any]]:
    """Return the causes of failures, each with some of the jobs that failed for it."""
    if not causes:
        return []
    newest = [cause.newest for cause in causes]
    found = jobs.listed(Chosen(user, BAD), EXAMPLES)
    found += jobs.by_ids(set(newest) - {job.id for job in found})
    examples: dict[tuple[str, str], list[Job]] = {(c.task, c.cause): [] for c in causes}
    for job in found:
        same = examples.get((job.task, job.cause or ""), [])
        same += [job] if len(same) < SHOWN else []
    return [
        {
            "count": cause.count,
            "id": cause.newest,
            "those": {"task": cause.task, "cause": cause.cause},
            "error": cause.error,
            "label": jobs.kind_label(cause.task),
            "jobs": job_rows(examples[cause.task, cause.cause], viewer),
        }
        for cause in causes
    ]
