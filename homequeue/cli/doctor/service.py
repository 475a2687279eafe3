"""The service: who serves and who works, under which name, and whether it starts by itself."""

import errno
import os
import pwd
import socket
from pathlib import Path

from peewee import DatabaseError

from homequeue import db, facts, processes
from homequeue.cli.doctor.findings import Finding, note, ok, problem, within
from homequeue.cli.machine import answers, reachable
from homequeue.cli.unit import UNIT_PATH
from homequeue.config import Settings
from homequeue.errors import Unavailable
from homequeue.services import figures
from homequeue.web.server import bind

#: Seconds that looking a name up and asking who has it may take together.
PATIENCE = 2.0
#: Ports below are for root, unless the machine says otherwise.
FIRST_FREE_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
#: Where systemd says that it is what runs this machine.
SYSTEMD = Path("/run/systemd/system")
#: Accounts whose own services go on when they sign out.
LINGER = Path("/var/lib/systemd/linger")
STARTS = Path(UNIT_PATH).with_name("multi-user.target.wants") / "homequeue.service"


def web(settings: Settings) -> Finding:
    """Look whether the web process answers, or could be started on its port."""
    host, port = settings.server.host, settings.server.port
    where = f"http://{reachable(host)}:{port}"
    heard = _heard_of()
    if heard is not None:
        where = f"http://{reachable(heard[0])}:{heard[1]}"
        if answers(PATIENCE, *heard):
            return ok(f"answers at {where}")
        return problem(
            f"The web process lives, but nobody answers at {where}.",
            "If this stays, start homequeue anew; its log says why.",
        )
    if not settings.server.port:
        return ok("is not running; it takes any free port")
    try:
        bind(settings).close()
    except Unavailable as error:
        return _why_not(error, port)
    return note(
        f"homequeue is not running; port {port} is free.",
        "Start it: homequeue run, or where it is a service: sudo systemctl start homequeue",
    )


def workers(_settings: Settings) -> Finding | None:
    """Look whether there is somebody to do the work while pages are served."""
    try:
        if _heard_of() is None:
            return None
        found = len(figures.present_workers())
    except DatabaseError:
        return None
    if not found:
        words = "Pages are served, but nobody makes previews."
        return problem(words, "If this stays, start homequeue anew; its log says why.")
    return ok(f"{found} at work")


def address(settings: Settings) -> Finding:
    """Look whether the name that the family uses leads here, and safely."""
    url = settings.server.url
    if not url:
        return ok("no name of its own: found by the address of this machine")
    is_safe = url.startswith("https://")
    host, _, port = url.rstrip("/").partition("://")[2].rpartition(":")
    if not port.isdigit():
        host, port = url.rstrip("/").partition("://")[2], "443" if is_safe else "80"

    def reaches() -> bool:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
        return True

    if not within(PATIENCE, reaches, otherwise=False):
        return note(
            f"Nobody answers at {url}, seen from here.",
            "Check the name, the router and the proxy; from outside it may work all the same.",
        )
    if not is_safe:
        return note(
            f"{url} is plain http: on the way, others can read along.",
            "Put a proxy with https in front: docs/deployment.md",
        )
    return ok(f"{url} is reached")


def start(_settings: Settings) -> Finding:
    """Look whether it starts with the machine."""
    if not SYSTEMD.exists():
        return ok("this machine is not run by systemd, so something else must start homequeue")
    if STARTS.exists():
        return ok(f"with the machine, by {UNIT_PATH}")
    if Path(UNIT_PATH).exists():
        return note(f"{UNIT_PATH} is there, but not used.", "sudo systemctl enable --now homequeue")
    account = pwd.getpwuid(os.geteuid())
    own = Path(account.pw_dir, ".config/systemd/user/default.target.wants/homequeue.service")
    if own.exists() and not (LINGER / account.pw_name).exists():
        return note(
            f"Only when {account.pw_name} signs in, and it ends when they sign out.",
            f"sudo loginctl enable-linger {account.pw_name}",
        )
    if own.exists():
        return ok(f"with the machine, as a service of {account.pw_name}")
    return note("It does not start with the machine.", "sudo homequeue systemd --install")


def _heard_of() -> tuple[str, int] | None:
    """Return where the web process of this machine that lives listens; None if there is none."""
    try:
        found = facts.recall("listens") if db.db.obj is not None else None
    except DatabaseError:
        return None
    if not found or not processes.is_alive(found[0]):
        return None
    return found[1], found[2]


def _why_not(error: Unavailable, port: int) -> Finding:
    cause = error.__cause__
    reason = cause.errno if isinstance(cause, OSError) else None
    if reason == errno.EACCES:
        first = FIRST_FREE_PORT.read_text().strip() if FIRST_FREE_PORT.exists() else "1024"
        return problem(f"Port {port} is only for root.", f"Choose one from {first} on: --port.")
    if reason == errno.EADDRINUSE:
        words = f"Port {port} is taken, and not by the homequeue of this data folder."
        return problem(words, f"See by whom: sudo ss -ltnp 'sport = :{port}'")
    return problem(str(error), "Correct [server] host and port.")
