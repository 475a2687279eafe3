"""Films: what is told of videos and of the clips of photos, and where they can be played."""

from typing import Any

from homequeue import ledger
from homequeue.models import Asset, Job
from homequeue.services import assets, conversion, delays, ingest, video
from homequeue.web.held import held_for

#: What a browser is told that it gets: some refuse by name what they play under another.
PLAYED_AS = {"video/quicktime": "video/mp4", "video/3gpp": "video/mp4"}
#: What may be tried again.
BAD = (ledger.FAILED, ledger.QUARANTINED, ledger.CANCELLED)
CANNOT = "Browsers do not play this kind of video. Download it to watch it."
CANNOT_CLIP = "It has a clip, of a kind that browsers do not play."
NO_FFMPEG = " With ffmpeg on the server it would be converted when the preview is made again."
#: What moves and is larger than this, in bytes, waits until somebody asks for it.
HEAVY = 12_000_000


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


def is_live(asset: Asset) -> bool:
    """Tell whether a photo has a clip: in its own file, or in another one."""
    return asset.kind != assets.VIDEO and (asset.motion is not None or asset.pair is not None)


def live_json(asset: Asset) -> dict[str, int] | None:
    """Return which other file a Live Photo has, as the API tells it of either of the two."""
    if asset.pair is None:
        return None
    return {"photo" if asset.is_clip else "clip": asset.pair}


def clip(asset: Asset) -> dict[str, Any] | None:
    """Return where the clip of a photo can be played, or words for why it cannot; None without."""
    if not is_live(asset) or asset.state != assets.READY:
        return None
    source = asset if asset.motion is not None else assets.partner(asset)
    made = assets.rendition(source, conversion.spec_of(source))
    is_playable = source.state == assets.READY and (conversion.is_played(source) or made)
    coming = not is_playable and source.state == assets.READY and is_coming(source)
    if is_playable:
        version = made.checksum if made else source.checksum
        url, words = f"/api/assets/{asset.id}/motion?v={version[:12]}", ""
    elif coming:
        url, words = None, _words_of_clip(conversion.latest(source))
    else:
        url, words = None, source.error or CANNOT_CLIP
        if source.error is None and not video.is_possible():
            words += NO_FFMPEG
    return {"url": url, "is_coming": coming, "words": words}


def moving(asset: Asset) -> dict[str, Any] | None:
    """Return where an animated picture moves, and how large that is if it is much; None of others.

    A damaged one is shown by what was made of it: browsers may show nothing at all.
    """
    if not asset.animated or asset.damaged:
        return None
    heavy = ingest.in_words(asset.size) if asset.size > HEAVY else ""
    return {"url": f"/api/assets/{asset.id}/original", "heavy": heavy}


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
    if why := delays.of(job):
        return f"To be made ready to play, it waits {held_for(why)}."
    if job.state != ledger.RUNNING:
        return "It is made ready to play when its turn comes."
    return f"Being made ready to play: {round(100 * (job.progress or 0))} %"


def _words_of_clip(job: Job | None) -> str:
    why = delays.of(job) if job is not None else None
    if why:
        return f"To be made ready to play, its clip waits {held_for(why)}."
    return "Its clip is being made ready to play."
