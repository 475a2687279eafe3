"""Videos as they leave the house, and what the pages say of them."""

import re
import time

import pytest

from homequeue import holds
from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.services import steering
from homequeue.web import films
from tests.library import job, sha256, whole
from tests.web.client import csrf_fields

MADE = bytes(range(256)) * 40


@pytest.fixture
def playable(ben) -> Asset:
    """A film that browsers play as it came."""
    return whole(ben, 1, kind="video", playable=True, duration=61.4, mime="video/quicktime")


@pytest.fixture
def strange(ben) -> Asset:
    """A film that they do not."""
    return whole(ben, 2, kind="video", duration=7.0, mime="video/quicktime")


def convert(asset: Asset) -> None:
    """Give a film what the conversion makes of it."""
    path = media.keep_rendition(f"{asset.id}-video.mp4", MADE)
    about = {"spec": "video", "mime": "video/mp4", "width": 48, "height": 32}
    Rendition.create(asset=asset, path=path, size=len(MADE), checksum=sha256(MADE), **about)


def converting(asset: Asset, state: str, **values) -> int:
    return job(state, "convert_video", asset=asset.id, args=f"[{asset.id}]", **values).id


# Bytes


def test_a_film_that_plays_is_sent_as_it_came(as_ben, playable):
    url = as_ben.get(f"/api/assets/{playable.id}").json["renditions"]["video"]
    answer = as_ben.get(url)
    assert (answer.status, answer.body) == (200, (media.root / playable.path).read_bytes())
    # Under the name that every browser knows; to save it, there is the original.
    assert answer.header("Content-Type") == "video/mp4"
    assert "sandbox" in (answer.header("Content-Security-Policy") or "")
    assert as_ben.get(f"/api/assets/{playable.id}/original").header("Content-Type") == (
        "video/quicktime"
    )


def test_one_that_does_not_is_sent_as_it_was_made(as_ben, strange):
    convert(strange)
    url = as_ben.get(f"/api/assets/{strange.id}").json["renditions"]["video"]
    answer = as_ben.get(url)
    assert (answer.status, answer.body) == (200, MADE)
    assert answer.header("Content-Type") == "video/mp4"
    assert "immutable" in (answer.header("Cache-Control") or "")


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-", 206, slice(None)),
        ("bytes=100-199", 206, slice(100, 200)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=99999-", 416, slice(0, 0)),
    ],
)
def test_one_can_jump_to_any_place(as_ben, strange, wanted, status, part):
    convert(strange)
    answer = as_ben.get(f"/api/assets/{strange.id}/video", Range=wanted)
    assert (answer.status, answer.body) == (status, MADE[part])
    assert answer.header("Accept-Ranges") == "bytes" or status == 416


def test_what_a_browser_has_already_is_not_sent_again(as_ben, playable):
    url = f"/api/assets/{playable.id}/video"
    etag = as_ben.get(url).header("ETag")
    assert as_ben.get(url, If_None_Match=etag).status == 304


@pytest.mark.parametrize("state", ["queued", "scheduled", "retrying", "running"])
def test_while_it_is_being_made_one_is_told_to_come_again(as_ben, strange, state):
    converting(strange, state)
    answer = as_ben.get(f"/api/assets/{strange.id}/video")
    assert (answer.status, answer.header("Retry-After")) == (202, "1")
    assert as_ben.get(f"/api/assets/{strange.id}").json["renditions"]["video"] is None


@pytest.mark.parametrize("state", [None, "failed", "cancelled", "quarantined"])
def test_what_will_not_come_is_not_promised(as_ben, strange, state):
    if state:
        converting(strange, state)
    answer = as_ben.get(f"/api/assets/{strange.id}/video")
    assert answer.status == 404
    assert answer.json["error"] == films.CANNOT


def test_before_anybody_has_looked_into_it(as_ben, strange):
    Asset.update(state="pending").execute()
    assert as_ben.get(f"/api/assets/{strange.id}/video").status == 202
    Asset.update(state="failed", error="Nothing in it.").execute()
    answer = as_ben.get(f"/api/assets/{strange.id}/video")
    assert (answer.status, answer.json["error"]) == (404, "Nothing in it.")


def test_a_photo_is_no_video(as_ben, ben):
    asset = whole(ben, 5)
    assert as_ben.get(f"/api/assets/{asset.id}/video").status == 404
    found = as_ben.get(f"/api/assets/{asset.id}").json
    assert "video" not in found["renditions"]
    assert found["duration"] is None


def test_a_list_tells_what_single_ones_do(as_ben, playable, strange):
    convert(strange)
    for listed in as_ben.get("/api/assets").json["assets"]:
        single = as_ben.get(f"/api/assets/{listed['id']}").json
        assert listed == single
        assert single["kind"] == "video"
        assert single["renditions"]["video"]


# Pages


def viewer(as_ben, asset: Asset) -> str:
    answer = as_ben.page(f"/assets/{asset.id}")
    assert answer.status == 200
    return answer.text


def test_the_viewer_plays_nothing_by_itself(as_ben, playable):
    text = viewer(as_ben, playable)
    (tag,) = re.findall(r"<video.*?>", text, re.DOTALL)
    assert f'src="/api/assets/{playable.id}/video?v=' in tag
    assert f'poster="/api/assets/{playable.id}/preview?v=' in tag
    assert "controls" in tag
    assert 'preload="metadata"' in tag
    assert "autoplay" not in tag
    assert "1:01" in text


def test_the_viewer_plays_what_was_made(as_ben, strange):
    convert(strange)
    assert f'src="/api/assets/{strange.id}/video?v={sha256(MADE)[:12]}"' in viewer(as_ben, strange)


@pytest.mark.parametrize(
    ("state", "values", "words", "data"),
    [
        ("queued", {}, "It is made ready to play when its turn comes.", "converting"),
        ("running", {"progress": 0.404}, "Being made ready to play: 40 %", "converting"),
        ("running", {}, "Being made ready to play: 0 %", "converting"),
        ("retrying", {"error": "The disk is full."}, "The disk is full.", "converting"),
        ("failed", {"error": "It took too long."}, "It took too long.", "ready"),
        ("cancelled", {"error": "It was stopped by Anna."}, "It was stopped by Anna.", "ready"),
        ("succeeded", {}, films.CANNOT, "ready"),
    ],
)
def test_the_viewer_tells_how_far_it_is(as_ben, strange, state, values, words, data):
    number = converting(strange, state, **values)
    text = viewer(as_ben, strange)
    assert words in text
    assert f'data-state="{data}"' in text
    assert "<video" not in text
    assert f'src="/api/assets/{strange.id}/preview' in text
    assert f'href="/api/assets/{strange.id}/original?download=1"' in text
    assert ("<progress" in text) is ("progress" in values)
    assert (f'action="/api/jobs/{number}/retry"' in text) is (state in ("failed", "cancelled"))


def test_a_film_that_is_held_back_says_until_when(as_ben, strange, night):
    converting(strange, "queued")
    quiet = r"To be made ready to play, it waits for the end of the quiet hours at \d\d:\d\d\."
    assert re.search(quiet, viewer(as_ben, strange))
    assert 'data-state="converting"' in viewer(as_ben, strange)
    holds.pause(time.time() + steering.FOREVER, "convert_video")
    paused = "it waits until somebody resumes: converting videos is paused."
    assert paused in viewer(as_ben, strange)


def test_the_newest_conversion_counts(as_ben, strange):
    converting(strange, "failed", error="It took too long.")
    converting(strange, "queued")
    assert "It took too long." not in viewer(as_ben, strange)


def test_trying_again_is_one_button(as_ben, strange):
    number = converting(strange, "failed", error="It took too long.")
    token = csrf_fields(as_ben.page(f"/assets/{strange.id}"))[0]
    as_ben.sends_csrf = False
    form = {"csrf": token, "next": f"/assets/{strange.id}"}
    answer = as_ben.post(f"/api/jobs/{number}/retry", form=form)
    assert answer.status == 303
    assert "when its turn comes" in viewer(as_ben, strange)


def test_a_film_that_failed_says_why(as_ben, strange):
    Rendition.delete().execute()
    Asset.update(state="failed", error="ffmpeg is not installed.").execute()
    text = viewer(as_ben, strange)
    assert "ffmpeg is not installed." in text
    assert "The original is safe" in text


def test_the_timeline_shows_how_long_a_film_is(as_ben, playable):
    (badge,) = re.findall(r'<span class="badge play">(.*?)</li>', as_ben.page("/").text, re.DOTALL)
    assert "1:01" in badge


@pytest.mark.parametrize(
    ("seconds", "label"),
    [(0.04, "0:00"), (59.6, "1:00"), (600, "10:00"), (3599.7, "1:00:00"), (36000, "10:00:00")],
)
def test_lengths_in_words(seconds, label):
    assert films.duration_label(seconds) == label
