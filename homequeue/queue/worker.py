"""A worker: looks at the clock, then at the ledger, and sleeps at the bell when there is nothing.

There is no scheduler process: periodic work needs a free worker anyway, so a free worker is the one
that starts it. However many look at the clock, a due moment is served once.
"""

import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from peewee import OperationalError

from homequeue import config, processes, runs
from homequeue.log import plain
from homequeue.queue import Queue, company, strangers, watch, workers
from homequeue.queue.light import Task

logger = logging.getLogger("homequeue.worker")

#: A worker that hears nothing looks around this often, in seconds.
LOOK_AROUND = 30.0
#: The first and the longest pause after an error of the queue itself, in seconds.
BREATH, LONGEST_BREATH = 0.5, 4.0
#: A busy worker looks at most this often whether it needs company, in seconds.
ALONE = 5.0


class Stopped(BaseException):
    """SIGTERM came while the worker was asleep."""


class Worker:
    """One process that runs jobs, one at a time, in its main thread.

    While it is busy it calls for company, so that somebody is free for what comes next; a spare
    one leaves after `patience` seconds without work, if another is free.
    """

    def __init__(
        self,
        queue: Queue,
        call: Callable[[], None] | None = None,
        patience: float | None = None,
        name: str = "worker",
    ) -> None:
        self.queue = queue
        self._name = name
        self._call = call
        self._called_at = -ALONE
        self._patience = patience
        self._worked_at = time.monotonic()
        self._stopping = False
        self._asleep = False
        self._upcoming = 0.0
        self._breath = 0.0
        self._looked_at = 0.0

    def run(self) -> None:
        """Work until SIGTERM, then finish the running job; SIGINT puts it back instead."""
        try:
            self._prepare()
            self._begin()
            while not self._stopping:
                self._step()
        except (Stopped, watch.Interrupted):
            self._put_back()
        self._leave()

    def _prepare(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGUSR2, lambda *_: watch.look())
        logging.getLogger().addHandler(_Notes())
        processes.yield_to_others()
        processes.limit_memory(config.settings().queue.memory)

    def _put_back(self) -> None:
        """Free the job that was claimed, if the end came before it had begun."""
        try:
            self.queue.recover()
        except Exception as error:
            self._complain(error)

    def _leave(self) -> None:
        """Take no job any more, and let others know."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_IGN)
        try:
            strangers.write_down()
            workers.leave()
        except Exception as error:
            self._complain(error)

    def _begin(self) -> None:
        while not self._stopping:
            try:
                # First the jobs of the dead, whom registering forgets.
                self.queue.recover()
                workers.register(self._name)
            except Exception as error:
                self._complain(error)
            else:
                return

    def _step(self) -> None:
        try:
            self._look_at_clock()
            if self._stopping:
                return
            task = self.queue.dequeue()
            self._breath = 0.0
            if task is not None:
                self._work(task)
            elif self._may_leave():
                self._stopping = True
            else:
                self._sleep()
        except Exception as error:
            self._complain(error)
            self._looked_at = 0.0

    def _look_at_clock(self) -> None:
        """Free the jobs of the dead every LOOK_AROUND, start periodic work when it is due."""
        now = time.time()
        if not self._looked_at <= now < self._looked_at + LOOK_AROUND:
            workers.beat(self._name)
            self.queue.recover()
            workers.forget_lost()
            strangers.write_down()
            self._looked_at, self._upcoming = now, self.queue.start_due(now)
            self._stopping |= self._is_one_too_many()
        elif now >= self._upcoming:
            self._upcoming = self.queue.start_due(now)

    def _work(self, task: Task) -> None:
        if company.is_called_for(type(task)):
            self._call_for_company()
        self.queue.execute(task, self._beat)
        self._worked_at = time.monotonic()

    def _beat(self) -> None:
        """Do what is due now and then in a run that takes long."""
        try:
            workers.beat(self._name)
        except OperationalError:
            workers.count_anew()
            raise
        self._call_for_company()

    def _call_for_company(self) -> None:
        if self._call is None or time.monotonic() < self._called_at + ALONE:
            return
        self._called_at = time.monotonic()
        if company.is_wanted(self.queue.tasks()):
            self._call()

    def _may_leave(self) -> bool:
        """Tell whether a spare worker has waited long enough, and is not the only free one."""
        if self._patience is None or time.monotonic() <= self._worked_at + self._patience:
            return False
        return company.is_needless(self._name)

    def _is_one_too_many(self) -> bool:
        """Tell whether a spare worker must leave although there is work."""
        if self._patience is None:
            return False
        return company.is_one_too_many(self._name, self.queue.tasks())

    def _sleep(self) -> None:
        processes.give_back_memory()
        self._asleep = True
        try:
            if not self._stopping:
                self.queue.wait(min(LOOK_AROUND, max(0.0, self._upcoming - time.time())))
        finally:
            self._asleep = False

    def _complain(self, error: Exception) -> None:
        """Say that the queue cannot be used, and take a breath that grows while it stays so."""
        if not isinstance(error, OperationalError):
            logger.exception("The queue cannot be used; trying again.")
        else:
            workers.count_anew()
            if not self._breath:
                logger.warning("The database cannot be used; trying again: %s", plain(str(error)))
        self._breath = min(LONGEST_BREATH, 2 * self._breath or BREATH)
        self._asleep = True
        try:
            time.sleep(0 if self._stopping else self._breath)
        finally:
            self._asleep = False

    def _stop(self, _signum: int, _frame: Any) -> None:
        self._stopping = True
        if self._asleep:
            raise Stopped

    def _interrupt(self, _signum: int, _frame: Any) -> None:
        self._stopping = True
        raise watch.Interrupted


class _Notes(logging.Handler):
    """Keeps with a job what is logged while it runs."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            runs.note(plain(f"{record.levelname} {record.name}: {record.getMessage()}"))
        except Exception:
            self.handleError(record)  # what is wrong with a line is no fault of the work
