"""Films: what is told of a video besides its pictures, and where it can be played."""

from typing import Any

from homequeue import ledger
from homequeue.models import Asset, Job
from homequeue.services import assets, conversion

#: What a browser is told that it gets: some refuse by name what they play under another.
PLAYED_AS = {"video/quicktime": "video/mp4", "video/3gpp": "video/mp4"}
#: What may be tried again.
BAD = (ledger.FAILED, ledger.QUARANTINED, ledger.CANCELLED)
CANNOT = "Browsers do not play this kind of video. Download it to watch it."


def address(asset: Asset, converted: str | None) -> str | None:
    """Return where a video can be played, None if it cannot; `converted` is where it is so."""
    if asset.kind == assets.VIDEO and asset.playable and asset.state == assets.READY:
        return f"/api/assets/{asset.id}/video?v={asset.checksum[:12]}"
    return converted


def is_coming(asset: Asset) -> bool:
    """Tell whether a video is to be converted, or is being."""
    job = conversion.latest(asset)
    return job is not None and job.state in (*ledger.WAITING, ledger.RUNNING)


def details(asset: Asset, url: str | None) -> dict[str, Any]:
    """Return what the viewer tells of how a video can be watched; nothing of a photo."""
    if asset.kind != assets.VIDEO:
        return {}
    job = None if url or asset.state != assets.READY else conversion.latest(asset)
    is_bad = job is not None and job.state in BAD
    return {
        "url": url,
        "is_coming": job is not None and job.state in (*ledger.WAITING, ledger.RUNNING),
        "progress": job.progress if job is not None and job.state == ledger.RUNNING else None,
        "words": _words(job),
        "job_id": job.id if job is not None and is_bad else None,
    }


def duration_label(seconds: float | None) -> str:
    """Return how long a video is the way players say it.

    >>> duration_label(7.2), duration_label(3723), duration_label(None)
    ('0:07', '1:02:03', '')
    """
    if seconds is None:
        return ""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _words(job: Job | None) -> str:
    if job is None or job.state == ledger.SUCCEEDED:
        return CANNOT
    if job.state in BAD:
        return f"It could not be made ready to play: {job.error}"
    if job.state == ledger.RETRYING:
        return f"It could not be made ready to play just now, and will be tried again: {job.error}"
    if job.state != ledger.RUNNING:
        return "It is made ready to play when its turn comes."
    return f"Being made ready to play: {round(100 * (job.progress or 0))} %"
