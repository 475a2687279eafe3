"""Processing: make the renditions of one asset and read its metadata."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from homequeue import config, ledger, runs
from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.services import (
    assets,
    conversion,
    dates,
    developing,
    doubtful,
    doubts,
    duplicates,
    imaging,
    metadata,
    pairs,
    raw,
    sandbox,
    video,
)

#: What is called alike in the metadata of a file and in the table.
ALIKE = (
    *("make", "model", "lens", "lat", "lon", "altitude", "rating", "caption", "animated"),
    "content_id",
)
EXTENSIONS = {"image/jpeg": "jpg", "image/webp": "webp"}
#: The result of a job whose file could not be read to its end.
DAMAGED = "damaged: shown as far as it goes"


def process(asset_id: int, convert: Callable[[int], object]) -> None:
    """Make an asset ready: its pictures, its metadata and the success of the job, or nothing.

    The file is opened by a child process with limits, so that whatever it is costs this job only.
    `convert` defers the conversion of a video that browsers do not play.
    """
    if not assets.move(asset_id, assets.PROCESSING, *runs.fence()):
        return
    asset: Asset = Asset.get_by_id(asset_id)
    runs.report(f"Opening the {asset.kind}")
    answer = examine(asset)
    runs.used(answer.peak_memory)
    renditions = [
        _keep(asset, picture, data)
        for picture, data in zip(answer.value["pictures"], answer.blobs, strict=True)
    ]
    specs = [row["spec"] for row in renditions]
    same = (Rendition.asset == asset) & Rendition.spec.in_(specs)
    former = {row.path for row in Rendition.select().where(same)}
    made = {row["path"] for row in renditions}
    # Before files are removed, it must be certain that no row speaks of them.
    result = DAMAGED if answer.value["damaged"] else None
    with ledger.finishing(durable=bool(former - made), result=result):
        # What somebody has written by hand is more than what the file says.
        by_hand = assets.edited(asset_id)
        found = {n: v for n, v in _columns(asset, answer.value).items() if n not in by_hand}
        is_ready = assets.move(asset_id, assets.READY, error=None, **found)
        if is_ready:
            Rendition.delete().where(same).execute()
            Rendition.insert_many(renditions).execute()
            pairs.link(asset_id)
            _compare(asset_id)
            if conversion.is_wanted(asset_id):
                convert(asset_id)
    # Whoever deleted it for good meanwhile could not know of what was made just now.
    for path in former - made if is_ready else made:
        media.remove(path)


def examine(asset: Asset) -> sandbox.Answer:
    """Render and read an original in a child process with the limits of the settings."""
    options = config.settings().renditions
    specs = (
        replace(imaging.PREVIEW, edge=options.preview),
        replace(imaging.THUMBNAIL, edge=options.thumbnail),
    )
    limits = sandbox.Limits(memory=options.memory, seconds=options.seconds)
    hints = metadata.Hints(asset.filename, asset.modified_at, asset.sidecar)
    if asset.kind == assets.VIDEO:
        video.check_possible()
        with media.open(asset.path) as file:
            return sandbox.run(_examine_video, file, hints, specs, options.memory, limits=limits)
    with media.open(asset.path) as file:
        return sandbox.run(_examine, file, hints, specs, options.memory, limits=limits)


def give_up(words: str, asset_id: int) -> None:
    """Say of an asset that its pictures could not be made, and why; those it has are kept."""
    paths = [row.path for row in Rendition.select().where(Rendition.asset == asset_id)]
    has_pictures = bool(paths) and all(media.exists(path) for path in paths)
    if not (has_pictures and assets.move(asset_id, assets.READY)):
        assets.move(asset_id, assets.FAILED, error=words)


def revive(asset_id: int) -> None:
    """Say of an asset that its pictures are to be made once more."""
    assets.move(asset_id, assets.PENDING, error=None)


def _examine(
    file: BinaryIO, hints: metadata.Hints, specs: tuple[imaging.Spec, ...], memory: int
) -> tuple[Any, list[bytes]]:
    found = metadata.read(file, hints)
    if raw.kind(file):
        rendered = developing.render(file, specs, memory, found.orientation or 1)
    else:
        file.seek(0)
        rendered = imaging.render(file, specs, memory)
    told = rendered.told() | {"metadata": asdict(found)}
    return told, [picture.data for picture in rendered.pictures]


def _examine_video(
    file: BinaryIO, hints: metadata.Hints, specs: tuple[imaging.Spec, ...], memory: int
) -> tuple[Any, list[bytes]]:
    rendered, found, of_film = video.read(file, specs, memory)
    found = metadata.beside(found, hints.sidecar)
    told = rendered.told() | {"metadata": asdict(found), "of_film": of_film}
    return told, [picture.data for picture in rendered.pictures]


def _keep(asset: Asset, picture: dict[str, Any], data: bytes) -> dict[str, Any]:
    # The name holds the checksum: what a row describes is never another row's bytes.
    checksum = media.checksum(data)
    extension = EXTENSIONS[picture["mime"]]
    name = f"{asset.id % 256:02x}/{asset.id}-{picture['spec']}-{checksum[:8]}.{extension}"
    path = media.keep_rendition(name, data)
    return {"asset": asset.id, "path": path, "size": len(data), "checksum": checksum, **picture}


def _columns(asset: Asset, value: dict[str, Any]) -> dict[str, Any]:
    found = value["metadata"]
    columns = {name: found[name] for name in ALIKE}
    if found["taken_at"]:
        columns |= {
            "taken_at": found["taken_at"],
            "taken_offset": found["offset"],
            "taken_at_source": found["taken_at_source"],
        }
    else:
        columns |= _taken_beside(asset)
    return columns | {
        **_doubts(asset, columns, found),
        "exposure": json.dumps(found["exposure"]),
        "tags": json.dumps(found["tags"], ensure_ascii=False),
        "motion": json.dumps(found["motion"]) if found["motion"] else None,
        "width": value["width"],
        "height": value["height"],
        "damaged": value["damaged"],
        **value["looks"],
        **value.get("of_film", {}),
    }


def _compare(asset_id: int) -> None:
    """See what an asset tells of others, and they of it, now that its columns are written."""
    asset: Asset = Asset.get_by_id(asset_id)
    doubtful.spread(asset)
    duplicates.link(asset)


def _doubts(asset: Asset, columns: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Why the date is doubtful and what else it might be; nothing if it is not."""
    told = doubts.Told(
        taken_at=columns["taken_at"],
        source=columns["taken_at_source"],
        filename=asset.filename,
        model=found["model"],
        satellites=found["satellites"],
        unset=found["unset"],
        exposed="f_number" in found["exposure"],
    )
    doubt = doubts.find(told, datetime.now(UTC).replace(tzinfo=None))
    return {
        "doubt": doubt and doubt.reason,
        "candidate": doubt and doubt.candidate,
        "candidate_source": doubt and doubt.source,
    }


def _taken_beside(asset: Asset) -> dict[str, Any]:
    """The date of a file that says none itself: in its name, of its last change, of its arrival."""
    moments = [dates.from_name(asset.filename)]
    moments += [dates.from_instant(asset.modified_at, "file")] if asset.modified_at else []
    taken = dates.choose(moments, datetime.now(UTC).replace(tzinfo=None))
    taken = taken or dates.from_instant(asset.uploaded_at, "upload")
    return {
        "taken_at": taken.taken_at,
        "taken_offset": dates.offset_text(taken.offset),
        "taken_at_source": taken.source,
    }
