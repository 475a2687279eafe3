"""The trash as its owner sees it, with and without days."""

from dataclasses import replace

import pytest

from homequeue import config
from homequeue.models import Asset
from homequeue.services import assets
from tests.library import row
from tests.web.reading import checked


@pytest.mark.parametrize(("days", "label"), [(1, "for 1 day"), (30, "for 30 days")])
def test_the_trash_says_how_long_photos_stay(as_ben, ben, house, days, label):
    config.bind(replace(house, trash=replace(house.trash, days=days)))
    assert f"Photos you throw away wait here {label}, in case" in as_ben.page("/trash").text
    row(ben, 1, trashed_at=5.0)
    assert f"Photos stay here {label}, then they go for good." in as_ben.page("/trash").text


def test_a_trash_that_nobody_empties_but_people_says_so(as_ben, ben, house):
    config.bind(replace(house, trash=replace(house.trash, days=0)))
    assert "Photos you throw away wait here, in case" in as_ben.page("/trash").text
    row(ben, 1, trashed_at=5.0)
    text = as_ben.page("/trash").text
    assert "Photos stay here until you delete them for good." in text
    assert "goes for good" not in text


def test_the_only_one_in_the_trash_is_spoken_of_as_one(as_ben, ben):
    row(ben, 1, trashed_at=5.0)
    answer = as_ben.post("/trash/restore")
    assert "Taken out of the trash." in as_ben.page(answer.header("Location")).text


def test_all_of_the_trash_is_restored_at_once(as_ben, ben, anna, monkeypatch):
    monkeypatch.setattr(assets, "RESTORED", 2)
    mine = [row(ben, number, trashed_at=5.0).id for number in range(1, 6)]
    others = row(anna, 6, trashed_at=5.0).id
    offered = row(ben, 7, trashed_at=5.0, awaits=True).id
    page = as_ben.page("/trash")
    checked(page)
    assert "Restore all 5" in page.text
    answer = as_ben.post("/trash/restore")
    assert answer.header("Location") == "/trash?said=all_restored"
    left = {asset.id for asset in Asset.select().where(Asset.trashed_at.is_null(False))}
    assert left == {others, offered}
    assert {asset.id for asset in Asset.select().where(Asset.id.in_(mine))} == {*mine}


def test_one_photo_needs_no_button_for_all(as_ben, ben):
    row(ben, 1, trashed_at=5.0)
    assert "/trash/restore" not in as_ben.page("/trash").text
