"""Apple's maker notes, whole and broken."""

import re
import struct

import pytest

from homequeue.services import imaging, makernotes
from tests import corpora
from tests.lives import MARK, note


@pytest.mark.parametrize("order", [">", "<"])
def test_the_mark_of_a_live_photo(order: str) -> None:
    assert makernotes.content_id(note(order=order)) == MARK


def test_marks_are_compared_in_capitals() -> None:
    assert makernotes.content_id(note(MARK.lower())) == MARK == makernotes.mark(MARK.lower())


@pytest.mark.parametrize(
    "value", [None, "Apple iOS", b"", b"Nikon\0\2\x10", note(tag=0x0015), note()[:20], note("")]
)
def test_what_has_none(value: object) -> None:
    assert makernotes.content_id(value) is None


def test_a_mark_without_end_is_cut() -> None:
    assert len(makernotes.content_id(note("A" * 5000)) or "") == makernotes.LONGEST
    assert makernotes.mark(" ") is None


def test_any_byte_may_be_wrong() -> None:
    whole = note()
    for at in range(10, len(whole)):
        for value in (0, 0x7F, 0xFF):
            found = makernotes.content_id(whole[:at] + bytes([value]) + whole[at + 1 :])
            assert found is None or len(found) <= makernotes.LONGEST


def test_a_real_note_is_walked_as_apple_lays_it_out() -> None:
    with (corpora.folder("phones") / "formats/heic/IMG_2682.heic").open("rb") as file:
        real = dict(imaging.opened(file).getexif().get_ifd(0x8769))[0x927C]
    assert makernotes.content_id(real) is None
    # It is no Live Photo; but its own number stands there in the same form, as 0x0015.
    entry = struct.pack(">HHI", 0x0015, 2, 37)
    marked = real.replace(entry, struct.pack(">HHI", 0x0011, 2, 37))
    assert re.fullmatch(
        r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", makernotes.content_id(marked) or ""
    )
