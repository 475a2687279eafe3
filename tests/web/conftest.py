"""Who visits: browsers and programs of each kind."""

import time
from typing import Any

import pytest

from homequeue import ledger
from homequeue.models import Periodic
from homequeue.queue import workers
from homequeue.services import users
from homequeue.web.app import create_app
from homequeue.web.principals import COOKIE
from tests.library import job, whole
from tests.web.client import SECRET, Client


@pytest.fixture(scope="session")
def made() -> Any:
    """The application, which keeps nothing of a visit: to make it takes as long as a test."""
    return create_app(SECRET)


@pytest.fixture
def app(house: Any, made: Any) -> Any:
    return made


@pytest.fixture
def nobody(app: Any) -> Client:
    return Client(app)


@pytest.fixture
def as_anna(app: Any, anna: users.User) -> Client:
    """The browser of the administrator."""
    return signed_in(app, anna)


@pytest.fixture
def as_ben(app: Any, ben: users.User) -> Client:
    """The browser of a member."""
    return signed_in(app, ben)


def signed_in(app: Any, user: users.User) -> Client:
    return Client(app, cookies={COOKIE: users.open_session(user, 1)})


def with_token(app: Any, user: users.User, scope: str) -> Client:
    return Client(app, token=users.add_token(user, f"a {scope} token", scope, None))


@pytest.fixture
def busy(ben: users.User) -> None:
    """A job of Ben's in every state, some of the house's own, and a worker."""
    now = time.time()
    for number, state in enumerate(ledger.STATES, 1):
        whole(ben, number)
        job(
            state, asset=number, args=f"[{number}]", attempts=2, max_attempts=5,
            queued_at=now - 100, started_at=now - 50,
            finished_at=now - 45 if state in ledger.ENDED else None,
            error="It rained." if state not in ("queued", "succeeded") else None,
            traceback="Traceback of the inside",
        )  # fmt: skip
    job("failed", asset=10**6, error="Of a photo that is gone.", finished_at=now)
    job("succeeded", task="rescue", finished_at=now)
    job("failed", task="was_renamed", error="unknown", finished_at=now)
    Periodic.create(task="rescue", last_due=now, job=10)
    workers.register("worker")
