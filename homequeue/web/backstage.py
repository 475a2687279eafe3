"""Behind the scenes: workers, kinds of work, chores, the machine and who did what to the queue."""

import re
import time
from collections.abc import Mapping
from typing import Any

from bottle import HTTPResponse

from homequeue import db, holds, ledger
from homequeue.errors import Invalid
from homequeue.media import media
from homequeue.models import Deed
from homequeue.queue import queue, workers
from homequeue.services import (
    assets,
    crew,
    figures,
    hearing,
    ingest,
    jobs,
    machine,
    pulse,
    steering,
    trends,
)
from homequeue.web import pictures, shapes
from homequeue.web.activity import pause_row, saying
from homequeue.web.moments import near_label
from homequeue.web.pages import conditional, page
from homequeue.web.shapes import ago, since_label, took_label
from homequeue.web.visits import Visit

#: Seconds for which the page stays as it is unless something moves, and what it rests, in ms.
BEAT, REST = 10, 10_000
#: How many deeds are shown at once.
DEEDS = 20
BELLS = {
    "Doorbell": "A pipe in the data folder wakes the workers",
    "RedisBell": "Redis wakes the workers",
    "PostgresBell": "PostgreSQL wakes the workers",
}


def show(visit: Visit) -> HTTPResponse:
    """Show how the queue and its machine are, and what can be set."""
    span = visit.query("span") or "day"
    if span not in trends.SPANS:
        raise Invalid("“span” is hour, day or month.")
    before = visit.number("cursor", 0, 2**62) or None
    version = pulse.take(), time.time() // BEAT
    return conditional(visit, version, lambda: page(visit, "backstage", **_now(span, before)))


def _now(span: str, before: int | None) -> dict[str, Any]:
    slots, now, pauses = trends.SPANS[span](), time.time(), holds.pauses()
    missing, photos = assets.pictures_to_make()
    here = f"/activity/machine?span={span}"
    deeds = steering.deeds(DEEDS + 1, before)
    return {
        "back": saying(here),
        "rest": REST,
        "span": span,
        "spans": list(trends.SPANS),
        "pictures": [pictures.done(slots, span), pictures.taken(slots), pictures.waited(slots)],
        "marks": pictures.marks(slots, span),
        "table": pictures.table(slots, span),
        "hands": [_hand(hand, now) for hand in crew.on_duty()],
        "allowed": workers.asked_for(),
        "strained": workers.allowed() < workers.asked_for(),
        "kinds": [_kind(kind, pauses) for kind in _kinds()],
        "periodic": [_periodic(row, now) for row in figures.periodic()],
        "missing": missing,
        "photos": photos,
        "machine": _machine(machine.now()),
        "storage": _storage(),
        "deeds": _deeds(deeds[:DEEDS], now),
        "older": f"{here}&cursor={deeds[DEEDS - 1].id}#deeds" if len(deeds) > DEEDS else None,
        "newest": f"{here}#deeds" if before else None,
        "counts": _counts(jobs.counts_by_look()),
    }


def _hand(hand: crew.Hand, now: float) -> dict[str, Any]:
    job = hand.job
    heard = "" if hand.is_here else f"heard of {since_label(crew.silence(hand.worker))}"
    return {
        "name": hand.name,
        "job": job.id if job else None,
        "doing": jobs.kind_label(job.task) if job else "Waiting for work",
        "for_label": f"for {ago(now - (job.started_at or now))}" if job else "",
        "since_label": f"since {near_label(hand.worker.started_at, now)}",
        "heard_label": heard,
        "memory": ingest.in_words(hand.memory) if hand.memory else "",
        "is_stuck": hand.is_stuck,
    }


def _kinds() -> list[figures.Kind]:
    """Return the kinds of work, the busiest first, and last those that did not run lately."""
    ran = sorted(figures.kinds(), key=lambda kind: -kind.runs)
    return ran + figures.idle_kinds({kind.task for kind in ran})


def _kind(kind: figures.Kind, pauses: Mapping[str, float]) -> dict[str, Any]:
    rate = 100 * kind.failed / max(1, kind.runs)
    return {
        "label": jobs.kind_label(kind.task),
        "runs": f"{kind.runs:,}",
        "median": took_label(kind.median),
        "p95": took_label(kind.p95),
        "wait": took_label(kind.wait),
        "failed": f"{rate:.{0 < rate < 10:d}f} %",
        "is_bad": kind.failed > 0,
        **pause_row(kind.task, dict(pauses)),
    }


def _periodic(row: dict[str, Any], now: float) -> dict[str, Any]:
    job = row["last_job"]
    last = near_label(row["last_run"], now)
    never = "nothing to do yet" if row["on_demand"] else "not yet"
    following = (
        "when there is something to do"
        if row["on_demand"]
        else (f"next {near_label(row['next_due'], now)}")
    )
    return {
        "task": row["task"],
        "label": row["label"],
        "is_on": row["is_on"],
        "last_label": f"last {last}" if last else never,
        "next_label": following if row["is_on"] else "switched off",
        "result": shapes.STATE_WORDS[job.state] if job else "",
        "is_bad": job is not None and job.state in (ledger.FAILED, ledger.QUARANTINED),
        "job": job.id if job else None,
    }


def _deeds(deeds: list[Deed], now: float) -> list[dict[str, Any]]:
    """Return what is told of deeds, their words parted at the job that each was about."""
    # What is said of many jobs names none of them.
    parted = [(*re.split(r"\bjob (\d+)\b", deed.words, maxsplit=1), "", "")[:3] for deed in deeds]
    about = jobs.by_ids(int(job) for _, job, _ in parted if job)
    names = jobs.filenames(about)
    labels = {str(job.id): jobs.label(job, names.get(job.asset or 0)) for job in about}
    return [
        {
            "id": deed.id,
            "when": near_label(deed.at, now),
            "who": deed.who,
            "words": before,
            "job": job,
            "label": labels.get(job, ""),
            "rest": after,
        }
        for deed, (before, job, after) in zip(deeds, parted, strict=True)
    ]


def _machine(found: machine.Machine) -> list[dict[str, Any]]:
    """Return what is told of the machine; `part` of 100 is shown as a bar."""
    busy, used = found.load[0] / found.cores, found.memory - found.memory_free
    full = found.disk - found.disk_free
    lasts = (
        f", full in {ago(found.days_left * machine.DAY)} at this pace" if found.days_left else ""
    )
    temperature = [] if found.temperature is None else [
        {"name": "Temperature", "words": f"{found.temperature:.0f} °C",
         "part": min(100, round(found.temperature)), "is_bad": machine.is_hot(found)}
    ]  # fmt: skip
    return [
        *temperature,
        _gauge("Processor", busy, f"load {found.load[0]:.2f} on {found.cores} cores", 1.5),
        _gauge("Memory", used / found.memory, _of(found.memory_free, found.memory), 0.92),
        _gauge("Disk", full / found.disk, _of(found.disk_free, found.disk) + lasts, 0.95),
    ]


def _gauge(name: str, part: float, words: str, bad_from: float) -> dict[str, Any]:
    percent = min(100, round(100 * part))
    return {"name": name, "words": words, "part": percent, "is_bad": part >= bad_from}


def _of(free: int, total: int) -> str:
    return f"{ingest.in_words(free)} free of {ingest.in_words(total)}"


def _storage() -> list[dict[str, Any]]:
    problems, trouble = machine.problems(), hearing.trouble()
    kind = type(queue.storage).__name__
    return [
        {"name": "Photos", "words": f"in {media.root}", "is_bad": bool(problems)},
        *({"name": "", "words": words, "is_bad": True} for words in problems),
        {"name": "Rows", "words": db.db.place(), "is_bad": False},
        {"name": "Messages", "words": BELLS.get(kind, kind), "is_bad": bool(trouble)},
        *([{"name": "", "words": trouble, "is_bad": True}] if trouble else []),
    ]


def _counts(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"state": state, "words": shapes.LOOKS[state], "count": f"{count:,}"}
        for state, count in counts.items()
        if count
    ]
