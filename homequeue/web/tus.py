"""Resumable uploads as tus 1.0 speaks of them: https://tus.io/protocols/resumable-upload."""

from collections.abc import Callable
from contextlib import closing
from email.utils import formatdate
from typing import Any

from bottle import HTTPResponse

from homequeue import config, tasks
from homequeue.errors import BadRequest, HomequeueError, TooLarge, Unsupported
from homequeue.incoming import Incoming
from homequeue.models import Upload, User
from homequeue.services import ingest, resumable
from homequeue.services.resumable import ALGORITHMS, Checksum, ChecksumMismatch, Piece
from homequeue.web.security import TUS_PATH, TUS_VERSION
from homequeue.web.uploads import CHUNK, tell
from homequeue.web.visits import Visit

EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
#: The type of a body that holds bytes of an upload.
BYTES = "application/offset+octet-stream"

#: Returns a header of a request by its name; empty if it is absent.
Header = Callable[[str], str]


class OtherVersion(HomequeueError):
    """A client that speaks another version of tus, or does not say that it speaks it."""

    status = 412
    code = "other_version"
    headers = {"Tus-Version": TUS_VERSION}


def options(visit: Visit, upload_id: str = "") -> HTTPResponse:  # noqa: ARG001
    """Tell what of tus is spoken here."""
    return _answer(
        204,
        Tus_Version=TUS_VERSION,
        Tus_Extension=EXTENSIONS,
        Tus_Max_Size=str(config.settings().uploads.max_size),
        Tus_Checksum_Algorithm=",".join(ALGORITHMS),
    )


def create(visit: Visit) -> HTTPResponse:
    """Begin an upload, perhaps with its first bytes, perhaps with all of them."""
    length = max(0, visit.request.content_length)
    size = admit_creation(visit.header, length)
    metadata = visit.header("Upload-Metadata")
    resumable.check(visit.user, size, metadata)
    incoming = _received(visit) if length else None
    if incoming is None or incoming.size < size:
        upload = resumable.create(visit.user, size, metadata, incoming)
        return _state(upload, 201, incoming.size if incoming else 0)
    upload = resumable.create_whole(visit.user, metadata, incoming, tasks.process_asset)
    tell(visit.user, upload.outcome)
    return _state(upload, 201, size)


def show(visit: Visit, upload_id: str) -> HTTPResponse:
    """Tell how far an upload is; headers only."""
    _check_version(visit.header)
    upload = resumable.get(visit.user, upload_id)
    offset = resumable.offset(upload, tasks.process_asset)
    said = {"Upload_Metadata": upload.metadata} if upload.metadata else {}
    return _state(upload, 200, offset, Upload_Length=str(upload.size), **said)


def add(visit: Visit, upload_id: str) -> HTTPResponse:
    """Add bytes to an upload; the answer to the last ones comes when the photo is kept."""
    stream = visit.request.environ["wsgi.input"]
    # The server has written it where it belongs while it came.
    if isinstance(stream, Piece):
        # Whoever has read the answer may send the next piece over another line at once.
        with closing(stream):
            return _add(visit.user, stream)
    upload = resumable.get(visit.user, upload_id)
    length = max(0, visit.request.content_length)
    if _is_told_again(upload, visit.header, length):
        return _state(upload, 204, upload.size)
    with closing(admit_piece(visit.user, visit.header, upload_id, length)) as piece:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            piece.append(chunk)
        return _add(visit.user, piece)


def terminate(visit: Visit, upload_id: str) -> HTTPResponse:
    """Forget an upload; a photo it has become stays."""
    _check_version(visit.header)
    resumable.terminate(resumable.get(visit.user, upload_id))
    return _answer(204)


def admit_creation(header: Header, length: int) -> int:
    """Return how long an upload will be whose making is asked for with so many bytes of it."""
    _check_version(header)
    resumable.metadata_of(header("Upload-Metadata"))
    size = _number(header, "Upload-Length")
    if length:
        _check_kind(header)
        _checksum(header)
    if length > size:
        raise TooLarge("This is more than the upload was said to have.")
    return size


def admit_piece(user: User, header: Header, upload_id: str, length: int) -> Piece:
    """Open an upload for the bytes of a request whose headers have come."""
    _check_version(header)
    _check_kind(header)
    upload = resumable.get(user, upload_id)
    return resumable.begin(upload, _number(header, "Upload-Offset"), length, _checksum(header))


def _add(user: User, piece: Piece) -> HTTPResponse:
    offset, upload = piece.settle(), piece.upload
    if offset == upload.size:
        resumable.finish(piece, tasks.process_asset)
        tell(user, upload.outcome)
    return _state(upload, 204, offset)


def _is_told_again(upload: Upload, header: Header, length: int) -> bool:
    """Tell whether nothing is added to an upload that has ended, at its end."""
    _check_version(header)
    at_its_end = _number(header, "Upload-Offset") == upload.size
    return upload.asset is not None and not length and at_its_end


def _received(visit: Visit) -> Incoming:
    """Return the bytes that came with the making of an upload, if they are what they should be."""
    stream = visit.request.environ["wsgi.input"]
    is_there = isinstance(stream, Incoming)
    incoming = stream if is_there else ingest.copy(iter(lambda: stream.read(CHUNK), b""))
    checksum = _checksum(visit.header)
    if checksum is not None and incoming.digest(checksum.algorithm) != checksum.digest:
        incoming.discard()
        raise ChecksumMismatch("These bytes are not what they were when they were sent.")
    return incoming


def _state(upload: Upload, status: int, offset: int, **headers: str) -> HTTPResponse:
    expires = formatdate(resumable.expires_at(upload), usegmt=True)
    if status == 201:
        headers["Location"] = f"{TUS_PATH}/{upload.id}"
    if upload.asset is not None:
        headers["Homequeue_Asset"] = str(upload.asset)
        headers["Homequeue_Batch"] = str(upload.batch)
        headers["Homequeue_Outcome"] = str(upload.outcome)
    return _answer(status, Upload_Offset=str(offset), Upload_Expires=expires, **headers)


def _answer(status: int, **headers: str) -> HTTPResponse:
    named: dict[str, Any] = {name.replace("_", "-"): text for name, text in headers.items()}
    return HTTPResponse(status=status, headers=named | {"Cache-Control": "no-store"})


def _check_version(header: Header) -> None:
    if header("Tus-Resumable") != TUS_VERSION:
        raise OtherVersion(f"Resumable uploads are spoken here as tus {TUS_VERSION}.")


def _check_kind(header: Header) -> None:
    if header("Content-Type").partition(";")[0].strip().lower() != BYTES:
        raise Unsupported(f"The bytes of an upload are sent as {BYTES}.")


def _number(header: Header, name: str) -> int:
    text = header(name)
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest(f"{name} takes a number of bytes.")
    return int(text)


def _checksum(header: Header) -> Checksum | None:
    text = header("Upload-Checksum")
    if not text:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequest(f"Checksums are taken by {' and '.join(ALGORITHMS)}.")
    return Checksum(algorithm, resumable.decoded(digest))
