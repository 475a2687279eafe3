"""Behind the scenes: workers, kinds, chores, the machine, and what administrators set there."""

import re
import time

import pytest

from homequeue import facts, holds, ledger, processes
from homequeue.media import media
from homequeue.models import Deed, Job, Periodic, Tally, Worker
from homequeue.queue import queue, workers
from homequeue.queue.storage import RedisBell, Unbound
from homequeue.services import crew, hearing, machine, steering, trends
from homequeue.services.trends import Slot
from homequeue.web import pictures
from homequeue.web.moments import near_label
from homequeue.web.shapes import rfc3339
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
    assert re.search(
        r'Ben stopped <a [^>]+ href="/jobs/17">job 17</a>', section(answer, "Who did what")
    )
    assert "Looking for lost work" in section(answer, "Housekeeping")
    assert 'href="/activity/history?state=failed"' in section(answer, "Jobs by state")
    assert "Making previews" in section(answer, "Kinds of work")
    assert as_ben.page(MACHINE).status == 403


def test_jobs_by_state_are_as_many_as_their_lists_have(as_anna):
    for state in ("succeeded", "failed", "quarantined"):
        job(state, finished_at=5.0)
        job(state, finished_at=5.0, dismissed_at=6.0 if state != "succeeded" else None)
    shown = section(as_anna.page(MACHINE), "Jobs by state")
    counted = re.findall(r'href="([^"]+)">([^<]+)</a><span>(\d+)<', shown)
    assert [(words, count) for _, words, count in counted] == [
        ("Done", "2"), ("Failed", "1"), ("Set aside", "1"), ("Dismissed", "2"),
    ]  # fmt: skip
    for address, _, count in counted:
        assert f">{count} job" in as_anna.page(address).text


def test_behind_the_scenes_when_nothing_happens(as_anna):
    answer = as_anna.page(MACHINE)
    assert "No worker is awake" in section(answer, "Workers")
    assert "Nothing was done." in section(answer, "Kinds of work")
    assert "No photo lacks its pictures." in section(answer, "Make pictures again")
    assert "Nobody has pressed anything yet." in section(answer, "Who did what")


def test_workers_are_told_with_what_they_do(as_anna):
    workers.register("worker")
    one = job("running", worker=processes.identity(), started_at=time.time() - 61)
    elsewhere(seen_at=time.time() - 5, memory=98_765_432)
    shown = section(as_anna.page(MACHINE), "Workers")
    assert f'href="/jobs/{one.id}">Making previews</a> for 1 minute' in shown
    assert re.search(r"\d MB", shown)
    assert "98.8 MB" in shown, "as the one elsewhere told"
    assert "Worker on attic" in shown
    assert "heard of 5 seconds ago" in shown
    assert "Seems to be stuck" not in shown


def test_workers_are_listed_by_their_names(as_anna):
    workers.register("worker 10")
    elsewhere(1, name="worker 2", started_at=time.time() + 1)
    elsewhere(2, name="worker 1", started_at=time.time() + 2)
    job("running", worker=processes.identity())
    shown = section(as_anna.page(MACHINE), "Workers")
    told = re.findall(r"Worker \d+", shown)
    assert told == ["Worker 1", "Worker 2", "Worker 10"]


def test_programs_are_told_when_each_worker_was_heard_of_and_how_large_it_is(as_anna):
    workers.register("worker")
    heard = time.time() - 5
    elsewhere(seen_at=heard, memory=98_765_432)
    Worker.update(started_at=1720700000.0).execute()
    Worker.update(seen_at=1720700000.0).where(Worker.identity == processes.identity()).execute()
    far, here = sorted(as_anna.get("/api/queue").json["workers"], key=lambda one: one["seen_at"])
    assert (far["seen_at"], far["memory"]) == (rfc3339(heard), 98_765_432)
    assert here["seen_at"] > far["seen_at"], "it lives, so it is heard of now"
    assert here["memory"] > 10**6


def test_a_worker_elsewhere_that_fell_silent_at_work_seems_stuck(as_anna):
    silent = elsewhere(seen_at=time.time() - workers.LEASE - 5)
    job("running", worker=silent.identity)
    shown = section(as_anna.page(MACHINE), "Workers")
    assert "Seems to be stuck" in shown
    assert as_anna.get("/api/queue").json["workers"][0]["stuck"] is True


def test_a_worker_elsewhere_that_fell_silent_without_work_is_gone(as_anna):
    elsewhere(seen_at=time.time() - workers.LEASE - 5)
    assert "attic" not in section(as_anna.page(MACHINE), "Workers")
    assert as_anna.get("/api/queue").json["workers"] == []


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


def test_a_kind_that_did_not_run_lately_is_there_too(as_anna):
    job("cancelled", task="convert_video", finished_at=time.time())
    shown = section(as_anna.page(MACHINE), "Kinds of work")
    assert "Converting videos" in shown
    assert 'id="pause-convert_video"' in shown
    assert "Telling about new photos" not in shown


def test_a_deed_names_its_job_with_a_link(as_anna):
    one = job("failed", task="rescue")
    as_anna.post(f"/api/jobs/{one.id}/dismiss", form={})
    as_anna.post("/api/queue/pause", form={})
    answer = as_anna.page(MACHINE)
    checked(answer)
    shown = section(answer, "Who did what")
    named = rf'href="/jobs/{one.id}">job {one.id}</a> \(Looking for lost work\)</span>'
    assert re.search(rf"Anna dismissed <a [^>]*{named}", shown)
    assert "Anna paused the queue</span>" in shown


def test_periodic_work_is_started_and_switched_off(as_anna):
    last = job("failed", task="rescue", error="It rained.")
    Periodic.create(task="rescue", last_due=time.time(), job=last.id)
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    assert f'href="/jobs/{last.id}">Failed' in shown
    as_anna.post("/api/periodic/rescue/run", form={})
    assert Job.select().where(Job.task == "rescue", Job.state == "queued").count() == 1
    assert 'name="on" value="0"' in shown
    assert 'name="on" value="1"' not in shown
    as_anna.post("/api/periodic/rescue/switch", form={"on": "0"})
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    assert "switched off" in shown
    assert 'name="on" value="1"' in shown
    as_anna.post("/api/periodic/rescue/switch", form={"on": "1"})
    assert "switched off" not in section(as_anna.page(MACHINE), "Housekeeping")


def test_the_last_run_is_when_it_ended_here_and_for_programs(as_anna):
    ended = time.time() - 7200
    last = job("succeeded", task="rescue", started_at=ended - 1, finished_at=ended)
    Periodic.create(task="rescue", last_due=time.time(), job=last.id)
    as_anna.post("/api/periodic/rescue/run", form={})
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    assert f"last {near_label(ended, time.time())}" in shown
    rows = {one["task"]: one for one in as_anna.get("/api/queue").json["periodic"]}
    assert rows["rescue"]["last_run"] == rfc3339(ended)


def test_what_is_done_only_when_wanted_says_so(as_anna):
    shown = section(as_anna.page(MACHINE), "Housekeeping")
    inbox = shown.partition('id="chore-empty_inbox"')[2].partition("</li>")[0]
    assert "nothing to do yet" in inbox
    assert "when there is something to do" in inbox
    assert "next" not in inbox.partition("job-actions")[0]


def test_what_is_started_twice_is_done_once_and_says_so(as_anna):
    assert as_anna.post("/api/periodic/rescue/run").status == 200
    answer = as_anna.post("/api/periodic/rescue/run")
    assert answer.status == 409
    assert "“Looking for lost work” waits already" in answer.json["error"]
    assert "waits already" in as_anna.post("/api/periodic/rescue/run", form={}).text
    assert Deed.select().count() == Job.select().count() == 1


@pytest.mark.parametrize(
    "options",
    [{}, *({"json": {"on": on}} for on in ("1", "true", 1, 0, None, [])),
     *({"form": fields} for fields in ({}, {"on": ""}, {"on": "no"}))],
)  # fmt: skip
def test_a_switch_that_says_neither_on_nor_off_changes_nothing(as_anna, options):
    answer = as_anna.post("/api/periodic/rescue/switch", **options)
    assert answer.status == 422
    assert "“on” is true or false." in answer.text
    assert Periodic.get_or_none(Periodic.task == "rescue") is None
    assert Deed.select().count() == 0


def test_programs_switch_both_ways(as_anna):
    for on in (False, True):
        found = as_anna.post("/api/periodic/rescue/switch", json={"on": on}).json["periodic"]
        assert [one["on"] for one in found if one["task"] == "rescue"] == [on]


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
    assert ">1 missing<" in shown
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
    assert "stuck" not in section(as_anna.page(MACHINE), "Storage")
    monkeypatch.setattr(queue, "storage", RedisBell("homequeue", "redis://127.0.0.1:1/0"))
    shown = section(as_anna.page(MACHINE), "Storage")
    assert "Redis wakes the workers" in shown
    assert "Redis does not answer: " in shown
    assert "dot stuck" in shown


def test_the_server_of_the_bell_is_asked_now_and_then_and_by_one_at_a_time(house, monkeypatch):
    asked, told = [], ["It is away.", ""]

    class Bell(Unbound):
        def trouble(self) -> str:
            asked.append(hearing.trouble())
            return told[0]

    monkeypatch.setattr(hearing, "_known", hearing._Known())
    monkeypatch.setattr(queue, "storage", Bell())
    assert hearing.trouble() == "It is away."
    told.pop(0)
    assert hearing.trouble() == "It is away."
    assert asked == [""], "whoever comes meanwhile does not wait"
    later = time.monotonic() + hearing.REMEMBERED + 1
    monkeypatch.setattr(hearing.time, "monotonic", lambda: later)
    assert hearing.trouble() == ""
    assert asked == ["", "It is away."]
    monkeypatch.setattr(Bell, "trouble", lambda _: 1 / 0)
    monkeypatch.setattr(hearing.time, "monotonic", lambda: 2 * later)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            hearing.trouble()


@pytest.mark.parametrize("span", ["hour", "day", "month"])
def test_spans_of_the_pictures(as_anna, span):
    now = time.time()
    job("succeeded", started_at=now - 2, finished_at=now)
    answer = as_anna.page(f"{MACHINE}?span={span}")
    checked(answer)
    assert f"The last {span}" in answer.text
    assert f"1 done in the last {span}, without housekeeping." in answer.text
    assert 'role="img"' in answer.text
    assert "As a table" in answer.text
    assert f"span={span}" in answer.text.partition('name="next" value="')[2]


def test_a_span_that_is_none(as_anna):
    assert as_anna.page(f"{MACHINE}?span=year").status == 422


def test_all_that_people_did_is_found_page_by_page(as_anna, as_ben):
    for number in range(45):
        Deed.create(who="Ben", words=f"paused the queue, {number:02}")
    path, seen = f"{MACHINE}?span=month", []
    while path:
        answer = as_anna.page(path)
        shown = section(answer, "Who did what")
        seen += re.findall(r"the queue, (\d\d)", shown)
        assert ("Newest" in shown) == ("cursor=" in path)
        assert "The last month" in answer.text
        following = re.search(r'href="([^"]+)#deeds">Older', shown)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"{number:02}" for number in reversed(range(45))]
    first = as_anna.get("/api/queue/deeds?limit=40").json
    rest = as_anna.get(f"/api/queue/deeds?limit=40&cursor={first['next']}").json
    assert (len(first["deeds"]), len(rest["deeds"]), rest["next"]) == (40, 5, None)
    assert rest["deeds"][-1]["words"] == "paused the queue, 00"
    assert len(as_anna.get("/api/queue").json["deeds"]) == 20
    assert as_ben.get("/api/queue/deeds").status == 403


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


@pytest.mark.parametrize(
    ("values", "is_slow"),
    [({"timeout": 5000.0}, False), ({"timeout": 900.0}, True), ({"reported": 5}, False),
     ({"reported": 299}, False), ({"reported": 301}, True)],
)  # fmt: skip
def test_who_says_how_far_it_is_or_has_time_left_is_not_stuck(house, values, is_slow):
    now = time.time()
    job("succeeded", started_at=now - 11, finished_at=now - 10)
    reported = values.pop("reported", None)
    at = {"reported_at": now - reported} if reported else {}
    assert crew.is_slow(job("running", started_at=now - 1000, **values, **at)) is is_slow


def test_memory_of_a_process(tmp_path):
    here = processes.memory_of(processes.identity())
    assert here is not None
    assert 5 * 10**6 < here < 4 * 10**9
    assert processes.memory_of(f"x/y/{2**22 + 1}/1") is None


# Trends


def test_the_last_hour_in_pieces(house):
    now = time.time()
    job("succeeded", queued_at=now - 9, due_at=now - 5, started_at=now - 1, finished_at=now)
    job("failed", queued_at=now - 9, due_at=now - 20, started_at=now - 3, finished_at=now)
    job("cancelled", finished_at=now)
    job("succeeded", task="rescue", started_at=now - 99, finished_at=now)
    job("succeeded", started_at=now - 4000, finished_at=now - 3900)
    slots = trends.of_hour()
    assert len(slots) == 30
    assert [slot.start for slot in slots] == sorted(slot.start for slot in slots)
    assert sum(slot.runs for slot in slots) == 2
    assert (slots[-1].succeeded, slots[-1].failed) == (1, 1)
    assert slots[-1].median == pytest.approx(2, abs=0.01)
    assert slots[-1].wait == pytest.approx(5, abs=0.01)


def test_the_last_day_is_what_was_written_down_and_what_was_not_yet(house):
    hour = int(time.time()) // HOUR
    common = {"wait": 3.0, "median": 2.0, "p95": 4.0}
    Tally.create(hour=hour - 5, task="process_asset", succeeded=10, failed=2, **common)
    Tally.create(
        hour=hour - 5,
        task="report_uploads",
        succeeded=12,
        failed=0,
        **common | {"median": 4, "wait": 7},
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
    assert (told.succeeded, told.failed, told.median, told.wait) == (22, 2, 3.0, 5.0)


def test_an_hour_is_not_counted_twice(house):
    hour = int(time.time()) // HOUR - 1
    job("succeeded", started_at=hour * HOUR, finished_at=hour * HOUR + 1)
    assert sum(slot.runs for slot in trends.of_day()) == 1
    values = {"succeeded": 1, "failed": 0, "wait": 0.0, "median": 1.0, "p95": 1.0}
    Tally.create(hour=hour, task="process_asset", **values)
    assert sum(slot.runs for slot in trends.of_day()) == 1


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"])
def test_the_last_month_by_days_of_the_calendar(house, zone, monkeypatch, request):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    request.addfinalizer(lambda: (monkeypatch.undo(), time.tzset()))
    values = {"succeeded": 1, "failed": 0, "wait": 0.0, "median": 1.0, "p95": 1.0}
    hour = int(time.time()) // HOUR
    for back in range(2, 29 * 24):
        Tally.create(hour=hour - back, task="process_asset", **values)
    slots = trends.of_month()
    assert len(slots) == trends.DAYS
    assert {time.localtime(slot.start).tm_hour for slot in slots} == {0}
    ends = [slot.start for slot in slots[6:-1]]
    hours = [round((end - slot.start) / HOUR) for slot, end in zip(slots[5:-2], ends, strict=True)]
    assert [slot.runs for slot in slots[5:-2]] == hours
    assert all(slot.median == 1.0 for slot in slots[5:-2])


# Pictures


def test_bars_fill_the_room_and_never_leave_it():
    slots = [Slot(0.0, 3, 1, 1, 2, 3), Slot(60.0), Slot(120.0, 1000, 0, 0.5, 9.0, 30.0)]
    drawn = pictures.done(slots, "hour"), pictures.taken(slots), pictures.waited(slots)
    for picture in drawn:
        for bar in picture["bars"]:
            assert 0 <= bar.x <= bar.x + bar.width <= pictures.WIDTH
            assert 0 <= bar.low <= bar.high <= pictures.HEIGHT
        assert picture["bars"][1].high == 0
        assert picture["bars"][2].high == pictures.HEIGHT
        assert picture["bars"][0].low >= pictures.LEAST, "what is not nothing is seen"
    assert (
        pictures.done(slots, "hour")["words"]
        == "1,003 done and 1 failed in the last hour, without housekeeping."
    )
    assert pictures.taken(slots)["words"] == "Typically 0.50 s, at most 9.0 s for 95 in 100."
    assert pictures.waited(slots)["words"] == "Typically 30 s, and 30 s when it was slowest."


def test_pictures_of_nothing():
    slots = [Slot(0.0), Slot(60.0)]
    assert pictures.done(slots, "day")["words"] == "0 done in the last day, without housekeeping."
    assert pictures.taken(slots)["words"] == "Nothing was done."
    assert pictures.waited(slots)["words"] == "Nothing was done."
    assert pictures.table(slots, "day") == []
    assert {bar.high for bar in pictures.done(slots, "day")["bars"]} == {0}


def test_the_table_says_what_the_pictures_show():
    (told,) = pictures.table([Slot(0.0), Slot(3600.0, 1200, 3, 0.5, 2.5, 9.0)], "month")
    assert told | {"when": ""} == {
        "when": "", "done": "1,200", "failed": "3", "median": "0.50 s", "p95": "2.5 s",
        "wait": "9.0 s",
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
    of_ben = as_ben.get("/api/queue")
    assert of_ben.json["batches"] == []
    assert of_ben.json["workers_alive"] == found["workers_alive"] == 1
    for word in ("workers", "allowed", "strained", "storage", "deeds"):
        assert (word in found, word in of_ben.json) == (True, False)
    assert processes.host() not in of_ben.text
    assert facts.recall("workers") is None
    assert ledger.counts()["running"] == 1


def test_the_queue_tells_programs_what_the_page_tells_people(as_anna, as_ben, ben, monkeypatch):
    for number in range(3):
        job("failed", asset=row(ben, number).id, error=f"It rained at {number}.")
    job("failed", task="rescue", error="It snowed.")
    monkeypatch.setattr(processes, "is_strained", lambda: True)
    found = as_anna.get("/api/queue").json
    assert found["summary"] == "All done, except for what needs a look below."
    assert found["causes"] == [
        {"task": "process_asset", "cause": "It rained at ….", "error": "It rained at ….",
         "count": 3, "newest": 3},
        {"task": "rescue", "cause": "It snowed.", "error": "It snowed.", "count": 1, "newest": 4},
    ]  # fmt: skip
    assert len(as_ben.get("/api/queue").json["causes"]) == 1
    assert (found["allowed"], found["strained"]) == (workers.asked_for(), True)
    assert found["storage"]["photos"] == str(media.root)
    assert found["storage"]["messages"] in ("fifo", "postgresql")
    assert found["storage"]["problems"] == []
    monkeypatch.setattr(queue, "storage", RedisBell("homequeue", "redis://127.0.0.1:1/0"))
    (media.root / "originals" / ".homequeue").unlink()
    told = as_anna.get("/api/queue").json["storage"]
    assert (told["messages"], len(told["problems"])) == ("redis", 2)
    assert told["problems"][1].startswith("Redis does not answer: ")
