"""What guests get by a drop link, and what its maker sees of it."""

import re
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from homequeue import config
from homequeue.models import Asset, Guest, Share, Upload
from homequeue.services import assets, ingest, shares, users
from homequeue.web.principals import COOKIE, GUEST_COOKIE
from homequeue.web.security import TUS_VERSION
from tests.conftest import work_off
from tests.library import incoming, jpeg, send, whole
from tests.web.client import Answer, Client
from tests.web.conftest import signed_in
from tests.web.reading import checked

FORM = {"title": "Party", "days": "7", "max_files": "9", "max_gb": "1", "needs_approval": "1"}


@pytest.fixture
def link(as_ben) -> str:
    """The path of a link of Ben's."""
    made = as_ben.post("/api/shares", json={"title": "Our party", "album": "Party"})
    assert made.status == 201
    return "/s/" + made.json["url"].rpartition("/")[2]


def come_in(app: Any, link: str, name: str = "Aunt Rita") -> Client:
    guest = Client(app)
    answer = guest.post(link, form={"name": name})
    assert (answer.status, answer.header("Location")) == (303, link)
    return guest


@pytest.fixture
def guest(app, link) -> Client:
    return come_in(app, link)


def by_form(guest: Client, link: str, *contents: bytes) -> Answer:
    files = [("file", f"{n}.jpg", content) for n, content in enumerate(contents)]
    accept = {"Accept": "text/html"}
    return guest.send(("csrf", guest.csrf), *files, target=f"{link}/upload", **accept)


def by_tus(guest: Client, link: str, content: bytes, name: str = "a.jpg") -> Answer:
    metadata = f"filename {b64encode(name.encode()).decode()},album {b64encode(b'Mine').decode()}"
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Upload-Length": str(len(content)),
        "Upload-Metadata": metadata,
        "Content-Type": "application/offset+octet-stream",
    }
    return guest.request("POST", f"{link}/uploads", body=content, headers=headers)


# The door


def test_who_opens_a_link_sees_who_asks_and_nothing_is_written(nobody, link):
    before = Guest.select().count()
    answer = nobody.page(link)
    assert answer.status == 200
    assert "Our party" in answer.text
    assert "Ben asks you for photos" in answer.text
    assert answer.header("Set-Cookie") is None
    assert Guest.select().count() == before


def test_pages_below_a_link_tell_nobody_of_it(nobody, guest, link):
    for answer in (nobody.page(link), guest.page(link), nobody.page("/s/wrong")):
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert "noindex" in (answer.header("X-Robots-Tag") or "")
        assert answer.header("Cache-Control") == "no-store"
    assert nobody.page("/sign-in").header("X-Robots-Tag") is None


def test_the_cookie_of_a_guest_is_for_one_link(app, link):
    answer = Client(app).request("POST", link, form={"name": ""}, scheme="https")
    cookie = answer.header("Set-Cookie") or ""
    assert f"Path={link}" in cookie
    for word in ("HttpOnly", "Secure", "SameSite=lax"):
        assert word.lower() in cookie.lower()


def test_a_session_does_not_count_below_a_link(app, link, ben):
    client = signed_in(app, ben)
    assert "asks you for photos" in client.page(link).text
    assert by_tus(client, link, jpeg()).status == 403
    assert not Asset.select().exists()


def test_a_guest_cookie_counts_nowhere_else(app, ben, guest):
    own = send(ben, jpeg(9)).asset
    for path in ("/api/assets", f"/api/assets/{own.id}/original", "/api/shares", "/waiting"):
        assert guest.get(path).status in (303, 401)
    secret = guest.cookies[GUEST_COOKIE]
    assert Client(app, cookies={COOKIE: secret}).get("/api/assets").status == 401
    assert Client(app, token=secret).get("/api/assets").status == 401


@pytest.mark.parametrize("over", [{"expires_at": 1.0}, {"ended_at": 1.0}])
def test_a_link_that_has_ended_says_so(nobody, guest, link, over):
    Share.update(**over).execute()
    for client in (nobody, guest):
        answer = client.page(link)
        assert answer.status == 410
        assert "This link has ended" in answer.text
    assert by_tus(guest, link, jpeg()).status == 410
    assert by_form(guest, link, jpeg()).status == 410
    assert not Asset.select().exists()


def test_a_link_that_is_full_takes_nothing_and_shows_what_came(app, nobody, guest, link, as_ben):
    Share.update(max_files=1).execute()
    assert by_tus(guest, link, jpeg(1), "hers.jpg").status == 201
    page = guest.page(link)
    checked(page)
    assert "takes no more photos. Ask Ben" in page.text
    assert "hers.jpg" in page.text
    assert 'type="file"' not in page.text
    assert "upload.js" not in page.text
    for answer in (nobody.page(link), nobody.post(link, form={"name": "Otto"})):
        assert answer.status == 410
        assert "This link takes no more photos" in answer.text
    text = as_ben.page("/shares").text
    assert "Full: all that it takes has come" in text
    assert "End this link" in text, "then who was in does not see what they have sent either"
    assert as_ben.get("/api/shares").json["shares"][0]["open"] is False


def test_guests_go_on_while_somebody_beside_them_guesses(nobody, guest, link):
    for n in range(8):
        nobody.page(f"/s/{n}")
    assert nobody.page("/s/wrong").status == 429
    assert guest.page(link).status == 200
    assert by_tus(guest, link, jpeg(1)).status == 201


def test_guessed_links_have_to_wait(nobody, link, monkeypatch):
    monkeypatch.setattr(users, "throttle", users.Throttle())
    found = [nobody.page(f"/s/{n}").status for n in range(6)]
    assert found == [404] * 5 + [429]
    assert Client(nobody.app, address="192.0.2.99").page(link).status == 200


def test_addresses_below_a_link_that_are_none(guest, link):
    assert guest.page(f"{link}/photos").status == 404
    assert guest.page("/s/").status == 404
    assert guest.page("/s/wrong/photos").status == 404


# Sending


def test_a_guest_sends_by_the_form(guest, link, ben):
    answer = by_form(guest, link, jpeg(1), jpeg(2), b"no photo")
    assert answer.status == 200
    assert "2 of 3 arrived." in answer.text
    assert [asset.guest for asset in Asset.select()] == ["Aunt Rita"] * 2
    assert shares.waiting(ben) == 2


def test_a_form_that_fills_the_link_is_the_last(guest, link):
    Share.update(max_files=2).execute()
    answer = by_form(guest, link, jpeg(1), jpeg(2), jpeg(3))
    assert "2 of 3 arrived." in answer.text
    assert "takes no more photos. Ask Ben" in answer.text
    assert 'type="file"' not in answer.text


def test_a_guest_sends_in_pieces(guest, link, ben):
    content = jpeg(1)
    begun = by_tus(guest, link, content[:0])
    assert begun.status != 201, "nothing is empty"
    headers = {"Tus-Resumable": TUS_VERSION, "Upload-Length": str(len(content))}
    place = guest.request("POST", f"{link}/uploads", headers=headers).header("Location") or ""
    assert place.startswith(f"{link}/uploads/")
    assert Upload.get().guest_id == Guest.get().id
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    answer = guest.request("PATCH", place, body=content, headers=headers)
    assert (answer.status, answer.header("Homequeue-Outcome")) == (204, "arrived")
    assert shares.waiting(ben) == 1


def test_no_answer_tells_whether_the_owner_has_a_photo(guest, link, ben):
    send(ben, jpeg(1))
    trashed = send(ben, jpeg(2)).asset
    assets.trash(trashed)
    answers = [by_tus(guest, link, jpeg(n)) for n in (1, 2, 3)]
    told = [
        [pair for pair in one.headers if pair[0] not in ("Location", "Upload-Expires")]
        for one in answers
    ]
    assert told[0] == told[1] == told[2]
    assert not any(name.startswith(("Homequeue-Asset", "Homequeue-Batch")) for name, _ in told[0])
    pages = [by_form(guest, link, jpeg(n)).text for n in (1, 2, 4)]
    plain = [re.sub(r"\s+", " ", text) for text in pages]
    assert all("All arrived" in text for text in plain)
    assert all("already" not in text.partition("</form>")[2].lower() for text in plain)


def test_a_guest_names_no_album(guest, link, as_ben):
    by_tus(guest, link, jpeg(1))
    as_ben.post("/waiting", form={"do": "yes-chosen", "id": str(Asset.get().id)})
    titles = [album["title"] for album in as_ben.get("/api/albums").json["albums"]]
    assert titles == ["Party"]


def test_a_guest_sees_only_what_they_have_sent(app, guest, link, ben):
    otto = come_in(app, link, "Otto")
    whole(ben, 9)
    by_tus(guest, link, jpeg(1), "hers.jpg")
    by_tus(otto, link, jpeg(2), "his.jpg")
    work_off()
    text = guest.page(link).text
    assert "hers.jpg" in text
    assert "his.jpg" not in text
    assert "/api/assets" not in text
    assert "/assets/" not in text


def test_ending_a_link_is_asked_about(as_ben, link):
    before, _, form = as_ben.page("/shares").text.partition('<form method="post" action="/shares/')
    assert before.rpartition("<details")[2].startswith(' class="confirm')
    assert "End it for good" in form


def test_throwing_all_away_is_asked_about(as_ben, guest, link):
    assert by_tus(guest, link, jpeg(1)).status == 201
    before = as_ben.page("/waiting").text.partition('value="no-all"')[0]
    assert before.rpartition("<details")[2].startswith(' class="confirm')


def test_too_many_and_too_much_are_refused_in_words(app, guest, link):
    Share.update(max_files=1).execute()
    assert by_tus(guest, link, jpeg(1)).status == 201
    answer = by_tus(guest, link, jpeg(2))
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert "No more photos fit" in answer.json["error"]
    Share.update(max_files=9, max_size=Share.size + 10).execute()
    assert by_form(guest, link, jpeg(3)).status == 413
    assert Asset.select().count() == 1
    assert "No more photos fit" in guest.page(link).text


def receipts_of(guest: Client, link: str) -> list[tuple[str, str]]:
    """What a guest reads of each file on the page of their link, by name."""
    text = guest.page(link).text.partition('id="sent"')[2]
    rows = re.findall(r'class="name">([^<]*)</span>\s*<span class="state">([^<]*)', text)
    return sorted((name, words.split(" ", 1)[0]) for name, words in rows)


def test_of_a_form_beyond_the_limit_is_kept_what_fits(guest, link):
    Share.update(max_files=2).execute()
    answer = by_form(guest, link, jpeg(0), jpeg(1), jpeg(2), jpeg(3))
    checked(answer)
    assert answer.status == 200
    assert answer.text.count("No more photos fit into this link.") == 2
    assert [asset.filename for asset in Asset.select()] == ["0.jpg", "1.jpg"]
    assert Share.get().files == 2
    told = [("0.jpg", "Arrived"), ("1.jpg", "Arrived"), ("2.jpg", "No"), ("3.jpg", "No")]
    assert receipts_of(guest, link) == told
    assert incoming() == []


def test_of_a_form_too_big_is_kept_what_fits(guest, link, monkeypatch):
    """A smaller file may fit that comes after one that does not."""
    arrived, small = ingest.arrived, len(jpeg(0))

    def arrived_later(*given):
        Share.update(max_size=2 * small + 1).execute()
        return arrived(*given)

    monkeypatch.setattr(ingest, "arrived", arrived_later)
    by_form(guest, link, jpeg(0), jpeg(1).ljust(2 * small, b"\0"), jpeg(2))
    told = [("0.jpg", "Arrived"), ("1.jpg", "This"), ("2.jpg", "Arrived")]
    assert receipts_of(guest, link) == told
    assert incoming() == []


@pytest.mark.parametrize("change", [{"max_files": 1}, {"ended_at": 1.0}], ids=["filled", "ended"])
def test_each_file_has_its_receipt_if_others_were_quicker(guest, link, monkeypatch, change):
    counted = shares.counted

    def later(*given):
        Share.update(change).execute()
        return counted(*given)

    monkeypatch.setattr(shares, "counted", later)
    answer = by_form(guest, link, jpeg(0), jpeg(1), b"no photo")
    assert answer.status == 200
    Share.update(ended_at=None).execute()
    words = "No" if "max_files" in change else "This"
    told = [("0.jpg", words), ("1.jpg", words), ("2.jpg", "This")]
    assert receipts_of(guest, link) == told
    assert Asset.select().count() == 0
    assert incoming() == []


def test_words_of_guests_are_shown_as_they_are(app, link, as_ben):
    guest = come_in(app, link, "<b>Rita</b>")
    by_tus(guest, link, jpeg(1), "<i>.jpg")
    for text in (guest.page(link).text, as_ben.page("/waiting").text):
        assert "<b>" not in text
        assert "<i>" not in text
        assert "&lt;b&gt;Rita" in text


# What waits


def test_what_waits_is_shown_and_kept(guest, link, as_ben):
    by_form(guest, link, jpeg(1), jpeg(2))
    work_off()
    assert "2 photos wait for your yes" in as_ben.page("/").text
    page = as_ben.page("/waiting")
    assert "From Aunt Rita" in page.text
    until = re.search(r'name="until" value="([\d.]+)"', page.text)
    assert until
    answer = as_ben.post("/waiting", form={"do": "yes-all", "until": until[1]})
    assert answer.header("Location") == "/waiting?said=approved"
    shown = as_ben.get("/api/assets").json["assets"]
    assert [asset["guest"] for asset in shown] == ["Aunt Rita"] * 2
    assert "Nothing waits for you" in as_ben.page("/waiting").text
    assert "wait for your yes" not in as_ben.page("/").text


def test_one_that_is_kept_is_spoken_of_as_one(guest, link, as_ben):
    by_form(guest, link, jpeg(1))
    form = {"do": "yes-chosen", "id": str(Asset.get().id)}
    answer = as_ben.post("/waiting", form=form)
    assert "It is among your photos now." in as_ben.page(answer.header("Location")).text


def test_the_owners_own_photo_that_was_sent_again_is_nobody_elses(guest, link, as_ben, ben):
    own = send(ben, jpeg(1)).asset
    assets.trash(own)
    by_form(guest, link, jpeg(1))
    assert shares.waiting(ben) == 1
    as_ben.post("/waiting", form={"do": "yes-chosen", "id": str(own.id)})
    text = as_ben.page(f"/assets/{own.id}").text
    assert "From a guest" not in text
    assert "Rita" not in text


def test_what_waits_is_counted_once_for_a_page(guest, link, as_ben, monkeypatch):
    by_form(guest, link, jpeg(1))
    asked, count = [], shares.waiting
    monkeypatch.setattr(shares, "waiting", lambda user: asked.append(user) or count(user))
    text = as_ben.page("/").text
    assert "1 photo waits for your yes" in text
    assert 'Waiting for your yes <span class="how-many">1</span>' in text
    assert len(asked) == 1


def test_one_that_waits_can_be_looked_at_alone(guest, link, as_ben, ben, as_anna):
    by_form(guest, link, jpeg(1))
    work_off()
    asset = Asset.get()
    text = as_ben.page(f"/assets/{asset.id}").text
    assert "It waits for your yes" in text
    assert "This one is in the trash" not in text
    assert 'href="/waiting#' in text
    assert as_anna.page(f"/assets/{asset.id}").status == 404
    found = as_ben.get(f"/api/assets/{asset.id}").json
    assert (found["awaits"], found["trashed_at"]) == (True, None)
    assert len(as_ben.get("/api/assets?awaits=1").json["assets"]) == 1
    assert as_ben.get("/api/assets?trashed=1").json["assets"] == []
    as_ben.post("/waiting", form={"do": "no-chosen", "id": str(asset.id)})
    assert len(as_ben.get("/api/assets?trashed=1").json["assets"]) == 1
    assert "From Aunt Rita" not in as_ben.page(f"/assets/{asset.id}").text


@pytest.mark.parametrize(
    "form",
    [{"do": "perhaps"}, {"do": ""}, {"do": "yes-all"}, {"do": "no-all", "until": "soon"}],
)
def test_no_yes_is_read_into_anything_else(guest, link, as_ben, ben, form):
    by_form(guest, link, jpeg(1))
    assert as_ben.post("/waiting", form=form).status == 422
    assert shares.waiting(ben) == 1


def test_nothing_chosen_is_said(as_ben):
    answer = as_ben.post("/waiting", form={"do": "yes-chosen"})
    assert answer.header("Location") == "/waiting?said=unchosen"


def test_the_batch_of_a_guest_is_its_owners_to_see(guest, link, as_ben, as_anna):
    by_form(guest, link, jpeg(1))
    number = as_ben.get(f"/api/jobs?asset={Asset.get().id}").json["jobs"][0]
    assert number
    found = as_ben.get("/api/batches/1").json
    assert (found["kind"], found["owner"]) == ("drop", "Ben")
    text = as_ben.page("/batches/1").text
    assert "By a drop link" in text
    assert "Waits for your yes" in text.partition("</header>")[2]


# Links as their makers see them


def test_a_link_is_made_by_a_form_and_shown_once(as_ben, nobody):
    made = as_ben.post("/shares", form=FORM)
    assert made.status == 200
    (url,) = set(re.findall(r"http://photos\.home/s/[\w-]{43}", made.text))
    assert "<svg" in made.text.partition('class="code"')[2][:200]
    assert nobody.page(url.removeprefix("http://photos.home")).status == 200
    assert url not in as_ben.page("/shares").text
    share = Share.get()
    assert (share.title, share.max_files, share.max_size) == ("Party", 9, 10**9)
    assert share.needs_approval


def test_without_the_tick_it_shows_at_once(as_ben):
    as_ben.post("/shares", form={n: v for n, v in FORM.items() if n != "needs_approval"})
    assert not Share.get().needs_approval
    assert "shows at once" in as_ben.page("/shares").text


@pytest.mark.parametrize("wrong", [{"title": " "}, {"days": "0"}, {"max_files": "x"}])
def test_a_form_that_makes_no_sense_comes_back_as_it_was(as_ben, wrong):
    answer = as_ben.post("/shares", form=FORM | {"title": "My party"} | wrong)
    assert answer.status == 422
    assert 'role="alert"' in answer.text
    assert ("My party" in answer.text) == ("title" not in wrong)
    assert not Share.select().exists()


def test_the_address_of_the_settings_is_that_of_links(as_ben, house, monkeypatch):
    url = replace(house.server, url="https://photos.example/")
    monkeypatch.setattr(config, "settings", lambda: replace(house, server=url))
    answer = as_ben.request(
        "POST", "/api/shares", json={"title": "Party"}, headers={"Host": "photos.example"}
    )
    assert answer.json["url"].startswith("https://photos.example/s/")


def test_links_of_the_api(as_ben, as_anna):
    made = as_ben.post("/api/shares", json={"title": "Party", "max_size": 10**9, "days": 1}).json
    (listed,) = as_ben.get("/api/shares").json["shares"]
    assert listed == {name: value for name, value in made.items() if name != "url"}
    assert (listed["open"], listed["kind"], listed["needs_approval"]) == (True, "drop", True)
    assert as_anna.get("/api/shares").json["shares"] == []
    assert as_ben.request("DELETE", f"/api/shares/{made['id']}").status == 204
    assert as_ben.get("/api/shares").json["shares"][0]["open"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": 5},
        {"title": "P", "days": "7"},
        {"title": "P", "days": True},
        {"title": "P", "digest": "x"},
        {"title": "P", "needs_approval": 1},
        {"title": "P", "max_files": 0},
    ],
)
def test_bodies_that_make_no_sense(as_ben, body):
    assert as_ben.post("/api/shares", json=body).status == 422
    assert not Share.select().exists()


def test_a_link_is_ended_by_a_form(as_ben, link, nobody):
    answer = as_ben.post(f"/shares/{Share.get().id}/end")
    assert answer.header("Location") == "/shares?said=ended"
    assert nobody.page(link).status == 410
    text = as_ben.page("/shares").text
    assert "Ended" in text
    assert "End this link" not in text


def test_all_these_pages_are_sound(nobody, guest, link, as_ben):
    checked(nobody.page(link))
    checked(guest.page(link))
    checked(by_form(guest, link, jpeg(1), b"no photo"))
    work_off()
    for path in ("/shares", "/waiting", f"/assets/{Asset.get().id}"):
        checked(as_ben.page(path))
    checked(as_ben.post("/shares", form=FORM))
    checked(as_ben.post("/shares", form=FORM | {"days": "x"}), 422)
    Share.update(ended_at=1.0).execute()
    checked(nobody.page(link), 410)


def test_only_the_owner_is_told_what_was_here_already(guest, link, as_ben):
    for number in (1, 2):
        as_ben.put_raw(jpeg(number))
    trashed = as_ben.put_raw(jpeg(3)).json["assets"][0]["id"]
    as_ben.request("DELETE", f"/api/assets/{trashed}")
    answer = by_form(guest, link, *(jpeg(number) for number in range(1, 5)))
    shown = as_ben.page("/shares").text
    assert "4 photos came, of which 2 were here already; it takes" in shown
    assert "2 wait for your yes" in shown
    (told,) = as_ben.get("/api/shares").json["shares"]
    assert (told["files"], told["waiting"], told["known"]) == (4, 2, 2)
    assert "already" not in answer.text + guest.page(link).text


def test_what_has_been_deleted_for_good_was_not_here_already(guest, link, as_ben):
    for _ in range(2):
        by_form(guest, link, jpeg(1))
    Asset.delete().execute()
    (told,) = as_ben.get("/api/shares").json["shares"]
    assert told["known"] == 0
