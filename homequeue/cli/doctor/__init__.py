"""`homequeue doctor`: what could be wrong with the machine, the settings, the parts, the library.

It changes nothing and needs nothing to run.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

from homequeue import config
from homequeue.cli.doctor import machine, parts, service, storage
from homequeue.cli.doctor.findings import NOTE, OK, PROBLEM, Finding, problem
from homequeue.config import Settings
from homequeue.errors import HomequeueError
from homequeue.log import plain
from homequeue.media import media

Check = Callable[[Settings], Finding | None]

#: Everything that is looked at; a check with nothing to say of this home returns None.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", parts.versions),
    ("memory", machine.memory),
    ("heat", machine.heat),
    ("power", machine.power),
    ("clock", machine.clock),
    ("time zone", machine.time_zone),
    ("files", machine.open_files),
    ("settings", storage.settings_file),
    ("folder", storage.data_folder),
    ("disk", storage.disk),
    ("space", storage.space),
    ("rights", storage.rights),
    ("inbox", storage.inbox),
    ("secret", storage.secret),
    # Binds the rows, which those below look into.
    ("database", storage.database),
    ("web", service.web),
    ("workers", service.workers),
    ("address", service.address),
    ("start", service.start),
    ("videos", parts.ffmpeg),
    ("raw photos", parts.raw_photos),
    ("HEIC", parts.heic),
    ("pictures", parts.avif),
    ("PostgreSQL", parts.postgresql),
    ("Redis", parts.redis),
    ("mails", parts.notifications),
)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Say what is well, what could be better and what is wrong; exit 1 if something is wrong."""
    config.bind(settings)
    media.bind(config.data_folder(settings))
    found = {name: finding for name, check in CHECKS if (finding := _made(check, settings))}
    states = [finding.state for finding in found.values()]
    if arguments.json:
        rows = [{"name": name, **asdict(finding)} for name, finding in found.items()]
        count = {"problems": states.count(PROBLEM), "notes": states.count(NOTE)}
        print(json.dumps({**count, "findings": rows}, indent=1))
    else:
        print("\n".join(plain(line) for line in _lines(found)))
    return 1 if PROBLEM in states else 0


def _made(check: Check, settings: Settings) -> Finding | None:
    """Return the finding of a check; that it could not look is one too."""
    try:
        return check(settings)
    except (OSError, HomequeueError) as error:
        return problem(f"This could not be looked at: {error}", "Run it as whom homequeue runs as.")


def _lines(found: dict[str, Finding]) -> list[str]:
    lines = []
    for name, finding in found.items():
        lines.append(f"{finding.state:8} {name:10}  {finding.words}")
        if finding.advice:
            lines.append(f"{'':21}→ {finding.advice}")
    states = [finding.state for finding in found.values()]
    if OK in states and len(set(states)) == 1:
        return [*lines, "All is well."]
    wrong, better = states.count(PROBLEM), states.count(NOTE)
    problems = "1 problem" if wrong == 1 else f"{wrong or 'no'} problems"
    return [*lines, f"{problems}, {better} {'note' if better == 1 else 'notes'}."]
