"""Possible duplicates on the page and in the API."""

import re

import pytest

from homequeue.models import Asset, Likeness
from homequeue.services import batches, receipts
from homequeue.web.duplicates import ALL
from tests.library import whole
from tests.web.reading import EVIL, checked

_numbers = iter(range(1, 10**6))


def twins(owner, count: int = 2, **values) -> list[Asset]:
    """Assets that look alike, in a group of their own."""
    found = [
        whole(owner, next(_numbers), width=4000 - n, height=3000, fingerprint="same", **values)
        for n in range(count)
    ]
    for asset in found:
        Likeness.create(asset=asset, owner=owner, group=found[0].id)
    return found


def is_trashed(asset: Asset) -> bool:
    return Asset.get_by_id(asset.id).trashed_at is not None


def test_nothing_looks_double(as_ben, ben):
    whole(ben, next(_numbers))
    checked(as_ben.page("/duplicates"))
    assert "Nothing looks double" in as_ben.page("/duplicates").text
    assert "Possible duplicates" not in as_ben.page("/").text


def test_side_by_side_with_what_differs(as_ben, ben):
    one, two = twins(ben, filename=EVIL, model="X100")
    Asset.update(caption=EVIL, tags='["Sea"]').where(Asset.id == one.id).execute()
    answer = as_ben.page("/duplicates")
    page = checked(answer)
    assert "The same picture, other details" in answer.text
    assert {f"/assets/{one.id}", f"/assets/{two.id}"} <= set(page.addresses)
    for name, differs in (("Pixels", True), ("Caption", True), ("Tags", True), ("Camera", False)):
        assert (f'<div class="differs"><dt>{name}</dt>' in answer.text) == differs, name
        assert f"<dt>{name}</dt>" in answer.text
    assert "<dt>Rating</dt>" not in answer.text
    assert 'Possible duplicates <span class="how-many">1</span>' in as_ben.page("/").text


def test_the_damaged_one_is_marked_and_comes_after_the_whole_one(as_ben, ben):
    hurt, good = twins(ben)
    assert "<dt>File</dt>" not in as_ben.page("/duplicates").text
    Asset.update(damaged=True, filename="torn.jpg").where(Asset.id == hurt.id).execute()
    answer = as_ben.page("/duplicates")
    checked(answer)
    first, second = re.findall(r"<dt>File</dt><dd>([^<]*)</dd>", answer.text)
    assert (first, second) == ("whole", "damaged: it shows as far as it goes")
    assert answer.text.index(f'"/assets/{good.id}"') < answer.text.index(f'"/assets/{hurt.id}"')
    assert re.search(r'aria-label="Keep only this one: torn\.jpg, [^"]*, damaged"', answer.text)
    (group,) = as_ben.get("/api/duplicates").json["groups"]
    assert [one["id"] for one in group["assets"]] == [good.id, hurt.id]


def test_where_all_are_damaged_the_largest_still_comes_first(as_ben, ben):
    one, two = twins(ben, damaged=True)
    answer = as_ben.page("/duplicates")
    assert answer.text.count("damaged: it shows as far as it goes") == 2
    assert answer.text.index(f'"/assets/{one.id}"') < answer.text.index(f'"/assets/{two.id}"')


@pytest.mark.parametrize("moving", ["pair", "motion"])
def test_that_only_one_of_them_moves_is_shown(as_ben, ben, moving):
    one, _ = twins(ben)
    clip = whole(ben, next(_numbers), kind="video", is_clip=True, pair=one.id)
    changed = {"pair": clip.id} if moving == "pair" else {"motion": '{"at": 1, "size": 1}'}
    Asset.update(changed).where(Asset.id == one.id).execute()
    answer = as_ben.page("/duplicates")
    assert '<div class="differs"><dt>Clip</dt>' in answer.text


def test_what_only_looks_the_same_says_so(as_ben, ben):
    one, _ = twins(ben)
    Asset.update(fingerprint="other").where(Asset.id == one.id).execute()
    assert "Looks the same" in as_ben.page("/duplicates").text


def test_one_is_kept(as_ben, ben):
    one, two, three = twins(ben, 3)
    answer = as_ben.post(
        f"/api/duplicates/{one.id}/keep", form={"keep": str(two.id), "next": "/duplicates"}
    )
    assert (answer.status, answer.header("Location")) == (303, "/duplicates?said=kept_one")
    assert [is_trashed(asset) for asset in (one, two, three)] == [True, False, True]
    page = as_ben.page("/duplicates?said=kept_one")
    checked(page)
    assert "The others are in the trash." in page.text


def test_of_two_one_is_left(as_ben, ben):
    one, two = twins(ben)
    form = {"keep": str(two.id), "next": "/duplicates"}
    answer = as_ben.post(f"/api/duplicates/{one.id}/keep", form=form)
    text = as_ben.page(answer.header("Location")).text
    assert "The other one is in the trash." in text
    assert ">Show the trash</a>" in text


def test_all_are_kept(as_ben, ben):
    one, two = twins(ben)
    answer = as_ben.post(f"/api/duplicates/{one.id}/keep", form={"keep": "all"})
    assert answer.header("Location") == "/duplicates?said=kept_all"
    assert not is_trashed(one)
    assert not is_trashed(two)
    assert "Nothing looks double" in as_ben.page("/duplicates").text


def test_page_by_page(as_ben, ben):
    for _ in range(22):
        twins(ben)
    first = checked(as_ben.page("/duplicates"))
    (older,) = [a for a in first.addresses if "cursor=" in a]
    rest = checked(as_ben.page(older))
    assert len({a for a in rest.addresses if a.endswith("/keep")}) == 2
    listed = as_ben.get("/api/duplicates").json
    assert len(listed["groups"]) == 20
    following = as_ben.get(f"/api/duplicates?cursor={listed['next']}").json
    assert (len(following["groups"]), following["next"]) == (2, None)


def test_the_api(as_ben, ben):
    one, two = twins(ben)
    ((group,), following) = as_ben.get("/api/duplicates").json.values()
    assert (group["id"], group["same"], following) == (one.id, True, None)
    assert [asset["id"] for asset in group["assets"]] == [one.id, two.id]
    answer = as_ben.post(f"/api/duplicates/{one.id}/keep", json={"keep": one.id})
    assert answer.json == {"trashed": [two.id]}
    assert as_ben.get("/api/duplicates").json["groups"] == []


@pytest.mark.parametrize("kept", [None, "", "both", True, 1.5, [1], {}])
def test_the_api_refuses_what_makes_no_sense(as_ben, ben, kept):
    one, two = twins(ben)
    answer = as_ben.post(f"/api/duplicates/{one.id}/keep", json={"keep": kept})
    assert answer.status == 422
    assert not is_trashed(one)
    assert not is_trashed(two)


def test_those_of_others_are_not_there(as_ben, anna, ben):
    hers, mine = twins(anna), twins(ben)
    assert as_ben.post(f"/api/duplicates/{hers[0].id}/keep", json={"keep": ALL}).status == 404
    keep_hers = {"keep": hers[0].id}
    assert as_ben.post(f"/api/duplicates/{mine[0].id}/keep", json=keep_hers).status == 404
    assert not any(is_trashed(asset) for asset in (*hers, *mine))


def test_the_receipt_of_an_upload_leads_there(as_ben, ben):
    known, new = twins(ben, filename="new.jpg")
    batch = batches.begin("upload", ben)
    receipts.write(
        batch,
        [receipts.Receipt(filename="new.jpg", size=1, asset=new.id, outcome=receipts.ADDED)],
    )
    answer = as_ben.page(f"/batches/{batch}")
    page = checked(answer)
    assert "looks like one you have" in answer.text
    assert f"/duplicates?cursor={known.id + 1}" in page.addresses
