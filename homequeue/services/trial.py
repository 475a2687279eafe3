"""A trial: whether anything can be seen of a file that is not whole, before it is accepted.

A file whose end is there is taken at its word, and a worker looks at it soon. One that was cut off,
or is of a kind that hides where it ends, is decoded once: in a process of its own with limits,
started by exec, because the web process has threads and must not fork.
"""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from homequeue import errors
from homequeue.services import imaging, raw, sandbox

#: What stands at the end of a whole file of a format; one that is not here is always tried.
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND", "GIF": b"\x00;"}
#: These are containers whose header has been compared with the size of the file.
CONTAINERS = ("WebP", "HEIC", "AVIF")
#: An end this close to the beginning is that of a picture within the picture, in bytes.
HEAD = 128 * 1024
#: Bytes that are looked through at a time.
BLOCK = 128 * 1024
#: A trial that takes more processor time than this, in seconds, leaves the verdict to a worker.
PATIENCE = 10
#: And so does one that takes longer than this on the clock, in seconds.
LONGEST = 25
#: Files of one request that are tried, while a thread of the server waits for them.
MOST = 10
#: Exit code of a trial that found nothing.
NOTHING_TO_SEE = 3
#: The smallest picture that still shows whether there is one.
GLIMPSE = (imaging.Spec("glimpse", 64, "JPEG", 50),)

_trying = threading.BoundedSemaphore(1)


@dataclass
class Turns:
    """How many files of one request may still be tried; the others are left to a worker."""

    left: int = MOST


def check(
    file: BinaryIO, identity: imaging.Identity, memory: int, turns: Turns | None = None
) -> None:
    """Raise Unreadable if nothing can be shown of a file; most need no look at all.

    `memory` is what decoding may take, in bytes; a trial takes one of the `turns`.
    """
    turns = turns or Turns()
    # One trial at a time: a thread of the server waits for it.
    if not turns.left or is_whole(file, identity) or not _trying.acquire(blocking=False):
        return
    turns.left -= 1
    try:
        _try(file, memory)
    finally:
        _trying.release()


def _try(file: BinaryIO, memory: int) -> None:
    # The child reads the descriptor itself, whose place Python's buffer may have run ahead of.
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    command = [sys.executable, "-P", "-m", "homequeue.services.trial", str(memory)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        tried = subprocess.run(
            command, stdin=file, capture_output=True, timeout=LONGEST, env=environ, check=False
        )
    except subprocess.TimeoutExpired:
        return
    if tried.returncode == NOTHING_TO_SEE:
        raise errors.Unreadable(tried.stdout.decode(errors="replace"))


def is_whole(file: BinaryIO, identity: imaging.Identity) -> bool:
    """Tell whether the end of a file is there, as far as its format shows it."""
    if identity.format in raw.NAMED:
        return True  # what can be shown of it is somewhere inside: a worker looks for it
    if identity.format in CONTAINERS:
        return not identity.is_truncated
    end = ENDS.get(identity.format)
    if end is None:
        return False
    return _holds(file, end, min(file.seek(0, os.SEEK_END) // 2, HEAD))


def _holds(file: BinaryIO, wanted: bytes, begin: int) -> bool:
    """Tell whether bytes stand in a file from a place on; its end is looked at first.

    It is read, not mapped: somebody may cut it short meanwhile, and its disk may fail.
    """
    end = file.seek(0, os.SEEK_END)
    while end > begin:
        start = max(begin, end - BLOCK)
        file.seek(start)
        if wanted in file.read(end - start + len(wanted) - 1):
            return True
        end = start
    return False


def main(memory: int) -> int:
    """Try the file on stdin; 0 if it shows something or nobody knows, else words on stdout."""
    limits = sandbox.Limits(memory=memory, seconds=PATIENCE)
    # The sandbox takes the standard streams away from its child.
    with os.fdopen(os.dup(0), "rb") as file:
        try:
            sandbox.run(_glimpse, file, memory, limits=limits)
        except errors.Unreadable as error:
            sys.stdout.write(str(error))
            return NOTHING_TO_SEE
        except errors.HomequeueError:
            return 0
    return 0


def _glimpse(file: BinaryIO, memory: int) -> tuple[Any, list[bytes]]:
    imaging.render(file, GLIMPSE, memory)
    return None, []


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
