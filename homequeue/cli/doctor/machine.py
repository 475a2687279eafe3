"""The machine: memory, warmth, power, clock, and how many files may be open."""

import ctypes
import re
import resource
import time
from contextlib import suppress
from pathlib import Path

from homequeue import processes
from homequeue.cli.doctor.findings import Finding, note, ok, problem
from homequeue.config import Settings
from homequeue.services.ingest import in_words

#: Memory with which two jobs at a time are too many, in bytes; machines of "1 GB" have less.
LITTLE_MEMORY = 1.2 * 10**9
#: Memory up to which some swap should catch what is too much for a moment, in bytes.
WANTS_SWAP = 2.2 * 10**9
#: Each phone and browser keeps some connections, and each of them is an open file.
FEW_FILES = 1024
#: What a Pi's firmware tells as bits: for want of power or of cooling it runs slower.
POWER = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
TOO_LITTLE_POWER, HAD_TOO_LITTLE, SLOWED, WAS_SLOWED = 1 << 0, 1 << 16, 0b1110, 0b1110 << 16
#: What adjtimex(2) returns while nothing keeps the clock right.
UNSYNCHRONISED = 5
DAY = 86400.0


def memory(settings: Settings) -> Finding:
    """Look whether there is memory for the jobs that may run side by side."""
    total, available = processes.memory()
    words = f"{in_words(total)}, {in_words(available)} of it free"
    if total < LITTLE_MEMORY and settings.queue.workers > 1:
        return note(
            f"{words}: little for {settings.queue.workers} jobs at a time.",
            "Set [queue] workers = 1.",
        )
    if total < WANTS_SWAP and not _swap():
        return note(
            f"{words}, and no swap for what is too much for a moment.",
            "Have some compressed swap: sudo apt install zram-tools",
        )
    return ok(words)


def heat(_settings: Settings) -> Finding | None:
    """Look how warm the machine is."""
    found = processes.temperature()
    if found is None:
        return None
    if found > processes.HOT:
        return note(f"{found:.0f} °C: so hot that less is done at a time.", "Give it more air.")
    return ok(f"{found:.0f} °C")


def power(_settings: Settings) -> Finding | None:
    """Look what a Raspberry Pi says of its power supply."""
    try:
        bits = int(POWER.read_text(), 16)
    except (OSError, ValueError):
        return None
    supply = "Use the power supply that belongs to it, and a short cable."
    if bits & TOO_LITTLE_POWER:
        return problem("The machine gets too little power; disks may lose what they write.", supply)
    if bits & HAD_TOO_LITTLE:
        return note("The machine got too little power since it was started.", supply)
    if bits & (SLOWED | WAS_SLOWED):
        return note("The machine ran slower since it was started: too hot.", "Give it more air.")
    return ok("enough since it was started")


def clock(_settings: Settings) -> Finding:
    """Look whether the clock can be right, and whether something keeps it so."""
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    automatic = "Have it set by the network: sudo timedatectl set-ntp true"
    # This file came here in the past.
    if now < Path(__file__).stat().st_mtime - DAY:
        return problem(f"It says {shown}, which is over.", automatic)
    if _state_of_clock() == UNSYNCHRONISED:
        return note(f"It says {shown}, and nothing keeps it right.", automatic)
    return ok(shown)


def time_zone(_settings: Settings) -> Finding:
    """Look whether somebody has said where the machine stands."""
    name = time.strftime("%Z")
    if name in ("UTC", "Universal", "Zulu"):
        return note(
            "UTC: is that yours? Quiet hours and the times on the pages follow it.",
            "Set your own, such as: sudo timedatectl set-timezone Europe/Berlin",
        )
    return ok(name)


def open_files(_settings: Settings) -> Finding:
    """Look how many files a process may have open here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FEW_FILES:
        return note(
            f"Only {most} at a time: few for many phones at once.",
            f"Allow more: ulimit -n {4 * FEW_FILES}",
        )
    return ok("enough may be open" if most == resource.RLIM_INFINITY else f"{most} may be open")


def _swap() -> int:
    """Return the kilobytes of swap there are."""
    with suppress(OSError):
        found = re.search(r"SwapTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
        return int(found[1]) if found else 0
    return 0


def _state_of_clock() -> int:
    """Ask the kernel whether something sets the clock (adjtimex(2), which changes nothing here)."""
    ask = getattr(ctypes.CDLL(None), "adjtimex", None)
    # `struct timex` has 208 bytes; zeros ask, and change nothing.
    return int(ask(ctypes.create_string_buffer(512))) if ask is not None else 0
