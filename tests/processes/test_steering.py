"""A queue that is steered: pauses that outlive everything, and who goes first."""

import time

import pytest

from tests.processes.conftest import Serve
from tests.processes.servers import Homequeue, eventually, noise, slow_photo

pytestmark = [pytest.mark.slow, pytest.mark.rows]

BULK = 20
#: Seconds of a pause within which a homequeue can be killed and started, on a busy machine too.
PAUSE = 10


def made(server: Homequeue) -> list[tuple[int, float, float, float]]:
    """Asset, when its last job was queued, began and ended, in the order in which they began."""
    told = "asset_id, queued_at, started_at, finished_at"
    newest = "select max(id) from job where task = 'process_asset' group by asset_id"
    found = server.rows(f"select {told} from job where id in ({newest}) order by started_at")
    return [tuple(row) for row in found]


def test_a_pause_survives_the_end_of_everything_and_ends_by_itself(serve: Serve) -> None:
    server = serve()
    paused = time.time()
    assert server.post("/api/queue/pause", {"seconds": PAUSE}).status == 200
    server.kill_all()
    server.start()
    asset = server.upload(noise(1)).json["assets"][0]
    assert asset["state"] == "pending"
    assert server.get("/api/queue")["paused_until"] is not None
    assert server.jobs().get("queued") == 1
    assert [one["state"] for one in server.settled(1)] == ["ready"]
    ((_, queued_at, started_at, _),) = made(server)
    assert queued_at < paused + PAUSE <= started_at
    assert server.get("/api/queue")["paused_until"] is None


def test_an_upload_goes_before_the_photos_that_are_made_again(serve: Serve) -> None:
    server = serve()
    for number in range(BULK):
        assert server.upload(slow_photo(number, 1500)).status == 201
    server.settled(BULK)
    again = server.cli("jobs", "again", "--all", "--yes")
    assert again.returncode == 0, again.stderr
    eventually(lambda: server.jobs().get("running"), "they are made again")
    asset = server.upload(noise(1)).json["assets"][0]["id"]
    ready = f"/api/assets/{asset}"
    eventually(lambda: server.get(ready)["state"] == "ready", "the new one is ready")
    waiting = server.jobs().get("queued", 0)
    eventually(server.is_idle, "all are done")
    jobs = made(server)
    (queued_at, ended_at) = next((job[1], job[3]) for job in jobs if job[0] == asset)
    behind = [one for one, _, began, _ in jobs if began > queued_at]
    # Each of the two workers may have taken another in the moment in which it was written down.
    assert behind.index(asset) <= 2
    assert len([job for job in jobs if job[3] > ended_at]) >= BULK / 2
    assert waiting >= BULK / 4
