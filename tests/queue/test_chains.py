"""Chains and groups: what follows what, with which results, whatever happens on the way."""

import json

import pytest
from huey.exceptions import ConfigurationError

from homequeue import errors, ledger
from homequeue.db import db
from homequeue.models import Fact, Job
from homequeue.queue import chord, group
from tests.queue.helpers import dead_process, make_due, states, step, the, work_off

pytestmark = pytest.mark.usefixtures("house")


@pytest.fixture
def seen():
    return []


@pytest.fixture
def bakery(hall, seen):
    """Tasks that say what they were given, fail if they are told to, and tell of their ends."""

    def given_up(words, *args):
        assert db.in_transaction()
        Fact.create(name=f"gave up {args[0]}", value=json.dumps(words))

    def revived(*args):
        Fact.delete().where(Fact.name == f"gave up {args[0]}").execute()

    hooks = {"given_up": given_up, "revived": revived}
    broken: set[str] = set()

    def declare(name, **options):
        def work(what, *given):
            seen.append((name, what, *given))
            if name in broken:
                raise errors.Invalid(f"{name} is broken.")
            return f"{what} {name}"

        work.__name__ = name
        return hall.task(**options, **hooks)(work)

    hall.broken = broken
    hall.mix, hall.bake, hall.cut = declare("mix"), declare("bake"), declare("cut")
    hall.wash = declare("wash", unique=True)
    hall.serve = declare("serve")
    return hall


def chain(hall):
    """mix, then bake, then cut."""
    return hall.enqueue(hall.mix.s("dough").then(hall.bake, "bread").then(hall.cut, "slices"))


def three(hall, *tasks):
    """A group of three, and what follows it."""
    members = tasks or [hall.mix.s(f"dough {n}") for n in range(3)]
    return hall.enqueue(group(members).then(hall.serve, "guests"))


# Chains


def test_a_step_begins_when_the_one_before_has_succeeded_and_is_given_its_result(bakery, seen):
    first = chain(bakery)
    assert first.task == "mix"
    assert states() == {"cut": "scheduled", "bake": "scheduled", "mix": "queued"}
    assert [message["job"] for message in bakery.storage.messages] == [first.id]
    assert work_off(bakery) == ["mix", "bake", "cut"]
    assert seen == [
        ("mix", "dough"),
        ("bake", "bread", "dough mix"),
        ("cut", "slices", "bread bake"),
    ]
    assert states() == dict.fromkeys(("cut", "bake", "mix"), "succeeded")


def test_a_result_of_nothing_is_not_passed_on(hall, seen):
    @hall.task()
    def quiet():
        pass

    @hall.task()
    def after(*args):
        seen.append(args)

    hall.enqueue(quiet.s().then(after))
    work_off(hall)
    assert seen == [()]


def test_a_result_that_is_kept_with_its_effect_is_passed_on(hall, seen):
    @hall.task()
    def count():
        with ledger.finishing(result=[1, {"a": 2}]):
            Fact.create(name="counted", value="1")
        return "thrown away"

    @hall.task()
    def after(*args):
        seen.append(args)

    hall.enqueue(count.s().then(after))
    work_off(hall)
    assert seen == [([1, {"a": 2}],)]


def test_a_step_whose_success_is_not_kept_lets_nothing_follow(hall):
    @hall.task()
    def count():
        with ledger.finishing(result=1):
            Fact.create(name="counted", value="1")
            raise errors.Invalid("no")

    @hall.task()
    def after(given):
        raise AssertionError

    hall.enqueue(count.s().then(after))
    work_off(hall)
    assert states() == {"count": "failed", "after": "cancelled"}
    assert the("after").args == "[]"


def test_a_step_that_is_tried_again_keeps_the_next_waiting(hall):
    tries = []

    @hall.task(retries=1, retry_delay=60)
    def shaky():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("cold")

    @hall.task()
    def after():
        pass

    hall.enqueue(shaky.s().then(after))
    assert work_off(hall) == ["shaky"]
    assert states() == {"shaky": "retrying", "after": "scheduled"}
    make_due()
    assert work_off(hall) == ["shaky", "after"]


def test_a_delayed_step_waits_for_its_time_and_for_its_turn(bakery):
    bakery.enqueue(bakery.mix.s("dough").then(bakery.bake.s("bread", delay=60)))
    assert work_off(bakery) == ["mix"]
    make_due()
    assert work_off(bakery) == ["bake"]


def test_a_chain_that_is_rolled_back_leaves_nothing(bakery):
    with pytest.raises(ZeroDivisionError), db.atomic():  # noqa: PT012
        chain(bakery)
        raise ZeroDivisionError
    assert Job.select().count() == 0
    assert bakery.storage.messages == []


def test_the_end_of_a_step_is_the_end_of_all_that_follow(bakery, seen):
    bakery.broken.add("mix")
    first = chain(bakery)
    assert work_off(bakery) == ["mix"]
    assert states() == {"cut": "cancelled", "bake": "cancelled", "mix": "failed"}
    assert the("bake").error == f"What goes before it was not done (job {first.id})."
    told = {fact.name: json.loads(fact.value) for fact in Fact.select()}
    assert told["gave up dough"] == "mix is broken."
    assert set(told) == {"gave up dough", "gave up bread", "gave up slices"}


def test_a_step_that_is_cancelled_ends_what_follows_and_not_what_goes_before(bakery):
    chain(bakery)
    assert bakery.give_up(the("bake"), ledger.CANCELLED, "It was cancelled by Anna.")
    assert states() == {"cut": "cancelled", "bake": "cancelled", "mix": "queued"}
    assert work_off(bakery) == ["mix"]
    assert states()["bake"] == "cancelled"


def test_a_quarantine_ends_what_follows(bakery):
    chain(bakery)
    for _ in range(3):
        ledger.claim(dead_process())
        bakery.recover()
    assert states() == {"cut": "cancelled", "bake": "cancelled", "mix": "quarantined"}


@pytest.mark.parametrize("asked", ["mix", "bake", "cut"])
def test_whichever_step_is_revived_the_whole_chain_is(bakery, seen, asked):
    bakery.broken.add("mix")
    chain(bakery)
    work_off(bakery)
    bakery.broken.clear()
    assert bakery.revive(the(asked), "Anna")
    assert states() == {"cut": "scheduled", "bake": "scheduled", "mix": "queued"}
    assert Fact.select().count() == 0
    seen.clear()
    assert work_off(bakery) == ["mix", "bake", "cut"]
    assert seen[1:] == [("bake", "bread", "dough mix"), ("cut", "slices", "bread bake")]


def test_a_step_that_fails_in_the_middle_goes_on_from_there(bakery, seen):
    bakery.broken.add("bake")
    chain(bakery)
    assert work_off(bakery) == ["mix", "bake"]
    bakery.broken.clear()
    assert bakery.revive(the("bake"))
    assert work_off(bakery) == ["bake", "cut"]
    assert seen[-2:] == [("bake", "bread", "dough mix"), ("cut", "slices", "bread bake")]


def test_a_step_that_was_cancelled_meanwhile_has_its_result_when_it_is_revived(bakery, seen):
    chain(bakery)
    bakery.give_up(the("bake"), ledger.CANCELLED, "not now")
    work_off(bakery)
    assert bakery.revive(the("bake"))
    assert work_off(bakery) == ["bake", "cut"]
    assert ("bake", "bread", "dough mix") in seen


def test_unique_work_that_waits_already_is_followed_where_it_is(bakery, seen):
    bakery.wash("cups")
    bakery.enqueue(bakery.wash.s("cups", priority=5).then(bakery.cut, "slices"))
    assert Job.select().where(Job.task == "wash").count() == 1
    assert the("wash").priority == 5
    assert work_off(bakery) == ["wash", "cut"]
    assert seen[-1] == ("cut", "slices", "cups wash")


def test_unique_work_that_has_a_follower_already_is_done_once_more(bakery, seen):
    """Rather than that something which was to follow is forgotten."""
    bakery.enqueue(bakery.wash.s("cups").then(bakery.cut, "slices"))
    bakery.enqueue(bakery.wash.s("cups").then(bakery.bake, "bread"))
    assert sorted(work_off(bakery)) == ["bake", "cut", "wash", "wash"]


def test_unique_work_that_waits_already_is_no_job_of_its_own(bakery):
    assert bakery.wash("cups") is not None
    assert bakery.wash("cups") is None


@pytest.mark.parametrize("is_broken", [False, True])
def test_unique_work_is_done_even_if_a_chain_ends_before_it_comes_to_the_same(
    bakery, seen, is_broken
):
    bakery.broken |= {"mix"} if is_broken else set()
    bakery.enqueue(bakery.mix.s("dough").then(bakery.wash, "cups"))
    assert bakery.wash("cups") is not None
    bakery.enqueue(bakery.wash.s("cups").then(bakery.cut, "slices"))
    work_off(bakery)
    assert ("wash", "cups") in seen
    assert ("cut", "slices", "cups wash") in seen


def test_what_failed_is_not_kept_from_its_next_try_by_a_step_that_may_never_come(bakery):
    bakery.broken.add("wash")
    failed = bakery.wash("cups")
    step(bakery)
    bakery.enqueue(bakery.mix.s("dough").then(bakery.wash, "cups"))
    assert bakery.revive(Job.get_by_id(failed.id))


# Groups


def test_what_follows_a_group_begins_when_all_of_it_is_done_and_knows_the_results(bakery, seen):
    after = three(bakery)
    assert after.task == "serve"
    assert after.id not in [message["job"] for message in bakery.storage.messages]
    assert work_off(bakery) == ["mix", "mix", "mix", "serve"]
    assert seen[-1] == ("serve", "guests", [f"dough {n} mix" for n in range(3)])


def test_a_group_without_a_follow_up_is_its_members(bakery):
    found = bakery.enqueue(group([bakery.mix.s("a"), bakery.bake.s("b")]))
    assert [one.task for one in found] == ["mix", "bake"]
    assert work_off(bakery) == ["mix", "bake"]


def test_the_follow_up_of_nothing_comes_at_once(bakery, seen):
    assert bakery.enqueue(chord([], bakery.serve.s("guests"))).task == "serve"
    assert work_off(bakery) == ["serve"]
    assert seen == [("serve", "guests", [])]


def test_a_member_that_fails_holds_nothing_up(bakery, seen):
    bakery.broken.add("bake")
    three(bakery, bakery.mix.s("a"), bakery.bake.s("b"), bakery.cut.s("c"))
    assert work_off(bakery) == ["mix", "bake", "cut", "serve"]
    assert seen[-1] == ("serve", "guests", ["a mix", None, "c cut"])


def test_who_cancels_the_last_member_wakes_a_worker_for_what_follows(bakery, seen):
    after = three(bakery, bakery.mix.s("a"), bakery.bake.s("b"))
    step(bakery)
    bakery.storage.messages.clear()
    bakery.give_up(the("bake"), ledger.CANCELLED, "no")
    assert [message["job"] for message in bakery.storage.messages] == [after.id]
    assert work_off(bakery) == ["serve"]
    assert seen[-1] == ("serve", "guests", ["a mix", None])


def test_members_may_be_chains(bakery, seen):
    three(bakery, bakery.mix.s("a").then(bakery.bake, "b"), bakery.cut.s("c"))
    assert work_off(bakery) == ["mix", "bake", "cut", "serve"]
    assert seen[-1] == ("serve", "guests", ["b bake", "c cut"])


def test_a_chain_that_ends_in_a_group_counts_once(bakery, seen):
    bakery.broken.add("mix")
    three(bakery, bakery.mix.s("a").then(bakery.bake, "b"), bakery.cut.s("c"))
    assert work_off(bakery) == ["mix", "cut", "serve"]
    assert seen[-1] == ("serve", "guests", [None, "c cut"])


def test_a_follow_up_may_be_followed(bakery, seen):
    both = group([bakery.mix.s("a")]).then(bakery.serve, "guests").then(bakery.wash, "cups")
    bakery.enqueue(both)
    assert work_off(bakery) == ["mix", "serve", "wash"]
    assert seen[-1] == ("wash", "cups", "guests serve")


def test_groups_with_a_follow_up_do_not_nest(bakery):
    inner = group([bakery.mix.s("a")]).then(bakery.bake, "b")
    with pytest.raises(ConfigurationError, match="another group"):
        three(bakery, inner)
    assert Job.select().count() == 0


def test_a_member_that_is_unique_and_waits_already_is_waited_for(bakery, seen):
    bakery.wash("cups")
    three(bakery, bakery.wash.s("cups"), bakery.mix.s("a"))
    assert work_off(bakery) == ["wash", "mix", "serve"]
    assert seen[-1] == ("serve", "guests", ["cups wash", "a mix"])


def test_results_come_in_the_order_of_the_group(bakery, seen):
    """Whatever waited before the group was there, and whatever is done first."""
    bakery.wash("cups")
    baked = bakery.bake.s("b", priority=9).then(bakery.cut, "c")
    three(bakery, bakery.mix.s("a"), baked, bakery.wash.s("cups"))
    assert work_off(bakery)[:2] == ["bake", "wash"]
    assert seen[-1] == ("serve", "guests", ["a mix", "c cut", "cups wash"])


def test_a_member_that_was_forgotten_leaves_its_place_empty(bakery, seen):
    three(bakery, bakery.mix.s("a"), bakery.cut.s("c"), bakery.bake.s("b"))
    step(bakery)
    the("mix").delete_instance()
    work_off(bakery)
    assert seen[-1] == ("serve", "guests", [None, "c cut", "b bake"])


@pytest.mark.parametrize("before", [[], ["elsewhere"]])
def test_a_follow_up_waits_for_unique_work_that_others_wait_for_too(bakery, seen, before):
    """Two uploads that share photos: each is told of when all of its own are done."""
    for _ in before:
        three(bakery, bakery.wash.s("cups"), bakery.mix.s("a"))
    three(bakery, bakery.wash.s("cups"), bakery.wash.s("cups"), bakery.cut.s("c"))
    done = work_off(bakery)
    assert done.count("serve") == 1 + len(before)
    assert done.index("cut") < len(done) - 1
    assert seen[-1] == ("serve", "guests", ["cups wash", "cups wash", "c cut"])
    assert {one.state for one in Job.select()} == {"succeeded"}


def test_a_member_that_is_revived_in_time_is_waited_for_again(bakery, seen):
    bakery.broken.add("mix")
    three(bakery, bakery.mix.s("a"), bakery.cut.s("c"))
    step(bakery)
    bakery.broken.clear()
    bakery.revive(the("mix"))
    assert the("serve").waits_for == 2
    work_off(bakery)
    assert seen[-1] == ("serve", "guests", ["a mix", "c cut"])


def test_a_member_that_is_revived_too_late_changes_nothing(bakery, seen):
    bakery.broken.add("mix")
    three(bakery, bakery.mix.s("a"), bakery.cut.s("c"))
    work_off(bakery)
    bakery.broken.clear()
    bakery.revive(the("mix"))
    assert work_off(bakery) == ["mix"]
    assert json.loads(the("serve").args) == ["guests", [None, "c cut"]]


def test_a_follow_up_that_is_revived_has_its_failed_members_done_first(bakery, seen):
    bakery.broken |= {"mix", "serve"}
    three(bakery, bakery.mix.s("a"), bakery.cut.s("c"))
    work_off(bakery)
    assert states() == {"serve": "failed", "mix": "failed", "cut": "succeeded"}
    bakery.broken.clear()
    assert bakery.revive(the("serve"))
    assert states() == {"serve": "scheduled", "mix": "queued", "cut": "succeeded"}
    assert work_off(bakery) == ["mix", "serve"]
    assert seen[-1] == ("serve", "guests", ["a mix", "c cut"])


def test_a_follow_up_that_failed_by_itself_is_given_the_same_results_again(bakery, seen):
    bakery.broken.add("serve")
    three(bakery, bakery.cut.s("c"))
    work_off(bakery)
    bakery.broken.clear()
    bakery.revive(the("serve"))
    assert work_off(bakery) == ["serve"]
    assert seen[-1] == seen[-2] == ("serve", "guests", ["c cut"])


def test_a_follow_up_that_was_cancelled_early_is_given_the_results_when_it_is_revived(bakery, seen):
    three(bakery, bakery.mix.s("a"), bakery.cut.s("c"))
    bakery.give_up(the("serve"), ledger.CANCELLED, "no")
    work_off(bakery)
    assert states()["serve"] == "cancelled"
    bakery.revive(the("serve"))
    assert work_off(bakery) == ["serve"]
    assert seen[-1] == ("serve", "guests", ["a mix", "c cut"])


# The same work twice


def test_a_chain_in_which_the_same_work_is_there_twice_can_be_tried_again(hall):
    @hall.task(unique=True)
    def wash(cup):
        if broken.pop():
            raise errors.Invalid("There is no water.")

    broken = [False, False, True]
    hall.enqueue(wash.s("cup").then(wash, "cup"))
    assert work_off(hall) == ["wash"]
    assert hall.revive(Job.get(Job.state == "failed"))
    assert work_off(hall) == ["wash", "wash"]
    assert ledger.counts()["succeeded"] == 2


def test_a_chain_whose_first_step_is_being_done_elsewhere_is_not_tried_again_by_halves(bakery):
    bakery.broken.add("wash")
    bakery.enqueue(bakery.wash.s("cup").then(bakery.mix, "tea"))
    work_off(bakery)
    before = sorted(Job.select().tuples())
    bakery.wash("cup")
    with pytest.raises(errors.Conflict, match="waits or runs already"):
        bakery.revive(the("mix"))
    assert sorted(Job.select().tuples())[:2] == before


# What is about something that is no more


def test_what_was_to_follow_work_on_a_deleted_photo_is_given_up(hall):
    @hall.task(subject="asset")
    def show(asset_id):
        raise AssertionError

    @hall.task()
    def after(*_):
        raise AssertionError

    hall.enqueue(show.s(7).then(after))
    with db.atomic():
        hall.forget_asset(7)
    assert states() == {"after": "cancelled"}
    assert work_off(hall) == []


def test_a_group_goes_on_without_a_deleted_photo(hall, seen):
    @hall.task(subject="asset")
    def show(asset_id):
        return asset_id

    @hall.task()
    def after(shown):
        seen.append(shown)

    hall.enqueue(group([show.s(7), show.s(8)]).then(after))
    with db.atomic():
        hall.forget_asset(7)
    assert work_off(hall) == ["show", "after"]
    assert seen == [[None, 8]]


# What Huey offers and the ledger would forget


def test_what_would_be_forgotten_is_refused(bakery):
    with pytest.raises(ConfigurationError, match="given_up"):
        bakery.enqueue(bakery.mix.s("a").error(bakery.bake, "b"))
    with pytest.raises(ConfigurationError, match="retry_delay"):
        bakery.mix.schedule(args=("a",), delay=1, retry_delay=5)
    assert Job.select().count() == 0
