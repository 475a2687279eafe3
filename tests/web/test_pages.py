"""Every page in every state, and nothing of what people send ever speaks as ourselves."""

import re
import time
from datetime import datetime

import bottle
import pytest

from homequeue import holds
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition, User
from homequeue.services import assets, users
from homequeue.web.moments import moment_label, near_label
from homequeue.web.pages import by_day
from homequeue.web.shapes import ago, day_label
from tests.library import job, jpeg, originals, row, whole
from tests.web.client import csrf_fields
from tests.web.reading import EVIL, checked

# The timeline


def test_the_timeline_of_somebody_new(as_ben):
    checked(as_ben.page("/"))
    assert "This is where your photos will live" in as_ben.page("/").text


def test_the_timeline_in_every_state(as_ben, ben):
    whole(ben, 1)
    whole(ben, 2, favorite=True, damaged=True)
    row(ben, 3)
    row(ben, 4, state="processing", width=None, height=None)
    broken = row(ben, 5, state="failed", error="It rained.")
    job("failed", task="process_asset", asset=broken.id, error="It rained.")
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


def test_photos_whose_failure_was_dismissed_need_no_look(as_ben, ben, anna):
    for number, owner in enumerate((ben, ben, anna)):
        broken = row(owner, number, state="failed", error="It rained.")
        seen_at = 5.0 if number else None
        for _ in range(2):
            job("failed", task="process_asset", asset=broken.id, dismissed_at=seen_at)
    assert "1 photo needs a look" in as_ben.page("/").text
    Job.update(dismissed_at=5.0).execute()
    assert "a look" not in as_ben.page("/").text


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


def test_what_waits_in_a_pause_waits_otherwise(as_ben, ben):
    row(ben, 1)
    row(ben, 2, state="processing")
    whole(ben, 3)
    first = as_ben.page("/")
    assert "IMG_1.jpg, making its preview" in first.text
    assert re.findall('data-state="(.*?)"', first.text) == ["ready", "processing", "pending"]
    holds.pause(time.time() + 3600)
    answer = as_ben.get("/", If_None_Match=first.header("ETag") or "", Accept="text/html")
    checked(answer)
    assert "IMG_1.jpg, its preview has to wait" in answer.text
    assert re.findall('data-state="(.*?)"', answer.text) == ["ready", "held", "held"]


@pytest.mark.parametrize(
    "change",
    [
        {"favorite": True},
        {"state": "processing"},
        {"state": "failed", "error": "It rained."},
        {"damaged": True},
        {"taken_at": "2023-01-01T00:00:00"},
        {"filename": "other.jpg"},
        {"trashed_at": 5.0},
    ],
)
def test_the_timeline_is_another_when_anything_on_it_is(as_ben, ben, change):
    row(ben, 1)
    etag = as_ben.page("/").header("ETag") or ""
    assert as_ben.get("/", If_None_Match=etag).status == 304
    Asset.update(**change).execute()
    assert as_ben.get("/", If_None_Match=etag).status == 200


def test_a_view_is_read_once_however_often_it_is_shown(as_ben, ben):
    whole(ben, 1)
    paths = ["/", "/assets/1", "/upload", "/trash", "/activity", "/password", "/assets/99"]
    for path in paths:
        as_ben.page(path)
    before = len(bottle.TEMPLATES)
    for path in paths * 40:
        as_ben.page(path)
    assert len(bottle.TEMPLATES) == before, "views are kept again and again"


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
        ({"state": "ready", "kind": "video", "playable": True}, "<video"),
        ({"state": "ready", "kind": "video"}, "Browsers do not play this kind of video"),
    ],
)
def test_the_viewer_without_a_picture(as_ben, ben, values, words):
    asset = row(ben, 1, **values)
    answer = as_ben.page(f"/assets/{asset.id}")
    checked(answer)
    assert words in answer.text


def test_what_phones_write_into_fields_is_what_the_fields_take(nobody, house):
    """The code is made of digits, and most names begin with a capital."""
    page = nobody.page("/set-up").text
    assert re.search(r'name="code"[^>]* inputmode="numeric"', page)
    assert re.search(r'name="name"[^>]* autocapitalize="words"', page)
    users.add("Anna", "correct horse", is_admin=True)
    assert re.search(r'name="name"[^>]* autocapitalize="words"', nobody.page("/sign-in").text)


def test_the_viewer_with_everything(as_ben, ben):
    asset = whole(
        ben, 1, make="Canon", model="Canon EOS R5", lens="RF 50mm", lat=52.5, lon=-13.4,
        exposure='{"time": "1/125", "f_number": 2.8, "iso": 100, "focal_length": 50}',
        caption="At the sea", favorite=True, damaged=True, taken_at_source="exif original",
        uploaded_at=1720800000,
    )  # fmt: skip
    answer = as_ben.page(f"/assets/{asset.id}")
    checked(answer)
    for words in (
        ">Canon EOS R5<",
        ">RF 50mm<",
        "1/125 s · f/2.8 · ISO 100 · 50 mm",
        "52.50000, -13.40000",
        "48 × 32",
        'aria-pressed="true"',
        "At the sea",
        "came damaged",
        "written in the photo",
        "Friday, 12 July 2024, 18:01",
    ):
        assert words in answer.text
    assert answer.text.count("48 × 32") == 1


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, ["Date", "File", "Uploaded"]),
        ({"make": "Canon"}, ["Date", "Camera", "File", "Uploaded"]),
        ({"lens": "RF 50mm"}, ["Date", "Lens", "File", "Uploaded"]),
        ({"exposure": '{"iso": 100}'}, ["Date", "Exposure", "File", "Uploaded"]),
    ],
)
def test_the_viewer_names_only_what_is_known(as_ben, ben, values, names):
    asset = whole(ben, 1, **values)
    assert re.findall("<dt>(.*?)</dt>", as_ben.page(f"/assets/{asset.id}").text) == names


def test_a_heart_and_a_caption_by_forms(as_ben, ben):
    asset = whole(ben, 1)
    token = csrf_fields(as_ben.page(f"/assets/{asset.id}"))[0]
    as_ben.sends_csrf = False
    for form, stored in (
        ({"favorite": "1"}, (True, None)),
        ({"caption": " At the sea\r\n🌊 "}, (True, "At the sea\n🌊")),
        ({"favorite": "0"}, (False, "At the sea\n🌊")),
        ({"caption": "  "}, (False, None)),
        ({}, (False, None)),
    ):
        answer = as_ben.post(f"/assets/{asset.id}/edit", form=form | {"csrf": token})
        said = "?said=captioned" if "caption" in form else ""
        assert (answer.status, answer.header("Location")) == (303, f"/assets/{asset.id}{said}")
        found = Asset.get_by_id(asset.id)
        assert (found.favorite, found.caption) == stored
        checked(as_ben.page(f"/assets/{asset.id}"))
    assert notice(as_ben.page(f"/assets/{asset.id}?said=captioned")) == "The caption is saved."


def test_nobody_is_told_that_a_missing_original_is_safe(as_ben, ben):
    asset = whole(ben, 1)
    Rendition.delete().execute()
    words = f"The file {asset.path} is missing from the storage."
    Asset.update(state="failed", error=words).execute()
    assert "The original is safe" in as_ben.page(f"/assets/{asset.id}").text
    media.remove(asset.path)
    answer = as_ben.page(f"/assets/{asset.id}")
    checked(answer)
    assert words in answer.text
    assert "put the file back" in answer.text
    assert "safe" not in answer.text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("upload", "when it was uploaded"),
        ("file", "when the file was last changed"),
        ("name", "taken from the file name"),
        ("takeout", "from the Google Photos export"),
        ("exif original", "written in the photo"),
    ],
)
def test_where_the_date_is_from(as_ben, ben, source, words):
    asset = whole(ben, 1, taken_at_source=source)
    shown = f'<dt>Date</dt><dd>12 July 2024, 18:01:00 <span class="quiet">{words}</span>'
    assert shown in as_ben.page(f"/assets/{asset.id}").text


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
    assert f'action="/api/jobs/{one.id}/retry"' in answer.text
    as_ben.sends_csrf = False
    form = {"csrf": csrf_fields(answer)[0], "next": f"/assets/{asset.id}"}
    again = as_ben.post(f"/api/jobs/{one.id}/retry", form=form)
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
    assert (back.status, back.header("Location")) == (303, f"/trash?said=restored-{one.id}")
    gone = as_ben.post(f"/assets/{two.id}/purge", form={"csrf": token})
    assert (gone.status, gone.header("Location")) == (303, f"/trash?said=purged-{two.id}")
    assert [(a.id, a.trashed_at) for a in Asset.select()] == [(one.id, None)]
    assert as_ben.post(f"/assets/{one.id}/purge", form={"csrf": token}).status == 409


def test_emptying_the_trash_takes_ones_own_and_nothing_else(as_ben, ben, anna):
    assert "Empty the trash" not in as_ben.page("/trash").text
    kept, hers = whole(ben, 1), whole(anna, 2, trashed_at=5.0)
    whole(ben, 3, trashed_at=5.0)
    assert "Delete this photo for good?" in as_ben.page("/trash").text
    for number in range(4, 110):
        row(ben, number, trashed_at=5.0)
    page = as_ben.page("/trash")
    assert "Delete all 107 photos for good?" in page.text
    as_ben.sends_csrf = False
    answer = as_ben.post("/trash/empty", form={"csrf": csrf_fields(page)[0]})
    assert (answer.status, answer.header("Location")) == (303, "/trash?said=emptied")
    assert [asset.id for asset in Asset.select().order_by(Asset.id)] == [kept.id, hers.id]
    assert originals() == sorted([kept.path, hers.path])
    page = as_ben.page("/trash?said=emptied")
    checked(page)
    assert "The trash is empty now." in page.text


# What was done


def notice(answer) -> str:
    """The words at the foot of a page, without markup."""
    found = re.search(r'<div id="notice"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
    assert found
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split())


def test_a_photo_thrown_away_can_be_taken_back_at_once(as_ben, ben):
    one, two = whole(ben, 1), whole(ben, 2)
    page = as_ben.page(f"/assets/{one.id}")
    assert notice(page) == ""
    form = {"csrf": csrf_fields(page)[0], "next": f"/assets/{two.id}"}
    there = as_ben.post(f"/assets/{one.id}/trash", form=form).header("Location") or ""
    assert there == f"/assets/{two.id}?said=trashed-{one.id}"
    page = as_ben.page(there)
    checked(page)
    assert notice(page) == "Moved to the trash. Undo"
    assert f'action="/assets/{one.id}/restore"' in page.text
    form = {"csrf": csrf_fields(page)[0], "next": f"/assets/{one.id}"}
    there = as_ben.post(f"/assets/{one.id}/restore", form=form).header("Location") or ""
    assert notice(as_ben.page(there)) == "Taken out of the trash."
    assert Asset.get_by_id(one.id).trashed_at is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("restored-1", "Taken out of the trash. Show it"),
        ("purged-1", "Deleted for good."),
        ("trashed", "Moved to the trash."),
        ("trashed-x", "Moved to the trash."),
        ("trashed-%22%3E%3Cb%3E", "Moved to the trash."),
        ("", ""),
        ("You%20have%20won", ""),
    ],
)
def test_an_address_makes_a_page_say_only_words_of_ours(as_ben, ben, said, words):
    page = as_ben.page(f"/?said={said}")
    checked(page)
    assert notice(page) == words


def test_an_error_and_a_stranger_hear_nothing(nobody, as_ben):
    assert notice(as_ben.page("/assets/77?said=purged-1")) == ""
    assert notice(nobody.page("/sign-in?said=purged-1")) == ""
    assert as_ben.page("/?said=%ff").status == 422


# Finding


def test_looking_for_words_and_favorites(as_ben, ben):
    row(ben, 1, filename="sea.jpg", favorite=True)
    row(ben, 2, caption="At the SEA")
    row(ben, 3, favorite=True)
    row(ben, 4, filename="sea.jpg", trashed_at=5.0)
    for query, found in (
        ("", [3, 2, 1]),
        ("?q=", [3, 2, 1]),
        ("?q=%20sea%20", [2, 1]),
        ("?favorite=1", [3, 1]),
        ("?q=sea&favorite=1", [1]),
        ("?favorite=0", [3, 2, 1]),
        ("?q=nothing", []),
        ("?q=nothing&favorite=1", []),
        ("?q=12%20july%20sea", [2, 1]),
        ("?q=2023", []),
    ):
        page = as_ben.page(f"/{query}")
        checked(page)
        assert [int(n) for n in re.findall(r'id="a-(\d+)"', page.text)] == found, query
        assert (f"{len(found)} of 3 photos" in page.text) == (len(found) < 3), query
        assert ("Nothing found for “nothing”" in page.text) == ("nothing" in query)


def test_there_may_be_no_favorites(as_ben, ben):
    row(ben, 1)
    assert "No favorites yet" in as_ben.page("/?favorite=1").text
    assert "This is where your photos will live" not in as_ben.page("/?favorite=1").text


def test_what_one_looks_for_is_kept_from_page_to_page(as_ben, ben):
    for number in range(105):
        row(ben, number, filename="a&b #1.jpg", favorite=True)
    row(ben, 200, filename="c.jpg", favorite=True)
    page = as_ben.page("/?q=%26b%20%231&favorite=1")
    assert 'value="&amp;b #1"' in page.text
    assert '<input type="hidden" name="favorite" value="1">' in page.text
    assert 'href="/?q=%26b%20%231"' in page.text
    following = re.search(r'id="older"[^>]*href="([^"]+)"', page.text)
    assert following
    second = as_ben.page(following[1].replace("&amp;", "&"))
    assert len(re.findall(r'id="a-(\d+)"', second.text)) == 5


def test_what_one_looks_for_never_becomes_markup(as_ben, ben):
    row(ben, 1)
    page = as_ben.page("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    checked(page)
    assert "alert(1)" in page.text


# While the queue is paused


@pytest.mark.parametrize("path", ["/", "/upload", "/assets/1"])
def test_no_page_promises_a_preview_while_paused(as_ben, ben, path):
    row(ben, 1)
    going = as_ben.page(path)
    assert "Paused until" not in going.text
    holds.pause(time.time() + 3600)
    answer = as_ben.page(path)
    checked(answer)
    assert "Paused until" in answer.text
    assert "making" not in answer.text.lower()
    assert 'href="/activity"' in answer.text


def test_the_form_without_scripts_promises_nothing_either(as_ben):
    as_ben.put_raw(jpeg(2))
    as_ben.request("DELETE", "/api/assets/1")
    holds.pause(time.time() + 3600)
    csrf = ("csrf", as_ben.csrf)
    files = [("file", f"{n}.jpg", jpeg(n)) for n in (1, 2)]
    answer = as_ben.send(csrf, *files, ("file", "c.txt", b"words"), target="/upload")
    checked(answer)
    said = re.findall(r'<span class="state">([^<]+)</span>', answer.text)
    assert said[-2:] == [
        "Sent – its preview comes later",
        "Already here – taken back out of the trash",
    ]
    assert "not a photo" in said[-3], "what was refused comes first"


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
    assert "Up to 4.3 GB each" in answer.text
    assert csrf_fields(answer)[0] == as_ben.csrf


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


def test_an_error_is_told_in_words(as_ben):
    text = as_ben.page("/assets/77").text
    assert "<title>Nothing here (404) · homequeue</title>" in text
    assert "<h1>Nothing here</h1>" in text
    assert "404" not in text.partition("<body")[2]


def test_who_gets_lost_keeps_the_way_out(as_ben, nobody):
    for path in ("/assets/77", "/nothing/here"):
        answer = as_ben.page(path)
        page = checked(answer, 404)
        assert {"/upload", "/activity", "/trash", "/sign-out"} <= set(page.addresses), path
        assert csrf_fields(answer) == [as_ben.csrf]
        stranger = checked(nobody.page("/nothing/here"), 404)
        assert "/upload" not in stranger.addresses
    lost = as_ben.get("/nothing/here", Authorization="Bearer hq_nothing")
    assert (lost.status, lost.json["code"]) == (404, "not_found")


def test_set_up_and_sign_in_are_pages_too(nobody, house):
    checked(nobody.page("/set-up"))
    form = {"code": EVIL, "name": EVIL, "password": "x"}
    checked(nobody.post("/set-up", form=form), 403)


def test_every_link_of_every_page_leads_somewhere(as_anna, anna, busy):
    failed = Job.get(Job.state == "failed")
    whole(anna, 500)
    row(anna, 501, trashed_at=5.0)
    seen: set[str] = set()
    for path in (
        "/",
        "/?q=IMG&favorite=1",
        "/password",
        "/upload",
        "/activity",
        "/activity/history",
        "/activity/history?state=failed&q=IMG",
        "/activity/machine",
        f"/jobs/{failed.id}",
        "/trash",
        f"/assets/{Asset.get(Asset.owner == anna).id}",
    ):
        for address in checked(as_anna.page(path)).addresses:
            if address.startswith("/") and address not in seen and "/assets/" not in address:
                seen.add(address)
                status = as_anna.page(address.partition("#")[0]).status
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


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 7, 12, 0, 0), "00:00"),
        (datetime(2026, 7, 12, 23, 59), "23:59"),
        (datetime(2026, 7, 13, 3, 20), "tomorrow, 03:20"),
        (datetime(2026, 7, 14, 0, 0), "14 July 2026, 00:00"),
        (datetime(2026, 7, 11, 23, 59), "11 July 2026, 23:59"),
    ],
)
def test_moments_nearby(moment, words):
    now = datetime(2026, 7, 12, 18, 0).timestamp()
    assert near_label(moment.timestamp(), now) == words
    assert near_label(None, now) == ""


def test_moments():
    assert moment_label(None) == ""
    assert day_label("2024-02-29T00:00:00") == "Thursday, 29 February 2024"


def test_only_videos_are_shown_if_somebody_asks_for_them(as_ben, ben):
    film = whole(ben, 1, kind="video", favorite=True)
    photo = whole(ben, 2, favorite=True)
    answer = as_ben.page("/")
    checked(answer)
    assert 'href="/?kind=video"' in answer.text
    for address, both in (("/?kind=video", False), ("/?kind=bread", True), ("/?favorite=1", True)):
        answer = as_ben.page(address)
        checked(answer)
        assert f'id="a-{film.id}"' in answer.text
        assert (f'id="a-{photo.id}"' in answer.text) is both
    answer = as_ben.page("/?kind=video&q=IMG&favorite=1")
    assert "1 of 2 photos" in answer.text
    assert 'name="kind" value="video"' in answer.text
    assert 'href="/?q=IMG&amp;favorite=1"' in answer.text, "without videos"
    assert 'href="/?q=IMG&amp;kind=video"' in answer.text, "without favorites"
    assert 'href="/dates/move?q=IMG&amp;favorite=1&amp;kind=video"' in answer.text
    Asset.update(kind="image").execute()
    assert "No videos yet" in as_ben.page("/?kind=video").text
    assert "No videos among these" in as_ben.page("/?kind=video&favorite=1").text


def test_older_videos_are_videos(as_ben, ben):
    for number in range(assets.PAGE + 1):
        row(ben, number, kind="video")
    text = as_ben.page("/?kind=video").text
    (older,) = re.findall(r'id="older" class="button" href="([^"]*)"', text)
    assert "kind=video" in older
