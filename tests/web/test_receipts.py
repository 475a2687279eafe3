"""Receipts: every file of a batch is accounted for, whatever door it came in by."""

import errno
import os

import pytest

from homequeue import tasks
from homequeue.models import Asset, Batch, Job, Receipt
from homequeue.services import batches, importing, receipts
from homequeue.web.receipts import summary
from tests.conftest import work_off
from tests.library import jpeg
from tests.web.client import Client
from tests.web.conftest import signed_in, with_token
from tests.web.reading import checked


@pytest.fixture
def program(app, ben):
    return with_token(app, ben, "write")


def sent(program: Client, *files: tuple[str, bytes]) -> int:
    """Send files as one form; the batch."""
    answer = program.send(*(("file", name, data) for name, data in files))
    return answer.json["batch"]


def outcomes(program: Client, batch: int) -> list[tuple[str, str]]:
    files = program.get(f"/api/batches/{batch}").json["files"]
    return [(file["filename"], file["outcome"]) for file in files]


def test_a_batch_says_what_became_of_every_file(program, ben):
    batch = sent(program, ("a.jpg", jpeg(1)), ("notes.txt", b"Milk, eggs"), ("b.jpg", jpeg(1)))
    told = program.get(f"/api/batches/{batch}").json
    assert (told["id"], told["kind"], told["owner"], told["next"]) == (batch, "upload", "Ben", None)
    assert told["counts"] == {"added": 1, "known": 1, "restored": 0, "refused": 1}
    added, known, refused = told["files"]
    asset = Asset.get()
    assert (added["filename"], added["outcome"], added["asset"]) == ("a.jpg", "added", asset.id)
    assert (added["size"], added["state"], added["error"]) == (asset.size, "pending", None)
    assert (known["filename"], known["outcome"], known["asset"]) == ("b.jpg", "known", asset.id)
    assert (refused["filename"], refused["outcome"]) == ("notes.txt", "refused")
    assert (refused["asset"], refused["state"]) == (None, None)
    assert "no picture" in refused["error"] or len(refused["error"]) > 10
    assert added["at"].endswith("Z")


def test_it_goes_on_saying_how_each_fares(program):
    batch = sent(program, ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)))
    work_off()
    Asset.update(state="failed", error="Nothing to see.").where(Asset.filename == "b.jpg").execute()
    states = [(f["state"], f["error"]) for f in program.get(f"/api/batches/{batch}").json["files"]]
    assert states == [("ready", None), ("failed", "Nothing to see.")]
    Asset.delete().where(Asset.filename == "a.jpg").execute()
    assert program.get(f"/api/batches/{batch}").json["files"][0]["state"] is None


def test_what_follows_soon_is_the_same_batch(program):
    first = sent(program, ("a.jpg", jpeg(1)))
    assert program.put_raw(jpeg(2), "b.jpg").json["batch"] == first
    assert program.put_raw(b"Milk", "c.txt").json["batch"] == first
    Batch.update(touched_at=5.0).execute()
    assert program.put_raw(jpeg(1), "a.jpg").json["batch"] != first
    assert outcomes(program, first) == [
        ("a.jpg", "added"),
        ("b.jpg", "added"),
        ("c.txt", "refused"),
    ]


def test_jobs_and_receipts_are_of_the_same_batch(program):
    batch = sent(program, ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)))
    assert {job.batch for job in Job.select()} == {batch}


def test_taking_out_of_the_trash_is_said(program):
    sent(program, ("a.jpg", jpeg(1)))
    Asset.update(trashed_at=5.0).execute()
    answer = program.put_raw(jpeg(1), "again.jpg")
    assert answer.json["assets"][0]["restored"] is True
    assert outcomes(program, answer.json["batch"])[-1] == ("again.jpg", "restored")


def test_what_may_pass_has_no_receipt(program, monkeypatch):
    """It will be sent again, and then has one."""

    def full(*_args, **_values):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        assert program.put_raw(jpeg(1)).status == 507
    assert Receipt.select().count() == 0
    assert Batch.select().count() == 0


def test_receipts_are_written_with_their_rows_or_not_at_all(program, monkeypatch):
    def crash(*_args, **_values):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(receipts, "write", crash)
    assert program.put_raw(jpeg(1)).status >= 500
    assert Asset.select().count() == Job.select().count() == Batch.select().count() == 0


@pytest.fixture
def camera(tmp_path):
    """A folder to import from."""
    folder = tmp_path / "camera"
    folder.mkdir()
    return folder


def test_an_import_has_them_too(ben, program, camera):
    for name, data in (("a.jpg", jpeg(1)), ("b.txt", b"Milk"), ("c.jpg", jpeg(2))):
        (camera / name).write_bytes(data)
    (camera / os.fsdecode(b"\xff.txt")).write_bytes(b"Milk")
    found = importing.find([str(camera)])
    *_, last = importing.run(found, ben, tasks.process_asset)
    told = program.get(f"/api/batches/{last.batch}").json
    assert told["kind"] == "import"
    assert told["counts"] == {"added": 2, "known": 0, "restored": 0, "refused": 2}
    names = {file["filename"] for file in told["files"] if file["outcome"] == "refused"}
    assert names == {f"{camera}/b.txt", f"{camera}/\N{REPLACEMENT CHARACTER}.txt"}
    assert {job.batch for job in Job.select()} == {last.batch}


def test_each_refusal_of_an_import_is_written_once(ben, camera, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    for number in range(3):
        (camera / f"{number}-a.txt").write_bytes(b"Milk")
        (camera / f"{number}-b.jpg").write_bytes(jpeg(number))
    list(importing.run(importing.find([str(camera)]), ben, tasks.process_asset))
    rows = [(row.filename.rpartition("/")[2], row.outcome) for row in Receipt.select()]
    assert sorted(rows) == sorted(
        [(f"{n}-a.txt", "refused") for n in range(3)] + [(f"{n}-b.jpg", "added") for n in range(3)]
    )


# Pages of them


def many(owner, count: int) -> int:
    batch = batches.begin("upload", owner)
    rows = [
        Receipt(filename=f"{n}.jpg", outcome="refused" if n % 10 == 9 else "added", words="")
        for n in range(count)
    ]
    receipts.write(batch, rows)
    return batch


def test_a_long_batch_comes_in_pages(program, ben):
    batch = many(ben, 25)
    page = program.get(f"/api/batches/{batch}?limit=10").json
    seen = page["files"]
    while page["next"] is not None:
        page = program.get(f"/api/batches/{batch}?limit=10&cursor={page['next']}").json
        seen += page["files"]
    assert [file["filename"] for file in seen] == [f"{n}.jpg" for n in range(25)]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "cursor=x", "cursor=-1"])
def test_pages_that_make_no_sense(program, ben, query):
    assert program.get(f"/api/batches/{many(ben, 1)}?{query}").status == 422


# For people


def test_the_page_counts_first_and_shows_first_what_was_not_taken(as_ben, ben):
    batch = sent(
        as_ben,
        ("a.jpg", jpeg(1)),
        ("<b>.txt", b"Milk, eggs"),
        ("c.jpg", jpeg(2)),
        ("d.jpg", jpeg(2)),
    )
    work_off()
    shown = as_ben.page(f"/batches/{batch}").text
    assert "2 photos added, 1 already here, 1 not accepted." in shown
    places = [shown.index(name) for name in ("&lt;b&gt;.txt", "a.jpg", "c.jpg", "d.jpg")]
    assert places == sorted(places)
    first = Asset.get(Asset.filename == "a.jpg")
    assert f'href="/assets/{first.id}"' in shown
    assert f"/api/assets/{first.id}/thumbnail" in shown
    assert "Already here" in shown


def test_the_page_of_what_was_no_upload_leads_to_its_jobs(as_ben, ben):
    batch = batches.begin("again", ben)
    shown = as_ben.page(f"/batches/{batch}").text
    assert "<h1>Pictures made again " in shown
    assert f'href="/activity/history?batch={batch}"' in shown
    assert "No files" not in shown


def test_the_page_says_what_has_become_of_it_since(as_ben, ben):
    batch = sent(as_ben, ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)))
    Asset.delete().where(Asset.filename == "a.jpg").execute()
    Asset.update(state="failed", error="It took too long.").execute()
    torn = sent(as_ben, ("c.jpg", jpeg(3)))
    Asset.update(damaged=True).where(Asset.filename == "c.jpg").execute()
    shown = as_ben.page(f"/batches/{batch}").text
    assert torn == batch
    assert "Added, but damaged: it shows as far as it goes." in shown
    assert "Added, and deleted since" in shown
    assert "Added, but cannot be shown: It took too long." in shown


def test_an_administrator_sees_names_but_no_photos_of_others(as_anna, as_ben):
    batch = sent(as_ben, ("a.jpg", jpeg(1)))
    work_off()
    shown = as_anna.page(f"/batches/{batch}").text
    assert "Upload from Ben" in shown
    assert "a.jpg" in shown
    assert "/api/assets/" not in shown


def test_others_see_nothing(app, as_ben, anna):
    batch = batches.begin("upload", anna)
    assert as_ben.page(f"/batches/{batch}").status == 404
    assert as_ben.get(f"/api/batches/{batch}").status == 404
    assert signed_in(app, anna).get(f"/api/batches/{batch}").status == 200


def test_the_page_of_a_long_batch_goes_on(as_ben, ben):
    batch = many(ben, 460)
    first = as_ben.page(f"/batches/{batch}").text
    assert "414 photos added, 46 not accepted." in first
    assert first.count('class="row bad"') == 46
    assert first.count('class="row good"') == 200
    following = first.partition("/batches/")[2].partition('"')[0]
    second = as_ben.page(f"/batches/{following}").text
    assert second.count('class="row bad"') == 0
    assert second.count('class="row good"') == 200


def test_a_batch_of_nothing_says_so(as_ben, ben):
    assert "No files." in as_ben.page(f"/batches/{batches.begin('import', ben)}").text


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((48, 2, 0, 1), "48 photos added, 2 already here, 1 not accepted."),
        ((1, 1, 1, 0), "1 photo added, 1 already here, 1 taken back out of the trash."),
        ((0, 0, 0, 1200), "1,200 not accepted."),
        ((0, 0, 0, 0), "No files."),
    ],
)
def test_the_sentence_is_plain(counts, words):
    assert summary(dict(zip(receipts.OUTCOMES, counts, strict=True))) == words


# Forgotten


def test_receipts_go_with_the_history(program, ben):
    batch = sent(program, ("a.jpg", jpeg(1)))
    assert batches.forget_before(5.0) == 0
    Job.delete().execute()
    Batch.update(touched_at=4.0).execute()
    assert batches.forget_before(5.0) == 1
    assert Receipt.select().count() == 0
    assert program.get(f"/api/batches/{batch}").status == 404
    assert Asset.select().count() == 1


def test_the_upload_page_leads_to_what_became_of_the_last_one(as_ben, as_anna):
    assert "/batches/" not in as_ben.page("/upload").text
    as_ben.send(("file", "sea.jpg", jpeg(1)), ("file", "words.txt", b"no photo"))
    page = as_ben.page("/upload")
    (place,) = [address for address in checked(page).addresses if "/batches/" in address]
    assert "words.txt" in as_ben.page(place).text
    assert "/batches/" not in as_anna.page("/upload").text
