"""Jobs and the queue: the API, and what the buttons of the activity page do.

What changes something takes JSON, or a form, which is then sent back to the page it came from.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from bottle import HTTPResponse

from homequeue import holds, ledger, tasks
from homequeue.errors import Invalid
from homequeue.models import Job, User
from homequeue.services import assets, batches, crew, figures, jobs, machine, steering
from homequeue.web import shapes
from homequeue.web.shapes import rfc3339
from homequeue.web.visits import Visit, as_json, see_other

Act = Callable[[Job, str], None]
ActOnAll = Callable[[jobs.Chosen, str], int]
#: The longest history that can be asked for, in hours.
LONGEST_HISTORY = 32 * 24


def list_jobs(visit: Visit) -> HTTPResponse:
    """List jobs, newest first; members see those of their own photos."""
    limit = visit.number("limit", 100, 500)
    before = visit.number("cursor", 0, 2**62) or None
    found = jobs.listed(chosen(visit), limit + 1, before)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return as_json({"jobs": _json(visit, found[:limit]), "next": following})


def chosen(visit: Visit) -> jobs.Chosen:
    """Return which jobs the address of a list asks for."""
    states = tuple((visit.query("state") or "").replace(",", " ").split())
    if unknown := set(states) - set(ledger.STATES):
        raise Invalid(f"There is no state {', '.join(sorted(unknown))}.")
    like = _like(visit, visit.number("like", 0, 2**62))
    return replace(
        like,
        states=states,
        task=like.task or visit.query("task") or None,
        asset=visit.number("asset", 0, 2**62) or None,
        batch=visit.number("batch", 0, 2**62) or None,
        text=visit.query("q") or "",
    )


def get_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Show one job."""
    job = jobs.get(job_id, _whose(visit))
    return as_json(_json(visit, [job])[0] | shapes.job_details(job, visit.user))


def on_job(visit: Visit, job_id: int, act: Act) -> HTTPResponse:
    """Do something to one job."""
    act(jobs.get(job_id, _whose(visit)), visit.user.name)
    return _done(visit, lambda: get_job(visit, job_id))


def on_failed(visit: Visit, act: ActOnAll) -> HTTPResponse:
    """Do something to all jobs that ended badly, of a `task`, an `error`, or `like` another."""
    fields = visit.fields()
    task, error = _text(fields, "task") or None, _text(fields, "error") or None
    group = jobs.Chosen(user=_whose(visit), task=task, error=error)
    if (like := _number(visit, "like", jobs.LARGEST)) is not None:
        group = _like(visit, int(like))
    count = act(group, visit.user.name)
    return _done(visit, lambda: as_json({"jobs": count}))


def get_queue(visit: Visit) -> HTTPResponse:
    """Show the queue as a whole; members see the figures of their own jobs."""
    whose = _whose(visit)
    left = figures.seconds_left(whose)
    return as_json(
        {
            "counts": jobs.counts(whose),
            "tasks": figures.counts_by_task(whose),
            "throughput": {
                "minute": figures.throughput(60, whose),
                "hour": figures.throughput(3600, whose),
            },
            "oldest_wait": round(figures.oldest_wait(whose), 3),
            "workers": [_worker(hand) for hand in crew.on_duty()],
            "batches": [_batch(progress) for progress in batches.unfinished(whose)],
            "photos_left": figures.photos_left(whose),
            "seconds_left": None if left is None else round(left, 1),
            "paused_until": rfc3339(holds.paused_until() or None),
            "paused_tasks": {
                task: rfc3339(until) for task, until in holds.pauses().items() if task
            },
            "periodic": [_periodic(row) for row in figures.periodic()],
            **(_for_admins() if whose is None else {}),
        }
    )


def get_history(visit: Visit) -> HTTPResponse:
    """Show how the jobs of each task fared, hour by hour."""
    hours = visit.number("hours", 24, LONGEST_HISTORY)
    rows = [
        {
            "hour": rfc3339(row.hour * figures.HOUR),
            "task": row.task,
            "succeeded": row.succeeded,
            "failed": row.failed,
            "wait": row.wait,
            "median": row.median,
            "p95": row.p95,
        }
        for row in figures.history(hours)
    ]
    return as_json({"hours": rows})


def pause_queue(visit: Visit) -> HTTPResponse:
    """Start no more jobs, or none of a `task`, for `seconds`, until "morning" or until resumed."""
    fields = visit.fields()
    until = _text(fields, "until")
    if until not in ("", "morning"):
        raise Invalid("“until” is morning, or is left out.")
    seconds = steering.until_morning() if until else _number(visit, "seconds", 10**9)
    steering.pause(seconds, visit.user.name, _text(fields, "task"))
    return _done(visit, lambda: get_queue(visit))


def resume_queue(visit: Visit) -> HTTPResponse:
    """Start jobs again, or those of a `task`."""
    steering.resume(visit.user.name, _text(visit.fields(), "task"))
    return _done(visit, lambda: get_queue(visit))


def set_workers(visit: Visit) -> HTTPResponse:
    """Let so many `workers` run side by side."""
    count = _number(visit, "workers", steering.MOST_WORKERS)
    if count is None or count != int(count):
        raise Invalid("“workers” takes a whole number.")
    steering.set_workers(int(count), visit.user.name)
    return _done(visit, lambda: get_queue(visit))


def make_again(visit: Visit) -> HTTPResponse:
    """Have pictures made again: the `missing` ones, or `all`; a `dry` run only counts them."""
    fields = visit.fields()
    which = _text(fields, "which")
    if which not in ("missing", "all"):
        raise Invalid("“which” is missing or all.")
    found = assets.unready() if which == "missing" else assets.all_present()
    if fields.get("dry"):
        return as_json({"photos": len(found)})
    count = steering.make_again(found, tasks.process_again, visit.user.name)
    return _done(visit, lambda: as_json({"photos": count}))


def run_periodic(visit: Visit, task: str) -> HTTPResponse:
    """Start periodic work now."""
    steering.run_now(task, visit.user.name)
    return _done(visit, lambda: get_queue(visit))


def switch_periodic(visit: Visit, task: str) -> HTTPResponse:
    """Switch periodic work `on` or off."""
    is_on = visit.fields().get("on") in (True, "1", "true")
    steering.switch(task, visit.user.name, is_on=is_on)
    return _done(visit, lambda: get_queue(visit))


def _done(visit: Visit, answer: Callable[[], HTTPResponse]) -> HTTPResponse:
    return see_other(visit.form("next") or "/activity") if visit.is_form else answer()


def _like(visit: Visit, job_id: int) -> jobs.Chosen:
    """Return the jobs of the same task that ended for the same reason as one; of 0 all."""
    whose = _whose(visit)
    if not job_id:
        return jobs.Chosen(user=whose)
    job = jobs.get(job_id, whose)
    return jobs.Chosen(user=whose, task=job.task, error=job.error)


def _whose(visit: Visit) -> User | None:
    return None if visit.user.is_admin else visit.user


def _json(visit: Visit, found: list[Job]) -> list[dict[str, Any]]:
    shown = shapes.jobs_json(found)
    if not visit.user.is_admin:
        for job in shown:
            job["traceback"] = None
    return shown


def _for_admins() -> dict[str, Any]:
    return {
        "kinds": [asdict(kind) for kind in figures.kinds()],
        "machine": asdict(machine.now()),
        "deeds": [
            {"at": rfc3339(deed.at), "who": deed.who, "words": deed.words}
            for deed in steering.deeds()
        ],
    }


def _worker(hand: crew.Hand) -> dict[str, Any]:
    return {
        "name": hand.name,
        "identity": hand.worker.identity,
        "started_at": rfc3339(hand.worker.started_at),
        "seen_at": rfc3339(hand.worker.seen_at),
        "job": hand.job.id if hand.job else None,
        "memory": hand.memory,
        "stuck": hand.is_stuck,
    }


def _batch(progress: batches.Progress) -> dict[str, Any]:
    left = figures.seconds_until_done(jobs.Chosen(batch=progress.batch.id))
    return {
        "id": progress.batch.id,
        "kind": progress.batch.kind,
        "made_at": rfc3339(progress.batch.made_at),
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "seconds_left": None if left is None else round(left, 1),
    }


def _periodic(row: dict[str, Any]) -> dict[str, Any]:
    job = row["last_job"]
    shown = shapes.outcome(job) if job else {"state": None, "result": None, "error": None}
    return {
        "task": row["task"],
        "on": row["is_on"],
        "last_due": rfc3339(row["last_due"]),
        **{f"last_{name}": value for name, value in shown.items()},
        "next_due": rfc3339(row["next_due"]),
    }


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name) or ""
    if not isinstance(value, str):
        raise Invalid(f"“{name}” takes text.")
    return value


def _number(visit: Visit, name: str, most: float) -> float | None:
    value = visit.fields().get(name)
    if value in (None, ""):
        return None
    if visit.is_form:
        with suppress(ValueError):
            value = float(str(value))
    if isinstance(value, bool | str) or not isinstance(value, int | float) or not 0 < value <= most:
        raise Invalid(f"“{name}” takes a number above 0.")
    return float(value)
