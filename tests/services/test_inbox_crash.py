"""The inbox while PostgreSQL crashes: what it has not got is not deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homequeue import tasks
from homequeue.errors import NotYet
from homequeue.models import Asset
from homequeue.services import inbox, inbox_files, ingest
from tests.library import jpeg
from tests.postgres import Cluster


@pytest.fixture
def lazy(server: Cluster) -> Iterator[Cluster]:
    """A PostgreSQL that writes to its disk when it must, and otherwise after a long while."""
    server.ask("ALTER SYSTEM SET wal_writer_delay = '10s'")
    server.ask("SELECT pg_reload_conf()")
    yield server
    server.start()
    server.ask("ALTER SYSTEM RESET wal_writer_delay")
    server.ask("SELECT pg_reload_conf()")


@pytest.fixture
def where_rows_are(lazy: Cluster) -> dict[str, str]:
    return {"HOMEQUEUE_DATABASE_URL": lazy.local_url()}


@pytest.fixture
def folder(anna, monkeypatch) -> Path:
    monkeypatch.setattr(inbox, "SETTLE", 0.0)
    monkeypatch.setattr(inbox, "_seen", {})
    monkeypatch.setattr(inbox, "_stuck", {})
    inbox_files.prepare()
    return inbox_files.place()


def test_a_crash_after_the_rows_costs_no_photo(folder, lazy, monkeypatch):
    record = ingest.record

    def crash(*words, **options):
        kept = record(*words, **options)
        lazy.stop("immediate")
        lazy.start()
        return kept

    (folder / "sea.jpg").write_bytes(jpeg())
    monkeypatch.setattr(ingest, "record", crash)
    with pytest.raises(NotYet):
        inbox.take(tasks.process_asset, tasks.report_soon)
    inbox.take(tasks.process_asset, tasks.report_soon)
    assert not (folder / "sea.jpg").exists()
    assert [one.filename for one in Asset.select()] == ["sea.jpg"]
