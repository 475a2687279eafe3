"""Passwords that anybody would try first: what is common, regular, or the name of whose it is."""

import re

from homequeue.errors import Invalid

SHORTEST = 8
LONGEST = 1024
#: So many characters that are no letters make no common word another one.
FEW = 6
#: What stands for letters in passwords, and fools nobody.
DISGUISES = str.maketrans("@430$5!17", "aaeossilt")
#: Neighbours on keyboards, as they are typed along in either direction.
_ROWS = (
    "1234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm "
    "yxcvbnm qazwsxedcrfvtgb 1qaz2wsx3edc4rfv5tgb 1q2w3e4r5t6z7u8i9o 1q2w3e4r5t6y7u8i9o "
    "q1w2e3r4t5y6 147258369 987456321"
)
_COMMON = """
11223344 12344321 123321123 a1234567 abc abcd abcde abcdef access admin administrator albatross
alexander amsterdam andrea angel anthony apple asdf asdfgh azerty babygirl baseball basketball
batman beautiful bonjour buster butterfly changeme charlie cheese chelsea chocolate christian
computer cookie daniel default diamond doudou dragon elizabeth facebook family familie ferrari
fishing flower football freedom fussball geheim google guest hallo hallohallo hamster hannover
hello hockey homequeue hunter iloveyou internet jasmine jennifer jessica jonathan jordan killer
kennwort letmein liverpool login loveme lovely loulou marina marlboro master matrix maverick
mercedes michael michelle monkey motdepasse mustang nicole nothing pass passw passwd passwort
password patrick pepper photo photos princess purple qwer qwert qwerty qwertz raspberry raspi
richard root samantha samsung schalke schatz schokolade secret server shadow sommer soccer sophie
starwars steelers summer sunshine superman tequiero test tester testing thomas trustno tinkerbell
user victoria welcome whatever willkommen william windows winter yankees zaq zaqwsx zxcvbn
"""


def check(password: str, name: str = "") -> None:
    """Raise Invalid if a password is too short, far too long, or what anybody would try first."""
    if len(password) < SHORTEST:
        raise Invalid(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Invalid(f"A password has at most {LONGEST} characters.")
    if is_easy(password, name):
        words = "This password is among the first that anybody would try."
        raise Invalid(f"{words} Take one like three words that have nothing to do with each other.")


def is_easy(password: str, name: str = "") -> bool:
    """Tell whether a password is regular, common, or hardly more than the name of whose it is.

    >>> is_easy("12345678"), is_easy("P@ssw0rd!"), is_easy("Anna2019", "Anna")
    (True, True, True)
    >>> is_easy("correct horse", "Anna")
    False
    """
    text = password.casefold()
    known = {*_COMMON.split(), _letters(name.casefold())} - {""}
    return (
        _repeats(text)
        or any(text in way for row in _ROWS.split() for way in (row + row, (row + row)[::-1]))
        or any(_is_word(form, known) for form in (text, _undisguised(text)))
    )


def _repeats(text: str) -> bool:
    """Tell whether text is one short piece again and again, or of hardly any characters."""
    return text in (text + text)[1:-1] or len(set(text)) < 3


def _is_word(text: str, known: set[str]) -> bool:
    word = _letters(text)
    is_known = word in known or (_repeats(word) and word[: len(word) // 2] in known)
    return text in known or (is_known and len(text) - len(word) <= FEW)


def _undisguised(text: str) -> str:
    """Return text with the letters that its digits and signs stand for, but for those at its end.

    >>> _undisguised("p@ssw0rd2024!")
    'password2024!'
    """
    end = len(text.rstrip("0123456789!$@"))
    return text[:end].translate(DISGUISES) + text[end:]


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", text)
