"""Chains of two steps run while everything is killed: each step of each must take effect once.

By hand: `python -m tests.processes.torture --chains 600 --kills 60 [--redis | --postgres]`
"""

import contextlib
import json
import pickle
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.processes.servers import Homequeue, eventually, running

#: Seconds that a course of the menu takes: more than two workers need to begin one after another.
COURSE = 0.4
KITCHEN = "tests.processes.kitchen"
#: Who is killed; the `sender` is a process that defers, the `tree` everything at once.
VICTIMS = ("worker", "worker", "worker", "web", "sender", "supervisor", "tree")
#: Within so many seconds after the last kill everything has to be done.
RECOVERY = 60.0


@dataclass
class Story:
    """What was deferred, what was killed, and what came of it."""

    chains: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    busy_kills: int = 0
    wiped: int = 0
    seconds: float = 0.0
    recovery: float = 0.0
    deaths: int = 0
    set_aside: int = 0
    #: Strange messages that were noticed.
    strange: int = 0
    losses: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{number} {name}" for name, number in sorted(self.kills.items()))
        return (
            f"{self.chains} chains, {self.kills.total()} kills ({kills}; {self.busy_kills} hit a "
            f"running job), the bell wiped {self.wiped} times, {self.strange} strangers noticed, "
            f"{self.deaths} runs died, {self.seconds:.1f} s, all done {self.recovery:.1f} s "
            f"after the last kill, {self.set_aside} set aside and done when asked again, "
            f"losses: {'; '.join(self.losses) or 'none'}"
        )


class Sender:
    """Defers chains through a process of its own, again and again until it was told of each."""

    def __init__(self, server: Homequeue) -> None:
        self.server = server
        self.asked: list[int] = []
        self.kept: set[int] = set()
        self.process: subprocess.Popen[str] | None = None

    def send(self, numbers: list[int]) -> None:
        """Ask for more chains."""
        self.asked += numbers
        self._write(numbers)

    def is_done(self) -> bool:
        """Tell whether all are kept; a process that died is replaced, and asked once more."""
        if self.process is None or self.process.poll() is not None:
            self._start()
            self._write([number for number in self.asked if number not in self.kept])
        return len(self.kept) == len(self.asked)

    def end(self) -> None:
        """Kill the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def _start(self) -> None:
        self.process = subprocess.Popen(
            self.server._argv("defer"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.server.folder,
            env=self.server._environment(),
            text=True,
        )
        threading.Thread(target=self._listen, args=[self.process.stdout], daemon=True).start()

    def _listen(self, lines: Iterator[str]) -> None:
        for line in lines:
            if line.endswith("\n"):  # and not the half of a number
                self.kept.add(int(line))

    def _write(self, numbers: list[int]) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                lines = [json.dumps({"chain": number}) + "\n" for number in numbers]
                self.process.stdin.write("".join(lines))
                self.process.stdin.flush()


class ChainTorture:
    """One run: a sender, and the killer in this process."""

    def __init__(self, server: Homequeue, chains: int, kills: int, seed: int) -> None:
        self.server = server
        self.chains = chains
        self.kills = kills
        self.random = random.Random(seed)
        self.story = Story()
        self.sender = Sender(server)
        self.trap = server.folder / "executed"

    def run(self) -> Story:
        """Defer and kill, wait until everything is done, look for losses."""
        began = time.monotonic()
        share, rest = divmod(self.chains, self.kills + 1)
        try:
            self.sender.is_done()
            for number in range(self.kills):
                self._send(share + (number < rest))
                self._wait_for_a_moment()
                self._kill(self.random.choice(VICTIMS))
            last_kill = time.monotonic()
            self._send(share)
            with contextlib.suppress(AssertionError):
                eventually(self._is_done, "everything is done", RECOVERY)
            self.story.recovery = time.monotonic() - last_kill
            self._ask_again()
        finally:
            self.sender.end()
        self.story.seconds = time.monotonic() - began
        self._judge()
        return self.story

    def _send(self, count: int) -> None:
        sent = len(self.sender.asked)
        self.sender.is_done()
        self.sender.send(list(range(sent, sent + count)))

    def _is_done(self) -> bool:
        return self.sender.is_done() and self.server.is_idle()

    def _busy(self) -> list[int]:
        """The workers that live and run a job."""
        rows = self.server.rows("select worker from job where state = 'running'")
        pids = {int(row[0].rsplit("/", 2)[1]) for row in rows}
        return sorted(pids & set(self.server.pids()["worker"]))

    def _wait_for_a_moment(self) -> None:
        """Any moment, but rather one at which something is being done."""
        if self.random.random() < 0.8:
            with contextlib.suppress(AssertionError):
                eventually(self._busy, "a job runs", 5)
        time.sleep(self.random.uniform(0, 0.01))

    def _kill(self, victim: str) -> None:
        busy = self._busy()
        if victim == "sender":
            self.sender.end()
        elif victim == "tree":
            self.server.kill_all()
        elif victim != "worker" or not any(map(self.server.kill_pid, busy[:1])):
            eventually(lambda: self.server.kill(victim), f"there is a {victim} to kill", 40)
        self.story.kills[victim] += 1
        self.story.busy_kills += bool(busy)
        if victim in ("tree", "supervisor"):
            self.server.process.wait(10)
            self.server.launch()
        if self.random.random() < 0.2:
            self._wipe_the_bell()

    def _wipe_the_bell(self) -> None:
        """Empty what wakes the workers, and put a bomb into it."""
        self.story.wiped += 1
        bomb = pickle.dumps(_Bomb(self.trap))
        if url := self.server.settings.get("queue_url"):
            with contextlib.closing(redis.Redis.from_url(url)) as line:
                line.flushall()
                line.lpush("homequeue.homequeue.messages", bomb, b'{"job":1}.forged')
        elif "database_url" in self.server.settings:
            self.server.rows("select pg_notify('homequeue', 'forged')")
        else:
            (self.server.data / "doorbell").unlink(missing_ok=True)

    def _ask_again(self) -> None:
        """What was set aside was told so, and can be asked for again."""
        set_aside = "select id from job where state = 'quarantined'"
        self.story.set_aside = len(self.server.rows(set_aside))
        if self.story.set_aside:
            self.server.cli("jobs", "retry", "--failed")
            with contextlib.suppress(AssertionError):
                eventually(self._is_done, "everything is done", RECOVERY)

    def _judge(self) -> None:
        rows = self.server.rows
        self.story.chains = len(self.sender.kept)
        self.story.deaths = rows("select coalesce(sum(deaths), 0) from job")[0][0]
        kept = rows("select value from fact where name = 'strangers'")
        self.story.strange = max(json.loads(kept[0][0])["counts"].values()) if kept else 0
        self.story.losses += self._lost_effects()
        for row in rows("select * from job where state != 'succeeded'"):
            words = f"job {row['id']} ({row['task']}) is {row['state']}: {row['error']}"
            self.story.losses.append(words)
        if self.trap.exists():
            self.story.losses.append("a stranger's message was executed")

    def _lost_effects(self) -> Iterator[str]:
        found = Counter(map(tuple, self.server.rows("select step, number from effect")))
        for number in range(self.chains):
            for step in ("first", "second"):
                times = found.pop((step, number), 0)
                if times != 1:
                    yield f"{step} of {number} has taken effect {times} times"
        yield from (f"nobody asked for {effect}" for effect in found)


class _Bomb:
    """What a stranger would put into a queue whose messages are pickles."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trap,)


def torture(folder: Path, chains: int, kills: int, seed: int = 1, **settings: Any) -> Story:
    """Start a homequeue, run so many chains while so many kills hit it, and tell the story."""
    with running(folder, module=KITCHEN, **settings) as server:
        return ChainTorture(server, chains, kills, seed).run()
