"""Causes: which errors say the same."""

import pytest

from homequeue import ledger
from homequeue.causes import LONGEST, cause
from homequeue.models import Job
from tests.library import job


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OSError: [Errno 5] I/O error: '/a/1.jpg'", "OSError: [Errno 5] I/O error: '/b c/2.jpg'"),
        ("FileNotFoundError: /a/b is gone", "FileNotFoundError: /c is gone"),
        ("“Sea” is no picture.", "“Hill, at noon” is no picture."),
        ('KeyError: "it\'s"', 'KeyError: "its"'),
        ("It took longer than the 60 s it may take.", "It took longer than the 0.5 s it may take."),
        ("at 0x7f3a91", "at 0x7f3b00"),
        ("Photo 91b0c2de is torn", "Photo 1f5 is torn"),
        ("said 'a\nb'", "said 'c'"),
        ("It\r\nrained.\n", "It rained."),
    ],
)
def test_what_is_said_of_another_file_or_number_is_the_same(one, other):
    assert cause(one) == cause(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OSError: [Errno 5] Input/output error", "OSError: [Errno 28] No space left on device"),
        ("It didn't answer.", "It didn't open."),
        ("It isn't here, and can't be.", "It isn't whole, and can't be."),
        ("", "It rained."),
    ],
)
def test_other_words_are_another_cause(one, other):
    assert cause(one) != cause(other)


def test_a_cause_is_short_and_quickly_found():
    assert len(cause("n" * 10_000)) == LONGEST
    assert cause(" 'a" * 20_000)
    assert cause("1" * 100_000) == "…"


def test_the_ledger_keeps_the_cause_of_what_ended_badly_until_it_begins_again(house):
    one = job("running", worker="x/y/1/1")
    ledger.end(one, ledger.FAILED, "It broke at 7.")
    assert Job.get().cause == "It broke at …."
    ledger.revive(one)
    assert Job.get().cause is None
