"""Forms of files (RFC 7578), taken apart as they come: each file is written where it belongs."""

from dataclasses import dataclass
from typing import BinaryIO

import multipart

from homequeue.errors import TooLarge
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.services import ingest, room

CHUNK = 2**18
#: The text fields of an upload form that say something here.
FIELDS = ("csrf", "modified", "album")
#: The longest of them, in bytes.
LONGEST_FIELD = 8192
MOST_PARTS = 10_000


def boundary_of(content_type: str) -> str | None:
    """Return what stands between the parts of a form of files; None if it is none."""
    kind, options = multipart.parse_options_header(content_type)
    return options.get("boundary", "") if kind == "multipart/form-data" else None


@dataclass
class File:
    """A file of a form as far as it has come, or what kept it from being received."""

    name: str
    incoming: Incoming
    refusal: TooLarge | None = None

    def write(self, data: bytearray) -> None:
        """Add bytes; those of a file that is too large are skipped."""
        if self.refusal is not None:
            return
        self.incoming.write(data)
        try:
            ingest.check_size(self.incoming.size)
        except TooLarge as error:
            self.refusal = error
            self.incoming.discard()


class Form:
    """The buffer of a form of so many bytes, which keeps room for the files that it holds.

    `files` are those of its fields `file`, `fields` the texts of FIELDS; what else it has is
    skipped. `damage` says why it cannot be read to its end.
    """

    def __init__(self, boundary: str, expected: int) -> None:
        self.files: list[File] = []
        self.damage = ""
        self._texts: dict[str, bytearray] = {}
        self._part: File | bytearray | None = None
        self._size = 0
        room.expect(self, lambda: max(0, expected - self._size))
        try:
            self._parser = multipart.PushMultipartParser(
                boundary, expected, max_segment_count=MOST_PARTS
            )
        except multipart.MultipartError as error:
            self.damage = str(error)

    @property
    def fields(self) -> dict[str, str]:
        """The texts of its fields."""
        return {name: text.decode(errors="replace") for name, text in self._texts.items()}

    def append(self, data: bytes) -> None:
        """Take bytes from the line."""
        self._size += len(data)
        if self.damage:
            return
        try:
            for event in self._parser.parse(data):
                if isinstance(event, multipart.MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                else:
                    self._add(event)
        except multipart.MultipartError as error:
            self.damage = str(error)

    def __len__(self) -> int:
        return self._size

    def getfile(self) -> "Form":
        """Return what the application is given as the body, at its end."""
        if not self.damage:
            try:
                self._parser.close()
            except multipart.MultipartError as error:
                self.damage = str(error)
        return self

    def close(self) -> None:
        """Forget its files, unless they were kept."""
        room.release(self)
        for file in self.files:
            file.incoming.discard()

    def _begin(self, segment: multipart.MultipartSegment) -> None:
        self._part = None
        if segment.filename is None and segment.name in FIELDS:
            self._part = self._texts[segment.name] = bytearray()
        elif segment.name == "file" and segment.filename:
            self._part = File(segment.filename, media.receive())
            self.files.append(self._part)

    def _add(self, data: bytearray) -> None:
        if isinstance(self._part, File):
            self._part.write(data)
        elif self._part is not None:
            self._part += data[: LONGEST_FIELD - len(self._part)]

    def _end(self) -> None:
        if isinstance(self._part, File):
            self._part.incoming.rest()
        self._part = None


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
