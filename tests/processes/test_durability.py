"""A short torture: see `torture.py` for the long one."""

from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.processes import chains
from tests.processes.torture import RECOVERY, torture

pytestmark = pytest.mark.slow


@pytest.fixture
def postgres_url(server: Cluster) -> str:
    return server.url()


@pytest.fixture(params=["", "queue_url=redis_url", "database_url=postgres_url"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    name, _, server = request.param.partition("=")
    return {name: request.getfixturevalue(server)} if name else {}


def test_no_acknowledged_photo_is_lost(settings: dict[str, str], tmp_path: Path) -> None:
    story = torture(tmp_path / "house", photos=40, kills=5, **settings)
    assert story.losses == []
    assert len(story.kept) == 40
    assert story.kills.total() == 5
    assert story.recovery < RECOVERY


def test_each_step_of_each_chain_takes_effect_once(
    settings: dict[str, str], tmp_path: Path
) -> None:
    story = chains.torture(tmp_path / "house", chains=60, kills=8, **settings)
    assert story.losses == []
    assert story.chains == 60
    assert story.kills.total() == 8
    assert story.recovery < chains.RECOVERY
    if "queue_url" in settings:
        # What PostgreSQL tells while no worker lives, nobody hears; a list in Redis waits.
        assert story.wiped > 0
        assert story.strange > 0
