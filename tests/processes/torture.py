"""Photos are sent while everything is killed: none that was acknowledged may be lost.

By hand: `python -m tests.processes.torture --photos 200 --kills 20 [--redis | --postgres]`, or with
`--chains 600` instead of photos for `chains.py`.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.postgres import Cluster
from tests.processes import chains
from tests.processes.servers import (
    BROKEN,
    Homequeue,
    checksum,
    eventually,
    noise,
    parent_of,
    running,
)
from tests.redisserver import RedisServer

#: Who is killed; `tree` is everything at once, as if the plug was pulled, and a start after it.
VICTIMS = ("web", "worker", "worker", "supervisor", "tree")
SENDERS = 3
#: Within so many seconds after the last kill, or the last answer, everything has to be done.
RECOVERY = 60.0


@dataclass
class Story:
    """What was sent, what was killed, and what came of it."""

    #: File name to checksum, of each photo the server said yes to.
    kept: dict[str, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    #: Kills that hit while a job was running; requests that failed and were sent again.
    busy_kills: int = 0
    failed_requests: int = 0
    #: Answers that had no business there: anything but 200, 201 and 503.
    strange: list[str] = field(default_factory=list)
    seconds: float = 0.0
    recovery: float = 0.0
    #: Photos whose job was killed three times over, who could only be told so, and asked again.
    set_aside: int = 0
    #: What went wrong in the end, in words.
    losses: list[str] = field(default_factory=list)
    #: Files that kills left lying about and that no promise is about.
    litter: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        kills = ", ".join(f"{number} {name}" for name, number in sorted(self.kills.items()))
        litter = ", ".join(f"{number} {name}" for name, number in sorted(self.litter.items()))
        return (
            f"{len(self.kept)} photos kept, {self.kills.total()} kills ({kills}; "
            f"{self.busy_kills} hit a running job), {self.failed_requests} requests sent again, "
            f"{self.seconds:.1f} s, all done {self.recovery:.1f} s after the last kill, "
            f"{self.set_aside} set aside after three deaths and done when asked again, "
            f"litter: {litter or 'none'}, losses: {'; '.join(self.losses) or 'none'}"
        )


class Torture:
    """One run: senders in threads, the killer in this one."""

    def __init__(self, server: Homequeue, photos: int, kills: int, seed: int) -> None:
        self.server = server
        self.photos = [
            (f"photo {number}.jpg", noise(seed * 10_000 + number)) for number in range(photos)
        ]
        self.waiting = list(reversed(self.photos))
        self.kills = kills
        self.random = random.Random(seed)
        self.story = Story()
        self.may_send = threading.Semaphore(0)
        self.stopping = False
        self.lock = threading.Lock()

    def run(self) -> Story:
        """Send and kill, wait until everything is done, look for losses."""
        began = time.monotonic()
        senders = [threading.Thread(target=self._send_all) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            # Each kill falls among the photos that are let go just before it.
            share, rest = divmod(len(self.photos), self.kills + 1)
            for number in range(self.kills):
                self._let_go(share + (number < rest))
                self._wait_for_a_moment()
                self._kill(self.random.choice(VICTIMS))
            last_kill = time.monotonic()
            # The last share, and a word to each sender that there is no more.
            self._let_go(share + SENDERS)
            for sender in senders:
                sender.join(RECOVERY)
            self._recover(last_kill)
        finally:
            self.stopping = True
            self._let_go(len(self.photos))
            for sender in senders:
                sender.join(RECOVERY)
        self.story.seconds = time.monotonic() - began
        self._judge()
        return self.story

    def _let_go(self, number: int) -> None:
        for _ in range(number):
            self.may_send.release()

    def _send_all(self) -> None:
        while True:
            self.may_send.acquire()
            with self.lock:
                if not self.waiting or self.stopping:
                    return
                name, data = self.waiting.pop()
            while not self.stopping and not self._send(name, data):
                self.story.failed_requests += 1
                time.sleep(0.1)

    def _send(self, name: str, data: bytes) -> bool:
        try:
            answer = self.server.upload(data, name, timeout=10)
        except BROKEN:
            return False
        if answer.status not in (200, 201):
            if answer.status != 503:
                self.story.strange.append(f"{answer.status} {answer.text}")
            return False
        self.story.kept[name] = answer.json["assets"][0]["checksum"]
        return True

    def _wait_for_a_moment(self) -> None:
        """Any moment, but rather one at which something is being done."""
        if self.random.random() < 0.8:
            with contextlib.suppress(AssertionError):
                eventually(self._is_busy, "a job runs", 1)
            time.sleep(self.random.uniform(0, 0.12))
        else:
            time.sleep(self.random.uniform(0, 0.4))

    def _is_busy(self) -> bool:
        return bool(self.server.jobs().get("running"))

    def _kill(self, victim: str) -> None:
        busy = self._is_busy()
        if victim == "tree":
            self.server.kill_all()
        elif self._kill_one(victim) is None:
            victim = "worker"
            eventually(lambda: self._kill_one(victim), "there is a worker to kill", 40)
        self.story.kills[victim] += 1
        self.story.busy_kills += busy
        if victim in ("tree", "supervisor"):
            self.server.process.wait(10)
            self.server.launch()

    def _kill_one(self, victim: str) -> int | None:
        pids = self.server.pids()
        # Rather one that works than one that sleeps.
        working = {parent_of(pid) for pid in pids["decoder"]} & set(pids[victim])
        return next((pid for pid in working or pids[victim] if self.server.kill_pid(pid)), None)

    def _recover(self, last_kill: float) -> None:
        def is_done() -> bool:
            return len(self.story.kept) == len(self.photos) and self.server.is_idle()

        # A loss is told by what is missing in the end, not by how long it was waited for.
        with contextlib.suppress(AssertionError):
            eventually(is_done, "everything is done", RECOVERY)
        self.story.recovery = time.monotonic() - last_kill
        self._ask_again(is_done)

    def _ask_again(self, is_done: Callable[[], bool]) -> None:
        """What was set aside was told so, with a reason and a way to ask again: take it."""
        quarantined = "select asset_id from job where state = 'quarantined'"
        told = (
            f"select * from asset where state = 'failed' and error != '' and id in ({quarantined})"
        )
        self.story.set_aside = len(self.server.rows(quarantined))
        if self.story.set_aside == len(self.server.rows(told)) > 0:
            self.server.cli("jobs", "retry", "--failed")
            with contextlib.suppress(AssertionError):
                eventually(is_done, "everything is done", RECOVERY)

    def _judge(self) -> None:
        self.story.losses += [
            *(f"not sent: {name}" for name, _ in self.photos if name not in self.story.kept),
            *self.story.strange,
            *self._lost_assets(),
            *self._lost_renditions(),
            *self._stuck_jobs(),
        ]
        incoming = list((self.server.data / "incoming").iterdir())
        self.story.litter["incoming"] = len(incoming)
        self.story.litter["renditions"] = len(self._rendition_files() - self._known_renditions())

    def _lost_assets(self) -> Iterator[str]:
        rows = self.server.rows("select * from asset")
        by_checksum = Counter(row["checksum"] for row in rows)
        for name, data in self.photos:
            expected = checksum(data)
            if self.story.kept.get(name) not in (None, expected):
                yield f"acknowledged with another checksum: {name}"
            if by_checksum[expected] != 1:
                yield f"{by_checksum[expected]} rows for {name}"
        yield from (
            f"{row['filename']} is {row['state']}: {row['error']}"
            for row in rows
            if row["state"] != "ready"
        )
        on_disk = self.server.originals()
        yield from (
            f"the original of {row['filename']} is not what was sent"
            for row in rows
            if on_disk.get(row["path"]) != row["checksum"]
        )
        known = {row["path"] for row in rows}
        yield from (f"an original without a row: {path}" for path in sorted(on_disk.keys() - known))

    def _lost_renditions(self) -> Iterator[str]:
        rows = self.server.rows("select * from rendition")
        made = Counter(row["asset_id"] for row in rows)
        for asset in self.server.rows("select id from asset"):
            if made[asset["id"]] != 2:
                yield f"asset {asset['id']} has {made[asset['id']]} renditions"
        for row in rows:
            path = self.server.data / row["path"]
            if not path.is_file() or checksum(path.read_bytes()) != row["checksum"]:
                yield f"{row['path']} is not what its row says"

    def _stuck_jobs(self) -> Iterator[str]:
        for row in self.server.rows("select * from job where state != 'succeeded'"):
            yield f"job {row['id']} ({row['task']}) is {row['state']}: {row['error']}"

    def _rendition_files(self) -> set[str]:
        files = (self.server.data / "renditions").rglob("*")
        return {str(path.relative_to(self.server.data)) for path in files if path.is_file()}

    def _known_renditions(self) -> set[str]:
        return {row["path"] for row in self.server.rows("select path from rendition")}


def torture(folder: Path, photos: int, kills: int, seed: int = 1, **settings: Any) -> Story:
    """Start a homequeue, send so many photos while so many kills hit it, and tell the story."""
    with running(folder, **settings) as server:
        return Torture(server, photos, kills, seed).run()


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own, by its address."""
    server = RedisServer(free_port(), folder)
    try:
        yield server.start().url
    finally:
        server.stop()


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of our own, by its address."""
    cluster = Cluster(free_port())
    try:
        cluster.start().fresh()
        yield cluster.url()
    finally:
        cluster.end()


def main() -> int:
    """Do the long form and print one line of what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--chains", type=int, help="chains of two steps instead of photos")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--redis", action="store_true", help="wake the workers through Redis")
    where.add_argument("--postgres", action="store_true", help="keep the rows in PostgreSQL")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torture") as place, contextlib.ExitStack() as stack:
        folder, settings, bell = Path(place), {}, "sqlite"
        if chosen.redis:
            bell, settings = "redis", {"queue_url": stack.enter_context(redis_server(folder))}
        elif chosen.postgres:
            bell, settings = "postgres", {"database_url": stack.enter_context(postgres_server())}
        how = (chosen.kills, chosen.seed)
        story: Story | chains.Story
        if chosen.chains:
            story = chains.torture(folder / "house", chosen.chains, *how, **settings)
        else:
            story = torture(folder / "house", chosen.photos, *how, **settings)
    sys.stdout.write(f"{bell}, seed {chosen.seed}: {story}\n")
    return 1 if story.losses else 0


if __name__ == "__main__":
    sys.exit(main())
