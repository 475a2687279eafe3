"""A real homequeue: started as a subprocess, spoken to over HTTP, killed part by part."""

import contextlib
import http.client
import io
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import psycopg2.extras
from PIL import Image

from tests.conftest import free_port
from tests.postgres import Cluster

#: How long anything may take before a test gives up, in seconds; much less is normal.
PATIENCE = 60.0
STAYING = ("run", "web", "worker")
ROOT = Path(__file__).parents[2]
NAME, PASSWORD = "Anna", "correct horse"
#: What a client sees of a server that dies, is dead or is coming back.
BROKEN = (OSError, http.client.HTTPException)


class Late(AssertionError):
    """What was waited for has not happened in time."""


T = TypeVar("T")

#: With --database: what keeps the rows of each data folder in a database of its own.
cluster: Cluster | None = None


def eventually(look: Callable[[], T], words: str, seconds: float = PATIENCE) -> T:
    """Look again and again until it is true; what was seen is returned."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise Late(f"after {seconds} seconds still not: {words} (seen: {seen!r})")
        time.sleep(0.01)
    return seen


@dataclass(frozen=True)
class Answer:
    """An answer to a request, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Account:
    """What is known of an account: its token, and its password as it is kept."""

    token: str
    scope: str
    password: str


#: The accounts that were opened first, by the scope of their tokens.
_opened: dict[str, Account] = {}


@dataclass
class Homequeue:
    """One `homequeue run` (or `web`) with a data folder and a port of its own."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    command: str = "run"
    #: The program: homequeue, or one of the tests' own around it.
    module: str = "homequeue"
    #: Words in front of the command, such as those of strace.
    wrapper: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    token: str = ""
    cookie: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        if cluster is not None:
            self.settings = {"database_url": cluster.home(self.folder)} | self.settings

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # Its life

    def start(self) -> "Homequeue":
        """Start it and wait until it serves; a second start takes the same folder and port."""
        self.launch()
        eventually(self.is_serving, "homequeue serves", 20)
        return self

    def launch(self) -> None:
        """Start it without waiting, in a process group of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log("out").open("ab") as out, self._log("err").open("ab") as err:
            self.process = subprocess.Popen(
                [*self.wrapper, *self._argv(self.command)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
            )

    def is_serving(self) -> bool:
        """Tell whether it answers; an end before that is an error with its last words."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"homequeue ended with {self.process.returncode}: {self.err}")
        return self.answers()

    def answers(self) -> bool:
        """Tell whether somebody serves at its port."""
        try:
            return self.request("GET", "/healthz", timeout=2).status == 200
        except BROKEN:
            return False

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to stop; return its exit code and how many seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE), time.monotonic() - began

    def interrupt(self) -> tuple[int, float]:
        """Press Ctrl-C: SIGINT to its whole process group."""
        assert self.process is not None
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE), time.monotonic() - began

    def kill_all(self) -> None:
        """Pull the plug: SIGKILL to every process of it."""
        deadline = time.monotonic() + 10
        while left := self.family():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if self.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.01)
            if time.monotonic() > deadline:
                raise Late(f"these processes outlive a SIGKILL: {left}")
        if self.process is not None and not self.wrapper:
            self.process.wait(10)

    def end(self) -> None:
        """End whatever is left of it, whatever happened."""
        self.kill_all()
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(10)
        if cluster is not None:
            cluster.leave(self.folder)

    @property
    def out(self) -> str:
        return self._log("out").read_text()

    @property
    def err(self) -> str:
        return self._log("err").read_text()

    @property
    def address(self) -> str:
        """The address it printed last."""
        return re.findall(r"is at (\S+)", self.out)[-1]

    @property
    def set_up_code(self) -> str:
        """The set-up code it printed last."""
        return re.findall(r"Set-up code: (\S+)", self.out)[-1]

    # Its processes

    def family(self) -> list[int]:
        """All processes that serve this folder, whoever their parent has become."""
        return [
            pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if self._is_of(pid)
        ]

    def pids(self) -> dict[str, list[int]]:
        """The processes by role; a `decoder` is the child in which a worker opens a photo."""
        roles: dict[str, list[int]] = {
            role: [] for role in ("supervisor", "web", "worker", "decoder")
        }
        family = {pid: _name_of(pid) for pid in self.family()}
        for pid, name in sorted(family.items()):
            if _name_of(parent_of(pid)).startswith("worker"):
                roles["decoder"].append(pid)
            elif name == "web" or self.command == "web":
                roles["web"].append(pid)
            elif name.startswith("worker"):
                roles["worker"].append(pid)
            elif self.process is not None and pid == self.process.pid:
                roles["supervisor"].append(pid)
        return roles

    def kill(self, role: str, signum: int = signal.SIGKILL) -> int | None:
        """Kill one process of a role; None if there is none just now."""
        pids = self.pids()[role]
        if not pids:
            return None
        pid = random.choice(pids)
        return pid if self.kill_pid(pid, signum) else None

    def kill_pid(self, pid: int, signum: int = signal.SIGKILL) -> bool:
        """Kill a process, if it is one of this homequeue; tell whether it was there."""
        if pid not in self.family():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
            return True
        return False

    # Talking to it

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = {},
        timeout: float = 30,
    ) -> Answer:
        """Send a request as whoever is signed in (a token, a session, nobody)."""
        given = dict(headers)
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        if self.cookie:
            given.setdefault("Cookie", self.cookie)
        began = time.monotonic()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(line):
            line.request(method, path, body, given)
            answer = line.getresponse()
            content = answer.read()
        taken = time.monotonic() - began
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, content, taken)

    def get(self, path: str) -> Any:
        """The JSON at an address."""
        answer = self.request("GET", path)
        assert answer.status == 200, (path, answer)
        return answer.json

    def post(self, path: str, value: Any = None) -> Answer:
        """Send JSON."""
        return self.request(
            "POST", path, json.dumps(value or {}), {"Content-Type": "application/json"}
        )

    def post_form(self, path: str, **fields: str) -> Answer:
        """Send a form as a browser does; a session cookie that comes back is kept."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        answer = self.request("POST", path, urlencode(fields), kind)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def upload(self, data: bytes, filename: str = "photo.jpg", timeout: float = 30) -> Answer:
        """Send one file as it is."""
        headers = {"Content-Type": "image/jpeg", "X-Filename": quote(filename)}
        return self.request("POST", "/api/assets", data, headers, timeout)

    def upload_form(self, *files: tuple[str, bytes]) -> Answer:
        """Send files as a form of several parts."""
        boundary = "a-line-that-no-photo-holds"
        body = io.BytesIO()
        for filename, data in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename='
            body.write(f'{head}"{filename}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode())
            body.write(data + b"\r\n")
        body.write(f"--{boundary}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.request("POST", "/api/assets", body.getvalue(), headers)

    def assets(self, **query: Any) -> list[dict[str, Any]]:
        """All assets, from all pages of the API."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            asked = {"limit": 500, **query} | ({"cursor": cursor} if cursor else {})
            page = self.get(f"/api/assets?{urlencode(asked)}")
            found += page["assets"]
            if not (cursor := page["next"]):
                return found

    def settled(self, count: int, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """All assets, once there are so many and each has ended ready or failed."""

        def look() -> list[dict[str, Any]]:
            found = self.assets()
            over = all(asset["state"] in ("ready", "failed") for asset in found)
            return found if over and len(found) == count else []

        return eventually(look, f"{count} assets are ready or failed", seconds) if count else []

    # Behind its back

    def cli(
        self, *arguments: str, stdin: str = "", wrapper: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line on the same data folder."""
        command, *rest = arguments
        return subprocess.run(
            [*wrapper, *self._argv(command), *rest],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            timeout=120,
            check=False,
        )

    def open_account(self, scope: str = "admin") -> "Homequeue":
        """Make the first account and use a token of it from now on."""
        if self.process is not None and scope in _opened:
            return self._open_the_same(_opened[scope])
        added = self.cli("user", "add", NAME, "--admin", "--password-stdin", stdin=PASSWORD + "\n")
        assert added.returncode == 0, added.stderr
        made = self.cli("token", "add", NAME, "--name", "tests", "--scope", scope)
        assert made.returncode == 0, made.stderr
        self.token = made.stdout.strip()
        ((password,),) = self.rows('select password from "user"')
        _opened[scope] = Account(self.token, scope, password)
        return self

    def _open_the_same(self, account: Account) -> "Homequeue":
        """Write the rows of an account that was opened before: two starts of a program less."""
        names = '"user" (name, password, is_admin, created_at)'
        now = time.time()
        self.rows(f"insert into {names} values (?, ?, ?, ?)", NAME, account.password, True, now)
        values = (checksum(account.token.encode()), "tests", account.scope, now)
        names = "token (digest, name, scope, created_at, user_id)"
        self.rows(f'insert into {names} select ?, ?, ?, ?, id from "user"', *values)
        self.token = account.token
        return self

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Ask, or change, the database directly."""
        if url := self.settings.get("database_url"):
            line = psycopg2.connect(url, cursor_factory=psycopg2.extras.DictCursor)
            with contextlib.closing(line), line, line.cursor() as cursor:
                cursor.execute(sql.replace("?", "%s"), values)
                return cursor.fetchall() if cursor.description else []
        with contextlib.closing(sqlite3.connect(self.data / "homequeue.db", timeout=10)) as line:
            line.row_factory = sqlite3.Row
            with line:
                return line.execute(sql, values).fetchall()

    def jobs(self) -> dict[str, int]:
        """How many jobs there are of each state."""
        return dict(map(tuple, self.rows("select state, count(*) from job group by state")))

    def is_idle(self) -> bool:
        """Tell whether no job waits or runs."""
        return not set(self.jobs()) & {"queued", "scheduled", "retrying", "running"}

    def originals(self) -> dict[str, str]:
        """The checksum of each file kept as an original, by its path in the data folder."""
        return self._checksums("originals")

    def _checksums(self, below: str) -> dict[str, str]:
        return {
            str(path.relative_to(self.data)): checksum(path.read_bytes())
            for path in (self.data / below).rglob("*")
            if path.is_file() and path.name != ".homequeue"
        }

    def _argv(self, command: str) -> list[str]:
        given = {"server_host": "127.0.0.1", "server_port": self.port, "uploads_min_free": "1M"}
        options = [
            f"--{name.replace('_', '-')}={value}" for name, value in (given | self.settings).items()
        ]
        program = [sys.executable, "-m", self.module, f"--data={self.data}"]
        return [*program, *options, command]

    def _environment(self) -> dict[str, str]:
        # Nothing of this machine's own homequeue may be seen.
        own = {name: value for name, value in os.environ.items() if "HOMEQUEUE" not in name}
        places = {"XDG_CONFIG_HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        return own | places | {"PYTHONUNBUFFERED": "1"}

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _is_of(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        ours = words[1:4] == ["-m", self.module, f"--data={self.data}"]
        return ours and any(word in STAYING for word in words)


@contextlib.contextmanager
def running(
    folder: Path, *, account: bool = True, module: str = "homequeue", **settings: Any
) -> Iterator[Homequeue]:
    """A homequeue that serves, with an account, ended at last whatever happens."""
    server = Homequeue(folder, settings, module=module)
    try:
        server.start()
        yield server.open_account() if account else server
    finally:
        server.end()


def parent_of(pid: int) -> int:
    """The parent of a process; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs, zombies not counted."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def checksum(data: bytes) -> str:
    """The SHA-256 of bytes."""
    return sha256(data).hexdigest()


@cache
def noise(seed: int, width: int = 360, height: int = 300) -> bytes:
    """A JPEG of noise, some 60 to 100 kB, unlike that of any other seed."""
    rng = random.Random(seed)
    size = width + rng.randrange(60), height + rng.randrange(60)
    picture = Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


@cache
def slow_photo(seed: int, edge: int = 8000) -> bytes:
    """A PNG of few bytes and so many pixels that a worker is busy with it for a second or more."""
    picture = Image.new("RGB", (edge, edge), (seed % 256, seed // 256 % 256, 90))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
