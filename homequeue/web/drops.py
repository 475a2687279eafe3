"""What a guest sees who opens a drop link: who asks, where to send photos, what arrived."""

from typing import Any

from bottle import HTTPResponse

from homequeue import config
from homequeue.models import Receipt
from homequeue.services import ingest, shares
from homequeue.services.receipts import REFUSED
from homequeue.web.pages import ACCEPT, page
from homequeue.web.principals import GUEST_COOKIE
from homequeue.web.visits import Visit, see_other


def show(visit: Visit, results: list[dict[str, Any]] | None = None) -> HTTPResponse:
    """Show where a guest sends photos, or first who asks; `results` of a form without scripts."""
    share, link = visit.principal.share, visit.principal.link
    assert share is not None
    shown: dict[str, Any] = {"home": link, "share": share, "asker": share.user.name}
    if visit.guest is None:
        shares.check_door(share)
        return page(visit, "drop_door", **shown)
    most = config.settings().uploads.max_size
    problems = [one for one in results or () if one.get("error")]
    sent = [_row(row) for row in shares.sent(visit.guest)]
    told = {(row["filename"], row["words"]) for row in sent}
    return page(
        visit,
        "drop",
        guest=visit.guest,
        is_full=shares.is_full(shares.by_id(share.id)),
        max_size=most,
        max_size_label=ingest.in_words(most),
        accept=ACCEPT,
        arrived=None if results is None else len(results) - len(problems),
        problems=len(problems),
        # What may yet pass, such as a full disk, has no receipt.
        passing=[one for one in problems if (one["filename"], one["error"]) not in told],
        sent=sent,
        **shown,
    )


def enter(visit: Visit) -> HTTPResponse:
    """Let a browser in, with the name its person may give, and show where photos are sent."""
    share, link = visit.principal.share, visit.principal.link
    assert share is not None
    answer = see_other(link)
    answer.set_cookie(
        GUEST_COOKIE,
        shares.welcome(share, visit.form("name")),
        path=link,
        max_age=shares.LONGEST_DAYS * 86400,
        httponly=True,
        samesite="lax",
        secure=visit.is_secure,
    )
    return answer


def _row(row: Receipt) -> dict[str, Any]:
    """What a guest is told of a file: nothing of what was here before."""
    is_bad = row.outcome == REFUSED
    return {
        "filename": row.filename,
        "is_bad": is_bad,
        "words": row.words if is_bad else "Arrived",
        "size_label": "" if row.size is None else ingest.in_words(row.size),
    }
