"""XMP: the properties of a packet, read tag by tag.

No XML parser: packets come from strangers, are often cut off or not well-formed, and a parser
expands entities. What cannot be read is stepped over, in time that grows with the packet only.
"""

import re
from collections.abc import Mapping
from contextlib import suppress

from homequeue.services import values

#: Characters of a packet that are looked at, values of one property, tags within each other.
MOST, MOST_VALUES, DEEPEST = 1 << 18, 1000, 20

# Possessive quantifiers and the look behind: a hostile packet must not make them go back.
TAG = re.compile(r"<(/?)([\w:.-]++)([^<>]*+)>([^<]*+)")
ATTRIBUTE = re.compile(r"(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
#: 40,14.0786450N or 40,14,5N: degrees, minutes and perhaps seconds.
PLACE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEW])$")

#: When a photo was taken, in UTC, as its export knows it: less certain than what a camera wrote.
TAKEN = "homequeue:Taken"

#: The values of each property, in the order of the packet.
Properties = Mapping[str, list[str]]


def decode(packet: object) -> str:
    """Return the text of a packet or a sidecar, whichever way it is encoded."""
    if isinstance(packet, str):
        return packet[:MOST]
    data = packet[: 2 * MOST] if isinstance(packet, bytes) else b""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")[:MOST]


def parse(packet: str) -> Properties:
    """Read the properties that are written as attributes, as elements and as lists."""
    found: dict[str, list[str]] = {}
    above: list[str] = []
    for closes, name, attributes, content in TAG.findall(packet):
        if closes:
            if name in above:
                del above[len(above) - 1 - above[::-1].index(name) :]
            continue
        for key, double, single in ATTRIBUTE.findall(attributes):
            _add(found, key, double or single)
        # The items of a list belong to the property around it.
        owner = next((n for n in (name, *above[::-1]) if not n.startswith("rdf:")), name)
        _add(found, owner, content)
        if not attributes.endswith("/"):
            above = [*above[1 - DEEPEST :], name]
    return found


def _add(found: dict[str, list[str]], name: str, value: str) -> None:
    if "&" in value:
        import html  # noqa: PLC0415  (its table of names takes 300 kB, and few values need it)

        with suppress(ValueError):  # a number of thousands of digits is no character
            value = html.unescape(value)
    value = value.strip()
    known = found.setdefault(name, [])
    if value and len(known) < MOST_VALUES:
        known.append(value)


def first(properties: Properties, *names: str) -> str | None:
    """Return the first value of the first of these properties that has one."""
    return next((value for name in names for value in properties.get(name, ())), None)


def degrees(properties: Properties, name: str, most: float) -> float | None:
    """Return a latitude or longitude in degrees, or nothing where there is no such place."""
    found = PLACE.match(first(properties, name) or "")
    if not found:
        return None
    parts = (float(number or 0) for number in found.group(1, 2, 3))
    size = sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=True))
    return round(-size if found[4] in "SW" else size, 7) if size <= most else None


def altitude(properties: Properties) -> float | None:
    """Return the metres above the sea, below it negative."""
    metres = values.fraction(first(properties, "exif:GPSAltitude"))
    below = first(properties, "exif:GPSAltitudeRef") == "1"
    return values.metres(metres, below=below)
