"""Settings, declared once: a dataclass a section, a field an option.

The ini file, the environment, the command line, `homequeue config`, `homequeue.ini` and the docs
all read these declarations. A later layer wins: default < ini < environment < command line.
"""

import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from homequeue import parsers
from homequeue.errors import ConfigError


def _option(
    parse: Callable[[str], Any], default: str, text: str, *, secret: bool = False, flag: str = ""
) -> Any:
    return field(
        default=parse(default),
        metadata={"parse": parse, "default": default, "help": text, "secret": secret, "flag": flag},
    )


@dataclass(frozen=True)
class Server:
    """The web server."""

    host: str = _option(
        parsers.text,
        "0.0.0.0",
        "Address to listen on; 127.0.0.1 for this machine only.",
        flag="host",
    )
    port: int = _option(
        parsers.port, "8420", "Port to listen on; 0 takes any free one.", flag="port"
    )
    url: str = _option(
        parsers.url,
        "",
        "The address the family uses, such as https://photos.example.org. When set, any other "
        "name is refused, and mails link here.",
    )
    trusted_proxies: tuple[str, ...] = _option(
        parsers.proxy,
        "",
        "IP address of the reverse proxy in front whose X-Forwarded headers are believed.",
    )
    threads: int = _option(parsers.workers, "4", "Threads that answer requests.")
    session_days: int = _option(parsers.count, "30", "Days until a browser has to sign in again.")


@dataclass(frozen=True)
class Library:
    """Where the photos are."""

    path: str = _option(
        parsers.text,
        "",
        "Data folder: originals, renditions and database. Empty: $STATE_DIRECTORY, else "
        "$XDG_DATA_HOME/homequeue.",
        flag="data",
    )


@dataclass(frozen=True)
class Database:
    """Where the rows are."""

    url: str = _option(
        parsers.database_url,
        "",
        "Empty: SQLite in the data folder. postgresql://name:password@host/homequeue when several "
        "machines work on one library.",
        secret=True,
    )


@dataclass(frozen=True)
class QueueSection:
    """What wakes the workers, and how many there are."""

    url: str = _option(
        parsers.queue_url,
        "",
        "Empty: workers are woken through the data folder, or through PostgreSQL where the rows "
        "are there. redis://host:6379/0 or postgresql://name:password@host/homequeue when they "
        "are to be woken through that.",
        secret=True,
    )
    workers: int = _option(
        parsers.workers, "2", "Worker processes at most: jobs that run side by side."
    )
    grace: int = _option(
        parsers.whole, "20", "Seconds a running job may take to finish when homequeue stops."
    )
    memory: int = _option(
        parsers.size, "512M", "Memory a job may take, besides the pictures it opens."
    )
    quiet_hours: tuple[int, int] | None = _option(
        parsers.quiet_hours,
        "",
        "Hours such as 22:00-07:00 in which nothing is sent and no old photos are worked over "
        "again; new ones are.",
    )
    history_days: int = _option(parsers.whole, "30", "Days until a finished job is forgotten.")


@dataclass(frozen=True)
class Renditions:
    """The pictures made of every original."""

    thumbnail: int = _option(
        parsers.edge,
        "480",
        "Long edge of the thumbnail in pixels; up to a tenth more where that saves work.",
    )
    preview: int = _option(
        parsers.edge,
        "1440",
        "Long edge of the preview in pixels; up to a tenth more where that saves work.",
    )
    memory: int = _option(
        parsers.size,
        "384M",
        "Memory one photo may take while it is decoded, and so its pixels; more is refused.",
    )
    seconds: int = _option(parsers.count, "60", "Seconds one photo may take; longer is given up.")


@dataclass(frozen=True)
class Video:
    """Videos that browsers do not play as they came."""

    convert: bool = _option(
        parsers.yes_no,
        "yes",
        "Whether a video that browsers do not play is also made into one that they do; its "
        "original stays what it is. It takes ffmpeg.",
    )
    longest: int = _option(
        parsers.count, "3600", "Seconds a video may last to be made into such a one."
    )
    seconds: int = _option(
        parsers.count, "14400", "Seconds the making may take; longer is given up."
    )
    memory: int = _option(parsers.size, "768M", "Memory the making may take.")


@dataclass(frozen=True)
class Uploads:
    """What may be sent."""

    max_size: int = _option(parsers.size, "4G", "The largest file that is taken.")
    min_free: int = _option(
        parsers.size, "1G", "Free space that uploads leave on the disk; beyond it they are refused."
    )
    expire_days: int = _option(
        parsers.count, "7", "Days that an upload which was broken off waits for the rest of it."
    )


@dataclass(frozen=True)
class Inbox:
    """The folder out of which photos are taken."""

    path: str = _option(
        parsers.text,
        "",
        "Folder whose photos are brought in and deleted there once they are safe. Empty: inbox in "
        "the data folder.",
    )
    owner: str = _option(
        parsers.text,
        "",
        "Whose photos those become that lie in no folder named after a user. Empty: the first "
        "administrator's.",
    )


@dataclass(frozen=True)
class Trash:
    """What was thrown away."""

    days: int = _option(
        parsers.whole,
        "30",
        "Days until what lies in the trash is gone for good; 0: it stays until somebody empties "
        "the trash.",
    )


@dataclass(frozen=True)
class Notifications:
    """Telling people."""

    urls: tuple[str, ...] = _option(
        parsers.channels,
        "",
        "Where to send notifications: Apprise addresses such as "
        "mailtos://user:password@example.org?to=family@example.org",
        secret=True,
    )
    quiet: int = _option(
        parsers.whole,
        "30",
        "Seconds without a new upload after which a batch counts as complete and is reported.",
    )


@dataclass(frozen=True)
class Log:
    """What is written down."""

    level: str = _option(parsers.level, "info", "How much is logged: debug, info, warning, error.")


@dataclass(frozen=True)
class Settings:
    """Every option with its effective value; `sources` names the layer of each."""

    server: Server = field(default_factory=Server)
    library: Library = field(default_factory=Library)
    database: Database = field(default_factory=Database)
    queue: QueueSection = field(default_factory=QueueSection)
    renditions: Renditions = field(default_factory=Renditions)
    video: Video = field(default_factory=Video)
    uploads: Uploads = field(default_factory=Uploads)
    inbox: Inbox = field(default_factory=Inbox)
    trash: Trash = field(default_factory=Trash)
    notifications: Notifications = field(default_factory=Notifications)
    log: Log = field(default_factory=Log)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """One declared option, as the parsers, the command line and the docs see it."""

    section: str
    name: str
    parse: Callable[[str], Any]
    default: str
    help: str
    secret: bool
    flag: str

    @property
    def key(self) -> str:
        """`section.option`, the way messages name it."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return f"HOMEQUEUE_{self.section}_{self.name}".upper()


SECTIONS: dict[str, type] = {
    name: kind for name, kind in get_type_hints(Settings).items() if name != "sources"
}
OPTIONS: tuple[Option, ...] = tuple(
    Option(section, entry.name, **entry.metadata)
    for section, kind in SECTIONS.items()
    for entry in fields(kind)
)


VARIABLES = {option.variable for option in OPTIONS} | {
    f"{option.variable}_FILE" for option in OPTIONS if option.secret
}

_bound: list[Settings] = []


def load(
    config_file: str | None = None,
    overrides: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Read all layers into Settings; `overrides` are `section.option` from the command line.

    Raises ConfigError that names the option and the layer for anything wrong or unknown.
    """
    path = find_config(config_file, environ)
    found: dict[str, tuple[str, str]] = {}
    found.update(parsers.settings_file(path) if path else {})
    found.update(_from_environment(environ))
    found.update({key: (text, "command line") for key, text in (overrides or {}).items()})
    return _settle(found)


def bind(settings: Settings) -> None:
    """Make these the settings in force in this process."""
    _bound.append(settings)


def settings() -> Settings:
    """Return the settings in force; ConfigError before `bind`."""
    if not _bound:
        raise ConfigError("The settings are not bound yet: call bootstrap first.")
    return _bound[-1]


def find_config(named: str | None, environ: Mapping[str, str]) -> Path | None:
    """Return the settings file in force: the named one, else the first that exists."""
    named = named or environ.get("HOMEQUEUE_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"The settings file {named} does not exist.")
        return Path(named)
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    candidates = (
        "homequeue.ini",
        f"{home}/homequeue/homequeue.ini",
        "/etc/homequeue/homequeue.ini",
    )
    return next((Path(name) for name in candidates if Path(name).is_file()), None)


def data_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data folder the settings mean."""
    home = environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    # systemd may name several folders here, separated by colons; the first is ours.
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    named = settings.library.path or state or f"{home}/homequeue"
    return Path(named).expanduser().absolute()


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    found = {}
    for name in environ:
        section = name.removeprefix("HOMEQUEUE_").partition("_")[0].lower()
        if name.startswith("HOMEQUEUE_") and section in SECTIONS and name not in VARIABLES:
            raise ConfigError(f"{name} (environment): there is no such option.")
    for option in OPTIONS:
        if option.variable in environ:
            found[option.key] = (environ[option.variable], option.variable)
        elif option.secret and f"{option.variable}_FILE" in environ:
            source = f"{option.variable}_FILE"
            try:
                found[option.key] = (Path(environ[source]).read_text(encoding="utf-8"), source)
            except (OSError, UnicodeDecodeError) as error:
                words = f"the file {environ[source]} cannot be read: {parsers.why(error)}"
                raise ConfigError(f"{option.key} ({source}): {words}") from error
    return found


def _settle(found: Mapping[str, tuple[str, str]]) -> Settings:
    known = {option.key: option for option in OPTIONS}
    sections: dict[str, dict[str, Any]] = {}
    for key, (text, source) in found.items():
        if key not in known:
            raise ConfigError(f"{key} ({source}): there is no such option.")
        try:
            value = known[key].parse(text)
        except ValueError as error:
            shown = "" if known[key].secret else f" {text.strip()!r} is wrong:"
            raise ConfigError(f"{key} ({source}):{shown} it takes {error}.") from error
        sections.setdefault(known[key].section, {})[known[key].name] = value
    built = {name: kind(**sections.get(name, {})) for name, kind in SECTIONS.items()}
    return Settings(**built, sources={key: source for key, (_, source) in found.items()})


def shown(settings: Settings, option: Option) -> str:
    """Return the value of an option as a settings file has it; a secret that is set as stars."""
    value = getattr(getattr(settings, option.section), option.name)
    return "********" if option.secret and value else parsers.written(option.parse, value)


def explain() -> str:
    """Return the text of a settings file that names every option with its help and default."""
    lines = ["# Every option with its default. Uncomment what you want to change.", ""]
    section = ""
    for option in OPTIONS:
        if option.section != section:
            section = option.section
            lines += [f"[{section}]", ""]
        lines += [f"# {line}" for line in textwrap.wrap(option.help, 90)]
        lines += [f"#{option.name} = {option.default}".rstrip(), ""]
    return "\n".join(lines).rstrip() + "\n"
