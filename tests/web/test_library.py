"""The assets of the API: lists, single ones, changes, the trash."""

import re

import pytest

from homequeue import holds
from homequeue.media import media
from homequeue.models import Asset, Batch, Job, Receipt, Rendition
from homequeue.services import assets, processing
from tests.conftest import work_off
from tests.library import jpeg, originals, rendition_files, row, send, sha256, whole

FIELDS = {
    "id", "state", "kind", "filename", "size", "checksum", "mime", "width", "height", "taken_at",
    "offset", "taken_at_source", "uploaded_at", "camera", "exposure", "gps", "rating", "caption",
    "tags", "favorite", "trashed_at", "owner", "error", "damaged", "renditions",
    "altitude", "thumbhash", "animated", "motion", "duration", "awaits", "guest",
    "doubt", "candidate", "live",
}  # fmt: skip


def ids(answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [asset["id"] for asset in answer.json["assets"]]


# Single ones


def test_an_asset_as_the_contract_has_it(as_ben, ben):
    asset = whole(
        ben, 1, make="Canon", model="EOS", lat=52.5, lon=13.4, exposure='{"iso": 100}', rating=3,
        taken_offset="+02:00", uploaded_at=1720800000.5,
    )  # fmt: skip
    found = as_ben.get(f"/api/assets/{asset.id}").json
    assert set(found) == FIELDS
    assert found["camera"] == {"make": "Canon", "model": "EOS", "lens": None}
    assert found["exposure"] == {"iso": 100}
    assert found["gps"] == {"lat": 52.5, "lon": 13.4}
    assert (found["taken_at"], found["offset"]) == ("2024-07-12T18:01:00", "+02:00")
    assert found["uploaded_at"] == "2024-07-12T16:00:00.500Z"
    assert found["owner"] == "Ben"
    assert found["tags"] == []
    assert set(found["renditions"]) == {"thumbnail", "preview", "original"}
    for address in found["renditions"].values():
        assert as_ben.get(address).status == 200


def test_a_pending_asset_has_no_renditions_yet(as_ben, ben):
    asset = row(ben, 1)
    found = as_ben.get(f"/api/assets/{asset.id}").json
    assert found["state"] == "pending"
    assert found["gps"] is None
    assert found["renditions"]["thumbnail"] is None
    assert found["renditions"]["original"] == f"/api/assets/{asset.id}/original"


def test_from_upload_to_ready(as_ben):
    sent = as_ben.send(("file", "a.jpg", jpeg())).json["assets"][0]
    assert work_off() == 1
    found = as_ben.get(f"/api/assets/{sent['id']}").json
    assert (found["state"], found["error"]) == ("ready", None)
    assert (found["width"], found["height"]) == (48, 32)
    assert as_ben.get(found["renditions"]["thumbnail"]).status == 200


# Lists


@pytest.fixture
def twelve(ben, anna):
    """Twelve assets, two a minute, and one of somebody else."""
    row(anna, 99)
    return [row(ben, n, taken_at=f"2024-07-12T18:{n // 2:02}:00").id for n in range(12)]


def test_the_newest_taken_first(as_ben, twelve):
    assert ids(as_ben.get("/api/assets")) == twelve[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 500])
def test_pages_meet_without_gap_or_overlap(as_ben, twelve, limit):
    seen, cursor = [], ""
    for _ in range(20):
        answer = as_ben.get(f"/api/assets?limit={limit}{cursor}")
        assert 1 <= len(ids(answer)) <= limit
        seen += ids(answer)
        if answer.json["next"] is None:
            break
        cursor = f"&cursor={answer.json['next']}"
    assert seen == twelve[::-1]


def test_a_photo_that_arrives_while_one_turns_pages_shifts_nothing(as_ben, ben, twelve):
    first = as_ben.get("/api/assets?limit=6")
    row(ben, 77, taken_at="2025-01-01T00:00:00")
    second = as_ben.get(f"/api/assets?limit=6&cursor={first.json['next']}")
    assert ids(first) + ids(second) == twelve[::-1]


@pytest.mark.parametrize(
    "limit", ["0", "501", "-1", "x", "1.5", "", "٣", "0000000000501", "9" * 99]
)
def test_a_limit_that_cannot_be_is_refused(as_ben, limit):
    assert as_ben.get(f"/api/assets?limit={limit}").status == 422


@pytest.mark.parametrize("cursor", ["x", "_", "2024_x", "2024_" + "9" * 30, "2024_-1"])
def test_a_damaged_cursor_is_refused(as_ben, cursor):
    assert as_ben.get(f"/api/assets?cursor={cursor}").status == 422


def test_the_trash_is_a_list_of_its_own(as_ben, ben):
    kept, thrown = row(ben, 1), row(ben, 2, trashed_at=5)
    assert ids(as_ben.get("/api/assets")) == [kept.id]
    assert ids(as_ben.get("/api/assets?trashed=1")) == [thrown.id]
    assert ids(as_ben.get("/api/assets?trashed=0")) == [kept.id]


def test_a_list_says_while_nothing_is_made(as_ben, ben):
    row(ben, 1)
    assert "paused_until" not in as_ben.get("/api/assets").json
    holds.pause(4102444800.0)
    assert as_ben.get("/api/assets").json["paused_until"] == "2100-01-01T00:00:00.000Z"
    holds.pause(5.0)
    assert "paused_until" not in as_ben.get("/api/assets").json
    holds.pause(4102444800.0, "report_uploads")
    assert "paused_until" not in as_ben.get("/api/assets").json
    holds.pause(4102444800.0, "process_asset")
    assert as_ben.get("/api/assets").json["paused_until"] == "2100-01-01T00:00:00.000Z"


def test_choosing(as_ben, ben):
    row(ben, 1, filename="sea.jpg", favorite=True)
    row(ben, 2, filename="100%.jpg", caption="At the SEA", kind="video")
    row(ben, 3, filename="x_y.jpg")
    assert ids(as_ben.get("/api/assets?favorite=1")) == [1]
    assert ids(as_ben.get("/api/assets?favorite=0")) == [3, 2]
    assert ids(as_ben.get("/api/assets?kind=video")) == [2]
    assert ids(as_ben.get("/api/assets?q=sea")) == [2, 1]
    assert ids(as_ben.get("/api/assets?q=%25")) == [2]
    assert ids(as_ben.get("/api/assets?q=_")) == [3]
    assert ids(as_ben.get("/api/assets?q=sea&favorite=1")) == [1]
    assert ids(as_ben.get("/api/assets?q='%20OR%201=1--")) == []


def test_the_words_of_other_alphabets_are_found(as_ben, ben):
    row(ben, 1, filename="Фото на море.jpg")
    assert ids(as_ben.get("/api/assets?q=%D0%BC%D0%BE%D1%80%D0%B5")) == [1]


# What is known already


def test_checksums_that_are_here(as_ben, ben, anna):
    mine, trashed = (send(ben, jpeg(n)).asset for n in (1, 2))
    send(anna, jpeg(3))
    assets.trash(trashed)
    wanted = [sha256(jpeg(n)) for n in (1, 2, 3, 4)]
    answer = as_ben.post("/api/assets/check", json={"checksums": [*wanted, wanted[0].upper()]})
    known, in_trash = {wanted[0]: mine.id}, {wanted[1]: trashed.id}
    assert answer.json == {"known": known, "trashed": in_trash}
    assert assets.get(ben, trashed.id).trashed_at
    assert not Receipt.select().where(Receipt.outcome != "added").exists()


def test_files_that_are_here_have_their_receipts(as_ben, ben, anna):
    mine, trashed = (send(ben, jpeg(n)).asset for n in (1, 2))
    send(anna, jpeg(3))
    assets.trash(trashed)
    names = ("a.jpg", "../b.jpg", "c.jpg", "a once more.jpg")
    wanted = [sha256(jpeg(n)) for n in (1, 2, 3, 1)]
    files = [{"checksum": c.upper(), "filename": n} for c, n in zip(wanted, names, strict=True)]
    answer = as_ben.post("/api/assets/check", json={"files": files}).json
    assert answer["known"] == {wanted[0]: mine.id}
    assert answer["restored"] == {wanted[1]: trashed.id}
    assert assets.get(ben, trashed.id).trashed_at is None
    told = as_ben.get(f"/api/batches/{answer['batch']}").json
    rows = [(one["filename"], one["outcome"], one["size"]) for one in told["files"]]
    assert [one for one in rows if one[1] != "added"] == [
        ("a.jpg", "known", mine.size),
        ("b.jpg", "restored", trashed.size),
        ("a once more.jpg", "known", mine.size),
    ]
    sent = as_ben.put_raw(jpeg(4))
    assert sent.json["batch"] == answer["batch"], "what is sent then belongs to it"


def test_of_files_that_are_not_here_nothing_is_written(as_ben):
    files = [{"checksum": sha256(jpeg(1)), "filename": "a.jpg"}]
    answer = as_ben.post("/api/assets/check", json={"files": files})
    assert answer.json == {"known": {}, "restored": {}, "batch": None}
    assert not Batch.select().exists()


def test_ten_thousand_checksums_at_once(as_ben, ben):
    mine = send(ben, jpeg(1)).asset
    wanted = [f"{n:064x}" for n in range(9_999)] + [mine.checksum]
    answer = as_ben.post("/api/assets/check", json={"checksums": wanted})
    assert list(answer.json["known"].values()) == [mine.id]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"checksums": "a" * 64},
        {"checksums": ["a" * 63]},
        {"checksums": ["g" * 64]},
        {"checksums": [5]},
        {"checksums": [None]},
        {"checksums": [["a" * 64]]},
        {"checksums": ["a" * 64 + "\n"]},
        {"checksums": ["a" * 64] * 10_001},
        {"files": "a"},
        {"files": ["a" * 64]},
        {"files": [{"checksum": "a" * 64}]},
        {"files": [{"checksum": "a" * 64, "filename": 5}]},
        {"files": [{"checksum": "a" * 63, "filename": "a.jpg"}]},
        {"files": [{"checksum": "a" * 64, "filename": "a.jpg"}] * 1_001},
        [],
        "x",
        5,
    ],
)
def test_what_is_no_checksum_is_refused(as_ben, body):
    answer = as_ben.post("/api/assets/check", json=body)
    assert (answer.status, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"nul", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000]
)
def test_what_is_no_json_is_refused(as_ben, body):
    answer = as_ben.post("/api/assets/check", body=body)
    assert (answer.status, answer.json["code"]) == (422, "invalid")


# Changes


RATED = b'<x:xmpmeta><rdf:Description xmp:Rating="4"/>'


def give(client, asset_id: int, text: bytes = RATED):
    return client.request("PUT", f"/api/assets/{asset_id}/sidecar", body=text)


def test_a_sidecar_follows_its_photo(as_ben, ben):
    asset = send(ben, jpeg(1)).asset
    work_off()
    assert give(as_ben, asset.id).status == 204
    work_off()
    assert as_ben.get(f"/api/assets/{asset.id}").json["rating"] == 4
    jobs = Job.select().count()
    assert give(as_ben, asset.id).status == 204, "it may be told again"
    assert Job.select().count() == jobs
    answer = give(as_ben, asset.id, RATED.replace(b"4", b"5"))
    assert (answer.status, answer.json["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"", 422),
        (b"not XMP", 422),
        (jpeg(1), 422),
        (RATED + b"\0", 422),
        (RATED + b"\xff", 422),
        (RATED + b" " * 2**18, 413),
    ],
    ids=["empty", "words", "a photo", "with zeros", "no UTF-8", "too long"],
)
def test_what_is_no_sidecar_is_refused(text, status, as_ben, ben):
    asset = send(ben, jpeg(1)).asset
    assert give(as_ben, asset.id, text).status == status
    assert Asset.get_by_id(asset.id).sidecar == ""
    assert not Receipt.select().where(Receipt.outcome == "refused").exists()


def test_a_sidecar_goes_to_own_photos_only(as_ben, anna):
    asset = send(anna, jpeg(1)).asset
    assert give(as_ben, asset.id).status == 404
    assert Asset.get_by_id(asset.id).sidecar == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"favorite": True},
        {"caption": "Am Meer 🌊 <b>"},
        {"rating": 5},
        {"rating": 0},
        {"favorite": False, "caption": None, "rating": None},
        {},
    ],
)
def test_what_may_be_changed(as_ben, ben, changes):
    asset = whole(ben, 1, favorite=True, caption="before", rating=1)
    answer = as_ben.request("PATCH", f"/api/assets/{asset.id}", json=changes)
    assert answer.status == 200
    stored = Asset.get_by_id(asset.id)
    for name in ("favorite", "caption", "rating"):
        wanted = changes.get(name, getattr(asset, name))
        assert answer.json[name] == getattr(stored, name) == wanted
    assert (media.root / asset.path).read_bytes() == jpeg(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"favorite": "yes"},
        {"favorite": 1},
        {"favorite": None},
        {"caption": 5},
        {"caption": "\ud800"},
        {"rating": 6},
        {"rating": -1},
        {"rating": 10**30},
        {"rating": 2.5},
        {"rating": True},
        {"id": 5},
        {"owner": 1},
        {"owner_id": 1},
        {"state": "ready"},
        {"path": "/etc/passwd"},
        {"checksum": "x"},
        {"favorite": True, "nonsense": 1},
    ],
)
def test_what_may_not_be_changed(as_ben, ben, changes):
    asset = row(ben, 1)
    before = Asset.select().tuples()[:]
    answer = as_ben.request("PATCH", f"/api/assets/{asset.id}", json=changes)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert Asset.select().tuples()[:] == before


# The trash


def test_to_the_trash_and_back(as_ben, ben):
    asset = whole(ben, 1)
    assert as_ben.request("DELETE", f"/api/assets/{asset.id}").status == 204
    found = as_ben.get(f"/api/assets/{asset.id}").json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["trashed_at"])
    assert as_ben.get(f"/api/assets/{asset.id}/original").status == 200
    assert as_ben.post(f"/api/assets/{asset.id}/restore").json["trashed_at"] is None
    assert originals() == [asset.path]


def test_throwing_away_twice_keeps_the_first_date(as_ben, ben):
    asset = whole(ben, 1, trashed_at=77)
    as_ben.request("DELETE", f"/api/assets/{asset.id}")
    assert Asset.get_by_id(asset.id).trashed_at == 77


def test_gone_for_good_only_from_the_trash(as_ben, ben):
    asset = whole(ben, 1)
    answer = as_ben.request("DELETE", f"/api/assets/{asset.id}?purge=1")
    assert (answer.status, answer.json["code"]) == (409, "conflict")
    assert originals() == [asset.path]
    as_ben.request("DELETE", f"/api/assets/{asset.id}")
    assert as_ben.request("DELETE", f"/api/assets/{asset.id}?purge=1").status == 204
    assert as_ben.get(f"/api/assets/{asset.id}").status == 404
    assert (originals(), rendition_files()) == ([], [])
    assert Rendition.select().count() == 0


def test_gone_for_good_only_from_storage_that_is_there(as_ben, ben):
    """Or the file comes back with the disk, and with it the photo."""
    asset = whole(ben, 1, trashed_at=5)
    (media.root / "originals" / ".homequeue").unlink()
    assert as_ben.request("DELETE", f"/api/assets/{asset.id}?purge=1").status == 503
    assert Asset.get_or_none(Asset.id == asset.id) is not None


def test_sending_it_again_takes_it_out_of_the_trash(as_ben, ben):
    sent = send(ben, jpeg()).asset
    as_ben.request("DELETE", f"/api/assets/{sent.id}")
    answer = as_ben.put_raw(jpeg())
    assert answer.status == 200
    assert answer.json["assets"][0]["restored"] is True
    assert as_ben.get(f"/api/assets/{sent.id}").json["trashed_at"] is None
    assert "restored" not in as_ben.put_raw(jpeg()).json["assets"][0]


def test_a_photo_gone_for_good_can_be_sent_again(as_ben, ben):
    old = send(ben, jpeg()).asset
    as_ben.request("DELETE", f"/api/assets/{old.id}")
    as_ben.request("DELETE", f"/api/assets/{old.id}?purge=1")
    answer = as_ben.put_raw(jpeg())
    assert answer.status == 201
    work_off()
    assert as_ben.get(f"/api/assets/{answer.json['assets'][0]['id']}").json["state"] == "ready"


def test_a_photo_thrown_away_while_it_is_processed_leaves_nothing(as_ben, ben, monkeypatch):
    asset = send(ben, jpeg()).asset
    examine = processing.examine

    def purged_meanwhile(found):
        answer = examine(found)
        as_ben.request("DELETE", f"/api/assets/{asset.id}")
        assert as_ben.request("DELETE", f"/api/assets/{asset.id}?purge=1").status == 204
        return answer

    monkeypatch.setattr(processing, "examine", purged_meanwhile)
    work_off()
    assert (originals(), rendition_files()) == ([], [])
    assert Asset.select().count() == 0
    assert Job.get().state not in ("failed", "retrying", "running"), Job.get().error


def test_the_number_of_a_photo_is_never_given_again(as_ben, ben, anna):
    """Or its jobs, its addresses in caches and its renditions would become somebody else's."""
    old = send(ben, jpeg(1)).asset
    work_off()
    as_ben.request("DELETE", f"/api/assets/{old.id}")
    as_ben.request("DELETE", f"/api/assets/{old.id}?purge=1")
    new = send(anna, jpeg(2)).asset
    assert new.id != old.id


def test_checksums_tell_what_was_sent(as_ben):
    sent = as_ben.put_raw(jpeg(5)).json["assets"][0]
    assert as_ben.get(f"/api/assets/{sent['id']}").json["checksum"] == sha256(jpeg(5))


def test_some_by_their_numbers(as_ben, ben, anna):
    mine = [row(ben, n).id for n in range(3)]
    theirs = row(anna, 5).id
    found = as_ben.get(f"/api/assets?ids={mine[0]},{mine[2]},{theirs},999").json["assets"]
    assert {one["id"] for one in found} == {mine[0], mine[2]}


@pytest.mark.parametrize("ids", ["x", "1,", "1,,2", "-1", "1;2", ",".join(["1"] * 201)])
def test_numbers_that_are_none(as_ben, ids):
    assert as_ben.get(f"/api/assets?ids={ids}").status == 422
