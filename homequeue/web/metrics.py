"""Figures for Prometheus, in its text format."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from bottle import HTTPResponse

from homequeue import __version__, holds, ledger, meter
from homequeue.errors import NotAllowed
from homequeue.meter import BOUNDS, Spans
from homequeue.queue import workers
from homequeue.services import crew, delays, figures, hearing, jobs, machine
from homequeue.web.visits import Visit

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Family:
    """A metric: its name without our prefix, what it means, its type and its samples.

    A label without a name is what a sample's name ends with, as those of a histogram do.
    """

    name: str
    help: str
    type: str
    samples: Iterable[Sample]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the format."""
        yield f"# HELP homequeue_{self.name} {self.help}"
        yield f"# TYPE homequeue_{self.name} {self.type}"
        for labels, value in self.samples:
            suffix = labels.get("", "")
            told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items() if name)
            braced = f"{{{told}}}" if told else ""
            yield f"homequeue_{self.name}{suffix}{braced} {value}"


def metrics(visit: Visit) -> HTTPResponse:
    """Send figures in Prometheus' text format, to administrators' tokens and this machine only."""
    forwarded = "HTTP_X_FORWARDED_FOR" in visit.request.environ
    local = visit.address in ("127.0.0.1", "::1") and not forwarded
    if not local and "admin" not in visit.principal.scopes:
        raise NotAllowed("Only an administrator's token, or this machine itself, may read this.")
    families = (*_of_jobs(), *_of_workers(), *_of_machine())
    body = "".join(f"{line}\n" for family in families for line in family.lines())
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return HTTPResponse(body.encode(), headers={"Content-Type": kind})


def _of_jobs() -> Iterator[Family]:
    counts, found = figures.counts_by_task(), meter.read()
    depth: list[Sample] = [
        ({"task": task, "state": state}, count)
        for task, states in sorted(counts.items())
        for state, count in sorted(states.items())
    ]
    yield Family("jobs", "Jobs in the table by task and state.", "gauge", depth)
    words = "Jobs that ended badly, that nobody has dismissed and that have not succeeded since."
    yield _single("jobs_needing_a_look", words, jobs.needing_a_look())
    # What has not happened yet is there as 0: the first time shows as a rise too.
    known = {(task, state) for task in counts for state in ledger.ENDED}
    ended: list[Sample] = [
        ({"task": task, "state": state}, found.ended[task, state])
        for task, state in sorted(known | set(found.ended))
    ]
    words = "Jobs that ended, from the first on."
    yield Family("jobs_ended_total", words, "counter", ended)
    words = "Seconds that jobs took."
    yield Family("job_duration_seconds", words, "histogram", _histogram(found.took))
    words = "Seconds that those jobs had waited since they were due."
    yield Family("job_wait_seconds", words, "histogram", _histogram(found.waited))
    words = "Wait of the job that has been due longest."
    yield _single("oldest_wait_seconds", words, figures.oldest_wait())
    yield _held()
    pauses = dict.fromkeys(counts, 0) | dict.fromkeys(holds.pauses(), 1)
    paused: list[Sample] = [({"task": task}, on) for task, on in sorted(({"": 0} | pauses).items())]
    yield Family(
        "paused", "1 while a task, or without a name everything, is paused.", "gauge", paused
    )


def _held() -> Family:
    counts = dict.fromkeys(delays.REASONS, 0)
    for held, count in delays.held().items():
        counts[held.why] += count
    samples: list[Sample] = [({"why": why}, count) for why, count in counts.items()]
    return Family("jobs_held", "Jobs that are due and held back, by the reason.", "gauge", samples)


def _of_workers() -> Iterator[Family]:
    hands = crew.on_duty()
    alive = len(figures.present_workers())
    yield Family("info", "The version that runs.", "gauge", [({"version": __version__}, 1)])
    yield _single("workers", "Worker processes alive.", alive)
    yield _single("workers_allowed", "Worker processes that may run now.", workers.allowed())
    stuck = sum(hand.is_stuck for hand in hands)
    yield _single("workers_stuck", "Workers that take far too long or fell silent.", stuck)
    used = sum(hand.memory or 0 for hand in hands if hand.is_here)
    yield _single("workers_memory_bytes", "Memory of the workers of this machine.", used)


def _of_machine() -> Iterator[Family]:
    found = machine.now()
    yield _single("disk_bytes", "Size of the disk of the library.", found.disk)
    yield _single("disk_free_bytes", "Free space on the disk of the library.", found.disk_free)
    words = "1 while photos can be taken: the storage is mounted and has room."
    yield _single("storage_ready", words, int(not machine.problems()))
    words = "1 while messages reach the workers, so that work begins at once."
    yield _single("bell_ready", words, int(not hearing.trouble()))
    warm: list[Sample] = [] if found.temperature is None else [({}, found.temperature)]
    yield Family("temperature_celsius", "The warmest sensor of the machine.", "gauge", warm)


def _single(name: str, words: str, value: float) -> Family:
    return Family(name, words, "gauge", [({}, value)])


def _histogram(by_task: Mapping[str, Spans]) -> Iterator[Sample]:
    for task, spans in sorted(by_task.items()):
        ends = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        counts = list(accumulate(spans.classes))
        for end, count in zip(ends, counts, strict=True):
            yield {"": "_bucket", "task": task, "le": end}, count
        yield {"": "_sum", "task": task}, round(spans.total, 6)
        yield {"": "_count", "task": task}, counts[-1]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
