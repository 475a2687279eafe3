"""The doctor, in process: what it finds of machines, folders and parts that are not well."""

import json
import os
import re
import resource
import shutil
import socket
import sqlite3
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from homequeue import config, processes
from homequeue.bootstrap import bootstrap
from homequeue.cli import doctor
from homequeue.cli.doctor import findings, machine, parts, service, storage
from homequeue.cli.doctor.findings import NOTE, OK, PROBLEM
from homequeue.config import Settings
from homequeue.db import db
from homequeue.media import media
from homequeue.models import Worker
from homequeue.services import notify, users, video
from tests.conftest import free_port
from tests.test_cli import _no_settings_of_this_machine, call, home, listens, serving

__all__ = ["_no_settings_of_this_machine", "call", "home", "serving"]

GB = 10**9


def given(**values: str) -> Settings:
    return config.load(overrides={key.replace("__", "."): text for key, text in values.items()})


def told(call, *words: str) -> dict[str, dict[str, str]]:
    """What the doctor finds, by name."""
    _, out, err = call("doctor", "--json", *words)
    assert err == ""
    return {row["name"]: row for row in json.loads(out)["findings"]}


@pytest.fixture
def well(monkeypatch):
    """A machine of which there is nothing to say, but what a test changes."""
    for module, name in ((machine, "clock"), (machine, "time_zone"), (machine, "memory")):
        fine = lambda _settings: findings.ok("fine")  # noqa: E731
        checks = tuple((n, fine if c is getattr(module, name) else c) for n, c in doctor.CHECKS)
        monkeypatch.setattr(doctor, "CHECKS", checks)


# The whole


def test_a_house_in_which_all_is_well(home, serving, well):
    code, out, err = home("doctor")
    assert (code, err) == (0, "")
    assert re.search(r"^ok +web +answers at http://127\.0\.0\.1:\d+$", out, re.MULTILINE), out
    assert re.search(r"^ok +workers +1 at work$", out, re.MULTILINE)
    assert re.search(r"^ok +rights +nobody else may look in$", out, re.MULTILINE)
    assert out.endswith("All is well.\n")


def test_it_needs_no_library_and_makes_none(call, tmp_path):
    found = told(call)
    assert found["folder"]["state"] == NOTE
    assert "homequeue run makes one" in found["folder"]["advice"]
    assert not {"space", "rights", "secret", "workers"} & found.keys()
    assert not (tmp_path / "data").exists()


def test_it_changes_nothing(home, tmp_path):
    db.close()
    seen = lambda: {p: p.stat().st_mtime_ns for p in (tmp_path / "data").rglob("*")}  # noqa: E731
    before = seen()
    home("doctor")
    db.close()
    after = {path: stamp for path, stamp in seen().items() if path in before}
    changed = [path.name for path in before if after.get(path) != before[path]]
    assert [
        name for name in changed if not name.endswith(("-wal", "-shm")) and name != "data"
    ] == []


def test_it_is_quick(home):
    began = time.monotonic()
    home("doctor")
    assert time.monotonic() - began < 15


def test_notes_are_no_reason_to_fail_and_problems_are(home, serving, well, monkeypatch):
    monkeypatch.setattr(video, "is_possible", lambda: False)
    code, out, _ = home("doctor")
    assert code == 0
    assert re.search(r"^note +videos .*missing.*\n +→ sudo apt install ffmpeg", out, re.MULTILINE)
    assert out.endswith("no problems, 1 note.\n")
    os.chmod(media.root, 0o755)
    code, out, _ = home("doctor")
    assert code == 1
    assert out.endswith("1 problem, 1 note.\n")


def test_every_finding_that_is_not_well_says_what_to_do(home):
    counted = json.loads(home("doctor", "--json")[1])
    rows = counted["findings"]
    assert all(row["advice"] for row in rows if row["state"] != OK)
    assert not any(row["advice"] for row in rows if row["state"] == OK)
    assert counted["notes"] == sum(row["state"] == NOTE for row in rows)


def test_what_cannot_be_looked_at_is_a_problem_and_the_rest_goes_on(home, monkeypatch):
    def fail(_settings):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor, "CHECKS", (("first", fail), *doctor.CHECKS))
    found = told(home)
    assert found["first"]["state"] == PROBLEM
    assert "Permission denied" in found["first"]["words"]
    assert found["database"]["state"] == OK


# The machine


@pytest.mark.parametrize(
    ("total", "swap", "workers", "state", "said"),
    [
        (8 * GB, 0, "2", OK, "8 GB"),
        (2 * GB, 500, "2", OK, "2 GB"),
        (2 * GB, 0, "2", NOTE, "no swap"),
        (GB, 500, "2", NOTE, "little for 2 jobs"),
        (GB, 500, "1", OK, "1 GB"),
    ],
)
def test_memory(monkeypatch, total, swap, workers, state, said):
    monkeypatch.setattr(processes, "memory", lambda: (total, total // 2))
    monkeypatch.setattr(machine, "_swap", lambda: swap)
    found = machine.memory(given(queue__workers=workers))
    assert found.state == state
    assert said in found.words


@pytest.mark.parametrize(("degrees", "state"), [(45.0, OK), (82.5, NOTE)])
def test_heat(monkeypatch, degrees, state):
    monkeypatch.setattr(processes, "temperature", lambda: degrees)
    assert machine.heat(given()).state == state


@pytest.mark.parametrize(
    ("bits", "state", "said"),
    [
        ("0", OK, "enough"),
        ("50005", PROBLEM, "gets too little power"),
        ("50000", NOTE, "got too little power"),
        ("80008", NOTE, "ran slower"),
        ("40000", NOTE, "ran slower"),
    ],
)
def test_the_power_of_a_pi(monkeypatch, tmp_path, bits, state, said):
    monkeypatch.setattr(machine, "POWER", tmp_path / "throttled")
    assert machine.power(given()) is None
    machine.POWER.write_text(bits + "\n")
    found = machine.power(given())
    assert found.state == state
    assert said in found.words


def test_a_machine_without_sensors_says_nothing_of_them(monkeypatch):
    monkeypatch.setattr(processes, "temperature", lambda: None)
    assert machine.heat(given()) is None


@pytest.mark.parametrize(
    ("now", "kernel", "state", "said"),
    [
        (None, 0, OK, "20"),
        (None, machine.UNSYNCHRONISED, NOTE, "nothing keeps it right"),
        (86400.0, 0, PROBLEM, "1970-01-0"),
    ],
)
def test_the_clock(monkeypatch, now, kernel, state, said):
    monkeypatch.setattr(machine, "_state_of_clock", lambda: kernel)
    if now is not None:
        monkeypatch.setattr(time, "time", lambda: now)
    found = machine.clock(given())
    assert found.state == state
    assert said in found.words
    assert bool(found.advice) == (state != OK)


def test_asking_the_kernel_for_the_clock_is_harmless():
    before = time.time()
    assert machine._state_of_clock() in range(-1, 6)
    assert abs(time.time() - before) < 5


@pytest.mark.parametrize(("zone", "state"), [("Europe/Berlin", OK), ("UTC", NOTE)])
def test_the_time_zone(monkeypatch, zone, state):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert machine.time_zone(given()).state == state
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("most", "state"), [(512, NOTE), (4096, OK), (resource.RLIM_INFINITY, OK)])
def test_open_files(monkeypatch, most, state):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, most))
    assert machine.open_files(given()).state == state


# The data folder


@pytest.fixture
def stands(house):
    """A house, as the checks of the storage see it."""
    return house


@pytest.mark.parametrize(("mode", "state"), [(0o644, PROBLEM), (0o640, OK)])
def test_secrets_in_a_settings_file(call, tmp_path, mode, state):
    path = tmp_path / "homequeue.ini"
    path.write_text("[notifications]\nurls = json://localhost/hunter2\n")
    path.chmod(mode)
    found = told(call, "--config", str(path))
    assert found["settings"]["state"] == state
    assert str(path) in found["settings"]["words"]
    assert "hunter2" not in json.dumps(found)


def test_a_settings_file_without_secrets_may_be_read(call, tmp_path):
    (tmp_path / "homequeue.ini").write_text("[trash]\ndays = 7\n")
    assert told(call)["settings"]["state"] == OK


def test_a_folder_that_is_a_file(call, tmp_path):
    (tmp_path / "data").write_text("")
    found = told(call)
    assert found["folder"]["state"] == PROBLEM
    assert "is a file" in found["folder"]["words"]


def test_a_folder_of_somebody_else(stands, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    found = storage.data_folder(stands)
    assert found.state == PROBLEM
    assert found.advice.startswith("Begin with: sudo -u ")


@pytest.mark.sqlite("whether the library was begun is seen by its file")
def test_a_storage_that_is_not_mounted(home, tmp_path):
    (tmp_path / "data/originals/.homequeue").unlink()
    found = told(home)
    assert found["folder"]["state"] == PROBLEM
    assert "not mounted" in found["folder"]["words"]


@pytest.mark.parametrize(
    ("kind", "state", "said"),
    [
        ("ext4", OK, "ext4"),
        ("tmpfs", PROBLEM, "gone with the power"),
        ("nfs4", NOTE, "another machine's disk"),
        ("exfat", NOTE, "power cut"),
    ],
)
@pytest.mark.sqlite("it is about its file")
def test_kinds_of_disks(stands, monkeypatch, kind, state, said):
    monkeypatch.setattr(storage, "_file_system", lambda _: (kind, False))
    found = storage.disk(stands)
    assert found.state == state
    assert said in found.words


def test_a_disk_that_nothing_can_be_written_to(stands, monkeypatch):
    monkeypatch.setattr(storage, "_file_system", lambda _: ("ext4", True))
    assert storage.disk(stands).state == PROBLEM


def test_the_kind_of_disk_is_that_of_the_nearest_mount(monkeypatch, tmp_path):
    place = tmp_path / "my photos"
    place.mkdir()
    lines = [
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        f"23 22 0:5 / {tmp_path} rw - tmpfs tmpfs rw",
        f"24 23 0:6 / {tmp_path}/my\\040photos rw master:1 - nfs4 nas:/photos rw",
        f"25 23 0:7 / {tmp_path}/my rw - cifs //nas/other rw",
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines))
    real = Path
    monkeypatch.setattr(
        storage, "Path", lambda p: real(tmp_path / "mountinfo") if "mountinfo" in p else real(p)
    )
    assert storage._file_system(place) == ("nfs4", False)
    assert storage._file_system(tmp_path) == ("tmpfs", False)
    assert storage._file_system(Path("/usr"))[0] == "ext4"


@pytest.mark.parametrize(("free", "state"), [(100 * GB, OK), (3 * GB, NOTE), (GB // 2, PROBLEM)])
def test_room(stands, monkeypatch, free, state):
    monkeypatch.setattr(media, "free_bytes", lambda: free)
    found = storage.space(given(uploads__min_free="1G"))
    assert found.state == state
    assert "free of" in found.words
    assert "unfinished" not in found.words


def test_room_that_unfinished_uploads_take_is_told(stands):
    (media.root / "incoming" / "resumable-a").write_bytes(bytes(2000))
    (media.root / "incoming" / "resumable-b").write_bytes(bytes(500))
    assert storage.space(given()).words.endswith("unfinished uploads: 2, with 2.5 kB")


def test_a_disk_that_takes_no_more_names(stands, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=10**6, f_favail=3))
    monkeypatch.setattr(media, "free_bytes", lambda: 100 * GB)
    monkeypatch.setattr(media, "disk_bytes", lambda: 200 * GB)
    found = storage.space(stands)
    assert (found.state, found.words) == (PROBLEM, "The disk takes only 3 more files.")


def test_others_may_not_look_in(stands, tmp_path):
    assert storage.rights(stands).state == OK
    os.chmod(media.root, 0o750)
    found = storage.rights(stands)
    assert found.state == PROBLEM
    assert f"chmod go= {media.root}" in found.advice


def test_nor_into_originals_that_are_elsewhere(stands, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (media.root / "originals").rename(elsewhere)
    (media.root / "originals").symlink_to(elsewhere)
    assert storage.rights(stands).state == OK
    os.chmod(elsewhere, 0o755)
    assert str(elsewhere) in storage.rights(stands).words


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        (lambda path: path.unlink(), NOTE),
        (lambda path: path.write_bytes(b"short"), PROBLEM),
        (lambda path: None, OK),
    ],
)
def test_the_secret(stands, spoil, state):
    spoil(media.root / "secret")
    found = storage.secret(stands)
    # With the rows elsewhere it is by the secret that a library is known.
    assert found is None or found.state == state


def test_an_inbox_somewhere_else(stands, tmp_path, monkeypatch):
    assert storage.inbox(stands) is None
    settings = given(inbox__path=str(tmp_path / "inbox"))
    monkeypatch.setattr(config, "settings", lambda: settings)
    assert "is not there" in storage.inbox(settings).words
    (tmp_path / "inbox").mkdir()
    assert storage.inbox(settings).state == OK
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert storage.inbox(settings).state == PROBLEM


# The rows


@pytest.mark.sqlite("it is about its file")
def test_a_damaged_database(home, tmp_path):
    db.close()
    path = tmp_path / "data/homequeue.db"
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    code, out, _ = home("doctor")
    assert code == 1
    assert re.search(r"^problem +database +The database cannot be used: .*\n.*Restore", out, re.M)


@pytest.mark.sqlite("it is about its file")
def test_a_file_that_is_no_database(home, tmp_path):
    db.close()
    (tmp_path / "data/homequeue.db").write_bytes(b"nothing of the kind " * 1000)
    assert told(home)["database"]["state"] == PROBLEM


@pytest.mark.sqlite("it is about its file")
def test_a_database_too_large_for_a_moment(home, tmp_path, monkeypatch):
    home("status")
    rows = [(name, "x" * 9000) for name in map(str, range(300))]
    db.execute_sql("CREATE TABLE ballast (name text, value text)")
    with db.atomic():
        for one in rows:
            db.execute_sql("INSERT INTO ballast VALUES (?, ?)", one)
    monkeypatch.setattr(storage, "PATIENCE", -1)
    monkeypatch.setattr(sqlite3, "connect", _impatient(sqlite3.connect))
    assert storage._check_whole(tmp_path / "data/homequeue.db") is False


def _impatient(connect):
    class Line(sqlite3.Connection):
        def set_progress_handler(self, handler, _every):
            super().set_progress_handler(handler, 1)

    return lambda *args, **values: connect(*args, **{**values, "timeout": 1, "factory": Line})


@pytest.mark.parametrize(
    ("known", "applied", "state", "said"),
    [
        ({"0001_initial"}, {"0001_initial", "9999_later"}, PROBLEM, "newer version"),
        ({"0001_initial", "0002_next"}, {"0001_initial"}, NOTE, "older version"),
    ],
)
def test_the_tables_of_another_version(stands, monkeypatch, known, applied, state, said):
    monkeypatch.setattr(storage.migrations, "steps_known", lambda: sorted(known))
    monkeypatch.setattr(storage.migrations, "steps_applied", lambda: applied)
    found = storage.database(stands)
    assert found.state == state
    assert said in found.words


def test_a_database_server_that_is_away(call, tmp_path):
    url = f"postgresql://anna:hunter2@127.0.0.1:{free_port()}/photos"
    found = told(call, "--database-url", url)
    assert found["database"]["state"] == PROBLEM
    assert "Is it running" in found["database"]["advice"]
    assert "hunter2" not in json.dumps(found)


# The service


def test_nobody_serves(home):
    found = told(home, "--port", str(free_port()))
    assert found["web"]["state"] == NOTE
    assert "is free" in found["web"]["words"]
    assert "workers" not in found


def test_the_port_of_another_program(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = told(home, "--host", "127.0.0.1", "--port", str(port))["web"]
    assert found["state"] == PROBLEM
    assert f"Port {port} is taken" in found["words"]
    assert f":{port}" in found["advice"]


def test_a_port_that_is_only_for_root(home, monkeypatch):
    def refuse(_socket, _address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    found = told(home, "--port", "80")["web"]
    assert (found["state"], found["words"]) == (PROBLEM, "Port 80 is only for root.")


def test_an_address_that_is_not_here(home):
    found = told(home, "--host", "192.0.2.1")["web"]
    assert found["state"] == PROBLEM
    assert "Cannot listen on 192.0.2.1" in found["words"]


def test_a_web_process_that_lives_and_says_nothing(home):
    listens(free_port())
    found = told(home)["web"]
    assert found["state"] == PROBLEM
    assert "lives, but nobody answers" in found["words"]


def test_pages_without_workers(home, serving):
    Worker.delete().execute()
    assert told(home)["workers"]["state"] == PROBLEM


@pytest.mark.parametrize(
    ("url", "state", "said"),
    [
        ("", OK, "no name of its own"),
        ("http://127.0.0.1:{port}", NOTE, "plain http"),
        ("https://127.0.0.1:{port}", OK, "is reached"),
        ("https://nobody.invalid", NOTE, "Nobody answers"),
        ("http://[::1]:1", NOTE, "Nobody answers"),
    ],
)
def test_the_address_of_the_family(url, state, said):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        settings = given(server__url=url.format(port=proxy.getsockname()[1]))
        found = service.address(settings)
    assert found.state == state
    assert said in found.words


def test_it_starts_with_the_machine_or_not(monkeypatch, tmp_path):
    monkeypatch.setattr(service, "SYSTEMD", tmp_path / "none")
    assert service.start(given()).state == OK
    monkeypatch.setattr(service, "SYSTEMD", tmp_path)
    monkeypatch.setattr(service, "STARTS", tmp_path / "wants")
    monkeypatch.setattr(service, "UNIT_PATH", str(tmp_path / "unit"))
    monkeypatch.setattr(service, "LINGER", tmp_path / "linger")
    account = SimpleNamespace(pw_dir=str(tmp_path / "anna"), pw_name="anna")
    monkeypatch.setattr(service.pwd, "getpwuid", lambda _: account)
    assert "systemd --install" in service.start(given()).advice
    own = tmp_path / "anna/.config/systemd/user/default.target.wants/homequeue.service"
    own.parent.mkdir(parents=True)
    own.touch()
    assert service.start(given()).advice == "sudo loginctl enable-linger anna"
    (tmp_path / "linger").mkdir()
    (tmp_path / "linger/anna").touch()
    assert service.start(given()).state == OK
    (tmp_path / "unit").touch()
    own.unlink()
    assert "enable --now" in service.start(given()).advice
    (tmp_path / "wants").touch()
    assert service.start(given()).state == OK


# The parts


def test_raw_photos_with_and_without_what_develops_them(monkeypatch):
    assert re.fullmatch(r"rawpy \d[\d.]+", parts.raw_photos(given()).words)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    found = parts.raw_photos(given())
    assert found.state == OK  # few homes have such photos
    assert "pip install 'homequeue[raw]'" in found.words


def test_the_codecs_of_ffmpeg(monkeypatch):
    lists = {
        "-version": "ffmpeg version 7.1 Copyright",
        "-decoders": " V....D h264 H.264\n V....D hevc HEVC",
        "-encoders": " A....D aac AAC",
    }
    monkeypatch.setattr(video, "is_possible", lambda: True)
    monkeypatch.setattr(parts, "_asked", lambda *words: lists[words[-1]])
    found = parts.ffmpeg(given())
    assert (found.state, "libx264" in found.words) == (NOTE, True)
    assert parts.ffmpeg(given(video__convert="no")).state == OK
    lists["-encoders"] += "\n V....D libx264 x264"
    assert parts.ffmpeg(given()).words == "ffmpeg 7.1"


def test_a_program_that_fails_or_hangs_says_nothing(monkeypatch):
    monkeypatch.setattr(parts, "PATIENCE", 0.05)
    assert parts._asked("sleep", "9") == ""
    assert parts._asked("/nothing/there") == ""
    assert parts._asked("echo", "yes") == "yes\n"


@pytest.mark.parametrize(
    ("version", "decoders", "state"),
    [("1.23.0", {"x": "x"}, OK), ("1.19.8", {"x": "x"}, PROBLEM), ("1.23.0", {}, PROBLEM)],
)
def test_heic(monkeypatch, version, decoders, state):
    info = {"libheif": version, "decoders": decoders}
    monkeypatch.setattr(parts.pkgutil, "resolve_name", lambda _: lambda: info)
    assert parts.heic(given()).state == state


def test_a_missing_library_of_heic(monkeypatch):
    def fail(name):
        raise ImportError(f"no {name}")

    monkeypatch.setattr(parts.pkgutil, "resolve_name", fail)
    assert parts.heic(given()).state == PROBLEM


def test_a_pillow_that_lacks_something(monkeypatch):
    monkeypatch.setattr(parts.pkgutil, "resolve_name", lambda _: lambda name: name != "avif")
    found = parts.avif(given())
    assert (found.state, found.words) == (PROBLEM, "AVIF cannot be opened.")


def test_the_parts_as_they_are():
    assert parts.heic(given()).state == parts.avif(given()).state == OK
    assert parts.redis(given()) is parts.postgresql(given()) is None
    if shutil.which("ffmpeg"):
        assert parts.ffmpeg(given()).state == OK


def test_redis(redis_url):
    assert parts.redis(given(queue__url=redis_url)).state == OK
    found = parts.redis(given(queue__url=f"redis://127.0.0.1:{free_port()}/0"))
    assert found.state == NOTE


def test_the_driver_of_postgresql(monkeypatch):
    settings = given(database__url="postgresql://127.0.0.1/photos")
    assert parts.postgresql(settings).words.startswith("psycopg2 2.")
    monkeypatch.setitem(parts.sys.modules, "psycopg2", None)
    found = parts.postgresql(settings)
    assert (found.state, found.advice) == (PROBLEM, "pip install 'homequeue[postgres]'")


def test_addresses_of_notifications(monkeypatch, call):
    monkeypatch.setenv("HOMEQUEUE_NOTIFICATIONS_URLS", "foo://hunter2")
    found = told(call)["mails"]
    assert found["state"] == PROBLEM
    assert "hunter2" not in json.dumps(found)
    monkeypatch.setattr(notify, "check", lambda _: None)
    assert told(call)["mails"]["state"] == OK


def test_what_is_silent_is_not_waited_for():
    began = time.monotonic()
    assert findings.within(0.05, lambda: time.sleep(20), "nothing") == "nothing"
    assert time.monotonic() - began < 10
    assert findings.within(1, lambda: os.stat("/nothing"), None) is None
    assert findings.within(1, lambda: 7, 0) == 7


def test_it_works_before_anything_is_bound(tmp_path, capsys):
    """Also where a library stands that this process has not opened."""
    settings = config.load(overrides={"library.path": str(tmp_path / "data")})
    bootstrap(settings)
    users.add("Anna", "correct horse")
    db.close()
    doctor.run(settings, SimpleNamespace(json=False))
    assert "SQLite in" in capsys.readouterr().out
