"""Processes of this machine: who they are, whether they live, how politely they run."""

import ctypes
import os
import re
import resource
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
MADV_DONTNEED = 4
#: In `/proc/self/smaps` (proc(5)): where what is only read from files lies, and is as it is there.
UNCHANGED = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ \d+ +/.*\n(?:[A-Z].*\n)*?Anonymous: +0 kB",
    re.MULTILINE,
)
#: Bytes from which on memory is had piece by piece.
LARGE = 128 * 1024
PR_SET_NO_NEW_PRIVS = 38
IOPRIO_WHO_PROCESS, IOPRIO_IDLE = 1, 3 << 13
#: What a server may be told to listen at that means every address of the machine.
EVERYWHERE = ("0.0.0.0", "::", "")
#: Degrees Celsius at which a Pi begins to slow itself down, nearly.
HOT = 78.0
#: The part of the memory that should be left for others.
SHORT = 0.08
#: Numbers of ioprio_set(2) by the bytes of a pointer.
SYS_IOPRIO_SET = {"x86": {8: 251, 4: 289}, "arm": {8: 30, 4: 314}}


@cache
def boot_id() -> str:
    """Return an identifier of this boot of this machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@cache
def realm() -> str:
    """Return what a pid means something in: this boot and this PID namespace (a container's)."""
    return f"{boot_id()}.{os.stat('/proc/self/ns/pid').st_ino}"


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
def host() -> str:
    """Return the name of this machine, and its number: two may have the same name."""
    try:
        number = Path("/etc/machine-id").read_text()[:8]
    except OSError:
        number = ""
    return f"{socket.gethostname()}.{number}"


def lan_address() -> str:
    """Return this machine's address in the home network; empty if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing: it only asks the routing table.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


@cache
def _identity(pid: int) -> str:
    return f"{host()}/{realm()}/{pid}/{start_time(pid)}"


def is_alive(who: str) -> bool:
    """Tell whether the process of an identity still runs here."""
    _, where, pid, started = who.rsplit("/", 3)
    return where == realm() and start_time(int(pid)) == int(started)


def is_of_this_boot(who: str) -> bool:
    """Tell whether an identity belongs to this boot of this machine."""
    return who.rsplit("/", 3)[1].startswith(boot_id())


def is_elsewhere(who: str) -> bool:
    """Tell whether `/proc` knows nothing of a process: it is another machine's or container's.

    One of an earlier boot of this machine is not elsewhere, it is gone.
    """
    machine, where, _, _ = who.rsplit("/", 3)
    return where != realm() and (machine != host() or where.startswith(boot_id()))


def send(who: str, signum: int) -> None:
    """Send a signal to the process of an identity, if it lives."""
    if is_alive(who):
        with suppress(ProcessLookupError):
            os.kill(int(who.rsplit("/", 2)[1]), signum)


def die_with_parent(signum: int, parent: int) -> None:
    """Have the kernel send `signum` to this process when its parent dies (prctl(2)).

    `parent` is the parent's pid as known before the fork: if it is gone already, exit now.
    """
    _prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os._exit(0)


def gain_no_rights() -> None:
    """Let neither this process nor what it starts ever have more rights than now (prctl(2))."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    # The kernel reads whole registers, and refuses some options unless the others are 0.
    ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def name(text: str) -> None:
    """Show this process under a name of at most 15 bytes in top, ps and the like (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, text.encode()[:15], 0, 0, 0)


def yield_to_others() -> None:
    """Run at the lowest priority for processor and disk; where that is forbidden, go on."""
    try:
        os.nice(19)
        number = _ioprio_set(os.uname().machine, ctypes.sizeof(ctypes.c_void_p))
        if number is not None:
            ctypes.CDLL(None).syscall(number, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE)
    except OSError:
        pass  # a systemd syscall filter answers EPERM


def _ioprio_set(machine: str, pointer: int) -> int | None:
    """Return the number of the system call for this interpreter; None if it is not known.

    The kernel names the machine, but an interpreter of 32 bits calls by the numbers of 32 bits.
    """
    is_arm = machine.startswith(("arm", "aarch64"))
    is_x86 = re.fullmatch(r"x86_64|i\d86", machine)
    family = "arm" if is_arm else "x86" if is_x86 else ""
    return SYS_IOPRIO_SET.get(family, {}).get(pointer)


def share_one_heap() -> None:
    """Have all threads to come use the heap that there is (mallopt(3)); elsewhere do nothing.

    By default glibc makes one for each of them, and keeps what each has needed most. Large pieces
    are had from the system and go back to it when they are freed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, LARGE)


def give_back_memory() -> None:
    """Return freed heap to the system (glibc's malloc_trim); elsewhere do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def let_code_go() -> None:
    """Unmap the code of programs and libraries; what is needed again comes back when it is.

    Much of it was read to start, and never after. Nothing writes to it, so nothing is lost
    (madvise(2), MADV_DONTNEED); what another thread is just loading is left alone.
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is not None:
        with suppress(OSError):
            # Loading takes no break for other threads: by the second look it is done, and seen.
            for start, end in _unchanged() & _unchanged():
                length = int(end, 16) - int(start, 16)
                advise(ctypes.c_void_p(int(start, 16)), ctypes.c_size_t(length), MADV_DONTNEED)


def _unchanged() -> set[tuple[str, str]]:
    return set(UNCHANGED.findall(Path("/proc/self/smaps").read_text()))


def memory() -> tuple[int, int]:
    """Return the memory of this machine and how much of it could be had now, in bytes."""
    found = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/meminfo").read_text()))
    return int(found["MemTotal"]) * 1024, int(found["MemAvailable"]) * 1024


def shot_for_memory() -> int:
    """Return how many processes the kernel has shot as memory ran out; 0 if it does not tell."""
    with suppress(OSError):
        found = re.search(r"^oom_kill (\d+)", Path("/proc/vmstat").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


def memory_of(who: str) -> int | None:
    """Return the bytes of memory that the process of an identity uses here, None if it is gone.

    What it shares with others counts in part, where the kernel tells (smaps_rollup, proc(5)).
    """
    pid = who.rsplit("/", 2)[1]
    try:
        found = re.search(r"Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
        if found:
            return int(found[1]) * 1024
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return resident * resource.getpagesize()


def temperature() -> float | None:
    """Return how warm the warmest sensor of this machine is, in degrees Celsius."""
    readings = []
    for sensor in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        with suppress(OSError, ValueError):
            readings.append(int(sensor.read_text()) / 1000)
    return max(readings, default=None)


def is_strained() -> bool:
    """Tell whether this machine is hot or short of memory, so that it should do less at a time."""
    total, available = memory()
    return (temperature() or 0.0) > HOT or available < SHORT * total


def limit_memory(size: int) -> None:
    """Let this process have so many bytes of memory of its own and no more (RLIMIT_DATA)."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def most_open_files() -> int:
    """Let this process have as many files open as it may, up to 4096, and return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
