"""Uploads: one request with one raw file or a form of many, streamed into the library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import multipart
from bottle import HTTPResponse

from homequeue import config, tasks
from homequeue.errors import HomequeueError, Invalid, NoSpace, Unavailable
from homequeue.incoming import Incoming
from homequeue.models import User
from homequeue.services import batches, ingest, notify, receipts
from homequeue.services.ingest import Received
from homequeue.web import pages
from homequeue.web.principals import check_csrf
from homequeue.web.visits import Visit, as_json

CHUNK = 2**18
#: The longest text field of an upload form, in bytes.
LONGEST_FIELD = 8192
MOST_PARTS = 10_000


@dataclass
class Batch:
    """The files of one request: those that arrived and those that were refused."""

    received: list[Received] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    #: Of those that sending again would not help.
    refused: list[receipts.Refusal] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    #: The last refusal, which is the answer if nothing arrived.
    refusal: HomequeueError | None = None

    def take(self, upload: ingest.Upload, receive: Callable[[ingest.Upload], Received]) -> None:
        """Receive a file, or note why not."""
        try:
            self.received.append(receive(upload))
        except HomequeueError as error:
            self.refusal = error
            refused = {"filename": upload.filename, "error": str(error), "code": error.code}
            self.rejected.append(refused)
            if not error.passing:
                self.refused.append(receipts.Refusal(upload.filename, str(error)))

    def discard(self) -> None:
        """Forget what has arrived."""
        for file in self.received:
            file.incoming.discard()


def put_asset(visit: Visit, filename: str = "") -> HTTPResponse:
    """Take one raw body, as `curl -T` sends it, whose name may be in the address."""
    return post_assets(visit, filename)


def post_assets(visit: Visit, filename: str = "") -> HTTPResponse:
    """Take one raw body or a multipart form; 201 if anything is new, 200 if all was known."""
    batch = _receive(visit, filename)
    kept, number = _record(visit, batch)
    if batch.refusal is not None and not kept:
        status = batch.refusal.status
    else:
        status = 200 if kept and all(one["duplicate"] for one in kept) else 201
    body: dict[str, Any] = {"assets": kept, "rejected": batch.rejected, "batch": number}
    if status >= 400:
        body |= {"error": str(batch.refusal), "code": batch.refusal and batch.refusal.code}
    return as_json(body, status)


def post_form(visit: Visit, secret: bytes) -> HTTPResponse:
    """Take the form of the upload page, for browsers without scripts."""
    batch = _receive(visit)
    try:
        check_csrf(visit.principal, batch.fields.get("csrf", ""), secret)
    except HomequeueError:
        batch.discard()
        raise
    kept, _ = _record(visit, batch)
    return pages.upload(visit, [*kept, *batch.rejected])


def tell(user: User, *outcomes: str | None) -> None:
    """See to it that channels are told of what a user has sent, if anything of it is new."""
    if notify.is_wanted() and receipts.ADDED in outcomes:
        quiet = config.settings().notifications.quiet
        tasks.report_uploads.schedule((user.id,), delay=quiet)


def _receive(visit: Visit, filename: str = "") -> Batch:
    batch = Batch()
    kind, options = multipart.parse_options_header(visit.header("Content-Type"))
    is_form = kind == "multipart/form-data"
    if not is_form:
        ingest.check_size(max(0, visit.request.content_length))
    ingest.check_room()
    try:
        if is_form:
            _receive_form(visit, batch, options.get("boundary", ""))
        else:
            batch.fields["modified"] = visit.header("X-Modified") or visit.query("modified") or ""
            named = visit.header_text("X-Filename") or filename
            batch.take(_upload(visit, named), partial(_receive_raw, visit))
    except BaseException:
        batch.discard()
        raise
    if not batch.received and batch.refusal is None:
        raise Invalid("No file was sent.")
    if isinstance(batch.refusal, NoSpace | Unavailable) and not batch.received:
        raise batch.refusal
    return batch


def _receive_raw(visit: Visit, upload: ingest.Upload) -> Received:
    stream = visit.request.environ["wsgi.input"]
    # The server has written it where it belongs while it came.
    if isinstance(stream, Incoming):
        return ingest.arrived(upload, stream)
    return ingest.receive(upload, iter(lambda: stream.read(CHUNK), b""))


def _receive_form(visit: Visit, batch: Batch, boundary: str) -> None:
    stream = visit.request.environ["wsgi.input"]
    try:
        with multipart.PushMultipartParser(
            boundary, visit.request.content_length, max_segment_count=MOST_PARTS
        ) as parser:
            events = parser.parse_blocking(stream.read, CHUNK)
            for event in events:
                _take_segment(visit, batch, event, events)
    except multipart.MultipartError as error:
        raise Invalid(f"The upload is damaged: {error}.") from error


def _take_segment(visit: Visit, batch: Batch, segment: Any, events: Iterator[Any]) -> None:
    data = iter(lambda: next(events, None), None)
    if segment.filename is None:
        text = b""
        for piece in data:
            text = (text + bytes(piece))[:LONGEST_FIELD] if len(text) < LONGEST_FIELD else text
        batch.fields[segment.name] = text.decode(errors="replace")
    elif segment.name == "file" and segment.filename:
        chunks = (bytes(chunk) for chunk in data)
        batch.take(_upload(visit, segment.filename), partial(ingest.receive, chunks=chunks))
    # What nobody wanted, of a file that was refused too, is skipped.
    for _ in data:
        pass


def _record(visit: Visit, batch: Batch) -> tuple[list[dict[str, Any]], int | None]:
    """Record what has arrived and what was refused; tell what it became, and in which batch."""
    kept = _keep(visit.user, batch)
    number = kept[0].batch if kept else None
    if batch.refused:
        number = receipts.refuse_upload(visit.user, batch.refused)
    return [
        {
            "id": one.asset.id,
            "state": one.asset.state,
            "duplicate": one.duplicate,
            "checksum": one.asset.checksum,
            "filename": one.asset.filename,
        }
        | ({"restored": True} if one.outcome == receipts.RESTORED else {})
        for one in kept
    ], number


def _keep(user: User, batch: Batch) -> list[ingest.Kept]:
    if not batch.received:
        return []
    modified = ingest.moment(batch.fields.get("modified", ""))
    received = [
        replace(file, upload=replace(file.upload, modified=modified)) for file in batch.received
    ]
    kept = ingest.record(received, tasks.process_asset, partial(batches.of_now, user))
    tell(user, *(one.outcome for one in kept))
    return kept


def _upload(visit: Visit, filename: str) -> ingest.Upload:
    return ingest.Upload(visit.user, ingest.plain_name(filename))
