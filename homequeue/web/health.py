"""Whether we are well: for people's monitors and for the supervisor of a container."""

from collections.abc import Iterator

from bottle import HTTPResponse

from homequeue import __version__, ledger
from homequeue.errors import NotAllowed, Unavailable
from homequeue.media import media
from homequeue.services import figures
from homequeue.web.visits import Visit, as_json


def healthz(visit: Visit) -> HTTPResponse:  # noqa: ARG001
    """Say that the process serves."""
    return as_json({"status": "ok", "version": __version__})


def readyz(visit: Visit) -> HTTPResponse:  # noqa: ARG001
    """Say whether storage, database and workers are there."""
    media.check_mounted()
    ledger.counts()
    if not figures.present_workers():
        raise Unavailable("No worker is running.")
    return as_json({"status": "ready"})


def metrics(visit: Visit) -> HTTPResponse:
    """Send figures in Prometheus' text format, to administrators' tokens and this machine only."""
    forwarded = "HTTP_X_FORWARDED_FOR" in visit.request.environ
    local = visit.address in ("127.0.0.1", "::1") and not forwarded
    if not local and "admin" not in visit.principal.scopes:
        raise NotAllowed("Only an administrator's token, or this machine itself, may read this.")
    body = "\n".join(_lines()) + "\n"
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return HTTPResponse(body.encode(), headers={"Content-Type": kind})


def _lines() -> Iterator[str]:
    yield "# HELP homequeue_jobs Jobs in each state."
    yield "# TYPE homequeue_jobs gauge"
    for state, number in ledger.counts().items():
        yield f'homequeue_jobs{{state="{state}"}} {number}'
    gauges = (
        (
            "oldest_wait_seconds",
            "Wait of the job that has been due longest.",
            figures.oldest_wait(),
        ),
        ("workers", "Worker processes alive.", len(figures.present_workers())),
        ("disk_free_bytes", "Free space on the disk of the library.", media.free_bytes()),
    )
    for name, words, figure in gauges:
        yield f"# HELP homequeue_{name} {words}"
        yield f"# TYPE homequeue_{name} gauge"
        yield f"homequeue_{name} {figure}"
