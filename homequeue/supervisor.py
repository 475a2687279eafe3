"""The supervisor: starts the web process and the workers, replaces the dead, stops them kindly.

It opens nothing and has no threads, so that its children are forked from a clean, warm process and
share its memory. A spare child is started when a sibling calls for company (SIGUSR1), and may leave
again by ending well: a home with nothing to do carries one worker, not many.
"""

import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from homequeue import processes
from homequeue.errors import HomequeueError

logger = logging.getLogger("homequeue.supervisor")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: A child that lived shorter than this, in seconds, is started again only after a growing pause.
SHORT_LIFE = 10.0
#: Short enough for the work of a worker that died to begin again within two seconds, each time.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.5
#: The exit code of a child that means to leave; one that ends with 0 has been ended by its work.
LEFT = 64
#: Time to put running jobs back when their grace is over, in seconds.
FAREWELL = 5.0


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    main: Callable[[], None]
    is_spare: bool = False
    is_wanted: bool = True
    pid: int = 0
    started_at: float = 0.0
    pause: float = 0.0
    start_at: float = 0.0

    def start(self) -> None:
        """Fork the process, or try again later if the machine has no room for it now."""
        supervisor = os.getpid()
        self.started_at = time.monotonic()
        # Until the child has handlers of its own, a signal must wait and not be taken by ours.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self.pid = os.fork()
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            logger.warning("%s cannot be started now: %s", self.name, error.strerror)
            self._wait_longer()
            return
        if self.pid == 0:
            _be_child(self.name, self.main, supervisor)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        logger.info("%s started as process %d", self.name, self.pid)

    def ended(self, status: int) -> None:
        """Note the end of the process, and whether and when it shall be started again."""
        self.pid = 0
        if self.is_spare and os.waitstatus_to_exitcode(status) == LEFT:
            self.is_wanted = False
            return
        logger.warning("%s ended unexpectedly and is started again", self.name)
        if time.monotonic() - self.started_at > SHORT_LIFE:
            self.pause = self.start_at = 0.0
        else:
            self._wait_longer()

    def _wait_longer(self) -> None:
        self.pause = min(LONGEST_PAUSE, self.pause * 2 or SHORTEST_PAUSE)
        self.start_at = time.monotonic() + self.pause


#: The supervisor's pid, as its children inherit it.
_parent = [0]


def call_for_company() -> None:
    """Ask the supervisor, from one of its children, to start a spare sibling if one is left."""
    if os.getppid() == _parent[0]:
        os.kill(_parent[0], signal.SIGUSR1)


def run(mains: Mapping[str, Callable[[], None]], spares: Collection[str], grace: float) -> None:
    """Keep one process a name running until SIGTERM or SIGINT; `spares` only on demand.

    Then they have `grace` seconds to end by themselves (SIGTERM), FAREWELL to drop what they are
    doing (SIGINT), and no more (SIGKILL).
    """
    _parent[0] = os.getpid()
    # What the children share must not be written to by their garbage collectors.
    gc.collect()
    processes.give_back_memory()
    gc.freeze()
    children = [
        Child(name, main, is_spare=name in spares, is_wanted=name not in spares)
        for name, main in mains.items()
    ]
    stopping: list[int] = []
    ears, mouth = os.pipe()
    os.set_blocking(mouth, False)
    os.set_blocking(ears, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    for signum in STOP_SIGNALS:
        signal.signal(signum, lambda number, _: stopping.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGUSR1, lambda *_: _want_one_more(children))
    while not stopping:
        _start_missing(children)
        processes.let_code_go()
        _sleep(ears, _pause(children))
        _reap(children)
    _stop(children, ears, grace)


def _be_child(name: str, main: Callable[[], None], supervisor: int) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for signum in (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        # Out of the terminal's group: Ctrl-C asks the supervisor, which asks us.
        os.setpgid(0, 0)
        processes.die_with_parent(signal.SIGTERM, supervisor)
        processes.name(name)
        main()
        code = LEFT
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except HomequeueError as error:
        logger.error("%s: %s", name, error)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _want_one_more(children: list[Child]) -> None:
    spare = next((child for child in children if not child.is_wanted), None)
    if spare is not None:
        spare.is_wanted = True
        spare.start_at = 0.0


def _start_missing(children: list[Child]) -> None:
    for child in children:
        if child.pid == 0 and child.is_wanted and time.monotonic() >= child.start_at:
            child.start()


def _pause(children: list[Child]) -> float | None:
    waiting = [
        child.start_at - time.monotonic() for child in children if not child.pid and child.is_wanted
    ]
    return max(0.0, min(waiting)) if waiting else None


def _sleep(ears: int, seconds: float | None) -> None:
    poll = select.poll()
    poll.register(ears, select.POLLIN)
    if poll.poll(None if seconds is None else seconds * 1000 + 1):
        os.read(ears, 4096)


def _reap(children: list[Child]) -> None:
    for child in children:
        if child.pid:
            ended, status = os.waitpid(child.pid, os.WNOHANG)
            if ended:
                child.ended(status)


def _stop(children: list[Child], ears: int, grace: float) -> None:
    for signum, seconds in ((signal.SIGTERM, grace), (signal.SIGINT, FAREWELL)):
        _signal(children, signum)
        deadline = time.monotonic() + seconds
        while any(child.pid for child in children) and time.monotonic() < deadline:
            _sleep(ears, 0.2)
            _bury(children)
    _signal(children, signal.SIGKILL)


def _bury(children: list[Child]) -> None:
    for child in children:
        if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
            child.pid = 0


def _signal(children: list[Child], signum: signal.Signals) -> None:
    for child in children:
        if child.pid:
            os.kill(child.pid, signum)
