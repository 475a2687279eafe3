"""The parts: libraries and programs, among them those that not every home needs."""

import importlib
import pkgutil
import shutil
import sqlite3
import subprocess
import sys

from homequeue import __version__, postgres
from homequeue.cli.doctor.findings import Finding, note, ok, problem, within
from homequeue.config import Settings
from homequeue.errors import ConfigError
from homequeue.services import developing, notify, video

#: What videos are converted with, as ffmpeg's list of encoders has them.
ENCODERS = ("libx264", "aac")
#: What phones film with, as its list of decoders has them.
DECODERS = ("h264", "hevc")
#: Before these versions a prepared picture could take over whoever opened it.
SAFE_HEIF = (1, 22)
#: Seconds a program or a server may take to answer.
PATIENCE = 2.0


def versions(_settings: Settings) -> Finding:
    """Name the versions of what does most of the work."""
    python = ".".join(str(number) for number in sys.version_info[:3])
    pillow = pkgutil.resolve_name("PIL:__version__")
    sqlite = sqlite3.sqlite_version
    return ok(f"homequeue {__version__}, Python {python}, SQLite {sqlite}, Pillow {pillow}")


def ffmpeg(settings: Settings) -> Finding:
    """Look whether videos can be shown and converted."""
    if not video.is_possible():
        return note(
            "ffmpeg is missing: videos are kept, but not shown.",
            "sudo apt install ffmpeg; then the videos that wait: homequeue jobs retry --failed",
        )
    version = _asked("ffmpeg", "-version").split()[2:3] or ["of an unknown version"]
    decoders = _names(_asked("ffmpeg", "-hide_banner", "-decoders"))
    encoders = _names(_asked("ffmpeg", "-hide_banner", "-encoders"))
    lacks = [name for name in DECODERS if name not in decoders]
    if settings.video.convert:
        lacks += [name for name in ENCODERS if name not in encoders]
    if lacks:
        return note(
            f"This ffmpeg lacks {', '.join(lacks)}: some videos are not shown.",
            "Use that of the distribution: sudo apt install ffmpeg",
        )
    return ok(f"ffmpeg {version[0]}")


def raw_photos(_settings: Settings) -> Finding:
    """Look whether raw photos without a picture in them can be developed; few homes have such."""
    if developing.is_possible():
        return ok(f"rawpy {pkgutil.resolve_name('importlib.metadata:version')('rawpy')}")
    return ok("shown by the picture in them; for those without one: pip install 'homequeue[raw]'")


def heic(_settings: Settings) -> Finding:
    """Look whether HEIC, which iPhones make, can be opened, and safely."""
    try:
        found = pkgutil.resolve_name("pi_heif:libheif_info")()
    except ImportError as error:
        return problem(f"HEIC cannot be opened ({error}).", "pip install --upgrade pi-heif")
    version = found["libheif"]
    if not found["decoders"]:
        return problem("HEIC cannot be opened: no decoder.", "pip install --upgrade pi-heif")
    if tuple(int(part) for part in version.split(".")[:2]) < SAFE_HEIF:
        return problem(
            f"libheif {version} has holes that a prepared picture could use.",
            "pip install --upgrade pi-heif",
        )
    return ok(f"libheif {version}")


def avif(_settings: Settings) -> Finding:
    """Look whether AVIF and WebP can be opened."""
    check = pkgutil.resolve_name("PIL.features:check")
    if lacks := [name for name in ("avif", "webp") if not check(name)]:
        return problem(
            f"{' and '.join(lacks).upper()} cannot be opened.",
            "pip install --upgrade --force-reinstall pillow",
        )
    return ok("AVIF and WebP")


def postgresql(settings: Settings) -> Finding | None:
    """Look whether the driver of PostgreSQL is there, if it is wanted."""
    if not settings.database.url and not settings.queue.url.startswith("postgres"):
        return None
    try:
        driver = postgres.load()
    except ConfigError as error:
        return problem("The driver of PostgreSQL is missing.", str(error).partition(": ")[2])
    return ok(f"psycopg2 {driver.__version__.split()[0]}")


def redis(settings: Settings) -> Finding | None:
    """Look whether Redis answers, if it is to wake the workers."""
    url = settings.queue.url
    if not url.startswith("redis"):
        return None
    driver = importlib.import_module("redis")

    def answers() -> str:
        line = driver.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        try:
            line.ping()
        except driver.RedisError:
            return ""
        finally:
            line.close()
        return "answers"

    if within(PATIENCE, answers, ""):
        return ok("answers")
    return note(
        "Redis does not answer, so workers look for work once a second instead.",
        "Is it running, and is [queue] url right?",
    )


def notifications(settings: Settings) -> Finding:
    """Look whether the addresses of notifications are ones that Apprise knows."""
    if not settings.notifications.urls:
        return ok("none are sent: [notifications] urls is empty")
    try:
        notify.check(settings)
    except ConfigError as error:
        return problem(str(error), "Correct [notifications] urls.")
    return ok("the addresses are well formed; homequeue config test-notification sends a test")


def _asked(*command: str) -> str:
    """Return what a program prints; nothing if it fails or takes too long."""
    path = shutil.which(command[0]) or command[0]
    try:
        done = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def _names(listing: str) -> set[str]:
    """Return the names in a list of ffmpeg's: the second word of each line."""
    return {words[1] for line in listing.splitlines() if len(words := line.split()) > 1}
