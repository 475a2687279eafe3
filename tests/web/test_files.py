"""Bytes as they leave the house: names, ranges, conditions, and what may be done with them."""

import json

import pytest

from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.web.pages import static_url
from tests.library import jpeg, row, sha256, whole

ORIGINAL = "/api/assets/{}/original"


@pytest.fixture
def asset(ben):
    return whole(ben, 1)


@pytest.fixture
def url(asset):
    return ORIGINAL.format(asset.id)


def data(asset: Asset) -> bytes:
    return (media.root / asset.path).read_bytes()


# Originals


def test_an_original_comes_back_byte_for_byte(as_ben, asset, url):
    answer = as_ben.get(url)
    assert (answer.status, answer.body) == (200, data(asset))
    assert answer.header("Content-Type") == "image/jpeg"
    assert answer.header("Content-Length") == str(asset.size)
    assert answer.header("ETag") == f'"{asset.checksum}"'
    assert answer.header("Accept-Ranges") == "bytes"


def test_an_original_can_do_nothing_when_it_is_opened(as_ben, url):
    policy = as_ben.get(url).header("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-" not in policy
    assert "script-src" not in policy
    assert as_ben.get(url).header("X-Content-Type-Options") == "nosniff"


def test_an_original_is_not_kept_by_shared_caches(as_ben, url):
    assert as_ben.get(url).header("Cache-Control") == "private, no-cache"


@pytest.mark.parametrize(
    ("filename", "plain", "full"),
    [
        ("sea.jpg", "sea.jpg", "sea.jpg"),
        ("Фото на море.jpg", "____ __ ____.jpg", "%D0%A4%D0%BE%D1%82%D0%BE%20%D0%BD%D0%B0"),
        ('a"b.jpg', "a_b.jpg", "a%22b.jpg"),
        ("a\\b.jpg", "a_b.jpg", "a%5Cb.jpg"),
        ("a;b'c%20.jpg", "a;b'c%20.jpg", "a%3Bb%27c%2520.jpg"),
        ("💾.jpg", "_.jpg", "%F0%9F%92%BE.jpg"),
    ],
)
def test_the_name_of_an_original(as_ben, asset, url, filename, plain, full):
    """RFC 6266: an ASCII name for the old, UTF-8 in percent for the others."""
    Asset.update(filename=filename).execute()
    named = as_ben.get(url).header("Content-Disposition") or ""
    assert named.startswith(f'inline; filename="{plain}"; ')
    assert f"filename*=UTF-8''{full}" in named
    assert named.isascii()
    assert (as_ben.get(f"{url}?download=1").header("Content-Disposition") or "").startswith(
        "attachment; "
    )


@pytest.mark.parametrize("filename", ["a\nb.jpg", "a\r\nX-Evil: 1.jpg", "a\0b.jpg", "\x7f.jpg"])
def test_a_name_that_would_break_the_header_does_not(as_ben, asset, url, filename):
    """Imported files are called what their file system lets them be."""
    Asset.update(filename=filename).execute()
    answer = as_ben.get(url)
    assert answer.status == 200
    assert answer.header("X-Evil") is None


# Conditions and ranges


@pytest.mark.parametrize("given", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_what_the_client_has_is_not_sent_again(as_ben, asset, url, given):
    answer = as_ben.get(url, If_None_Match=given.format(asset.checksum))
    assert (answer.status, answer.body) == (304, b"")
    assert answer.header("ETag") == f'"{asset.checksum}"'
    assert answer.header("Cache-Control") == "private, no-cache"


@pytest.mark.parametrize("given", ['"other"', "", "{}", '"{}x"'])
def test_what_it_has_not_is(as_ben, asset, url, given):
    assert as_ben.get(url, If_None_Match=given.format(asset.checksum)).status == 200


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("0-0", 0, 0), ("0-9", 0, 9), ("5-", 5, None), ("-7", -7, None), ("0-99999999", 0, None)],
)
def test_a_range(as_ben, asset, url, wanted, first, last):
    whole_file = data(asset)
    expected = whole_file[first : last + 1 if last is not None else None]
    answer = as_ben.get(url, Range=f"bytes={wanted}")
    assert (answer.status, answer.body) == (206, expected)
    start = first % asset.size
    end = start + len(expected) - 1
    assert answer.header("Content-Range") == f"bytes {start}-{end}/{asset.size}"
    assert answer.header("ETag") == f'"{asset.checksum}"'


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=999999-9999999", "bytes=-0"])
def test_a_range_beyond_the_end(as_ben, asset, url, wanted):
    answer = as_ben.get(url, Range=wanted)
    assert answer.status == 416
    assert answer.header("Content-Range") == f"bytes */{asset.size}"


def test_several_ranges_get_the_whole(as_ben, asset, url):
    answer = as_ben.get(url, Range="bytes=0-1,5-6")
    assert (answer.status, answer.body) == (200, data(asset))


def test_a_range_of_an_unknown_unit_is_ignored(as_ben, asset, url):
    """RFC 9110, 14.2: a server MUST ignore it."""
    assert as_ben.get(url, Range="lines=1-2").status == 200


def test_a_range_of_another_version_gets_the_whole(as_ben, asset, url):
    other = as_ben.get(url, Range="bytes=0-1", If_Range='"other"')
    assert (other.status, other.body) == (200, data(asset))
    same = as_ben.get(url, Range="bytes=0-1", If_Range=f'"{asset.checksum}"')
    assert (same.status, same.body) == (206, data(asset)[:2])


def test_a_condition_beats_a_range(as_ben, asset, url):
    answer = as_ben.get(url, Range="bytes=0-1", If_None_Match=f'"{asset.checksum}"')
    assert answer.status == 304


def test_head_tells_all_but_the_bytes(as_ben, asset, url):
    answer = as_ben.request("HEAD", url)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("Content-Length") == str(asset.size)
    assert answer.header("ETag") == f'"{asset.checksum}"'


# Renditions


@pytest.mark.parametrize("spec", ["thumbnail", "preview"])
def test_a_rendition(as_ben, asset, spec):
    made = Rendition.get(Rendition.asset == asset, Rendition.spec == spec)
    answer = as_ben.get(f"/api/assets/{asset.id}/{spec}")
    assert answer.status == 200
    assert sha256(answer.body) == made.checksum
    assert answer.header("Content-Type") == made.mime
    assert answer.header("ETag") == f'"{made.checksum}"'
    assert "immutable" in (answer.header("Cache-Control") or "")
    assert "private" in (answer.header("Cache-Control") or "")


def test_the_address_of_a_rendition_changes_with_its_bytes(as_ben, asset):
    before = as_ben.get(f"/api/assets/{asset.id}").json["renditions"]
    Rendition.update(checksum="f" * 64).where(Rendition.spec == "thumbnail").execute()
    after = as_ben.get(f"/api/assets/{asset.id}").json["renditions"]
    assert before["thumbnail"] != after["thumbnail"]
    assert before["preview"] == after["preview"]
    assert as_ben.get(before["preview"]).status == 200


@pytest.mark.parametrize("state", ["pending", "processing"])
@pytest.mark.parametrize("spec", ["thumbnail", "preview"])
def test_a_rendition_that_is_being_made(as_ben, ben, state, spec):
    asset = row(ben, 1, state=state)
    answer = as_ben.get(f"/api/assets/{asset.id}/{spec}")
    assert answer.status == 202
    assert answer.header("Retry-After")
    assert answer.json == {"state": state}
    assert answer.header("Cache-Control") == "no-store"


def test_a_rendition_that_could_not_be_made_says_why(as_ben, ben):
    asset = row(ben, 1, state="failed", error="Nothing in it can be shown.")
    answer = as_ben.get(f"/api/assets/{asset.id}/thumbnail")
    assert answer.status == 404
    assert answer.json["error"] == "Nothing in it can be shown."


def test_a_rendition_from_before_is_shown_while_a_new_one_is_made(as_ben, asset):
    Asset.update(state="processing").execute()
    assert as_ben.get(f"/api/assets/{asset.id}/thumbnail").status == 200


def test_the_original_of_a_pending_asset_is_there_at_once(as_ben, ben):
    asset = whole(ben, 1, state="pending")
    assert as_ben.get(ORIGINAL.format(asset.id)).status == 200


# When the storage fails


def test_a_missing_original_is_503_in_words(as_ben, asset, url):
    (media.root / asset.path).unlink()
    answer = as_ben.get(url)
    assert answer.status == 503
    assert "missing from the storage" in answer.json["error"]


def test_an_unmounted_storage_is_503_in_words(as_ben, asset, url):
    (media.root / asset.path).unlink()
    (media.root / "originals" / ".homequeue").unlink()
    assert "not mounted" in as_ben.get(url).json["error"]


def test_a_file_that_cannot_be_read_is_503_in_words(as_ben, url, monkeypatch):
    from pathlib import Path  # noqa: PLC0415

    def fail(*_args, **_values):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    assert as_ben.get(url).status == 503


# Files of the pages


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("css/app.css", "text/css; charset=utf-8"),
        ("js/app.js", "text/javascript; charset=utf-8"),
        ("img/house.svg", "image/svg+xml"),
        ("img/icon-180.png", "image/png"),
        ("manifest.webmanifest", "application/manifest+json"),
    ],
)
def test_a_static_file(nobody, house, path, kind):
    answer = nobody.get(static_url(path))
    assert answer.status == 200
    assert answer.header("Content-Type") == kind
    assert "immutable" in (answer.header("Cache-Control") or "")
    again = nobody.get(f"/static/{path}", If_None_Match=answer.header("ETag") or "")
    assert again.status == 304
    assert again.header("Cache-Control") == "public, no-cache"


def test_everything_the_manifest_names_is_there(nobody, house):
    manifest = json.loads(nobody.get("/static/manifest.webmanifest").body)
    for icon in manifest["icons"]:
        assert nobody.get(icon["src"]).status == 200


def test_the_wsgi_server_sends_the_file_itself(as_ben, asset, url):
    sent = []

    class Wrapper:
        def __init__(self, file):
            sent.append(file)
            self.file = file

        def __iter__(self):
            return iter([self.file.read(10)])

        def close(self):
            self.file.close()

    app = as_ben.app

    def wrapped(environ, start):
        return app(environ | {"wsgi.file_wrapper": Wrapper}, start)

    as_ben.app = wrapped
    answer = as_ben.get(url, Range="bytes=3-12")
    assert answer.body == jpeg(1)[3:13]
    assert sent[0].closed
