"""Search: what is found by which words."""

import json
from unicodedata import normalize

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
        ("1 july", [2]),
        ("july 1", [2]),
        # In their names there are these numbers, and they are no days then.
        ("2 july", []),
        ("3 march", []),
        ("lake 3 march", []),
        ("img_3 march", [3]),
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


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_words_are_found_however_their_dots_are_spelled(ben, kept, asked):
    found = row(ben, 1, filename=normalize(kept, "Gemüse.jpg"), caption=normalize(kept, "Ärger"))
    row(ben, 2, filename="Gemuse.jpg")
    q = normalize(asked, "müse Ärger")
    assert [asset.id for asset in assets.timeline(ben, Filter(q=q))[0]] == [found.id]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("frost", [1]),
        ("FROST winter", [1]),
        ("gran canaria", [2]),
        ("canaria frost", []),
        ('"Nan"', [2]),
        ("back\\slash", [3]),
        ("müse", [3]),
        ("2019", []),
        ("[", []),
        ("]", []),
        ("[]", []),
        (",", []),
        ('"', [2]),
        ("\\", [3]),
    ],
)
def test_tags_are_found_and_not_the_way_they_are_written(ben, q, found):
    tags = [["Frost", "Winter"], ["Gran Canaria", 'Ann "Nan" Lee'], ["back\\slash", "Gemüse"], []]
    for number, names in enumerate(tags, 1):
        row(ben, number, tags=json.dumps(names, ensure_ascii=False))
    shown = {asset.id for asset in assets.timeline(ben, Filter(q=q))[0]}
    assert shown == set(found)


def test_as_many_words_as_may_be_are_not_too_many_for_the_database(album):
    assert assets.total(album, Filter(q="lake ü " * (MOST_WORDS // 2))) == 0


def test_a_search_of_very_many_words_is_refused(album):
    assert assets.total(album, Filter(q="zz " * MOST_WORDS)) == 0
    with pytest.raises(Invalid, match="up to 20 words"):
        assets.total(album, Filter(q="zz " * (MOST_WORDS + 1)))
