"""An answer that is lost costs nothing: who asks once more by the same key is told it again."""

import pytest

from homequeue.errors import Locked
from homequeue.media import media
from homequeue.models import Asset, Guest, Receipt, Share, Upload
from homequeue.services import resumable, room, shares
from homequeue.services.creation import begun_before, once
from homequeue.services.shares import Terms
from tests.library import incoming, jpeg, originals
from tests.web.client import Answer, Client
from tests.web.conftest import with_token
from tests.web.test_drops import come_in
from tests.web.test_tus import BYTES, DATA, add, ask, create, head, offset, said

KEYED = said(filename="sea.jpg", key="abc 1")
GIB = 2**30


@pytest.fixture
def program(app, ben):
    return with_token(app, ben, "upload")


def again(client: Client, size: int = len(DATA), body: bytes = b"", key: str = KEYED) -> Answer:
    return create(client, size, body, Upload_Metadata=key)


def test_an_upload_is_begun_once(program):
    first, second = again(program), again(program)
    assert (first.status, second.status) == (201, 201)
    assert first.header("Location") == second.header("Location")
    assert Upload.select().count() == len(incoming()) == 1
    assert offset(second) == 0


def test_lost_answers_speak_for_no_room(program, monkeypatch):
    monkeypatch.setattr(media, "free_bytes", lambda: 7 * GIB)
    assert [again(program, 4 * GIB).status for _ in range(5)] == [201] * 5
    assert room.spoken_for() == 4 * GIB


def test_bytes_that_are_there_stay(program):
    place = again(program).header("Location") or ""
    add(program, place, DATA[:1000], 0)
    told = again(program)
    assert (told.header("Location"), offset(told)) == (place, 1000)
    # Those of the request itself do not count: where to go on is what it is told.
    assert offset(again(program, body=DATA)) == 1000
    assert add(program, place, DATA[1000:], 1000).header("Homequeue-Outcome") == "added"
    assert Asset.select().count() == 1


def test_a_photo_that_was_deleted_for_good_since_is_sent_anew(program):
    again(program, body=DATA)
    Asset.delete().execute()
    assert offset(again(program)) == 0
    Upload.delete().execute()
    assert again(program, body=DATA).header("Homequeue-Outcome") == "added"
    assert Asset.select().count() == 1


@pytest.mark.parametrize("body", [DATA, b""], ids=["whole", "empty"])
def test_a_photo_that_has_come_is_not_here_already(program, body):
    first, second = again(program, body=DATA), again(program, body=body)
    names = "Location", "Upload-Offset", "Homequeue-Asset", "Homequeue-Batch", "Homequeue-Outcome"
    told = [[answer.header(name) for name in names] for answer in (first, second)]
    assert told[0] == told[1]
    assert (second.status, second.header("Homequeue-Outcome")) == (201, "added")
    assert Receipt.select().count() == len(originals()) == 1
    assert incoming() == []


@pytest.mark.parametrize(
    ("size", "key"),
    [
        (len(DATA), said(filename="sea.jpg", key="abc 2")),
        (len(DATA), said(filename="other.jpg", key="abc 1")),
        (len(DATA) + 1, KEYED),
    ],
    ids=["key", "name", "size"],
)
def test_another_file_is_another_upload(program, size, key):
    assert again(program).header("Location") != again(program, size, key=key).header("Location")


@pytest.mark.parametrize("metadata", [said(filename="sea.jpg"), said(filename="sea.jpg") + ",key"])
def test_without_a_key_each_is_another(program, metadata):
    assert again(program, key=metadata).status == again(program, key=metadata).status == 201
    assert Upload.select().count() == 2


def test_keys_of_others_are_no_key(app, program, anna):
    first, other = again(program, body=DATA), again(with_token(app, anna, "upload"), body=DATA)
    assert first.header("Location") != other.header("Location")
    assert other.header("Homequeue-Outcome") == "added"


def test_what_was_given_up_begins_anew(program):
    place = again(program).header("Location") or ""
    add(program, place, DATA[:1000], 0)
    assert ask(program, "DELETE", place).status == 204
    assert offset(again(program)) == 0
    assert add(program, place, DATA, 0).header("Homequeue-Outcome") == "added"


def test_one_whose_bytes_are_gone_begins_anew(program):
    place = again(program).header("Location") or ""
    media.forget_resumable(place.rpartition("/")[2])
    assert again(program).status == 201
    assert head(program, place).status == 200


def test_bytes_without_a_row_are_taken_over(program):
    place = again(program).header("Location") or ""
    Upload.delete().execute()
    assert again(program).header("Location") == place


def test_a_full_one_is_finished(program):
    place = again(program).header("Location") or ""
    (media.root / "incoming" / f"resumable-{place.rpartition('/')[2]}").write_bytes(DATA)
    assert again(program).header("Homequeue-Outcome") == "added"


def test_who_asks_while_it_is_being_begun_comes_later(program, ben):
    with once(ben, len(DATA), KEYED) as earlier:
        assert earlier is None
        with pytest.raises(Locked):
            begun_before(ben, len(DATA), KEYED)
        answer = again(program)
        assert (answer.status, answer.header("Retry-After")) == (423, "1")
    assert again(program).status == 201


# Guests


@pytest.fixture
def link(ben):
    _, token = shares.make(ben, Terms("Party", max_files=2))
    return f"/s/{token}"


@pytest.fixture
def rita(app, link):
    return come_in(app, link)


def send(guest: Client, link: str, body: bytes = b"", key: str = "1", size: int = 0) -> Answer:
    kind = {"Content-Type": BYTES} if body else {}
    about = {"Upload-Length": str(len(body) or size), "Upload-Metadata": said(key=key)}
    return ask(guest, "POST", f"{link}/uploads", body, **about | kind)


def test_a_guest_is_not_refused_for_answers_that_were_lost(rita, link):
    assert [send(rita, link, size=2000).status for _ in range(5)] == [201] * 5
    assert send(rita, link, jpeg(2), key="2").status == 201
    assert Receipt.select().where(Receipt.outcome == "refused").count() == 0


def test_a_link_is_charged_once(rita, link):
    assert send(rita, link, jpeg(1)).status == send(rita, link, jpeg(2), "2").status == 201
    # It is full now, and that is no news about a photo that has come.
    told = send(rita, link, jpeg(2), "2")
    assert (told.status, told.header("Homequeue-Outcome")) == (201, "arrived")
    assert (Share.get().files, Receipt.select().count()) == (2, 2)
    assert send(rita, link, jpeg(3), "3").status == 413


def test_what_is_only_under_way_refuses_nobody_for_good(rita, link, ben):
    for _ in range(2):
        resumable.create(ben, 60, "", guest=Guest.get())
    answer = send(rita, link, jpeg(3))
    assert (answer.status, answer.header("Retry-After")) == (423, "1")
    assert Receipt.select().count() == 0
