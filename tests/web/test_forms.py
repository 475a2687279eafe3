"""Forms of files: the same comes of them in whatever pieces they come."""

import errno
import os
from dataclasses import replace
from hashlib import sha256
from typing import BinaryIO

import pytest

from homequeue import config
from homequeue.errors import Invalid, NoSpace, TooLarge
from homequeue.media import media
from homequeue.services import room
from homequeue.web import forms
from homequeue.web.forms import Form
from tests.web.client import multipart

pytestmark = pytest.mark.usefixtures("house")

#: What looks like the end of a part, and is none.
NEARLY = b"\r\n--lin" + b"\r\n--" + bytes(range(256)) * 3 + b"\r"
PARTS = (
    ("csrf", "a token"),
    ("file", "sea.jpg", NEARLY),
    ("other", "x.jpg", b"of no use"),
    ("other", "neither"),
    ("file", "empty.jpg", b""),
    ("album", "Meer – Sea"),
    ("file", "Фото.jpg", b"short"),
)


def taken(*parts: tuple[object, ...], size: int = 0) -> Form:
    """A form that has come in pieces of so many bytes."""
    kind, body = multipart(*parts)
    form = Form(forms.boundary_of(kind) or "", len(body))
    size = size or len(body)
    for start in range(0, len(body), size):
        form.append(body[start : start + size])
    return form.getfile()


def incoming() -> list[str]:
    return os.listdir(media.root / "incoming")


def told(form: Form) -> list[tuple[str, int, str]]:
    return [(file.name, file.incoming.size, file.incoming.checksum) for file in form.files]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 50, 1000])
def test_pieces_of_any_size_are_the_same_form(size):
    form = taken(*PARTS, size=size)
    assert (form.refusal, room.spoken_for()) == (None, 0)
    assert form.fields == {"csrf": "a token", "album": "Meer – Sea"}
    files = [(name, data) for field, name, *data in PARTS if field == "file" for data in data]
    assert told(form) == [(name, len(data), sha256(data).hexdigest()) for name, data in files]
    for file, (_, data) in zip(form.files, files, strict=True):
        assert file.incoming.complete().read() == data
    form.close()
    assert incoming() == []


def test_many_files_are_not_all_open():
    before = len(os.listdir("/proc/self/fd"))
    form = taken(*(("file", f"{n}.jpg", b"x") for n in range(200)))
    assert len(form.files) == 200
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    form.close()


def test_a_file_that_is_too_large_takes_no_room_and_no_other_with_it(house):
    config.bind(replace(house, uploads=replace(house.uploads, max_size=1000)))
    form = taken(("file", "big.jpg", bytes(5000)), ("file", "a.jpg", bytes(1000)), size=300)
    big, small = form.files
    with pytest.raises(TooLarge, match="larger than 1 kB"):
        _ = big.incoming
    assert incoming() == [small.incoming.path.name]
    assert (small.refusal, small.incoming.size) == (None, 1000)
    form.close()


@pytest.mark.parametrize("place", ["", "write", "close"])
def test_a_file_that_the_disk_does_not_take_leaves_those_before_it(monkeypatch, place):
    kind, body = multipart(("file", "a.jpg", b"there"), ("file", "b.jpg", bytes(9000)))
    begun, rest = body[:-9100], body[-9100:]
    assert b"there" in begun
    assert b"b.jpg" not in begun
    form = Form(forms.boundary_of(kind) or "", len(body))
    form.append(begun)
    real = media.receive

    def received():
        if not place:
            raise NoSpace("The disk is full.")
        found = real()
        monkeypatch.setattr(found, "file", Full(found.file, place))
        return found

    monkeypatch.setattr(media, "receive", received)
    form.append(rest)
    first, second = form.getfile().files
    assert (form.refusal, first.incoming.size) == (None, 5)
    with pytest.raises(NoSpace):
        _ = second.incoming
    assert incoming() == [first.incoming.path.name]
    form.close()
    assert incoming() == []


class Full:
    """A file on a disk that is full, which one of its methods hears."""

    def __init__(self, file: BinaryIO, method: str) -> None:
        self.file = file
        setattr(self, method, self._fail)

    def _fail(self, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


def test_a_text_ends_where_nobody_would_write_on():
    form = taken(("csrf", "x" * 100_000), ("album", "Sea"), size=1000)
    assert form.fields == {"csrf": "x" * forms.LONGEST_FIELD, "album": "Sea"}


@pytest.mark.parametrize("boundary", ["", "a\nb"])
def test_what_cannot_stand_between_parts_is_damage(boundary):
    form = Form(boundary, 10)
    form.append(bytes(10))
    assert isinstance(form.getfile().refusal, Invalid)


@pytest.mark.parametrize("cut", [3, 30, 200, 1000])
def test_a_form_without_its_end_is_damaged(cut):
    kind, body = multipart(*PARTS)
    form = Form(forms.boundary_of(kind) or "", len(body))
    form.append(body[:-cut])
    assert isinstance(form.getfile().refusal, Invalid)
    form.close()
    assert incoming() == []


def test_a_form_of_too_many_parts_is_read_no_further(monkeypatch):
    monkeypatch.setattr(forms, "MOST_PARTS", 10)
    form = taken(*(("file", f"{n}.jpg", b"x") for n in range(50)), size=500)
    assert "more than 10 files" in str(form.refusal)
    assert len(form.files) == 10
    form.close()


def test_what_is_no_form_of_files_has_no_boundary():
    assert forms.boundary_of("Multipart/Form-Data; Boundary=aB") == "aB"
    assert forms.boundary_of("multipart/form-data") == ""
    for kind in ("", "image/jpeg", "multipart/mixed; boundary=x", "application/json"):
        assert forms.boundary_of(kind) is None
