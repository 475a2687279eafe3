"""Albums on a real database."""

import pytest

from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Album, Asset
from homequeue.services import albums, assets, cleanup, ingest
from tests.library import jpeg, receive, record, row, whole


def titles(owner):
    return [(one.album.title, one.count, one.cover) for one in albums.listed(owner)]


def test_a_title_is_one_line_of_what_can_be_shown():
    assert albums.plain_title(" Sea\x00side\u202e \n 2024\t") == "Sea side 2024"
    assert len(albums.plain_title("x" * 5000)) == albums.LONGEST_TITLE
    with pytest.raises(Invalid):
        albums.plain_title(" \x00 ")
    assert albums.titles(" \x00 ") == ()
    assert albums.titles("half \ud83d") == ("half ?",)


def test_an_album_is_made_once(anna, ben):
    first = albums.named(anna, "Summer")
    assert albums.named(anna, " Summer ").id == first.id
    assert albums.named(ben, "Summer").id != first.id
    assert albums.named(anna, "Gemu\u0308se").id == albums.named(anna, "Gem\u00fcse").id
    assert first.created_at > 0


def test_only_ones_own_can_be_had(anna, ben):
    album = albums.named(anna, "Summer")
    assert albums.get(anna, album.id).title == "Summer"
    with pytest.raises(NotFound):
        albums.get(ben, album.id)


def test_photos_are_put_in_once_and_taken_out(anna):
    album = albums.named(anna, "Summer")
    one, two = row(anna, 1), row(anna, 2)
    assert albums.add(album, [one.id, two.id, one.id]) == 2
    assert albums.add(album, [one.id]) == 0
    assert titles(anna) == [("Summer", 2, two.id)]
    assert albums.remove(album, [two.id, 99]) == 1
    assert titles(anna) == [("Summer", 1, one.id)]
    assert Asset.select().count() == 2


def test_nobody_elses_photos_come_in_not_even_one_among_many(anna, ben):
    album = albums.named(anna, "Summer")
    own, foreign = row(anna, 1), row(ben, 2)
    with pytest.raises(NotFound):
        albums.add(album, [own.id, foreign.id])
    assert titles(anna) == [("Summer", 0, None)]


def test_many_photos_at_once(anna):
    album = albums.named(anna, "Everything")
    ids = [row(anna, number).id for number in range(1, 450)]
    assert albums.add(album, ids) == 449


def test_what_is_in_the_trash_counts_for_nothing_and_comes_back(anna):
    album = albums.named(anna, "Summer")
    photo = row(anna, 1)
    albums.add(album, [photo.id])
    assets.trash(photo)
    assert titles(anna) == [("Summer", 0, None)]
    assets.restore(photo)
    assert titles(anna) == [("Summer", 1, photo.id)]


def test_a_purged_photo_leaves_its_albums(anna):
    photo = whole(anna, 1, trashed_at=1.0)
    album = albums.named(anna, "Summer")
    albums.add(album, [photo.id])
    cleanup.purge(photo)
    assert album.members.count() == 0


def test_titles_are_not_given_twice(anna):
    albums.named(anna, "Autumn")
    album = albums.named(anna, "Summer")
    with pytest.raises(Conflict):
        albums.rename(album, "Autumn ")
    albums.rename(album, "Winter")
    albums.rename(album, "Winter")
    assert [title for title, *_ in titles(anna)] == ["Autumn", "Winter"]


def test_deleting_an_album_leaves_its_photos(anna):
    album = albums.named(anna, "Summer")
    photo = row(anna, 1)
    albums.add(album, [photo.id])
    albums.delete(album)
    assert not Album.select().count()
    assert assets.get(anna, photo.id)


def test_albums_of_a_photo(anna):
    photo = row(anna, 1)
    for title in ("b", "A"):
        albums.add(albums.named(anna, title), [photo.id])
    albums.named(anna, "c")
    assert [album.title for album in albums.of(photo)] == ["A", "b"]


def test_the_timeline_of_an_album(anna):
    album = albums.named(anna, "Summer")
    photos = [row(anna, number) for number in range(1, 4)]
    albums.add(album, [photos[0].id, photos[2].id])
    chosen = assets.Filter(album=album.id)
    shown, cursor = assets.timeline(anna, chosen, limit=1)
    rest, _ = assets.timeline(anna, chosen, cursor, limit=1)
    assert [asset.id for asset in shown + rest] == [photos[2].id, photos[0].id]
    assert assets.total(anna, chosen) == 2


def test_what_is_sent_for_an_album_comes_into_it_new_or_known(anna):
    known = record([receive(anna, jpeg(1))])[0].asset
    sent = [
        ingest.receive(ingest.Upload(anna, f"{n}.jpg", albums=("Summer", "Sea")), [jpeg(n)])
        for n in (1, 2)
    ]
    kept = record(sent)
    assert kept[0].asset.id == known.id
    assert titles(anna) == [("Sea", 2, kept[1].asset.id), ("Summer", 2, kept[1].asset.id)]


def test_an_album_stands_only_if_its_photos_do(anna):
    sent = ingest.receive(ingest.Upload(anna, "1.jpg", albums=("Summer",)), [jpeg(1)])

    def defer(_asset_id):
        raise ValueError("the power is cut")

    with pytest.raises(ValueError, match="power"):
        record([sent], defer)
    assert titles(anna) == []
