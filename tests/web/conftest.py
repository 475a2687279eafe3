"""Who visits: browsers and programs of each kind."""

from typing import Any

import pytest

from homequeue.services import users
from homequeue.web.app import create_app
from homequeue.web.principals import COOKIE
from tests.web.client import SECRET, Client


@pytest.fixture
def app(house: Any) -> Any:
    return create_app(SECRET)


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
