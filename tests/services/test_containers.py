"""Which file is a video, by its first bytes."""

import io

import pytest

from homequeue.errors import Unsupported
from homequeue.services import containers, imaging
from tests import films, pictures


def ftyp(*brands: bytes) -> bytes:
    """The first box of a film, with its major brand first, and the next one's beginning."""
    body = brands[0] + b"\0\0\2\0" + b"".join(brands[1:])
    return (len(body) + 8).to_bytes(4) + b"ftyp" + body + b"\0\0\0\x08free"


def found(data: bytes) -> str | None:
    identity = containers.identify(io.BytesIO(data))
    return identity and identity.mime


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (ftyp(b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
        (ftyp(b"mp42"), "video/mp4"),
        (ftyp(b"XAVC", b"mp42"), "video/mp4"),
        (ftyp(b"????", b"isom"), "video/mp4"),
        (ftyp(b"M4V ", b"isom"), "video/mp4"),
        (ftyp(b"qt  "), "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\1\0mdat", "video/quicktime"),
        (b"\0\0\1\0moov\0\0\0\x6cmvhd", "video/quicktime"),
        (ftyp(b"3gp5", b"isom"), "video/3gpp"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\0\0\1\0AVI LIST", "video/x-msvideo"),
        (b"\0\0\x01\xba\x44", "video/mpeg"),
        ((b"G" + b"\0" * 187) * 4, "video/mp2t"),
        ((b"\0\0\0\0G" + b"\0" * 187) * 4, "video/mp2t"),
    ],
)
def test_a_video_is_known_by_its_first_bytes(head: bytes, mime: str) -> None:
    assert found(head) == mime


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"G",
        b"GIF89a" + b"\0" * 600,
        ftyp(b"heic", b"mif1"),
        ftyp(b"mif1", b"heic"),
        ftyp(b"mif1", b"heic", b"isom"),
        ftyp(b"avif", b"mif1", b"miaf"),
        ftyp(b"avis", b"msf1", b"iso8"),
        ftyp(b"hevc", b"msf1", b"isom"),
        ftyp(b"crx ", b"isom"),
        ftyp(b"M4A ", b"isom", b"mp42"),
        ftyp(b"????"),
        b"\0\0\0\x0cftyp",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84blob",
        b"RIFF\0\0\1\0WAVE",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        b"FLV\1\5",
    ],
)
def test_what_is_no_video_is_left_to_others(head: bytes) -> None:
    assert found(head) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF"])
def test_no_picture_is_taken_for_a_video(form: str) -> None:
    assert found(pictures.data(pictures.scene(60, 40), form)) is None


def test_words_of_a_film_that_is_a_list_of_films() -> None:
    """Lists name other files: they are not taken, whatever they are called."""
    with pytest.raises(Unsupported):
        imaging.identify(io.BytesIO(b"ffconcat version 1.0\nfile /etc/passwd\n"))


def test_a_film_that_was_cut_off_is_told_by_its_boxes() -> None:
    whole = films.film()
    for part, is_cut in ((len(whole), False), (len(whole) - 1, True), (len(whole) // 2, True)):
        assert containers.is_cut(io.BytesIO(whole[:part])) is is_cut


def test_long_boxes_and_open_ends_are_understood() -> None:
    head = ftyp(b"isom")[:-8]
    long = head + b"\0\0\0\1mdat" + (116).to_bytes(8) + b"\0" * 100
    assert not containers.is_cut(io.BytesIO(long))
    assert containers.is_cut(io.BytesIO(long[:-1]))
    assert not containers.is_cut(io.BytesIO(head + b"\0\0\0\0mdat" + b"\0" * 100))
    assert not containers.is_cut(io.BytesIO(b"RIFF\0\0\1\0AVI LIST"))
