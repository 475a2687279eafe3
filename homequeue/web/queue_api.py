"""Jobs and the queue: the API, and what the buttons of the activity page do.

What changes something takes JSON, or a form, which is then sent back to the page it came from.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bottle import HTTPResponse

from homequeue import holds, ledger, tasks
from homequeue.errors import Invalid
from homequeue.models import Job, User
from homequeue.queue import strangers, workers
from homequeue.services import assets, batches, crew, figures, jobs, machine, steering
from homequeue.web import shapes
from homequeue.web.queue_shapes import (
    batch_json,
    chore_json,
    deed_json,
    held_json,
    storage_json,
    worker_json,
)
from homequeue.web.shapes import rfc3339
from homequeue.web.summary import look, summary
from homequeue.web.visits import Visit, as_json, see_other

Act = Callable[[Job, str], None]
ActOnAll = Callable[[jobs.Chosen, str], int]
#: The longest history that can be asked for, in hours.
LONGEST_HISTORY = 32 * 24
#: What the address of a list of jobs may say.
LISTED_BY = ("state", "task", "q", "asset", "batch", "cause", "cursor", "limit")
#: What every form of a page sends besides.
OF_FORMS = ("csrf", "next")
#: What a form says for yes and no.
SWITCHES = {"1": True, "0": False}


def list_jobs(visit: Visit) -> HTTPResponse:
    """List jobs, newest first; members see those of their own photos."""
    if unknown := set(visit.request.query) - set(LISTED_BY):
        raise Invalid(f"There is no {', '.join(sorted(unknown))} here: {', '.join(LISTED_BY)}.")
    limit = visit.number("limit", 100, 500)
    before = visit.number("cursor", 0, 2**62) or None
    found = jobs.listed(chosen(visit), limit + 1, before)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return as_json({"jobs": _json(visit, found[:limit]), "next": following})


def chosen(visit: Visit) -> jobs.Chosen:
    """Return which jobs the address of a list asks for."""
    states = tuple((visit.query("state") or "").replace(",", " ").split())
    if unknown := set(states) - {*ledger.STATES, jobs.DISMISSED}:
        raise Invalid(f"There is no state {', '.join(sorted(unknown))}.")
    return jobs.Chosen(
        user=_whose(visit),
        states=states,
        task=visit.query("task") or None,
        asset=visit.number("asset", 0, 2**62) or None,
        batch=visit.number("batch", 0, 2**62) or None,
        cause=visit.query("cause"),
        text=visit.query("q") or "",
    )


def get_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Show one job."""
    job = jobs.get(job_id, _whose(visit))
    return as_json(_json(visit, [job])[0] | shapes.job_details(job, is_admin=visit.user.is_admin))


def on_job(visit: Visit, job_id: int, act: Act) -> HTTPResponse:
    """Do something to one job."""
    act(jobs.get(job_id, _whose(visit)), visit.user.name)
    return _done(visit, lambda: get_job(visit, job_id))


def on_failed(visit: Visit, act: ActOnAll) -> HTTPResponse:
    """Do something to all jobs that ended badly, or to those of a `task` and a `cause`."""
    fields = _fields_of_many(visit, ("task", "cause"))
    cause = _text(fields, "cause") if "cause" in fields else None
    group = jobs.Chosen(user=_whose(visit), task=_text(fields, "task") or None, cause=cause)
    return _done_to_many(visit, act(group, visit.user.name))


def cancel_waiting(visit: Visit) -> HTTPResponse:
    """Cancel what waits of a `task`, of a `batch`, or of a task in a batch."""
    task = _text(_fields_of_many(visit, ("task", "batch")), "task") or None
    batch = _whole(visit, "batch", 2**31 - 1)
    if task is None and batch is None:
        raise Invalid("Say of which “task” or “batch”.")
    group = jobs.Chosen(user=_whose(visit), task=task, batch=batch)
    return _done_to_many(visit, steering.cancel_all(group, visit.user.name))


def _done_to_many(visit: Visit, count: int) -> HTTPResponse:
    if visit.is_form and not count:
        # What the button promised to say is not so.
        return see_other(re.sub(r"\bsaid=\w+", "said=skipped", _back(visit)))
    return _done(visit, lambda: as_json({"jobs": count}))


def get_queue(visit: Visit) -> HTTPResponse:
    """Show the queue as a whole; members see the figures of their own jobs."""
    whose = _whose(visit)
    causes, alive = figures.causes(whose), len(figures.present_workers())
    left = figures.seconds_left(whose) if alive else None
    return as_json(
        {
            "summary": summary(look(whose, causes)),
            "causes": [asdict(cause) for cause in causes],
            "counts": jobs.counts(whose),
            "tasks": figures.counts_by_task(whose),
            "throughput": {
                "minute": figures.throughput(60, whose),
                "hour": figures.throughput(3600, whose),
            },
            "oldest_wait": round(figures.oldest_wait(whose), 3),
            "workers_alive": alive,
            "batches": [batch_json(progress) for progress in batches.unfinished(whose)],
            "photos_left": figures.photos_left(whose),
            "held": held_json(whose),
            "seconds_left": None if left is None else round(left, 1),
            "paused_until": rfc3339(holds.paused_until() or None),
            "paused_tasks": {
                task: rfc3339(until) for task, until in holds.pauses().items() if task
            },
            "periodic": [chore_json(row) for row in figures.periodic()],
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


def list_deeds(visit: Visit) -> HTTPResponse:
    """List what people did to the queue, newest first."""
    limit = visit.number("limit", 100, 500)
    found = steering.deeds(limit + 1, visit.number("cursor", 0, 2**62) or None)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return as_json({"deeds": [deed_json(deed) for deed in found[:limit]], "next": following})


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
    count = _whole(visit, "workers", steering.MOST_WORKERS)
    if count is None:
        raise Invalid("“workers” takes a whole number.")
    steering.set_workers(count, visit.user.name)
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


def clear_strangers(visit: Visit) -> HTTPResponse:
    """Forget the messages that homequeue did not write."""
    count = steering.clear_strangers(visit.user.name)
    return _done(visit, lambda: as_json({"messages": count}))


def run_periodic(visit: Visit, task: str) -> HTTPResponse:
    """Start periodic work now."""
    steering.run_now(task, visit.user.name)
    return _done(visit, lambda: get_queue(visit))


def switch_periodic(visit: Visit, task: str) -> HTTPResponse:
    """Switch periodic work on or off, as `on` says."""
    wanted = visit.fields().get("on")
    wanted = SWITCHES.get(wanted) if isinstance(wanted, str) and visit.is_form else wanted
    if not isinstance(wanted, bool):
        raise Invalid("“on” is true or false.")
    steering.switch(task, visit.user.name, is_on=wanted)
    return _done(visit, lambda: get_queue(visit))


def _done(visit: Visit, answer: Callable[[], HTTPResponse]) -> HTTPResponse:
    return see_other(_back(visit)) if visit.is_form else answer()


def _back(visit: Visit) -> str:
    return visit.form("next") or "/activity"


def _fields_of_many(visit: Visit, known: tuple[str, ...]) -> dict[str, Any]:
    """Return what was sent to choose many jobs: a word that nobody knows must not mean all."""
    fields = visit.fields()
    if unknown := set(fields) - {*known, *OF_FORMS}:
        raise Invalid(f"There is no {', '.join(sorted(unknown))} here: {', '.join(known)}.")
    return fields


def _whose(visit: Visit) -> User | None:
    return None if visit.user.is_admin else visit.user


def _json(visit: Visit, found: list[Job]) -> list[dict[str, Any]]:
    shown = shapes.jobs_json(found)
    if not visit.user.is_admin:
        for job in shown:
            # The house's machines and processes are none of a member's business.
            job["traceback"] = job["worker"] = None
    return shown


def _for_admins() -> dict[str, Any]:
    return {
        "workers": [worker_json(hand) for hand in crew.on_duty()],
        "allowed": workers.asked_for(),
        "strained": workers.allowed() < workers.asked_for(),
        "storage": storage_json(),
        "kinds": [asdict(kind) for kind in figures.kinds()],
        "machine": asdict(machine.now()),
        "deeds": [deed_json(deed) for deed in steering.deeds()],
        "strange_messages": [
            {"at": rfc3339(stranger.at), "text": stranger.text} for stranger in strangers.found()
        ],
    }


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name) or ""
    if not isinstance(value, str):
        raise Invalid(f"“{name}” takes text.")
    return value


def _whole(visit: Visit, name: str, most: float) -> int | None:
    value = _number(visit, name, most)
    if value is not None and value != int(value):
        raise Invalid(f"“{name}” takes a whole number.")
    return None if value is None else int(value)


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
