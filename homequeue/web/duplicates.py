"""Possible duplicates: side by side with what differs, to keep all or one."""

import json
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse

from homequeue.errors import Invalid
from homequeue.models import Asset
from homequeue.services import albums, duplicates, ingest
from homequeue.web import shapes
from homequeue.web.moments import moment_label
from homequeue.web.pages import page, say
from homequeue.web.redating import time_label
from homequeue.web.visits import Visit, as_json, see_other

ALL = "all"


def show(visit: Visit) -> HTTPResponse:
    """Show the groups of photos that look alike, newest first."""
    groups, following = duplicates.listed(visit.user, visit.number("cursor", 0, 2**31) or None)
    here = "/duplicates"
    cursor = visit.query("cursor")
    return page(
        visit,
        "duplicates",
        here=f"{here}?{urlencode({'cursor': cursor})}" if cursor else here,
        groups=[_group_row(group) for group in groups],
        older=f"{here}?{urlencode({'cursor': following})}" if following else None,
    )


def list_groups(visit: Visit) -> HTTPResponse:
    """List the groups of photos that look alike, newest first."""
    groups, following = duplicates.listed(visit.user, visit.number("cursor", 0, 2**31) or None)
    shown = [
        {
            "id": group.id,
            "same": group.same,
            "assets": [shapes.asset_json(asset, visit.user) for asset in group.members],
        }
        for group in groups
    ]
    return as_json({"groups": shown, "next": following})


def keep(visit: Visit, group_id: int) -> HTTPResponse:
    """Keep all of a group, or one: then the others go to the trash, and theirs over to it."""
    kept = visit.fields().get("keep")
    if visit.is_form and isinstance(kept, str) and kept.isdecimal() and len(kept) < 19:
        kept = int(kept)
    if kept == ALL:
        trashed = []
        duplicates.keep_all(visit.user, group_id)
    elif type(kept) is int:
        trashed = duplicates.keep_one(visit.user, group_id, kept)
    else:
        raise Invalid("“keep” is the number of a photo, or “all”.")
    if visit.is_form:
        words = {0: "kept_all", 1: "kept_one_of_two"}
        word = words.get(len(trashed), "kept_one")
        return see_other(say(visit.form("next") or "/duplicates", word))
    return as_json({"trashed": trashed})


def _group_row(group: duplicates.Group) -> dict[str, Any]:
    told = [_told(asset) for asset in group.members]
    differs = {name for name in told[0] if len({one[name] for one in told}) > 1}
    known = [name for name in told[0] if any(one[name] for one in told)]
    if not any(asset.damaged for asset in group.members):
        known.remove("File")
    return {
        "id": group.id,
        "same": group.same,
        "both": "both" if len(told) == 2 else f"all {len(told)}",
        "members": [
            shapes.asset_tile(asset)
            | {"size_label": one["Size"]}
            | {"facts": [(name, one[name] or "none", name in differs) for name in known]}
            for asset, one in zip(group.members, told, strict=True)
        ],
    }


def _told(asset: Asset) -> dict[str, str]:
    """What tells one copy from another, in words."""
    return {
        "File": "damaged: it shows as far as it goes" if asset.damaged else "whole",
        "Date": time_label(asset.taken_at),
        "Found": shapes.taken_source(asset),
        "Pixels": f"{asset.width} × {asset.height}" if asset.width else "",
        "Size": ingest.in_words(asset.size),
        # That of a Live Photo goes where its photo goes; that of others is in their file.
        "Clip": "yes" if asset.pair or asset.motion else "",
        "Format": asset.mime.partition("/")[2].upper(),
        "Camera": asset.model or "",
        "Place": "known" if asset.lat is not None else "",
        "Caption": asset.caption or "",
        "Tags": ", ".join(json.loads(asset.tags)),
        "Rating": f"{asset.rating} of 5" if asset.rating else "",
        "Favorite": "yes" if asset.favorite else "",
        "Albums": ", ".join(album.title for album in albums.of(asset)),
        "Uploaded": moment_label(asset.uploaded_at),
    }
