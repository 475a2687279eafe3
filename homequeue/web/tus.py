"""Resumable uploads as tus 1.0 speaks of them: https://tus.io/protocols/resumable-upload."""

from collections.abc import Callable
from contextlib import closing
from email.utils import formatdate
from typing import Any

from bottle import HTTPResponse

from homequeue import config, tasks
from homequeue.errors import BadRequest, HomequeueError, TooLarge, Unsupported
from homequeue.incoming import Incoming
from homequeue.models import Guest, Upload, User
from homequeue.services import creation, ingest, resumable
from homequeue.services.resumable import ALGORITHMS, Checksum, ChecksumMismatch, Piece
from homequeue.web.security import TUS_VERSION
from homequeue.web.uploads import CHUNK
from homequeue.web.visits import Visit

EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
#: The type of a body that holds bytes of an upload.
BYTES = "application/offset+octet-stream"

#: What every file of a guest becomes that is taken.
ARRIVED = "arrived"

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
    """Begin an upload, perhaps with its first bytes, perhaps with all of them.

    One that was begun by the same key goes on where it is, whatever comes with this request.
    """
    length = max(0, visit.request.content_length)
    size = admit_creation(visit.header, length)
    metadata = visit.header("Upload-Metadata")
    with creation.once(visit.receiver, size, metadata, visit.guest) as earlier:
        if earlier is not None:
            offset = resumable.offset(earlier, tasks.process_asset, tasks.report_soon)
            return _begun(visit, earlier, offset)
        resumable.check(visit.receiver, size, metadata, visit.guest)
        return _create(visit, size, metadata, length)


def show(visit: Visit, upload_id: str) -> HTTPResponse:
    """Tell how far an upload is; headers only."""
    _check_version(visit.header)
    upload = resumable.get(visit.receiver, upload_id, visit.guest)
    offset = resumable.offset(upload, tasks.process_asset, tasks.report_soon)
    said = {"Upload_Metadata": upload.metadata} if upload.metadata else {}
    return _state(upload, 200, offset, Upload_Length=str(upload.size), **said)


def add(visit: Visit, upload_id: str) -> HTTPResponse:
    """Add bytes to an upload; the answer to the last ones comes when the photo is kept."""
    stream = visit.request.environ["wsgi.input"]
    # The server has written it where it belongs while it came.
    if isinstance(stream, Piece):
        # Whoever has read the answer may send the next piece over another line at once.
        with closing(stream):
            return _add(stream)
    upload = resumable.get(visit.receiver, upload_id, visit.guest)
    length = max(0, visit.request.content_length)
    if _is_told_again(upload, visit.header, length):
        return _state(upload, 204, upload.size)
    asked = visit.receiver, visit.header, upload_id, length, visit.guest
    with closing(admit_piece(*asked)) as piece:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            piece.append(chunk)
        return _add(piece)


def terminate(visit: Visit, upload_id: str) -> HTTPResponse:
    """Forget an upload; a photo it has become stays, and is told."""
    _check_version(visit.header)
    upload = resumable.get(visit.receiver, upload_id, visit.guest)
    resumable.terminate(upload)
    return _answer(204, **({} if upload.asset is None else _became(upload)))


def admit_creation(header: Header, length: int) -> int:
    """Return how long an upload will be whose making is asked for with so many bytes of it."""
    _check_version(header)
    creation.metadata_of(header("Upload-Metadata"))
    size = _number(header, "Upload-Length")
    if length:
        _check_kind(header)
        _checksum(header)
    if length > size:
        raise TooLarge("This is more than the upload was said to have.")
    return size


def admit_piece(
    user: User, header: Header, upload_id: str, length: int, guest: Guest | None = None
) -> Piece:
    """Open an upload for the bytes of a request whose headers have come."""
    _check_version(header)
    _check_kind(header)
    upload = resumable.get(user, upload_id, guest)
    return resumable.begin(upload, _number(header, "Upload-Offset"), length, _checksum(header))


def _create(visit: Visit, size: int, metadata: str, length: int) -> HTTPResponse:
    incoming = _received(visit) if length else None
    if incoming is None or incoming.size < size:
        upload = resumable.create(visit.receiver, size, metadata, incoming, visit.guest)
        return _begun(visit, upload, incoming.size if incoming else 0)
    work = tasks.process_asset, tasks.report_soon
    upload = resumable.create_whole(visit.receiver, metadata, incoming, *work, visit.guest)
    return _begun(visit, upload, size)


def _add(piece: Piece) -> HTTPResponse:
    offset, upload = piece.settle(), piece.upload
    if offset == upload.size:
        resumable.finish(piece, tasks.process_asset, tasks.report_soon)
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


def _begun(visit: Visit, upload: Upload, offset: int) -> HTTPResponse:
    return _state(upload, 201, offset, Location=f"{visit.request.path}/{upload.id}")


def _state(upload: Upload, status: int, offset: int, **headers: str) -> HTTPResponse:
    expires = formatdate(resumable.expires_at(upload), usegmt=True)
    if upload.asset is not None:
        # Perhaps it has become one only since its offset was looked up.
        offset = upload.size
        headers |= _became(upload)
    return _answer(status, Upload_Offset=str(offset), Upload_Expires=expires, **headers)


def _became(upload: Upload) -> dict[str, str]:
    """Say what an upload has become, but to a guest not even whether it was here already."""
    if upload.guest is not None:
        return {"Homequeue_Outcome": ARRIVED}
    return {
        "Homequeue_Asset": str(upload.asset),
        "Homequeue_Batch": str(upload.batch),
        "Homequeue_Outcome": str(upload.outcome),
    }


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
    return Checksum(algorithm, creation.decoded(digest))
