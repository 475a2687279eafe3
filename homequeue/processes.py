"""Processes of this machine: who they are, whether they live, how politely they run."""

import ctypes
import os
import socket
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
IOPRIO_WHO_PROCESS, IOPRIO_IDLE = 1, 3 << 13
SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "armv6l": 314, "i686": 289}


@cache
def boot_id() -> str:
    """Return an identifier of this boot of this machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int:
    """Return when a process began, in clock ticks since boot; 0 if there is none (or a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The name in brackets may itself contain brackets and spaces: proc(5).
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


def identity() -> str:
    """Return who this process is: host, boot, pid, start time; no other is ever the same."""
    return _identity(os.getpid())


def parent_identity() -> str:
    """Return who the parent of this process is."""
    return _identity(os.getppid())


@cache
def _identity(pid: int) -> str:
    return f"{socket.gethostname()}/{boot_id()}/{pid}/{start_time(pid)}"


def is_alive(who: str) -> bool:
    """Tell whether the process of an identity still runs (an identity of another boot does not)."""
    _, boot, pid, started = who.rsplit("/", 3)
    return boot == boot_id() and start_time(int(pid)) == int(started)


def is_of_this_boot(who: str) -> bool:
    """Tell whether an identity belongs to this boot of this machine."""
    return who.rsplit("/", 3)[1] == boot_id()


def die_with_parent(signum: int, parent: int) -> None:
    """Have the kernel send `signum` to this process when its parent dies (prctl(2)).

    `parent` is the parent's pid as known before the fork: if it is gone already, exit now.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def name(text: str) -> None:
    """Show this process under a name of at most 15 bytes in top, ps and the like (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, text.encode()[:15], 0, 0, 0)


def yield_to_others() -> None:
    """Run at the lowest priority for processor and disk; where that is forbidden, go on."""
    try:
        os.nice(19)
        number = SYS_IOPRIO_SET.get(os.uname().machine)
        if number is not None:
            ctypes.CDLL(None).syscall(number, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE)
    except OSError:
        pass  # a systemd syscall filter answers EPERM


def give_back_memory() -> None:
    """Return freed heap to the system (glibc's malloc_trim); elsewhere do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
