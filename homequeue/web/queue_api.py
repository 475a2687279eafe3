"""Jobs and the queue: the API, and the forms of the activity page."""

import time
from typing import Any

from bottle import HTTPResponse

from homequeue import holds, ledger
from homequeue.errors import Invalid
from homequeue.models import Job, User
from homequeue.services import figures, jobs, steering
from homequeue.web.shapes import jobs_json, rfc3339
from homequeue.web.visits import Visit, as_json, see_other


def list_jobs(visit: Visit) -> HTTPResponse:
    """List jobs, newest first; members see those of their own photos."""
    states = tuple((visit.query("state") or "").replace(",", " ").split())
    if unknown := set(states) - set(ledger.STATES):
        raise Invalid(f"There is no state {', '.join(sorted(unknown))}.")
    asset = visit.number("asset", 0, 2**62) or None
    chosen = jobs.Chosen(_whose(visit), states, visit.query("task"), asset)
    limit = visit.number("limit", 100, 500)
    before = visit.number("cursor", 0, 2**62) or None
    found = jobs.listed(chosen, limit + 1, before)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return as_json({"jobs": _json(visit, found[:limit]), "next": following})


def get_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Show one job."""
    return as_json(_json(visit, [jobs.get(job_id, _whose(visit))])[0])


def retry_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Queue a job again that ended badly."""
    steering.retry(jobs.get(job_id, _whose(visit)), visit.user.name)
    return get_job(visit, job_id)


def cancel_job(visit: Visit, job_id: int) -> HTTPResponse:
    """Cancel a job that waits."""
    steering.cancel(jobs.get(job_id, _whose(visit)), visit.user.name)
    return get_job(visit, job_id)


def get_queue(visit: Visit) -> HTTPResponse:  # noqa: ARG001
    """Show the queue as a whole."""
    paused = holds.paused_until()
    return as_json(
        {
            "counts": ledger.counts(),
            "tasks": figures.counts_by_task(),
            "workers": [
                {"name": worker.identity, "started_at": rfc3339(worker.started_at)}
                for worker in figures.present_workers()
            ],
            "throughput": {"minute": figures.throughput(60), "hour": figures.throughput(3600)},
            "oldest_wait": round(figures.oldest_wait(), 3),
            "paused_until": rfc3339(paused) if paused > time.time() else None,
            "periodic": [_periodic(row) for row in figures.periodic()],
        }
    )


def pause_queue(visit: Visit) -> HTTPResponse:
    """Start no more jobs, for `seconds` or until resumed."""
    seconds = visit.json().get("seconds")
    if seconds is not None and (type(seconds) not in (int, float) or not 0 < seconds < 10**9):
        raise Invalid("“seconds” takes a number above 0.")
    steering.pause(seconds, visit.user.name)
    return get_queue(visit)


def resume_queue(visit: Visit) -> HTTPResponse:
    """Start jobs again."""
    steering.resume(visit.user.name)
    return get_queue(visit)


def retry_by_form(visit: Visit, job_id: int) -> HTTPResponse:
    """Queue a job again, then go back to the page."""
    steering.retry(jobs.get(job_id, _whose(visit)), visit.user.name)
    return _back(visit)


def cancel_by_form(visit: Visit, job_id: int) -> HTTPResponse:
    """Cancel a job, then go back to the page."""
    steering.cancel(jobs.get(job_id, _whose(visit)), visit.user.name)
    return _back(visit)


def retry_failed_by_form(visit: Visit) -> HTTPResponse:
    """Queue all failed jobs again, then go back to the page."""
    steering.retry_all(jobs.Chosen(_whose(visit)), visit.user.name)
    return _back(visit)


def pause_by_form(visit: Visit) -> HTTPResponse:
    """Pause the queue, then go back to the page."""
    steering.pause(None, visit.user.name)
    return _back(visit)


def resume_by_form(visit: Visit) -> HTTPResponse:
    """Resume the queue, then go back to the page."""
    steering.resume(visit.user.name)
    return _back(visit)


def _back(visit: Visit) -> HTTPResponse:
    return see_other(visit.form("next") or "/activity")


def _whose(visit: Visit) -> User | None:
    return None if visit.user.is_admin else visit.user


def _json(visit: Visit, found: list[Job]) -> list[dict[str, Any]]:
    shown = jobs_json(found)
    if not visit.user.is_admin:
        for job in shown:
            job["traceback"] = None
    return shown


def _periodic(row: dict[str, Any]) -> dict[str, Any]:
    job = row["last_job"]
    return {
        "task": row["task"],
        "last_due": rfc3339(row["last_due"]),
        "last_state": job.state if job else None,
        "next_due": rfc3339(row["next_due"]),
    }
