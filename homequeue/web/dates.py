"""Dates: the page of those to check, moving a selection, and taking that back."""

import re
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse

from homequeue.errors import Invalid
from homequeue.models import Asset, Retiming
from homequeue.services import albums, assets, doubtful, doubts, retiming
from homequeue.web import redating, shapes
from homequeue.web.moments import moment_label
from homequeue.web.pages import address, page, say
from homequeue.web.redating import time_label
from homequeue.web.shapes import photos, rfc3339
from homequeue.web.visits import Visit, as_json, local_path, see_other

#: Photos on a page of doubtful dates, changes on one, rows of a preview, pictures above it.
PAGE, CHANGES, ROWS, FACES = 30, 50, 50, 12
WHY = {
    doubts.UNSET: "The clock of the camera was not set.",
    doubts.EARLY: "This camera did not exist yet.",
    doubts.SATELLITES: "The satellites told another time.",
    doubts.NAME: "The file name tells another day.",
    doubts.NEIGHBOURS: "This camera’s clock was off that day.",
    doubts.FILE: "It does not say when it was taken. This is when its file was last changed.",
    doubts.UPLOAD: "It does not say when it was taken. This is when it was uploaded.",
}
#: The reasons once more, as short as a button.
SHORT = {
    doubts.UNSET: "Clock not set",
    doubts.EARLY: "Older than the camera",
    doubts.SATELLITES: "Not what satellites say",
    doubts.NAME: "Not what the name says",
    doubts.NEIGHBOURS: "Clock off that day",
    doubts.FILE: "Date of the file",
    doubts.UPLOAD: "Date of the upload",
}
#: Who tells the other date.
TELLS = {
    "name": "The file name says",
    "gps": "The satellites say",
    doubts.NEIGHBOURS: "Moved like the others, it is",
}


def show(visit: Visit) -> HTTPResponse:
    """Show the photos whose dates are doubtful, with what else is known."""
    why = visit.query("why") or None
    if why is not None and why not in doubts.REASONS:
        raise Invalid(f"“why” is one of {', '.join(doubts.REASONS)}.")
    reasons = doubtful.reasons(visit.user)
    shown, following = doubtful.listed(visit.user, why, visit.query("cursor"), PAGE)
    query = {"why": why, "cursor": visit.query("cursor")}
    return page(
        visit,
        "dates",
        here=address("/dates", query),
        why=why,
        why_words=SHORT.get(why or "", ""),
        total=reasons.get(why, 0) if why else sum(reasons.values()),
        every=sum(reasons.values()),
        reasons=[(name, SHORT[name], count) for name, count in reasons.items()],
        photos=[_doubtful(asset) for asset in shown],
        older=address("/dates", query | {"cursor": following}) if following else None,
        changes=[_change_row(one) for one in retiming.listed(visit.user, None, 3)],
    )


def show_move(visit: Visit) -> HTTPResponse:
    """Show what moving chosen photos would do; nothing is changed yet."""
    told = redating.said(visit)
    fields = _fields(told)
    back = local_path(visit.query("next") or "/dates")
    context: dict[str, Any] = {"fields": fields, "back": back, "total": 0, "rows": []}
    context["changes"] = False
    if fields:
        context |= _chosen(visit, told)
    # Whoever comes from a photo is still to say when it was.
    is_said = visit.query("how") and (visit.query("how") != "first" or visit.query("first"))
    # Half of all clocks are fast: neither way is a guess worth making.
    lacks_way = visit.query("how") == "shift" and visit.query("back") not in ("0", "1")
    wanted = redating.wish(told) if context["total"] and is_said else None
    if wanted and not lacks_way:
        rows = redating.preview(visit.user, told, wanted)
        context |= {"rows": [_preview_row(row) for row in rows[:ROWS]], "left": len(rows) - ROWS}
        context["done"] = f"{photos(len(rows))} {wanted.words}"
        context["changes"] = any(map(_changes, rows))
    form = {name: visit.query(name) or "" for name in ("how", "back", "first", "offset")}
    form["back"] = form["back"] or context.get("likely", "")
    units = [(unit, visit.query(unit) or "") for unit in redating.UNITS]
    if not context["total"]:
        context["cameras"] = retiming.cameras(visit.user)
        context["albums"] = [(album.id, album.title) for album in albums.by_title(visit.user)]
    return page(visit, "move", form=form, units=units, lacks_way=lacks_way, **context)


def begin_move(visit: Visit) -> HTTPResponse:
    """Go on from ticked photos to the page that moves them, with an address that holds no token."""
    chosen = [("id", one) for one in visit.request.forms.getall("id")]
    return see_other(address("/dates/move", [*chosen, ("next", visit.form("next"))]))


def show_changes(visit: Visit) -> HTTPResponse:
    """Show the changes of dates that can still be taken back."""
    found = retiming.listed(visit.user, visit.number("cursor", 0, 2**62) or None, CHANGES + 1)
    following = found[CHANGES - 1].id if len(found) > CHANGES else None
    return page(
        visit,
        "changes",
        here="/dates/changes",
        changes=[_change_row(one) for one in found[:CHANGES]],
        older=address("/dates/changes", {"cursor": following}) if following else None,
    )


def change(visit: Visit) -> HTTPResponse:
    """Move, set or confirm the dates of photos; with `dry` only tell what that would do."""
    told = redating.said(visit)
    wanted = redating.wish(told)
    if told.get("dry"):
        rows = redating.preview(visit.user, told, wanted)
        return as_json({"count": len(rows), "assets": rows})
    which = redating.chosen(visit.user, told)
    made = retiming.apply(visit.user, which, wanted.change, wanted.words)
    if visit.is_form:
        word = "redated" if made.count > 1 else "redated_one"
        word = "confirmed" if wanted.change is retiming.confirm else word
        return see_other(say(visit.form("next") or "/dates", f"{word}-{made.id}"))
    return as_json(_change_json(made))


def list_changes(visit: Visit) -> HTTPResponse:
    """List the changes of dates, newest first."""
    limit = visit.number("limit", CHANGES, 500)
    found = retiming.listed(visit.user, visit.number("cursor", 0, 2**62) or None, limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    shown = [_change_json(one) for one in found[:limit]]
    return as_json({"retimings": shown, "next": following})


def undo(visit: Visit, retiming_id: int) -> HTTPResponse:
    """Restore the dates that a change has changed, and what was known of them."""
    restored, left = retiming.undo(visit.user, retiming_id)
    if visit.is_form:
        word = "redated_back" if restored > 1 else "redated_one_back"
        word = "partly" if left else word
        return see_other(say(visit.form("next") or "/dates", word))
    return as_json({"restored": restored, "left": left})


def _fields(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What names the chosen photos, as the fields of a form."""
    chosen = [("id", str(one)) for one in told["ids"]]
    return chosen + [
        (name, "1" if value is True else str(value)) for name, value in told["filter"].items()
    ]


def _chosen(visit: Visit, told: dict[str, Any]) -> dict[str, Any]:
    which = redating.chosen(visit.user, told)
    query = assets.matching(visit.user, which)
    faces = assets.with_renditions(query.limit(FACES))
    first = faces[0].taken_at if faces else ""
    return {
        "total": query.count(),
        "faces": [shapes.asset_tile(asset) for asset in faces],
        "first": first[:19],
        # Clocks that were never set are behind.
        "likely": "0" if {asset.doubt for asset in faces} == {doubts.UNSET} else "",
        "first_label": time_label(first) if first else "",
        "narrowed": told["filter"],
    }


def _doubtful(asset: Asset) -> dict[str, Any]:
    other = re.sub(r"[+-]\d\d:\d\d$", "", asset.candidate or "")
    return shapes.asset_tile(asset) | {
        "why": WHY.get(asset.doubt or "", ""),
        "now_label": time_label(asset.taken_at),
        "other_label": time_label(other) if other else "",
        "tells": TELLS.get(asset.candidate_source or "", "It may be"),
        "day": asset.taken_at[:10],
        "camera": asset.model or "",
        "camera_query": urlencode({"camera": asset.model or ""}),
        "taken_at": asset.taken_at,
    }


def _changes(row: dict[str, Any]) -> bool:
    """Whether a date of a preview becomes another one, to the second, as forms say it."""
    before, after = ((row[when][:19], row[f"offset_{when}"]) for when in ("before", "after"))
    return bool(before != after)


def _preview_row(row: dict[str, Any]) -> dict[str, Any]:
    same_minute = row["before"][:16] == row["after"][:16]
    same_offset = row["offset_before"] == row["offset_after"]

    def label(when: str) -> str:
        seconds = row[when][16:19] if same_minute and same_offset else ""
        offset = "" if same_offset else f" ({row[f'offset_{when}'] or 'zone not known'})"
        return time_label(row[when]) + seconds + offset

    return row | {"before_label": label("before"), "after_label": label("after")}


def _change_row(done: Retiming) -> dict[str, Any]:
    return {
        "id": done.id,
        "words": f"{photos(done.count)} {done.words}",
        "when": moment_label(done.at),
        "undone": done.undone_at is not None,
    }


def _change_json(done: Retiming) -> dict[str, Any]:
    return {
        "id": done.id,
        "at": rfc3339(done.at),
        "words": done.words,
        "count": done.count,
        "undone_at": rfc3339(done.undone_at),
    }
