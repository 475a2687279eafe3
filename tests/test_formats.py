"""The table of docs/formats.md is what comes out of the files; each difference has its reason."""

import pytest

from docs import formats
from tests import corpora


def test_the_page_shows_what_is_read_today():
    rows = list(formats.compare(corpora.folder("phones")))
    unexplained = {
        f"{row.file}: {word}": reason
        for row in rows
        for word, reason in row.otherwise.items()
        if reason.startswith(formats.UNEXPLAINED)
    }
    assert unexplained == {}
    assert formats.PAGE.read_text(encoding="utf-8") == formats.page(rows)


def test_a_difference_without_a_reason_would_be_seen():
    row = formats.Row("a.jpg", ["make"], {"iso": "UNEXPLAINED: 100, not 200"})
    assert "iso: UNEXPLAINED: 100, not 200" in formats.table([row])
    assert "Of 2 statements about 1 files homequeue agrees with 1" in formats.table([row])


@pytest.mark.parametrize("use", [corpora.folder, corpora.files])
def test_in_ci_no_corpus_may_be_missing(monkeypatch, use):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing"):
        use("no such corpus")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        corpora.folder("no such corpus")
    assert corpora.files("no such corpus") == []
