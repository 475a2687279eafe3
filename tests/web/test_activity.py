"""The activity page and the page of a job, in every state, for administrators and for members."""

import json
import os
import re
import time

import pytest

from homequeue import facts, holds, ledger, processes
from homequeue.media import media
from homequeue.models import Asset, Batch, Deed, Job, Worker
from homequeue.processes import identity
from homequeue.queue import limits, queue, strangers, workers
from homequeue.services import figures, jobs, steering
from homequeue.services.jobs import kind_label
from homequeue.web.history import _who
from homequeue.web.shapes import left_label, took_label
from tests.conftest import work_off
from tests.library import job, row, send, whole
from tests.pictures import turned
from tests.web.client import Answer, Client, csrf_fields
from tests.web.reading import EVIL, checked


def part(answer: Answer, title: str) -> str:
    """The text of a page from a heading to the next section."""
    return answer.text.partition(title)[2].partition("</section>")[0]


def poll(client: Client, path: str, etag: str | None) -> Answer:
    return client.request("GET", path, headers={"Accept": "text/html", "If-None-Match": etag or ""})


# What it shows


def test_activity_when_nothing_happens(as_ben):
    answer = as_ben.page("/activity")
    checked(answer)
    assert "All quiet" in answer.text
    assert "All done. Nothing is waiting." in answer.text


def test_activity_in_every_state_for_an_administrator(as_anna, busy):
    answer = as_anna.page("/activity")
    checked(answer)
    for words in ("In the works", "Waiting", "Needs a look", "Done lately"):
        assert words in answer.text
    assert "Making the preview of IMG_1.jpg" in answer.text
    assert 'action="/api/queue/pause"' in answer.text
    assert 'href="/activity/machine"' in answer.text
    assert "from Ben" in answer.text


def test_activity_in_every_state_for_a_member(as_ben, busy):
    answer = as_ben.page("/activity")
    checked(answer)
    assert "Traceback of the inside" not in answer.text
    assert "/api/queue/pause" not in answer.text
    assert "was_renamed" not in answer.text
    assert "/activity/machine" not in answer.text
    assert "from Ben" not in answer.text, "whose it is need not be told to themselves"


def test_activity_of_others_is_not_shown(as_ben, anna):
    row(anna, 1, filename="secret.jpg")
    job("failed", asset=1, error="of Anna")
    Batch.create(kind="upload", user=anna.id)
    job(asset=1, batch=1)
    answer = as_ben.page("/activity")
    assert "secret.jpg" not in answer.text
    assert "of Anna" not in answer.text
    assert "All quiet" in answer.text


def test_the_bytes_of_others_are_not_shown_to_an_administrator(as_anna, ben, anna):
    theirs, ours = whole(ben, 1), whole(anna, 2)
    one, _ = (job("succeeded", asset=asset.id, finished_at=time.time()) for asset in (theirs, ours))
    for path in ("/activity", "/activity/history"):
        page = as_anna.page(path)
        found = checked(page).addresses
        assert "IMG_1.jpg" in page.text
        assert not any(f"/assets/{theirs.id}" in address for address in found)
        assert f"/assets/{ours.id}" in found
        (picture,) = [address for address in found if "/thumbnail" in address]
        assert as_anna.get(picture).status == 200
    found = checked(as_anna.page(f"/jobs/{one.id}")).addresses
    assert not any("/assets/" in address for address in found)


def test_chores_do_not_bury_what_was_done_nor_what_waits(as_anna, anna):
    whole(anna, 1)
    job("succeeded", asset=1, args="[1]", started_at=5.0, finished_at=5.2)
    for _ in range(30):
        job("succeeded", task="check_disk", finished_at=time.time())
        job(task="check_disk")
    answer = as_anna.page("/activity")
    assert "IMG_1.jpg" in part(answer, "Done lately")
    assert "Checking the disk" not in answer.text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "took less than a second"),
        (0.99, "took less than a second"),
        (1.0, "took 1 second"),
        (2.6, "took 2 seconds"),
        (90, "took 2 minutes"),
    ],
)
def test_how_long_a_job_took(as_ben, ben, seconds, words):
    whole(ben, 1)
    job("succeeded", asset=1, args="[1]", started_at=5.0, finished_at=5.0 + seconds)
    assert words in as_ben.page("/activity").text


def test_what_runs_is_told_with_step_share_time_try_and_worker(as_anna, anna):
    workers.register("worker")
    whole(anna, 1)
    job(
        "running", asset=1, started_at=time.time() - 12, step="Opening the photo", progress=0.42,
        attempts=2, max_attempts=5, worker=identity(),
    )  # fmt: skip
    shown = part(as_anna.page("/activity"), "In the works")
    assert '<progress max="100" value="42"' in shown
    assert "Opening the photo · for 12 seconds · try 2 of 5 · Worker" in shown
    assert "/api/assets/1/thumbnail?v=" in shown
    assert 'action="/api/jobs/1/stop"' in shown
    assert "far longer than usual" not in shown


def test_the_page_of_a_job_that_runs_tells_how_far_it_is_and_who_does_it(as_anna, as_ben, ben):
    workers.register("worker")
    now = time.time()
    one = job(
        "running", task="convert_video", asset=row(ben, 1).id, started_at=now - 60, progress=0.2,
        reported_at=now, worker=identity(),
    )  # fmt: skip
    shown = as_anna.page(f"/jobs/{one.id}").text
    assert "<dt>Done</dt><dd>20 %</dd>" in shown
    assert "<dt>Time left</dt><dd>about 4 minutes</dd>" in shown
    short = f"Worker, process {os.getpid()} on {processes.host().rpartition('.')[0]}"
    assert f'<dt>Worker</dt><dd title="{identity()}">{short}</dd>' in shown
    assert "<dt>Worker</dt>" not in as_ben.page(f"/jobs/{one.id}").text


def test_what_takes_far_too_long_is_said_to_be_stuck(as_anna):
    now = time.time()
    for _ in range(5):
        job("succeeded", started_at=now - 9, finished_at=now - 8)
    job("running", started_at=now - 400)
    assert "far longer than usual" in part(as_anna.page("/activity"), "In the works")
    Job.update(stopped_by="Anna").where(Job.state == "running").execute()
    shown = part(as_anna.page("/activity"), "In the works")
    assert "It is being stopped." in shown
    assert "/stop" not in shown


def test_what_waits_is_told_by_kind_and_when(as_anna, ben):
    for number in range(8):
        job(asset=row(ben, number).id, queued_at=time.time() - 3)
    broken = {"error": "No mail today.", "attempts": 2, "deaths": 1, "max_attempts": 5}
    job("retrying", task="report_uploads", due_at=time.time() + 299, **broken)
    job("scheduled", task="report_uploads", waits_for=1)
    answer = as_anna.page("/activity")
    shown = part(answer, "Waiting <")
    assert re.search(r'Making previews <span class="number">8<', shown)
    assert re.search(r'Telling about new photos <span class="number">2<', shown)
    assert "and 5 more" in shown
    Job.delete().where(Job.task == "process_asset").execute()
    shown = part(as_anna.page("/activity"), "Waiting <")
    assert "Will be tried again · try 2 of 5 · in 5 minutes" in shown
    assert "No mail today." in shown
    assert "after other work" in shown


@pytest.mark.parametrize(("look", "state"), [("listed", "retrying"), ("upcoming", "succeeded")])
def test_who_moves_on_while_the_page_is_made_is_in_one_list(as_anna, monkeypatch, look, state):
    one = job("running" if look == "listed" else "queued", task="report_uploads")
    real = getattr(jobs, look)

    def looks_and_it_moves(*asked):
        found = real(*asked)
        Job.update(state=state, finished_at=time.time()).execute()
        return found

    monkeypatch.setattr(jobs, look, looks_and_it_moves)
    answer = as_anna.page("/activity")
    checked(answer)
    assert answer.text.count(f'id="job-{one.id}"') == 1


@pytest.mark.parametrize(("state", "tells"), [("running", True), ("retrying", False)])
def test_how_long_it_had_waited_is_not_told_while_it_waits_again(as_anna, state, tells):
    one = job(state, started_at=time.time() + 4, due_at=time.time())
    assert ("<dt>Waited</dt>" in as_anna.page(f"/jobs/{one.id}").text) == tells


# The first sentence


def test_the_first_sentence_says_how_many_and_how_long(as_ben, ben):
    workers.register("worker")
    facts.remember("workers", 1)
    now = time.time()
    job("succeeded", asset=row(ben, 999).id, started_at=now - 12, finished_at=now - 10)
    for number in range(180):
        job(asset=row(ben, number).id)
    assert "Making previews for 180 photos, about 6 minutes." in as_ben.page("/activity").text


def test_a_member_is_told_what_it_takes_with_what_goes_before(as_ben, as_anna, ben, anna):
    workers.register("worker")
    facts.remember("workers", 1)
    now = time.time()
    job("succeeded", asset=row(ben, 999).id, started_at=now - 12, finished_at=now - 10)
    for number in range(170):
        job(asset=row(anna, number).id)
    for number in range(10):
        job(asset=row(ben, 500 + number).id)
    for number in range(60):
        job(asset=row(anna, 700 + number).id)
    assert "Making previews for 10 photos, about 6 minutes." in as_ben.page("/activity").text
    assert "Making previews for 240 photos, about 8 minutes." in as_anna.page("/activity").text


def test_nobody_can_know_how_long_the_first_photos_take(as_ben, ben):
    workers.register("worker")
    job(asset=row(ben, 1).id)
    assert "Making previews for 1 photo." in as_ben.page("/activity").text


def test_it_is_said_when_nobody_works(as_ben, ben):
    job(asset=row(ben, 1).id)
    assert "Nobody is working, and 1 photo waits." in as_ben.page("/activity").text
    job(asset=row(ben, 2).id)
    assert "Nobody is working, and 2 photos wait." in as_ben.page("/activity").text
    Job.delete().execute()
    job(task="report_uploads", user=ben.id)
    assert "Nobody is working, and something waits." in as_ben.page("/activity").text


def test_activity_while_paused(as_anna, anna):
    holds.pause(time.time() + 3600)
    answer = as_anna.page("/activity")
    checked(answer)
    assert "Paused until" in answer.text
    assert 'action="/api/queue/resume"' in answer.text
    as_anna.post("/api/queue/pause")
    assert "Paused until somebody resumes." in as_anna.page("/activity").text
    assert "Paused. No photo is waiting." in as_anna.page("/activity").text
    whole(anna, 1)
    job(asset=1)
    assert "Paused, with 1 photo waiting." in as_anna.page("/activity").text


def test_other_sentences(as_anna):
    workers.register("worker")
    job("scheduled", task="report_uploads", due_at=time.time() + 9e9)
    assert "Something is waiting for its time." in as_anna.page("/activity").text
    job("running", task="rescue", started_at=time.time())
    assert "Working." in as_anna.page("/activity").text
    Job.delete().execute()
    job("failed", error="x", finished_at=5.0)
    assert "All done, except for what needs a look below." in as_anna.page("/activity").text


def first_sentence(client: Client) -> str:
    return re.search(r'id="summary"[^>]*>(.*?)</p>', client.page("/activity").text)[1]


def test_a_film_that_is_converted_is_said_with_its_time(as_anna, as_ben, ben):
    workers.register("worker")
    now = time.time()
    film = job(
        "running", task="convert_video", asset=row(ben, 1).id, started_at=now - 60,
        progress=0.35, reported_at=now,
    )  # fmt: skip
    for client in (as_anna, as_ben):
        assert first_sentence(client) == "Converting 1 video, about 2 minutes."
    job(task="convert_video", asset=row(ben, 2).id)
    assert first_sentence(as_ben) == "Converting 2 videos, at least about 2 minutes."
    job(asset=row(ben, 3).id, priority=10)
    assert first_sentence(as_ben) == (
        "Making previews for 1 photo, and converting 2 videos, at least about 2 minutes."
    )
    Job.update(progress=None).where(Job.id == film.id).execute()
    assert first_sentence(as_ben) == "Making previews for 1 photo and converting 2 videos."


def test_other_work_for_people_is_said_by_its_name(as_anna, anna):
    job("running", task="report_uploads", user=anna.id, started_at=time.time())
    assert first_sentence(as_anna) == "Telling about new photos."


def test_a_film_of_unknown_length_takes_no_time_from_the_photos(as_ben, ben):
    workers.register("worker")
    facts.remember("workers", 1)
    now = time.time()
    job("succeeded", asset=row(ben, 999).id, started_at=now - 62, finished_at=now - 2)
    batch = Batch.create(kind="upload", user=ben.id).id
    for number in range(5):
        job(asset=row(ben, number).id, batch=batch, priority=10)
    job(task="convert_video", asset=row(ben, 77).id, batch=batch, priority=5)
    assert first_sentence(as_ben) == "Making previews for 5 photos, about 5 minutes."
    assert "0 of 6 · at least about 5 minutes" in part(as_ben.page("/activity"), "Under way")


def test_one_kind_is_paused_while_another_runs(as_anna, anna):
    workers.register("worker")
    steering.pause(3600, "Anna", "process_asset")
    now = time.time()
    job("running", task="convert_video", asset=row(anna, 1).id, started_at=now)
    for _ in range(14):
        job("failed", error="It rained.", finished_at=now)
    said = first_sentence(as_anna)
    assert re.fullmatch(
        r"Converting 1 video\. Previews are paused until [\w, :]+\. 14 need a look below\.", said
    )
    assert 'class="now is-busy"' in as_anna.page("/activity").text
    Job.delete().where(Job.state == "running").execute()
    said = first_sentence(as_anna)
    assert re.fullmatch(r"Previews are paused until [\w, :]+\. 14 need a look below\.", said)
    assert 'class="now is-paused"' in as_anna.page("/activity").text
    steering.pause(3600, "Anna", "convert_video")
    for number in (2, 3):
        job(task="convert_video", asset=row(anna, number).id)
    assert "Converting videos is paused until" in first_sentence(as_anna)
    assert ", with 2 videos waiting." in first_sentence(as_anna)


def test_everything_is_paused_and_what_has_begun_is_finished(as_anna, anna):
    workers.register("worker")
    steering.pause(3600, "Anna")
    job("running", task="convert_video", asset=row(anna, 1).id, started_at=time.time())
    for number in range(2, 5):
        job(task="convert_video", asset=row(anna, number).id)
    assert first_sentence(as_anna) == "Converting 1 video. Nothing else is begun."
    assert 'class="now is-busy"' in as_anna.page("/activity").text


# What is held back, and what waits for its time


def test_in_quiet_hours_it_is_said_that_photos_wait_for_their_end(as_anna, anna, night):
    workers.register("worker")
    now = time.time()
    job("succeeded", asset=row(anna, 999).id, started_at=now - 12, finished_at=now - 10)
    batch = Batch.create(kind="again", user=anna.id).id
    for number in range(30):
        job(asset=row(anna, number).id, batch=batch, priority=0)
    answer = as_anna.page("/activity")
    checked(answer)
    wait = r"30 photos wait for the end of the quiet hours at \d\d:\d\d\."
    assert re.fullmatch(wait, first_sentence(as_anna))
    assert "minute" not in part(answer, "Under way")
    assert 'class="now is-paused"' in answer.text
    assert 'data-rest="10000"' in answer.text
    upload = Batch.create(kind="upload", user=anna.id).id
    job(asset=row(anna, 50).id, batch=upload, priority=10)
    job(task="convert_video", asset=row(anna, 51).id, batch=upload, priority=5)
    said = first_sentence(as_anna)
    assert said.startswith("Making previews for 1 photo, less than a minute. 30 photos and 1 video")
    answer = as_anna.page("/activity")
    assert part(answer, "Under way").count("at least some seconds") == 1
    assert 'data-rest="2000"' in answer.text


def test_members_are_told_of_what_is_held_of_their_own(as_ben, ben, anna, night):
    workers.register("worker")
    job(asset=row(anna, 1).id, priority=0)
    assert first_sentence(as_ben) == "All done. Nothing is waiting."
    job(asset=row(ben, 2).id, priority=0)
    job("failed", asset=row(ben, 3).id, error="It rained.", finished_at=time.time())
    said = r"1 photo waits for the end of the quiet hours at \d\d:\d\d\. 1 needs a look below\."
    assert re.fullmatch(said, first_sentence(as_ben))


def test_what_is_tried_again_later_is_said_so(as_anna, anna):
    workers.register("worker")
    now = time.time()
    job("succeeded", asset=row(anna, 999).id, started_at=now - 12, finished_at=now - 10)
    batch = Batch.create(kind="upload", user=anna.id).id
    put_off = {"batch": batch, "due_at": now + 1199, "attempts": 3}
    for number in range(12):
        job("retrying", asset=row(anna, number).id, **put_off)
    assert first_sentence(as_anna) == "12 photos are tried again in 20 minutes."
    assert "minute" not in part(as_anna.page("/activity"), "Under way")
    job("retrying", asset=row(anna, 50).id, due_at=now + 179)
    job(asset=row(anna, 51).id)
    assert first_sentence(as_anna) == (
        "Making previews for 1 photo, less than a minute. "
        "13 photos are tried again, the first in 3 minutes."
    )
    steering.pause(3600, "Anna", "process_asset")
    assert "tried again" not in first_sentence(as_anna)
    assert ", with 14 photos waiting." in first_sentence(as_anna)


def test_what_would_be_tried_again_in_quiet_hours_waits_for_their_end(as_anna, anna, night):
    workers.register("worker")
    for number, after in enumerate((60, 120)):
        due_at = time.time() + after
        job("retrying", asset=row(anna, number).id, due_at=due_at, priority=0)
    said = first_sentence(as_anna)
    assert re.fullmatch(r"2 photos wait for the end of the quiet hours at \d\d:\d\d\.", said)
    job("retrying", asset=row(anna, 5).id, due_at=time.time() + 60, priority=10)
    assert first_sentence(as_anna) == f"{said} 1 photo is tried again in less than a minute."


def test_what_waits_for_a_rate_is_said(as_anna, anna, monkeypatch):
    workers.register("worker")
    until = time.time() + 600
    monkeypatch.setattr(
        limits, "free_at", lambda kind, now: until * (kind.__name__ == "report_uploads")
    )
    for _ in range(3):
        job(task="report_uploads", user=anna.id)
    wait = r"3 jobs wait until .*\d\d:\d\d, for only so many are begun in a while\."
    assert re.fullmatch(wait, first_sentence(as_anna))


def test_trouble_of_the_storage_is_said_to_everybody(as_ben):
    assert 'role="alert"' not in as_ben.page("/activity").text
    (media.root / "originals" / ".homequeue").unlink()
    assert "The storage of the photos is not mounted." in as_ben.page("/activity").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "less than a minute"),
        (50, "less than a minute"),
        (51, "about 1 minute"),
        (61, "about 2 minutes"),
        (3000, "about 50 minutes"),
        (3100, "about 1 hour"),
        (5400, "about 1½ hours"),
        (7300, "about 2 hours"),
        (8 * 3600, "about 8 hours"),
        (3 * 86400, "about 3 days"),
        (None, ""),
    ],
)
def test_how_much_longer(seconds, words):
    assert left_label(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.00 s"), (0.99, "0.99 s"), (9.94, "9.9 s"), (12.3, "12 s"), (119, "119 s"),
     (180, "3 minutes")],
)  # fmt: skip
def test_spans_of_runs(seconds, words):
    assert took_label(seconds) == words


# Batches


def test_a_batch_is_told_with_its_bar_and_when_it_is_done(as_anna, as_ben, ben):
    workers.register("worker")
    facts.remember("workers", 1)
    now = time.time()
    batch = Batch.create(kind="upload", user=ben.id).id
    for number in range(10):
        state = "succeeded" if number < 4 else "failed" if number < 5 else "queued"
        job(
            state, batch=batch, asset=row(ben, number).id, started_at=now - 60, finished_at=now,
            error="It rained." if state == "failed" else None,
        )  # fmt: skip
    shown = part(as_ben.page("/activity"), "Under way")
    assert '<progress max="10" value="5"' in shown
    assert "5 of 10 · about 5 minutes" in shown
    assert "1 needs a look" in shown
    assert "Upload from Ben" in part(as_anna.page("/activity"), "Under way")
    listed = as_ben.page(f"/activity/history?batch={batch}")
    assert "10 jobs of one batch" in listed.text


def test_what_waits_of_a_batch_or_a_kind_can_be_cancelled_after_a_question(as_ben, ben, anna):
    batch = Batch.create(kind="upload", user=ben.id)
    for number in range(3):
        state = "running" if number == 2 else "queued"
        job(state, asset=row(ben, number).id, args=f"[{number + 1}]", batch=batch.id)
    job("queued", asset=row(anna, 9).id, args="[4]")
    answer = as_ben.page("/activity")
    checked(answer)
    for title, field in (("Under way", f'"batch" value="{batch.id}"'),
                         ("Waiting", '"task" value="process_asset"')):  # fmt: skip
        shown = part(answer, title)
        asked = shown.partition('class="confirm choices" id="cancel-')[2].partition("</details>")[0]
        assert "Cancel all 2 that wait?" in asked
        assert "Yes, cancel 2<" in asked
        assert f"name={field}" in asked
    as_ben.post("/api/jobs/cancel-waiting", form={"batch": str(batch.id)})
    answer = as_ben.page("/activity")
    assert "2 cancelled" in part(answer, "Under way")
    assert "that wait?" not in answer.text


def test_a_batch_waits_for_what_goes_before_it(as_anna, anna):
    facts.remember("workers", 1)
    now = time.time()
    job("succeeded", asset=row(anna, 99).id, started_at=now - 60, finished_at=now)
    again, upload = (Batch.create(kind=kind, user=anna.id).id for kind in ("again", "upload"))
    for number in range(10):
        job(batch=again, asset=row(anna, number).id, priority=0)
        job(batch=upload, asset=row(anna, 50 + number).id, priority=10)
    assert "minute" not in part(as_anna.page("/activity"), "Under way"), "nobody works"
    workers.register("worker")
    shown = part(as_anna.page("/activity"), "Under way")
    assert re.findall(r"0 of 10 · about (\d+) minutes", shown) == ["10", "20"]
    holds.pause(now + 999)
    assert "minutes" not in part(as_anna.page("/activity"), "Under way")


def test_the_page_of_a_job_says_for_what_it_is_held_back(as_ben, ben, night):
    waits = job(asset=row(ben, 1).id, priority=0).id
    again = {"due_at": time.time() + 60, "priority": 0, "error": "It rained."}
    later = job("retrying", asset=row(ben, 2).id, **again).id
    page = as_ben.page(f"/jobs/{waits}")
    checked(page)
    told = r"<dt>Waits</dt><dd>for the end of the quiet hours at \d\d:\d\d</dd>"
    for number in (waits, later):
        assert re.search(told, as_ben.page(f"/jobs/{number}").text)
    holds.pause(time.time() + steering.FOREVER)
    assert "<dd>until somebody resumes: everything is paused</dd>" in (
        as_ben.page(f"/jobs/{waits}").text
    )


@pytest.mark.parametrize("state", ["running", "succeeded", "failed"])
def test_the_page_of_a_job_that_does_not_wait_names_no_pause(as_ben, ben, state):
    number = job(state, asset=row(ben, 1).id, started_at=1.0).id
    free = job(asset=row(ben, 2).id).id
    holds.pause(time.time() + 600, "convert_video")
    assert "<dt>Waits</dt>" not in as_ben.page(f"/jobs/{free}").text
    holds.pause(time.time() + 600)
    assert "<dt>Waits</dt>" not in as_ben.page(f"/jobs/{number}").text
    assert re.search(r"<dd>until [^<]+: everything is paused", as_ben.page(f"/jobs/{free}").text)


def test_the_page_of_a_job_that_follows_others_names_no_pause(as_ben, ben):
    number = job("scheduled", asset=row(ben, 1).id, waits_for=1).id
    holds.pause(time.time() + 600)
    assert "<dt>Waits</dt>" not in as_ben.page(f"/jobs/{number}").text


# What needs a look


def test_failures_of_the_same_cause_are_one(as_anna, anna):
    for number in range(25):
        job("failed", asset=row(anna, number).id, error="It rained.", traceback="Trace <1>")
    job("quarantined", asset=row(anna, 77).id, error="It crashed.", deaths=3)
    answer = as_anna.page("/activity")
    checked(answer)
    shown = part(answer, 'id="failed"')
    assert "Making previews: 25 times the same" in shown
    assert shown.count("It rained.") == 5, "in words, on both buttons and in what they send"
    assert "Show the last 5" in shown
    assert "Trace &lt;1&gt;" in shown
    assert "Set aside" in shown
    assert "It crashed." in shown
    assert 'action="/api/jobs/retry-failed"' in shown


def test_one_group_is_tried_again_or_dismissed(as_anna, anna):
    for number in range(6):
        error = "It\nrained." if number < 4 else "It snowed."
        job(
            "failed",
            asset=row(anna, number, state="failed").id,
            args=f"[{number + 1}]",
            error=error,
            finished_at=time.time(),
        )
    those = {"task": "process_asset", "cause": "It rained."}
    form = {**those, "csrf": as_anna.csrf, "next": "/activity?said=retried"}
    answer = as_anna.post("/api/jobs/retry-failed", form=form)
    assert (answer.status, answer.header("Location")) == (303, "/activity?said=retried")
    assert [one.state for one in Job.select().order_by(Job.id)] == ["queued"] * 4 + ["failed"] * 2
    as_anna.post("/api/jobs/dismiss-failed", json={"cause": "It snowed."})
    assert Job.select().where(Job.state == "failed", Job.dismissed_at.is_null(False)).count() == 2
    assert "Needs a look" not in as_anna.page("/activity").text
    listed = as_anna.page("/activity/history?state=dismissed")
    checked(listed)
    assert "2 jobs" in listed.text
    assert "Failed, dismissed" in listed.text
    assert "It snowed." not in as_anna.page("/activity/history?state=failed,quarantined").text
    assert len(as_anna.get("/api/jobs?state=dismissed").json["jobs"]) == 2
    assert as_anna.get("/api/queue").json["counts"]["failed"] == 2, "it stays what it is"
    assert figures.throughput(60) == 0
    (kind,) = figures.kinds()
    assert kind.failed == 2
    assert "had 4 failed jobs tried again" in [deed.words for deed in Deed.select()]


def test_it_says_so_when_nothing_had_to_be_tried_again(as_anna, anna):
    asset = row(anna, 1, state="failed").id
    bad = job("failed", asset=asset, args=f"[{asset}]", error="It rained.", key="the same")
    job("queued", asset=asset, args=f"[{asset}]", key="the same")
    form = {"csrf": as_anna.csrf, "next": "/activity?state=failed&said=retried#failed"}
    answer = as_anna.post("/api/jobs/retry-failed", form=form)
    assert answer.header("Location") == "/activity?state=failed&said=skipped#failed"
    assert Job.get_by_id(bad.id).state == "failed"
    assert "the same is under way already" in as_anna.page("/activity?said=skipped").text


def test_a_group_is_of_ones_own_jobs(as_ben, ben, anna):
    for number, owner in enumerate((ben, anna, ben), 1):
        job("failed", asset=row(owner, number).id, args=f"[{number}]", error="It rained.")
    those = {"task": "process_asset", "cause": "It rained."}
    assert as_ben.post("/api/jobs/dismiss-failed", json=those).json == {"jobs": 2}
    assert Job.get_by_id(2).dismissed_at is None
    listed = as_ben.get("/api/jobs?cause=It%20rained.")
    assert [one["id"] for one in listed.json["jobs"]] == [3, 1]


def test_a_group_of_which_nothing_is_left_means_no_other(as_anna, anna):
    job("queued", asset=row(anna, 1).id, args="[1]")
    for number, error in ((2, "It snowed."), (3, None)):
        job("failed", asset=row(anna, number).id, args=f"[{number}]", error=error)
    those = {"task": "process_asset", "cause": "It rained."}
    for act in ("retry", "dismiss"):
        assert as_anna.post(f"/api/jobs/{act}-failed", json=those).json == {"jobs": 0}
        assert as_anna.post(f"/api/jobs/{act}-failed", json={"error": "It rained."}).status == 422
    assert as_anna.get("/api/jobs?cause=It%20rained.").json["jobs"] == []
    assert as_anna.post("/api/jobs/dismiss-failed", json={"cause": ""}).json == {"jobs": 1}
    assert [one.id for one in Job.select().where(Job.dismissed_at.is_null(False))] == [3]


def test_errors_that_differ_in_what_they_are_about_are_one_cause(as_anna, anna):
    for number in range(30):
        error = f"OSError: [Errno 5] Input/output error: '/srv/{number}/{number}-1f.jpg'"
        job("failed", asset=row(anna, number).id, args=f"[{number + 1}]", error=error)
    job("failed", asset=row(anna, 77).id, args="[31]", error="OSError: It is full: '/srv/1.jpg'")
    answer = as_anna.page("/activity")
    checked(answer)
    shown = part(answer, 'id="failed"')
    assert "Making previews: 30 times the same" in shown
    assert "OSError: [Errno …] Input/output error: …<" in shown
    assert "OSError: It is full: &#039;/srv/1.jpg&#039;<" in shown, "one alone says all of it"
    fields = dict(re.findall(r'name="(task|cause)" value="([^"]+)"', shown))
    assert as_anna.post("/api/jobs/dismiss-failed", json=fields).json == {"jobs": 30}
    listed = re.search(r'href="(/activity/history[^"]+cause=[^"]+)">All 30', shown)
    assert listed
    assert ids(as_anna.page(listed[1].replace("&amp;", "&"))) == []
    again = listed[1].replace("&amp;", "&").replace("failed,quarantined", "dismissed")
    assert len(ids(as_anna.page(again))) == 30


def test_many_causes_are_counted_not_listed(as_anna):
    for number in range(25):
        error = f"error {chr(97 + number)}"
        job("failed", task="rescue", error=error, finished_at=5.0)
    answer = as_anna.page("/activity")
    checked(answer)
    assert "and 5 more causes" in answer.text
    assert 'action="/api/jobs/retry-failed"' in answer.text


def test_an_old_cause_is_shown_by_its_newest_job(as_anna):
    old = job("failed", task="rescue", error="of old", finished_at=5.0)
    for _ in range(120):
        job("failed", task="check_disk", error="new", finished_at=5.0)
    answer = as_anna.page("/activity")
    checked(answer)
    assert f'id="job-{old.id}"' in answer.text


# Buttons


def test_the_page_says_what_was_done(as_anna, anna):
    whole(anna, 1)
    one = job("failed", asset=1, args="[1]", error="It rained.")
    found = as_anna.page("/activity")
    following = re.search(r'/retry">.*?name="next" value="([^"]+)"', found.text, re.DOTALL)
    assert following
    assert csrf_fields(found).count(as_anna.csrf) == len(csrf_fields(found))
    answer = as_anna.post(f"/api/jobs/{one.id}/retry", form={"next": following[1]})
    assert "It is being tried again." in as_anna.page(answer.header("Location") or "").text


def test_pausing_until_the_morning(as_anna):
    as_anna.post("/api/queue/pause", form={"until": "morning"})
    until = time.localtime(holds.paused_until())
    assert (until.tm_hour, until.tm_min, until.tm_sec) == (steering.MORNING, 0, 0)
    assert 0 < holds.paused_until() - time.time() <= 25 * 3600
    assert as_anna.post("/api/queue/pause", json={"until": "noon"}).status == 422


def test_one_kind_is_paused_and_resumed(as_anna):
    workers.register("worker")
    job()
    as_anna.post("/api/queue/pause", form={"task": "process_asset", "seconds": "3600"})
    assert queue.dequeue() is None
    answer = as_anna.page("/activity")
    assert re.search(r"Paused until \d\d:\d\d", part(answer, "Waiting <"))
    assert re.search(r"Previews are paused until \d\d:\d\d, with 1 photo waiting\.", answer.text)
    assert as_anna.post("/api/queue/pause", json={"task": "nonsense"}).status == 404
    as_anna.post("/api/queue/resume", form={"task": "process_asset"})
    assert queue.dequeue() is not None


# Asking again and again


@pytest.fixture
def timeless(monkeypatch):
    """Time passes without making another page."""
    monkeypatch.setattr("homequeue.web.activity.BUSY_BEAT", 10**10)
    monkeypatch.setattr("homequeue.web.activity.CALM_BEAT", 10**10)


def test_a_page_that_is_the_same_is_not_made_again(as_anna, busy, timeless, monkeypatch):
    etag = as_anna.page("/activity").header("ETag")
    monkeypatch.setattr("homequeue.web.activity._now", lambda visit: pytest.fail("it was made"))
    answer = poll(as_anna, "/activity", etag)
    assert (answer.status, answer.body) == (304, b"")


def moves(anna) -> dict[str, object]:
    """What may happen, each of which must be seen at the next look."""
    return {
        "queued": lambda: job(asset=1, args="[1]"),
        "begun": lambda: queue.dequeue(),
        "further": lambda: Job.update(step="Reading").where(Job.state == "running").execute(),
        "done": lambda: Job.update(state="succeeded", finished_at=time.time())
        .where(Job.state == "running").execute(),
        "failed": lambda: job("failed", args="[1]", error="x", finished_at=time.time() + 1),
        "tried": lambda: steering.retry(Job.get(Job.state == "failed"), "Anna"),
        "later": lambda: job("retrying", due_at=time.time() + 60),
        "later still": lambda: Job.update(due_at=time.time() + 99)
        .where(Job.state == "retrying").execute(),
        "paused": lambda: steering.pause(None, "Anna"),
        "resumed": lambda: steering.resume("Anna"),
        "switched": lambda: steering.switch("rescue", "Anna", is_on=False),
        "workers": lambda: steering.set_workers(3, "Anna"),
        "worker": lambda: workers.register("worker"),
        "gone": lambda: Worker.delete().execute(),
        "away": lambda: (media.root / "originals" / ".homequeue").unlink(),
    }  # fmt: skip


def test_whatever_moves_makes_another_page(as_anna, anna, timeless):
    whole(anna, 1)
    etag = as_anna.page("/activity").header("ETag")
    for name, happen in moves(anna).items():
        happen()
        answer = poll(as_anna, "/activity", etag)
        assert answer.status == 200, f"nobody saw that something was {name}"
        etag = answer.header("ETag")
        assert poll(as_anna, "/activity", etag).status == 304, name


def test_time_alone_makes_another_page(as_anna, monkeypatch):
    job("running", started_at=time.time())
    etag = as_anna.page("/activity").header("ETag")
    later = time.time() + 2.5
    monkeypatch.setattr("homequeue.web.activity.time.time", lambda: later)
    assert poll(as_anna, "/activity", etag).status == 200


def test_a_page_is_for_one_session_only(as_anna, as_ben, app, anna):
    etag = as_anna.page("/activity").header("ETag")
    assert poll(as_ben, "/activity", etag).status == 200
    assert as_anna.page("/activity?said=paused").header("ETag") != etag


@pytest.mark.parametrize("path", ["/activity", "/activity/machine"])
def test_asking_costs_little_with_ten_thousand_jobs(as_anna, anna, path):
    now = time.time()
    assets = [row(anna, number).id for number in range(20)]
    values = [
        {"task": "process_asset", "asset": assets[n % 20],
         "state": "queued" if n % 3 else "succeeded", "started_at": now - n - 1,
         "finished_at": None if n % 3 else now - n}
        for n in range(10_000)
    ]  # fmt: skip
    for start in range(0, len(values), 500):
        Job.insert_many(values[start : start + 500]).execute()
    spans = []
    etag = None
    for _ in range(9):
        begun = time.process_time()
        answer = poll(as_anna, path, etag)
        spans.append((answer.status, time.process_time() - begun))
        etag = answer.header("ETag")
    same = sorted(span for status, span in spans if status == 304)
    assert len(same) >= 7
    assert same[len(same) // 2] < 0.05, "2 to 5 ms were measured; this is the limit"


# One job


def test_a_job_from_its_beginning_to_its_end(as_anna, anna):
    asset = send(anna, turned(1)).asset
    one = Job.get()
    work_off()
    answer = as_anna.page(f"/jobs/{one.id}")
    checked(answer)
    assert f"/assets/{asset.id}" in answer.text
    for words in ("Waiting", "Running", "Done", "Memory at its peak", "1 of 5 times", "Batch "):
        assert words in answer.text, words
    assert 'data-rest="0"' in answer.text, "what has ended need not be asked for again"
    assert f"process_asset({asset.id})" in answer.text


def test_a_job_tells_of_its_attempts_its_log_and_who_did_what(as_anna, as_ben, ben):
    asset = row(ben, 1)
    told = [
        {"at": 100.0, "state": "queued"},
        {"at": 101.5, "state": "running", "who": "pi.1f2e/0a-4.1/812/99"},
        {"at": 103.0, "state": "retrying", "words": "It rained."},
        {"at": 104.0, "state": "failed", "who": "Anna", "words": "dismissed"},
    ]
    one = job(
        "failed", asset=asset.id, error="It rained.", traceback="Trace", deaths=1,
        memory=48_000_000,
        history="".join(json.dumps(line) + "\n" for line in told), log="INFO one\nWARNING two",
    )  # fmt: skip
    answer = as_anna.page(f"/jobs/{one.id}")
    checked(answer)
    for words in ("for 1.5 s", "process 812 on pi", "It rained.", "dismissed · Anna", "Trace",
                  "INFO one\nWARNING two", "48 MB", "Crashed", "once"):  # fmt: skip
        assert words in answer.text, words
    own = as_ben.page(f"/jobs/{one.id}")
    checked(own)
    assert "WARNING two" not in own.text
    assert "Trace<" not in own.text
    for words in ("It rained.", "dismissed · Anna"):
        assert words in own.text, words
    for of_the_house in ("process 812", "pi.1f2e", " on pi"):
        assert of_the_house not in own.text, of_the_house


def test_a_job_that_was_tried_again_tells_since_when_it_counts(as_anna):
    told = [
        {"at": 100.0, "state": "queued"},
        {"at": 101.0, "state": "running"},
        {"at": 102.0, "state": "retrying", "words": "It rained."},
        {"at": 105.0, "state": "running"},
        {"at": 106.0, "state": "failed", "words": "It rained."},
        {"at": 110.0, "state": "failed", "who": "Anna", "words": "dismissed"},
    ]
    again = [{"at": 400.0, "state": "queued", "who": "Anna"}, {"at": 402.0, "state": "running"}]

    def page_of(moves, state, attempts):
        history = "".join(json.dumps(line) + "\n" for line in moves)
        return as_anna.page(
            f"/jobs/{job(state, attempts=attempts, max_attempts=5, history=history).id}"
        ).text

    text = page_of(told, "failed", 2)
    assert "<dt>Tried</dt><dd>2 of 5 times</dd>" in text
    assert not re.search(r"Failed\s+<span[^>]*>for ", text)
    assert re.search(r"Will be tried again\s+<span[^>]*>after 3.0 s", text)
    text = page_of(told + again, "running", 1)
    assert "<dt>Tried</dt><dd>1 of 5 times since it was queued again</dd>" in text
    assert not re.search(r"Failed\s+<span[^>]*>(for|after) ", text)
    assert re.search(r"Waiting\s+<span[^>]*>for 2.0 s", text)


def test_members_are_not_told_of_machines_and_processes(as_anna, as_ben, ben):
    workers.register("worker")
    send(ben, turned(1))
    work_off()
    me = processes.identity()
    one = job(
        "running", asset=row(ben, 7).id, worker=me, started_at=time.time(),
        history=Job.get().history,
    )  # fmt: skip
    addresses = (f"/jobs/{one.id}", f"/api/jobs/{one.id}", "/api/jobs", "/activity", "/api/queue")
    for address in addresses:
        told, hers = as_ben.page(address).text, as_anna.page(address).text
        for words in (me, processes.host(), f"process {os.getpid()}"):
            assert words not in told, (address, words)
        assert any(words in hers for words in (me, f"process {os.getpid()}", "Worker")), address
    assert as_ben.get(f"/api/jobs/{one.id}").json["worker"] is None
    assert as_anna.get(f"/api/jobs/{one.id}").json["worker"] == me
    begun = [line for line in as_anna.get("/api/jobs/1").json["history"] if "who" in line]
    assert [line["who"] for line in begun] == [me]
    assert " · Worker" not in as_ben.page("/activity").text


def test_strange_messages_are_shown_to_administrators_and_cleared(as_anna, as_ben):
    assert "Strange messages" not in as_anna.page("/activity").text
    tag = as_anna.page("/activity").header("ETag")
    strangers.keep(b"<script>alert(1)</script>\xff" + b"x" * 5000, "")
    answer = as_anna.request("GET", "/activity", headers={"If-None-Match": tag or ""})
    assert answer.status == 200, "it is another page now"
    checked(answer)
    assert "Strange messages" in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\xffxxx" in answer.text
    assert re.search(r'strangers-title">Strange messages <span class="number">1<', answer.text)
    assert len(re.search(r'class="strange">([^<]*)<', answer.text)[1]) < 300
    assert "Strange messages" not in as_ben.page("/activity").text
    assert "strange_messages" not in as_ben.get("/api/queue").json
    (told,) = as_anna.get("/api/queue").json["strange_messages"]
    assert told["text"].startswith("b'<script>")
    assert as_ben.post("/api/queue/strange/clear").status == 403
    answer = as_anna.post("/api/queue/strange/clear", form={"next": "/activity?said=cleared"})
    assert answer.status == 303
    assert "Cleared." in as_anna.page(answer.header("Location")).text
    assert as_anna.post("/api/queue/strange/clear").json == {"messages": 0}
    assert strangers.found() == []
    assert [deed.words for deed in Deed.select()] == ["cleared 1 strange message"]


def test_the_family_of_a_job(as_anna, as_ben, ben, anna):
    mine, hers = row(ben, 1).id, row(anna, 2).id
    parent = job("succeeded", asset=mine)
    after = job("scheduled", asset=mine, waits_for=1)
    one = job("running", asset=mine, parent=parent.id, follower=after.id, started_at=time.time())
    child, foreign = job(asset=mine, parent=one.id), job(asset=hers, parent=one.id)
    answer = as_anna.page(f"/jobs/{one.id}")
    checked(answer)
    for title, other in (("Queued by", parent), ("Followed by", after), ("Has queued", child)):
        assert f'id="job-{other.id}"' in part(answer, f"<h2>{title}"), title
    assert "<h2>Waits for" in as_anna.page(f"/jobs/{after.id}").text
    assert f'id="job-{foreign.id}"' in answer.text
    assert f'id="job-{foreign.id}"' not in as_ben.page(f"/jobs/{one.id}").text


def test_a_page_of_a_running_job_asks_again(as_anna):
    one = job("running", started_at=time.time() - 5)
    answer = as_anna.page(f"/jobs/{one.id}")
    assert 'data-rest="2000"' in answer.text
    assert poll(as_anna, f"/jobs/{one.id}", answer.header("ETag")).status in (200, 304)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Anna", "Anna"),
        ("root (command line)", "root (command line)"),
        ("pi.1f2e/0a-4.1/812/99", "process 812 on pi"),
        ("pi.lan.1f2e/0a-4.1/812/99", "process 812 on pi.lan"),
        ("", ""),
    ],
)
def test_who_it_was(name, words):
    assert _who(name) == words


# The history


def ids(answer: Answer) -> list[int]:
    checked(answer)
    return [int(found) for found in re.findall(r'<li class="job[^"]*" id="job-(\d+)"', answer.text)]


def test_the_history_by_filters_of_its_address(as_anna, anna):
    sea, hill = row(anna, 1, filename="Sea.jpg").id, row(anna, 2, filename="hill.jpg").id
    one, two = job("failed", asset=sea, error="x"), job("succeeded", asset=hill)
    three = job("cancelled", task="rescue")
    ask = as_anna.page
    assert ids(ask("/activity/history")) == [three.id, two.id, one.id]
    assert ids(ask("/activity/history?state=failed,quarantined")) == [one.id]
    assert ids(ask("/activity/history?q=sea")) == [one.id]
    assert ids(ask("/activity/history?task=rescue")) == [three.id]
    assert ids(ask(f"/activity/history?asset={hill}")) == [two.id]
    assert ids(ask("/activity/history?cause=x")) == [one.id]
    assert ids(ask("/activity/history?q=sea&state=succeeded")) == []
    assert "There are no such jobs." in ask("/activity/history?q=sea&state=succeeded").text
    chosen = ask("/activity/history?q=sea&state=failed,quarantined&task=process_asset").text
    assert 'value="sea"' in chosen
    assert '<option value="failed,quarantined" selected>' in chosen
    assert '<option value="process_asset" selected>Making previews' in chosen
    odd = ask("/activity/history?state=failed,retrying").text
    assert '<option value="failed,retrying" selected>Failed or Will be tried again' in odd
    assert ask("/activity/history?state=nonsense").status == 422


def test_older_pages_of_the_history_keep_its_filters(as_anna):
    made = [job("succeeded").id for _ in range(120)]
    job("cancelled")
    path, seen = "/activity/history?state=succeeded", []
    while path:
        answer = as_anna.page(path)
        seen += ids(answer)
        following = re.search(r'id="older" href="([^"]+)"', answer.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == made[::-1]


def test_members_find_their_own_only(as_ben, ben, anna):
    own = job(asset=row(ben, 1).id)
    job(asset=row(anna, 2, filename="hers.jpg").id)
    assert ids(as_ben.page("/activity/history")) == [own.id]
    assert ids(as_ben.page("/activity/history?q=hers")) == []


# What people send


@pytest.mark.parametrize("path", ["/activity", "/activity/history", "/jobs/1", "/activity/machine"])
def test_words_of_people_never_become_markup(as_anna, anna, path):
    row(anna, 1, filename=EVIL)
    for state in ledger.STATES:
        job(
            state, asset=1, error=EVIL, traceback=EVIL, log=EVIL, step=EVIL,
            result=json.dumps(EVIL),
            history=json.dumps({"at": 1.0, "state": state, "who": EVIL, "words": EVIL}) + "\n",
        )  # fmt: skip
    Deed.create(who=EVIL, words=EVIL)
    Worker.create(identity=identity(), parent=EVIL, name=EVIL)
    facts.remember("pauses", {EVIL: time.time() + 99})
    answer = as_anna.page(path)
    checked(answer)
    assert "alert(" in answer.text
    assert Asset.get().filename == EVIL


def test_every_kind_of_work_has_words(house):
    for name in queue.tasks():
        words = kind_label(name)
        assert words != name, f"{name} has no label"
        assert "{" not in words, f"{name} needs a kind"
