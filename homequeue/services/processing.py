"""Processing: make the renditions of one asset and read its metadata."""

import json
from dataclasses import asdict
from typing import Any, BinaryIO

from homequeue import config, ledger, runs
from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.services import assets, imaging, metadata, sandbox

EXTENSIONS = {"image/jpeg": "jpg", "image/webp": "webp"}


def process(asset_id: int) -> None:
    """Make an asset ready: its pictures, its metadata and the success of the job, or nothing.

    The file is opened by a child process with limits, so that whatever it is costs this job only.
    """
    if not assets.move(asset_id, assets.PROCESSING):
        return
    asset: Asset = Asset.get_by_id(asset_id)
    runs.report("Opening the photo")
    answer = examine(asset)
    runs.used(answer.peak_memory)
    renditions = [
        _keep(asset, picture, data)
        for picture, data in zip(answer.value["pictures"], answer.blobs, strict=True)
    ]
    former = {row.path for row in Rendition.select().where(Rendition.asset == asset)}
    made = {row["path"] for row in renditions}
    # Before files are removed, it must be certain that no row speaks of them.
    with ledger.finishing(durable=bool(former - made)):
        is_ready = assets.move(asset_id, assets.READY, error=None, **_columns(answer.value))
        if is_ready:
            Rendition.delete().where(Rendition.asset == asset).execute()
            Rendition.insert_many(renditions).execute()
    # Whoever deleted it for good meanwhile could not know of what was made just now.
    for path in former - made if is_ready else made:
        media.remove(path)


def examine(asset: Asset) -> sandbox.Answer:
    """Render and read an original in a child process with the limits of the settings."""
    options = config.settings().renditions
    specs = (
        imaging.Spec("preview", options.preview, "JPEG", 80),
        imaging.Spec("thumbnail", options.thumbnail, "WEBP", 75),
    )
    limits = sandbox.Limits(memory=options.memory, seconds=options.seconds)
    with media.open(asset.path) as file:
        return sandbox.run(_examine, file, specs, options.memory, limits=limits)


def give_up(words: str, asset_id: int) -> None:
    """Say of an asset that its pictures could not be made, and why."""
    assets.move(asset_id, assets.FAILED, error=words)


def revive(asset_id: int) -> None:
    """Say of an asset that its pictures are to be made once more."""
    assets.move(asset_id, assets.PENDING, error=None)


def _examine(
    file: BinaryIO, specs: tuple[imaging.Spec, ...], memory: int
) -> tuple[Any, list[bytes]]:
    found = metadata.read(file)
    file.seek(0)
    rendered = imaging.render(file, specs, memory)
    value = {
        "width": rendered.width,
        "height": rendered.height,
        "damaged": rendered.damaged,
        "pictures": [
            {"spec": p.spec.name, "mime": p.mime, "width": p.width, "height": p.height}
            for p in rendered.pictures
        ],
        "metadata": asdict(found),
    }
    return value, [picture.data for picture in rendered.pictures]


def _keep(asset: Asset, picture: dict[str, Any], data: bytes) -> dict[str, Any]:
    # The name holds the checksum: what a row describes is never another row's bytes.
    checksum = media.checksum(data)
    extension = EXTENSIONS[picture["mime"]]
    name = f"{asset.id % 256:02x}/{asset.id}-{picture['spec']}-{checksum[:8]}.{extension}"
    path = media.keep_rendition(name, data)
    return {"asset": asset.id, "path": path, "size": len(data), "checksum": checksum, **picture}


def _columns(value: dict[str, Any]) -> dict[str, Any]:
    found = value["metadata"]
    columns = {
        name: found[name] for name in ("make", "model", "lens", "lat", "lon", "rating", "caption")
    }
    if found["taken_at"]:
        columns |= {
            "taken_at": found["taken_at"],
            "taken_offset": found["offset"],
            "taken_at_source": found["taken_at_source"],
        }
    return columns | {
        "exposure": json.dumps(found["exposure"]),
        "width": value["width"],
        "height": value["height"],
        "damaged": value["damaged"],
    }
