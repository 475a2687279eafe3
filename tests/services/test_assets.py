"""Assets: the moves of their state, and the queries of the timeline."""

import time

import pytest

from homequeue import ledger
from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotFound
from homequeue.models import Asset, Rendition
from homequeue.services import assets
from homequeue.services.assets import Filter
from tests.library import job, row, whole

ALLOWED = {
    ("pending", "processing"),
    ("pending", "failed"),
    ("processing", "processing"),
    ("processing", "pending"),
    ("processing", "ready"),
    ("processing", "failed"),
    ("ready", "pending"),
    ("ready", "processing"),
    ("failed", "pending"),
    ("failed", "processing"),
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
    mine = row(ben, 1)
    row(anna, 2)
    trashed = row(ben, 3, trashed_at=1.0)
    found = assets.known(ben, [f"{n:064x}" for n in range(5)])
    assert found == {mine.checksum: mine.id, trashed.checksum: trashed.id}
    assert assets.known(ben, []) == {}


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
