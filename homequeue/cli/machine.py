"""`homequeue status`, `config` and `systemd`: the machine around the photos."""

import argparse
import json
import os
import re
import shutil
import sys
import time
from typing import Any

from homequeue import config, facts, ledger
from homequeue.bootstrap import bootstrap
from homequeue.config import OPTIONS, Settings
from homequeue.errors import Unavailable, UsageError
from homequeue.media import media
from homequeue.services import ingest, jobs
from homequeue.web.shapes import ago, moment_label, rfc3339

UNIT = """\
[Unit]
Description=homequeue: photos at home
After=network-online.target
{mounted}Wants=network-online.target

[Service]
ExecStart={command}
Restart=always
RestartSec=2
User={user}
StateDirectory=homequeue
{writable}StateDirectoryMode=0700
UMask=0077
KillMode=mixed
TimeoutStopSec={stop}
OOMPolicy=continue
LimitNOFILE=8192
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
MemoryMax=1G

[Install]
WantedBy=multi-user.target
"""
UNIT_PATH = "/etc/systemd/system/homequeue.service"


def declare_json(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`."""
    parser.add_argument("--json", action="store_true", help="for programs")


def status(settings: Settings, arguments: argparse.Namespace) -> int:
    """Say what runs; exit 1 when something needs a person."""
    bootstrap(settings)
    seen = _seen(settings)
    if arguments.json:
        print(json.dumps(seen, indent=1))
    else:
        print("\n".join(_lines(seen)))
    return 1 if seen["needs_attention"] else 0


def declare_config(parser: argparse.ArgumentParser) -> None:
    """Declare `config [check|explain]`."""
    parser.add_argument(
        "action", nargs="?", choices=("check", "explain"), help="check: only errors"
    )


def show(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show the value and the source of every option; loading them has checked them."""
    if arguments.action == "explain":
        print(config.explain(), end="")
        return 0
    if arguments.action == "check":
        print("The settings are fine.")
        return 0
    for option in OPTIONS:
        source = settings.sources.get(option.key, "default")
        print(f"{option.key} = {config.shown(settings, option)}  ({source})")
    print(f"# data folder: {config.data_folder(settings)}")
    return 0


def declare_systemd(parser: argparse.ArgumentParser) -> None:
    """Declare `systemd [--install]`."""
    parser.add_argument("--install", action="store_true", help=f"write it to {UNIT_PATH}")
    parser.add_argument("--user", default="homequeue", help="the account it runs under")


def systemd(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print, or install, the hardened unit."""
    program = shutil.which("homequeue") or os.path.abspath(sys.argv[0])
    folder = str(config.data_folder(settings))
    at_home = any(path.startswith(("/home/", "/root/")) for path in (program, folder))
    unit = UNIT.format(
        command=_command(program, settings, arguments),
        writable=_writable(settings),
        mounted=f"RequiresMountsFor={_quoted(folder)}\n" if settings.library.path else "",
        user=arguments.user,
        stop=settings.queue.grace + 15,
        protect_home="read-only" if at_home else "yes",
    )
    if not arguments.install:
        print(unit, end="")
        return 0
    try:
        with open(UNIT_PATH, "w", encoding="utf-8") as file:
            file.write(unit)
    except OSError as error:
        raise UsageError(f"{UNIT_PATH} cannot be written: {error.strerror}.") from error
    print(f"Written to {UNIT_PATH}. Now: systemctl enable --now homequeue")
    return 0


def _command(program: str, settings: Settings, arguments: argparse.Namespace) -> str:
    """Return what systemd starts: `run` with the settings file and data folder named here."""
    config_file = config.find_config(arguments.config, os.environ)
    words = [program, "run"]
    words += ["--config", os.path.abspath(config_file)] if config_file else []
    words += ["--data", str(config.data_folder(settings))] if settings.library.path else []
    return " ".join(_quoted(word) for word in words)


def _writable(settings: Settings) -> str:
    """Return the line that opens a data folder outside systemd's own."""
    if not settings.library.path:
        return ""
    folder = _quoted(str(config.data_folder(settings)))
    return f"ReadWritePaths={folder}\n"


def _quoted(word: str) -> str:
    """Return a word as a systemd unit has it (systemd.syntax(7)); `%` begins a specifier there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s\"'\\]", word) else escaped


def _seen(settings: Settings) -> dict[str, Any]:
    counts = ledger.counts()
    workers = len(jobs.workers())
    free = media.free_bytes()
    problems = []
    try:
        media.check_mounted()
    except Unavailable as error:
        problems.append(str(error))
    if not workers:
        problems.append("No worker is running: start homequeue run.")
    if free < settings.uploads.min_free:
        problems.append(f"The disk is nearly full: {ingest.in_words(free)} left.")
    if failed := counts[ledger.FAILED] + counts[ledger.QUARANTINED]:
        problems.append(
            f"Jobs that failed: {failed}. Try them again: homequeue jobs retry --failed"
        )
    return {
        "workers": workers,
        "counts": counts,
        "oldest_wait": round(jobs.oldest_wait(), 3),
        "paused_until": rfc3339(ledger.paused_until() or None),
        "disk": {"free": free, "total": media.disk_bytes()},
        "last_backup": facts.recall("last_backup"),
        "periodic": {row["task"]: rfc3339(row["next_due"]) for row in jobs.periodic()},
        "needs_attention": problems,
    }


def _lines(seen: dict[str, Any]) -> list[str]:
    counts = ", ".join(f"{number} {state}" for state, number in seen["counts"].items() if number)
    lines = [
        f"workers       {seen['workers']}",
        f"jobs          {counts or 'none'}",
        f"oldest wait   {ago(seen['oldest_wait'])}",
        f"disk          {ingest.in_words(seen['disk']['free'])} free "
        f"of {ingest.in_words(seen['disk']['total'])}",
        f"last backup   {seen['last_backup'] or 'never'}",
    ]
    until = ledger.paused_until()
    if until > time.time():
        lines.append(f"paused until  {moment_label(until)}")
    for row in jobs.periodic():
        lines.append(f"next          {moment_label(row['next_due'])}  {row['label']}")
    return lines + [f"! {problem}" for problem in seen["needs_attention"]]
