"""What is tried before it is accepted, and what is taken at its word."""

import io
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

import pytest

from homequeue.errors import Unreadable
from homequeue.services import imaging, trial
from homequeue.services.headers import Identity
from tests import pictures

MEMORY = 384 << 20


def check(content: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        trial.check(file, imaging.identify(file, MEMORY), MEMORY)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How large the memory was that each trial was given."""
    found: list[int] = []
    monkeypatch.setattr(trial, "_try", lambda _file, memory: found.append(memory))
    return found


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_a_whole_file_is_taken_at_its_word(form: str, tried: list[int]) -> None:
    check(pictures.data(pictures.scene(), form))
    assert tried == []


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_one_that_was_cut_off_is_tried(form: str, tried: list[int]) -> None:
    content = pictures.data(pictures.scene(), form)
    check(content[: len(content) * 2 // 3])
    assert tried == [MEMORY]


def test_a_tiff_is_always_tried(tried: list[int]) -> None:
    check(pictures.data(pictures.scene(), "TIFF"))
    assert tried == [MEMORY]


class Shrinking(io.BytesIO):
    """A file that somebody else cuts short whenever its size has been asked for."""

    def seek(self, at: int, whence: int = 0) -> int:
        found = super().seek(at, whence)
        if whence == os.SEEK_END:
            self.truncate(found // 3)
        return found


def test_a_file_that_is_cut_short_while_it_is_looked_at_is_not_whole() -> None:
    identity = Identity("JPEG", "image/jpeg", "jpg", 1, 1, is_truncated=False)
    content = pictures.data(pictures.scene())
    assert trial.is_whole(io.BytesIO(content), identity)
    assert not trial.is_whole(Shrinking(content), identity)


@pytest.mark.parametrize("at", [-2, 2 * trial.BLOCK - 1, 2 * trial.BLOCK, trial.HEAD])
def test_the_end_is_found_wherever_it_stands(at: int) -> None:
    """Some phones write films and notes of their own behind it."""
    identity = Identity("JPEG", "image/jpeg", "jpg", 1, 1, is_truncated=False)
    content = bytearray(3 * trial.BLOCK + 5)
    assert not trial.is_whole(io.BytesIO(content), identity)
    place = at % len(content)
    content[place : place + 2] = b"\xff\xd9"
    assert trial.is_whole(io.BytesIO(content), identity)


def test_half_a_photo_is_accepted() -> None:
    content = pictures.data(pictures.photo(800, 600))
    check(content[: len(content) // 2])


def test_a_photo_of_which_nothing_came_is_refused_in_words() -> None:
    content = pictures.data(pictures.scene(), "PNG")
    head = content[: content.index(b"IDAT") + 8]
    with pytest.raises(Unreadable, match="nothing in it can be shown"):
        check(head)


def test_while_one_is_tried_the_others_are_left_to_a_worker(tried: list[int]) -> None:
    content = pictures.data(pictures.scene(), "TIFF")
    with trial._trying:
        check(content)
    assert tried == []
    check(content)
    assert tried == [MEMORY]


def test_a_trial_that_never_ends_leaves_the_verdict_to_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial, "LONGEST", 0.001)
    content = pictures.data(pictures.scene(), "PNG")
    check(content[: content.index(b"IDAT") + 8])


def test_the_child_reads_from_the_beginning(tmp_path: Path) -> None:
    """Whatever Python's buffer has read before."""
    path = tmp_path / "half.jpg"
    path.write_bytes(pictures.data(pictures.photo(800, 600))[:20_000])
    file: BinaryIO
    with path.open("rb") as file:
        file.read(5)
        trial.check(file, imaging.identify(file, MEMORY), MEMORY)
