"""Phones: their tokens, how they are set up, and what they share to the installed page."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from homequeue import config, processes
from homequeue.errors import NoSpace, Unavailable
from homequeue.models import Asset, Receipt, Token
from homequeue.services import ingest, users
from tests.library import jpeg
from tests.web.client import Client
from tests.web.conftest import with_token
from tests.web.reading import checked

FORM = {"name": "Ben's phone", "days": "366"}
DOCS = Path(__file__).parents[2] / "docs"
MANIFEST = Path(__file__).parents[2] / "static" / "manifest.webmanifest"


def secret_of(text: str) -> str:
    (token,) = set(re.findall(r"hq_[\w-]{43}", text))
    return token


def test_a_token_is_shown_once_and_may_only_send(app, as_ben):
    made = as_ben.post("/devices", form=FORM)
    checked(made)
    token = secret_of(made.text)
    assert "<svg" in made.text.partition('class="code"')[2][:200]
    phone = Client(app, token=token)
    assert phone.put_raw(jpeg(1)).status == 201
    assert phone.get("/api/assets").status == 403
    page = as_ben.page("/devices")
    checked(page)
    assert token not in page.text
    assert "Ben&#039;s phone" in page.text
    assert "May send photos and nothing else, until" in page.text


def test_what_the_page_says_works(app, as_ben):
    """The curl line and the shortcut, as they are written there."""
    text = as_ben.post("/devices", form=FORM).text
    plain = text.replace("&quot;", '"')
    (header, place) = re.findall(
        r'-H "Authorization: (Bearer \S+)" http://photos\.home(\S+)<', plain
    )[0]
    phone = Client(app)
    put = phone.request("PUT", f"{place}IMG_1.jpg", body=jpeg(1), headers={"Authorization": header})
    assert put.status == 201
    (place,) = re.findall(r"<pre[^>]*>http://photos\.home(\S+)</pre>", text)
    headers = {"Authorization": header, "X-Filename": "IMG_2", "Content-Type": "image/jpeg"}
    assert phone.request("POST", place, body=jpeg(2), headers=headers).status == 201
    assert sorted(asset.filename for asset in Asset.select()) == ["IMG_1.jpg", "IMG_2"]
    assert "X-Modified: $(date -r IMG_1234.jpg +%s)000" in plain


def recipe_key(page: str) -> str:
    """What the shortcut looks for in an answer."""
    action = "<b>Get Dictionary Value</b>, the <b>Value</b> for"
    (key,) = re.findall(rf"{action} <code>(\w+)</code>", page)
    return key


def test_the_shortcut_says_sent_only_of_what_came(app, as_ben, ben, monkeypatch):
    page = as_ben.page("/devices").text
    key = recipe_key(page)
    assert re.search(r"<b>If</b>.*<b>Repeat Results</b> and <b>has any value</b>", page)
    assert re.search(r"Below <b>Otherwise</b>:[^\n]*“Sent home”", page)
    phone = with_token(app, ben, "upload")
    for status in (201, 200):
        answer = phone.put_raw(jpeg(1))
        assert (answer.status, key in answer.json) == (status, False)
    nobody, reader = Client(app, token="hq_wrong"), with_token(app, ben, "read")
    refused = [nobody.put_raw(jpeg(2)), reader.put_raw(jpeg(2)), phone.put_raw(b"no photo")]
    refused.append(phone.put_raw(b""))
    full = NoSpace("The disk is full.")
    monkeypatch.setattr(ingest, "arrived", raising(full))
    monkeypatch.setattr(ingest, "receive", raising(full))
    refused.append(phone.put_raw(jpeg(2)))
    assert [answer.status for answer in refused] == [401, 403, 415, 422, 507]
    assert all(answer.json[key] for answer in refused)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_the_line_of_rclone_is_that_of_the_docs(as_ben):
    made = as_ben.post("/devices", form=FORM)
    (line,) = re.findall(r"rclone config create[^<]+", made.text)
    (told,) = re.findall(r"`(rclone config create[^`]+)`", (DOCS / "imports.md").read_text())
    known = told.replace("ADDRESS:8420", "photos.home").replace("Anna", "Ben")
    assert line == known.replace("TOKEN", secret_of(made.text))


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:8420", "[::1]:8420"])
def test_a_phone_is_not_sent_to_its_own_localhost(as_ben, monkeypatch, host):
    monkeypatch.setattr(processes, "lan_address", lambda: "192.168.1.5")
    text = as_ben.get("/devices", Host=host).text
    assert "http://192.168.1.5:8420/dav/" in text
    assert host not in text
    assert "from itself only" not in text


@pytest.mark.parametrize(
    ("server", "lan"), [({}, ""), ({"host": "127.0.0.1"}, "192.168.1.5")], ids=["no net", "bound"]
)
def test_an_address_that_no_phone_reaches_is_warned_of(as_ben, house, monkeypatch, server, lan):
    monkeypatch.setattr(processes, "lan_address", lambda: lan)
    config.bind(replace(house, server=replace(house.server, **server)))
    assert "from itself only" in as_ben.get("/devices", Host="localhost:8420").text
    form = {"title": "P", "days": "7", "max_files": "9", "max_gb": "1"}
    answer = as_ben.post("/shares", form=form, headers={"Host": "localhost:8420"})
    assert "It opens on this machine only" in answer.text
    assert "It opens on this machine only" not in as_ben.post("/shares", form=form).text


@pytest.mark.parametrize("wrong", [{"name": " "}, {"days": "5"}, {"days": ""}])
def test_a_form_that_makes_no_sense(as_ben, wrong):
    answer = as_ben.post("/devices", form=FORM | wrong)
    checked(answer, 422)
    assert 'role="alert"' in answer.text
    assert not Token.select().exists()


def test_it_is_said_when_a_token_was_last_used(app, as_ben, ben):
    phone = with_token(app, ben, "upload")
    assert ", never used." in as_ben.page("/devices").text
    assert phone.put_raw(jpeg(1)).status == 201
    assert ", last used " in as_ben.page("/devices").text


def test_what_a_phone_sends_is_not_the_last_upload_of_a_browser(app, as_ben, ben):
    phone = with_token(app, ben, "upload")
    batch = as_ben.put_raw(jpeg(1)).json["batch"]
    other = phone.put_raw(jpeg(2)).json["batch"]
    page = as_ben.page("/upload").text
    assert f"/batches/{batch}" in page
    assert f"/batches/{other}" not in page


def test_tokens_are_ones_own(as_ben, as_anna, anna, ben):
    users.add_token(ben, "Ben's", "write", None)
    users.add_token(anna, "Anna's", "admin", 5)
    text = as_anna.page("/devices").text
    assert "Anna&#039;s" in text
    assert "Ben&#039;s" not in text
    bens = Token.get(Token.user == ben)
    assert as_anna.post(f"/devices/{bens.id}/remove").status == 404
    answer = as_ben.post(f"/devices/{bens.id}/remove")
    assert answer.header("Location") == "/devices?said=removed"
    assert [token.name for token in Token.select()] == ["Anna's"]


def test_plain_http_is_told_why_it_is_in_no_share_menu(as_ben):
    assert "This takes a page that was opened by https" in as_ben.page("/devices").text
    accept = {"Accept": "text/html"}
    text = as_ben.request("GET", "/devices", headers=accept, scheme="https").text
    assert "Add to home screen" in text
    assert "https://photos.home/dav/" in text


# The share menu


def share(client: Client, *contents: bytes, **headers: str):
    """What Chromium posts, as the manifest tells it."""
    target = json.loads(MANIFEST.read_text())["share_target"]
    assert (target["method"], target["enctype"]) == ("POST", "multipart/form-data")
    (field,) = (one["name"] for one in target["params"]["files"])
    files = [(field, f"{n}.jpg", content) for n, content in enumerate(contents)]
    client.sends_csrf = False
    return client.send(*files, target=target["action"], **headers)


def test_what_a_phone_shares_is_kept_and_told(as_ben):
    # A navigation that no page began has an opaque origin.
    answer = share(as_ben, jpeg(1), b"no photo", Sec_Fetch_Site="none", Origin="null")
    assert (answer.status, answer.header("Location")) == (303, "/batches/1")
    text = as_ben.page("/batches/1").text
    assert "1 photo added, 1 not accepted." in text
    assert Asset.select().count() == 1


def test_what_was_shared_just_now_is_not_lost_among_what_came_before(as_ben):
    share(as_ben, jpeg(1), jpeg(2), Sec_Fetch_Site="none")
    answer = share(as_ben, jpeg(3), b"no photo", Sec_Fetch_Site="none")
    page = as_ben.page(answer.header("Location"))
    checked(page)
    assert "1 photo added, 1 not accepted." in page.text
    assert page.text.count('<li class="row') == 2
    assert "Show also the 2 from before" in page.text
    assert "3 photos added, 1 not accepted." in as_ben.page("/batches/1").text


@pytest.mark.parametrize("error", [NoSpace("The disk is full."), Unavailable("No disk.")])
def test_what_did_not_come_for_now_is_told_of_what_a_phone_shares(as_ben, monkeypatch, error):
    """It has no receipt, and nobody would send it again."""
    arrived = ingest.arrived

    def arrived_in_part(upload, *given):
        if upload.filename == "1.jpg":
            raise error
        return arrived(upload, *given)

    monkeypatch.setattr(ingest, "arrived", arrived_in_part)
    answer = share(as_ben, jpeg(1), jpeg(2), b"no photo", Sec_Fetch_Site="none")
    assert answer.status == 200
    checked(answer)
    assert "1 of 3 photos sent" in answer.text
    assert [name in answer.text for name in ("0.jpg", "1.jpg", "2.jpg")] == [True] * 3
    assert answer.text.count(str(error)) == 1
    assert Receipt.select().count() == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site", "Origin": "null"},
        {"Origin": "null"},
    ],
)
def test_no_page_can_share_in_somebodys_name(as_ben, headers):
    assert share(as_ben, jpeg(1), **headers).status == 403
    assert not Asset.select().exists()


def test_who_is_not_signed_in_is_asked_to(nobody):
    answer = share(nobody, jpeg(1), Sec_Fetch_Site="none")
    assert (answer.status, answer.header("Location")) == (303, "/sign-in")
