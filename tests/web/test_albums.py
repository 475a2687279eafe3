"""Albums in the API and on their pages."""

import base64

import pytest

from homequeue.services import albums
from tests.library import jpeg, whole


def listed(client):
    return [(a["title"], a["count"]) for a in client.get("/api/albums").json["albums"]]


def test_albums_of_the_api(as_anna, anna):
    made = as_anna.post("/api/albums", json={"title": "Summer"})
    assert made.status == 201
    album = made.json["id"]
    photo = whole(anna, 1)
    answer = as_anna.post(f"/api/albums/{album}/assets", json={"ids": [photo.id]})
    assert answer.json == {"added": 1}
    (found,) = as_anna.get("/api/albums").json["albums"]
    assert (found["title"], found["count"], found["cover"]) == ("Summer", 1, photo.id)
    whole(anna, 2)
    inside = as_anna.get(f"/api/assets?album={album}").json["assets"]
    assert [asset["id"] for asset in inside] == [photo.id]
    renamed = as_anna.request("PATCH", f"/api/albums/{album}", json={"title": "Autumn"})
    assert renamed.json["title"] == "Autumn"
    taken = as_anna.request("DELETE", f"/api/albums/{album}/assets", json={"ids": [photo.id]})
    assert taken.json == {"removed": 1}
    assert as_anna.request("DELETE", f"/api/albums/{album}").status == 204
    assert as_anna.get(f"/api/albums/{album}").status == 404
    assert as_anna.get(f"/api/assets?album={album}").status == 404


@pytest.mark.parametrize("title", [None, "", 7, " \n"])
def test_no_album_without_a_title(as_anna, title):
    assert as_anna.post("/api/albums", json={"title": title}).status == 422


@pytest.mark.parametrize("ids", [None, [], ["1"], [0], [True], 3, [10**18], [1] * 1001])
def test_photos_are_named_by_their_numbers(as_anna, anna, ids):
    album = albums.named(anna, "Summer").id
    assert as_anna.post(f"/api/albums/{album}/assets", json={"ids": ids}).status == 422


def test_albums_of_others_are_not_there(as_ben, anna):
    album = albums.named(anna, "Summer").id
    assert as_ben.get(f"/?album={album}").status == 404
    assert as_ben.get(f"/api/assets?album={album}").status == 404


def test_uploads_name_their_album(as_anna):
    named = {"X-Filename": "1.jpg", "X-Album": "Ostsee%20%F0%9F%8C%8A"}
    as_anna.request("POST", "/api/assets", body=jpeg(1), headers=named)
    as_anna.request("PUT", "/api/assets/2.jpg?album=Sea", body=jpeg(2))
    as_anna.send(("album", "Sea"), ("file", "3.jpg", jpeg(3)))
    data = jpeg(4)
    title = base64.b64encode(b"Sea").decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data))}
    said = {"Upload-Metadata": f"album {title}", "Content-Type": "application/offset+octet-stream"}
    assert as_anna.request("POST", "/api/uploads", body=data, headers=tus | said).status == 201
    assert listed(as_anna) == [("Ostsee 🌊", 1), ("Sea", 3)]


def test_the_page_of_albums(as_anna, anna):
    assert "No albums yet" in as_anna.get("/albums").text
    photo = whole(anna, 1)
    answer = as_anna.post("/albums", form={"title": "Sea & <sand>"})
    assert answer.status == 303
    here = answer.header("Location")
    empty = as_anna.get(here).text
    assert "Nothing in this album yet" in empty
    albums.add(albums.named(anna, "Sea & <sand>"), [photo.id])
    page = as_anna.get("/albums").text
    assert "Sea &amp; &lt;sand&gt;" in page
    assert "1 photo" in page
    assert f"/api/assets/{photo.id}/thumbnail" in page
    inside = as_anna.get(here).text
    assert f'id="a-{photo.id}"' in inside
    assert "<h1>Sea &amp; &lt;sand&gt;</h1>" in inside


def test_an_album_is_renamed_and_deleted_by_forms(as_anna, anna):
    album = albums.named(anna, "Sea").id
    assert as_anna.post(f"/albums/{album}/rename", form={"title": "Lake"}).status == 303
    assert listed(as_anna) == [("Lake", 0)]
    answer = as_anna.post(f"/albums/{album}/delete", form={})
    assert (answer.status, answer.header("Location")) == (303, "/albums")
    assert listed(as_anna) == []


def test_looking_for_something_in_an_album_stays_in_it(as_anna, anna):
    inside, outside = whole(anna, 1, favorite=True), whole(anna, 2, favorite=True)
    album = albums.named(anna, "Sea")
    albums.add(album, [inside.id])
    page = as_anna.get(f"/?album={album.id}&favorite=1&q=IMG").text
    assert f'id="a-{inside.id}"' in page
    assert f'id="a-{outside.id}"' not in page
    assert f'name="album" value="{album.id}"' in page
    assert f"?q=IMG&amp;album={album.id}" in page
