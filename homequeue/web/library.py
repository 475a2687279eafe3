"""The assets of the API: lists, single ones, changes, the trash."""

import re

from bottle import HTTPResponse

from homequeue.errors import Invalid
from homequeue.models import Asset
from homequeue.services import assets, cleanup
from homequeue.web.shapes import asset_json, rfc3339
from homequeue.web.visits import Visit, as_json

MOST_CHECKSUMS = 10_000


def list_assets(visit: Visit) -> HTTPResponse:
    """List assets, newest taken first, a page at a time."""
    chosen = assets.Filter(
        trashed=bool(visit.flag("trashed")),
        favorite=visit.flag("favorite"),
        kind=visit.query("kind"),
        q=visit.query("q"),
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
    """Tell which checksums are here already, so that they need not be sent."""
    checksums = visit.json().get("checksums")
    if not isinstance(checksums, list) or len(checksums) > MOST_CHECKSUMS:
        raise Invalid(f"“checksums” takes a list of at most {MOST_CHECKSUMS}.")
    for checksum in checksums:
        if not isinstance(checksum, str) or not re.fullmatch("[0-9a-fA-F]{64}", checksum):
            raise Invalid("A checksum is a SHA-256 in hexadecimal.")
    return as_json({"known": assets.known(visit.user, [text.lower() for text in checksums])})


def get_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Show one asset."""
    return as_json(asset_json(assets.get(visit.user, asset_id), visit.user))


def patch_asset(visit: Visit, asset_id: int) -> HTTPResponse:
    """Change favorite, caption or rating."""
    assets.edit(assets.get(visit.user, asset_id), visit.json())
    return get_asset(visit, asset_id)


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
