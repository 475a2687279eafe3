"""Processes: by which numbers the kernel is called, and that it does what it is asked."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from homequeue import processes
from homequeue.services import sandbox

#: Of the `asm/unistd*.h` of Linux.
NUMBERS = [
    ("x86_64", 8, 251),
    ("x86_64", 4, 289),
    ("i686", 4, 289),
    ("aarch64", 8, 30),
    ("aarch64", 4, 314),
    ("armv8l", 4, 314),
    ("armv7l", 4, 314),
    ("armv6l", 4, 314),
    ("riscv64", 8, None),
    ("", 8, None),
]


@pytest.mark.parametrize(("machine", "pointer", "number"), NUMBERS)
def test_the_number_of_ioprio_set_is_that_of_the_interpreter(machine, pointer, number):
    assert processes._ioprio_set(machine, pointer) == number


def test_yielding_makes_a_process_the_last_for_processor_and_disk():
    number = processes._ioprio_set(os.uname().machine, ctypes.sizeof(ctypes.c_void_p))
    if number is None:
        pytest.skip("the number of the system call is not known here")
    # ioprio_get(2) comes after ioprio_set(2) on every machine.
    words = (
        "import ctypes, os; from homequeue import processes; processes.yield_to_others(); "
        f"print(os.nice(0), ctypes.CDLL(None).syscall({number + 1}, 1, 0))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["19", str(processes.IOPRIO_IDLE)]


def test_yielding_where_that_is_forbidden_goes_on(monkeypatch):
    def forbidden(_by: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", forbidden)
    processes.yield_to_others()


def _status() -> tuple[dict[str, str], list[bytes]]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line), []


def test_a_child_in_the_sandbox_can_gain_no_rights():
    assert sandbox.run(_status).value["NoNewPrivs"] == "1"


def test_a_process_has_a_name():
    words = (
        "from homequeue import processes; processes.name('a name that is long'); "
        "print(open('/proc/self/comm').read(), end='')"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "a name that is \n"


def test_a_process_whose_parent_is_gone_ends():
    words = (
        "from homequeue import processes; processes.die_with_parent(15, 1 << 22); "
        "print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_code_that_was_let_go_comes_back_when_it_is_needed():
    words = """
import hashlib, re, sqlite3
from homequeue import processes

def mapped():
    text = rollup()
    return sum(sign * int(re.search(f"{name}: +([0-9]+)", text)[1])
               for name, sign in (("Rss", 1), ("Anonymous", -1)))

def rollup():
    return open("/proc/self/smaps_rollup").read()

def work():
    rows = sqlite3.connect(":memory:").execute("select sqlite_version()").fetchall()
    return rows, hashlib.sha256(b"photo").hexdigest()

done, before = work(), mapped()
processes.let_code_go()
print(mapped() < before / 2, work() == done)
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(("told", "count"), [("pgfault 9\noom_kill 17\n", 17), ("pgfault 9\n", 0)])
def test_the_kernel_tells_how_many_it_has_shot_for_memory(told, count, monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda _: told)
    assert processes.shot_for_memory() == count
