"""Albums: what the API and the pages tell of them, and how they change."""

from bottle import HTTPResponse

from homequeue.errors import Invalid
from homequeue.models import Album
from homequeue.services import albums, assets
from homequeue.web import pages, shapes
from homequeue.web.visits import Visit, as_json, asset_ids, see_other

#: Photos that one request may put into an album or take out.
MOST = 1000


def show(visit: Visit) -> HTTPResponse:
    """Show all albums of the user, each by its newest picture."""
    listed = albums.listed(visit.user)
    covers = assets.by_ids(one.cover for one in listed if one.cover)
    tiles = [
        _album_json(one.album)
        | {
            "count_label": shapes.photos(one.count),
            "thumbnail": shapes.asset_urls(covers[one.cover])["thumbnail"] if one.cover else None,
        }
        for one in listed
    ]
    return pages.page(visit, "albums", albums=tiles)


def list_albums(visit: Visit) -> HTTPResponse:
    """List albums by title, each with the number of its photos outside the trash and its cover."""
    return as_json({"albums": [_listed_json(one) for one in albums.listed(visit.user)]})


def make(visit: Visit) -> HTTPResponse:
    """Make an album, or find the one that has this title already."""
    album = albums.named(visit.user, _title(visit))
    if visit.is_form:
        return see_other(f"/?album={album.id}")
    return as_json(_album_json(album), 201)


def get_album(visit: Visit, album_id: int) -> HTTPResponse:
    """Show one album; its photos are `GET /api/assets?album=ID`."""
    return as_json(_album_json(albums.get(visit.user, album_id)))


def rename(visit: Visit, album_id: int) -> HTTPResponse:
    """Give an album another title."""
    albums.rename(albums.get(visit.user, album_id), _title(visit))
    return see_other(f"/?album={album_id}") if visit.is_form else get_album(visit, album_id)


def delete(visit: Visit, album_id: int) -> HTTPResponse:
    """Delete an album; its photos stay."""
    albums.delete(albums.get(visit.user, album_id))
    return see_other("/albums") if visit.is_form else HTTPResponse(status=204)


def add(visit: Visit, album_id: int) -> HTTPResponse:
    """Put photos into an album."""
    album = albums.get(visit.user, album_id)
    return as_json({"added": albums.add(album, _ids(visit))})


def remove(visit: Visit, album_id: int) -> HTTPResponse:
    """Take photos out of an album; they stay in the library."""
    album = albums.get(visit.user, album_id)
    return as_json({"removed": albums.remove(album, _ids(visit))})


def _title(visit: Visit) -> str:
    title = visit.fields().get("title")
    if not isinstance(title, str):
        raise Invalid("An album needs a title.")
    return title


def _ids(visit: Visit) -> list[int]:
    ids = asset_ids(visit.json().get("ids"), MOST)
    if not ids:
        raise Invalid("“ids” names no photo.")
    return ids


def _album_json(album: Album) -> dict[str, object]:
    return {
        "id": album.id,
        "title": album.title,
        "created_at": shapes.rfc3339(album.created_at),
    }


def _listed_json(one: albums.Listed) -> dict[str, object]:
    return _album_json(one.album) | {"count": one.count, "cover": one.cover}
