"""Uploads through the web: forms of many files and raw bodies, the good and the odd."""

import errno
import io
import os
import threading
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize
from urllib.parse import quote

import pytest

from homequeue import config, holds
from homequeue.db import db
from homequeue.incoming import Incoming
from homequeue.media import Media, media
from homequeue.models import Album, Asset, Job, Receipt
from homequeue.services import ingest, notify, trial
from homequeue.web import forms
from tests import pictures
from tests.library import incoming, jpeg, originals, sha256
from tests.web.client import Client, multipart
from tests.web.conftest import signed_in, with_token

NAME = "Фото на море.jpg"


@pytest.fixture
def program(app, ben):
    return with_token(app, ben, "upload")


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(house):
    yield
    assert incoming() == []


def padded(number: int, size: int) -> bytes:
    return jpeg(number).ljust(size, b"\0")


def set_uploads(house, **values) -> None:
    config.bind(replace(house, uploads=replace(house.uploads, **values)))


# Forms


def test_one_file(program, ben):
    data = jpeg()
    answer = program.send(("file", "sea.jpg", data))
    assert answer.status == 201
    (asset,) = answer.json["assets"]
    assert asset == {
        "id": asset["id"],
        "state": "pending",
        "duplicate": False,
        "checksum": sha256(data),
        "filename": "sea.jpg",
    }
    assert answer.json["rejected"] == []
    stored = Asset.get_by_id(asset["id"])
    assert (stored.owner_id, stored.size, stored.mime) == (ben.id, len(data), "image/jpeg")
    assert media.open(stored.path).read() == data
    assert [(one.task, one.asset, one.state) for one in Job.select()] == [
        ("process_asset", asset["id"], "queued")
    ]


def test_two_files_that_together_are_more_than_a_form_holds_in_memory(program):
    answer = program.send(
        ("file", "a.jpg", padded(1, 60_000)), ("file", "b.jpg", padded(2, 60_000))
    )
    assert answer.status == 201
    assert [one["filename"] for one in answer.json["assets"]] == ["a.jpg", "b.jpg"]
    assert {Asset.get_by_id(one["id"]).size for one in answer.json["assets"]} == {60_000}


def test_a_limit_is_one_for_each_file(program, house):
    set_uploads(house, max_size=100_000)
    answer = program.send(
        ("file", "a.jpg", padded(1, 60_000)), ("file", "b.jpg", padded(2, 60_000))
    )
    assert answer.status == 201
    assert len(answer.json["assets"]) == 2


@pytest.mark.parametrize("count", [1, 4, 5, 30])
def test_many_files(program, count):
    answer = program.send(*(("file", f"{n}.jpg", jpeg(n)) for n in range(count)))
    assert len(answer.json["assets"]) == count == len(originals())


def test_a_file_longer_than_a_piece_arrives_whole(program):
    data = padded(1, 1_000_001)
    answer = program.send(("file", "big.jpg", data))
    assert answer.json["assets"][0]["checksum"] == sha256(data)


def test_fields_may_come_before_and_after_and_other_files_are_skipped(program):
    moment = 1_720_800_000
    answer = program.send(
        ("modified", f"{moment}000"),
        ("other", "x.jpg", jpeg(7)),
        ("file", "a.jpg", jpeg(1)),
        ("album", "Sea"),
    )
    assert answer.status == 201
    assert len(answer.json["assets"]) == 1
    asset = Asset.get()
    assert asset.taken_at_source == "file"
    assert asset.taken_at == time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment))
    assert Album.get().title == "Sea"


def test_unknown_fields_are_not_kept(program):
    unknown = [(f"field{n}", "x" * forms.LONGEST_FIELD) for n in range(500)]
    kind, body = multipart(*unknown, ("file", "a.jpg", jpeg(2)))
    program.put_raw(jpeg(1))  # what is imported with the first upload is there now
    tracemalloc.start()
    try:
        answer = program.post("/api/assets", body=body, headers={"Content-Type": kind})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 201
    assert peak < len(body) / 2


def test_of_one_form_a_few_files_are_tried_and_the_others_left_to_a_worker(program, monkeypatch):
    tried = []
    monkeypatch.setattr(trial, "_try", lambda *given: tried.append(given))
    torn = [("file", f"{n}.jpg", jpeg(n)[:-20]) for n in range(trial.MOST + 3)]
    assert len(program.send(*torn).json["assets"]) == trial.MOST + 3
    assert len(tried) == trial.MOST
    program.send(("file", "a.jpg", jpeg(99)[:-20]))
    assert len(tried) == trial.MOST + 1


def test_a_date_may_come_after_the_files(program):
    answer = program.send(
        ("file", "a.jpg", jpeg(1)), ("file", "b.jpg", jpeg(2)), ("modified", "1720800000000")
    )
    found = [Asset.get_by_id(one["id"]).taken_at_source for one in answer.json["assets"]]
    assert found == ["file", "file"]


@pytest.mark.parametrize("field", ["files", "photo", ""])
def test_a_file_in_another_field_is_none(program, field):
    answer = program.send((field, "a.jpg", jpeg()))
    assert answer.status == 422
    assert answer.json["error"]


def test_a_name_in_cyrillic_stays_as_it_is(program):
    answer = program.send(("file", NAME, jpeg()))
    assert answer.json["assets"][0]["filename"] == NAME
    assert originals()[0].rpartition("/")[2].startswith("Фото на море-")


@pytest.mark.parametrize("spelled", ["NFC", "NFD"])
def test_a_name_stays_as_its_machine_spells_it(program, as_ben, spelled):
    """And both ways of sending a file make the same of it on the disk."""
    name = normalize(spelled, "Gemüse.jpg")
    program.send(("file", name, jpeg(1)))
    program.put_raw(jpeg(2), quote(name))
    assert [asset.filename for asset in Asset.select()] == [name, name]
    assert [Path(path).name.partition("-")[0] for path in originals()] == ["Gem\u00fcse"] * 2
    for asset in Asset.select():
        shown = as_ben.get(f"/api/assets/{asset.id}/original").header("Content-Disposition")
        assert f"filename*=UTF-8''{quote(name)}" in shown


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\\\Users\\\\Anna\\\\sea.jpg", "sea.jpg"),
        ("<script>alert(1)</script>.jpg", "script>.jpg"),
        ("a%22b.jpg", 'a"b.jpg'),
        ("💾.jpg", "💾.jpg"),
        ("x" * 3000 + ".jpg", "x" * 1024),
        ("..", ".."),
    ],
)
def test_odd_names(program, sent, kept):
    answer = program.send(("file", sent, jpeg()))
    assert answer.status == 201
    assert answer.json["assets"][0]["filename"] in (kept, sent)
    (path,) = originals()
    assert path.startswith("originals/20")
    assert path.count("/") == 3
    assert (media.root / path).resolve().is_relative_to(media.root / "originals")


def test_good_and_bad_files_together(program):
    answer = program.send(
        ("file", "good.jpg", jpeg(1)),
        ("file", "notes.txt", b"Milk, eggs, bread" * 9),
        ("file", "empty.jpg", b""),
        ("file", "also.jpg", jpeg(2)),
    )
    assert answer.status == 201
    assert [one["filename"] for one in answer.json["assets"]] == ["good.jpg", "also.jpg"]
    rejected = {one["filename"]: one for one in answer.json["rejected"]}
    assert rejected["notes.txt"]["code"] == "unsupported"
    assert rejected["empty.jpg"]["error"] == "This file is empty."
    assert len(originals()) == 2


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"plain text, no picture", 415, "unsupported"),
        (b"%PDF-1.7", 415, "unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported"),
        (b"\xff\xd8\xff\xe0", 422, "unreadable"),
        (pictures.png_claiming(60_000, 60_000), 413, "too_large"),
        (b"", 422, "invalid"),
    ],
)
def test_what_is_not_taken_says_why(program, data, status, code):
    for answer in (program.send(("file", "x.jpg", data)), program.put_raw(data, "x.jpg")):
        assert answer.status == status
        assert answer.json["code"] == code
        assert len(answer.json["error"]) > 10
        assert answer.json["assets"] == []
        assert answer.json["rejected"][0]["filename"] == "x.jpg"
    assert originals() == []
    assert Asset.select().count() == 0
    assert Job.select().count() == 0


PAGE = b"<html><script>alert(1)</script></html>"


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("run.js", b"alert(1)")
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (pictures.data(pictures.scene(), comment=PAGE), 201),
        (jpeg() + PAGE, 201),
        (jpeg() + archive(), 201),
        (b"%PDF-1.7\n" + jpeg(), 415),
        (PAGE + jpeg(), 415),
        (b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)//", 422),
    ],
    ids=["page within", "page behind", "archive", "PDF", "page before", "script"],
)
def test_files_that_are_two_things_are_pictures_or_nothing(program, as_ben, data, status):
    assert program.put_raw(data, "x.html", Content_Type="text/html").status == status
    assert Asset.select().count() == (status == 201)
    for asset in Asset.select():
        answer = as_ben.get(f"/api/assets/{asset.id}/original")
        assert answer.header("Content-Type") == "image/jpeg"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        policy = answer.header("Content-Security-Policy") or ""
        assert {"default-src 'none'", "sandbox"} <= {one.strip() for one in policy.split(";")}
        assert answer.body == data


def test_too_many_bytes_are_refused_before_they_are_read(program, house, monkeypatch):
    set_uploads(house, max_size=1000)
    monkeypatch.setattr(Media, "receive", lambda _: pytest.fail("something was read"))
    answer = program.put_raw(padded(1, 5000))
    assert answer.status == 413
    assert answer.json["code"] == "too_large"
    assert "1 kB" in answer.json["error"]
    (receipt,) = Receipt.select()
    assert (receipt.filename, receipt.size, receipt.outcome) == ("raw.jpg", 5000, "refused")


def test_a_body_that_lies_about_its_size_is_cut_off(house, ben):
    set_uploads(house, max_size=300_000)
    chunks = iter([jpeg(), *[b"\0" * 100_000] * 50])
    with pytest.raises(Exception, match="larger than"):
        ingest.receive(ingest.Upload(ben, "x.jpg"), chunks)
    assert len(list(chunks)) > 40


def test_a_floor_of_free_space_is_kept(program, house):
    set_uploads(house, min_free=2**62)
    answer = program.put_raw(jpeg())
    assert (answer.status, answer.json["code"]) == (507, "no_space")
    assert "room" in answer.json["error"]
    assert originals() == []


def test_a_disk_that_fills_up_while_receiving(program, monkeypatch):
    def full(_self, _chunk):
        raise OSError(errno.ENOSPC, "No space left on device")

    real = Incoming.__init__

    def on_a_full_disk(self, *given):
        real(self, *given)
        self.file = type("Full", (), {"write": full, "close": self.file.close})()

    monkeypatch.setattr(Incoming, "__init__", on_a_full_disk)
    for answer in (program.put_raw(jpeg()), program.send(("file", "a.jpg", jpeg()))):
        assert (answer.status, answer.json["code"]) == (507, "no_space")
        assert "full" in answer.json["error"]
    assert Asset.select().count() == 0


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("link", errno.ENOSPC),
        ("link", errno.EROFS),
        ("mkdir", errno.EDQUOT),
        ("fsync", errno.EIO),
        ("fsync", errno.ENOSPC),
    ],
)
def test_a_disk_that_fails_while_keeping(program, monkeypatch, call, number):
    def fail(*_args, **_values):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        answer = program.put_raw(jpeg())
    assert answer.status in (503, 507)
    assert len(answer.json["error"]) > 10
    assert Asset.select().count() == 0
    assert program.put_raw(jpeg()).status == 201


def test_a_storage_that_is_not_mounted(program, as_ben):
    (media.root / "originals" / ".homequeue").unlink()
    answer = program.put_raw(jpeg())
    assert answer.status == 503
    assert "not mounted" in answer.json["error"]
    assert answer.header("Retry-After")
    assert list((media.root / "originals").iterdir()) == []
    assert as_ben.get("/api/assets").status == 200


def test_an_empty_form_is_told_so(program):
    answer = program.send()
    assert (answer.status, answer.json["error"]) == (422, "No file was sent.")
    answer = program.send(("album", "Sea"))
    assert answer.status == 422
    answer = program.send(("file", "", b""))
    assert answer.status == 422


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        'multipart/form-data; boundary="é"',
        "multipart/form-data; boundary=" + "x" * 500,
    ],
)
def test_a_form_without_its_boundary_is_no_defect(program, kind):
    _, body = multipart(("file", "a.jpg", jpeg()))
    answer = program.post("/api/assets", body=body, headers={"Content-Type": kind})
    assert 400 <= answer.status < 500
    assert answer.json["error"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7, 0.99])
def test_a_form_that_breaks_off_keeps_nothing(program, share):
    kind, body = multipart(("file", "a.jpg", padded(1, 5000)), ("file", "b.jpg", padded(2, 5000)))
    body = body[: int(len(body) * share)]
    answer = program.post("/api/assets", body=body, headers={"Content-Type": kind})
    assert answer.status == 422
    assert originals() == []


def test_a_form_of_countless_headers_is_refused(program):
    kind, body = multipart(("file", "a.jpg", jpeg()))
    body = body.replace(b"\r\n\r\n", b"\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n", 1)
    answer = program.post("/api/assets", body=body, headers={"Content-Type": kind})
    assert 400 <= answer.status < 500


# Raw bodies


def test_a_raw_body(program):
    data = jpeg()
    answer = program.put_raw(data, quote(NAME))
    assert answer.status == 201
    assert answer.json["assets"][0]["filename"] == NAME
    assert answer.json["assets"][0]["checksum"] == sha256(data)


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "application/octet-stream", "", "text/html", "application/json"]
)
def test_the_type_of_a_raw_body_is_told_by_its_bytes(program, kind):
    assert program.put_raw(jpeg(), Content_Type=kind).status == 201
    assert Asset.get().mime == "image/jpeg"


def test_curl_says_every_raw_body_is_a_form(program):
    answer = program.put_raw(jpeg(), Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 201


def test_a_raw_body_without_a_name(program):
    assert program.put_raw(jpeg(), "").json["assets"][0]["filename"] == "photo"


@pytest.mark.parametrize("name", ["%", "%zz.jpg", "%ff%fe.jpg", "%00.jpg", "%2e%2e%2fx.jpg", "%0A"])
def test_badly_encoded_names_are_no_defect(program, name):
    answer = program.put_raw(jpeg(), name)
    assert answer.status == 201
    filename = answer.json["assets"][0]["filename"]
    assert filename
    assert filename.isprintable()
    assert "/" not in filename


def test_the_date_of_a_raw_body(program):
    program.put_raw(jpeg(), X_Modified="1720800000000")
    asset = Asset.get()
    assert asset.taken_at_source == "file"
    assert originals()[0].startswith("originals/2024/07/")


@pytest.mark.parametrize(
    "modified",
    ["", "yesterday", "-5", "1e9", "12.5", "0", "1720800000000x", "1" * 15 + "x", "9" * 5000,
     "9" * 400, "99999999999999", "²", "١٧٢٠٨٠٠٠٠٠٠٠٠"],
)  # fmt: skip
def test_a_date_that_cannot_be_is_not_believed(program, modified):
    modified = modified.encode().decode("latin-1")
    answer = program.put_raw(jpeg(), X_Modified=modified)
    assert answer.status == 201
    assert Asset.get().taken_at_source == "upload"


def test_curl_puts_a_file_under_its_name(program):
    def put(target: str, **headers: str):
        return program.request("PUT", target, body=jpeg(), headers=headers)

    answer = put(f"/api/assets/{quote(NAME)}")
    assert (answer.status, answer.json["assets"][0]["filename"]) == (201, NAME)
    assert put("/api/assets/a/b.jpg").status == 200
    assert put("/api/assets").status == 200


def test_the_date_may_be_in_the_address(program):
    program.request("PUT", "/api/assets/a.jpg?modified=1720800000000", body=jpeg())
    assert Asset.get().taken_at_source == "file"


# Again and at once


def test_the_same_again_is_known(program):
    data = jpeg()
    first = program.send(("file", "a.jpg", data)).json["assets"][0]
    again = program.send(("file", "other name.jpg", data))
    assert again.status == 200
    (asset,) = again.json["assets"]
    assert (asset["id"], asset["duplicate"], asset["filename"]) == (first["id"], True, "a.jpg")
    assert len(originals()) == 1
    assert Job.select().count() == 1


def test_known_and_new_together_is_201(program):
    program.put_raw(jpeg(1))
    answer = program.send(("file", "a.jpg", jpeg(1)), ("file", "b.jpg", jpeg(2)))
    assert answer.status == 201
    assert [one["duplicate"] for one in answer.json["assets"]] == [True, False]


def test_known_and_refused_together_is_200(program):
    program.put_raw(jpeg(1))
    answer = program.send(("file", "a.jpg", jpeg(1)), ("file", "b.txt", b"no"))
    assert answer.status == 200
    assert len(answer.json["rejected"]) == 1


def test_the_same_twice_in_one_form_is_one_original(program):
    answer = program.send(("file", "a.jpg", jpeg()), ("file", "b.jpg", jpeg()))
    assert [one["duplicate"] for one in answer.json["assets"]] == [False, True]
    assert answer.json["assets"][0]["id"] == answer.json["assets"][1]["id"]
    assert len(originals()) == 1


@pytest.mark.parametrize("names", [["same.jpg"], [f"{n}.jpg" for n in range(20)]])
def test_twenty_phones_send_the_same_at_once(app, ben, names):
    data = padded(1, 200_000)
    clients = [with_token(app, ben, "upload") for _ in range(20)]
    ready, answers = threading.Barrier(20), []

    def send(number: int) -> None:
        ready.wait()
        try:
            answers.append(clients[number].put_raw(data, names[number % len(names)]))
        finally:
            db.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["assets"][0]["id"] for answer in answers}) == 1
    assert Asset.select().count() == 1
    assert Job.select().count() == 1
    assert originals() == [Asset.get().path]


def test_twenty_phones_send_different_photos_at_once(app, ben):
    clients = [with_token(app, ben, "upload") for _ in range(20)]
    answers = []

    def send(number: int) -> None:
        try:
            answers.append(clients[number].put_raw(padded(number, 100_000), "IMG_0001.jpg"))
        finally:
            db.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 20
    assert Asset.select().count() == 20 == len(originals())


def test_the_same_photo_of_two_people_is_two_assets_and_one_original(app, anna, ben):
    one = with_token(app, anna, "upload").put_raw(jpeg()).json["assets"][0]
    two = with_token(app, ben, "upload").put_raw(jpeg())
    assert two.status == 201
    assert two.json["assets"][0]["duplicate"] is False
    assert two.json["assets"][0]["id"] != one["id"]
    assert len(originals()) == 1


# What follows


def test_a_report_is_scheduled_once_for_a_batch(app, ben, house):
    notifications = replace(house.notifications, urls=("json://127.0.0.1:9",), quiet=30)
    config.bind(replace(house, notifications=notifications))
    assert notify.is_wanted()
    program = with_token(app, ben, "upload")
    program.put_raw(jpeg(1))
    program.put_raw(jpeg(2))
    program.put_raw(jpeg(2))
    (report,) = Job.select().where(Job.task == "report_uploads")
    assert (report.state, report.user, report.args) == ("scheduled", ben.id, f"[{ben.id}]")
    assert 20 < report.due_at - time.time() <= 31


def test_without_channels_nothing_is_reported(program):
    program.put_raw(jpeg())
    assert Job.select().where(Job.task == "report_uploads").count() == 0
    assert Asset.get().notified_at is not None


def test_an_upload_while_the_queue_is_paused(program):
    holds.pause(time.time() + 1000)
    assert program.put_raw(jpeg()).status == 201


# The form of the page


def test_the_form_without_scripts(app, ben):
    client = signed_in(app, ben)
    csrf = ("csrf", client.csrf)
    client.sends_csrf = False
    answer = client.send(
        csrf, ("file", "a<b>.jpg", jpeg()), ("file", "b.txt", b"no"), target="/upload"
    )
    assert answer.status == 200
    assert "1 of 2 photos sent" in answer.text
    assert "a&lt;b&gt;.jpg" in answer.text
    assert "This is not a photo" in answer.text
    assert f'href="/assets/{Asset.get().id}"' in answer.text


def test_the_form_without_its_csrf_field_keeps_nothing(app, ben):
    client = signed_in(app, ben)
    client.sends_csrf = False
    for csrf in ([], [("csrf", "wrong")]):
        answer = client.send(*csrf, ("file", "a.jpg", jpeg()), target="/upload")
        assert answer.status == 403
    assert originals() == []
    assert Asset.select().count() == 0


def test_the_form_takes_its_csrf_field_from_anywhere(app, ben):
    client = signed_in(app, ben)
    client.sends_csrf = False
    answer = client.send(("file", "a.jpg", jpeg()), ("csrf", client.csrf), target="/upload")
    assert answer.status == 200
    assert Asset.select().count() == 1


def test_the_form_of_nobody_leads_to_signing_in(app, anna):
    answer = Client(app).send(("file", "a.jpg", jpeg()), target="/upload")
    assert (answer.status, answer.header("Location")) == (303, "/sign-in")


def test_an_empty_form_of_the_page_is_told_so(app, ben):
    client = signed_in(app, ben)
    answer = client.send(
        ("csrf", client.csrf), ("file", "", b""), target="/upload", Accept="text/html"
    )
    assert answer.status == 422
    assert "No file was sent." in answer.text
