"""`homequeue systemd`: the unit with which it starts with the machine."""

import argparse
import os
import pwd
import re
import shlex
import sys
from pathlib import Path

from homequeue import config
from homequeue.config import OPTIONS, Settings
from homequeue.errors import UsageError

#: Where files are that `ProtectHome=yes` would hide.
HOMES = ("/home/", "/root/", "/run/user/")
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


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare `systemd [--install]`."""
    parser.add_argument("--install", action="store_true", help=f"write it to {UNIT_PATH}")
    parser.add_argument("--user", default="homequeue", help="the account it runs under")


def systemd(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print, or install, the hardened unit; it starts with the settings that are in force here."""
    config_file = config.find_config(arguments.config, os.environ)
    command = _command(settings, config_file)
    folder = str(config.data_folder(settings)) if settings.library.path else ""
    at_home = any(word.startswith(HOMES) for word in command)
    unit = UNIT.format(
        # In a command, but nowhere else, a $ begins the name of a variable.
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        writable=f"ReadWritePaths={_quoted(folder)}\n" if folder else "",
        mounted=f"RequiresMountsFor={_quoted(folder)}\n" if folder else "",
        user=arguments.user,
        stop=settings.queue.grace + 15,
        protect_home="read-only" if at_home else "yes",
    )
    if not arguments.install:
        print(unit, end="")
        return 0
    account = _account(arguments.user)
    try:
        with open(UNIT_PATH, "w", encoding="utf-8") as file:
            file.write(unit)
    except OSError as error:
        raise UsageError(f"{UNIT_PATH} cannot be written: {error.strerror}. Use sudo.") from error
    _say_what_is_next(account, folder, at_home=at_home)
    return 0


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        words = f"There is no account {user} on this machine. Make it: sudo useradd --system {user}"
        raise UsageError(words) from None


def _say_what_is_next(account: pwd.struct_passwd, folder: str, *, at_home: bool) -> None:
    user = account.pw_name
    print(f"Written to {UNIT_PATH}. Next:")
    if folder and not os.path.isdir(folder):
        print(f"  sudo install -d -o {user} -m 700 {shlex.quote(folder)}")
    elif folder and os.stat(folder).st_uid != account.pw_uid:
        print(f"  sudo chown -R {user}: {shlex.quote(folder)}")
    print("  sudo systemctl daemon-reload")
    print("  sudo systemctl enable --now homequeue")
    print("  sudo journalctl -u homequeue    (its address and the set-up code)")
    if at_home:
        print(f"It uses files below a home folder: the account {user} must be able to read them.")


def _command(settings: Settings, config_file: Path | None) -> list[str]:
    """Return what systemd starts: `run` with the settings that no file will tell it."""
    program = os.path.abspath(sys.argv[0])
    is_script = os.path.basename(program) == "homequeue"
    words = [program] if is_script else [sys.executable, "-m", "homequeue"]
    words += ["run"]
    words += ["--config", os.path.abspath(config_file)] if config_file else []
    words += ["--data", str(config.data_folder(settings))] if settings.library.path else []
    for option in OPTIONS:
        source = settings.sources.get(option.key)
        if source in (None, str(config_file)) or option.key == "library.path":
            continue
        if option.secret:
            why = f"{option.key} ({source}) is secret, and a unit can be read by everybody"
            raise UsageError(f"{why}. Put it into a settings file.")
        words += [
            f"--{option.section}-{option.name.replace('_', '-')}",
            config.shown(settings, option),
        ]
    return words


def _quoted(word: str) -> str:
    """Return a word as a systemd unit has it (systemd.syntax(7)); `%` begins a specifier there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s\"'\\]", word) or not word else escaped
