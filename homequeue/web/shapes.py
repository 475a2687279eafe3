"""What assets and jobs look like from outside: the JSON of the API and the dicts of the pages."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from homequeue import histories, ledger
from homequeue.models import Asset, Job, Rendition, User
from homequeue.services import assets, figures, ingest, jobs, steering
from homequeue.web import films
from homequeue.web.moments import moment_label, near_label

STATE_WORDS = {
    ledger.QUEUED: "Waiting",
    ledger.SCHEDULED: "Waiting for its time",
    ledger.RUNNING: "Running",
    ledger.RETRYING: "Will be tried again",
    ledger.SUCCEEDED: "Done",
    ledger.FAILED: "Failed",
    ledger.CANCELLED: "Cancelled",
    ledger.QUARANTINED: "Set aside",
}
#: How jobs are, as lists of them are narrowed down.
LOOKS = STATE_WORDS | {jobs.DISMISSED: "Dismissed"}
#: Seconds of which nobody need know more exactly how many there are.
SOON = 50
TAKEN_SOURCES = {
    "upload": "when it was uploaded",
    "file": "when the file was last changed",
    "name": "taken from the file name",
    "video": "written in the video",
    "sidecar": "written in its sidecar file",
    "hand": "set by hand",
    "takeout": "from the Google Photos export",
}


def rfc3339(moment: float | None) -> str | None:
    """Return a moment as RFC 3339 in UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def asset_urls(asset: Asset) -> dict[str, str | None]:
    """Return where the bytes of an asset are, None for what is not made yet."""
    made = {row.spec: row for row in asset.renditions}  # type: ignore[attr-defined]
    urls = {
        "thumbnail": _rendition_url(asset, made.get("thumbnail")),
        "preview": _rendition_url(asset, made.get("preview")),
        "original": f"/api/assets/{asset.id}/original",
    }
    if films.is_live(asset):
        urls["motion"] = f"/api/assets/{asset.id}/motion"
    if asset.kind == assets.VIDEO:
        urls["video"] = films.address(asset, _rendition_url(asset, made.get("video")))
    return urls


def asset_json(asset: Asset, owner: User) -> dict[str, Any]:
    """Return an asset as the API shows it."""
    place = None if asset.lat is None else {"lat": asset.lat, "lon": asset.lon}
    return {
        "id": asset.id,
        "state": asset.state,
        "kind": asset.kind,
        "filename": asset.filename,
        "size": asset.size,
        "checksum": asset.checksum,
        "mime": asset.mime,
        "width": asset.width,
        "height": asset.height,
        "duration": asset.duration,
        "taken_at": asset.taken_at,
        "offset": asset.taken_offset,
        "taken_at_source": asset.taken_at_source,
        "doubt": asset.doubt,
        "candidate": asset.candidate,
        "uploaded_at": rfc3339(asset.uploaded_at),
        "camera": {"make": asset.make, "model": asset.model, "lens": asset.lens},
        "exposure": json.loads(asset.exposure),
        "gps": place,
        "rating": asset.rating,
        "caption": asset.caption,
        "tags": json.loads(asset.tags),
        "altitude": asset.altitude,
        "thumbhash": asset.thumbhash,
        "animated": asset.animated,
        "motion": json.loads(asset.motion) if asset.motion else None,
        "live": films.live_json(asset),
        "favorite": asset.favorite,
        "trashed_at": None if asset.awaits else rfc3339(asset.trashed_at),
        "awaits": asset.awaits,
        "guest": asset.guest,
        "owner": owner.name,
        "error": asset.error,
        "damaged": asset.damaged,
        "renditions": asset_urls(asset),
    }


def asset_tile(asset: Asset) -> dict[str, Any]:
    """Return an asset as the pages show it."""
    return {
        "id": asset.id,
        "state": asset.state,
        "kind": asset.kind,
        "filename": asset.filename,
        "width": asset.width,
        "height": asset.height,
        "error": asset.error,
        "damaged": asset.damaged,
        "favorite": asset.favorite,
        "thumbhash": asset.thumbhash,
        "animated": asset.animated,
        "is_live": films.is_live(asset),
        "duration_label": films.duration_label(asset.duration),
        "taken_label": day_label(asset.taken_at) + ", " + asset.taken_at[11:16],
        **asset_urls(asset),
    }


def taken_source(asset: Asset) -> str:
    """Return in words where the date of an asset was found."""
    return TAKEN_SOURCES.get(asset.taken_at_source, "written in the photo")


def asset_details(asset: Asset) -> dict[str, Any]:
    """Return an asset as the viewer shows it."""
    tile = asset_tile(asset)
    return tile | {
        "film": films.details(asset, tile.get("video")),
        "clip": films.clip(asset),
        "moving": films.moving(asset),
        "mime": asset.mime,
        "live_photo": asset.pair if asset.is_clip else None,
        "tags": json.loads(asset.tags),
        "rating": asset.rating,
        "altitude_label": _altitude_label(asset.altitude),
        "size_label": ingest.in_words(asset.size),
        "camera_label": _camera_label(asset),
        "lens": asset.lens or "",
        "exposure_label": _exposure_label(json.loads(asset.exposure)),
        "caption": asset.caption or "",
        "gps": None if asset.lat is None else {"lat": asset.lat, "lon": asset.lon},
        "taken_full_label": _taken_label(asset),
        "taken_source_label": taken_source(asset),
        "uploaded_label": moment_label(asset.uploaded_at),
        "trashed": asset.trashed_at is not None and not asset.awaits,
        "awaits": asset.awaits,
        "sender": None if asset.guest is None else asset.guest or "a guest",
        "has_original": assets.has_original(asset),
        "job_id": assets.failed_job(asset),
    }


def jobs_json(found: list[Job]) -> list[dict[str, Any]]:
    """Return jobs as the API shows them."""
    owners, children = jobs.owners(found), jobs.children(found)
    return [_job_json(job, owners.get(job.id), children[job.id]) for job in found]


def job_details(job: Job, *, is_admin: bool) -> dict[str, Any]:
    """Return what is told of one job beyond what a list tells of each."""
    return {
        "batch": job.batch,
        "follower": job.follower,
        "waits_for": job.waits_for,
        "step": job.step,
        "dismissed_at": rfc3339(job.dismissed_at),
        "deaths": job.deaths,
        "expires_at": rfc3339(job.expires_at),
        "timeout": job.timeout,
        "memory": job.memory,
        "stopped_by": job.stopped_by,
        "history": [
            entry | {"at": rfc3339(entry["at"])} for entry in moves(job, is_admin=is_admin)
        ],
        "log": job.log.splitlines() if is_admin else [],
    }


def moves(job: Job, *, is_admin: bool) -> list[dict[str, Any]]:
    """Return the moves of a job as its history has them; which worker made one is for admins."""
    entries = [json.loads(line) for line in job.history.splitlines()]
    if not is_admin:
        for entry in entries:
            if entry["state"] == histories.BEGUN:
                entry.pop("who", None)
    return entries


def outcome(job: Job) -> dict[str, Any]:
    """Return how a job ended."""
    result = json.loads(job.result) if job.result else None
    return {"state": job.state, "result": result, "error": job.error}


def duration(job: Job) -> float | None:
    """Return how many seconds a job took; None if it has not ended or never began."""
    if job.started_at is None or job.finished_at is None:
        return None
    return round(max(0.0, job.finished_at - job.started_at), 3)


def day_label(taken_at: str) -> str:
    """Return the day of a wall-clock time in words.

    >>> day_label("2024-07-12T18:15:00")
    'Friday, 12 July 2024'
    """
    day = datetime.fromisoformat(taken_at)
    return f"{day:%A}, {day.day} {day:%B %Y}"


def untaken(count: int) -> str:
    """Return how many files were not taken out of the inbox.

    >>> untaken(1), untaken(1200)
    ('1 file from the inbox was not taken', '1,200 files from the inbox were not taken')
    """
    files = "1 file" if count == 1 else f"{count:,} files"
    return f"{files} from the inbox {'was' if count == 1 else 'were'} not taken"


def since_label(seconds: float) -> str:
    """Return how long ago something was, in words."""
    return f"{ago(seconds)} ago" if seconds >= 1 else "just now"


def took_label(seconds: float) -> str:
    """Return how long something took, in few words.

    >>> took_label(0.0421), took_label(3.21), took_label(75)
    ('0.04 s', '3.2 s', '75 s')
    """
    if seconds >= 120:
        return ago(seconds)
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.{seconds < 10:d}f} s"


def left_label(seconds: float | None, *, is_least: bool = False) -> str:
    """Return how long something will still take, no more exactly than anybody can know.

    >>> left_label(20), left_label(340), left_label(5400), left_label(None)
    ('less than a minute', 'about 6 minutes', 'about 1½ hours', '')
    >>> left_label(340, is_least=True), left_label(20, is_least=True)
    ('at least about 6 minutes', 'at least some seconds')
    """
    if seconds is None:
        return ""
    if is_least:
        return f"at least {left_label(seconds) if seconds > SOON else 'some seconds'}"
    if seconds <= SOON:
        return "less than a minute"
    minutes = max(1, math.ceil(seconds / 60))
    if minutes <= 50:
        return f"about {minutes} minute{'s' if minutes != 1 else ''}"
    halves = max(2, round(seconds / 1800))
    if halves < 10:
        hours = f"{halves // 2}{'½' if halves % 2 else ''}"
        return f"about {hours} hour{'' if halves == 2 else 's'}"
    return f"about {ago(seconds)}"


def how_long(left: figures.Left | None) -> str:
    """Return how long something will still take, as far as it is known; empty if it is not."""
    return left_label(left.seconds, is_least=left.is_least) if left else ""


def paused_label(until: float, now: float) -> str:
    """Return until when the queue is paused, in words; empty if it is not."""
    if until <= now:
        return ""
    if until - now > steering.FOREVER / 2:
        return "Paused until somebody resumes."
    return f"Paused until {near_label(until, now)}."


def photos(count: int) -> str:
    """Return a number of photos in words.

    >>> photos(1), photos(1200)
    ('1 photo', '1,200 photos')
    """
    return "1 photo" if count == 1 else f"{count:,} photos"


def ago(seconds: float) -> str:
    """Return a span of time in words, rounded as people do.

    >>> ago(5), ago(90), ago(7200), ago(200000)
    ('5 seconds', '2 minutes', '2 hours', '2 days')
    """
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length or (seconds >= length and unit == "minute"):
            count = round(seconds / length + 1e-9)
            return f"{count} {unit}" + ("s" if count != 1 else "")
    count = max(0, int(seconds))
    return f"{count} second" + ("s" if count != 1 else "")


def _rendition_url(asset: Asset, rendition: Rendition | None) -> str | None:
    if rendition is None:
        return None
    return f"/api/assets/{asset.id}/{rendition.spec}?v={rendition.checksum[:12]}"


def _camera_label(asset: Asset) -> str:
    make, model = asset.make or "", asset.model or ""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()


def _taken_label(asset: Asset) -> str:
    day = datetime.fromisoformat(asset.taken_at)
    zone = f" (UTC{asset.taken_offset.replace('-', '−')})" if asset.taken_offset else ""
    return f"{day.day} {day:%B %Y, %H:%M:%S}{zone}"


def _altitude_label(metres: float | None) -> str:
    if metres is None:
        return ""
    return f"{abs(round(metres)):,} m {'below' if round(metres) < 0 else 'above'} the sea"


def _exposure_label(exposure: dict[str, Any]) -> str:
    forms = (
        ("time", "{} s"),
        ("f_number", "f/{}"),
        ("iso", "ISO {}"),
        ("focal_length", "{} mm"),
    )
    return " · ".join(form.format(exposure[name]) for name, form in forms if exposure.get(name))


def _job_json(job: Job, owner: str | None, children: list[int]) -> dict[str, Any]:
    return {
        "id": job.id,
        "task": job.task,
        "args": json.loads(job.args),
        "state": job.state,
        "asset": job.asset,
        "owner": owner,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "queued_at": rfc3339(job.queued_at),
        "due_at": rfc3339(job.due_at),
        "started_at": rfc3339(job.started_at),
        "finished_at": rfc3339(job.finished_at),
        "duration": duration(job),
        "result": json.loads(job.result) if job.result else None,
        "error": job.error,
        "traceback": job.traceback,
        "worker": job.worker,
        "parent": job.parent,
        "children": children,
        "progress": job.progress,
    }
