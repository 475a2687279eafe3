"""Coming in and going out."""

import time

import pytest

from homequeue.models import Session, User
from homequeue.services import users
from homequeue.web.principals import COOKIE
from tests.web.client import Client, csrf_fields
from tests.web.conftest import signed_in

GOOD = {"name": "Anna", "password": "correct horse"}


def cookie(answer) -> dict[str, str]:
    """The attributes of the session cookie, in lower case."""
    parts = [part.strip() for part in (answer.header("Set-Cookie") or "").split(";")]
    pairs = [part.partition("=") for part in parts[1:]]
    assert parts[0].startswith(f"{COOKIE}=")
    return {"value": parts[0].partition("=")[2]} | {k.lower(): v.lower() for k, _, v in pairs}


def test_a_right_password_opens_the_door(nobody, anna):
    answer = nobody.post("/sign-in", form=GOOD)
    assert (answer.status, answer.header("Location")) == (303, "/")
    assert nobody.get("/api/assets").status == 200


def test_a_wrong_one_does_not(nobody, anna):
    answer = nobody.post("/sign-in", form=GOOD | {"password": "wrong horse"})
    assert answer.status == 401
    assert answer.header("Set-Cookie") is None
    assert 'value="Anna"' in answer.text
    assert "wrong horse" not in answer.text
    assert "The name or the password is wrong." in answer.text


@pytest.mark.parametrize("form", [{}, {"name": "Anna"}, {"password": "correct horse"}])
def test_what_is_missing_is_wrong(nobody, anna, form):
    assert nobody.post("/sign-in", form=form).status == 401


def test_the_cookie_is_for_us_alone(nobody, anna):
    attributes = cookie(nobody.post("/sign-in", form=GOOD))
    assert "httponly" in attributes
    assert attributes["samesite"] in ("lax", "strict")
    assert attributes["path"] == "/"
    assert attributes["max-age"] == str(30 * 86400)
    assert "secure" not in attributes
    assert "domain" not in attributes
    assert len(attributes["value"]) >= 43


def test_the_cookie_of_https_stays_with_https(nobody, anna):
    answer = nobody.request("POST", "/sign-in", form=GOOD, scheme="https")
    assert "secure" in cookie(answer)


def test_the_cookie_is_not_in_the_database(nobody, anna):
    secret = cookie(nobody.post("/sign-in", form=GOOD))["value"]
    assert [row.digest for row in Session.select()] == [users.digest(secret)]
    assert secret not in Session.get().digest


def test_signing_in_again_gives_a_new_session_and_ends_the_old(as_anna, anna):
    old = as_anna.cookies[COOKIE]
    as_anna.post("/sign-in", form=GOOD)
    assert as_anna.cookies[COOKIE] != old
    assert users.by_session(old) is None
    assert Session.select().count() == 1


def test_a_session_chosen_by_somebody_else_is_not_taken_over(app, anna):
    client = Client(app, cookies={COOKIE: "chosen"})
    client.post("/sign-in", form=GOOD)
    assert client.cookies[COOKIE] != "chosen"


def test_signing_out_ends_the_session_everywhere(as_anna):
    secret = as_anna.cookies[COOKIE]
    answer = as_anna.post("/sign-out")
    assert (answer.status, answer.header("Location")) == (303, "/sign-in")
    assert COOKIE not in as_anna.cookies
    as_anna.cookies[COOKIE] = secret
    assert as_anna.get("/api/assets").status == 401


def test_signing_out_leaves_other_browsers_alone(app, as_anna, anna):
    other = signed_in(app, anna)
    as_anna.post("/sign-out")
    assert other.get("/api/assets").status == 200


def test_a_session_ends_by_itself(as_anna):
    Session.update(expires_at=time.time() - 1).execute()
    assert as_anna.get("/api/assets").status == 401


def test_a_new_password_ends_every_session(as_anna, anna):
    users.set_password(anna, "another horse")
    assert as_anna.get("/api/assets").status == 401


# A new password


CHANGE = {"old": "correct horse", "new": "another horse"}


def test_a_new_password_by_oneself(app, as_anna, anna):
    other, old = signed_in(app, anna), as_anna.cookies[COOKIE]
    assert 'action="/password"' in as_anna.page("/password").text
    answer = as_anna.post("/password", form=CHANGE)
    assert (answer.status, answer.header("Location")) == (303, "/?said=password")
    assert "Your password is changed." in as_anna.page("/?said=password").text
    assert other.get("/api/assets").status == 401
    assert users.by_session(old) is None
    assert Client(app).post("/sign-in", form=GOOD).status == 401
    assert Client(app).post("/sign-in", form=GOOD | {"password": "another horse"}).status == 303


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (CHANGE | {"old": "wrong horse"}, "The old password is wrong."),
        (CHANGE | {"new": "short"}, "at least 8 characters"),
        ({}, "The old password is wrong."),
    ],
)
def test_a_password_that_is_not_changed(app, as_anna, anna, form, words):
    answer = as_anna.post("/password", form=form)
    assert answer.status == 422
    assert words in answer.text
    assert "wrong horse" not in answer.text
    assert as_anna.get("/api/assets").status == 200
    assert Client(app).post("/sign-in", form=GOOD).status == 303


def test_the_old_password_cannot_be_guessed_for_long(as_anna):
    found = [as_anna.post("/password", form=CHANGE | {"old": f"guess {n}"}) for n in range(7)]
    assert [answer.status for answer in found] == [422] * 5 + [429] * 2
    assert found[-1].header("Retry-After")
    assert as_anna.post("/password", form=CHANGE).status == 429


def test_a_removed_user_is_out_at_once(as_ben, ben):
    users.remove(ben)
    assert as_ben.get("/api/assets").status == 401


def test_the_sign_in_page_has_a_form_that_works(nobody, anna):
    page = nobody.page("/sign-in?next=/trash")
    assert 'action="/sign-in"' in page.text
    assert 'name="password" type="password"' in page.text
    assert 'value="/trash"' in page.text


# Setting up


def test_while_there_is_nobody_everything_leads_to_setting_up(nobody, house):
    assert nobody.page("/").header("Location") == "/sign-in"
    assert nobody.page("/sign-in").header("Location") == "/set-up"
    assert nobody.page("/set-up").status == 200


def test_the_code_makes_the_first_account(nobody, house):
    code = users.new_set_up_code()
    form = {"code": code, "name": "Anna", "password": "correct horse"}
    answer = nobody.post("/set-up", form=form)
    assert (answer.status, answer.header("Location")) == (303, "/upload")
    assert [(user.name, user.is_admin) for user in User.select()] == [("Anna", True)]
    assert nobody.get("/api/assets").status == 200


@pytest.mark.parametrize("spell", [str, lambda c: c.replace("-", ""), lambda c: f"  {c} "])
def test_the_code_may_be_typed_as_people_do(nobody, house, spell):
    code = users.new_set_up_code()
    form = {"code": spell(code), "name": "Anna", "password": "correct horse"}
    assert nobody.post("/set-up", form=form).status == 303


def test_a_code_works_once(app, house):
    code = users.new_set_up_code()
    form = {"code": code, "name": "Anna", "password": "correct horse"}
    Client(app).post("/set-up", form=form)
    answer = Client(app).post("/set-up", form=form | {"name": "Eve"})
    assert answer.status in (403, 409)
    assert User.select().count() == 1


def test_a_newer_code_makes_the_older_worthless(nobody, house):
    old = users.new_set_up_code()
    users.new_set_up_code()
    form = {"code": old, "name": "Anna", "password": "correct horse"}
    assert nobody.post("/set-up", form=form).status == 403


@pytest.mark.parametrize("code", ["", "0000-0000-0000", "-", "é"])
def test_without_the_code_nobody_gets_in(nobody, house, code):
    form = {"code": code, "name": "Eve", "password": "let me in!"}
    assert nobody.post("/set-up", form=form).status == 403
    assert User.select().count() == 0


def test_without_a_code_made_none_is_right(nobody, house):
    form = {"code": "", "name": "Eve", "password": "let me in!"}
    assert nobody.post("/set-up", form=form).status == 403


def test_a_wrong_name_or_password_keeps_the_code_good(nobody, house):
    code = users.new_set_up_code()
    form = {"code": code, "name": "Anna", "password": "short"}
    answer = nobody.post("/set-up", form=form)
    assert answer.status == 422
    assert "at least 8 characters" in answer.text
    assert 'value="Anna"' in answer.text
    assert nobody.post("/set-up", form=form | {"password": "correct horse"}).status == 303


def test_a_house_that_is_set_up_has_no_set_up_page(nobody, anna):
    assert nobody.page("/set-up").header("Location") == "/sign-in"
    assert csrf_fields(nobody.page("/sign-in")) == [""]
