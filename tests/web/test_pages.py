"""Every page in every state, and nothing of what people send ever speaks as ourselves."""

import re
import time
from html.parser import HTMLParser

import pytest

from homequeue import ledger
from homequeue.models import Asset, Periodic, User
from homequeue.queue import register_worker
from homequeue.web.pages import by_day
from homequeue.web.shapes import ago, day_label, moment_label
from tests.library import job, row, whole
from tests.web.client import csrf_fields

EVIL = "<script>alert('x')</script>\"&.jpg"
VOID = {"meta", "link", "input", "img", "br", "hr", "use", "rect", "path", "circle", "source"}


class Page(HTMLParser):
    """Checks that tags are closed in order; collects addresses and forms."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.addresses += [named[n] or "" for n in ("href", "src", "action") if n in named]
        self.ids += [named["id"] or ""] if "id" in named else []
        self.problems += [n for n in named if n.startswith("on") or n == "style"]
        if tag == "script":
            self.scripts.append(named)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")


def checked(answer, status: int = 200) -> Page:
    assert answer.status == status, answer.text[:500]
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    page = Page(answer.text)
    assert page.problems == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids)), "an id is there twice"
    assert all(script.get("src") for script in page.scripts), "a script stands in the page"
    assert "<style" not in answer.text
    assert "{{" not in answer.text
    assert "None" not in re.sub(r"<[^>]*>", "", answer.text)
    assert "<script>" not in answer.text
    outside = [a for a in page.addresses if re.match(r"(?!https://www\.openstreetmap)\w+:", a)]
    assert outside == []
    return page


# The timeline


def test_the_timeline_of_somebody_new(as_ben):
    checked(as_ben.page("/"))
    assert "This is where your photos will live" in as_ben.page("/").text


def test_the_timeline_in_every_state(as_ben, ben):
    whole(ben, 1)
    whole(ben, 2, favorite=True, damaged=True)
    row(ben, 3)
    row(ben, 4, state="processing", width=None, height=None)
    row(ben, 5, state="failed", error="It rained.")
    row(ben, 6, kind="video", state="ready")
    answer = as_ben.page("/")
    checked(answer)
    assert "6 photos" in answer.text
    assert "Making previews for 2 photos" in answer.text
    assert "1 photo needs a look" in answer.text
    assert "It rained." in answer.text
    assert "Friday, 12 July 2024" in answer.text
    for number in range(1, 7):
        assert f'id="a-{number}"' in answer.text


def test_the_days_of_the_timeline(ben):
    days = ["2024-07-13T00:00:00", "2024-07-12T23:59:59", "2024-07-12T00:00:00"]
    found = [row(ben, n, taken_at=day) for n, day in enumerate(days)]
    for asset in found:
        asset.renditions = []
    groups = by_day(found)
    assert [(group["day"], len(group["assets"])) for group in groups] == [
        ("2024-07-13", 1),
        ("2024-07-12", 2),
    ]


def test_older_photos_are_a_page_away(as_ben, ben):
    for number in range(105):
        row(ben, number)
    first = as_ben.page("/")
    following = re.search(r'id="older"[^>]*href="([^"]+)"', first.text)
    assert following
    second = as_ben.page(following[1].replace("&amp;", "&"))
    checked(second)
    seen = re.findall(r'id="a-(\d+)"', first.text) + re.findall(r'id="a-(\d+)"', second.text)
    assert len(seen) == len(set(seen)) == 105


def test_trashed_photos_are_not_on_the_timeline(as_ben, ben):
    row(ben, 1, trashed_at=5)
    assert "This is where your photos will live" in as_ben.page("/").text


@pytest.mark.parametrize("path", ["/", "/activity"])
def test_a_page_that_did_not_change_is_not_sent_again(as_ben, ben, path):
    first = as_ben.page(path)
    etag = first.header("ETag") or ""
    again = as_ben.get(path, If_None_Match=etag, Accept="text/html")
    assert (again.status, again.body) == (304, b"")
    assert as_ben.get(path, If_None_Match='"other"').status == 200
    row(ben, 1)
    job(asset=1)
    assert as_ben.get(path, If_None_Match=etag).status == 200


# The viewer


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "pending"}, "Making its preview"),
        ({"state": "processing"}, "Making its preview"),
        ({"state": "failed", "error": "It rained."}, "It rained."),
        ({"state": "failed", "error": None}, "Something went wrong"),
        ({"state": "pending", "width": None, "height": None}, "Making its preview"),
        ({"state": "pending", "trashed_at": 5.0}, "in the trash"),
        ({"state": "ready", "kind": "video"}, "<video"),
    ],
)
def test_the_viewer_without_a_picture(as_ben, ben, values, words):
    asset = row(ben, 1, **values)
    answer = as_ben.page(f"/assets/{asset.id}")
    checked(answer)
    assert words in answer.text


def test_the_viewer_with_everything(as_ben, ben):
    asset = whole(
        ben, 1, make="Canon", model="Canon EOS R5", lens="RF 50mm", lat=52.5, lon=-13.4,
        exposure='{"time": "1/125", "f_number": 2.8, "iso": 100, "focal_length": 50}',
        favorite=True, damaged=True, taken_at_source="exif original", uploaded_at=1720800000,
    )  # fmt: skip
    answer = as_ben.page(f"/assets/{asset.id}")
    checked(answer)
    for words in (
        "Canon EOS R5, RF 50mm",
        "1/125 s · f/2.8 · ISO 100 · 50 mm",
        "52.50000, -13.40000",
        "48 × 32",
        "Favorite",
        "came damaged",
        "written in the photo",
        "Friday, 12 July 2024, 18:01",
    ):
        assert words in answer.text
    assert answer.text.count("48 × 32") == 1


def test_the_viewer_leads_to_the_neighbours(as_ben, ben, anna):
    row(anna, 50)
    ids = [row(ben, n).id for n in (1, 2, 3)]
    row(ben, 4, trashed_at=5)
    middle = checked(as_ben.page(f"/assets/{ids[1]}")).addresses
    assert f"/assets/{ids[0]}" in middle
    assert f"/assets/{ids[2]}" in middle
    first = as_ben.page(f"/assets/{ids[2]}").text
    assert "Newer photo" not in first
    assert "Older photo" in first


def test_a_failed_photo_can_be_tried_again_from_its_page(as_ben, ben):
    asset = row(ben, 1, state="failed", error="It rained.")
    one = job("failed", asset=asset.id, args=f"[{asset.id}]")
    answer = as_ben.page(f"/assets/{asset.id}")
    assert f'action="/jobs/{one.id}/retry"' in answer.text
    as_ben.sends_csrf = False
    form = {"csrf": csrf_fields(answer)[0], "next": f"/assets/{asset.id}"}
    again = as_ben.post(f"/jobs/{one.id}/retry", form=form)
    assert (again.status, again.header("Location")) == (303, f"/assets/{asset.id}")


# Trash and upload


def test_the_trash(as_ben, ben):
    checked(as_ben.page("/trash"))
    assert "Nothing in the trash" in as_ben.page("/trash").text
    whole(ben, 1, trashed_at=time.time())
    row(ben, 2, trashed_at=time.time() - 29.5 * 86400)
    row(ben, 3, trashed_at=5.0, state="failed")
    answer = as_ben.page("/trash")
    checked(answer)
    assert "goes for good in 30 days" in answer.text
    assert "goes for good in 12 hours" in answer.text
    assert "goes for good tonight" in answer.text


def test_the_buttons_of_the_trash_work(as_ben, ben):
    one, two = whole(ben, 1, trashed_at=5.0), whole(ben, 2, trashed_at=5.0)
    token = csrf_fields(as_ben.page("/trash"))[0]
    as_ben.sends_csrf = False
    back = as_ben.post(f"/assets/{one.id}/restore", form={"csrf": token})
    assert (back.status, back.header("Location")) == (303, "/trash")
    gone = as_ben.post(f"/assets/{two.id}/purge", form={"csrf": token})
    assert (gone.status, gone.header("Location")) == (303, "/trash")
    assert [(a.id, a.trashed_at) for a in Asset.select()] == [(one.id, None)]
    assert as_ben.post(f"/assets/{one.id}/purge", form={"csrf": token}).status == 409


def test_the_second_page_of_the_trash_can_be_reached(as_ben, ben):
    for number in range(105):
        row(ben, number, trashed_at=5.0)
    first = as_ben.page("/trash")
    following = re.search(r'href="(/trash\?cursor=[^"]+)"', first.text)
    assert following, "five photos of the trash cannot be seen"
    second = as_ben.page(following[1].replace("&amp;", "&"))
    assert len(re.findall(r'id="a-(\d+)"', second.text)) == 5


def test_the_upload_page(as_ben):
    answer = as_ben.page("/upload")
    checked(answer)
    assert 'enctype="multipart/form-data"' in answer.text
    assert "Up to 4 GB each" in answer.text
    assert csrf_fields(answer)[0] == as_ben.csrf


# Activity


def test_activity_when_nothing_happens(as_ben):
    answer = as_ben.page("/activity")
    checked(answer)
    assert "All quiet" in answer.text
    assert "No worker is awake" in answer.text


@pytest.fixture
def busy(ben):
    now = time.time()
    for number, state in enumerate(ledger.STATES, 1):
        whole(ben, number)
        job(
            state, asset=number, args=f"[{number}]", attempts=2, max_attempts=5,
            queued_at=now - 100, started_at=now - 50, finished_at=now - 45,
            error="It rained." if state not in ("queued", "succeeded") else None,
            traceback="Traceback of the inside",
        )  # fmt: skip
    job("failed", asset=10**6, error="Of a photo that is gone.")
    job("succeeded", task="rescue", finished_at=now)
    job("failed", task="was_renamed", error="unknown")
    Periodic.create(task="rescue", last_due=now, job=10)
    register_worker()


def test_activity_in_every_state_for_an_administrator(as_anna, busy):
    answer = as_anna.page("/activity")
    checked(answer)
    for words in ("In the works", "Waiting", "Needs a look", "Done lately", "Housekeeping"):
        assert words in answer.text
    assert "Making the preview of IMG_1.jpg" in answer.text
    assert "Traceback of the inside" in answer.text
    assert "1 of 1 worker awake" in answer.text
    assert 'action="/queue/pause"' in answer.text


def test_activity_in_every_state_for_a_member(as_ben, busy):
    answer = as_ben.page("/activity")
    checked(answer)
    assert "Traceback of the inside" not in answer.text
    assert "/queue/pause" not in answer.text
    assert "was_renamed" not in answer.text


def test_activity_of_others_is_not_shown(as_ben, anna):
    row(anna, 1, filename="secret.jpg")
    job("failed", asset=1, error="of Anna")
    answer = as_ben.page("/activity")
    assert "secret.jpg" not in answer.text
    assert "of Anna" not in answer.text
    assert "All quiet" in answer.text


def test_activity_while_paused(as_anna):
    ledger.pause(time.time() + 3600)
    answer = as_anna.page("/activity")
    checked(answer)
    assert "Paused until" in answer.text
    assert 'action="/queue/resume"' in answer.text
    as_anna.post("/queue/pause")
    assert "Paused until somebody resumes." in as_anna.page("/activity").text


def test_a_long_list_is_counted_not_listed(as_anna, anna):
    for number in range(25):
        job("failed", task="rescue", error=f"error {number}")
    answer = as_anna.page("/activity")
    checked(answer)
    assert "and 5 more" in answer.text
    assert 'action="/jobs/retry-failed"' in answer.text


# What people send


def test_names_and_words_of_people_never_become_markup(as_ben, ben):
    User.update(name="<b>Ben</b>").where(User.id == ben.id).execute()
    whole(
        ben, 1, filename=EVIL, caption=EVIL, make=EVIL, model=EVIL, lens=EVIL, taken_at_source=EVIL
    )
    row(ben, 2, filename=EVIL, state="failed", error=EVIL)
    row(ben, 3, filename=EVIL, trashed_at=5.0)
    whole(ben, 4, filename=EVIL, exposure='{"time": "<script>"}')
    for state in ("running", "queued", "failed", "succeeded", "retrying"):
        job(state, asset=2, error=EVIL, traceback=EVIL, task="process_asset")
    for path in ("/", "/assets/1", "/assets/2", "/assets/3", "/assets/4", "/trash", "/activity"):
        answer = as_ben.page(path)
        checked(answer)
        assert "alert(" in answer.text or path in ("/assets/4",)
        assert "<b>Ben" not in answer.text


def test_a_curly_name_is_no_template(as_ben, ben):
    row(ben, 1, filename="{{1+1}} {0.__class__} %s.jpg", state="failed", error="{{7*7}}")
    job("failed", asset=1, args="[1]")
    for path in ("/", "/assets/1", "/activity"):
        assert "1+1" in as_ben.page(path).text
        assert "&lt;class" not in as_ben.page(path).text
    assert as_ben.page("/activity").status == 200


@pytest.mark.parametrize("field", ["name", "next"])
def test_what_one_types_at_the_door_never_becomes_markup(nobody, anna, field):
    form = {"name": "x", "password": "y", "next": "/"} | {field: f'/"><script>{EVIL}'}
    checked(nobody.post("/sign-in", form=form), 401)
    checked(nobody.page(f"/sign-in?{field}=/%22%3E%3Cscript%3E"))


def test_an_error_never_becomes_markup(as_ben):
    checked(as_ben.page("/assets/77"), 404)
    checked(as_ben.page("/%3Cscript%3Ealert(1)"), 404)
    checked(as_ben.page("/?cursor=%3Cscript%3E"), 422)


def test_set_up_and_sign_in_are_pages_too(nobody, house):
    checked(nobody.page("/set-up"))
    form = {"code": EVIL, "name": EVIL, "password": "x"}
    checked(nobody.post("/set-up", form=form), 403)


def test_every_link_of_every_page_leads_somewhere(as_anna, anna, busy):
    whole(anna, 500)
    row(anna, 501, trashed_at=5.0)
    seen: set[str] = set()
    for path in (
        "/",
        "/upload",
        "/activity",
        "/trash",
        f"/assets/{Asset.get(Asset.owner == anna).id}",
    ):
        for address in checked(as_anna.page(path)).addresses:
            if address.startswith("/") and address not in seen and "/assets/" not in address:
                seen.add(address)
                status = as_anna.page(address).status
                assert status in (200, 405, 304), f"{address} on {path} answers {status}"
    assert len(seen) > 10


# Words for moments


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3600, "60 minutes"),
        (5400, "2 hours"),
        (86400, "24 hours"),
        (2 * 86400, "2 days"),
        (400 * 86400, "400 days"),
    ],
)
def test_spans_of_time(seconds, words):
    assert ago(seconds) == words


def test_moments():
    assert moment_label(None) == ""
    assert day_label("2024-02-29T00:00:00") == "Thursday, 29 February 2024"
