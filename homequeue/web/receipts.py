"""Receipts: what became of each file of a batch, for people and for programs."""

import time
from typing import Any

from bottle import HTTPResponse

from homequeue.models import Asset, Receipt, User
from homequeue.services import assets, batches, duplicates, ingest, receipts
from homequeue.services.receipts import ADDED, KNOWN, REFUSED, RESTORED
from homequeue.web import shapes
from homequeue.web.moments import near_label
from homequeue.web.pages import page
from homequeue.web.shapes import rfc3339
from homequeue.web.visits import Visit, as_json

PAGE = 200
LONGEST_PAGE = 1000
#: What a receipt says of a file that was taken, as the upload page does.
SAID = {
    ADDED: "Added",
    KNOWN: "Already here",
    RESTORED: "Already here – taken back out of the trash",
}


def get_batch(visit: Visit, batch_id: int) -> HTTPResponse:
    """Tell what became of each file of a batch."""
    batch = batches.get(visit.user, batch_id)
    limit = visit.number("limit", PAGE, LONGEST_PAGE)
    found = receipts.listed(batch.id, _cursor(visit), limit + 1)
    shown = found[:limit]
    photos = _photos(shown)
    return as_json(
        {
            "id": batch.id,
            "kind": batch.kind,
            "owner": batches.owner(batch),
            "made_at": rfc3339(batch.made_at),
            "counts": receipts.count(batch.id),
            "files": [_file_json(row, photos.get(row.asset or 0)) for row in shown],
            "next": shown[-1].id if len(found) > limit else None,
        }
    )


def show(visit: Visit, batch_id: int) -> HTTPResponse:
    """Show what became of each file of a batch, first of those that were not taken."""
    batch = batches.get(visit.user, batch_id)
    since, after = visit.number("since", 0, 2**62), _cursor(visit)
    counts = receipts.count(batch.id, since)
    refused = [] if after else receipts.listed(batch.id, since, PAGE, (REFUSED,))
    taken = receipts.listed(batch.id, max(since, after), PAGE + 1, tuple(SAID))
    shown = refused + taken[:PAGE]
    photos = _photos(shown)
    alike = duplicates.like(one.id for one in photos.values() if one.owner_id == visit.user.id)
    return page(
        visit,
        "receipts",
        kind=batches.title(batch),
        owner=batches.owner(batch) if batch.user != visit.user.id else "",
        made_label=near_label(batch.made_at, time.time()),
        has_files=batches.has_files(batch),
        summary=summary(counts),
        rows=[
            _row(row, photos.get(row.asset or 0), visit.user) | {"group": alike.get(row.asset or 0)}
            for row in shown
        ],
        more_refused=max(0, counts[REFUSED] - PAGE),
        next=taken[PAGE - 1].id if len(taken) > PAGE else None,
        batch=batch.id,
        since=since,
        earlier=sum(receipts.count(batch.id).values()) - sum(counts.values()) if since else 0,
    )


def summary(counts: dict[str, int]) -> str:
    """Return what became of the files of a batch, in a sentence.

    >>> summary({"added": 48, "known": 2, "restored": 0, "refused": 1})
    '48 photos added, 2 already here, 1 not accepted.'
    >>> summary({"added": 1, "known": 1, "restored": 1, "refused": 0})
    '1 photo added, 1 already here, 1 taken back out of the trash.'
    """
    parts = {
        f"{shapes.photos(counts[ADDED])} added": counts[ADDED],
        f"{counts[KNOWN]:,} already here": counts[KNOWN],
        f"{counts[RESTORED]:,} taken back out of the trash": counts[RESTORED],
        f"{counts[REFUSED]:,} not accepted": counts[REFUSED],
    }
    return (", ".join(words for words, count in parts.items() if count) or "No files") + "."


def _cursor(visit: Visit) -> int:
    return visit.number("cursor", 0, 2**62)


def _photos(rows: list[Receipt]) -> dict[int, Asset]:
    ids = {row.asset for row in rows if row.asset}
    return assets.by_ids(ids) if ids else {}


def _file_json(row: Receipt, photo: Asset | None) -> dict[str, Any]:
    return {
        "filename": row.filename,
        "size": row.size,
        "outcome": row.outcome,
        "asset": row.asset,
        "state": photo.state if photo else None,
        "error": row.words or (photo.error if photo else None),
        "at": rfc3339(row.at),
    }


def _row(row: Receipt, photo: Asset | None, viewer: User) -> dict[str, Any]:
    # The bytes of others' photos are not an administrator's to see.
    own = photo if photo is not None and photo.owner_id == viewer.id else None
    words = row.words or SAID.get(row.outcome, "")
    if photo is not None and photo.awaits:
        words = "Waits for your yes"
    if photo is not None and photo.error:
        words = f"{words}, but cannot be shown: {photo.error}"
    elif photo is not None and photo.damaged:
        words = f"{words}, but damaged: it shows as far as it goes."
    elif photo is None and row.outcome != REFUSED:
        words = f"{words}, and deleted since"
    return {
        "filename": row.filename,
        "words": words,
        "is_bad": row.outcome == REFUSED,
        "asset": own.id if own else None,
        "thumbnail": shapes.asset_urls(own)["thumbnail"] if own else None,
        "size_label": "" if row.size is None else ingest.in_words(row.size),
    }
