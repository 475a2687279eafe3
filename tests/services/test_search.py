"""Search: what is found by which words."""

import pytest

from homequeue.errors import Invalid
from homequeue.services import assets
from homequeue.services.assets import Filter
from homequeue.services.search import MOST_WORDS
from tests.library import row


@pytest.fixture
def album(ben):
    for number, values in enumerate(
        [
            {"filename": "lake.jpg", "taken_at": "2019-03-12T10:00:00", "model": "iPhone 8"},
            {"filename": "IMG_2.jpg", "taken_at": "2019-07-01T10:00:00", "caption": "At the lake"},
            {"filename": "IMG_3.jpg", "taken_at": "2020-03-05T10:00:00", "make": "Canon"},
            {"filename": "IMG_2019.jpg", "taken_at": "2024-12-31T23:59:00"},
            {"filename": "100%_sure.jpg", "taken_at": "2024-01-01T00:00:00"},
        ],
        1,
    ):
        row(ben, number, **values)
    return ben


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("lake", [2, 1]),
        ("LAKE", [2, 1]),
        ("2019", [4, 2, 1]),
        ("2019-07", [2]),
        ("2019-07-01", [2]),
        ("2019-7", []),
        ("2019-13", []),
        ("march", [3, 1]),
        ("March 2019", [1]),
        ("2019 mar", [1]),
        ("mar., 2020", [3]),
        ("12 march 2019", [1]),
        ("5 March", [3]),
        ("05 March", [3]),
        ("05", []),
        ("iphone", [1]),
        ("iPhone 8", [1]),
        ("canon 2020", [3]),
        ("canon 2019", []),
        ("lake july", [2]),
        ("the lake", [2]),
        ("lake the", [2]),
        ("100%", [5]),
        ("%", [5]),
        ("١٢ march", []),
        ("   ", [5, 4, 3, 2, 1]),
    ],
)
def test_what_is_found(album, q, found):
    # Newest taken first.
    order = {4: 0, 5: 1, 3: 2, 2: 3, 1: 4}
    shown = [asset.id for asset in assets.timeline(album, Filter(q=q))[0]]
    assert shown == sorted(found, key=order.__getitem__)
    assert assets.total(album, Filter(q=q)) == len(found)


def test_a_search_of_very_many_words_is_refused(album):
    assert assets.total(album, Filter(q="zz " * MOST_WORDS)) == 0
    with pytest.raises(Invalid, match="up to 20 words"):
        assets.total(album, Filter(q="zz " * (MOST_WORDS + 1)))
