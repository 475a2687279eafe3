"""IPTC in the encodings of the world, whole and broken."""

import struct

import pytest

from homequeue.services import iptc


def block(*datasets: tuple[int, int, bytes]) -> dict[int, bytes]:
    """Photoshop's resources with these datasets: record, number, value."""
    parts = (struct.pack(">BBBH", 0x1C, r, n, len(value)) + value for r, n, value in datasets)
    return {iptc.RESOURCE: b"".join(parts)}


def test_keywords_and_caption() -> None:
    found = iptc.parse(
        block((1, 90, b"\x1b%G"), (2, 25, b"Frost"), (2, 120, b"Sea"), (2, 25, "Снег".encode()))
    )
    assert (found.keywords, found.caption) == (("Frost", "Снег"), "Sea")


def test_texts_of_old_windows_programs() -> None:
    assert iptc.parse(block((2, 25, "Müller €".encode("cp1252")))).keywords == ("Müller €",)


@pytest.mark.parametrize(
    ("day", "time", "wanted"),
    [
        (b"20240712", b"181500+0200", "2024-07-12T18:15:00+0200"),
        (b"20240712", b"181500", "2024-07-12T18:15:00"),
        (b"20240712", b"", "2024-07-12"),
        (b"20240712", b"18", "2024-07-12"),
        (b"", b"143000+0000", None),
        (b"00000000x", b"143000", None),
        (b"july", b"143000", None),
    ],
)
def test_the_day_it_was_made(day: bytes, time: bytes, wanted: str | None) -> None:
    assert iptc.parse(block((2, 55, day), (2, 60, time))).created == wanted


def test_another_record_has_other_numbers() -> None:
    assert iptc.parse(block((1, 25, b"no"), (3, 120, b"no"))) == iptc.Iptc()


@pytest.mark.parametrize("broken", [None, {}, {iptc.RESOURCE: {}}, "text", {iptc.RESOURCE: b""}])
def test_no_datasets(broken: object) -> None:
    assert iptc.parse(broken) == iptc.Iptc()


def test_any_beginning_can_be_read() -> None:
    whole = block((2, 25, b"Frost"), (2, 25, b"Yard"))[iptc.RESOURCE]
    for end in range(len(whole)):
        assert len(iptc.parse({iptc.RESOURCE: whole[:end]}).keywords) <= 2
    assert iptc.parse({iptc.RESOURCE: whole[:10]}).keywords == ("Frost",)


def test_no_more_than_anybody_writes() -> None:
    many = block(*[(2, 25, b"x")] * 5000)
    assert len(iptc.parse(many).keywords) == iptc.STEPS
