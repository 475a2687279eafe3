"""The dates to check, moving a selection, and taking that back: by forms and by the API."""

import json
import re

import pytest

from homequeue.models import Asset, Retiming
from homequeue.services import albums, doubtful, doubts, retiming
from tests.library import row, whole
from tests.web.conftest import with_token
from tests.web.reading import EVIL, checked

FOUND = {"candidate": "2019-07-12T18:15:00+02:00", "candidate_source": "name"}


def in_doubt(owner, number: int, **values) -> Asset:
    defaults = {"doubt": doubts.NAME, "taken_at": "2024-07-12T18:15:00"}
    return whole(owner, number, **defaults | FOUND | values)


def dates_of(*photos: Asset) -> list[str]:
    return [Asset.get_by_id(photo.id).taken_at for photo in photos]


def test_nothing_to_check(as_ben, ben):
    row(ben, 1)
    assert "All dates look right" in as_ben.page("/dates").text
    assert "Check dates" not in as_ben.page("/").text


@pytest.mark.parametrize("reason", doubts.REASONS)
def test_a_doubtful_one_is_shown_with_its_reason(as_ben, ben, reason):
    found = FOUND if reason not in (doubts.FILE, doubts.UPLOAD) else {"candidate": None}
    photo = in_doubt(ben, 1, doubt=reason, filename=EVIL, **found)
    answer = as_ben.page("/dates")
    page = checked(answer)
    assert f"/assets/{photo.id}" in page.addresses
    assert f"/api/assets/{photo.id}/thumbnail" in "".join(page.addresses)
    assert "12 July 2024, 18:15" in answer.text
    assert ("12 July 2019, 18:15" in answer.text) == (found is FOUND)
    assert 'Check dates <span class="how-many">1</span>' in as_ben.page("/").text


def test_others_are_not_shown(as_ben, anna, ben):
    in_doubt(anna, 1, filename="of-anna.jpg")
    in_doubt(ben, 2, filename="trashed.jpg", trashed_at=1.0)
    text = as_ben.page("/dates").text
    assert "of-anna" not in text
    assert "trashed.jpg" not in text


def test_by_reason_and_page_by_page(as_ben, ben):
    for number in range(35):
        row(ben, number, doubt=doubts.UPLOAD, filename=f"up-{number:02}.jpg")
    in_doubt(ben, 99, filename="named.jpg")
    first = as_ben.page("/dates?why=upload")
    checked(first)
    assert "named.jpg" not in first.text
    assert "All 35 are right" in first.text
    (older,) = [a for a in checked(first).addresses if "cursor=" in a]
    second = as_ben.page(older)
    checked(second)
    names = [name for n in range(35) if (name := f"up-{n:02}.jpg")]
    assert all((name in first.text) != (name in second.text) for name in names)
    assert "named.jpg" in as_ben.page("/dates?why=name").text
    assert as_ben.page("/dates?why=moon").status == 422


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
@pytest.mark.parametrize("chosen", ["", "&id=1"])
def test_the_way_back_stays_on_this_site(as_ben, ben, evil, chosen):
    in_doubt(ben, 1)
    answer = as_ben.page(f"/dates/move?next={evil}{chosen}")
    assert answer.status == 200
    assert evil not in answer.text


def test_what_is_chosen_already_needs_no_cameras_and_albums(as_ben, ben, monkeypatch):
    photo = whole(ben, 1, model="X100")
    albums.add(albums.named(ben, "Summer"), [photo.id])
    monkeypatch.setattr(albums, "listed", None)
    text = as_ben.page("/dates/move").text
    assert "<option>X100</option>" in text
    assert ">Summer</option>" in text
    monkeypatch.setattr(retiming, "cameras", None)
    assert as_ben.page(f"/dates/move?id={photo.id}").status == 200


def test_one_tap_takes_the_other_date_and_one_takes_it_back(as_ben, ben):
    photo = in_doubt(ben, 1)
    form = {"id": str(photo.id), "how": "accept", "next": "/dates?why=name"}
    answer = as_ben.post("/api/assets/dates", form=form)
    (made,) = Retiming.select()
    assert (answer.status, answer.header("Location")) == (
        303,
        f"/dates?why=name&said=redated_one-{made.id}",
    )
    assert dates_of(photo) == ["2019-07-12T18:15:00"]
    page = as_ben.page(f"/dates?said=redated_one-{made.id}")
    checked(page)
    assert "The date is changed." in page.text
    assert f"/api/retimings/{made.id}/undo" in page.text
    answer = as_ben.post(f"/api/retimings/{made.id}/undo", form={"next": "/dates/changes"})
    assert answer.header("Location") == "/dates/changes?said=redated_one_back"
    assert dates_of(photo) == [photo.taken_at]
    assert Asset.get().doubt == doubts.NAME
    assert "Undone" in as_ben.page("/dates/changes").text


def test_what_is_right_comes_no_more(as_ben, ben):
    photo = in_doubt(ben, 1)
    answer = as_ben.post("/api/assets/dates", form={"id": str(photo.id), "how": "right"})
    page = as_ben.page(answer.header("Location"))
    assert "All dates look right" in page.text
    assert "nobody is asked about it again" in page.text
    assert "changed." not in page.text
    assert f"/api/retimings/{Retiming.get().id}/undo" in page.text
    assert dates_of(photo) == [photo.taken_at]


def test_a_date_by_hand(as_ben, ben):
    photo = in_doubt(ben, 1)
    form = {"id": str(photo.id), "how": "first", "first": "2018-02-03T04:05:06"}
    assert as_ben.post("/api/assets/dates", form=form).status == 303
    asset = as_ben.get(f"/api/assets/{photo.id}").json
    assert (asset["taken_at"], asset["taken_at_source"]) == ("2018-02-03T04:05:06", "hand")
    assert (asset["doubt"], asset["candidate"]) == (None, None)
    assert "set by hand" in as_ben.page(f"/assets/{photo.id}").text


def test_all_of_a_reason(as_ben, ben):
    for number in range(3):
        in_doubt(ben, number, doubt=doubts.FILE, candidate=None)
    as_ben.post("/api/assets/dates", form={"doubt": "file", "how": "right"})
    assert Asset.select().where(Asset.doubt.is_null(False)).count() == 0


def test_forms_without_a_choice(as_ben, ben):
    in_doubt(ben, 1)
    answer = as_ben.post(
        "/api/assets/dates", form={"how": "right"}, headers={"Accept": "text/html"}
    )
    assert answer.status == 422
    assert "Choose some photos first." in answer.text
    assert Asset.get().doubt == doubts.NAME


def test_what_was_not_found_is_not_used(as_ben, ben):
    photo = in_doubt(ben, 1, doubt=doubts.FILE, candidate=None)
    form = {"id": str(photo.id), "how": "accept"}
    answer = as_ben.post("/api/assets/dates", form=form, headers={"Accept": "text/html"})
    assert answer.status == 422
    assert "No other date was found of what you chose" in answer.text


MOVES = [
    ("how=shift&years=1&back=1", "1 year earlier", "12 July 2023, 18:15"),
    ("how=shift&hours=2&minutes=1&back=0", "2 hours 1 minute later", "12 July 2024, 20:16"),
    ("how=first&first=2019-01-02T03:04", "set to 2 January 2019, 03:04", "2 January 2019, 03:04"),
    ("how=offset&offset=%2B09:00", "set to +09:00", "12 July 2024, 18:15 (+09:00)"),
    ("how=offset&offset=", "not known", "12 July 2024, 18:15 (zone not known)"),
]


@pytest.mark.parametrize(("query", "words", "then"), MOVES)
def test_what_moving_would_do_is_shown_before(as_ben, ben, query, words, then):
    photo = whole(ben, 1, taken_at="2024-07-12T18:15:00", taken_offset="+01:00", filename=EVIL)
    answer = as_ben.page(f"/dates/move?id={photo.id}&{query}")
    checked(answer)
    assert words in answer.text
    assert then in answer.text
    assert "Change this date" in answer.text
    assert dates_of(photo) == [photo.taken_at]
    form = dict(pair.split("=") for pair in query.replace("%2B", "+").split("&"))
    as_ben.post("/api/assets/dates", form=form | {"id": str(photo.id)})
    assert words in Retiming.get().words
    assert Asset.get().taken_at_source == "hand"


def test_two_are_spoken_of_as_two(as_ben, ben):
    ids = [whole(ben, number).id for number in (1, 2)]
    text = as_ben.page(f"/dates/move?id={ids[0]}&id={ids[1]}&how=shift&hours=1").text
    for words in ("Move all by the same distance", "the times stay", "Say whether they move"):
        assert words in text
    move = {"ids": ids, "shift": {"days": 1}}
    made = as_ben.post("/api/assets/dates", json=move).json["id"]
    answer = as_ben.post(f"/api/retimings/{made}/undo", form={"next": "/dates"})
    assert answer.header("Location") == "/dates?said=redated_back"
    fields = f"csrf={as_ben.csrf}&id={ids[0]}&id={ids[1]}&how=shift&days=1&back=1"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = as_ben.request("POST", "/api/assets/dates", body=fields.encode(), headers=kind)
    page = as_ben.page(answer.header("Location")).text
    assert "The dates are changed." in page
    assert "/undo" in page


def test_one_is_spoken_of_as_one(as_ben, ben):
    photo = whole(ben, 1)
    text = as_ben.page(f"/dates/move?id={photo.id}").text
    for words in ("same distance", "the times stay", "the first photo"):
        assert words not in text
    assert "Move it earlier or later" in text


@pytest.mark.parametrize("milliseconds", ["", ".123"])
def test_what_changes_nothing_says_so(as_ben, ben, milliseconds):
    photo = whole(ben, 1, taken_at=f"2024-07-12T18:15:37{milliseconds}")
    page = as_ben.page(f"/dates/move?id={photo.id}")
    (offered,) = re.findall(r'name="first" step="1" value="([^"]*)"', page.text)
    answer = as_ben.page(f"/dates/move?id={photo.id}&how=first&first={offered}")
    checked(answer)
    assert "This changes nothing: it has this date already." in answer.text
    assert "Change this date" not in answer.text


def test_a_change_of_seconds_is_seen(as_ben, ben):
    photo = whole(ben, 1, taken_at="2024-07-12T18:15:37")
    text = as_ben.page(f"/dates/move?id={photo.id}&how=first&first=2024-07-12T18:15").text
    assert "18:15:37" in text
    assert "18:15:00" in text
    assert "Change this date" in text


def test_ticked_photos_are_moved_without_the_token_in_the_address(as_ben, ben):
    ids = [in_doubt(ben, number).id for number in (1, 2)]
    text = as_ben.page("/dates").text
    assert 'formmethod="get"' not in text
    fields = f"csrf={as_ben.csrf}&id={ids[0]}&id={ids[1]}&next=%2Fdates"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = as_ben.request("POST", "/dates/move", body=fields.encode(), headers=kind)
    place = answer.header("Location")
    assert place == f"/dates/move?id={ids[0]}&id={ids[1]}&next=%2Fdates"
    assert "2 photos" in as_ben.page(place).text


def test_no_direction_is_guessed(as_ben, ben):
    photo = whole(ben, 1)
    text = as_ben.page(f"/dates/move?id={photo.id}").text
    assert not re.search('name="back" value="." checked', text)
    text = as_ben.page(f"/dates/move?id={photo.id}&how=shift&hours=1").text
    assert "Say whether it moves earlier or later." in text
    assert "<table" not in text


def test_a_clock_that_was_never_set_is_behind(as_ben, ben):
    photo = in_doubt(ben, 1, doubt=doubts.UNSET)
    text = as_ben.page(f"/dates/move?id={photo.id}").text
    assert re.findall('name="back" value="(.)" checked', text) == ["0"]


def test_photos_are_chosen_by_day_camera_album_and_words(as_ben, ben):
    one = row(ben, 1, taken_at="2024-07-12T10:00:00", model="X100")
    two = row(ben, 2, taken_at="2024-07-13T10:00:00", model="X100", caption="Sea")
    row(ben, 3, taken_at="2024-07-13T11:00:00", model="Z5")
    summer = albums.named(ben, "Summer <&>")
    albums.add(summer, [one.id])
    start = as_ben.page("/dates/move")
    checked(start)
    assert "<option>X100</option>" in start.text
    assert "Summer &lt;&amp;&gt;" in start.text
    for query, count in (
        ("day=2024-07-13", 2), ("camera=X100", 2), (f"album={summer.id}", 1), ("q=sea", 1),
        ("camera=X100&day=2024-07-13&q=&album=", 1), ("day=1999-01-01", 0),
    ):  # fmt: skip
        page = as_ben.page(f"/dates/move?{query}")
        checked(page)
        words = f">{count} photo{'s' * (count != 1)}<" if count else "There are no such photos."
        assert words in page.text, query
    as_ben.post(
        "/api/assets/dates", form={"camera": "X100", "how": "shift", "days": "1", "back": "0"}
    )
    assert dates_of(one, two) == ["2024-07-13T10:00:00", "2024-07-14T10:00:00"]


def test_many_are_previewed_in_part(as_ben, ben):
    for number in range(60):
        row(ben, number)
    page = as_ben.page("/dates/move?day=2024-07-12&how=shift&years=1&back=1")
    checked(page)
    assert "and 10 more" in page.text
    assert "Change these 60 dates" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "day=yesterday", "day=2024-7-1", "album=x", "album=77", "id=x", "id=1&how=shift",
        "id=1&how=shift&years=-1", "id=1&how=shift&years=1e5", "id=1&how=first&first=noon",
        "id=1&how=offset&offset=2", "id=1&how=offset&offset=%2B23:00", "doubt=moon",
        "id=1&how=shift&years=999999999", "id=1&how=shift&years=9000&back=0",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(as_ben, ben, query):
    photo = row(ben, 1)
    answer = as_ben.page(f"/dates/move?{query.replace('id=1', f'id={photo.id}')}")
    assert answer.status in (404, 422)
    checked(answer, answer.status)


# the API


def test_the_api_moves_and_tells_before(app, ben):
    client = with_token(app, ben, "write")
    photo = row(ben, 1, taken_at="2024-07-12T18:15:00")
    asked = {"filter": {"day": "2024-07-12"}, "shift": {"years": -1, "hours": 1}}
    told = client.post("/api/assets/dates", json=asked | {"dry": True}).json
    assert told == {
        "count": 1,
        "assets": [
            {
                "id": photo.id,
                "filename": "IMG_1.jpg",
                "before": "2024-07-12T18:15:00",
                "after": "2023-07-12T19:15:00",
                "offset_before": None,
                "offset_after": None,
            }
        ],
    }
    assert dates_of(photo) == ["2024-07-12T18:15:00"]
    made = client.post("/api/assets/dates", json=asked).json
    assert (made["count"], made["words"]) == (1, "moved 1 hour later and 1 year earlier")
    assert dates_of(photo) == ["2023-07-12T19:15:00"]
    assert client.get("/api/retimings").json == {"retimings": [made], "next": None}
    undone = client.post(f"/api/retimings/{made['id']}/undo")
    assert undone.json == {"restored": 1, "left": 0}
    assert dates_of(photo) == ["2024-07-12T18:15:00"]
    assert client.post(f"/api/retimings/{made['id']}/undo").status == 409
    assert client.get("/api/retimings").json["retimings"][0]["undone_at"] is not None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"ids": [1]},
        {"right": True},
        {"ids": [], "filter": {}, "right": True},
        {"ids": "1", "right": True},
        {"ids": [True], "right": True},
        {"ids": [-1], "right": True},
        {"ids": list(range(1, 10_002)), "right": True},
        {"ids": [1], "right": False},
        {"ids": [1], "right": True, "accept": True},
        {"ids": [1], "shift": {}},
        {"ids": [1], "shift": {"weeks": 1}},
        {"ids": [1], "shift": {"days": 1.5}},
        {"ids": [1], "shift": {"days": True}},
        {"ids": [1], "shift": {"days": 10**30}},
        {"ids": [1], "shift": {"days": 0}},
        {"ids": [1], "shift": 1},
        {"ids": [1], "first": None},
        {"ids": [1], "first": "2024-13-01"},
        {"ids": [1], "first": "0001-01-01T00:00:00"},
        {"ids": [1], "offset": "+2"},
        {"ids": [1], "offset": 2},
        {"filter": {"moon": 1}, "right": True},
        {"filter": {"day": 1}, "right": True},
        {"filter": {"album": "1"}, "right": True},
        {"filter": {"favorite": "yes"}, "right": True},
        {"filter": [], "right": True},
        {"filter": {"day": "2024-07-12"}, "accept": True},
    ],
    ids=lambda asked: json.dumps(asked)[:60],
)
def test_the_api_refuses_what_makes_no_sense(as_ben, ben, asked):
    photo = row(ben, 1)
    if repr(asked.get("ids")) == "[1]":  # [True] is the same to Python
        asked = asked | {"ids": [photo.id]}
    answer = as_ben.post("/api/assets/dates", json=asked)
    assert answer.status == 422
    assert answer.json["error"]
    assert (dates_of(photo), Retiming.select().count()) == ([photo.taken_at], 0)


def test_photos_and_albums_of_others_are_not_there(as_ben, anna, ben):
    foreign, album = row(anna, 1), albums.named(anna, "Hers")
    for which in ({"ids": [foreign.id]}, {"filter": {"album": album.id}}):
        answer = as_ben.post("/api/assets/dates", json=which | {"shift": {"days": 1}})
        assert answer.status == 404
    assert dates_of(foreign) == [foreign.taken_at]


def test_changes_page_by_page(as_ben, ben):
    photo = row(ben, 1)
    for _ in range(52):
        as_ben.post("/api/assets/dates", json={"ids": [photo.id], "shift": {"days": 1}})
    first = checked(as_ben.page("/dates/changes"))
    (older,) = [address for address in first.addresses if "cursor=" in address]
    assert len([a for a in first.addresses if a.endswith("/undo")]) == 50
    rest = checked(as_ben.page(older))
    assert len([a for a in rest.addresses if a.endswith("/undo")]) == 2
    listed = as_ben.get("/api/retimings?limit=50").json
    assert len(as_ben.get(f"/api/retimings?cursor={listed['next']}").json["retimings"]) == 2


def test_the_viewer_leads_to_changing_the_date(as_ben, ben):
    photo = whole(ben, 1)
    page = checked(as_ben.page(f"/assets/{photo.id}"))
    (address,) = [a for a in page.addresses if a.startswith("/dates/move")]
    assert "Set it" in as_ben.page(address).text


def test_what_was_searched_for_can_be_moved(as_ben, ben):
    row(ben, 1, caption="Sea & sun", favorite=True)
    row(ben, 2)
    assert not [a for a in checked(as_ben.page("/")).addresses if a.startswith("/dates/move")]
    page = checked(as_ben.page("/?q=sea+%26&favorite=1"))
    (address,) = [a for a in page.addresses if a.startswith("/dates/move")]
    assert ">1 photo<" in as_ben.page(address).text


def test_menus_do_not_count_for_ever(as_ben, ben, monkeypatch):
    for number in range(3):
        row(ben, number, doubt=doubts.FILE)
    monkeypatch.setattr(doubtful, "ENOUGH", 3)
    assert 'Check dates <span class="how-many">3+</span>' in as_ben.page("/").text
