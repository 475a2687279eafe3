"""A Redis of the tests' own: started, stopped and started again, and empty each time."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

#: Seconds that a start or a stop may take.
PATIENCE = 10.0


class RedisServer:
    """One server on a port of its own; what it is given it keeps in memory only."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "RedisServer":
        """Start it and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1"]
        options = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Stop it, and with it all it knew."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as line:
            return not line.connect_ex(("127.0.0.1", self.port))
