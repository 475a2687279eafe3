"""The command line, in process: what it prints where, and how it exits."""

import io
import json
import os
import pwd
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from peewee import OperationalError

from homequeue import __version__, cli, facts, holds, ledger, processes
from homequeue.cli import unit
from homequeue.cli.machine import reachable
from homequeue.cli.steer import span
from homequeue.db import db
from homequeue.errors import UsageError
from homequeue.media import media
from homequeue.models import Asset, Job, Periodic, Token, User, Worker
from homequeue.queue import queue, workers
from homequeue.services import users
from tests.conftest import free_port, work_off
from tests.library import job, jpeg, originals, row

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("HOMEQUEUE_CONFIG", raising=False)
    yield
    if db.obj is not None:
        db.close()
    queue.storage.close()
    tempfile.tempdir = None


#: A unit does not say, as an environment may, where PostgreSQL is.
tells_no_secret = pytest.mark.sqlite("its address is a secret")


@pytest.fixture
def call(tmp_path, capsys, monkeypatch, where_rows_are):
    """Run a command with the data folder of this test; code, stdout and stderr."""

    def run(*words: str, stdin: str = "", data: bool = True) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        given = ["--data", str(tmp_path / "data")] if data else []
        try:
            code = cli.main([*given, *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def home(call):
    """A house with Anna, who may administer, and Ben."""
    assert call("user", "add", "Anna", "--admin", "--password-stdin", stdin=PASSWORD + "\n")[0] == 0
    assert call("user", "add", "Ben", "--password-stdin", stdin=PASSWORD + "\n")[0] == 0
    return call


def refused(result: tuple[int, str, str]) -> str:
    """An error is one line on stderr, nothing on stdout, and exit 1."""
    code, out, err = result
    assert (code, out) == (1, ""), (code, out, err)
    assert re.fullmatch(r"homequeue: [^\n]+\n", err), err
    return err


# Wrong usage and help


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["user"],
        ["user", "add"],
        ["token", "add", "Anna"],
        ["token", "add", "Anna", "--name", "x", "--scope", "all"],
        ["jobs"],
        ["jobs", "show", "x"],
        ["jobs", "list", "--state", "nonsense"],
        ["jobs", "list", "--state", "failed", "--failed"],
        ["jobs", "list", "--limit", "0"],
        ["jobs", "list", "--limit", "-1"],
        ["jobs", "list", "--limit", "9" * 30],
        ["jobs", "list", "--limit", "many"],
        ["import"],
        ["--nonsense"],
        ["status", "extra"],
    ],
)
def test_wrong_usage_is_2_and_says_how(call, words):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith("usage: homequeue")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--server-prt", "1", "run"], "no option --server-prt here; is it --server-port?"),
        (["run", "--server-prt=1"], "no option --server-prt here; is it --server-port?"),
        (["user", "add", "--admn", "Eve"], "no option --admn here; is it --admin?"),
        (["--limit", "3", "jobs", "list"], "no option --limit here"),
        (["status", "--limit", "3"], "no option --limit here"),
        (["-p", "80", "run"], "no option -p here"),
        (["status", "--bogus"], "there is no option --bogus here\n"),
        (["--xyzzy", "run"], "there is no option --xyzzy here\n"),
    ],
)
def test_an_option_that_is_not_there_is_named_with_the_nearest_one(call, words, said):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_what_only_looks_like_an_unknown_option_is_none(home, camera, monkeypatch):
    monkeypatch.chdir(camera)
    (camera / "0.jpg").rename("--my photo.jpg")
    (camera / "1.jpg").rename("--mine.jpg")
    assert home("import", "--owner", "Ben", "--my photo.jpg", "--", "--mine.jpg")[0] == 0
    assert home("config", "--trash-day", "9")[0] == 0
    assert home("--config", "jobs", "user", "list")[0] == 1
    assert home("--data", "status", "user", "add", "Eve", "--admin")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--notification-urls", "mailto://me:hunter2@example.org", "run"],
        ["--notifications-urls", "json://x", "mailto://me:hunter2@example.org", "run"],
        ["run", "--notification-urls=mailto://me:hunter2@example.org"],
        ["run", "mailto://me:hunter2@example.org"],
    ],
)
def test_wrong_usage_repeats_no_secret(call, words):
    code, _, err = call(*words)
    assert code == 2
    assert "hunter2" not in err


@pytest.mark.parametrize("words", [[], *([name] for name in (c.name for c in cli.COMMANDS))])
def test_help_everywhere(call, words):
    code, out, err = call(*words, "--help")
    assert (code, err) == (0, "")
    assert "usage: homequeue" in out
    assert "--data" in out
    assert "--config" in out


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_what_commands_are_made_of_is_there(command):
    made_of = [part for part in (command.run, command.declare) if isinstance(part, cli.Later)]
    assert made_of
    assert all(callable(part.found()) for part in made_of)


def test_the_server_holds_nothing_of_the_other_commands():
    words = (
        "import sys; from homequeue import cli; cli.build_parser(['run'])\n"
        "import homequeue.cli.serve\n"
        "print(*(name for name in sys.modules if name.startswith('homequeue.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "homequeue.cli.serve\n"


def test_the_version(call):
    assert call("--version")[:2] == (0, f"homequeue {__version__}\n")


def test_nothing_is_made_by_asking_for_help(call, tmp_path):
    call("user", "list", "--help")
    call("config")
    call("config", "check")
    call("systemd")
    assert not (tmp_path / "data").exists()


# Settings


def test_data_and_config_before_and_after_the_command(call, tmp_path):
    ini = tmp_path / "my.ini"
    ini.write_text("[server]\nport = 9000\n")
    for words in (
        ["--config", str(ini), "--data", "/x", "config"],
        ["config", "--config", str(ini), "--data", "/x"],
        ["--config", str(ini), "config", "--data", "/x"],
    ):
        code, out, _ = call(*words, data=False)
        assert code == 0
        assert f"server.port = 9000  ({ini})" in out
        assert "# data folder: /x\n" in out


def test_what_comes_after_the_command_wins(call):
    _, out, _ = call("--data", "/before", "config", "--data", "/after", data=False)
    assert "# data folder: /after" in out


def test_every_option_is_a_flag(call):
    _, out, _ = call("config", "--port", "9001", "--trash-days", "3", "--queue-workers=5")
    assert "server.port = 9001  (command line)" in out
    assert "trash.days = 3  (command line)" in out
    assert "queue.workers = 5  (command line)" in out
    assert "server.host = 0.0.0.0  (default)" in out


@tells_no_secret
def test_config_shows_values_as_a_settings_file_has_them(call):
    """And each of them can be read again."""
    hours = ("--queue-quiet-hours", "22:00-7:30", "--uploads-min-free", "1.5G")
    _, out, _ = call("config", *hours, "--video-convert", "off")
    assert "queue.quiet_hours = 22:00-07:30  (command line)\n" in out
    assert "uploads.min_free = 1536M  (command line)\n" in out
    assert "video.convert = no  (command line)\n" in out
    assert "queue.memory = 512M  (default)\n" in out
    assert "server.url =   (default)\n" in out
    values = r"^(\w+)\.(\w+) = (.*)  \("
    shown = re.findall(values, out, re.MULTILINE)
    flags = [f"--{section}-{name.replace('_', '-')}={value}" for section, name, value in shown]
    assert re.findall(values, call("config", *flags)[1], re.MULTILINE) == shown


def test_config_names_the_folder_and_the_file(call, tmp_path):
    assert "# settings file: none\n" in call("config")[1]
    (tmp_path / "my.ini").touch()
    _, out, _ = call("config", "--config", str(tmp_path / "my.ini"))
    assert f"# data folder: {tmp_path / 'data'}\n# settings file: {tmp_path / 'my.ini'}\n" in out


def test_help_names_the_short_flags_first(call):
    _, out, _ = call("--help")
    assert "  --data DIR, --library-path DIR\n" in out
    assert "  --port PORT, --server-port PORT\n" in out


def test_config_hides_secrets(call, monkeypatch):
    monkeypatch.setenv("HOMEQUEUE_NOTIFICATIONS_URLS", "mailto://me:hunter2@example.org")
    code, out, err = call("config")
    assert code == 0
    assert "hunter2" not in out + err
    assert "notifications.urls = ********  (HOMEQUEUE_NOTIFICATIONS_URLS)" in out


def test_config_check(call, tmp_path, monkeypatch):
    assert call("config", "check")[0] == 0
    monkeypatch.setenv("HOMEQUEUE_SERVER_PORT", "eighty")
    assert "HOMEQUEUE_SERVER_PORT" in refused(call("config", "check"))
    monkeypatch.delenv("HOMEQUEUE_SERVER_PORT")
    assert "does not exist" in refused(call("--config", str(tmp_path / "no.ini"), "config"))
    (tmp_path / "bad.ini").write_text("[server]\nprot = 1\n")
    assert "prot" in refused(call("config", "check", "--config", str(tmp_path / "bad.ini")))
    assert "one IP address" in refused(call("config", "check", "--server-trusted-proxies", "nginx"))
    (tmp_path / "worse.ini").write_text("what is this\n[[")
    refused(call("config", "check", "--config", str(tmp_path / "worse.ini")))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("mailto:/hunter2", "address 2 of 2 is none"),
        ("foo://hunter2", "address 2 (foo://…) cannot be used"),
    ],
)
def test_config_check_tries_the_addresses_of_notifications(call, tmp_path, wrong, words):
    ini = tmp_path / "my.ini"
    ini.write_text(f"[notifications]\nurls = json://localhost\n  {wrong}\n")
    err = refused(call("config", "check", "--config", str(ini)))
    assert f"notifications.urls ({ini})" in err
    assert words in err
    assert "hunter2" not in err


@pytest.mark.parametrize("command", ["run", "worker"])
def test_nothing_starts_that_could_not_notify(call, tmp_path, command):
    err = refused(call(command, "--notifications-urls", "json://localhost,foo://hunter2"))
    assert "notifications.urls (command line): address 2 (foo://…)" in err
    assert not (tmp_path / "data").exists()


def test_config_explain_can_be_used_as_it_is(call, tmp_path):
    code, out, _ = call("config", "explain")
    assert code == 0
    (tmp_path / "new.ini").write_text(out)
    assert call("config", "check", "--config", str(tmp_path / "new.ini"))[0] == 0


# Accounts


def test_adding_and_listing_users(home):
    assert home("user", "list") == (0, "Anna\tadmin\nBen\n", "")
    assert users.sign_in("Anna", PASSWORD, "x").is_admin
    assert not users.sign_in("Ben", PASSWORD, "x").is_admin


def test_what_is_wrong_with_a_new_user(home):
    add = ("user", "add", "--password-stdin")
    assert "already" in refused(home(*add, "anna", stdin=PASSWORD))
    assert "8 characters" in refused(home(*add, "Carla", stdin="short\n"))
    assert "8 characters" in refused(home(*add, "Carla", stdin=""))
    assert "64 characters" in refused(home(*add, "a/b", stdin=PASSWORD))
    assert "--password-stdin" in refused(home("user", "add", "Carla"))
    assert User.select().count() == 2


def test_a_password_may_have_spaces_but_no_line_end(call):
    call("user", "add", "Anna", "--password-stdin", stdin="  my pass word  \nsecond line\n")
    assert users.sign_in("Anna", "  my pass word  ", "x")


def test_a_terminal_is_asked_twice(call, monkeypatch):
    answers = ["correct horse", "correct horse", "correct horse", "other horse"]
    monkeypatch.setattr("getpass.getpass", lambda _: answers.pop(0))
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(io, "StringIO", lambda _: terminal)
    assert call("user", "add", "Anna")[0] == 0
    assert "differ" in refused(call("user", "passwd", "Anna"))


@pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
@pytest.mark.parametrize("prompt", ["Password: ", "Once more: "])
def test_leaving_the_prompt_changes_nothing(call, monkeypatch, key, prompt):
    """Ctrl-D and Ctrl-C."""

    def left(asked):
        if asked == prompt:
            raise key
        return PASSWORD

    monkeypatch.setattr("getpass.getpass", left)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(io, "StringIO", lambda _: terminal)
    code, out, err = call("user", "add", "Anna")
    assert (code, out) == (1, "")
    assert err == "\nhomequeue: No password was given, so nothing was changed.\n"
    assert not User.select().exists()


def test_a_password_that_anybody_would_try_is_refused(home):
    passwd = ("user", "passwd", "Ben", "--password-stdin")
    assert "anybody would try" in refused(home(*passwd, stdin="password1\n"))
    assert "anybody would try" in refused(home(*passwd, stdin="Ben-2019\n"))
    assert users.sign_in("Ben", PASSWORD, "x")


def test_listing_nobody_and_nothing_says_so(home):
    assert home("token", "list") == (0, "", "There are no tokens.\n")
    User.delete().execute()
    code, out, err = home("user", "list")
    assert (code, out) == (0, "")
    assert err.startswith("There is no account yet: homequeue user add")


def test_tokens_are_removed_all_or_none(home):
    home("token", "add", "Ben", "--name", "phone")
    number = str(Token.get().id)
    words = refused(home("token", "remove", number, "77", "78"))
    assert "There is no token 77, 78; nothing was removed." in words
    assert Token.select().count() == 1
    assert home("token", "remove", number, number)[1].count("\n") == 1
    assert Token.select().count() == 0


def test_a_new_password(home):
    session = users.open_session(users.get("Anna"), 1)
    assert home("user", "passwd", "anna", "--password-stdin", stdin="another horse\n")[0] == 0
    assert users.by_session(session) is None
    assert users.sign_in("Anna", "another horse", "x")
    assert "nobody called" in refused(home("user", "passwd", "Eve", "--password-stdin", stdin="x"))


def test_removing_a_user(home):
    assert home("user", "remove", "Ben") == (0, "Ben is removed.\n", "")
    assert "last administrator" in refused(home("user", "remove", "Anna"))
    assert "nobody called" in refused(home("user", "remove", "Ben"))
    row(users.get("Anna"), 1)
    home("user", "add", "Carla", "--admin", "--password-stdin", stdin=PASSWORD)
    assert "photos" in refused(home("user", "remove", "Anna"))


def test_a_token_is_printed_alone(home):
    code, out, err = home("token", "add", "anna", "--name", "phone", "--scope", "admin")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"hq_[\w-]{43}\n", out)
    assert users.by_token(out.strip())[1] == "admin"


def test_a_token_uploads_for_ever_unless_told_otherwise(home):
    home("token", "add", "Ben", "--name", "phone")
    token = Token.get()
    assert (token.scope, token.expires_at, token.name) == ("upload", None, "phone")
    home("token", "add", "Ben", "--name", "camera", "--scope", "write", "--expires", "7")
    token = Token.get(Token.name == "camera")
    assert 6.9 * 86400 < token.expires_at - time.time() < 7.1 * 86400


def test_tokens_are_shown_until_they_are_removed(home):
    home("token", "add", "Ben", "--name", "phone")
    token = home("token", "add", "Anna", "--name", "camera", "--expires", "1")[1].strip()
    code, out, err = home("token", "list")
    assert (code, err) == (0, "")
    first, second = (re.split("  +", line.strip()) for line in out.splitlines())
    assert first[1:4] == ["Ben", "phone", "upload"]
    assert first[-2:] == ["never used", "does not expire"]
    assert second[1:4] == ["Anna", "camera", "upload"]
    assert second[-1].startswith("expires ")
    assert token not in out
    assert home("token", "list", "anna")[1].count("\n") == 1
    assert users.by_token(token)
    assert "  last used " in home("token", "list", "anna")[1]
    said = "The token “camera” of Anna is worthless now.\n"
    assert home("token", "remove", second[0]) == (0, said, "")
    assert users.by_token(token) is None
    assert "camera" not in home("token", "list")[1]
    assert "no token" in refused(home("token", "remove", second[0]))
    assert "nobody called" in refused(home("token", "list", "Eve"))


def test_a_new_password_says_which_tokens_still_work(home):
    home("token", "add", "Ben", "--name", "phone")
    passwd = ("user", "passwd", "Ben", "--password-stdin")
    assert "1 token still works" in home(*passwd, stdin=PASSWORD)[1]
    assert "token" not in home("user", "passwd", "Anna", "--password-stdin", stdin=PASSWORD)[1]


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["jobs", "list"],
        ["jobs", "pause"],
        ["import", "/etc/hostname"],
        ["user", "list"],
        ["user", "passwd", "Anna", "--password-stdin"],
        ["user", "remove", "Anna"],
        ["token", "list"],
        ["token", "add", "Anna", "--name", "x"],
    ],
    ids=" ".join,
)
def test_a_mistyped_folder_stays_as_it_is(call, tmp_path, words):
    words_said = refused(call(*words))
    assert f"There is no library in {tmp_path / 'data'}" in words_said
    assert "homequeue run" in words_said
    assert not (tmp_path / "data").exists()


def test_the_first_account_may_come_before_the_first_start(call, tmp_path):
    _, out, _ = call("user", "add", "Anna", "--password-stdin", stdin=PASSWORD)
    assert f"the first account of the library in {tmp_path / 'data'}." in out
    _, out, _ = call("user", "add", "Ben", "--password-stdin", stdin=PASSWORD)
    assert out == "Ben may sign in now.\n"


def test_a_token_nobody_may_have(home):
    assert "administer" in refused(home("token", "add", "Ben", "--name", "x", "--scope", "admin"))
    assert "nobody called" in refused(home("token", "add", "Eve", "--name", "x"))


# Import


@pytest.fixture
def camera(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    return folder


def test_importing(home, camera):
    code, out, err = home("import", str(camera), "--owner", "ben")
    assert (code, out) == (0, "3 added, 0 already here, 0 not accepted\n")
    assert "Looked at 3 of 3" in err
    assert "\r" not in err
    assert {asset.owner.name for asset in Asset.select()} == {"Ben"}
    assert work_off() == 3
    code, out, _ = home("import", str(camera), "--owner", "ben", "--move")
    assert (code, out) == (0, "0 added, 3 already here, 0 not accepted\n")
    assert list(camera.iterdir()) == []
    assert len(originals()) == 3


def test_importing_what_is_not_taken(home, camera):
    (camera / "notes.txt").write_text("milk")
    code, out, err = home("import", str(camera), "--owner", "Ben")
    assert (code, out) == (1, "3 added, 0 already here, 1 not accepted\n")
    assert f"{camera}/notes.txt: This is not a photo" in err


def test_importing_passes_over_what_is_always_there(home, camera):
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "IMG_1.AAE", "IMG_1.jpg.json", "a.THM"):
        (camera / name).write_text("x")
    words = ("import", str(camera), str(camera / ".DS_Store"), "--owner", "Ben", "--move")
    code, out, err = home(*words)
    assert (code, out) == (0, "3 added, 0 already here, 0 not accepted, 6 skipped\n")
    assert "Looked at 9 of 9" in err
    assert len(list(camera.iterdir())) == 6
    assert home(*words)[:2] == (0, "0 added, 0 already here, 0 not accepted, 6 skipped\n")


def test_importing_for_whom(home, call, camera):
    assert "--owner" in refused(home("import", str(camera)))
    assert "nobody called" in refused(home("import", str(camera), "--owner", "Eve"))
    home("user", "remove", "Ben")
    assert home("import", str(camera))[0] == 0


def test_importing_for_nobody(home, camera):
    User.delete().execute()
    assert "homequeue user add" in refused(home("import", str(camera)))


def test_importing_nothing(home, tmp_path):
    assert "no files" in refused(home("import", str(tmp_path / "nothing"), "--owner", "Ben"))
    (tmp_path / "empty").mkdir()
    assert "no files" in refused(home("import", str(tmp_path / "empty"), "--owner", "Ben"))


def test_importing_something_that_is_not_there_beside_something_that_is(home, camera):
    code, _, err = home("import", str(camera), str(camera / "missing.jpg"), "--owner", "Ben")
    assert code == 1
    assert "missing.jpg" in err


def test_importing_into_a_full_disk(home, camera):
    result = home("import", str(camera), "--owner", "Ben", "--uploads-min-free", "8000T")
    assert "nearly full" in refused(result)
    assert originals() == []


def test_importing_files_of_strange_names_prints_one_line_each(home, camera):
    (camera / "a\nhomequeue: forged.txt").write_text("x")
    _, _, err = home("import", str(camera), "--owner", "Ben")
    assert not any(line.startswith("homequeue: forged") for line in err.splitlines())


# Jobs


def test_listing_jobs(home):
    asset = row(users.get("Ben"), 1, filename="sea.jpg")
    job("failed", asset=asset.id, args=f"[{asset.id}]", error="It rained.")
    job(task="rescue")
    code, out, _ = home("jobs", "list")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 2
    assert "Looking for lost work" in lines[0]
    assert "Failed" in lines[1]
    assert "Making the preview of sea.jpg: It rained." in lines[1]
    assert len(home("jobs", "list", "--state", "failed")[1].splitlines()) == 1
    assert len(home("jobs", "list", "--limit", "1")[1].splitlines()) == 1
    assert home("jobs", "list", "--state", "cancelled")[1] == "There are no such jobs.\n"


def test_listing_no_jobs(home):
    assert home("jobs", "list") == (0, "There are no jobs.\n", "")
    assert home("jobs", "list", "--json") == (0, "[]\n", "")


def test_listing_jobs_of_strange_names_prints_one_line_each(home):
    asset = row(users.get("Ben"), 1, filename="a\nb\x1b[31m.jpg")
    job("failed", asset=asset.id, error="It\nrained.")
    out = home("jobs", "list")[1]
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


def test_jobs_for_programs(home):
    one = job("failed", task="rescue", error="It rained.")
    listed = json.loads(home("jobs", "list", "--json")[1])
    assert [found["id"] for found in listed] == [one.id]
    shown = json.loads(home("jobs", "show", str(one.id), "--json")[1])
    assert listed[0].items() <= shown.items()
    assert (shown["state"], shown["error"]) == ("failed", "It rained.")


def test_showing_a_job(home):
    asset = row(users.get("Ben"), 1, filename="sea.jpg")
    values = {"args": f"[{asset.id}]", "result": '{"name": "Фото", "old": null}'}
    one = job("failed", asset=asset.id, error="It\x1b[31mrained.", traceback="One\n  two", **values)
    code, out, _ = home("jobs", "show", str(one.id))
    assert code == 0
    lines = out.splitlines()
    assert f"args          [{asset.id}]" in lines
    assert "state         failed" in lines
    assert 'result        {"name": "Фото", "old": null}' in lines
    assert "error         It\\x1b[31mrained." in lines
    at = lines.index("traceback     One")
    assert lines[at + 1] == " " * 14 + "  two"


@pytest.mark.parametrize("action", ["show", "retry", "cancel"])
@pytest.mark.parametrize("number", ["77", "0", "9" * 30])
def test_a_job_that_is_not_there(home, action, number):
    assert f"no such job: {number}." in refused(home("jobs", action, number))


def test_trying_again_and_cancelling(home):
    one, two = job("failed", task="rescue"), job("failed", task="rescue")
    assert home("jobs", "retry", str(one.id), str(two.id))[:2] == (0, "2 jobs queued again.\n")
    words = refused(home("jobs", "retry", str(one.id)))
    assert f"Job {one.id}: This job is fine; only one that ended badly" in words
    assert home("jobs", "cancel", str(one.id))[:2] == (0, "1 job cancelled.\n")
    assert "only one that waits" in refused(home("jobs", "cancel", str(one.id)))
    assert {found.id: found.state for found in Job.select()} == {
        one.id: "cancelled",
        two.id: "queued",
    }


@pytest.mark.parametrize(("action", "state"), [("retry", "failed"), ("cancel", "queued")])
def test_one_wrong_number_and_nothing_is_done(home, action, state):
    one = job(state, task="rescue")
    assert "no such job: 77." in refused(home("jobs", action, str(one.id), "77"))
    assert Job.get_by_id(one.id).state == state


def test_trying_all_failed_again(home):
    job("failed", task="rescue")
    job("quarantined", task="rescue")
    job("cancelled", task="rescue")
    assert home("jobs", "retry", "--failed")[:2] == (0, "2 jobs queued again.\n")
    assert home("jobs", "retry", "--failed")[:2] == (0, "No job has failed.\n")
    refused(home("jobs", "retry"))
    refused(home("jobs", "retry", "1", "--failed"))


def test_pausing_and_resuming(home):
    words = "No more jobs are started until homequeue jobs resume.\n"
    assert home("jobs", "pause")[:2] == (0, words)
    assert holds.paused_until() > time.time() + 10**8
    code, out, _ = home("jobs", "pause", "--for", "2h")
    assert code == 0
    assert out.startswith("No more jobs are started until ")
    assert 7100 < holds.paused_until() - time.time() <= 7200
    assert home("jobs", "resume")[:2] == (0, "Jobs are started again.\n")
    assert holds.paused_until() == 0
    for wrong in ("soon", ""):
        assert "30m, 2h or 1d" in refused(home("jobs", "pause", "--for", wrong))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), (" 1d ", 86400)]
)
def test_spans_of_time(text, seconds):
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "1.5h", "2 h", "1h30m", "9999999d"])
def test_spans_that_are_none(text):
    with pytest.raises(UsageError):
        span(text)


# Status


def listens(port: int, who: str = "") -> None:
    facts.remember("listens", [who or processes.identity(), "0.0.0.0", port])


@pytest.fixture
def serving(home):
    """A web process that answers, with a worker beside it; `status` is how it answers."""

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(self.status if self.path == "/healthz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    workers.register("worker")
    listens(server.server_port)
    yield Handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_status_of_a_house_in_which_all_is_well(home, serving):
    code, out, err = home("status")
    assert (code, err) == (0, "")
    assert "!" not in out
    assert re.search(r"^web +answers$", out, re.MULTILINE)
    assert re.search(r"^workers +1$", out, re.MULTILINE)
    assert re.search(rf"^rows +{re.escape(db.place())}$", out, re.MULTILINE)
    assert re.search(r"^oldest wait +nothing waits$", out, re.MULTILINE)


def test_status_says_that_nothing_runs(home, tmp_path):
    code, out, err = home("status")
    assert (code, err) == (1, "")
    (problem,) = [line for line in out.splitlines() if line.startswith("!")]
    assert problem.startswith(f"! homequeue is not running on {tmp_path / 'data'}. Start it:")


def test_status_says_that_nobody_serves(home, serving):
    listens(port := free_port())
    code, out, _ = home("status")
    assert code == 1
    assert f"! homequeue runs, but nobody serves http://127.0.0.1:{port}." in out
    assert re.search(r"^web +does not answer$", out, re.MULTILINE)


def test_status_says_that_the_web_process_is_not_well(home, serving):
    serving.status = 500
    assert "nobody serves" in home("status")[1]


def test_status_waits_only_so_long(home, serving, monkeypatch):
    monkeypatch.setattr("homequeue.cli.machine.PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        listens(silent.getsockname()[1])
        began = time.monotonic()
        assert "nobody serves" in home("status")[1]
        assert time.monotonic() - began < 5


def test_status_asks_at_the_configured_address_before_the_first_start(home, serving):
    *_, port = facts.recall("listens")
    facts.forget("listens")
    assert home("status", "--port", str(port))[0] == 0
    assert "nobody serves" in home("status", "--port", str(free_port()))[1]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("::", "[::1]"),
        ("fe80::1", "[fe80::1]"),
        ("192.168.1.5", "192.168.1.5"),
        ("pi.local", "pi.local"),
    ],
)
def test_where_a_server_is_found(host, found):
    assert reachable(host) == found


def test_status_says_that_no_worker_works(home, serving):
    Worker.update(identity=processes.identity() + "1").execute()
    code, out, _ = home("status")
    assert code == 1
    assert "! homequeue runs, but none of its workers does." in out
    assert re.search(r"^workers +none$", out, re.MULTILINE)


def test_status_asks_no_other_machine(home, serving):
    listens(free_port(), "other.1/another-boot.2/3/4")
    code, out, _ = home("status")
    assert code == 0
    assert re.search(r"^web +on another machine$", out, re.MULTILINE)


def test_status_counts_what_failed(home, serving):
    job("failed", task="rescue")
    code, out, _ = home("status")
    assert code == 1
    assert "! 1 job needs a look: job 1, Looking for lost work. Look at it: " in out
    job("quarantined", task="rescue")
    assert "! 2 jobs need a look: job 2, Looking for lost work and job 1" in home("status")[1]


def test_status_knows_the_disk_and_the_pause(home, serving):
    home("jobs", "pause")
    code, out, _ = home("status", "--uploads-min-free", "8000T")
    assert code == 1
    assert "! The disk is nearly full" in out
    assert "Paused until somebody resumes." in out


def test_status_for_programs(home):
    Periodic.create(task="rescue", last_due=5.0)
    code, out, _ = home("status", "--json")
    seen = json.loads(out)
    assert code == 1
    assert (seen["running"], seen["web"], seen["workers"]) == (False, False, 0)
    assert set(seen["counts"]) == set(ledger.STATES)
    assert set(seen["periodic"]) >= {"check_disk", "rescue", "purge_trash", "forget_stale"}
    assert len(seen["needs_attention"]) == 1
    assert seen["paused_until"] is None


def test_status_of_a_storage_that_is_not_mounted(home, serving):
    (media.root / "originals" / ".homequeue").unlink()
    row(users.get("Anna"), 1)
    code, out, err = home("status")
    assert code == 1
    assert "not mounted" in out + err


# The unit of systemd


@tells_no_secret
def test_the_unit_of_systemd(call):
    code, out, err = call("systemd", "--user", "pi")
    assert (code, err) == (0, "")
    assert "\nUser=pi\n" in out
    assert re.search(r"^ExecStart=/\S+ -m homequeue run --data /\S+$", out, re.MULTILINE)
    assert "NoNewPrivileges=yes" in out
    assert "ProtectSystem=strict" in out
    assert out.endswith("WantedBy=multi-user.target\n")


@tells_no_secret
def test_the_unit_waits_as_long_as_jobs_may_take(call):
    _, out, _ = call("systemd", "--queue-grace", "100")
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", out, re.MULTILINE)[1])
    assert stop > 100


@tells_no_secret
def test_the_unit_runs_with_the_settings_it_was_made_with(call, tmp_path):
    """Or the service would look elsewhere for photos, and could not write there."""
    ini = tmp_path / "my.ini"
    ini.write_text("[server]\nport = 9000\n")
    _, out, _ = call("--config", str(ini), "systemd")
    start = re.search(r"^ExecStart=(.*)$", out, re.MULTILINE)[1]
    assert str(ini) in start or "HOMEQUEUE_CONFIG" in out
    assert str(tmp_path / "data") in out


def started(out: str) -> list[str]:
    """What the unit starts, as systemd takes it apart."""
    line = re.search(r"^ExecStart=(.*)$", out, re.MULTILINE)[1]
    return shlex.split(line.replace("$$", "$").replace("%%", "%"))


@tells_no_secret
def test_the_unit_starts_the_program_that_made_it(call, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin/homequeue"), "systemd"])
    assert started(call("systemd")[1])[:2] == [str(tmp_path / "bin/homequeue"), "run"]
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "homequeue/__main__.py"), "systemd"])
    assert started(call("systemd")[1])[:4] == [sys.executable, "-m", "homequeue", "run"]


@tells_no_secret
def test_the_unit_carries_what_was_said_here_and_no_file_says(call, monkeypatch, tmp_path):
    ini = tmp_path / "my.ini"
    ini.write_text("[server]\nport = 9000\n[trash]\ndays = 5\n")
    monkeypatch.setenv("HOMEQUEUE_UPLOADS_MAX_SIZE", "1M")
    monkeypatch.setenv("HOMEQUEUE_QUEUE_QUIET_HOURS", "22:00-7:00")
    _, out, _ = call("systemd", "--port", "9001", "--config", str(ini))
    words = started(out)
    assert words[words.index("--server-port") + 1] == "9001"
    assert words[words.index("--uploads-max-size") + 1] == "1M"
    assert words[words.index("--queue-quiet-hours") + 1] == "22:00-07:00"
    assert "--trash-days" not in words
    assert call(*words[words.index("run") + 1 :], "config", "check", data=False)[0] == 0


@tells_no_secret
def test_the_unit_tells_no_secret(call, monkeypatch):
    err = refused(call("systemd", "--queue-url", "redis://:hunter2@x"))
    assert "queue.url (command line) is secret" in err
    assert "hunter2" not in err
    monkeypatch.setenv("HOMEQUEUE_QUEUE_URL", "redis://:hunter2@x")
    assert "HOMEQUEUE_QUEUE_URL" in refused(call("systemd"))


@tells_no_secret
def test_the_unit_of_a_folder_of_a_strange_name(call, tmp_path):
    folder = str(tmp_path / 'my "100 %" $photos')
    _, out, _ = call("systemd", "--data", folder, data=False)
    assert started(out)[-2:] == ["--data", folder]
    written = folder.replace('"', '\\"').replace("%", "%%")
    assert f'\nReadWritePaths="{written}"\n' in out


@tells_no_secret
def test_the_unit_may_read_a_home_folder_where_something_is_there(call, monkeypatch, tmp_path):
    monkeypatch.setattr(unit, "HOMES", (f"{tmp_path}/",))
    monkeypatch.setattr(sys, "argv", ["/opt/homequeue"])
    (tmp_path / "my.ini").touch()
    assert "\nProtectHome=yes\n" in call("systemd", data=False)[1]
    assert "\nProtectHome=read-only\n" in call("systemd")[1]
    ini = str(tmp_path / "my.ini")
    assert "\nProtectHome=read-only\n" in call("systemd", "--config", ini, data=False)[1]


@pytest.fixture
def me(monkeypatch, tmp_path):
    """The account these tests run under, and a place for the unit."""
    monkeypatch.setattr(unit, "UNIT_PATH", str(tmp_path / "homequeue.service"))
    return pwd.getpwuid(os.getuid()).pw_name


@tells_no_secret
def test_a_unit_that_cannot_be_installed_says_so(call, me, monkeypatch):
    monkeypatch.setattr(unit, "UNIT_PATH", "/nowhere/homequeue.service")
    err = refused(call("systemd", "--install", "--user", me))
    assert "/nowhere/homequeue.service cannot be written: No such file" in err


@tells_no_secret
def test_a_unit_for_an_account_that_is_not_there_is_not_installed(call, me, tmp_path):
    err = refused(call("systemd", "--install", "--user", "nobody-at-all"))
    assert "sudo useradd --system nobody-at-all" in err
    assert not (tmp_path / "homequeue.service").exists()


@tells_no_secret
def test_a_unit_that_is_installed_says_what_is_next(call, me, tmp_path):
    code, out, _ = call("systemd", "--install", "--user", me)
    assert code == 0
    steps = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    assert steps[:3] == [
        f"sudo install -d -o {me} -m 700 {tmp_path}/data",
        "sudo systemctl daemon-reload",
        "sudo systemctl enable --now homequeue",
    ]
    assert f"\nUser={me}\n" in (tmp_path / "homequeue.service").read_text()


@tells_no_secret
def test_a_folder_that_is_there_is_given_to_the_account(home, me, monkeypatch, tmp_path):
    assert "chown" not in home("systemd", "--install", "--user", me)[1]
    other = SimpleNamespace(pw_name="other", pw_uid=os.getuid() + 1)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: other)
    assert f"sudo chown -R other: {tmp_path}/data" in home("systemd", "--install")[1]


# Errors of the house


@pytest.mark.parametrize("words", [["status"], ["jobs", "list"], ["user", "list"]])
@pytest.mark.sqlite("its file")
def test_a_damaged_database_is_one_line(home, tmp_path, words):
    db.close()
    for path in (tmp_path / "data").glob("homequeue.db*"):
        path.write_bytes(b"rubbish" * 1000)
    assert "homequeue.db" in refused(home(*words))


def test_a_folder_that_cannot_be_used_is_one_line(call, tmp_path):
    (tmp_path / "file").write_text("x")
    assert "cannot be used" in refused(
        call("worker", "--data", str(tmp_path / "file/data"), data=False)
    )


@pytest.mark.parametrize("command", ["run", "web", "worker", "status"])
def test_a_data_folder_that_is_a_file_is_one_line(call, tmp_path, command):
    (tmp_path / "data").write_text("x")
    assert f"{tmp_path / 'data'} is a file" in refused(call(command, "--port", "0"))
    assert (tmp_path / "data").read_text() == "x"


def test_a_newer_database_is_one_line(home):
    db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_x', '2030-01-01')")
    assert "newer version" in refused(home("user", "list"))


def test_a_locked_database_is_one_line(home, monkeypatch):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(users, "everyone", locked)
    refused(home("user", "list"))


def test_an_interrupt_is_130(call, monkeypatch):
    def interrupted(*_args, **_values):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.config, "load", interrupted)
    assert call("status")[0] == 130


def test_a_reader_that_goes_away_is_no_error(call, monkeypatch):
    def gone(*_args, **_values):
        raise BrokenPipeError

    out = sys.stdout
    monkeypatch.setattr(cli.config, "explain", gone)
    try:
        assert call("config", "explain")[0] == 0
    finally:
        sys.stdout = out
