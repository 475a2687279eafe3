"""Photos are ticked on a page, and put into an album, out of one or into the trash."""

import re

import pytest

from homequeue.models import Album, AlbumAsset, Asset
from homequeue.services import albums, assets, choosing
from tests.library import row, snapshot, whole
from tests.web.client import csrf_fields
from tests.web.reading import checked


def offered(answer):
    checked(answer, answer.status)
    return [int(n) for n in re.findall(r'type="checkbox" name="id" value="(\d+)"', answer.text)]


def ticked(ids, **fields):
    return [("id", one) for one in ids] + list(fields.items())


def members(album):
    return {one.asset_id for one in AlbumAsset.select().where(AlbumAsset.album == album)}


def trashed():
    return {one.id for one in Asset.select().where(Asset.trashed_at.is_null(False))}


def told(client, answer):
    """What the page says to which a form has led."""
    assert answer.status == 303
    page = client.page(answer.header("Location"))
    checked(page)
    found = re.search(r'id="notice"[^>]*>\s*<span>(.*?)</span>', page.text)
    return found and found[1]


def test_the_links_lead_there_with_what_is_looked_for(as_ben, ben):
    photo = whole(ben, 1, favorite=True)
    album = albums.named(ben, "Sea")
    assert f'href="/choose?into={album.id}">Add photos' in as_ben.page(f"/?album={album.id}").text
    assert 'href="/choose"' in as_ben.page("/").text
    albums.add(album, [photo.id])
    found = as_ben.page(f"/?q=IMG&favorite=1&album={album.id}").text
    assert f'href="/choose?q=IMG&amp;album={album.id}&amp;favorite=1"' in found
    assert f'href="/choose?into={album.id}"' in found


def test_each_photo_has_a_box_that_says_which_it_is(as_ben, ben):
    photo = whole(ben, 1, filename="A & B.jpg", taken_at="2024-07-12T18:15:00", favorite=True)
    without = row(ben, 2, filename="pending.jpg", taken_at="2024-07-12T17:00:00")
    answer = as_ben.page("/choose")
    assert offered(answer) == [photo.id, without.id]
    labels = re.findall(r'<label class="tick">(.*?)</label>', answer.text, re.DOTALL)
    assert 'alt="A &amp; B.jpg"' in labels[0]
    assert "Friday, 12 July 2024, 18:15</span>" in labels[0]
    assert "favorite" in labels[0]
    assert '<span class="name small">pending.jpg</span>' in labels[1]


def test_only_what_shows_among_ones_own_photos_is_offered(as_ben, anna, ben):
    here = row(ben, 1)
    row(ben, 2, trashed_at=5.0)
    row(ben, 3, trashed_at=5.0, awaits=True)
    row(ben, 4, is_clip=True)
    row(anna, 5)
    assert offered(as_ben.page("/choose")) == [here.id]


def test_a_page_of_the_timeline_is_offered_at_a_time(as_ben, ben, monkeypatch):
    monkeypatch.setattr(assets.timeline, "__defaults__", (None, 2))
    ids = [row(ben, n, favorite=True, filename=f"sea & {n}.jpg").id for n in range(1, 6)]
    row(ben, 6, filename="other.jpg", favorite=True)
    row(ben, 7, filename="sea & 7.jpg")
    here, seen = "/choose?q=sea+%26&favorite=1", []
    while here:
        page = as_ben.page(here)
        seen.append(offered(page))
        action = re.search(r'<form method="post" action="(/choose[^"]*)"', page.text)[1]
        assert action.replace("&amp;", "&") == here
        older = re.search(r'href="([^"]*)">Show older photos', page.text)
        here = older and older[1].replace("&amp;", "&")
    assert seen == [ids[4:2:-1], ids[2:0:-1], ids[:1]]


def test_ticked_photos_are_put_into_an_album(as_ben, ben, monkeypatch):
    monkeypatch.setattr(choosing, "PIECE", 2)
    ids = [row(ben, n).id for n in range(1, 5)]
    album = albums.named(ben, "Sea")
    albums.add(album, ids[:1])
    form = ticked(ids[:3], do="add", album=album.id, title="not this")
    answer = as_ben.post("/choose?q=IMG", form=form)
    assert answer.header("Location") == f"/?album={album.id}&said=put_in-3"
    assert told(as_ben, answer) == "3 photos are in the album."
    assert members(album) == {*ids[:3]}
    assert Album.select().count() == 1


def test_an_album_is_filled_with_what_it_has_not_yet(as_ben, ben):
    one, two, three = (row(ben, n).id for n in range(1, 4))
    album, other = albums.named(ben, "Sea & sand"), albums.named(ben, "Lake")
    albums.add(album, [two])
    page = as_ben.page(f"/choose?into={album.id}")
    assert offered(page) == [three, one]
    assert "<h1>Add to “Sea &amp; sand”</h1>" in page.text
    assert 'value="trash"' not in page.text
    form = ticked([one], do="add", album=other.id)
    answer = as_ben.post(f"/choose?into={album.id}", form=form)
    assert told(as_ben, answer) == "1 photo is in the album."
    assert members(album) == {one, two}
    assert members(other) == set()
    albums.add(album, [three])
    full = as_ben.page(f"/choose?into={album.id}")
    assert offered(full) == []
    assert "All your photos are in this album." in full.text


def test_a_new_album_is_named_on_the_way(as_ben, ben):
    photo = row(ben, 1)
    page = as_ben.page("/choose")
    assert "<select" not in page.text
    answer = as_ben.post("/choose", form=ticked([photo.id], do="add", title=" Sea "))
    assert told(as_ben, answer) == "1 photo is in the album."
    album = albums.by_title(ben)[0]
    assert (album.title, members(album)) == ("Sea", {photo.id})
    assert f'<option value="{album.id}">Sea</option>' in as_ben.page("/choose").text
    answer = as_ben.post("/choose", form=ticked([photo.id], do="add", album="", title="Lake"))
    assert [one.title for one in albums.by_title(ben)] == ["Lake", "Sea"]


def test_photos_are_taken_out_of_the_album_one_looks_into(as_ben, ben, monkeypatch):
    monkeypatch.setattr(choosing, "PIECE", 1)
    ids = [row(ben, n).id for n in range(1, 4)]
    album, other = albums.named(ben, "Sea"), albums.named(ben, "Lake")
    albums.add(album, ids)
    page = as_ben.page(f"/choose?album={album.id}")
    assert offered(page) == ids[::-1]
    assert re.findall(r'<option value="(\d*)"', page.text) == [str(other.id), ""]
    assert 'value="out"' not in as_ben.page("/choose").text
    answer = as_ben.post(f"/choose?album={album.id}&q=IMG", form=ticked(ids[:2], do="out"))
    assert told(as_ben, answer) == "2 photos are out of the album, and still among your photos."
    assert answer.header("Location") == f"/?q=IMG&album={album.id}&said=taken_out-2"
    assert members(album) == {ids[2]}
    assert trashed() == set()


def test_ticked_photos_go_to_the_trash_and_come_back(as_ben, ben, monkeypatch):
    monkeypatch.setattr(choosing, "PIECE", 2)
    ids = [row(ben, n).id for n in range(1, 6)]
    earlier = row(ben, 7, trashed_at=5.0).id
    answer = as_ben.post("/choose?q=IMG", form=ticked(ids[:3], do="trash"))
    assert answer.header("Location") == f"/?q=IMG&said=all_trashed-{'.'.join(map(str, ids[:3]))}"
    assert told(as_ben, answer) == "3 photos are in the trash."
    assert trashed() == {*ids[:3], earlier}
    page = as_ben.page(answer.header("Location"))
    form = re.search(r'action="/trash/restore">(.*?)</form>', page.text, re.DOTALL)[1]
    assert "Undo" in form
    back = as_ben.post(
        "/trash/restore",
        form=ticked(
            re.findall(r'name="id" value="(\d+)"', form), next="/", csrf=csrf_fields(page)[0]
        ),
    )
    assert back.header("Location") == "/?said=all_restored"
    assert trashed() == {earlier}


def test_one_photo_is_undone_as_from_its_page(as_ben, ben):
    photo = row(ben, 1)
    answer = as_ben.post("/choose", form=ticked([photo.id, photo.id], do="trash"))
    assert answer.header("Location") == f"/?said=trashed-{photo.id}"
    assert trashed() == {photo.id}


def test_what_went_to_the_trash_meanwhile_goes_into_no_album(as_ben, ben):
    here, gone = row(ben, 1), row(ben, 2, trashed_at=5.0)
    album = albums.named(ben, "Sea")
    answer = as_ben.post("/choose", form=ticked([here.id, gone.id], do="add", album=album.id))
    assert told(as_ben, answer) == "1 photo is in the album."
    assert members(album) == {here.id}


@pytest.mark.parametrize("do", ["add", "out", "trash"])
def test_nothing_ticked_is_said_in_words(as_ben, ben, do):
    row(ben, 1)
    before = snapshot()
    answer = as_ben.post("/choose", form={"do": do, "title": "Sea"})
    assert answer.status == 422
    assert 'role="alert"><strong>Tick some photos first.' in answer.text
    assert len(offered(answer)) == 1
    assert snapshot() == before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"do": "add", "album": "", "title": " "}, "An album needs a title."),
        ({"do": "out"}, "Say what is to be done with them."),
        ({"do": "burn"}, "Say what is to be done with them."),
        ({}, "Say what is to be done with them."),
    ],
)
def test_what_cannot_be_done_leaves_the_ticks(as_ben, ben, fields, words):
    albums.named(ben, "Sea")
    photo, _ = row(ben, 1), row(ben, 2)
    before = snapshot()
    answer = as_ben.post("/choose", form=ticked([photo.id], **fields))
    assert answer.status == 422
    assert f'role="alert"><strong>{words}' in answer.text
    assert re.findall(r'value="(\d+)" checked', answer.text) == [str(photo.id)]
    assert re.findall(r'value="(\d*)" selected', answer.text) == [""]
    assert snapshot() == before


def test_nothing_ticked_leaves_the_album_and_its_title(as_ben, ben):
    row(ben, 1)
    album, _ = albums.named(ben, "Sea"), albums.named(ben, "Lake")
    form = {"do": "add", "album": str(album.id), "title": "A & B"}
    page = as_ben.post("/choose", form=form)
    assert re.findall(r'value="(\d*)" selected', page.text) == [str(album.id)]
    assert 'value="A &amp; B"' in page.text
    assert " selected" not in as_ben.page("/choose").text


@pytest.mark.parametrize("do", ["add", "trash", "restore"])
def test_nobody_elses_photo_is_touched_not_even_one_among_many(as_ben, anna, ben, do):
    own, foreign = row(ben, 1), row(anna, 2)
    album = albums.named(ben, "Sea")
    before = snapshot()
    path = "/trash/restore" if do == "restore" else "/choose"
    for other in (foreign.id, 10**6):
        form = ticked([own.id, other], do=do, album=album.id)
        assert as_ben.post(path, form=form).status == 404
    assert snapshot() == before


def test_nobody_elses_album_is_filled_emptied_or_shown(as_ben, anna, ben):
    own, foreign = row(ben, 1), row(anna, 2)
    album = albums.named(anna, "Secret")
    albums.add(album, [foreign.id])
    before = snapshot()
    for number in (album.id, 10**6):
        for name in ("into", "album"):
            address = f"/choose?{name}={number}"
            assert as_ben.page(address).status == 404
            assert as_ben.post(address, form=ticked([own.id], do="add")).status == 404
            assert as_ben.post(address, form=ticked([foreign.id], do="out")).status == 404
        form = ticked([own.id], do="add", album=number)
        assert as_ben.post("/choose", form=form).status == 404
    assert as_ben.post("/choose", form=ticked([own.id], do="add", album="x")).status == 404
    assert snapshot() == before
    assert "Secret" not in as_ben.page("/choose").text


def test_a_library_without_photos_says_so(as_ben):
    assert "No photos are here yet." in as_ben.page("/choose").text
    assert "None of your photos match." in as_ben.page("/choose?q=sea").text
