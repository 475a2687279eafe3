"""Forms of files (RFC 7578), taken apart as they come: each file is written where it belongs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import multipart

from homequeue.errors import HomequeueError, Invalid, TooLarge
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.services import ingest, room

CHUNK = 2**18
#: The text fields of an upload form that say something here.
FIELDS = ("csrf", "modified", "album")
#: The longest of them, in bytes.
LONGEST_FIELD = 8192
#: The most files and fields of one form.
MOST_PARTS = 1000


def boundary_of(content_type: str) -> str | None:
    """Return what stands between the parts of a form of files; None if it is none."""
    kind, options = multipart.parse_options_header(content_type)
    return options.get("boundary", "") if kind == "multipart/form-data" else None


class File:
    """A file of a form as far as it has come; `refusal` is what keeps it from being received."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.refusal: HomequeueError | None = None
        self._incoming: Incoming | None = None
        with self._or_refused():
            self._incoming = media.receive()

    @property
    def incoming(self) -> Incoming:
        """What has come; raises what keeps it from being received."""
        if self.refusal is not None:
            raise self.refusal
        assert self._incoming is not None  # it would be refused
        return self._incoming

    def write(self, data: bytearray) -> None:
        """Add bytes; those of a file that is refused are skipped."""
        if self.refusal is None:
            with self._or_refused():
                self.incoming.write(data)
                ingest.check_size(self.incoming.size)

    def end(self) -> None:
        """Close it until it is wanted: many that wait must not all be open."""
        if self.refusal is None:
            with self._or_refused():
                self.incoming.rest()

    def discard(self) -> None:
        """Forget what has come, unless it was kept."""
        if self._incoming is not None:
            self._incoming.discard()

    @contextmanager
    def _or_refused(self) -> Iterator[None]:
        try:
            yield
        except HomequeueError as error:
            self.refusal = error
            self.discard()


class Form:
    """The buffer of a form of so many bytes, which keeps room for the files that it holds.

    `files` are those of its fields `file`, `fields` the texts of FIELDS; what else it has is
    skipped. `refusal` says why nothing of it can be received.
    """

    def __init__(self, boundary: str, expected: int) -> None:
        self.files: list[File] = []
        self.refusal: HomequeueError | None = None
        self._texts: dict[str, bytearray] = {}
        self._part: File | bytearray | None = None
        self._parts = self._size = 0
        room.expect(self, lambda: max(0, expected - self._size))
        with self._or_damaged():
            self._parser = multipart.PushMultipartParser(boundary, expected)

    @property
    def fields(self) -> dict[str, str]:
        """The texts of its fields."""
        return {name: text.decode(errors="replace") for name, text in self._texts.items()}

    def append(self, data: bytes) -> None:
        """Take bytes from the line."""
        self._size += len(data)
        if self.refusal is not None:
            return
        with self._or_damaged():
            for event in self._parser.parse(data):
                if isinstance(event, multipart.MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                else:
                    self._add(event)

    def __len__(self) -> int:
        return self._size

    def getfile(self) -> "Form":
        """Return what the application is given as the body, all of which is there."""
        room.release(self)
        if self.refusal is None:
            with self._or_damaged():
                self._parser.close()
        return self

    def close(self) -> None:
        """Forget its files, unless they were kept."""
        room.release(self)
        for file in self.files:
            file.discard()

    def _begin(self, segment: multipart.MultipartSegment) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooLarge(f"These are more than {MOST_PARTS} files. Please send fewer at once.")
        self._part = None
        if segment.filename is None and segment.name in FIELDS:
            self._part = self._texts[segment.name] = bytearray()
        elif segment.name == "file" and segment.filename:
            self._part = File(segment.filename)
            self.files.append(self._part)

    def _add(self, data: bytearray) -> None:
        if isinstance(self._part, File):
            self._part.write(data)
        elif self._part is not None:
            self._part += data[: LONGEST_FIELD - len(self._part)]

    def _end(self) -> None:
        if isinstance(self._part, File):
            self._part.end()
        self._part = None

    @contextmanager
    def _or_damaged(self) -> Iterator[None]:
        try:
            yield
        except multipart.MultipartError as error:
            self.refusal = Invalid(f"The upload is damaged: {error}.")
        except TooLarge as error:
            self.refusal = error


def read(stream: BinaryIO | Form, boundary: str, length: int) -> Form:
    """Return a form that the server has taken apart already, or read it from the line."""
    if isinstance(stream, Form):
        return stream
    form = Form(boundary, length)
    try:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            form.append(chunk)
    except BaseException:
        form.close()
        raise
    return form.getfile()
