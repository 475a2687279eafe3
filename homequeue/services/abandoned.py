"""Uploads that were left alone: finished if they are full, forgotten when their time is over."""

import time
from contextlib import ExitStack, suppress

from homequeue import config
from homequeue.errors import Gone, HomequeueError, Locked
from homequeue.media import Grown, media
from homequeue.models import Upload
from homequeue.services import ingest, notify, resumable
from homequeue.services.resumable import DAY

#: A full upload nobody has finished for so many seconds is finished by a periodic task.
LEFT_ALONE = 60.0
#: Of an upload without a file.
NEVER = Grown(0, 0.0)


def forget_expired() -> int:
    """Forget uploads that waited too long, and files of which there is no row; tell how many."""
    before = time.time() - config.settings().uploads.expire_days * DAY
    old = [row.id for row in Upload.select(Upload.id).where(Upload.made_at < before)]
    forgotten = sum(_forget_if_expired(upload_id, before) for upload_id in old)
    grown = media.resumables()
    waiting = {row.id for row in Upload.select(Upload.id).where(Upload.ended_at.is_null())}
    for name, file in grown.items():
        # A file is there before its row.
        if name not in waiting and file.since < time.time() - DAY:
            media.forget_resumable(name)
    return forgotten


def finish_full(defer: ingest.Defer, report: notify.Report) -> int:
    """Finish uploads that are full and were left alone, as after a crash; return how many."""
    grown = media.resumables()
    finished = 0
    for upload in Upload.select().where(Upload.ended_at.is_null()):
        file = grown.get(upload.id, NEVER)
        if file.size == upload.size and file.since < time.time() - LEFT_ALONE:
            # What we do not take has its receipt, and the rest will be tried again.
            with suppress(HomequeueError):
                resumable.offset(upload, defer, report)
                finished += 1
    return finished


def _forget_if_expired(upload_id: str, before: float) -> bool:
    """Forget an upload to which nothing was added since a moment, unless somebody is at it."""
    with ExitStack() as held:
        try:
            held.callback(media.resume(upload_id).release)
        except Locked:
            return False
        except Gone:
            pass  # it has ended, or nothing of it is left
        # Only now can nobody add to it any more.
        upload = Upload.get_or_none(Upload.id == upload_id)
        if upload is None or _last_change(upload) >= before:
            return False
        media.forget_resumable(upload_id)
        Upload.delete().where(Upload.id == upload_id).execute()
        return True


def _last_change(upload: Upload) -> float:
    try:
        return resumable.last_change(upload)
    except Gone:
        return NEVER.since
