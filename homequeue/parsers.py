"""How the text of a setting is read; a ValueError says what the setting takes, never its text.

A secret may be wrong too, and what is said here is shown and logged.
"""

import configparser
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from homequeue.errors import ConfigError

SIZE_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def settings_file(path: Path) -> dict[str, tuple[str, str]]:
    """Return the text of each option of a settings file, by `section.option`, and that file."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"The settings file {path} cannot be read: {why(error)}") from error
    return {
        f"{section}.{name}": (text, str(path))
        for section in parser.sections()
        for name, text in parser.items(section)
    }


def why(error: Exception) -> str:
    """Return what is wrong with a file, without the text of its lines: it may hold a secret."""
    match error:
        case configparser.MissingSectionHeaderError():
            return f"line {error.lineno} comes before any [section]."
        case configparser.ParsingError():
            lines = ", ".join(str(number) for number, _ in error.errors)
            return f"there is no option = value in line {lines}."
        case configparser.DuplicateSectionError():
            return f"line {error.lineno} begins [{error.section}] a second time."
        case configparser.DuplicateOptionError():
            return f"line {error.lineno} sets {error.section}.{error.option} a second time."
        case OSError():
            return f"{error.strerror}."
    return "it is not in UTF-8."


def text(given: str) -> str:
    """Take the text as it is, without the spaces around it."""
    return given.strip()


def number(least: int, most: int, words: str) -> Callable[[str], int]:
    """Return a parser of whole numbers from `least` to `most`, which are what `words` say."""

    def parse(given: str) -> int:
        if not re.fullmatch(r"\s*\d{1,9}\s*", given) or not least <= int(given) <= most:
            raise ValueError(words)
        return int(given)

    return parse


whole = number(0, 10**9, "a whole number, such as 4")
count = number(1, 10**9, "a whole number from 1 on")
port = number(0, 65535, "a port from 0 to 65535")
workers = number(1, 64, "a number from 1 to 64")
edge = number(16, 8192, "a number of pixels from 16 to 8192")


def size(given: str) -> int:
    """Read a number of bytes, with K, M, G or T for binary multiples."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", given, re.IGNORECASE)
    if not match:
        raise ValueError("a size, such as 500M or 4G")
    return int(float(match[1]) * SIZE_UNITS[match[2].upper()])


def yes_no(given: str) -> bool:
    """Read yes or no.

    >>> yes_no("yes"), yes_no("Off")
    (True, False)
    """
    words = {"yes": True, "true": True, "on": True, "1": True}
    words |= {"no": False, "false": False, "off": False, "0": False}
    try:
        return words[given.strip().lower()]
    except KeyError:
        raise ValueError("yes or no") from None


def quiet_hours(given: str) -> tuple[int, int] | None:
    """Read two times of day as minutes since midnight, or nothing.

    >>> quiet_hours("22:00-07:30")
    (1320, 450)
    """
    if not given.strip():
        return None
    time = r"([01]?\d|2[0-3]):([0-5]\d)"
    match = re.fullmatch(rf"\s*{time}\s*-\s*{time}\s*", given)
    if not match or match.group(1, 2) == match.group(3, 4):
        raise ValueError("two times of day, such as 22:00-07:00")
    hours, minutes, last_hours, last_minutes = map(int, match.groups())
    return hours * 60 + minutes, last_hours * 60 + last_minutes


def level(given: str) -> str:
    """Read the name of a log level."""
    if given.strip().lower() not in ("debug", "info", "warning", "error"):
        raise ValueError("debug, info, warning or error")
    return given.strip().lower()


def url(given: str) -> str:
    """Read the address of a web site, or nothing."""
    if given.strip() and not re.fullmatch(r"https?://[^/\s]+/?", given.strip()):
        raise ValueError("an address such as https://photos.example.org")
    return given.strip().rstrip("/")


def proxy(given: str) -> tuple[str, ...]:
    """Read the IP address of one proxy, or nothing.

    A name would not do: it is compared with what a connection comes from.
    """
    try:
        return (str(ipaddress.ip_address(given.strip())),) if given.strip() else ()
    except ValueError:
        raise ValueError("one IP address, such as 127.0.0.1") from None


def channels(given: str) -> tuple[str, ...]:
    """Read Apprise addresses separated by spaces, commas or new lines.

    Whether Apprise knows them is asked where it is at hand: it takes too much memory to keep.
    """
    # A comma inside an address, as between two recipients, is followed by no scheme.
    found = tuple(
        word.strip(",") for word in re.split(r"\s+|,+(?=[\w+.-]+://)", given) if word.strip(",")
    )
    for place, address in enumerate(found, 1):
        if not re.match(r"[A-Za-z][\w+.-]*://.", address):
            raise ValueError(
                "addresses such as mailtos://user:password@example.org, "
                f"and address {place} of {len(found)} is none"
            )
    return found


def queue_url(given: str) -> str:
    """Read the address of a Redis or a PostgreSQL, or nothing."""
    if given.strip() and not re.match(r"\s*((redis|rediss|unix)|postgres(ql)?)://", given):
        raise ValueError("empty, or an address that begins with redis:// or postgresql://")
    return _server(given, "redis://host:6379/0")


def database_url(given: str) -> str:
    """Read the address of a PostgreSQL, or nothing."""
    if given.strip() and not re.match(r"\s*postgres(ql)?://", given):
        raise ValueError("empty, or an address that begins with postgresql://")
    return _server(given, "postgresql://name:password@host/homequeue")


def _server(given: str, example: str) -> str:
    found = given.strip()
    try:
        # A password with a / or # in it ends the host early, and the port is then no number.
        is_whole = urlsplit(found).port != 0 and not re.search(r"%(?![0-9A-Fa-f]{2})", found)
    except ValueError:
        is_whole = False
    if not is_whole:
        words = f"an address such as {example}; in a password write / as %2F, # as %23, % as %25"
        raise ValueError(words)
    return found


def written(parse: Callable[[str], Any], value: Any) -> str:
    """Return a value the way a settings file has it, for this parser to read again.

    >>> written(size, 512 * 2**20), written(quiet_hours, (1320, 450)), written(yes_no, True)
    ('512M', '22:00-07:30', 'yes')
    """
    if value is None:
        return ""
    if parse is size:
        fitting = [unit for unit, length in SIZE_UNITS.items() if value and not value % length]
        unit = fitting[-1] if fitting else ""
        return f"{value // SIZE_UNITS[unit]}{unit}"
    if parse is quiet_hours:
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in value)
    if parse is yes_no:
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)
