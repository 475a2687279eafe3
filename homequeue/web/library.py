"""The assets of the API: lists, single ones, changes, the trash."""

import re
from typing import Any

from bottle import HTTPResponse

from homequeue import tasks
from homequeue.errors import Conflict, Invalid, TooLarge
from homequeue.models import Asset
from homequeue.services import assets, cleanup, ingest, receipts, sidecars, xmp
from homequeue.web import pages
from homequeue.web.shapes import asset_json, rfc3339
from homequeue.web.visits import Visit, as_json

MOST_CHECKSUMS, MOST_FILES = 10_000, 1000


def list_assets(visit: Visit) -> HTTPResponse:
    """List assets, newest taken first, a page at a time."""
    album = pages.album_chosen(visit)
    chosen = assets.Filter(
        trashed=bool(visit.flag("trashed")),
        awaits=bool(visit.flag("awaits")),
        favorite=visit.flag("favorite"),
        kind=visit.query("kind"),
        q=visit.query("q"),
        album=album.id if album else None,
        ids=_ids(visit.query("ids") or ""),
    )
    limit = visit.number("limit", assets.PAGE, 500)
    shown, following = assets.timeline(visit.user, chosen, visit.query("cursor"), limit)
    answer = {"assets": [asset_json(asset, visit.user) for asset in shown], "next": following}
    paused = assets.paused_until()
    # Who waits for pictures learns here why none come.
    if paused:
        answer["paused_until"] = rfc3339(paused)
    return as_json(answer)


def _ids(text: str) -> tuple[int, ...]:
    """Return the numbers of “ids”, such as 4,7,9."""
    if not re.fullmatch(r"(\d{1,18}(,\d{1,18}){0,199})?", text, re.ASCII):
        raise Invalid("“ids” takes up to 200 numbers with commas between them.")
    return tuple(int(number) for number in text.split(",") if number)


def check_assets(visit: Visit) -> HTTPResponse:
    """Tell what is here already, so that it need not be sent; files have their receipts then."""
    asked = visit.json()
    if "files" in asked:
        return _check_files(visit, asked["files"])
    found = assets.known(visit.user, _checksums(asked.get("checksums"), MOST_CHECKSUMS))
    return as_json(
        {
            "known": {key: one.id for key, one in found.items() if one.trashed_at is None},
            "trashed": {key: one.id for key, one in found.items() if one.trashed_at is not None},
        }
    )


def _check_files(visit: Visit, given: object) -> HTTPResponse:
    files: list[Any] = given if isinstance(given, list) else [None]
    if not all(isinstance(one, dict) and isinstance(one.get("filename"), str) for one in files):
        raise Invalid("“files” takes a list, each with “checksum” and “filename”.")
    checksums = _checksums([one.get("checksum") for one in files], MOST_FILES)
    names = [one["filename"] for one in files]
    kept, batch = ingest.recognise(visit.user, list(zip(checksums, names, strict=True)))
    by_outcome: dict[str, dict[str, int]] = {receipts.KNOWN: {}, receipts.RESTORED: {}}
    for one in kept:
        by_outcome[one.outcome][one.asset.checksum] = one.asset.id
    return as_json(by_outcome | {"batch": batch})


def _checksums(given: object, most: int) -> list[str]:
    if not isinstance(given, list) or len(given) > most:
        raise Invalid(f"At most {most:,} are looked for at once, in a list.")
    for checksum in given:
        if not isinstance(checksum, str) or not re.fullmatch("[0-9a-fA-F]{64}", checksum):
            raise Invalid("A checksum is a SHA-256 in hexadecimal.")
    return [checksum.lower() for checksum in given]


def get_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Show one asset."""
    return as_json(asset_json(assets.get(visit.user, asset_id), visit.user))


def patch_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Change favorite, caption or rating."""
    assets.edit(assets.get(visit.user, asset_id), visit.json())
    return get_asset(visit, asset_id)


def put_sidecar(visit: Visit, asset_id: int) -> HTTPResponse:
    """Give an asset that has none its sidecar: XMP, with what somebody said of it later."""
    asset = assets.get(visit.user, asset_id)
    data = visit.request.body.read(xmp.MOST + 1)
    if len(data) > xmp.MOST:
        raise TooLarge(f"The sidecar is larger than {ingest.in_words(xmp.MOST)}, the most we take.")
    text = xmp.decode(data)
    if "<rdf:" not in text or {"\ufffd", "\0"} & set(text):
        raise Invalid("There is no XMP in this file that can be read.")
    if not sidecars.give(asset.id, text, tasks.process_asset):
        raise Conflict("This photo has another sidecar already.")
    return HTTPResponse(status=204)


def delete_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Put an asset into the trash; with `purge=1`, delete it from there for good."""
    asset = assets.get(visit.user, asset_id)
    if visit.flag("purge"):
        purge(asset)
    else:
        assets.trash(asset)
    return HTTPResponse(status=204)


def restore_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Take an asset out of the trash."""
    assets.restore(assets.get(visit.user, asset_id))
    return get_asset(visit, asset_id)


def purge(asset: Asset) -> None:
    """Delete an asset from the trash for good."""
    assets.must_be_trashed(asset)
    cleanup.purge(asset)
