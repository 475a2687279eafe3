"""What is decided before a byte of a body has come: by the same rules as the application's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from homequeue import config
from homequeue.errors import (
    Gone,
    HomequeueError,
    Invalid,
    Locked,
    NoSpace,
    NotAllowed,
    NotFound,
    TooLarge,
)
from homequeue.media import Media
from homequeue.models import Receipt, Share
from homequeue.services import creation, resumable, room, shares, users
from homequeue.web import principals
from homequeue.web.admission import LOOK_EVERY, Admitted, Arrival, Asked, Form, NoLength, admit
from tests.library import incoming
from tests.web.client import SECRET

GIB = 2**30
PIECE = {
    "TUS_RESUMABLE": "1.0.0",
    "CONTENT_TYPE": "application/offset+octet-stream",
    "UPLOAD_OFFSET": "0",
}


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """No body of another test keeps room."""
    room._coming.clear()


@pytest.fixture
def session(ben: users.User) -> str:
    return users.open_session(ben, 1)


@pytest.fixture
def browser(session: str) -> dict[str, str]:
    """The headers of a page of ours."""
    token = principals.csrf_token(principals.Principal(session=session), SECRET)
    cookie = f"{principals.COOKIE}={session}"
    return {"HOST": "photos.home", "COOKIE": cookie, "X_CSRF_TOKEN": token}


@pytest.fixture
def program(ben: users.User) -> dict[str, str]:
    token = users.add_token(ben, "phone", "upload", None)
    return {"AUTHORIZATION": f"Bearer {token}", "HOST": "photos.home"}


@pytest.fixture
def limits(house: Any) -> Callable[..., None]:
    def set_them(**values: int) -> None:
        config.bind(replace(house, uploads=replace(house.uploads, **values)))

    return set_them


def ask(request: str, headers: dict[str, str], size: int = 1000) -> Admitted:
    command, _, path = request.partition(" ")
    return admit(Asked(command, path, headers, size), SECRET)


def close(admitted: Admitted) -> None:
    if admitted[1] is not None:
        admitted[1].close()


# Other sites

FOREIGN = [
    {"X_CSRF_TOKEN": ""},
    {"X_CSRF_TOKEN": "0" * 64},
    {"ORIGIN": "http://evil.example"},
    {"SEC_FETCH_SITE": "cross-site"},
]


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("door", ["POST /api/assets", "PUT /api/assets/a.jpg", "POST /api/uploads"])
def test_nothing_is_received_for_another_site(browser, door, foreign):
    kind = PIECE | {"UPLOAD_LENGTH": "1000"} if door.endswith("uploads") else {}
    with pytest.raises(NotAllowed):
        ask(door, browser | kind | foreign)
    assert incoming() == []
    close(ask(door, browser | kind))


@pytest.mark.parametrize("foreign", FOREIGN)
def test_nor_does_it_add_to_an_upload(browser, ben, foreign):
    upload = resumable.create(ben, 1000, "")
    with pytest.raises(NotAllowed):
        ask(f"PATCH /api/uploads/{upload.id}", browser | PIECE | foreign)
    assert not resumable._running
    close(ask(f"PATCH /api/uploads/{upload.id}", browser | PIECE))


def test_a_name_that_is_not_ours_is_refused_as_well(program, house):
    config.bind(replace(house, server=replace(house.server, url="https://photos.example")))
    with pytest.raises(NotAllowed):
        ask("POST /api/assets", program)
    close(ask("POST /api/assets", program | {"HOST": "photos.example"}))


def test_the_form_of_a_page_has_its_token_inside(browser):
    _, form = ask("POST /upload", browser | FORM | {"X_CSRF_TOKEN": ""})
    assert isinstance(form, Form), "what comes of it is kept by nobody yet"
    form.close()


@pytest.mark.parametrize("door", ["POST /upload", "POST /share-target"])
def test_a_program_does_not_fill_in_the_form_of_a_page(program, door):
    with pytest.raises(NotAllowed, match="/api/assets"):
        ask(door, program | FORM)
    assert incoming() == []


@pytest.mark.parametrize("kind", ["image/jpeg", "application/x-www-form-urlencoded"])
def test_nothing_else_is_without_a_token(browser, kind):
    headers = browser | {"X_CSRF_TOKEN": "", "CONTENT_TYPE": kind}
    with pytest.raises(Invalid, match="not the form"):
        ask("POST /upload", headers)
    with pytest.raises(NotAllowed):
        ask("POST /api/assets", headers)
    with pytest.raises(NotAllowed):
        ask("POST /api/assets", headers | FORM)
    assert incoming() == []


# Receipts


@pytest.mark.parametrize(
    ("door", "more", "name"),
    [
        ("POST /api/assets", {"X_FILENAME": "caf%C3%A9.jpg"}, "café.jpg"),
        ("PUT /api/assets/caf\xc3\xa9.jpg", {}, "café.jpg"),
        ("POST /api/uploads", {"UPLOAD_METADATA": "filename Y2Fmw6kuanBn"}, "café.jpg"),
        ("POST /api/assets", {}, "photo"),
    ],
)
def test_what_is_too_large_has_a_receipt_whatever_door_it_comes_to(
    program, limits, door, more, name
):
    limits(max_size=5000)
    tus = PIECE | {"UPLOAD_LENGTH": "5001"} if door.endswith("uploads") else {}
    with pytest.raises(TooLarge):
        ask(door, program | tus | more, 5001)
    (receipt,) = Receipt.select()
    assert (receipt.filename, receipt.size, receipt.outcome) == (name, 5001, "refused")
    assert "larger than 5 kB" in str(receipt.words)


def test_what_may_pass_has_none(program, monkeypatch):
    monkeypatch.setattr(Media, "free_bytes", lambda _: 0)
    with pytest.raises(NoSpace):
        ask("POST /api/assets", program)
    assert Receipt.select().count() == 0


def test_nor_has_a_request_that_makes_no_sense(program):
    with pytest.raises(HomequeueError, match="more than the upload was said to have"):
        ask("POST /api/uploads", program | PIECE | {"UPLOAD_LENGTH": "999"}, 1000)
    with pytest.raises(Invalid):
        resumable.check(users.User.get(), 0, "")
    assert [row.words for row in Receipt.select()] == ["This file is empty."]


# Room


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch, limits: Callable[..., None]) -> list[int]:
    """The free bytes of the disk, of which a gibibyte is to be kept."""
    limits(min_free=GIB, max_size=8 * GIB)
    left = [4 * GIB]
    monkeypatch.setattr(Media, "free_bytes", lambda _: left[0])
    return left


def test_uploads_that_begin_at_once_do_not_share_the_same_room(ben, free):
    """Ten of 2 GB where there is room for one."""
    made = 0
    for _ in range(10):
        try:
            resumable.check(ben, 2 * GIB, "")
            resumable.create(ben, 2 * GIB, "")
            made += 1
        except NoSpace:
            pass
    assert made == 1
    assert len(incoming()) == 1


def test_not_even_those_that_have_asked_before_the_others_began(ben, free):
    for _ in range(3):
        resumable.check(ben, 2 * GIB, "")
    resumable.create(ben, 2 * GIB, "")
    for _ in range(2):
        with pytest.raises(NoSpace):
            resumable.create(ben, 2 * GIB, "")
    assert len(incoming()) == 1, "nothing is left of what was refused"


def test_who_asks_once_more_finds_the_room_spoken_for_before(ben, free, program):
    begin = program | BEGIN | {"UPLOAD_LENGTH": str(2 * GIB), "UPLOAD_METADATA": "key MQ=="}
    resumable.create(ben, 2 * GIB, "key MQ==")
    close(ask("POST /api/uploads", begin, 1000))
    with pytest.raises(NoSpace):
        ask("POST /api/uploads", begin | {"UPLOAD_METADATA": "key Mg=="}, 1000)
    with creation.once(ben, 2 * GIB, "key Mg=="), pytest.raises(Locked):
        ask("POST /api/uploads", begin | {"UPLOAD_METADATA": "key Mg=="}, 1000)


def test_what_has_come_is_not_counted_twice(ben, free):
    upload = resumable.create(ben, 3000, "")
    assert room.spoken_for() == 3000
    piece = resumable.begin(upload, 0, 3000)
    piece.append(bytes(1000))
    assert room.spoken_for() == 2000
    assert room.spoken_for(upload.id) == 0
    piece.close()
    resumable.terminate(upload)
    assert room.spoken_for() == 0


def test_an_upload_that_nobody_goes_on_with_keeps_no_room(ben, free, monkeypatch):
    resumable.create(ben, 2 * GIB, "")
    with pytest.raises(NoSpace):
        resumable.create(ben, 2 * GIB, "")
    monkeypatch.setattr("homequeue.media.FORGOTTEN", -1.0)
    resumable.create(ben, 2 * GIB, "")


def test_but_has_to_find_it_again_when_it_goes_on(ben, free, monkeypatch):
    """An upload that was promised room goes on whatever others were promised since."""
    old = resumable.create(ben, 2 * GIB, "")
    with monkeypatch.context() as an_hour_later:
        an_hour_later.setattr("homequeue.media.FORGOTTEN", -1.0)
        new = resumable.create(ben, 2 * GIB, "")
    for one in (old, new):
        resumable.begin(one, 0, 10).close()
    monkeypatch.setattr(Media, "is_growing", lambda _self, name: name == new.id)
    with pytest.raises(NoSpace):
        resumable.begin(old, 0, 10)
    resumable.begin(new, 0, 10).close()


def test_a_raw_body_under_way_keeps_its_room_and_no_longer(program, free):
    _, first = ask("POST /api/assets", program, GIB)
    assert isinstance(first, Arrival)
    assert room.spoken_for() == GIB
    first.append(bytes(1000))
    assert room.spoken_for() == GIB - 1000
    with pytest.raises(NoSpace):
        ask("POST /api/assets", program, GIB + 1000)
    with pytest.raises(NoSpace):
        ask("POST /api/uploads", program | PIECE | {"UPLOAD_LENGTH": str(3 * GIB)}, 1000)
    first.close()
    close(ask("POST /api/assets", program, GIB + 1000))
    assert room.spoken_for() == 0
    assert incoming() == []


# Guests


@pytest.fixture
def link(ben: users.User) -> str:
    return f"/s/{shares.make(ben, shares.Terms('Party'))[1]}"


@pytest.fixture
def guest(link: str) -> dict[str, str]:
    """The headers of a page below a link."""
    secret = shares.welcome(Share.get(), "Rita")
    token = principals.csrf_token(principals.Principal(session=secret), SECRET)
    cookie = f"{principals.GUEST_COOKIE}={secret}"
    return {"HOST": "photos.home", "COOKIE": cookie, "X_CSRF_TOKEN": token}


BEGIN = PIECE | {"UPLOAD_LENGTH": "1000"}


def test_a_guest_begins_an_upload_and_goes_on_with_it(guest, link, ben):
    admitted = ask(f"POST {link}/uploads", guest | BEGIN)
    assert isinstance(admitted[1], Arrival)
    close(admitted)
    who = shares.guest(Share.get(), guest["COOKIE"].partition("=")[2])
    upload = resumable.create(ben, 1000, "", guest=who)
    admitted = ask(f"PATCH {link}/uploads/{upload.id}", guest | PIECE)
    assert (admitted[0], type(admitted[1])) == (1000, resumable.Piece)
    close(admitted)


def test_a_guest_goes_on_with_nobody_elses(guest, link, ben):
    upload = resumable.create(ben, 1000, "")
    with pytest.raises(NotFound):
        ask(f"PATCH {link}/uploads/{upload.id}", guest | PIECE)


@pytest.mark.parametrize("foreign", FOREIGN)
def test_nothing_of_a_guest_is_received_for_another_site(guest, link, foreign):
    with pytest.raises(NotAllowed):
        ask(f"POST {link}/uploads", guest | BEGIN | foreign)
    assert incoming() == []


@pytest.mark.parametrize("place", ["uploads", "upload"])
def test_limits_of_a_link_are_kept_before_a_byte(guest, link, place):
    Share.update(max_size=999).execute()
    with pytest.raises(TooLarge):
        ask(f"POST {link}/{place}", guest | BEGIN)
    Share.update(max_size=10**6, ended_at=1.0).execute()
    with pytest.raises(Gone):
        ask(f"POST {link}/{place}", guest | BEGIN)
    with pytest.raises(NotFound):
        ask(f"POST /s/wrong/{place}", guest | BEGIN)
    assert incoming() == []


def test_a_session_or_a_token_sends_nothing_by_a_link(browser, program, link):
    for headers in (browser, program):
        with pytest.raises(NotAllowed):
            ask(f"POST {link}/uploads", headers | BEGIN)
    with pytest.raises(TooLarge):
        ask(f"POST {link}", browser, 2**15)


def test_a_guest_is_nobody_elsewhere(guest):
    with pytest.raises(HomequeueError, match="sign in"):
        ask("POST /api/uploads", guest | BEGIN)


FORM = {"CONTENT_TYPE": "multipart/form-data; boundary=x"}


def test_a_form_under_way_keeps_room_for_its_files(program, free):
    _, form = ask("POST /api/assets", program | FORM, GIB)
    assert isinstance(form, Form)
    assert room.spoken_for() == GIB
    form.append(bytes(1000))
    assert room.spoken_for() == GIB - 1000
    with pytest.raises(NoSpace):
        ask("POST /api/assets", program | FORM, GIB + 1000)
    form.close()
    assert room.spoken_for() == 0


def test_a_form_says_how_long_it_is(program, browser):
    for door, headers in (("POST /api/assets", program), ("POST /upload", browser)):
        with pytest.raises(NoLength) as refused:
            ask(door, headers | FORM, 0)
        assert refused.value.status == 411


def test_a_body_of_unknown_length_ends_with_the_free_room(program, free):
    _, body = ask("POST /api/assets", program, 0)
    assert isinstance(body, Arrival)
    body.append(bytes(LOOK_EVERY))
    free[0] = GIB - 1
    body.append(bytes(LOOK_EVERY - 1))
    with pytest.raises(NoSpace):
        body.append(b"1")
    body.close()
    assert incoming() == []
