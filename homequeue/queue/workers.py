"""Workers: who they are, and whether they live, on this machine or on another.

Of a process of this boot and PID namespace `/proc` knows at once and for certain. Another machine,
or another container, shows that it lives by writing down a moment; how old it may grow is measured
by the clock of whoever looks, so that clocks need not agree.
"""

import signal
import time

from homequeue import config, db, facts, processes, runs
from homequeue.models import Job, Worker

#: A worker elsewhere that was not heard of for so long is taken for dead, in seconds.
LEASE = 45.0

#: The last moment that each worker elsewhere wrote down, and when we saw it change.
_heard: dict[str, tuple[float, float]] = {}


def register(name: str) -> None:
    """Write down that this process works, and forget those that do no more."""
    gone = [row.identity for row in Worker.select() if not is_alive(row.identity)]
    with db.db.atomic():
        Worker.delete().where(Worker.identity.in_(gone)).execute()
        _write_down(name)


def beat(name: str) -> None:
    """Let other machines know that this process lives, and how large it is, if there are others."""
    if db.is_shared() or any(processes.is_elsewhere(row.identity) for row in Worker.select()):
        _write_down(name)


def leave() -> None:
    """Write down that this process works no more; it must have put back what it was at."""
    Worker.delete().where(Worker.identity == processes.identity()).execute()


def forget_lost() -> None:
    """Forget the workers elsewhere whose lease we saw run out and whose jobs others have."""
    elsewhere = [row.identity for row in Worker.select() if processes.is_elsewhere(row.identity)]
    lost = [identity for identity in elsewhere if not is_alive(identity)]
    if lost:
        busy = Job.select(Job.worker).where(Job.state == "running")
        Worker.delete().where(Worker.identity.in_(lost), Worker.identity.not_in(busy)).execute()


def is_alive(identity: str) -> bool:
    """Tell whether a worker lives; one elsewhere does until we saw its lease run out."""
    if not processes.is_elsewhere(identity):
        return processes.is_alive(identity)
    row = Worker.get_or_none(Worker.identity == identity)
    if row is None:
        return False
    seen_at, since = _heard.get(identity, (None, 0.0))
    if seen_at != row.seen_at:
        since = time.monotonic()
        _heard[identity] = (row.seen_at, since)
    return time.monotonic() < since + LEASE


def count_anew() -> None:
    """Give every worker elsewhere a whole lease more: while the database was away none could beat.

    Without it whoever looks first, once it is back, would take all the others for dead.
    """
    _heard.clear()


def end_run(job: Job, patience: float) -> None:
    """End the worker that runs a job here: let it hear why, and kill it if it has no ears.

    It is left alone once this run is over, for then it may be at somebody else's work.
    """
    worker = str(job.worker)
    for signum in (signal.SIGUSR2, signal.SIGKILL):
        deadline = time.monotonic() + patience
        if runs.goes_on(job):
            processes.send(worker, signum)
        while processes.is_alive(worker) and runs.goes_on(job) and time.monotonic() < deadline:
            time.sleep(0.01)


def allowed() -> int:
    """Return how many workers may run now: what was last asked for, fewer on a strained machine."""
    return 1 if processes.is_strained() else asked_for()


def asked_for() -> int:
    """Return how many workers may run when the machine is well: what was last asked for."""
    return int(facts.recall("workers", config.settings().queue.workers))


def is_present(row: Worker) -> bool:
    """Tell whether a worker seems to live, to somebody who looks only once."""
    if processes.is_elsewhere(row.identity):
        return bool(time.time() < row.seen_at + LEASE)
    return processes.is_alive(row.identity)


def is_to_blame(identity: str) -> bool:
    """Tell whether the job of a dead worker may be what killed it.

    A power cut, or the end of the whole tree with its supervisor, is no fault of the job.
    """
    if processes.is_elsewhere(identity) or not processes.is_of_this_boot(identity):
        return False
    row = Worker.get_or_none(Worker.identity == identity)
    return row is None or processes.is_alive(row.parent)


def _write_down(name: str) -> None:
    """Write the row of this process, which others may have taken for lost meanwhile.

    It may also be there already: of a commit one can be told that it failed, and it did not.
    """
    me = processes.identity()
    who = {"identity": me, "parent": processes.parent_identity()}
    told = {"name": name, "seen_at": time.time(), "memory": processes.memory_of(me)}
    row = Worker.insert(**who, **told)
    row.on_conflict(conflict_target=[Worker.identity], update=told).execute()
