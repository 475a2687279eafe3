"""Batches: how far what one act of a person set off has come."""

import time

import pytest

from homequeue import ledger, runs
from homequeue.errors import NotFound
from homequeue.models import Batch, Job
from homequeue.services import batches, users
from tests.library import job


@pytest.fixture
def clock(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def go_on(seconds: float) -> None:
        now[0] += seconds

    return go_on


def progress(batch: int, user=None) -> tuple[int, int, int, int]:
    found = {one.batch.id: one for one in batches.unfinished(user)}[batch]
    return found.total, found.done, found.failed, found.left


def test_what_was_cancelled_or_dismissed_is_told_apart(ben):
    batch = batches.begin("upload", ben)
    for state in ("queued", "succeeded", "cancelled", "cancelled", "failed"):
        job(state, batch=batch)
    job("quarantined", batch=batch, dismissed_at=time.time())
    (found,) = batches.unfinished()
    counts = (found.total, found.done, found.failed, found.cancelled, found.dismissed, found.left)
    assert counts == (6, 1, 2, 2, 1, 1)


def test_what_is_sent_within_minutes_is_one_batch(ben, clock):
    first = batches.of_now(ben)
    job("queued", batch=first)
    for _ in range(5):
        clock(batches.GAP - 1)
        assert batches.of_now(ben) == first
    clock(batches.GAP + 1)
    assert batches.of_now(ben) != first


@pytest.mark.parametrize("state", ledger.ENDED)
def test_what_is_done_with_is_joined_by_nothing_after_a_minute(ben, clock, state):
    first = batches.of_now(ben)
    for _ in range(3):
        clock(batches.CALM - 1)
        assert batches.of_now(ben) == first, "it is still coming"
    one = job("running", batch=first, worker="x/y/1/1")
    clock(batches.CALM + 1)
    assert batches.of_now(ben) == first, "it is still being worked on"
    Job.update(state=state).where(Job.id == one.id).execute()
    clock(batches.CALM + 1)
    assert batches.of_now(ben, began=time.time() - 5) == first, "it began before"
    clock(batches.CALM + 1)
    assert batches.of_now(ben) != first


def test_what_began_to_come_earlier_is_part_of_what_came_meanwhile(ben, clock):
    began = time.time()
    clock(30)
    first = batches.of_now(ben)
    clock(batches.GAP - 31)
    assert batches.of_now(ben, began=began) == first


def test_each_device_has_batches_of_its_own(ben):
    laptop = users.by_session(users.open_session(ben, 1))
    phone, _ = users.by_token(users.add_token(ben, "Phone", "upload", None))
    first = batches.of_now(laptop)
    assert len({first, batches.of_now(phone), batches.of_now(ben)}) == 3
    assert batches.of_now(laptop) == first
    assert batches.latest_upload(laptop) == first != batches.latest_upload(phone)
    assert batches.of_inbox(laptop) == batches.of_inbox(laptop)


def test_each_has_batches_of_their_own(anna, ben):
    assert batches.of_now(anna) != batches.of_now(ben)
    again = batches.begin("again", ben)
    assert batches.of_now(ben) != again
    assert batches.owner(Batch.get_by_id(again)) == "Ben"
    assert batches.owner(Batch.get_by_id(batches.begin("again", None))) == ""


def test_how_far_a_batch_is(ben):
    batch = batches.begin("upload", ben)
    for state in (*ledger.STATES, "succeeded", "failed"):
        job(state, batch=batch, worker="x/y/1/1")
    job("queued")
    assert progress(batch) == (10, 2, 3, 4)


def test_only_what_is_unfinished_is_shown_and_to_members_their_own(anna, ben):
    hers, his, done = (batches.begin("upload", user) for user in (anna, ben, ben))
    job("queued", batch=hers)
    job("running", batch=his, worker="x/y/1/1")
    job("succeeded", batch=done)
    job("failed", batch=done)
    assert [one.batch.id for one in batches.unfinished()] == [his, hers]
    assert [one.batch.id for one in batches.unfinished(ben)] == [his]


def test_what_a_job_of_a_batch_sets_off_is_part_of_it(ben):
    batch = batches.begin("upload", ben)
    with ledger.part_of(batch):
        ledger.add("bake", [])
    with runs.running(ledger.claim("host/boot/1/1")):
        ledger.add("cut", [])
    assert {one.batch for one in Job.select()} == {batch}
    assert progress(batch) == (2, 0, 0, 2)


def test_a_batch_is_seen_by_its_owner_and_by_administrators(anna, ben):
    hers, his = batches.begin("upload", anna), batches.begin("upload", ben)
    assert batches.get(ben, his).id == batches.get(anna, his).id == his
    for number in (hers, 77):
        with pytest.raises(NotFound, match="no such batch"):
            batches.get(ben, number)


def test_old_batches_are_forgotten_when_nothing_of_them_is_left(ben):
    old, kept = batches.begin("upload", ben), batches.begin("upload", ben)
    job("failed", batch=kept)
    Batch.update(touched_at=100).execute()
    new = batches.begin("upload", ben)
    assert batches.forget_before(200) == 1
    assert {batch.id for batch in Batch.select()} == {kept, new}
    assert old not in {kept, new}
