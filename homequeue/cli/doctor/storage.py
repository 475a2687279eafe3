"""The data folder: where it lies, what is free, who may look in, and whether the rows are whole."""

import os
import pwd
import re
import shlex
import sqlite3
import time
from pathlib import Path

from peewee import DatabaseError

from homequeue import config, db, migrations
from homequeue.bootstrap import DATABASE
from homequeue.cli.doctor.findings import Finding, note, ok, problem
from homequeue.config import OPTIONS, Settings
from homequeue.errors import HomequeueError
from homequeue.media import MARKER, media
from homequeue.services import inbox_files
from homequeue.services.ingest import in_words

#: Disks of other machines, on which SQLite cannot rely on locks.
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs")
#: What is gone when the machine is switched off.
MEMORY = ("tmpfs", "ramfs")
#: Disks that know no rights and no second names of files.
SIMPLE = ("vfat", "exfat", "msdos", "ntfs", "ntfs3", "fuseblk")
#: Seconds after which a large database is not looked at any further.
PATIENCE = 1.5
#: Fewer names than this that a disk may still take is few.
FEW_NAMES = 10_000


def settings_file(settings: Settings) -> Finding:
    """Look which settings file is in force, and who may read the secrets in it."""
    sources = {source for source in settings.sources.values() if os.path.isfile(source)}
    if not sources:
        return ok("none; the defaults hold")
    path = sources.pop()
    has_secret = any(settings.sources.get(o.key) == path for o in OPTIONS if o.secret)
    if has_secret and os.stat(path).st_mode & 0o004:
        return problem(
            f"There are secrets in {path}, and everybody on this machine may read it.",
            f"Take that away: chmod o= {shlex.quote(path)}",
        )
    return ok(path)


def data_folder(settings: Settings) -> Finding:
    """Look whether the data folder is there, mounted and ours."""
    root = media.root
    if not root.exists():
        return note(f"There is no library in {root} yet.", "homequeue run makes one there.")
    if not root.is_dir():
        return problem(f"{root} is a file.", "Name a folder: --data, or [library] path.")
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK) or root.stat().st_uid != os.geteuid():
        owner = _name_of(root.stat().st_uid)
        return problem(
            f"{root} belongs to another account ({owner}), so not all can be looked at.",
            f"Begin with: sudo -u {owner}",
        )
    if _is_begun(settings) and not (root / "originals" / MARKER).exists():
        return problem(
            f"{root / 'originals'} is not mounted, or was emptied: its {MARKER} is missing.",
            "Mount its disk, or restore a backup.",
        )
    return ok(str(root))


def disk(settings: Settings) -> Finding | None:
    """Look what kind of disk the data folder is on."""
    found = {place: _file_system(place) for place in _places()}
    for place, (kind, is_read_only) in found.items():
        if is_read_only:
            return problem(
                f"Nothing can be written to {place}: it is mounted read-only.",
                "Look for errors of the disk: sudo dmesg",
            )
        if kind in MEMORY:
            return problem(
                f"{place} is in memory ({kind}): photos there are gone with the power.",
                "Put the data folder on a disk: --data, or [library] path.",
            )
    kinds = [kind for kind, _ in found.values()]
    if kinds and kinds[0] in NETWORK and not settings.database.url:
        return note(
            f"The database is on another machine's disk ({kinds[0]}), where SQLite may be damaged.",
            "Have the data folder on a disk of this machine, with only originals/ mounted in it.",
        )
    if simple := [kind for kind in kinds if kind in SIMPLE]:
        return note(
            f"{simple[0]} keeps no secrets and loses more in a power cut than ext4.",
            "Have the photos on a disk with ext4.",
        )
    return ok(" and ".join(dict.fromkeys(kinds))) if kinds else None


def space(settings: Settings) -> Finding | None:
    """Look whether there is room for photos."""
    if not media.root.exists():
        return None
    free, total = media.free_bytes(), media.disk_bytes()
    least = settings.uploads.min_free
    begun = [file.size for file in media.resumables().values()]
    words = f"{in_words(free)} free of {in_words(total)}"
    if begun:
        words += f"; unfinished uploads: {len(begun)}, with {in_words(sum(begun))}"
    if free < least:
        return problem(f"{words}: no photos are taken.", "Make room, or use a larger disk.")
    names = os.statvfs(media.root)
    if names.f_files and names.f_favail < FEW_NAMES:
        return problem(
            f"The disk takes only {names.f_favail} more files.", "Delete what is not needed."
        )
    if free < 5 * least:
        return note(f"{words}: not for long.", "Plan for more room.")
    return ok(words)


def rights(_settings: Settings) -> Finding | None:
    """Look whether others on this machine could see the photos or the secret."""
    root, originals = media.root, media.root / "originals"
    if not root.exists():
        return None
    # What is in a folder that nobody else may enter is safe; what it links to is elsewhere.
    places = [root, originals.resolve()] if originals.is_symlink() else [root]
    for place in places:
        if place.exists() and place.stat().st_mode & 0o077:
            return problem(
                f"Others on this machine may look into {place}.",
                f"Take that away: chmod go= {shlex.quote(str(place))}",
            )
    return ok("nobody else may look in")


def inbox(settings: Settings) -> Finding | None:
    """Look whether photos can be taken out of an inbox that is somewhere else."""
    place = inbox_files.place()
    if not settings.inbox.path:
        return None
    if not place.is_dir():
        return problem(f"The inbox {place} is not there.", "Make it, or mount its disk.")
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return problem(
            f"homequeue may not take anything out of the inbox {place}.",
            "See which rights it takes: docs/imports.md",
        )
    return ok(str(place))


def secret(settings: Settings) -> Finding | None:
    """Look whether the secret that signs forms and messages is whole."""
    path = media.root / "secret"
    if not _is_begun(settings):
        return None
    if not path.exists():
        return note(f"{path} is missing.", "A new one is made at the next start.")
    if path.stat().st_size != 32:
        return problem(f"{path} is damaged.", "Delete it: a new one is made at the next start.")
    return ok("is there")


def database(settings: Settings) -> Finding | None:
    """Look whether the rows can be read, are whole and of this version; bind them if so."""
    file = media.root / DATABASE
    # What looks into the rows later must find none, rather than others.
    if db.db.obj is not None:
        db.db.close()
        db.db.initialize(None)
    if not settings.database.url and not file.exists():
        return None
    is_whole = True
    try:
        if not settings.database.url:
            is_whole = _check_whole(file)
        db.bind(file, settings.database.url, durable=False)
        applied, known = migrations.steps_applied(), migrations.steps_known()
    except (sqlite3.Error, DatabaseError, HomequeueError) as error:
        why = str(error).strip().partition("\n")[0]
        hint = "Restore a backup, or move the file away to begin a new one."
        advice = "Is it running, and is [database] url right?" if settings.database.url else hint
        return problem(f"The database cannot be used: {why}.".replace("..", "."), advice)
    if applied - set(known):
        words = "The library was last used by a newer version of homequeue."
        return problem(words, "Install that version again.")
    if set(known) - applied:
        return note("Its tables are those of an older version.", "The next start renews them.")
    size = f", {in_words(file.stat().st_size)}" if not settings.database.url else ""
    partly = "" if is_whole else "; too large to look at all of it now"
    return ok(f"{db.db.place()}{size}{partly}")


def _check_whole(file: Path) -> bool:
    """Raise DatabaseError if a file of SQLite is damaged; return whether there was time for all."""
    deadline = time.monotonic() + PATIENCE
    line = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
    line.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
    try:
        (verdict,) = line.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        return False
    finally:
        line.close()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"it is damaged ({verdict.strip().splitlines()[-1]})")
    return True


def _is_begun(settings: Settings) -> bool:
    """Tell whether there is a library already, as far as its folder shows."""
    return (media.root / DATABASE).exists() or bool(
        settings.database.url and (media.root / "secret").exists()
    )


def _places() -> list[Path]:
    """Return the folders that may be on disks of their own, or would be made on one."""
    root = config.data_folder(config.settings())
    there = next(place for place in (root, *root.parents) if place.exists())
    originals = root / "originals"
    return [there, originals] if originals.exists() else [there]


def _file_system(place: Path) -> tuple[str, bool]:
    """Return the kind of the file system that a folder is on, and whether it is read-only."""
    best = ("", "", "")
    target = str(place.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        # In names of that file, what separates its columns is written in octal: proc(5).
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), before.split()[4])
        is_above = target == point or target.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best[0]):
            best = (point, after.split()[0], before.split()[5])
    return best[1], bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _name_of(account: int) -> str:
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return str(account)
