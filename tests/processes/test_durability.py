"""A short torture: see `torture.py` for the long one."""

from pathlib import Path

import pytest

from tests.processes.torture import RECOVERY, torture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("bell", ["sqlite", "redis"])
def test_no_acknowledged_photo_is_lost(
    bell: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = {} if bell == "sqlite" else {"queue_url": request.getfixturevalue("redis_url")}
    story = torture(tmp_path / "house", photos=40, kills=5, **settings)
    assert story.losses == []
    assert len(story.kept) == 40
    assert story.kills.total() == 5
    assert story.recovery < RECOVERY
