"""Choosing photos: a page of the timeline with boxes to tick, and what is done to those ticked."""

from dataclasses import dataclass
from typing import Any

from bottle import HTTPResponse

from homequeue.errors import Invalid, NotFound
from homequeue.models import Album
from homequeue.services import albums, assets, choosing
from homequeue.web.pages import address, album_chosen, by_day, kind_chosen, page, say
from homequeue.web.visits import Visit, see_other


@dataclass(frozen=True)
class Place:
    """What one chooses from, as the address says it: `into` is the album that is to be filled."""

    filter: assets.Filter
    album: Album | None
    into: Album | None

    @property
    def query(self) -> dict[str, Any]:
        """What the addresses of this page have in common."""
        return {
            "q": self.filter.q,
            "favorite": self.filter.favorite and 1,
            "kind": self.filter.kind,
            "album": self.filter.album,
            "into": self.filter.outside,
        }

    @property
    def back(self) -> str:
        """Where one came from."""
        if self.into:
            return f"/?album={self.into.id}"
        return address("/", self.query)


def show(visit: Visit) -> HTTPResponse:
    """Show a page of the timeline with a box to tick at each photo."""
    return _page(visit, _place(visit))


def act(visit: Visit) -> HTTPResponse:
    """Put what is ticked into an album, or take it out, or move it to the trash."""
    place, ids = _place(visit), visit.ticked()
    try:
        if not ids:
            raise Invalid("Tick some photos first.")
        back = _done(visit, place, ids)
    except Invalid as error:
        form = {"picked": visit.form("album"), "named": visit.form("title"), "ticked": {*ids}}
        return _page(visit, place, error.status, words=str(error), **form)
    return see_other(back)


def _place(visit: Visit) -> Place:
    album, into = album_chosen(visit), album_chosen(visit, "into")
    chosen = assets.Filter(
        q=(visit.query("q") or "").strip() or None,
        favorite=visit.flag("favorite") or None,
        kind=kind_chosen(visit),
        album=album.id if album else None,
        outside=into.id if into else None,
    )
    return Place(chosen, album, into)


def _done(visit: Visit, place: Place, ids: list[int]) -> str:
    """Do what a form says; return the address of the page that tells of it."""
    what = visit.form("do")
    if what == "trash":
        trashed = choosing.trash(visit.user, ids)
        word = "trashed" if len(trashed) == 1 else "all_trashed"
        return say(place.back, f"{word}-{'.'.join(map(str, trashed))}")
    if what == "out" and place.album:
        return say(place.back, f"taken_out-{choosing.take_out(place.album, ids)}")
    if what != "add":
        raise Invalid("Say what is to be done with them.")
    album = place.into or _album(visit)
    return say(f"/?album={album.id}", f"put_in-{choosing.put_in(visit.user, album, ids)}")


def _album(visit: Visit) -> Album:
    number = visit.form("album")
    if not number:
        return albums.named(visit.user, visit.form("title"))
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound("There is no such album.")
    return albums.get(visit.user, int(number))


def _page(visit: Visit, place: Place, status: int = 200, **context: Any) -> HTTPResponse:
    cursor = visit.query("cursor")
    shown, following = assets.timeline(visit.user, place.filter, cursor)
    others = [one for one in albums.by_title(visit.user) if one != place.album]
    return page(
        visit,
        "choose",
        status,
        source=place,
        days=by_day(shown),
        here=address("/choose", place.query | {"cursor": cursor}),
        older=address("/choose", place.query | {"cursor": following}) if following else None,
        only_favorites=address("/choose", place.query | {"favorite": 1}),
        not_only_favorites=address("/choose", place.query | {"favorite": None}),
        albums=others,
        **({"words": "", "picked": None, "named": "", "ticked": set()} | context),
    )
