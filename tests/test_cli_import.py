"""`homequeue import`: what is asked for, how far it is, and what became of it."""

import io
import json
import os
import re
import signal
import sys

import pytest

from homequeue import cli
from homequeue.cli import imports
from homequeue.errors import NoSpace
from homequeue.media import media
from homequeue.models import Album, Asset, Job
from homequeue.services import importing, inbox_files, ingest
from tests.library import jpeg
from tests.takeouts import about, album, archive

PASSWORD = "correct horse"


@pytest.fixture
def home(tmp_path, capsys, monkeypatch, where_rows_are):
    """Run a command in a house with Ben; code, stdout and stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["--data", str(tmp_path / "data"), "--uploads-min-free", "1M", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert call("user", "add", "Ben", "--password-stdin")[0] == 0
    return call


@pytest.fixture
def camera(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    return folder


def test_an_album(home, camera):
    code, out, _ = home("import", str(camera), "--album", "Summer  am Meer")
    assert (code, out) == (0, "6 added, 0 already here, 0 not accepted, 6 into an album\n")
    assert Album.get().title == "Summer am Meer"
    assert Album.get().members.count() == 6


def test_an_album_without_a_name_to_speak_of(home, camera):
    code, out, err = home("import", str(camera), "--album", "  ")
    assert (code, out) == (1, "")
    assert "title" in err
    assert Asset.select().count() == 0


def test_what_lay_in_the_trash_is_said_to_be_back(home, camera):
    home("import", str(camera))
    Asset.update(trashed_at=1.0).where(Asset.filename.in_(["0.jpg", "1.jpg"])).execute()
    _, out, _ = home("import", str(camera))
    assert out == "0 added, 6 already here, 0 not accepted, 2 taken back out of the trash\n"
    assert Asset.select().where(Asset.trashed_at.is_null()).count() == 6
    assert json.loads(home("import", "--json", str(camera))[1])["restored"] == 0


def test_an_export(home, tmp_path):
    files = {
        "Photos from 2019/a.jpg": jpeg(1),
        "Photos from 2019/a.jpg.supplemental-metadata.json": about("a.jpg"),
        "Photos from 2019/b.jpg": jpeg(2),
        "Photos from 2019/b.jpg.json": about("b.jpg", trashed=True),
        "Sea/a.jpg": jpeg(1),
        "Sea/metadata.json": album("Sea"),
    }
    place = archive(tmp_path / "takeout-001.zip", files)
    code, out, err = home("import", str(place))
    words = "1 added, 1 already here, 0 not accepted, 1 with a sidecar, 1 into an album"
    assert (code, out) == (0, f"{words}, 1 left out that lay in a trash\n")
    assert "Looked at 6 of 6" in err


def test_for_programs(home, camera):
    (camera / "notes.txt").write_text("milk")
    code, out, _ = home("import", str(camera), "--album", "Sea", "--json")
    told = json.loads(out)
    (refused,) = told.pop("refused")
    assert refused["path"] == f"{camera}/notes.txt"
    assert "not a photo" in refused["error"]
    assert told.pop("batch") > 0
    assert told == {
        "added": 6,
        "known": 0,
        "restored": 0,
        "sidecars": 0,
        "albums": {"Sea": 6},
        "skipped": 0,
        "trashed": 0,
        "left": [],
        "stopped": False,
    }
    assert code == 1


def test_reasons_are_grouped_and_not_endless(home, camera, monkeypatch):
    monkeypatch.setattr(imports, "MOST_NAMED", 2)
    for number in range(5):
        (camera / f"{number}.txt").write_text(f"milk {number}")
    (camera / "3.empty").touch()
    _, _, err = home("import", str(camera))
    lines = [line for line in err.splitlines() if not line.startswith("Looked")]
    words = [line.partition(": ")[0].removeprefix(f"{camera}/") for line in lines]
    assert words in (
        ["3.empty", "0.txt", "1.txt", "and 3 more"],
        ["0.txt", "1.txt", "and 3 more", "3.empty"],
    )


def test_ctrl_c_ends_with_what_was_begun(home, camera, monkeypatch):
    receive = ingest.receive

    def interrupted(upload, chunks):
        if upload.filename == "2.jpg":
            os.kill(os.getpid(), signal.SIGINT)
        return receive(upload, chunks)

    monkeypatch.setattr(ingest, "receive", interrupted)
    before = signal.getsignal(signal.SIGINT)
    code, out, err = home("import", str(camera))
    assert (code, out) == (130, "3 added, 0 already here, 0 not accepted\n")
    assert "go on from here" in err
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(ingest, "receive", receive)
    assert home("import", str(camera))[1] == "3 added, 3 already here, 0 not accepted\n"


@pytest.fixture
def _ctrl_c_interrupts():
    """Ctrl-C as in a terminal, also where the process of the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_interrupts")
def test_ctrl_c_twice_ends_at_once(home, camera, monkeypatch):
    def interrupted(upload, chunks):
        # Sent to itself from outside, two may become one.
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ingest, "receive", interrupted)
    code, out, _ = home("import", str(camera))
    assert (code, out) == (130, "")


def test_what_broke_it_off_comes_after_what_was_done(home, camera, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    check = ingest.check_room

    def fills_up(size=0):
        if Asset.select().count() >= 4:
            raise NoSpace("The disk of the server is nearly full.")
        check(size)

    monkeypatch.setattr(ingest, "check_room", fills_up)
    code, out, err = home("import", str(camera))
    assert (code, out) == (1, "4 added, 0 already here, 0 not accepted\n")
    assert err.endswith("homequeue: The disk of the server is nearly full.\n")


def test_a_bar_on_a_terminal(home, camera, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    monkeypatch.setattr(sys.stderr.__class__, "isatty", lambda _: True, raising=False)
    _, _, err = home("import", str(camera))
    *lines, end = err.split("\r")[1:]
    assert len(lines) == 3
    assert re.match(r"█{10}·{20} 2 of 6 \(.* kB\), .+ left$", lines[0])
    assert re.match(r"█{30} 6 of 6 \(.* kB\) *\n$", end)


def test_it_is_told_of_once(home, camera):
    words = "--notifications-urls", "json://127.0.0.1:9"
    home("import", str(camera), *words)
    reports = Job.select().where(Job.task == "report_uploads")
    assert [job.state for job in reports] == ["scheduled"]
    Job.delete().execute()
    home("import", str(camera), *words)
    assert not reports.clone().exists()


def test_the_status_tells_of_what_lies_aside(home):
    code, out, _ = home("status")
    assert "inbox" not in out.partition("\n!")[2]
    aside = media.root / "inbox" / "_refused" / "damaged"
    aside.mkdir(parents=True)
    (aside / "a.jpg").touch()
    code, out, _ = home("status")
    assert (
        f"! 1 file was not taken out of the inbox. Look into {inbox_files.place()}/_refused" in out
    )
    assert code == 1
