"""The activity page: what is being done, what waits for it, and what needs a look."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bottle import HTTPResponse

from homequeue import holds, ledger
from homequeue.models import Job, User
from homequeue.queue import queue
from homequeue.services import assets, batches, figures, jobs, machine, pulse
from homequeue.services.jobs import Chosen
from homequeue.web import shapes
from homequeue.web.pages import conditional, page, say
from homequeue.web.rows import BAD, job_rows
from homequeue.web.visits import Visit

#: How many jobs the page lists of those that run or are done, and of those that come next.
LISTED, NEXT = 10, 5
#: How many causes it tells apart, of how many failures it looks for examples, how many it shows.
CAUSES, EXAMPLES, SHOWN = 20, 50, 5
#: Milliseconds until the page asks again, by whether anything happens.
BUSY_REST, CALM_REST = 2_000, 10_000
#: Seconds after which the page is another although nothing moved: it tells for how long.
BUSY_BEAT, CALM_BEAT = 2, 60
BATCHES = {"upload": "Upload", "import": "Import", "again": "Pictures made again"}


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
    user, pauses = whose(visit), holds.pauses()
    counts = figures.counts_by_task(user)
    chores = tuple(queue.periodic_tasks())
    # The house's own chores would bury everything else; they have a table of their own.
    wait = Chosen(user, ledger.WAITING, besides=chores)
    done = Chosen(user, (ledger.SUCCEEDED, ledger.CANCELLED), besides=chores)
    running = jobs.listed(Chosen(user, (ledger.RUNNING,)), LISTED)
    waiting = _sum(counts, ledger.WAITING, chores)
    found_causes = figures.causes(user)
    is_paused = bool(pauses.get(""))
    return {
        "back": saying("/activity"),
        "rest": BUSY_REST if running or (waiting and not is_paused) else CALM_REST,
        "summary": _summary(user, counts, bool(running), waiting, bool(found_causes)),
        "is_busy": bool(running),
        "pause": pause_row("", pauses),
        "problems": machine.problems(),
        "batches": [_batch_row(one, visit.user) for one in batches.unfinished(user)],
        "causes": _cause_rows(found_causes[:CAUSES], user, visit.user),
        "failed_total": _sum(counts, BAD),
        "causes_left": max(0, len(found_causes) - CAUSES),
        "running": job_rows(running, visit.user),
        "kinds": _kind_rows(counts, pauses, chores),
        "waiting": job_rows(jobs.upcoming(wait, NEXT), visit.user),
        "waiting_total": waiting,
        "recent": job_rows(jobs.ended(done, LISTED), visit.user),
    }


def _sum(
    counts: dict[str, dict[str, int]], states: tuple[str, ...], besides: tuple[str, ...] = ()
) -> int:
    tasks = [found for task, found in counts.items() if task not in besides]
    return sum(found.get(state, 0) for found in tasks for state in states)


def _summary(
    user: User | None,
    counts: dict[str, dict[str, int]],
    is_running: bool,
    waiting: int,
    has_failed: bool,
) -> str:
    """Return in one sentence what goes on."""
    of_photos = counts.get("process_asset", {})
    photos = sum(of_photos.get(state, 0) for state in (*ledger.WAITING, ledger.RUNNING))
    if assets.paused_until() > time.time():
        few = f"Paused, with {shapes.photos(photos)} waiting."
        return few if photos else "Paused. No photo is waiting."
    if (photos or waiting) and not figures.present_workers():
        work = shapes.photos(photos) if photos else "something"
        return f"Nobody is working, and {work} {'waits' if photos <= 1 else 'wait'}."
    if photos:
        own = Chosen(user, task="process_asset")
        left = shapes.left_label(figures.seconds_until_done(own))
        return f"Making previews for {shapes.photos(photos)}{f', {left}' if left else ''}."
    if is_running:
        return "Working."
    if waiting:
        return "Nothing to do right now. Something is waiting for its time."
    if has_failed:
        return "All done, except for what needs a look below."
    return "All done. Nothing is waiting."


def _batch_row(found: batches.Progress, viewer: User) -> dict[str, Any]:
    batch, now = found.batch, time.time()
    ended = found.total - found.left
    is_held = assets.paused_until() > now
    left = "" if is_held else shapes.left_label(figures.seconds_until_done(Chosen(batch=batch.id)))
    failed = f"{found.failed:,} {'needs' if found.failed == 1 else 'need'} a look"
    return {
        "id": batch.id,
        "title": BATCHES.get(batch.kind, batch.kind),
        "owner": batches.owner(batch) if batch.user != viewer.id else "",
        "made_label": shapes.near_label(batch.made_at, now),
        "ended": ended,
        "total": found.total,
        "failed_label": failed if found.failed else "",
        "left_label": left,
    }


def _kind_rows(
    counts: dict[str, dict[str, int]], pauses: dict[str, float], chores: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return the kinds of work of which something waits, or that are paused."""
    waiting = {task: _sum({task: found}, ledger.WAITING) for task, found in counts.items()}
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
    examples: dict[tuple[str, str], list[Job]] = {(c.task, c.error): [] for c in causes}
    for job in found:
        same = examples.get((job.task, job.error or ""), [])
        same += [job] if len(same) < SHOWN else []
    return [
        {
            "count": cause.count,
            "like": cause.newest,
            "error": cause.error,
            "label": jobs.kind_label(cause.task),
            "jobs": job_rows(examples[cause.task, cause.error], viewer),
        }
        for cause in causes
    ]
