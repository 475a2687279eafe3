"""Clearing the inbox: what is safe elsewhere is deleted, what is not taken is moved aside.

No link is followed, and nothing is deleted or replaced but what was looked at.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from homequeue.models import User
from homequeue.services import inbox_files, sidecars, users
from homequeue.services.inbox_files import GOING, REFUSED, Look, Lying

#: In what is not taken, the folders for sidecars and for what else only goes with photos.
SIDECAR, COMPANION = "sidecar", "companion"


def remove(lying: Lying, *, with_sidecar: bool = True, is_kept: bool = True) -> None:
    """Delete a file that is safe elsewhere, unless it has changed since it was looked at.

    Its sidecar goes first: one that is left alone would be taken for that of the next photo of this
    name. What it says may not be `is_kept`; then it is moved to what is not taken.
    """
    # Whoever has moved it, or its folder, meanwhile keeps it.
    with suppress(FileNotFoundError), inbox_files.real(lying.path.parent) as start:
        going = _going(start / lying.path.name, lying.look[:3])
        if going is None:
            return
        if with_sidecar:
            _remove_sidecar(lying, start, is_kept=is_kept)
        going.unlink()


def put_aside(lying: Lying, reason: str, *, with_sidecar: bool = True) -> None:
    """Move a file to what is not taken, with its sidecar or a copy of it."""
    aside = inbox_files.real(_refused(lying, reason), is_new=True)
    with inbox_files.real(lying.path.parent) as start, aside as folder:
        # Only one job at a time looks into the inbox: nobody else takes these names.
        target = inbox_files.free(folder, lying.name)
        if lying.beside is not None:
            _copy(
                start / lying.beside.name, inbox_files.free(folder, target.name + sidecars.ENDING)
            )
            if with_sidecar:
                _remove_sidecar(lying, start, is_kept=True)
        (start / lying.path.name).rename(target)


def refused() -> dict[str, int]:
    """Return the folders of what was not taken, with how many files are in each."""
    counts = {str(one): _count(one) for one in _real_folders_of_refused()}
    return {folder: count for folder, count in counts.items() if count}


def owners() -> list[User]:
    """Return the users whose files lie in what was not taken."""
    # Pages ask for this again and again: one file is enough.
    full = (one for one in _real_folders_of_refused() if any(f for *_, f in inbox_files.walk(one)))
    folders = {folder.parent for folder in full}
    if not folders:
        return []
    inbox, everybody = inbox_files.place(), list(User.select().order_by(User.id))
    own = {users.alike(folder.name) for folder in folders - {inbox}}
    found = [user for user in everybody if users.alike(user.name) in own]
    rest = inbox_files.owner_of_rest(everybody) if inbox in folders else None
    return found if rest is None or rest in found else [*found, rest]


def diverted() -> list[Path]:
    """Return the links that stand where what is not taken would be moved to."""
    found = []
    for folder in _folders_of_refused():
        found.append(folder)
        if not os.path.islink(folder):
            with suppress(OSError):
                found += folder.iterdir()
    return [one for one in found if os.path.islink(one)]


def _going(path: Path, stamp: Look) -> Path | None:
    """Take a file away from its name and return where it is; None if it is not the one of `stamp`.

    Whoever puts another file there at this moment does not lose it: only names nobody else uses are
    deleted.
    """
    going = path
    if not path.name.startswith(GOING):
        end = os.fsdecode(os.fsencode(path.name)[-inbox_files.LONGEST :])
        going = inbox_files.free(path.parent, GOING + end)
        try:
            path.rename(going)
        except FileNotFoundError:
            return None
    if inbox_files.stamp(going.lstat()) == stamp:
        return going
    with suppress(OSError):  # where there are no hard links, or a third file: it is taken as it is
        os.link(going, path)
        going.unlink()
    return None


def _remove_sidecar(lying: Lying, start: Path, *, is_kept: bool) -> None:
    if lying.beside is None:
        return
    going = _going(start / lying.beside.name, lying.look[3:])
    if going is None:
        return
    if is_kept:
        going.unlink()
    else:
        name = lying.beside.name.removeprefix(GOING)
        with inbox_files.real(_refused(lying, SIDECAR), is_new=True) as folder:
            going.rename(inbox_files.free(folder, name))


def _refused(lying: Lying, reason: str) -> Path:
    return _top(lying) / REFUSED / reason


def _folders_of_refused() -> list[Path]:
    inbox = inbox_files.place()
    with suppress(OSError):
        found = inbox_files.entries(inbox)
        own = [Path(one.path) for one in found if one.is_dir(follow_symlinks=False)]
        return [top / REFUSED for top in (inbox, *own)]
    return []


def _real_folders_of_refused() -> list[Path]:
    return [one for one in _folders_of_refused() if not os.path.islink(one)]


def _top(lying: Lying) -> Path:
    """Return the folder of the user a file was left to, or that of all."""
    inbox = inbox_files.place()
    own = inbox / lying.path.relative_to(inbox).parts[0]
    is_own = users.alike(own.name) == users.alike(lying.owner.name)
    return own if is_own and own != lying.path else inbox


def _copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # as where there are no hard links
        shutil.copyfile(path, target, follow_symlinks=False)


def _count(folder: Path) -> int:
    return sum(len(files) for _, _, files in inbox_files.walk(folder))
