"""A PostgreSQL of the tests' own: made, started, stopped and killed by them, and gone at last."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg2

PASSWORD = "geheim/#%"
ANEW = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
#: Where other machines of the tests are (addresses for benchmarks, RFC 2544).
ELSEWHERE = "198.18.0.0/15"
#: A test's rows need not survive the machine.
QUICK = "-c fsync=off -c full_page_writes=off -c autovacuum=off"


def programs() -> str:
    """Where the programs of the newest PostgreSQL are; empty if there is none."""
    places = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(places, key=lambda path: float(path.parts[-3]), default=None)
    found = shutil.which("postgres") or newest
    return str(Path(found).parent) if found else ""


class Cluster:
    """One server; through TCP it asks for a password, through its socket it believes anybody."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="homequeue-pg-", dir="/tmp"))
        self.is_running = False
        self._clean_at: str | None = None
        self._has_tables = False
        self._homes: dict[Path, str] = {}
        self._numbers = itertools.count()
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            os.chown(self.folder, *self._ids)
            os.chown(secret, *self._ids)
        words = ["-U", "homequeue", f"--pwfile={secret}", "--no-sync", "-E", "UTF8"]
        words += ["--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256"]
        self._run("initdb", *words)
        with (self.folder / "data" / "pg_hba.conf").open("a") as doors:
            doors.write(f"host all all {ELSEWHERE} scram-sha-256\n")

    def start(self) -> "Cluster":
        """Start it if it is stopped, as nobody's child, and wait until it answers."""
        if self.is_running:
            return self
        words = f"-p {self.port} -k {self.folder} -c shared_buffers=16MB {QUICK}"
        words += " -c listen_addresses=*"
        self._run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", words)
        self.is_running = True
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop it at once, whoever is connected; `immediate` leaves it no time to tidy up."""
        if self.is_running:
            self._run("pg_ctl", "stop", "-w", "-m", mode)
            self.is_running = False

    def end(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def local_url(self) -> str:
        """The address of its socket: quick, and without a password."""
        return f"postgresql://homequeue@/homequeue?host={self.folder}&port={self.port}"

    def url(
        self,
        password: str = "geheim%2F%23%25",
        database: str = "homequeue",
        host: str = "127.0.0.1",
    ) -> str:
        """Its address in the network."""
        return f"postgresql://homequeue:{password}@{host}:{self.port}/{database}"

    def ask(self, sql: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Ask or tell it something behind homequeue's back."""
        line = psycopg2.connect(self.local_url().replace("/homequeue?", f"/{database}?"))
        try:
            line.autocommit = True
            with line.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            line.close()

    def fresh(self, *, with_tables: bool = False) -> None:
        """Make the database as if it had never been used; `with_tables` may leave them, empty."""
        if self._clean_at is None:
            self.ask("CREATE DATABASE homequeue")
        elif self._written() != self._clean_at or self._has_tables > with_tables:
            self.hang_up()
            self.ask(self._emptying() if with_tables else ANEW, database="homequeue")
        self._has_tables = with_tables
        self._clean_at = self._written()

    def _emptying(self) -> str:
        """What empties all tables, which is far quicker than to make them again."""
        words = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        names = [name for (name,) in self.ask(words, database="homequeue")]
        tables = [f'"{name}"' for name in names if name != "schema_migration"]
        # In this role nothing is checked, so the order does not matter.
        first = "SET session_replication_role = replica"
        numbers = "SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences"
        besides = f"{numbers} WHERE sequencename <> 'schema_migration_id_seq'"
        return "; ".join([first, *(f"DELETE FROM {table}" for table in tables), besides])

    def home(self, folder: Path) -> str:
        """The address of the database that belongs to a data folder, made when first asked for."""
        if folder not in self._homes:
            self._homes[folder] = f"home{next(self._numbers)}"
            self.ask(f"CREATE DATABASE {self._homes[folder]}")
        return self.local_url().replace("/homequeue?", f"/{self._homes[folder]}?")

    def leave(self, folder: Path) -> None:
        """Delete the database of a data folder: each takes megabytes."""
        if folder in self._homes:
            self.ask(f"DROP DATABASE {self._homes.pop(folder)} WITH (FORCE)")

    def hang_up(self) -> None:
        """Cut every connection to the database."""
        ours = "datname = 'homequeue'"
        self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")

    def _written(self) -> str:
        """How far its log of changes has grown: what only looks does not make it grow."""
        return str(self.ask("SELECT pg_current_wal_insert_lsn()")[0][0])

    def _run(self, program: str, *words: str) -> None:
        command = [f"{programs()}/{program}", "-D", str(self.folder / "data"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._user)

    @property
    def _user(self) -> dict[str, Any]:
        # It refuses to be run by root.
        if os.getuid() != 0:
            return {"cwd": self.folder}
        uid, gid = self._ids
        return {"cwd": self.folder, "user": uid, "group": gid, "extra_groups": []}

    @property
    def _ids(self) -> tuple[int, int]:
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
