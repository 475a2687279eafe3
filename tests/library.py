"""Photos for the library under test, and what can be seen of it from outside."""

import hashlib
from pathlib import Path
from typing import Any

from PIL import Image

from homequeue import ledger, tasks
from homequeue.causes import cause
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition, User, tables
from homequeue.queue import queue
from homequeue.services import batches, ingest
from tests import pictures


def jpeg(number: int = 1) -> bytes:
    """A small photo; another number gives other bytes."""
    picture = Image.new("RGB", (48, 32), (number % 256, number // 256 % 256, 99))
    return pictures.data(picture, comment=f"photo {number}")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def receive(
    owner: User, data: bytes, filename: str = "photo.jpg", modified: float | None = None
) -> ingest.Received:
    return ingest.receive(ingest.Upload(owner, filename, modified), [data])


def send(
    owner: User, data: bytes, filename: str = "photo.jpg", modified: float | None = None
) -> ingest.Kept:
    """What an upload does, without the web."""
    return record([receive(owner, data, filename, modified)])[0]


def record(
    received: list[ingest.Received], defer: ingest.Defer = tasks.process_asset
) -> list[ingest.Kept]:
    """Record what a user sends now."""
    return ingest.record(received, defer, lambda: batches.of_now(received[0].upload.owner))


def row(owner: User, number: int, **values: Any) -> Asset:
    """An asset that is only a row, for tests that look at no bytes."""
    defaults = {
        "owner": owner,
        "checksum": f"{number:064x}",
        "mime": "image/jpeg",
        "filename": f"IMG_{number}.jpg",
        "path": f"originals/2024/07/IMG_{number}.jpg",
        "size": 1234,
        "width": 48,
        "height": 32,
        "taken_at": f"2024-07-12T18:{number % 60:02}:00",
        "taken_at_source": "upload",
        "notified_at": 0,
    }
    return Asset.create(**defaults | values)


def whole(owner: User, number: int = 1, **values: Any) -> Asset:
    """A ready asset with its original and renditions on disk, without any processing."""
    data = jpeg(number)
    path = f"originals/whole-{owner.id}-{number}.jpg"
    (media.root / path).write_bytes(data)
    made = {"state": "ready", "path": path, "checksum": sha256(data), "size": len(data)}
    asset = row(owner, number, **made | values)
    for spec in ("preview", "thumbnail"):
        picture = data + spec.encode()
        Rendition.create(
            asset=asset,
            spec=spec,
            path=media.keep_rendition(f"{asset.id}-{spec}.jpg", picture),
            mime="image/jpeg",
            width=48,
            height=32,
            size=len(picture),
            checksum=sha256(picture),
        )
    return asset


def job(state: str = ledger.QUEUED, task: str = "process_asset", **values: Any) -> Job:
    """A job in any state, as if it had got there by itself."""
    if values.get("error"):
        values = {"cause": cause(values["error"])} | values
    return Job.create(task=task, state=state, **values)


def originals() -> list[str]:
    return sorted(media.originals())


def incoming() -> list[str]:
    return sorted(path.name for path in (media.root / "incoming").iterdir())


def rendition_files() -> list[Path]:
    return sorted(path for path in (media.root / "renditions").rglob("*") if path.is_file())


def snapshot() -> dict[str, list[Any]]:
    """Everything that is in the database."""
    return {kind.__name__: sorted(kind.select().tuples(), key=repr) for kind in tables()}


def execute_one() -> Job | None:
    """Claim and run the most urgent due job; the job as it then is."""
    task = queue.dequeue()
    if task is None:
        return None
    queue.execute(task)
    return Job.get_by_id(task.job.id)
