"""Behind the scenes: workers, kinds, chores, the machine, and what administrators set there."""

import re
import time

import pytest

from homequeue import facts, holds, ledger, processes
from homequeue.media import media
from homequeue.models import Deed, Job, Periodic, Tally, Worker
from homequeue.queue import queue, workers
from homequeue.queue.storage import RedisBell
from homequeue.services import crew, machine, steering, trends
from homequeue.services.trends import Slot
from homequeue.web import backstage, pictures
from tests.library import job, row, whole
from tests.web.reading import checked

MACHINE = "/activity/machine"
HOUR = 3600


def section(answer, title: str) -> str:
    checked(answer)
    return answer.text.partition(f">{title}<")[2].partition("</section>")[0]


def elsewhere(number: int = 7, **values) -> Worker:
    identity = f"attic.77/{processes.boot_id()}.1/{number}/99"
    defaults = {"identity": identity, "parent": "x", "name": "worker"}
    return Worker.create(**defaults | values)


# The page


def test_behind_the_scenes_in_every_state(as_anna, as_ben, busy):
    Deed.create(who="Ben", words="stopped job 17")
    answer = as_anna.page(MACHINE)
    checked(answer)
    assert "Ben stopped job 17" in section(answer, "Who did what")
    assert "Looking for lost work" in section(answer, "Housekeeping")
    assert 'href="/activity/history?state=failed"' in section(answer, "Jobs by state")
    assert "Making previews" in section(answer, "Kinds of work")
    assert as_ben.page(MACHINE).status == 403


def test_behind_the_scenes_when_nothing_happens(as_anna):
    answer = as_anna.page(MACHINE)
    assert "No worker is awake" in section(answer, "Workers")
    assert "Nothing was done." in section(answer, "Kinds of work")
    assert "No photo lacks its pictures." in section(answer, "Make pictures again")
    assert "Nobody has pressed anything yet." in section(answer, "Who did what")


def test_workers_are_told_with_what_they_do(as_anna):
    workers.register("worker")
    one = job("running", worker=processes.identity(), started_at=time.time() - 61)
    elsewhere(seen_at=time.time() - 5)
    shown = section(as_anna.page(MACHINE), "Workers")
    assert f'href="/jobs/{one.id}">Making previews</a> for 1 minute' in shown
    assert re.search(r"\d MB", shown)
    assert "Worker on attic" in shown
    assert "heard of 5 seconds ago" in shown
    assert "Seems to be stuck" not in shown


def test_a_worker_elsewhere_that_fell_silent_seems_stuck(as_anna):
    elsewhere(seen_at=time.time() - workers.LEASE - 5)
    shown = section(as_anna.page(MACHINE), "Workers")
    assert "Seems to be stuck" in shown
    assert as_anna.get("/api/queue").json["workers"][0]["stuck"] is True


def test_kinds_of_work_with_their_figures(as_anna):
    now = time.time()
    for number in range(40):
        state = "failed" if number < 1 else "succeeded"
        job(state, queued_at=now - 9, due_at=now - 9, started_at=now - 4, finished_at=now - 2)
    holds.pause(now + 3600, "process_asset")
    shown = section(as_anna.page(MACHINE), "Kinds of work")
    assert re.findall(r"<td[^>]*>([^<\n]+)</td>", shown) == [
        "40",
        "2.0 s",
        "2.0 s",
        "5.0 s",
        "2.5 %",
    ]
    assert "Paused until" in shown
    assert 'action="/api/queue/resume"' in shown


def test_periodic_work_is_started_and_switched_off(as_anna):
    last = job("failed", task="rescue", error="It rained.")
    Periodic.create(task="rescue", last_due=time.time(), job=last.id)
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    assert f'href="/jobs/{last.id}">Failed' in shown
    as_anna.post("/api/periodic/rescue/run", form={})
    assert Job.select().where(Job.task == "rescue", Job.state == "queued").count() == 1
    as_anna.post("/api/periodic/rescue/switch", form={})
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    assert "switched off" in shown
    assert 'name="on" value="1"' in shown
    as_anna.post("/api/periodic/rescue/switch", form={"on": "1"})
    assert "switched off" not in section(as_anna.page(MACHINE), "Housekeeping")


def test_how_many_work_side_by_side(as_anna, monkeypatch):
    answer = as_anna.post("/api/queue/workers", form={"workers": "3"})
    assert answer.status == 303
    shown = section(as_anna.page(MACHINE), "Workers")
    assert re.search(r'name="workers"[^>]* value="3"', shown)
    assert "hot or short of memory" not in shown
    monkeypatch.setattr(processes, "is_strained", lambda: True)
    assert "hot or short of memory" in section(as_anna.page(MACHINE), "Workers")


def test_pictures_are_made_again_after_a_count(as_anna, anna):
    whole(anna, 1)
    row(anna, 2)
    row(anna, 3, trashed_at=5.0)
    shown = section(as_anna.page(MACHINE), "Make pictures again")
    assert "The missing 1" in shown
    assert "All 2…" in shown
    as_anna.post("/api/queue/again", form={"which": "all"})
    assert Job.select().where(Job.task == "process_asset").count() == 2
    assert "had the pictures of 2 photos made again" in as_anna.page(MACHINE).text


def test_the_machine_and_its_storage(as_anna, monkeypatch):
    found = machine.Machine(81.4, (5.0, 1, 1), 2, 10**9, 10**7, 10**12, 5 * 10**11, 12.2)
    monkeypatch.setattr(machine, "now", lambda: found)
    answer = as_anna.page(MACHINE)
    shown = section(answer, "The machine")
    for words in ("81 °C", "load 5.00 on 2 cores", "10 MB free of 1 GB",
                  "500 GB free of 1 TB, full in 12 days at this pace"):  # fmt: skip
        assert words in shown, words
    assert shown.count('class="is-bad"') == 3, "hot, busy and full, but there is room on the disk"
    storage = section(answer, "Storage")
    assert "SQLite in" in storage or "PostgreSQL" in storage
    assert "A pipe in the data folder wakes the workers" in storage or "PostgreSQL wakes" in storage
    (media.root / "originals" / ".homequeue").unlink()
    assert "not mounted" in section(as_anna.page(MACHINE), "Storage")


def test_a_bell_that_nobody_hears_is_told(as_anna, monkeypatch):
    bell = RedisBell("homequeue", "redis://127.0.0.1:1/0")
    bell.enqueue(b"hello")
    monkeypatch.setattr(queue, "storage", bell)
    shown = section(as_anna.page(MACHINE), "Storage")
    assert "Redis wakes the workers" in shown
    assert backstage._storage()[-1]["is_bad"]


@pytest.mark.parametrize("span", ["hour", "day", "month"])
def test_spans_of_the_pictures(as_anna, span):
    now = time.time()
    job("succeeded", started_at=now - 2, finished_at=now)
    answer = as_anna.page(f"{MACHINE}?span={span}")
    checked(answer)
    assert f"The last {span}" in answer.text
    assert f"1 done in the last {span}." in answer.text
    assert 'role="img"' in answer.text
    assert "As a table" in answer.text
    assert f"span={span}" in answer.text.partition('name="next" value="')[2] or span == "day"


def test_a_span_that_is_none(as_anna):
    assert as_anna.page(f"{MACHINE}?span=year").status == 422


# Who is on duty


def test_the_dead_are_not_on_duty_and_names_are_told_apart(house):
    workers.register("worker")
    Worker.create(identity=processes.identity() + "0", parent="x")
    elsewhere(7)
    elsewhere(8)
    names = [hand.name for hand in crew.on_duty()]
    assert names == ["Worker", "Worker on attic 1", "Worker on attic 2"]
    assert crew.names()[processes.identity()] == "Worker"


@pytest.mark.parametrize(
    ("usual", "taken", "is_slow"),
    [(1, 299, False), (1, 301, True), (40, 390, False), (40, 410, True), (None, 99_999, False)],
)
def test_who_is_slow(house, usual, taken, is_slow):
    now = time.time()
    if usual is not None:
        job("succeeded", started_at=now - 10 - usual, finished_at=now - 10)
    assert crew.is_slow(job("running", started_at=now - taken)) is is_slow
    assert not crew.is_slow(job("succeeded", started_at=now - taken))


def test_memory_of_a_process(tmp_path):
    here = processes.memory_of(processes.identity())
    assert here is not None
    assert 5 * 10**6 < here < 4 * 10**9
    assert processes.memory_of(f"x/y/{2**22 + 1}/1") is None


# Trends


def test_the_last_hour_in_pieces(house):
    now = time.time()
    job("succeeded", started_at=now - 1, finished_at=now)
    job("failed", started_at=now - 3, finished_at=now)
    job("cancelled", finished_at=now)
    job("succeeded", task="rescue", started_at=now - 99, finished_at=now)
    job("succeeded", started_at=now - 4000, finished_at=now - 3900)
    slots = trends.of_hour()
    assert len(slots) == 30
    assert [slot.start for slot in slots] == sorted(slot.start for slot in slots)
    assert sum(slot.runs for slot in slots) == 2
    assert (slots[-1].succeeded, slots[-1].failed) == (1, 1)
    assert slots[-1].median == pytest.approx(2, abs=0.01)


def test_the_last_day_is_what_was_written_down_and_what_was_not_yet(house):
    hour = int(time.time()) // HOUR
    common = {"wait": 0.0, "median": 2.0, "p95": 4.0}
    Tally.create(hour=hour - 5, task="process_asset", succeeded=10, failed=2, **common)
    Tally.create(
        hour=hour - 5, task="report_uploads", succeeded=12, failed=0, **common | {"median": 4}
    )
    Tally.create(hour=hour - 5, task="rescue", succeeded=99, failed=0, **common)
    Tally.create(hour=hour - 30, task="process_asset", succeeded=99, failed=0, **common)
    for ago in (0, 1):
        moment = (hour - ago) * HOUR
        job("succeeded", started_at=moment - 1, finished_at=moment + 1)
    slots = trends.of_day()
    assert len(slots) == 24
    assert [slot.runs for slot in slots if slot.runs] == [24, 1, 1]
    told = slots[24 - 6]
    assert (told.succeeded, told.failed, told.median) == (22, 2, 3.0)


def test_an_hour_is_not_counted_twice(house):
    hour = int(time.time()) // HOUR - 1
    job("succeeded", started_at=hour * HOUR, finished_at=hour * HOUR + 1)
    assert sum(slot.runs for slot in trends.of_day()) == 1
    values = {"succeeded": 1, "failed": 0, "wait": 0.0, "median": 1.0, "p95": 1.0}
    Tally.create(hour=hour, task="process_asset", **values)
    assert sum(slot.runs for slot in trends.of_day()) == 1


def test_the_last_month_by_days_of_the_calendar(house):
    values = {"succeeded": 1, "failed": 0, "wait": 0.0, "median": 1.0, "p95": 1.0}
    hour = int(time.time()) // HOUR
    for back in range(2, 29 * 24):
        Tally.create(hour=hour - back, task="process_asset", **values)
    slots = trends.of_month()
    assert len(slots) == trends.DAYS
    assert {time.localtime(slot.start).tm_hour for slot in slots} == {0}
    assert [slot.runs for slot in slots[5:-2]] == [24] * 23
    assert all(slot.median == 1.0 for slot in slots[5:-2])


# Pictures


def test_bars_fill_the_room_and_never_leave_it():
    slots = [Slot(0.0, 3, 1, 1.0, 2.0), Slot(60.0), Slot(120.0, 1000, 0, 0.5, 9.0)]
    for picture in (pictures.done(slots, "hour"), pictures.taken(slots)):
        for bar in picture["bars"]:
            assert 0 <= bar.x <= bar.x + bar.width <= pictures.WIDTH
            assert 0 <= bar.low <= bar.high <= pictures.HEIGHT
        assert picture["bars"][1].high == 0
        assert picture["bars"][2].high == pictures.HEIGHT
        assert picture["bars"][0].low >= pictures.LEAST, "what is not nothing is seen"
    assert (
        pictures.done(slots, "hour")["words"]
        == "1,004 done in the last hour, 1 of them without success."
    )
    assert pictures.taken(slots)["words"] == "Typically 0.50 s, at most 9.0 s for 95 in 100."


def test_pictures_of_nothing():
    slots = [Slot(0.0), Slot(60.0)]
    assert pictures.done(slots, "day")["words"] == "0 done in the last day."
    assert pictures.taken(slots)["words"] == "Nothing was done."
    assert pictures.table(slots, "day") == []
    assert {bar.high for bar in pictures.done(slots, "day")["bars"]} == {0}


def test_the_table_says_what_the_pictures_show():
    (told,) = pictures.table([Slot(0.0), Slot(3600.0, 1200, 3, 0.5, 2.5)], "month")
    assert told | {"when": ""} == {
        "when": "", "done": "1,200", "failed": "3", "median": "0.50 s", "p95": "2.5 s",
    }  # fmt: skip


# The API of it


def test_the_queue_tells_programs_of_workers_and_batches(as_anna, as_ben, ben):
    workers.register("worker")
    one = job("running", asset=row(ben, 1).id, batch=1, worker=processes.identity(), started_at=5.0)
    steering.make_again([], lambda _: None, "Anna")
    found = as_anna.get("/api/queue").json
    (worker,) = found["workers"]
    assert (worker["name"], worker["job"], worker["stuck"]) == ("Worker", one.id, False)
    assert worker["memory"] > 10**6
    (batch,) = found["batches"]
    assert (batch["kind"], batch["total"], batch["done"], batch["failed"]) == ("again", 1, 0, 0)
    assert batch["seconds_left"] is None
    assert as_ben.get("/api/queue").json["batches"] == []
    assert facts.recall("workers") is None
    assert ledger.counts()["running"] == 1
