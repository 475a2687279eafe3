"""Watching a run from inside its process: its time limit, its heartbeat, and requests to stop it.

Whoever asks a run to stop marks its row and sends SIGUSR2; a worker elsewhere notices at its next
heartbeat, as does one whose claim the database has forgotten or given away. The worker then ends
itself at once, as if killed: nothing that counts can be lost by it, and whatever library the run is
lost in has no say in it.
"""

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from peewee import OperationalError

from homequeue import ledger, runs
from homequeue.db import db
from homequeue.models import Job

#: How often a run lets others know that it lives, in seconds.
BEAT = 10.0
#: A run that does not end at its time limit is ended with its whole worker so many seconds later.
HARD_GRACE = 10.0
#: How long a run is held up for its own heartbeat, in seconds.
PATIENCE = 1.0
STDERR = 2


class Interrupted(BaseException):
    """The worker is to drop what it does; not KeyboardInterrupt, which work might raise itself."""


class TimedOut(BaseException):
    """The run has reached its time limit; not an Exception, which work might swallow."""


@contextmanager
def watched(timeout: float | None, beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` every BEAT seconds and raise TimedOut after `timeout` seconds, if any.

    It is for the main thread, which alone hears signals; in another it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    deadline = time.monotonic() + timeout if timeout else None
    over: list[bool] = []

    def alarm(*_: Any) -> None:
        # A signal may be heard after the run, and even after its timer is switched off.
        if over:
            return
        if deadline and time.monotonic() >= deadline:
            raise TimedOut
        look(beat)
        _arm(deadline)

    before = signal.signal(signal.SIGALRM, alarm)
    if timeout:
        faulthandler.dump_traceback_later(timeout + HARD_GRACE, exit=True, file=STDERR)
    _arm(deadline)
    try:
        try:
            yield
        finally:
            over.append(True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if timeout:
            faulthandler.cancel_dump_traceback_later()


def look(beat: Callable[[], None] = lambda: None) -> None:
    """Beat, and end this process if the job that it runs is to stop, or is not its own any more."""
    job = runs.current()
    asked: list[bool] = []

    def ask() -> None:
        beat()
        asked.append(job is not None and (is_stopped(job) or is_ghost(job)))

    _aside(ask)
    if job is not None and any(asked):
        _aside(partial(_put_back_others, job))
        os.kill(os.getpid(), signal.SIGKILL)


def is_ghost(job: Job) -> bool:
    """Tell whether a run goes on that is over as far as the database knows.

    A server that crashed forgets the last claims, and who was cut off for long has lost its own.
    """
    # How a run ends is known here before it is committed there.
    return job.state == ledger.RUNNING and not runs.goes_on(job)


def is_stopped(job: Job) -> bool:
    """Tell whether somebody has asked this very run of a job to stop."""
    asked = (Job.id == job.id) & Job.stopped_by.is_null(False)
    return bool(Job.select().where(asked).exists()) and runs.goes_on(job)


def _aside(work: Callable[[], None]) -> None:
    """Do something with the database, if that takes no longer than a run may be held up."""

    def run() -> None:
        # The main thread may be in the midst of a transaction: a thread has its own connection.
        try:
            # While the database is away nothing can be said or heard, and the run may well end.
            with suppress(OperationalError):
                work()
        finally:
            db.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)


def _put_back_others(job: Job) -> None:
    """Put back what this worker runs besides a job: successes that a crashed server forgot.

    Found with a dead worker they would count as what killed it. To be called by who ends now.
    """
    ours = (Job.worker == job.worker) & (Job.state == ledger.RUNNING) & (Job.id != job.id)
    for other in list(Job.select().where(ours)):
        ledger.release(other, died=False)


def _arm(deadline: float | None) -> None:
    left = BEAT if deadline is None else min(BEAT, max(0.001, deadline - time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, left)
