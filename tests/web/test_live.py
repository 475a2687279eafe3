"""What moves in a photo, as the API and the pages tell of it, and as it is sent."""

import json
import time

import pytest

from homequeue import holds, tasks
from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.services import cleanup, conversion, video
from homequeue.web import films
from tests import lives, pictures
from tests.conftest import work_off
from tests.films import HEVC, part, probe
from tests.library import job, receive, record, send, sha256, whole
from tests.web.client import Client
from tests.web.reading import checked

MADE = bytes(range(256)) * 40


@pytest.fixture
def moving(ben) -> Asset:
    """A motion photo whose clip is the bytes from 100 to 300."""
    return whole(ben, 1, motion='{"at": 100, "size": 200, "codec": "avc1"}')


@pytest.fixture
def strange(ben) -> Asset:
    """One whose clip browsers do not play."""
    return whole(ben, 2, motion='{"at": 100, "size": 200, "codec": "hvc1"}')


@pytest.fixture
def pair(ben) -> tuple[Asset, Asset]:
    """A Live Photo and its clip."""
    clip = whole(
        ben, 4, kind="video", playable=True, is_clip=True, duration=2.0, mime="video/quicktime"
    )
    photo = whole(ben, 3, pair=clip.id)
    Asset.update(pair=photo.id).where(Asset.id == clip.id).execute()
    return photo, Asset.get_by_id(clip.id)


def clip_of(asset: Asset) -> bytes:
    return (media.root / asset.path).read_bytes()[100:300]


def viewer(client: Client, asset: Asset) -> str:
    answer = client.page(f"/assets/{asset.id}")
    checked(answer)
    return answer.text


# Motion photos


def test_the_clip_comes_out_of_the_original(as_ben, moving):
    assert as_ben.get(f"/api/assets/{moving.id}").json["motion"]["codec"] == "avc1"
    url = as_ben.get(f"/api/assets/{moving.id}").json["renditions"]["motion"]
    answer = as_ben.get(url)
    assert (answer.status, answer.body) == (200, clip_of(moving))
    assert answer.header("Content-Type") == "video/mp4"
    assert "sandbox" in (answer.header("Content-Security-Policy") or "")
    etag = answer.header("ETag")
    assert etag != as_ben.get(f"/api/assets/{moving.id}/original").header("ETag")
    assert as_ben.get(url, If_None_Match=etag).status == 304


@pytest.mark.parametrize(
    ("wanted", "status", "part", "told"),
    [
        ("bytes=0-", 206, slice(None), "bytes 0-199/200"),
        ("bytes=50-99", 206, slice(50, 100), "bytes 50-99/200"),
        ("bytes=-10", 206, slice(-10, None), "bytes 190-199/200"),
        ("bytes=150-9999", 206, slice(150, None), "bytes 150-199/200"),
        ("bytes=200-", 416, slice(0, 0), "bytes */200"),
    ],
)
def test_no_byte_beside_the_clip_is_sent(as_ben, moving, wanted, status, part, told):
    answer = as_ben.get(f"/api/assets/{moving.id}/motion", Range=wanted)
    assert (answer.status, answer.body) == (status, clip_of(moving)[part])
    assert answer.header("Content-Range") == told


@pytest.mark.parametrize("place", [(600, 10**6), (-5, 10), (5, -10), (10**9, 1), (2**70, 5)])
def test_a_place_that_is_not_in_the_file_is_not_read(as_ben, moving, place):
    at, size = place
    motion = json.dumps({"at": at, "size": size, "codec": "avc1"})
    Asset.update(motion=motion).execute()
    answer = as_ben.get(f"/api/assets/{moving.id}/motion")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_photo_without_a_clip_has_none(as_ben, ben):
    asset = whole(ben, 9)
    told = as_ben.get(f"/api/assets/{asset.id}").json
    assert (told["motion"], told["live"]) == (None, None)
    assert "motion" not in told["renditions"]
    assert as_ben.get(f"/api/assets/{asset.id}/motion").status == 404
    assert "Live" not in viewer(as_ben, asset)


def test_one_that_browsers_do_not_play_is_sent_as_it_was_made(as_ben, strange):
    assert as_ben.get(f"/api/assets/{strange.id}/motion").status == 404
    assert films.CANNOT_CLIP in viewer(as_ben, strange)
    job("queued", "convert_video", asset=strange.id, args=f"[{strange.id}]")
    assert as_ben.get(f"/api/assets/{strange.id}/motion").status == 202
    page = viewer(as_ben, strange)
    assert "being made ready to play" in page
    holds.pause(time.time() + 600)
    assert "To be made ready to play, its clip waits until " in viewer(as_ben, strange)
    holds.pause(0)
    assert 'data-state="converting"' in page
    path = media.keep_rendition("clip.mp4", MADE)
    about = {"spec": "motion", "mime": "video/mp4", "width": 48, "height": 32}
    Rendition.create(asset=strange, path=path, size=len(MADE), checksum=sha256(MADE), **about)
    answer = as_ben.get(f"/api/assets/{strange.id}/motion")
    assert (answer.status, answer.body) == (200, MADE)
    assert f'href="/api/assets/{strange.id}/motion?v={sha256(MADE)[:12]}"' in viewer(
        as_ben, strange
    )


def test_a_real_one_from_the_upload_to_the_clip(as_ben, ben):
    part("ffmpeg")
    data, clip = lives.motion_photo()
    asset = send(ben, data, "PXL.jpg").asset
    work_off()
    assert json.loads(Asset.get().motion) == {
        "at": len(data) - len(clip), "size": len(clip), "codec": "avc1"
    }  # fmt: skip
    assert as_ben.get(f"/api/assets/{asset.id}/motion").body == clip
    assert Rendition.select().count() == 2
    page = viewer(as_ben, asset)
    assert 'id="live"' in page
    assert "muted" in page
    assert "data-live=1" in as_ben.page("/").text


def test_a_real_one_in_hevc_is_converted_from_its_place_in_the_file(as_ben, ben):
    part("ffmpeg")
    data, _ = lives.motion_photo(*HEVC)
    asset = send(ben, data, "PXL.jpg").asset
    work_off()
    assert json.loads(Asset.get().motion)["codec"] == "hvc1"
    answer = as_ben.get(f"/api/assets/{asset.id}/motion")
    assert answer.status == 200
    assert probe(answer.body, "stream=codec_name,width,height") == ["h264,320,180"]
    tasks.process_again(asset.id)
    work_off()
    assert {row.spec for row in Rendition.select()} == {"preview", "thumbnail", "motion"}


def test_without_ffmpeg_the_photo_is_as_good_and_no_job_fails(as_ben, ben, monkeypatch):
    part("ffmpeg")
    data, _ = lives.motion_photo(*HEVC)
    monkeypatch.setattr(video.shutil, "which", lambda _: None)
    asset = send(ben, data, "PXL.jpg").asset
    work_off()
    assert Asset.get().state == "ready"
    assert not conversion.is_wanted(asset.id)
    assert films.CANNOT_CLIP + films.NO_FFMPEG in viewer(as_ben, asset)
    monkeypatch.undo()
    tasks.process_again(asset.id)
    work_off()
    assert 'id="live"' in viewer(as_ben, asset)


# Live Photos


def test_the_api_tells_of_both_halves(as_ben, pair):
    photo, clip = pair
    told = as_ben.get(f"/api/assets/{photo.id}").json
    assert told["live"] == {"clip": clip.id}
    assert as_ben.get(told["renditions"]["motion"]).body == (media.root / clip.path).read_bytes()
    told = as_ben.get(f"/api/assets/{clip.id}").json
    assert (told["live"], told["kind"]) == ({"photo": photo.id}, "video")
    assert as_ben.get(f"/api/assets/{clip.id}/motion").status == 404
    for both in (photo, clip):
        original = as_ben.get(f"/api/assets/{both.id}/original")
        assert original.body == (media.root / both.path).read_bytes()


def test_the_clip_is_in_no_list_but_by_its_number(as_ben, pair):
    photo, clip = pair
    assert [one["id"] for one in as_ben.get("/api/assets").json["assets"]] == [photo.id]
    assert as_ben.get("/api/assets?kind=video").json["assets"] == []
    found = as_ben.get(f"/api/assets?ids={photo.id},{clip.id}").json["assets"]
    assert {one["id"] for one in found} == {photo.id, clip.id}


def test_the_viewer_of_the_photo_plays_and_that_of_the_clip_leads_there(as_ben, pair):
    photo, clip = pair
    assert f'src="/api/assets/{photo.id}/motion?v={clip.checksum[:12]}"' in viewer(as_ben, photo)
    assert f'<a href="/assets/{photo.id}">Show the photo</a>' in viewer(as_ben, clip)


def test_a_clip_that_could_not_be_read_says_why(as_ben, pair):
    photo, clip = pair
    Asset.update(state="failed", error=video.MISSING).where(Asset.id == clip.id).execute()
    page = viewer(as_ben, photo)
    assert "ffmpeg is not installed" in page
    assert 'id="clip"' not in page
    assert as_ben.get(f"/api/assets/{photo.id}/motion").status == 200


def test_without_ffmpeg_both_files_are_kept_and_found_later(as_ben, ben, monkeypatch):
    part("ffmpeg")
    files = (lives.photo(), "a.jpg"), (lives.clip(), "a.mov")
    with monkeypatch.context() as patch:
        patch.setattr(video.shutil, "which", lambda _: None)
        record([receive(ben, data, name) for data, name in files])
        work_off()
    assert len(as_ben.get("/api/assets").json["assets"]) == 2
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    work_off()
    (photo,) = as_ben.get("/api/assets").json["assets"]
    assert photo["live"] == {"clip": Asset.get(Asset.is_clip).id}


def test_trash_and_purge_over_http_take_both(as_ben, pair):
    photo, clip = pair
    assert as_ben.request("DELETE", f"/api/assets/{photo.id}").status == 204
    assert as_ben.get(f"/api/assets/{clip.id}").json["trashed_at"]
    assert as_ben.request("DELETE", f"/api/assets/{photo.id}?purge=1").status == 204
    assert as_ben.get(f"/api/assets/{clip.id}").status == 404


# Animations


@pytest.mark.parametrize(
    ("form", "name"), [("GIF", "a.gif"), ("WEBP", "a.webp"), ("PNG", "a.png"), ("AVIF", "a.avif")]
)
def test_an_animation_moves_unless_that_is_not_wanted(as_ben, ben, form, name):
    asset = send(ben, lives.animation(form), name).asset
    work_off()
    assert as_ben.get(f"/api/assets/{asset.id}").json["animated"] is True
    page = viewer(as_ben, asset)
    moves = f'<source srcset="/api/assets/{asset.id}/original" type="image/{form.lower()}"'
    assert f'{moves} media="(prefers-reduced-motion: no-preference)">' in page
    assert f'<img id="photo" src="/api/assets/{asset.id}/preview' in page
    assert 'class="live if-still"' in page
    assert "moves" in as_ben.page("/").text


def test_a_heavy_one_waits_until_somebody_asks(as_ben, ben, monkeypatch):
    monkeypatch.setattr(films, "HEAVY", 1000)
    asset = whole(ben, 1, animated=True, size=34_000_000)
    page = viewer(as_ben, asset)
    assert "<source" not in page
    assert "Play (34 MB)" in page


def test_a_damaged_one_is_shown_by_its_still(as_ben, ben):
    asset = whole(ben, 1, animated=True, damaged=True)
    page = viewer(as_ben, asset)
    assert "<source" not in page
    assert 'id="live"' not in page


# Tiles and facts


def test_the_timeline_has_a_placeholder_for_each_picture(as_ben, ben):
    send(ben, pictures.data(pictures.scene()))
    work_off()
    whole(ben, 2)
    page = as_ben.page("/").text
    assert f'data-thumbhash="{Asset.get().thumbhash}"' in page
    assert 'data-thumbhash=""' in page


def test_the_viewer_tells_what_was_understood(as_ben, ben):
    asset = whole(
        ben, 1, tags='["Frost", "<b>"]', rating=4, lat=52.5, lon=13.4, altitude=-34.6,
        taken_offset="-03:00", taken_at_source="name",
    )  # fmt: skip
    page = viewer(as_ben, asset)
    for words in (
        "<li>Frost</li>", "<li>&lt;b&gt;</li>", "★★★★☆", "4 of 5 stars", "52.50000, 13.40000",
        "35 m below the sea", "12 July 2024, 18:01:00 (UTC−03:00)", "taken from the file name",
    ):  # fmt: skip
        assert words in page
    plain = viewer(as_ben, whole(ben, 2))
    for words in ("Tags", "Rating", "the sea", "UTC"):
        assert words not in plain
