"""Accounts, passwords, sessions, tokens, and guesses."""

import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from unicodedata import normalize

import pytest

from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooMany
from homequeue.models import Fact, Session, Token, User
from homequeue.services import users
from tests.library import row

ADDRESS = "192.0.2.7"


# Accounts


def test_an_account(house):
    user = users.add(" Anna ", "correct horse", is_admin=True)
    assert (user.name, user.is_admin) == ("Anna", True)
    assert user.password.startswith("$argon2id$")
    assert "correct" not in user.password
    assert users.find("ANNA").id == user.id
    assert users.get("anna").id == user.id
    assert users.find("Ann") is None


@pytest.mark.parametrize("name", ["Ä", "Анна", "Anna Maria", "a" * 64, "O'Neil", "李"])
def test_names_people_have(house, name):
    assert users.add(name, "correct horse").name == name


@pytest.mark.parametrize(
    "name", ["", "  ", "a" * 65, "a/b", "a\\b", "a:b", "a\nb", "\x00", "a\x1bb"]
)
def test_names_nobody_has(house, name):
    with pytest.raises(Invalid):
        users.add(name, "correct horse")


def test_a_name_belongs_to_one(anna):
    for name in ("Anna", "anna", " ANNA "):
        with pytest.raises(Conflict):
            users.add(name, "another horse")
    assert User.select().count() == 1


@pytest.mark.parametrize("spelled", ["NFC", "NFD"])
def test_a_name_is_the_same_however_its_dots_are_spelled(house, spelled):
    user = users.add(normalize(spelled, "Jürgen"), "correct horse")
    assert user.name == "Jürgen"
    for form in ("NFC", "NFD"):
        assert users.find(normalize(form, "JÜRGEN")) == user
        assert users.sign_in(normalize(form, "jürgen"), "correct horse", "192.0.2.1") == user
        with pytest.raises(Conflict):
            users.add(normalize(form, "Jürgen"), "another horse")


def test_a_name_belongs_to_one_even_in_the_same_moment(house):
    ready, outcomes = threading.Barrier(4), []

    def add():
        ready.wait()
        try:
            users.add("Anna", "correct horse")
            outcomes.append("added")
        except Conflict:
            outcomes.append("refused")
        finally:
            db.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added", "refused", "refused", "refused"]


@pytest.mark.parametrize("password", ["", "1234567", "correct horse " * 74, "12345678", "Anna2019"])
def test_passwords_that_are_too_short_far_too_long_or_too_easy(house, password):
    with pytest.raises(Invalid):
        users.add("Anna", password)
    assert User.select().count() == 0


def test_a_new_password_that_is_too_easy_changes_nothing(anna):
    session = users.open_session(anna, 1)
    for password in ("anna-anna", "password1"):
        with pytest.raises(Invalid, match="anybody would try"):
            users.set_password(anna, password)
    assert users.by_session(session)
    assert users.sign_in("Anna", "correct horse", ADDRESS)


@pytest.mark.parametrize(
    "password", ["20190712", "пароль на море", "horse " * 170 + "ass", "  spaces  "]
)
def test_passwords_as_people_have_them(house, password):
    users.add("Anna", password)
    assert users.sign_in("Anna", password, ADDRESS)


def test_the_settings_of_argon2_are_those_of_the_cheat_sheet():
    source = Path(users.__file__).read_text()
    assert '{"memory_cost": 19 * 1024, "time_cost": 2, "parallelism": 1}' in source


def test_at_most_two_passwords_are_hashed_at_a_time(house, monkeypatch):
    most, now, lock = [0], [0], threading.Lock()

    class Slow:
        def hash(self, _password):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.02)
            with lock:
                now[0] -= 1
            return "$argon2id$"

    monkeypatch.setattr(users, "_hasher", Slow)
    threads = [threading.Thread(target=users.hash_password, args=("12345678",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2


def test_removing(anna, ben):
    users.remove(ben)
    assert [user.name for user in users.everyone()] == ["Anna"]
    with pytest.raises(NotFound):
        users.get("Ben")


def test_an_owner_of_photos_is_not_removed(anna, ben):
    row(ben, 1, trashed_at=1.0)
    with pytest.raises(Conflict, match="still has photos"):
        users.remove(ben)
    assert users.get("Ben")


def test_the_last_administrator_is_not_removed(anna, ben):
    with pytest.raises(Conflict, match="last administrator"):
        users.remove(anna)
    users.add("Carla", "open sesame", is_admin=True)
    users.remove(anna)


def test_removing_takes_sessions_and_tokens_along(anna, ben):
    secret = users.open_session(ben, 1)
    token = users.add_token(ben, "phone", "upload", None)
    users.remove(ben)
    assert users.by_session(secret) is None
    assert users.by_token(token) is None


def test_the_number_of_a_user_is_never_given_again(anna, ben):
    """Or what was about the old one, such as jobs, would be the new one's."""
    old = ben.id
    users.remove(ben)
    assert users.add("Carla", "open sesame").id != old


def test_a_new_password_ends_sessions_but_not_tokens(anna):
    secret = users.open_session(anna, 1)
    token = users.add_token(anna, "phone", "upload", None)
    users.set_password(anna, "another horse")
    assert users.by_session(secret) is None
    assert users.by_token(token)
    assert users.sign_in("Anna", "another horse", ADDRESS)
    with pytest.raises(NotSignedIn):
        users.sign_in("Anna", "correct horse", ADDRESS)


def test_a_new_password_that_is_no_good_changes_nothing(anna):
    secret = users.open_session(anna, 1)
    with pytest.raises(Invalid):
        users.set_password(anna, "short")
    assert users.by_session(secret)


# Signing in


def test_signing_in(anna):
    assert users.sign_in("anna ", "correct horse", ADDRESS).id == anna.id


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Anna", "wrong"),
        ("Anne", "correct horse"),
        ("", ""),
        ("Anna", "correct horse" + "x" * 2000),
    ],
)
def test_whatever_is_wrong_the_words_are_the_same(anna, name, password):
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\.$"):
        users.sign_in(name, password, ADDRESS)


def test_a_damaged_hash_is_a_wrong_password(anna):
    User.update(password="$argon2id$broken").execute()
    with pytest.raises(NotSignedIn):
        users.sign_in("Anna", "correct horse", ADDRESS)


# Throttle


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_the_wait_doubles_and_is_bounded(clock):
    throttle = users.Throttle()
    waits = []
    for _ in range(40):
        throttle.failed("anna")
        try:
            throttle.check("anna")
            waits.append(0)
        except TooMany as error:
            waits.append(error.retry_after)
            clock[0] += error.retry_after
    assert waits[:8] == [0, 0, 0, 0, 2, 3, 5, 9]
    assert max(waits) == users.Throttle.longest + 1 == waits[-1]


def test_waiting_is_enough(clock):
    throttle = users.Throttle()
    for _ in range(5):
        throttle.failed("anna")
    with pytest.raises(TooMany):
        throttle.check("anna")
    clock[0] += 1.01
    throttle.check("anna")


def test_any_of_the_keys_can_have_to_wait(clock):
    throttle = users.Throttle()
    for _ in range(5):
        throttle.failed("anna", "192.0.2.1")
    for keys in (("anna", "x"), ("x", "192.0.2.1")):
        with pytest.raises(TooMany):
            throttle.check(*keys)
    throttle.check("x", "y")
    throttle.passed("anna", "never seen")
    throttle.check("anna")


def test_the_memory_of_failures_is_bounded(clock):
    throttle = users.Throttle()
    for number in range(25_000):
        throttle.failed(f"name {number}")
    assert len(throttle._failures) <= 10_001


def test_asking_costs_no_memory(clock):
    throttle = users.Throttle()
    for number in range(100):
        throttle.check(f"name {number}")
    assert len(throttle._failures) == 0


def test_a_flood_of_names_does_not_free_one_that_has_to_wait(clock):
    throttle = users.Throttle()
    for _ in range(12):
        throttle.failed("name anna")
    for number in range(10_100):
        throttle.failed(f"name {number}")
    with pytest.raises(TooMany):
        throttle.check("name anna")


# Sessions


def test_a_session(anna):
    secret = users.open_session(anna, 30)
    assert len(secret) >= 43
    assert users.by_session(secret).id == anna.id
    stored = Session.get()
    assert stored.digest == users.digest(secret)
    assert 29.9 * 86400 < stored.expires_at - time.time() <= 30 * 86400
    users.close_session(secret)
    assert users.by_session(secret) is None


@pytest.mark.parametrize("secret", ["", "x", "é", "\udcff", "\x00" * 10, "a" * 10**6])
def test_no_session_of_strange_secrets(anna, secret):
    users.open_session(anna, 1)
    assert users.by_session(secret) is None


def test_a_session_ends_with_its_days(anna):
    secret = users.open_session(anna, 1)
    Session.update(expires_at=time.time() - 0.01).execute()
    assert users.by_session(secret) is None


# Tokens


@pytest.mark.parametrize("scope", ["upload", "read", "write", "admin"])
def test_a_token(anna, scope):
    token = users.add_token(anna, "phone", scope, None)
    assert len(token) >= 46
    user, found = users.by_token(token)
    assert (user.id, found) == (anna.id, scope)
    assert Token.get().digest == users.digest(token)
    assert token not in str(Token.select().dicts()[0])


def test_scopes_that_are_none_and_those_one_may_not_have(anna, ben):
    with pytest.raises(Invalid):
        users.add_token(anna, "x", "everything", None)
    with pytest.raises(NotAllowed):
        users.add_token(ben, "x", "admin", None)
    assert Token.select().count() == 0


def test_a_token_ends_with_its_days(anna):
    token = users.add_token(anna, "x", "read", 1)
    assert users.by_token(token)
    Token.update(expires_at=time.time() - 1).execute()
    assert users.by_token(token) is None


@pytest.mark.parametrize("days", [-1, 10**30])
def test_a_token_with_days_that_cannot_be(anna, days):
    with pytest.raises(Invalid):
        users.add_token(anna, "x", "read", days)


def test_what_has_expired_is_forgotten(anna):
    users.open_session(anna, 1)
    users.add_token(anna, "for ever", "read", None)
    users.add_token(anna, "a day", "read", 1)
    assert users.forget_sessions() == 0
    Session.update(expires_at=1).execute()
    Token.update(expires_at=1).where(Token.name == "a day").execute()
    assert users.forget_sessions() == 2
    assert [token.name for token in Token.select()] == ["for ever"]


# Setting up


def test_setting_up_once(house):
    assert not users.is_set_up()
    code = users.new_set_up_code()
    assert len(code.replace("-", "")) == 12
    with pytest.raises(NotAllowed):
        users.set_up("0000-0000-000x", "Anna", "correct horse", ADDRESS)
    user = users.set_up(code, "Anna", "correct horse", ADDRESS)
    assert user.is_admin
    assert users.is_set_up()
    with pytest.raises((NotAllowed, Conflict)):
        users.set_up(code, "Eve", "let me in!", ADDRESS)
    assert User.select().count() == 1


def test_a_house_with_a_user_is_not_set_up_again(anna):
    code = users.new_set_up_code()
    with pytest.raises(Conflict, match="already"):
        users.set_up(code, "Eve", "let me in!", ADDRESS)


def test_the_code_is_not_in_the_database(house):
    code = users.new_set_up_code()
    assert code not in Fact.get_by_id("set_up_code").value


def test_a_stranger_does_not_lock_the_owner_out_of_the_set_up(house):
    code = users.new_set_up_code()
    for _ in range(8):
        with suppress(NotAllowed, TooMany):
            users.set_up("0", "Eve", "let me in!", "192.0.2.66")
    with pytest.raises(TooMany):
        users.set_up(code, "Eve", "let me in!", "192.0.2.66")
    assert users.set_up(code, "Anna", "correct horse", ADDRESS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unix", False),
    ],
)
def test_a_guesser_gets_no_new_tries_from_addresses_of_his_own(house, one, other, same):
    code = users.new_set_up_code()
    for _ in range(8):
        with suppress(NotAllowed, TooMany):
            users.set_up("0", "Eve", "let me in!", one)
    with pytest.raises(TooMany) if same else nullcontext():
        users.set_up(code, "Anna", "correct horse", other)


def test_a_long_name_is_not_kept_in_memory(clock):
    throttle = users.Throttle()
    throttle.failed("name " + "x" * 100_000)
    assert max(len(key) for key in throttle._failures) == 64


def test_when_a_token_was_used_is_written_down_once_an_hour(anna, monkeypatch):
    token = users.add_token(anna, "Phone", "upload", None)
    assert users.tokens()[0].used_at is None
    now = time.time()
    seen = []
    for later in (0, users.NOTICED - 1, users.NOTICED + 1):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert users.by_token(token)
        seen.append(users.tokens()[0].used_at - now)
    assert seen == [0, 0, users.NOTICED + 1]
