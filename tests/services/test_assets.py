"""Assets: the moves of their state, and the queries of the timeline."""

import os
import time

import pytest

from homequeue import ledger
from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotFound, Unavailable
from homequeue.media import media
from homequeue.models import Asset, Rendition
from homequeue.services import assets
from homequeue.services.assets import Filter
from tests.library import job, jpeg, row, send, whole

ALLOWED = {
    ("pending", "processing"),
    ("pending", "ready"),
    ("pending", "failed"),
    ("processing", "processing"),
    ("processing", "pending"),
    ("processing", "ready"),
    ("processing", "failed"),
    ("ready", "pending"),
    ("ready", "processing"),
    ("ready", "ready"),
    ("failed", "pending"),
    ("failed", "processing"),
    ("failed", "ready"),
}


@pytest.mark.parametrize("source", assets.STATES)
def test_an_asset_moves_only_where_the_table_says(ben, source):
    for number, target in enumerate(assets.STATES):
        asset = row(ben, number, state=source)
        allowed = (source, target) in ALLOWED
        assert assets.move(asset.id, target, error="words") is allowed, target
        stored = Asset.get_by_id(asset.id)
        assert stored.state == (target if allowed else source)
        assert stored.error == ("words" if allowed else None)


def test_an_asset_that_is_not_there_does_not_move(house):
    assert assets.move(5, "processing") is False


def test_ones_own_is_found_and_others_are_not(anna, ben):
    asset = row(anna, 1)
    assert assets.get(anna, asset.id).id == asset.id
    for owner, number in ((ben, asset.id), (anna, 77)):
        with pytest.raises(NotFound, match="There is no such photo"):
            assets.get(owner, number)


def ids(owner, **chosen) -> list[int]:
    return [asset.id for asset in assets.timeline(owner, Filter(**chosen))[0]]


def test_the_timeline_is_ones_own_newest_first(anna, ben):
    row(anna, 1)
    old = row(ben, 2, taken_at="2001-01-01T00:00:00").id
    new = row(ben, 3, taken_at="2024-01-01T00:00:00").id
    same = row(ben, 4, taken_at="2024-01-01T00:00:00").id
    row(ben, 5, trashed_at=1.0)
    assert ids(ben) == [same, new, old]
    assert ids(ben, trashed=True) == [5]


def test_the_last_page_has_no_next(ben):
    for number in range(3):
        row(ben, number)
    assert assets.timeline(ben, Filter(), limit=3)[1] is None
    shown, following = assets.timeline(ben, Filter(), limit=2)
    assert len(shown) == 2
    rest, end = assets.timeline(ben, Filter(), following, limit=2)
    assert (len(rest), end) == (1, None)


def test_a_page_costs_two_queries_however_long_it_is(ben, monkeypatch):
    for number in range(20):
        whole(ben, number)
    queries = []
    execute = type(db.obj).execute_sql

    def counting(self, sql, *args, **options):
        queries.append(sql)
        return execute(self, sql, *args, **options)

    monkeypatch.setattr(type(db.obj), "execute_sql", counting)
    shown, _ = assets.timeline(ben, Filter())
    assert sum(len(asset.renditions) for asset in shown) == 40
    assert len([sql for sql in queries if sql.startswith("SELECT")]) == 2


@pytest.mark.sqlite("the plan it makes")
def test_a_page_is_found_by_index(ben):
    query = Asset.select().where(*assets._conditions(ben, Filter()))
    sql, values = query.order_by(Asset.taken_at.desc(), Asset.id.desc()).limit(100).sql()
    plan = [line[3] for line in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any("USING INDEX" in line for line in plan), plan
    assert not any("TEMP B-TREE" in line for line in plan), plan


@pytest.mark.sqlite("the plan it makes")
def test_a_page_far_down_and_the_count_are_found_by_index(ben, monkeypatch):
    asset, queries = row(ben, 1), []
    execute = type(db.obj).execute_sql

    def listening(self, sql, values=None, *args, **options):
        if sql.startswith("SELECT") and "rendition" not in sql:
            queries.append((sql, values))
        return execute(self, sql, values, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(db.obj), "execute_sql", listening)
        assets.timeline(ben, Filter(), "2024-07-12T18:15:00_5")
        assets.neighbours(asset)
        assets.count(ben)
    plans = [
        " ".join(line[3] for line in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values))
        for sql, values in queries
    ]
    assert len(plans) == 4
    assert all("taken_at<?" in plan or "taken_at>?" in plan for plan in plans[:3]), plans
    assert "COVERING INDEX" in plans[3]


def test_neighbours(ben, anna):
    row(anna, 9, taken_at="2024-01-02T00:00:01")
    days = ("2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03")
    found = [row(ben, n, taken_at=f"{day}T00:00:00") for n, day in enumerate(days)]
    row(ben, 10, taken_at="2024-01-02T00:00:00", trashed_at=1.0)
    one, two, three, four = found
    assert assets.neighbours(one) == (two.id, None)
    assert assets.neighbours(two) == (three.id, one.id)
    assert assets.neighbours(three) == (four.id, two.id)
    assert assets.neighbours(four) == (None, three.id)


def test_neighbours_in_the_trash_are_in_the_trash(ben):
    row(ben, 1)
    one, two = row(ben, 2, trashed_at=1.0), row(ben, 3, trashed_at=1.0)
    assert assets.neighbours(one) == (two.id, None)


def test_known_checksums(anna, ben):
    mine, trashed = (send(ben, jpeg(n)).asset for n in (1, 2))
    theirs = send(anna, jpeg(3)).asset
    assets.trash(trashed)
    found = assets.known(ben, [one.checksum for one in (mine, trashed, theirs)])
    assert found == {mine.checksum: mine, trashed.checksum: trashed}
    assert assets.known(ben, []) == {}


def test_what_is_gone_from_the_disk_is_not_known_until_it_is_sent_again(ben):
    gone, torn = (send(ben, jpeg(n)).asset for n in (1, 2))
    media.remove(gone.path)
    os.truncate(media.root / torn.path, 10)
    assert assets.known(ben, [gone.checksum, torn.checksum]) == {}
    for number, asset in enumerate((gone, torn), 1):
        assert send(ben, jpeg(number)).asset == asset
        healed = Asset.get_by_id(asset.id)
        assert media.open(healed.path).read() == jpeg(number)
    assert len(assets.known(ben, [gone.checksum, torn.checksum])) == 2


def test_nothing_is_said_of_a_storage_that_is_away(ben):
    mine = send(ben, jpeg(1)).asset
    os.rename(media.root / "originals", media.root / "away")
    with pytest.raises(Unavailable):
        assets.known(ben, [mine.checksum])
    os.rename(media.root / "away", media.root / "originals")


def test_counting(ben):
    row(ben, 1)
    row(ben, 2, state="failed")
    row(ben, 3, trashed_at=1.0, state="failed")
    assert assets.count(ben) == 2
    assert assets.count(ben, Asset.state == "failed") == 1


def test_editing(ben):
    asset = row(ben, 1)
    assets.edit(asset, {"favorite": True, "rating": 5, "caption": "Sea"})
    stored = Asset.get()
    assert (stored.favorite, stored.rating, stored.caption) == (True, 5, "Sea")
    assets.edit(asset, {"rating": None})
    assert Asset.get().rating is None
    with pytest.raises(Invalid, match="state"):
        assets.edit(asset, {"favorite": False, "state": "ready"})
    assert Asset.get().favorite is True


def test_the_trash(ben):
    asset = row(ben, 1)
    with pytest.raises(Conflict):
        assets.must_be_trashed(asset)
    assets.trash(asset)
    asset = Asset.get()
    assert time.time() - 5 < asset.trashed_at <= time.time()
    assets.must_be_trashed(asset)
    assets.restore(asset)
    assert Asset.get().trashed_at is None


def test_renditions_by_spec(ben):
    asset = whole(ben, 1)
    other = whole(ben, 2)
    assert assets.rendition(asset, "preview").asset_id == asset.id
    assert assets.rendition(asset, "poster") is None
    Rendition.delete().where(Rendition.asset == asset).execute()
    assert assets.rendition(asset, "preview") is None
    assert assets.rendition(other, "preview")


def test_the_job_to_try_again(ben):
    asset = row(ben, 1, state="failed")
    assert assets.failed_job(asset) is None
    job("failed", asset=asset.id)
    newest = job("quarantined", asset=asset.id)
    job("failed", asset=77)
    assert assets.failed_job(asset) == newest.id
    Asset.update(state="ready").execute()
    assert assets.failed_job(Asset.get()) is None


@pytest.mark.parametrize("state", ledger.STATES)
def test_assets_nobody_works_on(ben, state):
    asset = row(ben, 1)
    job(state, asset=asset.id)
    lost = state not in (*ledger.WAITING, "running")
    assert assets.without_job() == ([asset.id] if lost else [])


@pytest.mark.parametrize("state", assets.STATES)
def test_only_unfinished_assets_can_be_lost(ben, state):
    asset = row(ben, 1, state=state)
    assert assets.without_job() == ([asset.id] if state in ("pending", "processing") else [])
