"""XMP as programs write it, and as strangers may."""

import time

import pytest

from homequeue.services import xmp
from tests import corpora


def test_attributes_elements_and_lists_are_the_same_to_us() -> None:
    packet = """<x:xmpmeta><rdf:RDF><rdf:Description xmp:Rating="4" tiff:Make='A &amp; B'>
      <exif:FNumber>28/10</exif:FNumber>
      <dc:subject><rdf:Bag><rdf:li>Frost</rdf:li><rdf:li>Yard</rdf:li></rdf:Bag></dc:subject>
      <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Snow</rdf:li></rdf:Alt></dc:title>
      <exif:Flash rdf:parseType="Resource"><exif:Fired>True</exif:Fired></exif:Flash>
    </rdf:Description></rdf:RDF></x:xmpmeta>"""
    found = xmp.parse(packet)
    assert xmp.first(found, "xmp:Rating") == "4"
    assert xmp.first(found, "tiff:Make") == "A & B"
    assert xmp.first(found, "exif:FNumber") == "28/10"
    assert found["dc:subject"] == ["Frost", "Yard"]
    assert found["dc:title"] == ["Snow"]
    assert found["exif:Fired"] == ["True"]
    assert xmp.first(found, "dc:rights", "dc:title") == "Snow"
    assert xmp.first(found, "dc:rights") is None


def test_an_element_that_closes_itself_holds_nothing() -> None:
    found = xmp.parse('<a:b c:d="1"/><dc:title>x</dc:title>')
    assert (found["c:d"], found["dc:title"]) == (["1"], ["x"])


@pytest.mark.parametrize("number", ["9" * 5000, "x" + "f" * 5000, "0" * 5000 + "65"])
def test_a_number_of_thousands_of_digits_stops_nothing(number: str) -> None:
    found = xmp.parse(f'<r dc:title="&#{number};"/><r xmp:Rating="3" dc:rights="&#65;"/>')
    assert (found["xmp:Rating"], found["dc:rights"]) == (["3"], ["A"])


@pytest.mark.parametrize("end", [20, 60, 100])
def test_a_packet_that_was_cut_off_keeps_its_beginning(end: int) -> None:
    packet = '<r xmp:Rating="3"><dc:subject><rdf:li>One</rdf:li><rdf:li>Two'
    assert xmp.parse(packet[:end])["xmp:Rating"] == ["3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_sidecars_in_every_encoding(encoding: str) -> None:
    text = "<dc:title>Фото</dc:title>"
    assert xmp.decode(text.encode(encoding)) == text
    assert xmp.decode(text) == text
    assert xmp.decode(None) == ""
    assert "<dc:title>" in xmp.decode(text.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("40,14.0786450N", 40.234644), ("40,14.0786450S", -40.234644), ("48,51,29.6N", 48.8582222),
        ("90,0N", 90.0), ("91,0N", None), ("N", None), ("", None), ("40.5", None), ("nan,0N", None),
    ],
)  # fmt: skip
def test_places(text: str, wanted: float | None) -> None:
    found = xmp.degrees(xmp.parse(f'<r exif:GPSLatitude="{text}">'), "exif:GPSLatitude", 90)
    assert found == (wanted if wanted is None else pytest.approx(wanted, abs=1e-6))


@pytest.mark.parametrize(
    ("height", "ref", "wanted"),
    [("1234/10", "0", 123.4), ("430", "1", -430.0), ("0/0", "0", None), ("9e9", "0", None)],
)
def test_altitudes(height: str, ref: str, wanted: float | None) -> None:
    packet = f'<r exif:GPSAltitude="{height}" exif:GPSAltitudeRef="{ref}">'
    assert xmp.altitude(xmp.parse(packet)) == wanted


@pytest.mark.parametrize(
    "packet",
    [
        "<" + "a" * xmp.MOST, "<" * xmp.MOST, "<a " + "b" * xmp.MOST, "<a " + "b=" * 99_999 + ">",
        "<a b" + " " * xmp.MOST + ">", "<a>" * 80_000, "<rdf:li>" * 30_000,
        "<a>" * 30_000 + "</b>" * 30_000, "<a>" + "&" * xmp.MOST + "</a>",
        "<a exif:GPSLatitude='" + "1" * 200_000 + "'>", "<a:b>x</a:b>" * 20_000,
    ],
)  # fmt: skip
def test_a_hostile_packet_takes_no_time_and_little_room(packet: str) -> None:
    began = time.process_time()
    found = xmp.parse(packet)
    xmp.degrees(found, "exif:GPSLatitude", 90)
    assert time.process_time() - began < 1
    assert sum(map(len, found.values())) <= 2 * xmp.MOST_VALUES


def test_iso_as_a_list() -> None:
    folder = corpora.folder("phones") / "problems" / "xmp" / "iso-value-array"
    found = xmp.parse(xmp.decode((folder / "iso-value-array.xmp").read_bytes()))
    assert xmp.first(found, "exif:ISOSpeedRatings") == "160"
