"""The log: one event, one line, whatever people call their files."""

import io
import json
import logging
import secrets
from types import SimpleNamespace

import pytest

from homequeue import log
from tests import corpora

HOSTILE = [
    "a\nb",
    "a\r\nERROR forged: line",
    "a\x0bb\x0cc",
    "a\x85b",
    "a\u2028b\u2029c",
    "a\x1b[31mred",
    "a\x00b",
    "a\x7fb",
    "a\u202egpj.exe",
    "\udcff\ud800",
]


@pytest.fixture
def lines(monkeypatch):
    """What has been written to stderr since, by lines."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    # Not sys.stderr itself, which pytest changes between the fixture and the test.
    monkeypatch.setattr(log, "sys", SimpleNamespace(stderr=stream))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log.set_up("info")

    def written() -> list[str]:
        stream.flush()
        return stream.buffer.getvalue().decode().splitlines()

    yield written
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_line(lines, name):
    logging.getLogger("homequeue.test").warning("Cannot read %s", name)
    (line,) = lines()
    assert line.startswith("WARNING homequeue.test: Cannot read ")
    assert line.isprintable()


def test_every_naughty_string_is_one_line(lines):
    names = json.loads((corpora.folder("names") / "naughty-strings.json").read_text())
    for name in names:
        logging.getLogger("homequeue.test").warning("Cannot read %s", name)
    assert len(lines()) == len(names)


def test_a_traceback_is_one_line(lines):
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("homequeue.test").exception("It broke")
    (line,) = lines()
    assert "Traceback" in line
    assert "ValueError: first" in line


def test_the_token_of_a_link_is_not_in_it(lines):
    token = secrets.token_urlsafe(32)
    try:
        raise ValueError(f"/s/{token}/uploads/1 cannot be read")
    except ValueError:
        logging.getLogger("homequeue.web").exception("A defect before %s", f"/s/{token}/uploads/1")
    (line,) = lines()
    assert token not in line
    assert "A defect before /s/…/uploads/1" in line


def test_ordinary_words_stay_as_they_are(lines):
    logging.getLogger("homequeue.test").info("Фото на море 🌊 ü.jpg")
    assert lines() == ["INFO homequeue.test: Фото на море 🌊 ü.jpg"]


def test_the_level_decides(lines):
    log.set_up("warning")
    logging.getLogger("homequeue.test").info("quiet")
    logging.getLogger("homequeue.test").warning("loud")
    assert len(lines()) == 1
    log.set_up("debug")
    logging.getLogger("homequeue.test").debug("whisper")
    assert len(lines()) == 2


@pytest.mark.parametrize("noisy", ["huey", "apprise", "PIL", "peewee"])
def test_libraries_are_quiet_unless_something_is_wrong(lines, noisy):
    logging.getLogger(noisy).info("chatter")
    logging.getLogger(noisy).warning("trouble")
    assert len(lines()) == 1


def test_setting_up_twice_writes_once(lines):
    log.set_up("info")
    log.set_up("info")
    logging.getLogger("homequeue.test").info("once")
    assert len(lines()) == 1
