"""Which passwords anybody would try first, and which not."""

import pytest

from homequeue.errors import Invalid
from homequeue.services import passwords

COMMON = (
    "password iloveyou trustno1 letmein123 google12 football1 homequeue1 passwort1 P@ssw0rd! "
    "p4ssw0rd P@$$w0rd2024 hunter2hunter sunshine princess1 Willkommen1 a1234567 11223344"
)
REGULAR = (
    "12345678 123456789 1234567890 87654321 88888888 12341234 abcabcabc abababab testtest "
    "qwertyui qwertzui hgfedcba zaq12wsx 1qaz2wsx 1q2w3e4r a1b2c3d4 abcd1234 qwer1234 asdfghjkl"
)


@pytest.mark.parametrize("password", [*COMMON.split(), *REGULAR.split()])
def test_what_anybody_would_try_is_refused_in_words_that_help(password):
    with pytest.raises(Invalid, match=r"anybody would try\. Take one like three words"):
        passwords.check(password, "Ben")


@pytest.mark.parametrize(
    ("password", "name"),
    [
        ("annaanna1", "Anna"),
        ("Anna1990", "Anna"),
        ("ANNA-2019!", "anna"),
        ("annamaria", "Anna Maria"),
        ("Фёдор123", "фёдор"),
        ("elisabeth", "Elisabeth"),
    ],
)
def test_ones_own_name_is_refused(password, name):
    assert passwords.is_easy(password, name)
    assert not passwords.is_easy(password, "Somebody Else")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "battery staple",
        "пароль на море",
        "  spaces  ",
        "annas katze",
        "Anna94716520",
        "20190712",
        "76f3b2aa",
        "password for the photos of us",
        "Sonnenblume7",
        "海辺の写真を見る人",
    ],
)
def test_what_nobody_would_try_is_taken(password):
    passwords.check(password, "Anna")


def test_a_name_without_letters_forbids_nothing():
    passwords.check("94716520", "007")


@pytest.mark.parametrize(
    ("password", "words"), [("1234567", "at least 8"), ("xy" * 513, "at most")]
)
def test_how_long_it_may_be(password, words):
    with pytest.raises(Invalid, match=words):
        passwords.check(password)
