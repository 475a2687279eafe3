"""Drop links: who may send by one, how much, and what shows only after a yes."""

import os
import threading
import time
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import pytest

from homequeue import tasks
from homequeue.db import db
from homequeue.errors import (
    Conflict,
    Gone,
    HomequeueError,
    Invalid,
    Locked,
    NotFound,
    TooLarge,
    TooMany,
)
from homequeue.media import FORGOTTEN, media
from homequeue.models import Album, Asset, Guest, Likeness, Receipt, Share, Upload, User
from homequeue.services import (
    albums,
    assets,
    batches,
    cleanup,
    ingest,
    pairs,
    receipts,
    resumable,
    shares,
    users,
)
from homequeue.services.shares import Terms
from tests.conftest import work_off
from tests.library import job, jpeg, originals, row, send, whole


def a_link(owner: User, **terms: Any) -> Share:
    return shares.make(owner, Terms(**{"title": "Party"} | terms))[0]


def a_guest(share: Share, name: str = "Rita") -> Guest:
    found = shares.guest(share, shares.welcome(share, name))
    assert found is not None
    return found


def give(guest: Guest, *contents: bytes) -> list[ingest.Kept]:
    """What a guest's upload does, without the web."""
    owner = guest.share.user
    sent = [
        ingest.receive(ingest.Upload(owner, f"{n}.jpg", albums=("Mine",), guest=guest), [content])
        for n, content in enumerate(contents)
    ]
    return ingest.record(sent, tasks.process_asset, partial(batches.of_now, owner, guest))


@pytest.fixture
def rita(ben):
    return a_guest(a_link(ben))


def shown(owner: User, **chosen: Any) -> list[int]:
    return [asset.id for asset in assets.timeline(owner, assets.Filter(**chosen))[0]]


# Links


def test_a_link_opens_by_its_token_which_is_not_stored(ben):
    share, token = shares.make(ben, Terms(" Our \n wedding ", album="Wedding", days=7))
    assert len(token) == 43
    assert shares.by_token(token).id == share.id
    assert token not in repr(list(Share.select().tuples()))
    assert (share.title, share.album) == ("Our wedding", "Wedding")
    assert share.needs_approval
    assert share.expires_at == pytest.approx(time.time() + 7 * 86400, abs=60)


@pytest.mark.parametrize(
    "terms",
    [
        {"title": " "},
        {"days": 0},
        {"days": 367},
        {"max_files": 0},
        {"max_files": 10**6},
        {"max_size": 0},
        {"max_size": 10**14},
    ],
)
def test_terms_that_make_no_sense(ben, terms):
    with pytest.raises(Invalid):
        a_link(ben, **terms)
    assert not Share.select().exists()


@pytest.mark.parametrize("over", [{"expires_at": 1.0}, {"ended_at": 1.0}])
def test_a_link_that_has_ended(ben, over):
    share, token = shares.make(ben, Terms("Party"))
    Share.update(**over).execute()
    with pytest.raises(Gone):
        shares.by_token(token)
    assert not shares.is_open(shares.get(ben, share.id))


def test_whoever_guesses_has_to_wait(ben):
    _, token = shares.make(ben, Terms("Party"))
    for _ in range(users.Throttle.free):
        with pytest.raises(NotFound):
            shares.by_token("wrong", "192.0.2.7")
    for _ in range(2):
        with pytest.raises(TooMany):
            shares.by_token("wrong", "192.0.2.7")
        assert shares.by_token(token, "192.0.2.7"), "a whole party may share an address"
    with pytest.raises(NotFound):
        shares.by_token("wrong", "192.0.2.8")


@pytest.mark.parametrize(
    ("limit", "is_full"),
    [
        ({"max_files": 2}, True),
        ({"max_files": 3}, False),
        ({"max_size": len(jpeg(1)) + len(jpeg(2))}, True),
        ({"max_size": len(jpeg(1)) + len(jpeg(2)) + 1}, False),
    ],
)
def test_a_link_ends_when_all_that_it_takes_has_come(ben, limit, is_full):
    share, token = shares.make(ben, Terms("Party", **limit))
    rita = a_guest(share)
    assert shares.is_open(share)
    give(rita, jpeg(1), jpeg(2))
    full = shares.by_token(token)
    assert (shares.is_full(full), shares.is_open(full)) == (is_full, not is_full)
    with pytest.raises(Gone) if is_full else nullcontext():
        shares.welcome(full, "Otto")
    assert len(shares.sent(rita)) == 2


def test_links_are_their_makers(anna, ben):
    share = a_link(ben)
    assert [one.id for one in shares.listed(ben)] == [share.id]
    assert shares.listed(anna) == []
    with pytest.raises(NotFound):
        shares.get(anna, share.id)


def test_a_link_is_ended_once(ben):
    share = a_link(ben)
    shares.end(share)
    before = Share.get().ended_at
    shares.end(share)
    assert Share.get().ended_at == before


def test_what_ended_is_forgotten_when_nothing_of_it_waits(ben, rita):
    kept = give(rita, jpeg(1))[0]
    old = a_link(ben, title="Old")
    a_link(ben, title="Open")
    Share.update(ended_at=100.0).where(Share.id.in_([old.id, rita.share_id])).execute()
    assert shares.forget_before(200.0) == 1
    assert sorted(share.title for share in Share.select()) == ["Open", "Party"]
    shares.say_no(ben, [kept.asset.id])
    assert shares.forget_before(200.0) == 1
    assert not Guest.select().exists()
    assert Asset.get().guest == "Rita"


# Guests


def test_a_guest_is_known_by_their_secret_and_at_their_link_only(ben):
    share, other = a_link(ben), a_link(ben)
    secret = shares.welcome(share, "  Aunt\tRita ")
    assert shares.guest(share, secret).name == "Aunt Rita"
    assert shares.guest(other, secret) is None
    assert shares.guest(share, secret + "x") is None
    assert secret not in repr(list(Guest.select().tuples()))


def test_a_guest_needs_no_name(ben):
    assert a_guest(a_link(ben), "  ").name == ""
    assert len(a_guest(a_link(ben), "x" * 500).name) == shares.LONGEST_NAME


def test_guests_are_not_made_without_end(ben, monkeypatch):
    monkeypatch.setattr(shares, "MOST_GUESTS", 1)
    share = a_link(ben)
    a_guest(share)
    with pytest.raises(Conflict):
        shares.welcome(share, "")


def test_guests_see_what_they_have_sent_and_nothing_else(ben, rita):
    otto = a_guest(rita.share, "Otto")
    send(ben, jpeg(1))
    give(rita, jpeg(2), jpeg(3))
    give(otto, jpeg(4))
    refused = receipts.Refusal("a.txt", "No photo.")
    receipts.refuse_upload(ben, [refused], rita)
    assert [one.filename for one in shares.sent(rita)] == ["a.txt", "1.jpg", "0.jpg"]
    assert len(shares.sent(otto)) == 1


def test_a_batch_of_a_guest_is_not_mixed_with_others(ben, rita):
    otto = a_guest(rita.share)
    own = send(ben, jpeg(1)).batch
    numbers = {own, give(rita, jpeg(2))[0].batch, give(otto, jpeg(3))[0].batch}
    assert len(numbers) == 3
    assert give(rita, jpeg(4))[0].batch in numbers
    assert send(ben, jpeg(5)).batch == own


# What waits


def test_it_shows_nowhere_before_the_yes(ben, rita):
    own = whole(ben, 1)
    kept = give(rita, jpeg(2))[0]
    work_off()
    asset = Asset.get_by_id(kept.asset.id)
    assert (asset.state, asset.awaits, asset.guest) == ("ready", True, "Rita")
    assert shown(ben) == shown(ben, q="jpg") == [own.id]
    assert shown(ben, trashed=True) == []
    assert shown(ben, awaits=True) == [asset.id]
    assert assets.count(ben) == 1
    assert assets.all_present() == [own.id]
    assert assets.neighbours(own) == assets.neighbours(asset) == (None, None)
    assert shares.waiting(ben) == 1
    assert not Album.select().exists(), "a guest names no album"


def test_after_the_yes_it_shows_in_the_album_of_its_link(ben):
    rita = a_guest(a_link(ben, album="Wedding"))
    first, second = give(rita, jpeg(1), jpeg(2))
    assert shares.say_yes(ben, [first.asset.id]) == 1
    assert shown(ben) == [first.asset.id]
    wedding = albums.named(ben, "Wedding")
    assert shown(ben, album=wedding.id) == [first.asset.id]
    assert shown(ben, awaits=True) == [second.asset.id]
    assert Asset.get_by_id(first.asset.id).guest == "Rita"


def test_what_was_here_already_goes_into_the_album_with_the_yes(ben):
    rita = a_guest(a_link(ben, album="Wedding"))
    other = a_guest(a_link(ben, album="Other"), "Tom")
    here, elsewhere = send(ben, jpeg(1)).asset, send(ben, jpeg(2)).asset
    new, known, still_waits = give(rita, jpeg(3), jpeg(1), jpeg(4))
    again = give(rita, jpeg(4))[0]
    give(other, jpeg(5), jpeg(2))
    assert (known.asset.id, again.outcome) == (here.id, receipts.KNOWN)
    assert not Album.select().exists(), "not before the yes"
    assert shares.say_yes(ben, [new.asset.id]) == 1
    assert set(shown(ben, album=albums.named(ben, "Wedding").id)) == {new.asset.id, here.id}
    assert shares.waiting(ben) == 2
    assert elsewhere.id not in shown(ben, album=albums.named(ben, "Wedding").id)
    assert albums.of(still_waits.asset) == []


def test_what_was_here_and_was_deleted_since_goes_into_no_album(ben):
    rita = a_guest(a_link(ben, album="Wedding"))
    here = send(ben, jpeg(1)).asset
    new, _ = give(rita, jpeg(3), jpeg(1))
    assets.trash(here)
    shares.say_yes(ben, [new.asset.id])
    assert albums.of(here) == []


def test_after_a_no_what_was_here_already_goes_into_no_album(ben):
    rita = a_guest(a_link(ben, album="Wedding"))
    here = send(ben, jpeg(1)).asset
    new, _ = give(rita, jpeg(3), jpeg(1))
    shares.say_no(ben, [new.asset.id])
    assert albums.of(here) == []


def test_without_approval_what_was_here_already_goes_into_the_album_at_once(ben):
    rita = a_guest(a_link(ben, album="Wedding", needs_approval=False))
    here = send(ben, jpeg(1)).asset
    give(rita, jpeg(1))
    assert shown(ben, album=albums.named(ben, "Wedding").id) == [here.id]


def test_what_was_declined_is_in_the_trash(ben, rita):
    kept = give(rita, jpeg(1))[0]
    Asset.update(trashed_at=1.0).execute()
    assert shares.say_no(ben, [kept.asset.id]) == 1
    assert shown(ben, trashed=True) == [kept.asset.id]
    assert Asset.get().trashed_at > 1.0, "its days in the trash begin now"
    assert shares.waiting(ben) == 0


def test_all_are_those_that_were_seen(ben, rita):
    seen = give(rita, jpeg(1))[0]
    moment = time.time()
    unseen = give(rita, jpeg(2))[0]
    assert shares.say_yes(ben, moment) == 1
    assert shown(ben) == [seen.asset.id]
    assert shown(ben, awaits=True) == [unseen.asset.id]


@pytest.mark.parametrize("act", [shares.say_yes, shares.say_no])
@pytest.mark.parametrize("by", ["ids", "moment"])
def test_thousands_are_decided_about_in_portions(ben, rita, monkeypatch, act, by):
    """Between two of them others write, and what was done by then is done."""
    monkeypatch.setattr(shares, "PORTION", 2)
    settle, done = shares._settle, []
    ids = [kept.asset.id for kept in give(rita, *map(jpeg, range(1, 6)))]
    chosen = ids if by == "ids" else time.time() + 1

    def once(found, *args):
        if done:
            raise OSError("no disk")
        settle(found, *args)
        done.extend(found)

    monkeypatch.setattr(shares, "_settle", once)
    with pytest.raises(OSError, match="no disk"):
        act(ben, chosen)
    assert (len(done), shares.waiting(ben)) == (2, 3)
    monkeypatch.setattr(shares, "_settle", settle)
    assert act(ben, chosen) == 3
    assert shares.waiting(ben) == 0


def test_other_halves_are_looked_for_only_where_there_can_be_one(ben, rita, monkeypatch):
    kept = [one.asset.id for one in give(rita, *map(jpeg, range(1, 6)))]
    Asset.update(content_id="mark").where(Asset.id == kept[1]).execute()
    Asset.update(kind="video").where(Asset.id == kept[2]).execute()
    row(ben, 77, kind="video", filename="4.mov", taken_at=Asset.get_by_id(kept[4]).taken_at)
    asked: list[int] = []
    monkeypatch.setattr(pairs, "link", asked.append)
    assert shares.say_yes(ben, kept) == 5
    assert sorted(asked) == [kept[1], kept[2], kept[4]]


@pytest.mark.parametrize("first", ["photo", "video"])
def test_two_halves_without_a_mark_find_each_other_whichever_is_kept_first(ben, first):
    share, waits = a_link(ben), {"awaits": True, "trashed_at": 1.0}
    taken = {"taken_at": "2024-07-12T18:15:00", "taken_at_source": "exif", "duration": 2.0}
    halves = {
        kind: row(ben, n, kind=kind, filename=f"IMG_1.{kind}", share=share.id, **taken, **waits)
        for n, kind in enumerate(("photo", "video"))
    }
    for one in halves.values():
        job("succeeded", asset=one.id, batch=1)
    for kind in sorted(halves, key=lambda kind: kind != first):
        assert shares.say_yes(ben, [halves[kind].id]) == 1
    assert Asset.get_by_id(halves["photo"].id).pair == halves["video"].id
    assert shown(ben) == [halves["photo"].id]


@pytest.mark.sqlite("the plan it makes")
def test_what_waits_is_counted_by_an_index(ben, monkeypatch):
    plans, run = [], db.execute_sql

    def explained(sql, values=()):
        plans.append(str(run(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()))
        return run(sql, values)

    monkeypatch.setattr(db.obj, "execute_sql", explained)
    shares.waiting(ben)
    (plan,) = plans
    assert "INDEX asset_waiting (owner_id=? AND is_clip=?)" in plan


def test_of_what_was_declined_nobody_is_asked_whether_it_is_a_copy(ben, rita):
    kept = give(rita, jpeg(1))[0].asset
    Likeness.create(asset=kept, owner=ben, group=kept.id)
    shares.say_no(ben, [kept.id])
    assert Likeness.get().settled
    give(rita, jpeg(1))
    assert not Likeness.get().settled, "it waits once more"


def test_nobody_decides_for_others_or_about_what_does_not_wait(anna, ben, rita):
    kept, own = give(rita, jpeg(1))[0], whole(ben, 2)
    assert shares.say_yes(anna, [kept.asset.id]) == shares.say_no(anna, time.time()) == 0
    assert shares.say_no(ben, [own.id]) == 0
    assert shown(ben) == [own.id]


def test_the_clip_of_a_live_photo_goes_with_it(ben, rita):
    photo, clip, other, film = (kept.asset for kept in give(rita, *map(jpeg, range(1, 5))))
    for one, two in ((photo, clip), (other, film)):
        Asset.update(pair=two.id).where(Asset.id == one.id).execute()
        Asset.update(pair=one.id, is_clip=True, kind="video").where(Asset.id == two.id).execute()
    assert shares.waiting(ben) == len(shown(ben, awaits=True)) == 2
    assert shares.say_yes(ben, [photo.id]) == 2
    assert not Asset.get_by_id(clip.id).awaits
    assert shares.say_no(ben, [other.id]) == 2
    assert Asset.get_by_id(film.id).trashed_at
    assert not Asset.select().where(Asset.awaits).exists()


def test_without_approval_it_shows_at_once(ben):
    rita = a_guest(a_link(ben, needs_approval=False, album="Wedding"))
    kept = give(rita, jpeg(1))[0]
    assert shown(ben, album=albums.named(ben, "Wedding").id) == [kept.asset.id]
    assert shares.waiting(ben) == 0
    assert Asset.get().guest == "Rita"


def test_the_trash_is_emptied_without_what_waits(ben, rita):
    kept = give(rita, jpeg(1))[0]
    Asset.update(trashed_at=1.0).execute()
    asset = Asset.get_by_id(kept.asset.id)
    assert cleanup.empty_trash(ben) == 0
    assert not cleanup.purge(asset)
    with pytest.raises(Conflict):
        assets.must_be_trashed(asset)
    assert Asset.select().exists()


def test_owners_may_also_restore_or_trash_it_as_any_other(ben, rita):
    first, second = (kept.asset for kept in give(rita, jpeg(1), jpeg(2)))
    assets.restore(first)
    assets.trash(second)
    assert shown(ben) == [first.id]
    assert shown(ben, trashed=True) == [second.id]
    assert shares.waiting(ben) == 0


# The same bytes


def test_what_the_owner_has_stays_as_it_is(ben, rita):
    own = send(ben, jpeg(1)).asset
    kept = give(rita, jpeg(1))[0]
    assert (kept.asset.id, kept.outcome) == (own.id, "known")
    asset = Asset.get()
    assert (asset.awaits, asset.trashed_at, asset.guest, asset.share) == (False, None, None, None)


def test_what_the_owner_threw_away_waits_for_a_yes(ben, rita):
    own = send(ben, jpeg(1)).asset
    assets.trash(own)
    assert give(rita, jpeg(1))[0].outcome == "known"
    assert shown(ben) == shown(ben, trashed=True) == []
    assert shown(ben, awaits=True) == [own.id]


@pytest.fixture
def live(ben) -> dict[str, Asset]:
    """A Live Photo of Ben's, only rows with files, in the trash."""
    photo, clip = send(ben, jpeg(1)).asset, send(ben, jpeg(2)).asset
    Asset.update(pair=clip.id).where(Asset.id == photo.id).execute()
    Asset.update(pair=photo.id, is_clip=True, kind="video").where(Asset.id == clip.id).execute()
    work_off()
    assets.trash(photo)
    return {"photo": photo, "clip": clip}


@pytest.mark.parametrize("sent", [1, 2], ids=["photo", "clip"])
def test_one_half_of_a_live_photo_brings_the_other_along(ben, rita, live, sent):
    give(rita, jpeg(sent))
    assert shares.waiting(ben) == 1
    assert shown(ben, trashed=True) == []
    assert cleanup.empty_trash(ben) == 0
    assert shares.say_yes(ben, time.time() + 1) == 2
    assert shown(ben) == [live["photo"].id]
    photo, clip = (Asset.get_by_id(live[name].id) for name in ("photo", "clip"))
    assert (photo.pair, clip.pair, clip.is_clip) == (clip.id, photo.id, True)


@pytest.mark.parametrize("sent", [1, 2], ids=["photo", "clip"])
def test_without_approval_both_halves_show_at_once(ben, live, sent):
    give(a_guest(a_link(ben, needs_approval=False)), jpeg(sent))
    assert shown(ben) == [live["photo"].id]
    assert cleanup.empty_trash(ben) == 0
    assert Asset.select().where(Asset.trashed_at.is_null()).count() == 2


def test_what_comes_out_of_the_trash_stays_whose_it_was(ben):
    rita = a_guest(a_link(ben, album="Wedding"))
    own = send(ben, jpeg(1)).asset
    assets.trash(own)
    give(rita, jpeg(1))
    shares.say_yes(ben, [own.id])
    assert Asset.get().guest is None
    assert shown(ben, album=albums.named(ben, "Wedding").id) == [own.id]


def test_sent_twice_it_waits_once(ben, rita):
    give(rita, jpeg(1))
    before = Asset.get().trashed_at
    give(a_guest(rita.share, "Otto"), jpeg(1))
    assert (Asset.get().guest, Asset.get().trashed_at) == ("Rita", before)
    assert shares.waiting(ben) == 1


def test_the_owner_who_sends_it_too_has_said_yes(ben, rita):
    kept = give(rita, jpeg(1))[0]
    send(ben, jpeg(1))
    assert shown(ben) == [kept.asset.id]
    assert shares.waiting(ben) == 0


# Limits


def test_files_and_bytes_are_counted(ben, rita):
    give(rita, jpeg(1), jpeg(2))
    give(a_guest(rita.share), jpeg(1))
    share = Share.get()
    assert share.files == 3
    assert share.size == 2 * len(jpeg(1)) + len(jpeg(2))


@pytest.mark.parametrize("limit", [{"max_files": 2}, {"max_size": 2 * len(jpeg(1)) + 100}])
def test_what_is_recorded_together_beyond_its_limit_is_not_kept(ben, limit):
    rita = a_guest(a_link(ben, **limit))
    with pytest.raises(TooLarge):
        give(rita, jpeg(1), jpeg(2), jpeg(3))
    assert originals() == []
    give(rita, jpeg(1), jpeg(2))
    with pytest.raises(TooLarge):
        give(rita, jpeg(3))
    assert (len(originals()), Asset.select().count(), Share.get().files) == (2, 2, 2)


def test_through_a_link_that_ended_meanwhile_nothing_comes(ben, rita):
    shares.end(rita.share)
    with pytest.raises(Gone):
        give(rita, jpeg(1))
    assert originals() == []


def test_what_could_not_be_kept_is_not_counted(ben, rita, monkeypatch):
    def broken(*_: Any) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(receipts, "write", broken)
    with pytest.raises(OSError, match="no disk"):
        give(rita, jpeg(1))
    assert (Share.get().files, Share.get().size) == (0, 0)


def test_the_last_place_is_given_once(ben):
    rita = a_guest(a_link(ben, max_files=3))
    errors: list[HomequeueError] = []

    def one(number: int) -> None:
        try:
            give(rita, jpeg(number))
        except HomequeueError as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Asset.select().count() == Share.get().files == 3
    assert [type(error) for error in errors] == [TooLarge] * 5


def test_what_is_under_way_counts(ben):
    rita = a_guest(a_link(ben, max_files=2, max_size=100))
    shares.check_room(rita, 100)
    with pytest.raises(TooLarge):
        shares.check_room(rita, 101)
    resumable.create(ben, 60, "", guest=rita)
    shares.check_room(rita, 40)
    with pytest.raises(Locked):
        shares.check_room(rita, 41)
    resumable.create(ben, 1, "", guest=rita)
    with pytest.raises(Locked):
        shares.check_room(rita, 1)
    Upload.update(ended_at=1.0).execute()
    shares.check_room(rita, 1)


def test_what_somebody_has_begun_and_left_alone_counts_no_more(ben):
    rita = a_guest(a_link(ben, max_files=1, max_size=100))
    left = resumable.create(ben, 60, "", guest=rita)
    with pytest.raises(Locked):
        shares.check_room(rita, 1)
    path = media.root / "incoming" / f"resumable-{left.id}"
    os.utime(path, (time.time() - FORGOTTEN - 1,) * 2)
    shares.check_room(rita, 100)


def test_users_have_no_such_limit(ben):
    shares.check_room(None, 10**15)
    with shares.counted(None, [1]):
        pass


def test_a_file_that_cannot_come_has_a_receipt_of_the_guest(ben):
    rita = a_guest(a_link(ben, max_size=10))
    with suppress(TooLarge):
        ingest.check_file(ben, "big.jpg", 11, rita)
    (receipt,) = shares.sent(rita)
    assert (receipt.filename, receipt.outcome) == ("big.jpg", "refused")
    assert Receipt.select().count() == 1


def test_refusals_of_a_guest_are_not_written_down_without_end(ben, rita, monkeypatch):
    monkeypatch.setattr(receipts, "MOST_OF_GUEST", 3)
    otto = a_guest(rita.share, "Otto")
    give(rita, jpeg(1))
    two = [receipts.Refusal(name, "No photo.") for name in ("a.txt", "b.txt")]
    for _ in range(2):
        receipts.refuse_upload(ben, two, rita)
    with pytest.raises(Invalid):
        ingest.check_file(ben, "empty.jpg", 0, rita)
    assert [one.filename for one in shares.sent(rita)] == ["a.txt", "b.txt", "a.txt", "0.jpg"]
    receipts.refuse_upload(ben, two, otto)
    receipts.refuse_upload(ben, two + two)
    assert Receipt.select().count() == 4 + 2 + 4, "others and users have theirs"


def test_what_waits_is_looked_after_as_any_other(ben, rita):
    kept = give(rita, jpeg(1))[0]
    work_off()
    cleanup.rescue(tasks.process_asset, tasks.report_soon)
    assert (Asset.get_by_id(kept.asset.id).state, shares.waiting(ben)) == ("ready", 1)
