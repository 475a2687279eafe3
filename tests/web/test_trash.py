"""The trash as its owner sees it, with and without days."""

from dataclasses import replace

import pytest

from homequeue import config
from tests.library import row


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
