"""Whether we are well: for people's monitors and for the supervisor of a container."""

from bottle import HTTPResponse

from homequeue import __version__, ledger
from homequeue.errors import Unavailable
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
