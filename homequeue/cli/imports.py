"""`homequeue import`."""

import argparse
import os
import sys

from homequeue import config, tasks
from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import NotFound, UsageError
from homequeue.log import plain
from homequeue.models import User
from homequeue.services import importing, notify, users

BAR = 30


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument("--owner", metavar="USER", help="whose photos they become")
    parser.add_argument(
        "--move", action="store_true", help="delete each file from where it was once it is safe"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Bring files in; exit 1 if any was refused."""
    bootstrap(settings, may_create=False)
    owner = _owner(arguments.owner)
    files = importing.find(arguments.paths)
    if not files:
        raise NotFound("There are no files at " + ", ".join(arguments.paths) + ".")
    for summary in importing.run(files, owner, tasks.process_asset, move=arguments.move):
        _show(summary.seen, len(files))
    if summary.added and notify.is_wanted():
        quiet = config.settings().notifications.quiet
        tasks.report_uploads.schedule((owner.id,), delay=quiet)
    summary.refused += [
        (path, "There is no such file.") for path in arguments.paths if not os.path.exists(path)
    ]
    for path, words in summary.refused + summary.left:
        print(plain(f"{path}: {words}"), file=sys.stderr)
    refused = len(summary.refused)
    skipped = f", {summary.skipped} skipped" if summary.skipped else ""
    print(f"{summary.added} added, {summary.known} already here, {refused} not accepted{skipped}")
    return 1 if refused else 0


def _owner(name: str | None) -> User:
    if name:
        return users.get(name)
    everyone = users.everyone()
    if not everyone:
        raise NotFound("There is no account yet whose photos these could be: homequeue user add.")
    if len(everyone) != 1:
        raise UsageError("Say whose photos these are: --owner USER.")
    return everyone[0]


def _show(seen: int, total: int) -> None:
    if sys.stderr.isatty():
        done = BAR * seen // total
        bar = "█" * done + "·" * (BAR - done)
        print(f"\r{bar} {seen}/{total}", end="\n" if seen == total else "", file=sys.stderr)
    else:
        print(f"Looked at {seen} of {total}", file=sys.stderr)
