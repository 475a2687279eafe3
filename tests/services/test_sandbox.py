import ctypes
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homequeue import errors
from homequeue.services import sandbox

MB = 1 << 20
ROOT = Path(__file__).parents[2]
Result = tuple[Any, list[bytes]]


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No test may leave a child, a zombie, an open file or a blocked signal."""
    before = os.listdir("/proc/self/fd")
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Both ends of the pipe, once there is one; a child is not told which is its own."""
    ends: list[int] = []
    make = os.pipe2

    def noted(flags: int) -> tuple[int, int]:
        ends[:] = make(flags)
        return ends[0], ends[1]

    monkeypatch.setattr(os, "pipe2", noted)
    return ends


def echo(*values: Any) -> Result:
    return list(values), []


def limit_of(what: int) -> Result:
    return resource.getrlimit(what), []


def fails(function: Any, *args: Any, **limits: Any) -> sandbox.ChildFailed:
    with pytest.raises(sandbox.ChildFailed) as caught:
        sandbox.run(function, *args, limits=sandbox.Limits(**limits))
    assert (caught.value.status, caught.value.code) == (422, "decoder_failed")
    return caught.value


# answers


def test_value_and_blobs_come_back() -> None:
    answer = sandbox.run(lambda: ({"width": 3, "name": "Фото"}, [b"one", b"", b"\0two"]))
    assert answer.value == {"width": 3, "name": "Фото"}
    assert answer.blobs == [b"one", b"", b"\0two"]
    assert 0 < answer.seconds < 5
    assert MB < answer.peak_memory < 4096 * MB


def test_arguments_arrive() -> None:
    assert sandbox.run(echo, 1, "two", None).value == [1, "two", None]


def test_answers_larger_than_the_pipe() -> None:
    blobs = [bytes([n]) * (5 * MB + n) for n in range(4)]
    assert sandbox.run(lambda: (None, blobs)).blobs == blobs


def test_peak_memory_is_the_childs() -> None:
    """Asked of a small process: a child begins with what its parent has."""
    program = """
from homequeue.services import sandbox
little = sandbox.run(lambda: (0, [])).peak_memory
print(sandbox.run(lambda: (len(b"x" * (80 << 20)), [])).peak_memory - little)
"""
    grown = int(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT))
    assert 70 * MB < grown < 120 * MB


# errors


@pytest.mark.parametrize("kind", [errors.Unreadable, errors.Unsupported, errors.TooLarge])
def test_the_errors_of_the_house_come_back_as_they_were(kind: type[errors.HomequeueError]) -> None:
    def child() -> Result:
        raise kind("These are the words.")

    with pytest.raises(kind, match=r"^These are the words\.$"):
        sandbox.run(child)


def test_an_error_that_wants_more_than_words_keeps_its_words() -> None:
    def child() -> Result:
        raise errors.TooMany("Slow down.", 3)

    assert str(fails(child)) == "Slow down."


def test_other_exceptions_are_for_the_log() -> None:
    def child() -> Result:
        raise KeyError("secret detail")

    error = fails(child)
    assert str(error) == "Something unexpected went wrong."
    assert "secret detail" in "".join(error.__notes__)


def test_an_answer_json_cannot_carry() -> None:
    assert "TypeError" in "".join(fails(echo, object()).__notes__)


# limits


def test_memory_is_limited_beyond_what_the_parent_has() -> None:
    words = "It needs more memory than this machine can spare."
    assert str(fails(lambda: (len(b"x" * (640 * MB)), []), memory=32 * MB)) == words
    sandbox.run(lambda: (len(b"x" * (64 * MB)), []), limits=sandbox.Limits(memory=96 * MB))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([7, 7], "It was ended from outside, perhaps for want of memory."),
        ([7, 8], "It needs more memory than this machine can spare."),
    ],
)
def test_a_kill_is_lack_of_memory_if_the_kernel_says_so(
    counts: list[int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.processes, "shot_for_memory", iter(counts).__next__)
    error = fails(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert str(error) == words
    assert error.passing


def test_time_on_the_processor_is_limited() -> None:
    def child() -> Result:
        while True:
            pass

    began = time.monotonic()
    assert str(fails(child, seconds=1)) == "It took too long."
    assert time.monotonic() - began < 5


def test_time_on_the_wall_is_limited() -> None:
    began = time.monotonic()
    assert str(fails(lambda: time.sleep(60), wall=0.2)) == "It took too long."
    assert time.monotonic() - began < 20


def test_a_stop_signal_does_not_outlast_the_wall() -> None:
    assert "too long" in str(fails(lambda: os.kill(os.getpid(), signal.SIGSTOP), wall=0.3))


def test_files_cannot_be_written_and_cores_not_dumped(tmp_path: Path) -> None:
    error = fails(lambda: (tmp_path / "file").write_bytes(b"x"))
    assert "File too large" in "".join(error.__notes__)
    assert sandbox.run(limit_of, resource.RLIMIT_CORE).value == [0, 0]


def test_rights_cannot_be_gained_and_the_kernel_shoots_it_first() -> None:
    def child() -> Result:
        status = Path("/proc/self/status").read_text()
        score = Path("/proc/self/oom_score_adj").read_text()
        return [status.partition("NoNewPrivs:")[2].split()[0], score.strip()], []

    assert sandbox.run(child).value == ["1", "1000"]


def test_the_parents_signal_handlers_do_not_run_in_the_child() -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    try:
        error = fails(lambda: os.kill(os.getpid(), signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert str(error) == sandbox.CRASHED
    assert "0xf" in "".join(error.__notes__)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "from homequeue.services import sandbox\n"
        "def child():\n"
        "    os.write(int(sys.argv[1]), b'%d\\n' % os.getpid())\n"
        "    time.sleep(60)\n"
        "sandbox.run(child)\n"
    )
    reader, writer = os.pipe()
    command = [sys.executable, "-c", script, str(writer)]
    with subprocess.Popen(command, pass_fds=[writer], cwd=Path(__file__).parents[2]) as parent:
        os.close(writer)
        with os.fdopen(reader) as pipe:
            child = int(pipe.readline())
            parent.kill()
            # The pipe ends when the last process that holds it does.
            assert pipe.read() == ""
    # It has closed its files by now; that it is gone may take the kernel a moment more.
    deadline = time.monotonic() + 5
    while not _is_gone(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


# what a child in the hands of its file may do


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (lambda: ctypes.string_at(0), sandbox.CRASHED),
        (lambda: os.abort(), sandbox.CRASHED),
        (lambda: os._exit(0), sandbox.SILENT),
        (lambda: os._exit(3), sandbox.SILENT),
        (lambda: sys.exit(), "Something unexpected went wrong."),
    ],
    ids=["segfault", "abort", "exit 0", "exit 3", "SystemExit"],
)
def test_a_child_that_ends_without_an_answer(deed: Any, words: str) -> None:
    assert str(fails(deed)) == words


HEAD = json.dumps({"value": 1, "blobs": []}).encode()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage",
        b"\xff" * 100,
        struct.pack(">Q", 1 << 60) + b"{}",
        struct.pack(">Q", 100_000) + HEAD,
        struct.pack(">Q", 2) + b"[]",
        struct.pack(">Q", 2) + b"{}",
        struct.pack(">Q", 4) + b"null",
        struct.pack(">Q", len(HEAD)) + HEAD + b"more",
        struct.pack(">Q", len(HEAD)) + HEAD[:-2],
        struct.pack(">Q", 24) + b'{"value":1,"blobs":[-5]}',
        struct.pack(">Q", 25) + b'{"value":1,"blobs":[1e9]}',
        struct.pack(">Q", 30) + b'{"value":1,"blobs":[123456789]',
        struct.pack(">Q", 200_000) + b"[" * 200_000,
    ],
)
def test_a_child_that_says_something_else(said: bytes, pipe: list[int]) -> None:
    def child() -> Result:
        os.write(pipe[1], said)
        os._exit(0)

    assert str(fails(child)) == sandbox.SILENT


def test_a_child_that_never_stops_talking(pipe: list[int]) -> None:
    def child() -> Result:
        while True:
            os.write(pipe[1], b"x" * MB)

    assert str(fails(child, answer=8 * MB)) == sandbox.SILENT


def test_a_child_that_closes_its_ears_and_stays(pipe: list[int]) -> None:
    def child() -> Result:
        os.close(pipe[1])
        time.sleep(60)
        return None, []

    began = time.monotonic()
    fails(child)
    assert time.monotonic() - began < 20


def test_a_made_up_error_is_only_words(pipe: list[int]) -> None:
    def child() -> Result:
        head = {"error": "os", "words": "boo", "blobs": []}
        text = json.dumps(head).encode()
        os.write(pipe[1], struct.pack(">Q", len(text)) + text)
        os._exit(0)

    assert str(fails(child)) == "boo"


# interruptions of the parent


def test_an_interrupted_parent_kills_and_reaps() -> None:
    def ring(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            sandbox.run(lambda: time.sleep(60))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 20


def test_a_fork_that_is_refused_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(BlockingIOError):
        sandbox.run(echo)
