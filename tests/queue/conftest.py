"""A queue of a test's own."""

import pytest

from homequeue.config import Settings
from homequeue.queue import Queue
from homequeue.queue.messages import SignedJson
from tests.queue.helpers import Bell


@pytest.fixture
def hall(house: Settings) -> Queue:
    """A queue of the test's own, with a bell that only counts."""
    ours = Queue()
    ours.serializer = SignedJson(b"secret")
    ours.storage = Bell()
    return ours
