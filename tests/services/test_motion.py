"""Motion photos as Google's and Samsung's phones make them, and files that only say they are."""

import io
import struct

import pytest

from homequeue.services import motion, xmp
from tests import pictures

CLIP = struct.pack(">I4s", 24, b"ftyp") + b"mp42" + bytes(12) + b"\0\0\0\x10mdat" + bytes(8)
PHOTO = pictures.data(pictures.scene(60, 40))


def find(content: bytes, packet: str = "") -> dict[str, int] | None:
    return motion.find(io.BytesIO(content), xmp.parse(packet))


def item(kind: str, length: int | None) -> str:
    told = "" if length is None else f' Item:Length="{length}"'
    return f'<rdf:li><Container:Item Item:Mime="x/y" Item:Semantic="{kind}"{told}/></rdf:li>'


def samsung(clip: bytes = CLIP, kind: int = motion.SAMSUNG_CLIP, count: int = 2) -> bytes:
    """A trailer of two blocks: when it was taken, and the clip."""
    said = (0x0A01, b"Image_UTC_Data", b"17"), (kind, b"MotionPhoto_Data", clip)
    blocks = [
        struct.pack("<HHI", 0, number, len(name)) + name + data for number, name, data in said
    ]
    entries = b""
    for at, (number, _, _) in enumerate(said):
        # Distances are counted back from the directory.
        entries += struct.pack("<HHII", 0, number, sum(map(len, blocks[at:])), len(blocks[at]))
    directory = b"SEFH" + struct.pack("<II", 107, count) + entries
    return b"".join(blocks) + directory + struct.pack("<I", len(directory)) + b"SEFT"


def clip_of(content: bytes, place: dict[str, int] | None) -> bytes:
    assert place is not None
    return content[place["at"] : place["at"] + place["size"]]


@pytest.mark.parametrize("primary", [None, 0, 1234])
def test_googles_as_they_are_now(primary: int | None) -> None:
    packet = item("Primary", primary) + item("MotionPhoto", len(CLIP))
    assert clip_of(PHOTO + CLIP, find(PHOTO + CLIP, packet)) == CLIP


def test_googles_with_a_gain_map_before_the_clip() -> None:
    content = PHOTO + b"gain map" + CLIP
    packet = item("Primary", None) + item("GainMap", 8) + item("MotionPhoto", len(CLIP))
    assert clip_of(content, find(content, packet)) == CLIP


def test_googles_after_an_editor_has_rewritten_the_packet() -> None:
    packet = (
        "<Container:Item><Item:Semantic>Primary</Item:Semantic></Container:Item><Container:Item>"
        f"<Item:Semantic>MotionPhoto</Item:Semantic><Item:Length>{len(CLIP)}</Item:Length>"
    )
    assert clip_of(PHOTO + CLIP, find(PHOTO + CLIP, packet)) == CLIP


def test_googles_as_they_were() -> None:
    packet = f'<r GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(CLIP)}"/>'
    assert clip_of(PHOTO + CLIP, find(PHOTO + CLIP, packet)) == CLIP


def test_samsungs() -> None:
    content = PHOTO + samsung()
    assert clip_of(content, find(content)) == CLIP


def test_the_box_of_a_heic() -> None:
    head = (
        struct.pack(">I4s4sI", 16, b"ftyp", b"heic", 0)
        + struct.pack(">I4s", 12, b"mdat")
        + b"x" * 4
    )
    for box in (
        struct.pack(">I4s", 8 + len(CLIP), b"mpvd"),
        struct.pack(">I4s", 0, b"mpvd"),
        struct.pack(">I4sQ", 1, b"mpvd", 16 + len(CLIP)),
    ):
        content = head + box + CLIP
        assert clip_of(content, find(content)) == CLIP


@pytest.mark.parametrize(
    "packet",
    [
        "", item("MotionPhoto", None), item("MotionPhoto", 0), item("MotionPhoto", 10**12),
        item("MotionPhoto", -5), '<i Item:Semantic="MotionPhoto" Item:Length="many"/>',
        '<r GCamera:MicroVideoOffset="7"/>', '<r GCamera:MicroVideoOffset="99999999"/>',
        '<r GCamera:MicroVideoOffset="1e3"/>', item("Primary", 5),
    ],
)  # fmt: skip
def test_a_clip_that_is_not_there(packet: str) -> None:
    assert find(PHOTO, packet) is None
    assert find(b"", packet) is None


@pytest.mark.parametrize(
    "trailer",
    [
        samsung(clip=b"no film at all......"), samsung(kind=0x0A31), samsung(count=2**32 - 1)[40:],
        struct.pack("<I", 2**32 - 1) + b"SEFT", b"SEFT", struct.pack("<I", 4) + b"SEFT",
    ],
)  # fmt: skip
def test_a_trailer_without_a_clip(trailer: bytes) -> None:
    assert find(PHOTO + trailer) is None


def test_any_byte_of_a_trailer_may_be_wrong() -> None:
    whole = PHOTO + samsung()
    for at in range(len(PHOTO), len(whole)):
        for value in (0, 0x7F, 0xFF):
            content = whole[:at] + bytes([value]) + whole[at + 1 :]
            place = find(content)
            assert place is None or place["at"] + place["size"] <= len(content)


def stsd(code: bytes) -> bytes:
    """The directory of a clip with one track of such pictures."""
    body = bytes(8) + bytes(4) + code
    for name in (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        body = struct.pack(">I4s", len(body) + 8, name) + body
    return body


@pytest.mark.parametrize("code", [*motion.PLAYED, *motion.UNPLAYED])
def test_how_the_pictures_are_encoded(code: str) -> None:
    clip = CLIP + stsd(code.encode())
    packet = f'<r GCamera:MicroVideoOffset="{len(clip)}"/>'
    place = find(PHOTO + clip, packet)
    assert place == {"at": len(PHOTO), "size": len(clip), "codec": code}
    assert motion.is_played(place) == (code in motion.PLAYED)


def test_pictures_of_which_nobody_knows_may_be_tried() -> None:
    place = find(PHOTO + CLIP, f'<r GCamera:MicroVideoOffset="{len(CLIP)}"/>')
    assert place is not None
    assert "codec" not in place
    assert motion.is_played(place)


def test_a_track_beyond_the_clip_is_not_its_own() -> None:
    clip = CLIP + struct.pack(">I4s", 10_000, b"moov")
    packet = item("Primary", None) + item("MotionPhoto", len(clip)) + item("GainMap", 100)
    place = find(PHOTO + clip + stsd(b"hvc1").ljust(100, b"\0"), packet)
    assert place == {"at": len(PHOTO), "size": len(clip)}


def test_any_byte_of_a_directory_may_be_wrong() -> None:
    whole = PHOTO + CLIP + stsd(b"hvc1")
    size = len(whole) - len(PHOTO)
    packet = f'<r GCamera:MicroVideoOffset="{size}"/>'
    for at in range(len(PHOTO) + 8, len(whole)):
        for value in (0, 1, 0x7F, 0xFF):
            content = whole[:at] + bytes([value]) + whole[at + 1 :]
            place = find(content, packet)
            assert place is not None
            assert place.get("codec") in (None, *motion.PLAYED, *motion.UNPLAYED)
