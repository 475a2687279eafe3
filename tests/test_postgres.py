"""Rows in PostgreSQL: connections that heal, transactions that take turns, errors in words."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peewee import IntegrityError, OperationalError

from homequeue import config, db, ledger, migrations, postgres
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import ConfigError, NoSpace, NotFound, SchemaTooNew, Unavailable
from homequeue.models import Asset, Fact, Job, User, tables
from homequeue.queue import queue
from homequeue.queue.storage import Doorbell, PostgresBell
from homequeue.services import assets
from tests.conftest import free_port
from tests.postgres import PASSWORD, Cluster


@pytest.fixture
def url(server: Cluster) -> str:
    """The address of an empty database."""
    return server.local_url()


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return chosen(url, tmp_path)


@pytest.fixture
def home(settings: Settings) -> Settings:
    """A house whose rows are in PostgreSQL."""
    bootstrap(settings)
    return settings


@pytest.fixture(autouse=True)
def _leave_the_house() -> Iterator[None]:
    yield
    if db.db.obj is not None:
        db.db.close()
    queue.storage.close()
    tempfile.tempdir = None


def chosen(url: str, folder: Path) -> Settings:
    overrides = {"library.path": str(folder / "data"), "database.url": url}
    return config.load(overrides=overrides, environ={})


def names() -> list[str]:
    return [fact.name for fact in Fact.select().order_by(Fact.name)]


def connections(server: Cluster) -> int:
    words = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'homequeue'"
    return int(server.ask(words)[0][0])


def in_thread(*works: Callable[[], None]) -> list[threading.Thread]:
    """Begin each in a thread of its own, with a connection of its own."""

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            db.db.close()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


# From nothing to a house


def test_a_new_library_is_made_and_left_without_a_connection(settings, server, tmp_path):
    with pytest.raises(NotFound, match="no library"):
        bootstrap(settings, may_create=False)
    bootstrap(settings)
    # What is forked now must not share one.
    assert db.db.is_closed()
    assert connections(server) == 0
    assert User.select().count() == 0
    assert not list((tmp_path / "data").glob("homequeue.db*"))
    assert isinstance(queue.storage, PostgresBell)
    bootstrap(settings, may_create=False)


def test_the_bell_may_be_another(url, tmp_path):
    overrides = {"library.path": str(tmp_path), "queue.url": url}
    bootstrap(config.load(overrides=overrides, environ={}))
    assert isinstance(queue.storage, PostgresBell)
    assert not db.is_shared()
    bootstrap(config.load(overrides={"library.path": str(tmp_path)}, environ={}))
    assert isinstance(queue.storage, Doorbell)


def test_a_folder_that_is_not_mounted_is_not_taken_for_a_new_library(home, url, tmp_path):
    elsewhere = tmp_path / "mount"
    with pytest.raises(Unavailable, match="Is it mounted"):
        bootstrap(chosen(url, elsewhere))
    assert not elsewhere.exists()


def test_models_and_migrations_agree(home, server):
    def columns() -> list[tuple]:
        return db.db.execute_sql(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'schema_migration' ORDER BY 1, 2"
        ).fetchall()

    migrated = columns()
    db.db.close()
    server.fresh()
    db.db.create_tables(tables())
    assert columns() == migrated
    assert len(migrated) > 80


def test_numbers_are_never_given_again(home):
    first = Job.create(task="a")
    first.delete_instance()
    assert Job.create(task="b").id > first.id


def test_a_newer_database_is_refused_in_words(home, settings):
    db.db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_x', '2030-1-1')")
    with pytest.raises(SchemaTooNew, match="newer version of homequeue"):
        bootstrap(settings)


def test_a_migration_that_fails_changes_nothing(home, settings, tmp_path, monkeypatch):
    User.create(name="Anna", password="x")
    steps = tmp_path / "steps"
    steps.mkdir()
    for path in migrations.HERE.glob("[0-9]*.py"):
        (steps / path.name).write_text(path.read_text())
    step = "def up(migrator, db):\n    db.execute_sql('DROP TABLE \"user\" CASCADE')\n    1 / 0\n"
    (steps / "0999_break.py").write_text(step)
    monkeypatch.setattr(migrations, "HERE", steps)
    with pytest.raises(ZeroDivisionError):
        bootstrap(settings)
    monkeypatch.undo()
    bootstrap(settings)
    assert User.get().name == "Anna"


def test_machines_that_start_together_migrate_once(url, tmp_path):
    code = (
        "import sys; from homequeue import config; from homequeue.bootstrap import bootstrap\n"
        "bootstrap(config.load(environ={}, overrides={'library.path': sys.argv[1],"
        " 'database.url': sys.argv[2]}))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data"), url]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(one.communicate(timeout=60)[1], one.returncode) for one in both] == [("", 0)] * 3


# Connections


def test_a_restart_in_between_is_not_noticed(home, server):
    Fact.create(name="before", value="1")
    server.stop()
    server.start()
    Fact.create(name="after", value="1")
    assert names() == ["after", "before"]
    server.stop("immediate")
    server.start()
    with db.db.atomic():
        Fact.create(name="last", value="1")
    assert names() == ["after", "before", "last"]


def test_while_it_is_away_that_is_said_and_then_it_is_over(home, server):
    Fact.create(name="before", value="1")
    server.stop()
    for _ in range(2):
        with pytest.raises(OperationalError) as caught:
            Fact.select().count()
        assert "cannot be reached" in str(db.in_words(caught.value))
    with pytest.raises(OperationalError), db.db.atomic():
        Fact.create(name="never", value="1")
    assert not db.db.in_transaction()
    server.start()
    assert names() == ["before"]


def test_a_transaction_that_loses_its_connection_keeps_nothing(home, server):
    rung = []

    def cut() -> None:
        with db.db.atomic():
            db.db.after_commit(lambda: rung.append(1))
            Fact.create(name="half", value="1")
            with db.db.atomic():
                server.hang_up()
                eventually_lost()
                Fact.create(name="other half", value="1")

    with pytest.raises(OperationalError) as caught:
        cut()
    assert db.in_words(caught.value).status == 503
    assert (names(), rung) == ([], [])
    with db.db.atomic():
        Fact.create(name="whole", value="1")
    assert names() == ["whole"]


def eventually_lost() -> None:
    deadline = time.monotonic() + 5
    while not postgres.is_lost(db.db.connection()) and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_commit_that_is_not_answered_is_an_error(home, server):
    rung = []

    def cut() -> None:
        with db.db.atomic():
            db.db.after_commit(lambda: rung.append(1))
            Fact.create(name="who knows", value="1")
            server.stop("immediate")

    with pytest.raises(OperationalError):
        cut()
    server.start()
    assert (names(), rung) == ([], [])


def test_a_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    """One that accepts and says nothing, as behind a frozen machine."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        url = f"postgresql://homequeue:{'x'}@127.0.0.1:{frozen.getsockname()[1]}/homequeue"
        began = time.monotonic()
        with postgres.patience(0.3), pytest.raises(Unavailable, match="does not answer"):
            bootstrap(chosen(url, tmp_path))
        assert 0.2 < time.monotonic() - began < 15


def test_a_statement_that_takes_too_long_is_given_up(home, monkeypatch):
    monkeypatch.setitem(db.db.settings, "statement_timeout", "100ms")
    with pytest.raises(OperationalError) as caught:
        db.db.execute_sql("SELECT pg_sleep(30)")
    assert "busy" in str(db.in_words(caught.value))
    assert names() == []


# Transactions


def test_transactions_take_turns(home):
    """What is looked up in one is still true when it writes."""

    def once() -> None:
        for number in range(20):
            with db.db.atomic():
                if not Fact.select().where(Fact.name == f"fact {number}").exists():
                    Fact.create(name=f"fact {number}", value="1")

    failed = []
    for thread in in_thread(*[lambda: _noting(once, failed)] * 4):
        thread.join(30)
    assert failed == []
    assert len(names()) == 20


def _noting(work: Callable[[], None], failed: list[Exception]) -> None:
    try:
        work()
    except Exception as error:
        failed.append(error)


def test_who_waits_too_long_for_a_turn_is_told_so(home, monkeypatch):
    monkeypatch.setitem(db.db.settings, "lock_timeout", "100ms")
    begun, over = threading.Event(), threading.Event()

    def slow() -> None:
        with db.db.atomic():
            begun.set()
            over.wait(10)

    (thread,) = in_thread(slow)
    begun.wait(10)
    with pytest.raises(OperationalError) as caught, db.db.atomic():
        Fact.create(name="never", value="1")
    assert "busy" in str(db.in_words(caught.value))
    over.set()
    thread.join(10)
    with db.db.atomic():
        Fact.create(name="now", value="1")
    assert names() == ["now"]


def test_each_job_is_claimed_once(home):
    for number in range(40):
        ledger.add("bake", [number])
    claimed: list[int] = []

    def work(worker: str) -> None:
        while (job := ledger.claim(worker)) is not None:
            claimed.append(job.id)

    for thread in in_thread(*[lambda n=n: work(f"host{n}/boot/1/1") for n in range(4)]):
        thread.join(30)
    assert len(claimed) == 40
    assert len(set(claimed)) == 40


@pytest.mark.parametrize(("is_durable", "level"), [(True, "on"), (False, "off")])
def test_how_durable_a_commit_is(settings, is_durable, level):
    def now() -> str:
        return str(db.db.execute_sql("SHOW synchronous_commit").fetchone()[0])

    bootstrap(settings, durable=is_durable)
    assert now() == level
    with db.durable():
        assert now() == "on"
        Fact.create(name="a", value="1")
    assert now() == level
    with pytest.raises(ZeroDivisionError), db.durable():
        Fact.create(name="b", value=str(1 / len([])))
    assert names() == ["a"]


def test_a_conflict_inside_leaves_the_rest(home):
    Fact.create(name="a", value="1")
    with db.db.atomic():
        Fact.create(name="b", value="1")
        with pytest.raises(IntegrityError), db.db.atomic():
            Fact.create(name="a", value="2")
        Fact.create(name="c", value="1")
    assert names() == ["a", "b", "c"]


def test_texts_lose_what_it_cannot_hold(home):
    Fact.create(name="a\0b", value="1")
    assert names() == ["ab"]
    assert Fact.select().where(Fact.name.contains("\0b")).count() == 1


def test_a_page_is_found_by_index(home):
    anna = User.create(name="Anna", password="x")
    query = Asset.select().where(*assets._conditions(anna, assets.Filter()))
    sql, values = query.order_by(Asset.taken_at.desc(), Asset.id.desc()).limit(100).sql()
    # With so few rows it would rather read and sort them all.
    db.db.execute_sql("SET enable_seqscan = off; SET enable_sort = off")
    plan = [line for (line,) in db.db.execute_sql(f"EXPLAIN {sql}", values)]
    assert any("Index Scan Backward using asset_timeline" in line for line in plan), plan
    assert not any("Sort" in line for line in plan), plan


# Words


def test_why_it_cannot_be_used(server, tmp_path):
    cases = {
        server.url(password="wrong"): "authentication failed",
        server.url(database="nothing"): "does not exist",
        f"postgresql://homequeue:{PASSWORD[:6]}@127.0.0.1:{free_port()}/x": "refused",
        server.url() + "?nonsense=1": "nonsense",
    }
    for url, words in cases.items():
        with pytest.raises(Unavailable, match=words) as caught:
            bootstrap(chosen(url, tmp_path))
        said = str(caught.value)
        assert "127.0.0.1" in said
        assert "[database] url" in said
        assert "\n" not in said
        assert PASSWORD[:6] not in said
        assert "wrong" not in said.replace("is wrong", "")
    assert not (tmp_path / "data").exists()


def test_a_password_of_strange_characters(server, url, tmp_path):
    bootstrap(chosen(server.url(), tmp_path))
    assert User.select().count() == 0
    assert db.db.place() == f"PostgreSQL at 127.0.0.1:{server.port}, homequeue"


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("53100", NoSpace, "full"),
        ("53300", Unavailable, "busy"),
        ("40P01", Unavailable, "busy"),
        ("57P01", Unavailable, "reached"),
    ],
)
def test_errors_in_words(home, state, kind, words):
    with pytest.raises(OperationalError) as caught:
        db.db.execute_sql(f"DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END$$")
    said = db.in_words(caught.value)
    assert type(said) is kind
    assert words in str(said)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("FATAL: sorry, too many clients already", "busy"),
        ('FATAL: password authentication failed for user "x"', "name or the password"),
        ('FATAL: no pg_hba.conf entry for host "192.0.2.1"', "this machine"),
        ('FATAL: role "x" does not exist', "does not have"),
        ("could not translate host name", "reached"),
    ],
)
def test_refusals_in_words(home, said, words):
    assert words in str(db.in_words(OperationalError(said)))


def test_where_it_is_without_a_password():
    assert postgres.place("postgresql://a:b@db.home:5433/photos") == (
        "PostgreSQL at db.home:5433, photos"
    )
    assert postgres.place("postgresql:///photos?host=/run/postgresql") == (
        "PostgreSQL at /run/postgresql, photos"
    )
    assert postgres.place("postgresql://db.home") == "PostgreSQL at db.home, its default"


# The driver


def test_without_the_driver_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ConfigError, match=r"homequeue\[postgres\]"):
        bootstrap(chosen("postgresql://127.0.0.1/x", tmp_path))


def test_a_home_without_postgres_does_not_carry_the_driver(tmp_path):
    code = (
        "import sys; from homequeue.cli import main\n"
        "assert main(['--data', sys.argv[1], 'user', 'list']) == 1\n"
        "from homequeue import config; from homequeue.bootstrap import bootstrap\n"
        "bootstrap(config.load(overrides={'library.path': sys.argv[1]}))\n"
        "print([name for name in sys.modules if 'psycopg' in name])"
    )
    environ = {name: value for name, value in os.environ.items() if "HOMEQUEUE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env=environ,
        check=True,
    )
    assert done.stdout == "[]\n"
