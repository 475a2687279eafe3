"""Resumable uploads in the words of tus 1.0: what is promised, what is refused, what is told."""

import base64
import hashlib
import os
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from homequeue import config, holds
from homequeue.media import media
from homequeue.models import Asset, Batch, Job, Receipt, Upload
from homequeue.services import notify, resumable
from tests.library import incoming, jpeg, originals, sha256
from tests.web.client import Answer, Client
from tests.web.conftest import with_token

DATA = jpeg(1).ljust(5000, b"\0") + b"\xff\xd9"
BYTES = "application/offset+octet-stream"
DAY = 86400


@pytest.fixture
def program(app, ben):
    return with_token(app, ben, "upload")


@pytest.fixture
def limits(house):
    """Sets options of uploads."""

    def set_them(**values) -> None:
        config.bind(replace(house, uploads=replace(house.uploads, **values)))

    return set_them


def ask(client: Client, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return client.request(method, target, body=body, headers={"Tus-Resumable": "1.0.0"} | named)


def said(**metadata: str) -> str:
    """Upload-Metadata of these names and values."""
    coded = {name: base64.b64encode(text.encode()).decode() for name, text in metadata.items()}
    return ",".join(f"{name} {text}" for name, text in coded.items())


def create(client: Client, size: int = len(DATA), body: bytes = b"", **headers: str) -> Answer:
    usual = {"Upload_Metadata": said(filename="sea.jpg"), "Upload_Length": str(size)}
    kind = {"Content_Type": BYTES} if body else {}
    return ask(client, "POST", "/api/uploads", body, **usual | kind | headers)


def begun(client: Client, size: int = len(DATA), **headers: str) -> str:
    """The address of a new upload."""
    answer = create(client, size, **headers)
    assert answer.status == 201, answer.body
    return answer.header("Location") or ""


def add(client: Client, place: str, data: bytes, offset: int, **headers: str) -> Answer:
    kind = {"Content-Type": BYTES, "Upload-Offset": str(offset)}
    return ask(client, "PATCH", place, data, **kind | headers)


def head(client: Client, place: str) -> Answer:
    return ask(client, "HEAD", place)


def offset(answer: Answer) -> int:
    return int(answer.header("Upload-Offset") or -1)


# The good way


def test_whoever_asks_is_told_what_is_spoken_here(nobody, house):
    answer = nobody.request("OPTIONS", "/api/uploads")
    assert answer.status == 204
    assert answer.header("Tus-Version") == answer.header("Tus-Resumable") == "1.0.0"
    extensions = (answer.header("Tus-Extension") or "").split(",")
    assert {"creation", "creation-with-upload", "checksum", "termination", "expiration"} == {
        *extensions
    }
    assert answer.header("Tus-Max-Size") == str(house.uploads.max_size)
    assert answer.header("Tus-Checksum-Algorithm") == "sha256,sha1"
    assert answer.header("Access-Control-Allow-Origin") is None


def test_an_upload_begins_empty_and_says_until_when_it_waits(program):
    answer = create(program)
    place = answer.header("Location") or ""
    assert (answer.status, offset(answer), answer.body) == (201, 0, b"")
    assert place.startswith("/api/uploads/")
    assert len(place.rpartition("/")[2]) == 32
    until = parsedate_to_datetime(answer.header("Upload-Expires") or "").timestamp()
    assert until == pytest.approx(time.time() + 7 * DAY, abs=5)
    assert answer.header("Homequeue-Asset") is None


@pytest.mark.parametrize("piece", [1000, 4999, len(DATA)])
def test_a_photo_in_pieces(program, ben, piece):
    place = begun(program)
    for at in range(0, len(DATA), piece):
        part = DATA[at : at + piece]
        answer = add(program, place, part, at)
        assert (answer.status, offset(answer)) == (204, at + len(part)), answer.body
    asset = Asset.get_by_id(answer.header("Homequeue-Asset"))
    assert (asset.owner_id, asset.filename, asset.state) == (ben.id, "sea.jpg", "pending")
    assert asset.checksum == sha256(DATA)
    assert media.open(asset.path).read() == DATA
    assert [job.asset for job in Job.select()] == [asset.id]
    assert answer.header("Homequeue-Outcome") == "added"
    assert Receipt.get().batch_id == int(answer.header("Homequeue-Batch") or 0)
    assert incoming() == []


def test_head_tells_everything_without_a_body(program):
    metadata = said(filename="sea.jpg", type="image/jpeg", album="Sea") + ",is_new"
    place = begun(program, Upload_Metadata=metadata)
    add(program, place, DATA[:1234], 0)
    answer = head(program, place)
    assert (answer.status, offset(answer), answer.body) == (200, 1234, b"")
    assert answer.header("Upload-Length") == str(len(DATA))
    assert answer.header("Upload-Metadata") == metadata
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Upload-Expires")


def test_get_is_no_head(program):
    answer = ask(program, "GET", begun(program))
    assert answer.status == 405
    assert "HEAD" in (answer.header("Allow") or "")


def test_a_piece_of_nothing_changes_nothing(program):
    place = begun(program)
    assert (add(program, place, b"", 0).status, offset(head(program, place))) == (204, 0)


def test_a_small_photo_in_one_request(program):
    answer = create(program, body=DATA)
    assert (answer.status, offset(answer)) == (201, len(DATA))
    asset = Asset.get_by_id(answer.header("Homequeue-Asset"))
    assert media.open(asset.path).read() == DATA
    again = head(program, answer.header("Location") or "")
    assert again.header("Homequeue-Asset") == str(asset.id)
    assert incoming() == []


def test_the_first_bytes_with_the_making_and_the_rest_later(program):
    answer = create(program, body=DATA[:2000])
    place = answer.header("Location") or ""
    assert (answer.status, offset(answer)) == (201, 2000)
    assert answer.header("Homequeue-Asset") is None
    last = add(program, place, DATA[2000:], 2000)
    assert media.open(Asset.get_by_id(last.header("Homequeue-Asset")).path).read() == DATA


def test_the_date_of_the_file_is_taken_along(program):
    moment = 1_720_800_000
    place = begun(program, Upload_Metadata=said(filename="a.jpg", modified=f"{moment}000"))
    add(program, place, DATA, 0)
    assert Asset.get().taken_at == time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment))
    assert Asset.get().taken_at_source == "file"


NFC = "Gemüse auf dem Brett.jpg"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Фото на море.jpg", "Фото на море.jpg"),
        (NFC, NFC),
        (unicodedata.normalize("NFD", NFC), unicodedata.normalize("NFD", NFC)),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("x" * 3000 + ".jpg", "x" * 1024),
        ("a\r\nb.jpg", "ab.jpg"),
        ("", "photo"),
    ],
)
def test_names_of_all_kinds(program, name, kept):
    answer = create(program, body=DATA, Upload_Metadata=said(filename=name))
    assert answer.status == 201
    assert Asset.get().filename == kept
    (path,) = originals()
    assert (media.root / path).resolve().is_relative_to(media.root / "originals")


def test_no_name_is_no_fault(program):
    assert create(program, body=DATA, Upload_Metadata="").status == 201
    assert Asset.get().filename == "photo"


def test_what_is_here_already_is_said_to_be(program, ben):
    first = create(program, body=DATA)
    again = create(program, body=DATA)
    assert again.header("Homequeue-Asset") == first.header("Homequeue-Asset")
    assert again.header("Homequeue-Outcome") == "known"
    Asset.update(trashed_at=5.0).execute()
    assert create(program, body=DATA).header("Homequeue-Outcome") == "restored"
    assert Asset.get().trashed_at is None
    assert [row.outcome for row in Receipt.select()] == ["added", "known", "restored"]
    assert first.header("Homequeue-Batch") == again.header("Homequeue-Batch")


def test_channels_are_told_of_what_is_new(program, monkeypatch):
    monkeypatch.setattr(notify, "is_wanted", lambda: True)
    create(program, body=DATA)
    assert Job.select().where(Job.task == "report_uploads").count() == 1
    Job.delete().execute()
    create(program, body=DATA)
    assert Job.select().count() == 0


def test_a_pause_does_not_keep_photos_out(program):
    holds.pause(60)
    assert create(program, body=DATA).header("Homequeue-Asset")


def test_a_browser_writes_with_its_csrf_token(as_ben):
    place = begun(as_ben)
    as_ben.sends_csrf = False
    assert add(as_ben, place, DATA, 0).status == 403
    as_ben.sends_csrf = True
    assert add(as_ben, place, DATA, 0).header("Homequeue-Asset")


# Cut off, repeated, out of order


def test_bytes_that_do_not_continue_are_told_where_to_go_on(program):
    place = begun(program)
    add(program, place, DATA[:1000], 0)
    for at in (0, 999, 1001, 5000, 10**15):
        answer = add(program, place, DATA[at : at + 100], at)
        assert (answer.status, offset(answer)) == (409, 1000)
        assert answer.json["code"] == "conflict"
    assert offset(head(program, place)) == 1000


def test_whoever_did_not_hear_the_last_answer_learns_that_it_is_done(program):
    place = begun(program)
    asset = add(program, place, DATA, 0).header("Homequeue-Asset")
    answer = head(program, place)
    assert (offset(answer), answer.header("Homequeue-Asset")) == (len(DATA), asset)
    empty = add(program, place, b"", len(DATA))
    assert (empty.status, empty.header("Homequeue-Asset")) == (204, asset)
    again = add(program, place, DATA, 0)
    assert (again.status, offset(again)) == (409, len(DATA))
    assert Asset.select().count() == 1 == Receipt.select().count()


def test_a_server_that_died_between_the_last_byte_and_the_rows(program, ben):
    """A client that sees the end of it believes that it is done, so that must be true."""
    place = begun(program)
    add(program, place, DATA[:-10], 0)
    with (media.root / "incoming" / incoming()[0]).open("ab") as file:
        file.write(DATA[-10:])
    answer = head(program, place)
    assert (answer.status, offset(answer)) == (200, len(DATA))
    asset = Asset.get_by_id(answer.header("Homequeue-Asset"))
    assert media.open(asset.path).read() == DATA


def test_a_disk_that_fails_at_the_end_costs_nothing_but_time(program, monkeypatch):
    place = begun(program)
    add(program, place, DATA[:-10], 0)

    def fail(_handle):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        assert add(program, place, DATA[-10:], len(DATA) - 10).status == 503
        waiting = head(program, place)
        assert (waiting.status, waiting.header("Retry-After")) == (423, "1")
        assert Asset.select().count() == 0
    assert head(program, place).header("Homequeue-Asset")
    assert media.open(Asset.get().path).read() == DATA


def test_an_upload_whose_bytes_are_gone_is_gone(program):
    place = begun(program)
    for name in incoming():
        (media.root / "incoming" / name).unlink()
    for answer in (head(program, place), add(program, place, DATA, 0)):
        assert answer.status == 410
    assert ask(program, "DELETE", place).status == 204
    assert head(program, place).status == 404


def test_a_storage_that_is_not_mounted_is_not_an_upload_that_is_gone(program):
    place = begun(program)
    (media.root / "originals" / ".homequeue").unlink()
    assert head(program, place).status == add(program, place, DATA, 0).status == 503
    assert create(program).status == 503


# Refused


@pytest.mark.parametrize("version", ["", "0.2.2", "1.0.1"])
def test_another_version_is_told_which_is_spoken(program, version):
    place = begun(program)
    answers = [
        create(program, Tus_Resumable=version),
        ask(program, "HEAD", place, Tus_Resumable=version),
        add(program, place, DATA, 0, Tus_Resumable=version),
        ask(program, "DELETE", place, Tus_Resumable=version),
    ]
    assert [answer.status for answer in answers] == [412] * 4
    assert {answer.header("Tus-Version") for answer in answers} == {"1.0.0"}
    assert offset(head(program, place)) == 0


def test_every_answer_says_what_it_speaks(program, nobody):
    answers = [
        create(program),
        create(program, 0),
        create(nobody),
        head(program, "/api/uploads/none"),
        ask(program, "PROPFIND", "/api/uploads/none"),
    ]
    assert [answer.status for answer in answers] == [201, 422, 401, 404, 405]
    assert {answer.header("Tus-Resumable") for answer in answers} == {"1.0.0"}
    assert program.get("/healthz").header("Tus-Resumable") is None


@pytest.mark.parametrize("length", ["", "x", "-1", "1.5", "²", "9" * 30])
def test_a_length_that_is_none(program, length):
    answer = create(program, Upload_Length=length)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert Upload.select().count() == 0


@pytest.mark.parametrize(
    "metadata", ["filename é", "filename c2VhLmpwZw", "filename c2Vh,filename c2Vh", "a b c"]
)
def test_metadata_that_cannot_be_read(program, metadata):
    assert create(program, Upload_Metadata=metadata).status == 400


def test_an_empty_file_is_told_so_and_has_a_receipt(program):
    answer = create(program, 0)
    assert (answer.status, answer.json["error"]) == (422, "This file is empty.")
    assert (Receipt.get().filename, Receipt.get().words) == ("sea.jpg", "This file is empty.")


def test_what_is_too_large_is_told_so_before_a_byte(program, limits):
    limits(max_size=4000)
    answer = create(program)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert "4 kB" in answer.json["error"]
    assert Receipt.get().size == len(DATA)
    assert incoming() == []


def test_a_disk_without_room_is_told_so_before_a_byte_and_may_be_tried_again(program, limits):
    limits(min_free=2**62)
    assert create(program).status == 507
    assert Receipt.select().count() == 0
    limits(min_free=0)
    place = begun(program)
    limits(min_free=2**62)
    assert add(program, place, DATA, 0).status == 507
    limits(min_free=0)
    assert add(program, place, DATA, 0).header("Homequeue-Asset")


def test_more_than_was_said_is_refused_whole(program):
    place = begun(program, 1000)
    assert add(program, place, DATA, 0).status == 413
    assert offset(head(program, place)) == 0
    assert create(program, 1000, DATA).status == 413


@pytest.mark.parametrize("kind", ["", "image/jpeg", "multipart/form-data; boundary=x"])
def test_bytes_of_another_type_are_refused(program, kind):
    place = begun(program)
    answer = add(program, place, DATA, 0, Content_Type=kind)
    assert (answer.status, answer.json["code"]) == (415, "unsupported")
    assert create(program, body=DATA, Content_Type=kind).status == 415


@pytest.mark.parametrize("at", ["", "x", "-1", "0x0"])
def test_an_offset_that_is_none(program, at):
    assert add(program, begun(program), DATA, 0, Upload_Offset=at).status == 400


def test_what_is_no_photo_says_so_at_its_end_and_is_gone(program):
    text = b"Milk, eggs, bread" * 100
    place = begun(program, len(text))
    add(program, place, text[:100], 0)
    answer = add(program, place, text[100:], 100)
    assert (answer.status, answer.json["code"]) == (415, "unsupported")
    assert head(program, place).status == 404
    receipt = Receipt.get()
    assert (receipt.outcome, receipt.filename) == ("refused", "sea.jpg")
    assert receipt.words == answer.json["error"]
    assert (receipt.size, receipt.asset) == (len(text), None)
    assert incoming() == originals() == []


def test_nor_is_it_taken_in_one_request(program):
    answer = create(program, 5, b"Milk!")
    assert (answer.status, answer.header("Location")) == (415, None)
    assert Upload.select().count() == 0
    assert Receipt.get().outcome == "refused"
    assert incoming() == []


# Checksums


def checksum(algorithm: str, data: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_piece_that_is_what_it_should_be(program, algorithm):
    place = begun(program)
    for at, part in ((0, DATA[:2500]), (2500, DATA[2500:])):
        answer = add(program, place, part, at, Upload_Checksum=checksum(algorithm, part))
        assert (answer.status, offset(answer)) == (204, at + len(part))
    assert media.open(Asset.get().path).read() == DATA


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_piece_that_was_changed_on_its_way_counts_for_nothing(program, algorithm):
    place = begun(program)
    add(program, place, DATA[:1000], 0)
    wrong = {"Upload-Checksum": checksum(algorithm, b"something else")}
    answer = add(program, place, DATA[1000:], 1000, **wrong)
    assert (answer.status, answer.json["code"]) == (460, "checksum_mismatch")
    assert offset(head(program, place)) == 1000
    assert create(program, body=DATA, **wrong).status == 460
    assert add(program, place, DATA[1000:], 1000).header("Homequeue-Asset")
    assert Asset.get().checksum == sha256(DATA)
    assert incoming() == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_whole_photo_that_is_what_it_should_be(program, algorithm):
    assert create(program, body=DATA, Upload_Checksum=checksum(algorithm, DATA)).status == 201


@pytest.mark.parametrize("text", ["md5 AAAA", "crc32 AAAA", "sha256", "sha1 é", "sha1 AAAA="])
def test_a_checksum_that_makes_no_sense(program, text):
    place = begun(program)
    answer = add(program, place, DATA, 0, Upload_Checksum=text)
    assert answer.status in (400, 460)
    assert create(program, body=DATA, Upload_Checksum=text).status in (400, 460)
    assert offset(head(program, place)) == 0


# The end


def test_an_upload_can_be_given_up(program):
    place = begun(program)
    add(program, place, DATA[:1000], 0)
    assert ask(program, "DELETE", place).status == 204
    assert incoming() == []
    for answer in (head(program, place), add(program, place, DATA, 0)):
        assert answer.status == 404


def test_giving_up_what_is_done_keeps_the_photo(program):
    place = begun(program)
    add(program, place, DATA, 0)
    answer = ask(program, "DELETE", place)
    assert answer.status == 204
    asset = str(Asset.get().id)
    said = [answer.header(f"Homequeue-{name}") for name in ("Asset", "Outcome", "Batch")]
    assert said == [asset, "added", str(Batch.get().id)]
    assert media.open(Asset.get().path).read() == DATA
    assert head(program, place).status == 404


@pytest.mark.parametrize("name", ["none", "../../etc/passwd", "0" * 32, "%00", "é"])
def test_what_is_no_upload(program, name):
    assert head(program, f"/api/uploads/{name}").status == 404


def test_nobody_sees_or_touches_anothers(program, app, anna):
    hers = with_token(app, anna, "admin")
    place = begun(hers)
    tries: list[Callable[[], Answer]] = [
        lambda: head(program, place),
        lambda: add(program, place, DATA, 0),
        lambda: ask(program, "DELETE", place),
    ]
    assert [one().status for one in tries] == [404] * 3
    assert offset(head(hers, place)) == 0


def test_while_one_request_is_at_it_another_waits(program, ben):
    place = begun(program)
    upload = resumable.get(ben, place.rpartition("/")[2])
    piece = resumable.begin(upload, 0, 10)
    try:
        answer = add(program, place, DATA, 0)
        assert (answer.status, answer.json["code"]) == (423, "locked")
        assert answer.header("Retry-After") == "1"
        assert offset(head(program, place)) == 0
    finally:
        piece.close()
    assert add(program, place, DATA, 0).status == 204
