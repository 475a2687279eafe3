"""A child process with limits for work on files nobody vouches for: one bad file costs one job."""

import contextlib
import errno
import faulthandler
import gc
import json
import os
import resource
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from homequeue import errors, processes

#: Bytes of the JSON part of an answer; metadata of a photo is a few kB.
MOST_JSON = 4 << 20
PIECE = 1 << 20

#: What can be run: it returns a value that JSON can carry, and pieces of bytes.
Work = Callable[..., tuple[Any, list[bytes]]]


class ChildFailed(errors.HomequeueError):
    """The child died or ran into a limit; its words say which, its notes what a log wants."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "decoder_failed"


class ChildShot(ChildFailed):
    """Somebody shot the child, perhaps for what others took of the memory: it may fare better."""

    passing: ClassVar[bool] = True


TOO_MUCH_MEMORY = "It needs more memory than this machine can spare."
SHOT = "It was ended from outside, perhaps for want of memory."
TOO_LONG = "It took too long."
CRASHED = "This file could not be opened: what reads it crashed."
UNEXPECTED = "Something unexpected went wrong."
SILENT = "This file could not be opened: what reads it gave no proper answer."


@dataclass(frozen=True)
class Limits:
    """What a child may take: bytes beyond what its parent has, CPU seconds, bytes of its answer.

    On the clock of the wall it may take `wall` seconds, or twice its CPU seconds: it is niced.
    """

    memory: int = 1 << 30
    seconds: int = 60
    answer: int = 64 << 20
    wall: float | None = None


@dataclass(frozen=True)
class Answer:
    """What came back; `peak_memory` is all of the child's resident bytes, shared ones included."""

    value: Any
    blobs: list[bytes]
    seconds: float
    peak_memory: int


def run(function: Work, *args: Any, limits: Limits = Limits()) -> Answer:
    """Call `function(*args)` in a forked child; to be used from a process without other threads.

    HomequeueErrors of the child are raised here as they were; any other end is ChildFailed.
    """
    began, shot_before = time.monotonic(), processes.shot_for_memory()
    parent = os.getpid()
    reader, writer = os.pipe2(os.O_CLOEXEC)
    # Nothing may interrupt between the fork and the care for its child, on either side.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        child = os.fork()
    except BaseException:
        os.close(reader)
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    if not child:
        _be_child(parent, reader, writer, function, args, limits)
    try:
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        wall = 2 * limits.seconds if limits.wall is None else limits.wall
        received, cut = _receive(reader, began + wall, limits.answer)
    finally:
        status, usage = _end(child, reader)
    value, blobs = _judge(received, cut, status, shot_before)
    return Answer(value, blobs, time.monotonic() - began, usage.ru_maxrss * 1024)


def shot(before: int) -> ChildShot:
    """Return what to tell of a child that was shot; `before` it began the kernel had so many."""
    return ChildShot(TOO_MUCH_MEMORY if processes.shot_for_memory() > before else SHOT)


def _receive(reader: int, deadline: float, most: int) -> tuple[bytearray, str | None]:
    """Read until the child closes its end, or until it is cut off, for the reason in words."""
    received = bytearray()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            continue
        piece = os.read(reader, PIECE)
        received += piece
        if len(received) > most:
            return received, SILENT
        if not piece:
            return received, None
    return received, TOO_LONG


def _end(child: int, reader: int) -> tuple[int, resource.struct_rusage]:
    """Kill what may be left and reap it, also when the parent is being interrupted itself."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        _, status, usage = os.wait4(child, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return status, usage


def _judge(
    received: bytearray, cut: str | None, status: int, shot_before: int
) -> tuple[Any, list[bytes]]:
    """Take the answer apart, or raise for what happened instead of one."""
    message = None if cut else _parse(received)
    if message is None:
        raise _failure(cut, status, shot_before)
    head, blobs = message
    if "value" in head:
        return head["value"], blobs
    raise _error(str(head.get("error")), str(head.get("words")), str(head.get("trace", "")))


def _parse(received: bytearray) -> tuple[dict[str, Any], list[bytes]] | None:
    """None for anything but a whole answer: the child may be in the hands of its file."""
    try:
        (length,) = struct.unpack_from(">Q", received)
        if length > MOST_JSON:
            return None
        head = json.loads(received[8 : 8 + length])
        at, blobs = 8 + length, []
        for size in head["blobs"]:
            if not isinstance(size, int) or size < 0:
                return None
            blobs.append(bytes(received[at : at + size]))
            at += size
    except (struct.error, ValueError, TypeError, KeyError, RecursionError):
        return None
    return (head, blobs) if at == len(received) and isinstance(head, dict) else None


def _failure(cut: str | None, status: int, shot_before: int) -> ChildFailed:
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ended == signal.SIGKILL and not cut:
        error: ChildFailed = shot(shot_before)
    else:
        error = ChildFailed(cut or {0: SILENT, signal.SIGXCPU: TOO_LONG}.get(ended, CRASHED))
    error.add_note(f"the child ended with wait status {status:#x}")
    return error


def _error(name: str, words: str, trace: str) -> errors.HomequeueError:
    """The house's error of that name with those words, or ChildFailed if there is none."""
    kind = getattr(errors, name, None)
    error: errors.HomequeueError = ChildFailed(words)
    if isinstance(kind, type) and issubclass(kind, errors.HomequeueError):
        with contextlib.suppress(TypeError):  # of one that wants more than words
            error = kind(words)
    if trace:
        error.add_note(trace)
    return error


def _be_child(
    parent: int,
    reader: int,
    writer: int,
    function: Work,
    args: tuple[Any, ...],
    limits: Limits,
) -> NoReturn:
    """Everything the child ever does; whatever happens, it never returns into the parent's code."""
    try:
        _confine(parent, limits)
        os.close(reader)
        for part in _work(function, args):
            _send(writer, part)
    finally:
        os._exit(0)


def _confine(parent: int, limits: Limits) -> None:
    processes.die_with_parent(signal.SIGKILL, parent)
    processes.gain_no_rights()
    gc.disable()  # garbage of the parent's is not this process's to finalise
    _quiet()
    _forget_signals()
    # Should the kernel run out of memory, this process is the one to shoot.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    for what, most in (
        (resource.RLIMIT_DATA, _data_in_use() + limits.memory),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 1024),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most + (what == resource.RLIMIT_CPU)))


def _quiet() -> None:
    """C libraries print what they think of a file; the log has one line an event."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


def _forget_signals() -> None:
    """Handlers of the parent (a consumer's graceful stop) must not run in here."""
    faulthandler.disable()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _data_in_use() -> int:
    """Bytes that RLIMIT_DATA already counts for this process."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * resource.getpagesize()


def _work(function: Work, args: tuple[Any, ...]) -> list[bytes]:
    """Do the work; the parts to send: the length of the JSON, the JSON, the blobs."""
    try:
        value, blobs = function(*args)
        return _parts({"value": value}, blobs)
    except errors.HomequeueError as error:
        return _parts({"error": type(error).__name__, "words": str(error)})
    except BaseException as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return _parts({"error": "ChildFailed", "words": TOO_MUCH_MEMORY})
        trace = "".join(traceback.format_exception(error, limit=-8))[-4000:]
        return _parts({"error": "ChildFailed", "words": UNEXPECTED, "trace": trace})


def _parts(head: dict[str, Any], blobs: Sequence[bytes] = ()) -> list[bytes]:
    text = json.dumps(head | {"blobs": [len(blob) for blob in blobs]}).encode()
    return [struct.pack(">Q", len(text)), text, *blobs]


def _send(writer: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(writer, view) :]
