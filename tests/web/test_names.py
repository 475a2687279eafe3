"""Names that break programs come back as they were sent, from every place that shows them."""

import json
import re
from urllib.parse import quote, unquote

import pytest

from homequeue.models import Asset
from homequeue.services import ingest
from tests import corpora
from tests.conftest import work_off
from tests.library import jpeg


@pytest.fixture(scope="module")
def naughty() -> list[str]:
    return json.loads((corpora.folder("names") / "naughty-strings.json").read_text())


def test_only_what_no_name_can_hold_is_left_out(naughty):
    """Folders, what cannot be printed, spaces around it, and what no disk has room for."""
    for text in naughty:
        name = f"{text}.jpg"
        kept = ingest.plain_name(name)
        assert kept
        assert kept.isprintable()
        if re.fullmatch(r"[^/\\]*", name) and name.isprintable() and len(name) < 200:
            assert kept == name.strip()


def test_naughty_names_come_back_as_they_were_sent(as_ben, naughty):
    sent = {}
    for number, text in enumerate(naughty[::4]):
        name = f"{text}.jpg"
        answer = as_ben.put_raw(jpeg(number), quote(name, safe=""))
        assert answer.status == 201, text
        (asset,) = answer.json["assets"]
        sent[asset["id"]] = ingest.plain_name(name)
        assert asset["filename"] == sent[asset["id"]]
        assert as_ben.get(f"/api/assets/{asset['id']}").json["filename"] == asset["filename"]
    listed = as_ben.get(f"/api/assets?limit={len(sent)}").json["assets"]
    assert sent.items() >= {asset["id"]: asset["filename"] for asset in listed}.items()
    assert sent == {row.id: row.filename for row in Asset.select()}


def test_naughty_names_are_offered_for_saving(as_ben, naughty):
    told_of = 0
    for number, text in enumerate(naughty[::7]):
        answer = as_ben.put_raw(jpeg(number), quote(f"{text}.jpg", safe=""))
        (asset,) = answer.json["assets"]
        saved = as_ben.get(f"/api/assets/{asset['id']}/original?download=1")
        told = re.search(r"filename\*=UTF-8''([^;]+)", saved.header("Content-Disposition") or "")
        if told:
            told_of += 1
            assert unquote(told[1]) == asset["filename"]
    assert told_of > 20


def test_naughty_names_do_no_harm_to_pages_and_workers(as_ben, naughty):
    for number, text in enumerate(naughty[::20]):
        as_ben.put_raw(jpeg(number), quote(f"{text}.jpg", safe=""))
    done = work_off()
    assert {row.state for row in Asset.select()} == {"ready"}
    assert done >= Asset.select().count()
    for row in Asset.select():
        assert as_ben.page(f"/assets/{row.id}").status == 200
