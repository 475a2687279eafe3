"""Uploads: one request with one raw file or a form of many, streamed into the library."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bottle import HTTPResponse

from homequeue import tasks
from homequeue.errors import Gone, HomequeueError, Invalid, NoSpace, TooLarge, Unavailable
from homequeue.incoming import Incoming
from homequeue.services import albums, batches, ingest, notify, receipts, shares, trial
from homequeue.services.ingest import Received
from homequeue.web import forms, pages
from homequeue.web.principals import check_browser, check_csrf, check_made_by_browser
from homequeue.web.visits import Visit, as_json, see_other

CHUNK = 2**18
#: Shows a page with what became of each file.
Show = Callable[[Visit, list[dict[str, Any]]], HTTPResponse]


@dataclass
class Batch:
    """The files of one request: those that arrived and those that were refused."""

    received: list[Received] = field(default_factory=list)
    #: Of what arrived, in bytes.
    size: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    #: Of those that sending again would not help.
    refused: list[receipts.Refusal] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    turns: trial.Turns = field(default_factory=trial.Turns)
    #: The last refusal, which is the answer if nothing arrived.
    refusal: HomequeueError | None = None

    def take(self, upload: ingest.Upload, receive: Callable[[ingest.Upload], Received]) -> None:
        """Receive a file, or note why not."""
        try:
            received = receive(upload)
        except HomequeueError as error:
            self.refuse(upload.filename, error)
        else:
            self.received.append(received)
            self.size += received.incoming.size

    def refuse(self, filename: str, error: HomequeueError) -> None:
        """Note why a file is not taken."""
        self.refusal = error
        self.rejected.append({"filename": filename, "error": str(error), "code": error.code})
        if not error.passing:
            self.refused.append(receipts.Refusal(filename, str(error)))

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


def post_form(visit: Visit, secret: bytes, show: Show = pages.upload) -> HTTPResponse:
    """Take the form of an upload page, for browsers without scripts; `show` is that page."""
    check_browser(visit.principal)
    batch = _receive(visit)
    try:
        check_csrf(visit.principal, batch.fields.get("csrf", ""), secret)
    except HomequeueError:
        batch.discard()
        raise
    kept, _ = _record(visit, batch)
    return show(visit, [*kept, *batch.rejected])


def post_shared(visit: Visit, secret: bytes) -> HTTPResponse:  # noqa: ARG001
    """Take what somebody shares from another app of their phone, then show what became of it.

    The browser makes this form itself, from the manifest, and it has no token of ours. It is let in
    by what no page can forge: that the browser says nobody else made it send this. Browsers say so
    wherever they know of share targets, which is on https; and the cookie, SameSite=Lax, would not
    come with a form of another site in the first place.
    """
    check_browser(visit.principal)
    check_made_by_browser(visit.header("Sec-Fetch-Site"))
    batch, before = _receive(visit), receipts.last()
    kept, number = _record(visit, batch)
    if len(batch.rejected) > len(batch.refused):
        # What may pass, such as a full disk, has no receipt.
        return pages.upload(visit, [*kept, *batch.rejected])
    # What was shared a few minutes ago is in the same batch, and not what somebody asks for now.
    return see_other(f"/batches/{number}" + (f"?since={before}" if before else ""))


def _receive(visit: Visit, filename: str = "") -> Batch:
    batch = Batch()
    boundary = forms.boundary_of(visit.header("Content-Type"))
    named = visit.header_text("X-Filename") or filename
    length = max(0, visit.request.content_length)
    if length and boundary is None:
        ingest.check_file(visit.receiver, named, length, visit.guest)
    ingest.check_room()
    shares.check_room(visit.guest, length)
    try:
        if boundary is not None:
            _receive_form(visit, batch, boundary)
        else:
            batch.fields["modified"] = visit.header("X-Modified") or visit.query("modified") or ""
            batch.fields["album"] = visit.header_text("X-Album") or visit.query("album") or ""
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
    form = forms.read(visit.request.environ["wsgi.input"], boundary, visit.request.content_length)
    if form.refusal is not None:
        form.close()
        raise form.refusal
    batch.fields = form.fields
    for file in form.files:
        batch.take(_upload(visit, file.name), partial(_receive_one, batch, file))


def _receive_one(batch: Batch, file: forms.File, upload: ingest.Upload) -> Received:
    """Receive a file of a form; from a guest, if their link takes it beside those before it."""
    incoming = file.incoming
    try:
        shares.check_room(upload.guest, batch.size + incoming.size, len(batch.received) + 1)
    except BaseException:
        incoming.discard()
        raise
    return ingest.arrived(upload, incoming, batch.turns)


def _record(visit: Visit, batch: Batch) -> tuple[list[dict[str, Any]], int | None]:
    """Record what has arrived and what was refused; tell what it became, and in which batch."""
    try:
        kept = _keep(visit, batch)
    except (Gone, TooLarge) as error:
        # The link of a guest has ended, or others filled it, while this was received.
        kept = []
        for file in batch.received:
            batch.refuse(file.upload.filename, error)
    number = kept[0].batch if kept else None
    if batch.refused:
        number = receipts.refuse_upload(visit.receiver, batch.refused, visit.guest)
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


def _keep(visit: Visit, batch: Batch) -> list[ingest.Kept]:
    if not batch.received:
        return []
    modified = ingest.moment(batch.fields.get("modified", ""))
    into = albums.titles(batch.fields.get("album", ""))
    received = [
        replace(file, upload=replace(file.upload, modified=modified, albums=into))
        for file in batch.received
    ]

    def tell(kept: list[ingest.Kept]) -> None:
        notify.tell(visit.receiver, tasks.report_soon, *(one.outcome for one in kept))

    of_now = partial(batches.of_now, visit.receiver, visit.guest)
    return ingest.record(received, tasks.process_asset, of_now, tell)


def _upload(visit: Visit, filename: str) -> ingest.Upload:
    return ingest.Upload(visit.receiver, ingest.plain_name(filename), guest=visit.guest)
