"""What was not taken out of the inbox is told where its owner looks, as long as it lies there."""

import shutil
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.errors import NotYet
from homequeue.models import Batch, Receipt
from homequeue.services import inbox, inbox_files
from tests.library import job, row
from tests.web.client import Client
from tests.web.reading import checked


@pytest.fixture
def folder(ben, monkeypatch) -> Path:
    """The inbox of this house, with a clock in which whatever lies there has rested."""
    inbox._seen.clear()
    inbox._stuck.clear()
    monkeypatch.setattr(inbox, "SETTLE", 0.0)
    monkeypatch.setattr(inbox, "REST", 0.0)
    inbox_files.prepare()
    return inbox_files.place()


def take() -> None:
    with pytest.raises(NotYet):
        inbox.take(tasks.process_asset, tasks.report_soon)
    inbox.take(tasks.process_asset, tasks.report_soon)


def put(folder: Path, name: str, content: bytes = b"PK\3\4 a letter") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def told(client: Client, path: str) -> str:
    answer = client.page(path)
    checked(answer)
    return answer.text


ONE = "1 file from the inbox was not taken"


@pytest.mark.parametrize("content", [b"PK\3\4 a letter", b"\xff\xd8\xff\xe0 no more of it"])
def test_a_file_that_was_not_taken_is_told_to_its_owner(folder, as_ben, content):
    assert "not taken" not in told(as_ben, "/activity") + told(as_ben, "/")
    put(folder, "Ben/sea.jpg", content)
    take()
    receipt = f"/batches/{Batch.get().id}"
    for path in ("/activity", "/"):
        assert ONE in told(as_ben, path)
        assert f'href="{receipt}"' in told(as_ben, path)
    assert "All quiet" not in told(as_ben, "/activity")
    assert "sea.jpg" in told(as_ben, receipt)


def test_it_is_told_until_nothing_lies_there_any_more(folder, as_ben):
    put(folder, "Ben/a.docx")
    put(folder, "Ben/b.docx")
    take()
    assert "2 files from the inbox were not taken" in told(as_ben, "/activity")
    shutil.rmtree(folder / "Ben" / "_refused")
    assert "not taken" not in told(as_ben, "/activity") + told(as_ben, "/")
    assert Receipt.select().where(Receipt.outcome == "refused").count() == 2


def test_others_are_not_told_but_administrators_see_whose_it_is(folder, as_ben, as_anna, anna):
    put(folder, "a.docx")
    put(folder, "Ben/b.docx")
    take()
    own = Batch.get(Batch.user == anna.id).id
    assert told(as_ben, "/activity").count(ONE) == 1
    assert f"/batches/{own}" not in told(as_ben, "/activity")
    activity = told(as_anna, "/activity")
    assert activity.count(ONE) == 2
    assert activity.count("from Ben") == 1
    assert f'href="/batches/{own}"' in told(as_anna, "/"), "photos are one's own"
    shutil.rmtree(folder / "_refused")
    assert ONE not in told(as_anna, "/")
    assert ONE in told(as_ben, "/")


def test_of_many_batches_the_newest_are_named(folder, as_ben, ben):
    put(folder, "Ben/a.docx")
    take()
    for number in range(6):
        batch = Batch.create(kind="inbox", user=ben.id, made_at=number)
        Receipt.create(batch=batch, filename="x.txt", outcome="refused")
        Receipt.create(batch=batch, filename="y.jpg", outcome="added")
    activity = told(as_ben, "/activity")
    assert activity.count(ONE) == 5
    assert "And 2 before that." in activity
    photos = told(as_ben, "/")
    assert "7 files from the inbox were not taken" in photos
    assert 'href="/activity#untaken"' in photos


def test_the_page_is_another_one_when_one_more_is_not_taken(folder, as_ben):
    put(folder, "Ben/a.docx")
    take()
    etag = as_ben.page("/activity").header("ETag")
    put(folder, "Ben/b.docx")
    take()
    answer = as_ben.get("/activity", Accept="text/html", If_None_Match=etag)
    assert answer.status == 200
    assert "2 files from the inbox were not taken" in answer.text


def test_a_batch_leads_to_what_became_of_its_files(as_ben, ben):
    row(ben, 1)
    batch = Batch.create(kind="upload", user=ben.id).id
    one = job(asset=1, batch=batch)
    link = f'href="/batches/{batch}">What became of each file'
    for path in ("/activity", f"/activity/history?batch={batch}", f"/jobs/{one.id}"):
        assert link in told(as_ben, path), path
    assert "What became of each file" not in told(as_ben, "/activity/history")


def test_pictures_made_again_lead_to_no_files(as_anna, anna):
    row(anna, 1)
    batch = Batch.create(kind="again", user=None).id
    one = job(asset=1, batch=batch)
    for path in ("/activity", f"/activity/history?batch={batch}", f"/jobs/{one.id}"):
        assert "What became of each file" not in told(as_anna, path), path


def test_a_batch_of_somebody_else_is_not_led_to(as_ben, anna):
    batch = Batch.create(kind="upload", user=anna.id).id
    for number in (batch, batch + 1):
        assert "/batches/" not in told(as_ben, f"/activity/history?batch={number}")
