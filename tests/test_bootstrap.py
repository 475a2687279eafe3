"""From nothing to a house that stands, and what is refused on the way."""

import os
import pwd
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE

import pytest

from homequeue import config, migrations
from homequeue.bootstrap import bootstrap, secret_of, sole
from homequeue.db import db, durable
from homequeue.errors import (
    ConfigError,
    Conflict,
    HomequeueError,
    NotFound,
    SchemaTooNew,
    Unavailable,
)
from homequeue.media import media
from homequeue.models import Fact, User, tables
from homequeue.queue import queue
from homequeue.queue.storage import Doorbell, RedisBell
from tests.library import send, whole


@pytest.fixture
def settings(tmp_path):
    return config.load(overrides={"library.path": str(tmp_path / "data")}, environ={})


@pytest.fixture(autouse=True)
def _leave_the_house():
    yield
    if db.obj is not None:
        db.close()
    queue.storage.close()
    tempfile.tempdir = None


def schema(path: Path) -> dict[str, list[tuple]]:
    with sqlite3.connect(path) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if not name.startswith(("sqlite_", "schema_"))
        ]
        columns = {
            name: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({name})"))
            for name in tables
        }
        keys = {
            f"{name} keys": sorted(
                row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")
            )
            for name in tables
        }
    connection.close()
    return columns | keys


def unique_indexes(path: Path) -> set[tuple]:
    connection = sqlite3.connect(path)
    found = set()
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'"):
        for row in connection.execute(f"PRAGMA index_list({table})").fetchall():
            columns = connection.execute(f"PRAGMA index_info('{row[1]}')").fetchall()
            if not table.startswith("schema_"):
                found.add((table, bool(row[2]), tuple(column[2] for column in columns)))
    connection.close()
    return found


# What it makes


def test_it_makes_a_folder_for_its_owner_alone(settings, tmp_path):
    bootstrap(settings)
    root = tmp_path / "data"
    assert {"originals", "renditions", "incoming", "exports"} <= {p.name for p in root.iterdir()}
    for place in [root, *root.rglob("*")]:
        assert place.stat().st_mode & 0o077 == 0, place
    assert (root / "originals" / ".homequeue").is_file()


def test_a_folder_that_was_open_to_all_is_closed(settings, tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    bootstrap(settings)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_what_is_made_later_is_private_too(settings, tmp_path):
    bootstrap(settings)
    (tmp_path / "later").write_text("x")
    assert (tmp_path / "later").stat().st_mode & 0o777 == 0o600


def test_twice_is_as_good_as_once(settings, tmp_path):
    bootstrap(settings)
    Fact.create(name="a", value="1")
    secret = (tmp_path / "data/secret").read_bytes()
    bootstrap(settings)
    assert (tmp_path / "data/secret").read_bytes() == secret
    assert Fact.get_by_id("a")
    assert list((tmp_path / "data").glob("*.before-*")) == []


def test_where_nothing_may_be_made_nothing_is(settings, tmp_path):
    with pytest.raises(NotFound, match="homequeue run"):
        bootstrap(settings, may_create=False)
    assert not (tmp_path / "data").exists()
    bootstrap(settings)
    bootstrap(settings, may_create=False)


def test_a_folder_has_one_supervisor(settings, tmp_path):
    bootstrap(settings)
    hold = "import sys, pathlib; from homequeue.bootstrap import sole\n"
    hold += "with sole(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        said = rf"already runs on .* \(process {other.pid}\)"
        with pytest.raises(Conflict, match=said), sole(tmp_path / "data"):
            pass
        other.kill()
        other.wait()
        with sole(tmp_path / "data"):
            assert (tmp_path / "data/supervisor").read_text() == f"{os.getpid()}\n"


def test_everything_is_bound(settings, tmp_path):
    bootstrap(settings)
    assert config.settings() is settings
    assert media.root == tmp_path / "data"
    assert isinstance(queue.storage, Doorbell)
    assert User.select().count() == 0
    assert Path(tempfile.gettempdir()) == tmp_path / "data/incoming"


def test_redis_is_bound_when_the_settings_say_so(tmp_path):
    overrides = {"library.path": str(tmp_path), "queue.url": "redis://127.0.0.1:1/0"}
    bootstrap(config.load(overrides=overrides, environ={}))
    assert isinstance(queue.storage, RedisBell)


def test_a_house_without_settings_says_so(monkeypatch):
    monkeypatch.setattr(config, "_bound", [])
    with pytest.raises(ConfigError, match="bootstrap"):
        config.settings()


# The secret


def test_the_secret(tmp_path):
    secret = secret_of(tmp_path)
    assert len(secret) == 32
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert secret_of(tmp_path) == secret
    other = tmp_path / "other"
    other.mkdir()
    assert secret_of(other) != secret


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_refused_and_untouched(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(Unavailable, match="damaged"):
        secret_of(tmp_path)
    assert (tmp_path / "secret").read_bytes() == content


def test_a_start_that_is_cut_off_leaves_no_half_secret(tmp_path, monkeypatch):
    """Or every later start would be refused."""

    def cut(*_args):
        raise KeyboardInterrupt

    for module, name in ((secrets, "token_bytes"), (os, "fsync")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, cut)
            with pytest.raises(KeyboardInterrupt):
                secret_of(tmp_path)
    assert len(secret_of(tmp_path)) == 32


# The database


@pytest.mark.parametrize(("is_durable", "level"), [(True, 2), (False, 1)])
def test_how_durable_a_commit_is(settings, is_durable, level):
    bootstrap(settings, durable=is_durable)
    pragmas = {
        name: db.execute_sql(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": level, "foreign_keys": 1}


def test_a_single_durable_transaction(settings):
    bootstrap(settings, durable=False)
    with durable():
        assert db.synchronous == 2
        Fact.create(name="a", value="1")
    assert db.synchronous == 1
    with pytest.raises(ZeroDivisionError), durable():
        Fact.create(name="b", value=str(1 / len([])))
    assert db.synchronous == 1
    assert [fact.name for fact in Fact.select()] == ["a"]


def test_models_and_migrations_agree(settings, tmp_path):
    bootstrap(settings)
    db.close()
    made = tmp_path / "data/homequeue.db"
    db.init(str(tmp_path / "models.db"))
    db.create_tables(tables())
    db.close()
    assert schema(tmp_path / "models.db") == schema(made)
    assert unique_indexes(tmp_path / "models.db") <= unique_indexes(made)


def test_the_queue_is_found_by_index(settings):
    bootstrap(settings)
    plan = db.execute_sql(
        "EXPLAIN QUERY PLAN SELECT 1 FROM job WHERE key = 'k' "
        "AND state IN ('queued', 'scheduled', 'retrying')"
    ).fetchall()
    assert any("job_key" in row[3] for row in plan), plan


def test_a_newer_database_is_refused_in_words(settings):
    bootstrap(settings)
    db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030')")
    with pytest.raises(SchemaTooNew, match="newer version of homequeue"):
        bootstrap(settings)


@pytest.mark.parametrize("damage", ["header", "middle", "text", "directory"])
def test_a_damaged_database_is_refused_and_untouched(settings, tmp_path, damage):
    bootstrap(settings)
    Fact.insert_many([{"name": str(n), "value": "x" * 50} for n in range(3000)]).execute()
    db.close()
    path = tmp_path / "data/homequeue.db"
    content = path.read_bytes()
    if damage == "header":
        path.write_bytes(b"\0" * 100 + content[100:])
    elif damage == "middle":
        path.write_bytes(content[:4096] + b"\xff" * 40960 + content[45056:])
    elif damage == "text":
        path.write_bytes(b"this is no database, and never was one\n" * 100)
    else:
        path.unlink()
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(HomequeueError) as caught:
        bootstrap(settings)
    assert "homequeue.db" in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_copy_is_taken_before_an_old_schema_is_changed(settings, tmp_path, monkeypatch):
    bootstrap(settings)
    User.create(name="Anna", password="x")
    db.close()
    steps = tmp_path / "steps"
    steps.mkdir()
    for path in migrations.HERE.glob("[0-9]*.py"):
        (steps / path.name).write_text(path.read_text())
    step = "def up(migrator, db):\n    db.execute_sql('DELETE FROM user')\n"
    (steps / "0999_forget.py").write_text(step)
    monkeypatch.setattr(migrations, "HERE", steps)
    bootstrap(settings)
    assert User.select().count() == 0
    (copy,) = (tmp_path / "data").glob("*.before-0999_forget.db")
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as old:
        assert old.execute("SELECT name FROM user").fetchall() == [("Anna",)]
    bootstrap(settings)
    assert len(list((tmp_path / "data").glob("*.before-*"))) == 1


def test_a_migration_that_fails_changes_nothing(settings, tmp_path, monkeypatch):
    bootstrap(settings)
    User.create(name="Anna", password="x")
    db.close()
    steps = tmp_path / "steps"
    steps.mkdir()
    for path in migrations.HERE.glob("[0-9]*.py"):
        (steps / path.name).write_text(path.read_text())
    step = "def up(migrator, db):\n    db.execute_sql('DELETE FROM user')\n    1 / 0\n"
    (steps / "0999_break.py").write_text(step)
    monkeypatch.setattr(migrations, "HERE", steps)
    with pytest.raises(ZeroDivisionError):
        bootstrap(settings)
    monkeypatch.undo()
    bootstrap(settings)
    assert User.get().name == "Anna"


# The storage


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_text("in the way")
    overrides = {"library.path": str(tmp_path / "file" / "data")}
    with pytest.raises(Unavailable, match="cannot be used"):
        bootstrap(config.load(overrides=overrides, environ={}))


def test_a_storage_that_is_not_mounted_is_not_taken_for_a_new_one(settings):
    """With photos in the database and no marker, the empty folder is a mount point."""
    bootstrap(settings)
    user = User.create(name="Anna", password="x")
    asset = whole(user, 1)
    (media.root / asset.path).unlink()
    (media.root / "originals" / ".homequeue").unlink()
    db.close()
    bootstrap(settings)
    with pytest.raises(Unavailable, match="not mounted"):
        media.check_mounted()
    with pytest.raises(Unavailable, match="not mounted"):
        send(user, b"\xff\xd8\xff")


@pytest.mark.parametrize("lost", ["originals", ".homequeue"])
def test_nothing_is_made_in_the_place_of_what_is_away(settings, lost):
    """Moved back, the folder would otherwise end up inside the one that was made meanwhile."""
    bootstrap(settings)
    db.close()
    away = media.root.with_name("away")
    (media.root / ("originals" if lost == "originals" else "originals/.homequeue")).rename(away)
    shutil.rmtree(media.root / "exports")
    before = sorted(path.name for path in media.root.rglob("*"))
    bootstrap(settings)
    made = {path.name for path in media.root.rglob("*")} - set(before)
    assert {name for name in made if not name.startswith("homequeue.db")} == set()
    with pytest.raises(Unavailable, match="not mounted"):
        media.check_mounted()
    if lost == "originals":
        away.rename(media.root / "originals")
        bootstrap(settings)
        media.check_mounted()
        assert (media.root / "exports").is_dir()


def test_a_data_folder_that_is_a_file_is_an_error_in_words(tmp_path):
    (tmp_path / "data").write_text("in the way")
    overrides = {"library.path": str(tmp_path / "data")}
    for may_create in (True, False):
        with pytest.raises(Unavailable, match="data is a file"):
            bootstrap(config.load(overrides=overrides, environ={}), may_create=may_create)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_folder_of_another_account_is_an_error_in_words(settings, monkeypatch, is_known):
    """As when somebody forgets `sudo -u` before a command for the service."""
    bootstrap(settings)
    monkeypatch.setattr(os, "access", lambda *_: False)
    owner = pwd.getpwuid(os.getuid()).pw_name if is_known else str(os.getuid())
    if not is_known:
        monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    words = rf"belongs to another account \({owner}\)\. .* sudo -u {owner}$"
    with pytest.raises(Unavailable, match=words):
        bootstrap(settings)
