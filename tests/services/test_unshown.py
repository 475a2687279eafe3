"""What is kept but not shown: made again once the part that it wanted is there, and not before."""

import time
from dataclasses import replace

import pytest

from homequeue import tasks
from homequeue.models import Asset, Job
from homequeue.services import cleanup, developing, unshown, video
from tests.library import job, row

WANTED = [part.words for part in unshown.PARTS]


@pytest.fixture
def install(house, monkeypatch):
    """Takes both parts away, and puts those of these words there."""

    def there(*words: str) -> None:
        parts = [replace(one, is_there=lambda one=one: one.words in words) for one in real]
        monkeypatch.setattr(unshown, "PARTS", tuple(parts))

    real = unshown.PARTS
    there()
    return there


def failed(owner, number: int, words: str, state: str = "failed", **values) -> Job:
    """The job of a photo that failed for these words."""
    asset = row(owner, number, state=state, error=words).id
    return job("failed", asset=asset, args=f"[{asset}]", error=words, **values)


def rescue() -> None:
    cleanup.rescue(tasks.process_asset, tasks.report_soon)


def states() -> list[str]:
    return [one.state for one in Job.select().order_by(Job.id)]


@pytest.mark.parametrize(("there", "wanted"), [WANTED, WANTED[::-1]])
def test_what_wants_a_part_is_made_again_once_that_is_there(install, anna, there, wanted):
    failed(anna, 1, there)
    failed(anna, 2, wanted)
    rescue()
    assert states() == ["failed", "failed"], "nothing has come"
    install(there)
    rescue()
    assert states() == ["queued", "failed"], "the other part is still missing"
    found = [(one.state, one.error) for one in Asset.select().order_by(Asset.id)]
    assert found == [("pending", None), ("failed", wanted)]
    rescue()
    assert states() == ["queued", "failed"], "once is enough"


def test_what_failed_for_another_reason_or_is_shown_by_now_stays(install, anna):
    failed(anna, 1, "It is no picture.")
    failed(anna, 2, video.MISSING, state="ready")
    job("failed", task="rescue", error=video.MISSING)
    install(*WANTED)
    assert unshown.showable() == []
    rescue()
    assert states() == ["failed"] * 3


def test_what_is_made_already_is_not_made_twice_and_stops_no_other(install, anna):
    twin = failed(anna, 1, developing.MISSING, key="process_asset[1]")
    job("queued", asset=twin.asset, args=twin.args, key="process_asset[1]")
    failed(anna, 2, developing.MISSING)
    install(*WANTED)
    rescue()
    assert states() == ["failed", "queued", "queued"]


def test_what_waits_for_a_part_is_counted_until_somebody_dismisses_it(install, anna):
    for number in (1, 2):
        failed(anna, number, video.MISSING)
    failed(anna, 3, developing.MISSING, dismissed_at=time.time())
    assert unshown.problems() == ["2 videos are kept but not shown: sudo apt install ffmpeg"]
    install(*WANTED)
    assert unshown.problems() == []
