"""Jobs as the pages show them: what they are about, how they are, what can be done to them."""

import time
from dataclasses import dataclass
from typing import Any

from homequeue import ledger
from homequeue.models import Asset, Job, User
from homequeue.services import assets, crew, jobs
from homequeue.web import shapes
from homequeue.web.shapes import STATE_WORDS, ago, since_label

BAD = ledger.BAD


@dataclass(frozen=True)
class Around:
    """What rows of jobs tell besides the jobs: photos by their id, and names."""

    viewer: User
    photos: dict[int, Asset]
    owners: dict[int, str]
    workers: dict[str, str]

    def own(self, job: Job) -> Asset | None:
        """Return the photo that a job is about, if it is one of the viewer's."""
        photo = self.photos.get(job.asset or 0)
        return photo if photo is not None and photo.owner_id == self.viewer.id else None


def job_rows(found: list[Job], viewer: User) -> list[dict[str, Any]]:
    """Return jobs as a user's pages show them."""
    around = _around(found, viewer)
    now = time.time()
    return [_row(job, around, now) for job in found]


def _around(found: list[Job], viewer: User) -> Around:
    ids = {job.asset for job in found if job.asset}
    run = any(job.worker for job in found if job.state == ledger.RUNNING)
    return Around(
        viewer,
        assets.by_ids(ids) if ids else {},
        jobs.owners(found) if viewer.is_admin else {},
        crew.names() if run and viewer.is_admin else {},
    )


def _row(job: Job, around: Around, now: float) -> dict[str, Any]:
    photo, own = around.photos.get(job.asset or 0), around.own(job)
    owner = around.owners.get(job.id, "")
    has_failed = job.state in BAD
    is_bad = has_failed and job.dismissed_at is None
    return {
        "id": job.id,
        "task": job.task,
        "label": jobs.label(job, photo.filename if photo else None),
        "state": job.state,
        "state_label": STATE_WORDS[job.state] + (", dismissed" if job.dismissed_at else ""),
        "is_bad": is_bad,
        "is_photo": job.asset is not None,
        # The bytes of others' photos are not an administrator's to see.
        "asset": own.id if own else None,
        "thumbnail": shapes.asset_urls(own)["thumbnail"] if own else None,
        "owner": owner if owner != around.viewer.name else "",
        "error": job.error or "" if job.state != ledger.SUCCEEDED else "",
        "traceback": (job.traceback or "") if around.viewer.is_admin else "",
        "when_label": _when_label(job, now),
        "took_label": _took_label(job, now),
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        # Those that its workers did not survive are no tries of its own.
        "next_try": job.attempts - job.deaths + 1 if job.state == ledger.RETRYING else None,
        "step": job.step or "",
        "percent": None if job.progress is None else round(100 * job.progress),
        "worker": around.workers.get(job.worker or "", ""),
        "is_slow": crew.is_slow(job),
        "is_stopping": bool(job.stopped_by) and job.state == ledger.RUNNING,
        "can_retry": has_failed or job.state == ledger.CANCELLED,
        "can_cancel": job.state in ledger.WAITING,
        "can_stop": job.state == ledger.RUNNING,
        "can_dismiss": is_bad,
    }


def _when_label(job: Job, now: float) -> str:
    """Return when a job ended or was queued, or from when on it may start."""
    if job.state in ledger.ENDED:
        return since_label(now - (job.finished_at or job.queued_at))
    if job.waits_for:
        return "after other work"
    if job.state != ledger.QUEUED and job.due_at > now + 1:
        return f"in {ago(job.due_at - now)}"
    return since_label(now - job.queued_at)


def _took_label(job: Job, now: float) -> str:
    """Return how long a job has been running or how long it took; empty if it never began."""
    if job.state == ledger.RUNNING and job.started_at is not None:
        taken = now - job.started_at
        return f"for {ago(taken)}" if taken >= 1 else "just begun"
    seconds = shapes.duration(job)
    if seconds is None:
        return ""
    return f"took {ago(seconds)}" if seconds >= 1 else "took less than a second"
