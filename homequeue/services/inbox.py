"""The inbox: a folder out of which photos are taken, once nobody writes to them any more.

A file is taken if it looked the same twice, some seconds apart, and deleted when the disk itself
has it in the library. What is not taken is moved aside, and never deleted. Nothing is remembered on
the disk for this: whoever is killed in between takes the file again and finds it known.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from homequeue import config
from homequeue.db import db
from homequeue.errors import (
    Gone,
    HomequeueError,
    NoSpace,
    NotYet,
    TooLarge,
    Unavailable,
    Unreadable,
    Unsupported,
)
from homequeue.log import plain
from homequeue.models import User
from homequeue.services import (
    batches,
    clearing,
    containers,
    inbox_files,
    ingest,
    notify,
    raw,
    receipts,
    sidecars,
    trial,
    users,
    xmp,
)
from homequeue.services.headers import Identity
from homequeue.services.inbox_files import Lying

logger = logging.getLogger("homequeue.inbox")

#: Seconds between the two looks at a file.
SETTLE = 5.0
#: Seconds for which a file must have looked the same of which one cannot see that it is whole: its
#: writer may have stalled on another machine, where nobody can ask.
REST = 180.0
#: Seconds after which a file that could not be taken is tried again.
AGAIN = 600.0
#: Seconds after which other work has its turn.
LONGEST = 10.0
#: Files that are made safe together, and bytes of them.
BATCH, BATCH_BYTES = 50, 256 * 2**20
CHUNK = 2**20
#: Bytes at the end of a file that are nothing but zeros while it is still being filled.
TAIL = 4096
#: Films of which one sees whether they are whole.
SHOWN = tuple(one.name for one in (containers.MP4, containers.QUICKTIME, containers.MOBILE))
#: The folders of what is not taken, by why it is not.
REASONS: dict[type[HomequeueError], str] = {
    TooLarge: "too-large",
    Unreadable: "damaged",
    Unsupported: "not-a-photo",
}
#: What is said of what was left alone, by the folder it is moved to.
LEFT = {
    clearing.SIDECAR: "This is a sidecar, and its photo has not come.",
    clearing.COMPANION: "This only goes with a photo, and nothing of it is taken from here.",
}

#: What each file looked like and since when, as far as this process has seen.
_seen: dict[Path, tuple[inbox_files.Look, float]] = {}
#: When it was seen of files that they can be neither taken nor moved.
_stuck: dict[Path, float] = {}


@dataclass(frozen=True)
class Read:
    """A file that has been read, and is still where it was."""

    lying: Lying
    received: ingest.Received
    #: Whether all that its sidecar holds is in its text.
    is_whole_sidecar: bool


def is_wanted() -> bool:
    """Tell whether there is anything to be taken, for which nothing is written."""
    now = time.monotonic()
    try:
        ingest.check_room()
        inbox_files.prepare()
        return any(now >= _stuck.get(lying.path, -AGAIN) + AGAIN for lying in inbox_files.look())
    except (OSError, HomequeueError):
        return False  # its disk is away, or the library's: that is said elsewhere


def take(defer: ingest.Defer, report: notify.Report) -> dict[str, int]:
    """Bring in the files that nobody writes to any more; return what became of how many.

    Raises NotYet if there are some that have been looked at once only, or too many for one run.
    """
    lying = list(inbox_files.look())
    is_new = any(one.path not in _seen for one in lying)
    taking = _Taking(defer, report, lying)
    is_done = all(taking.take(owner, files) for owner, files in _by_owner(_settled(lying)))
    _complain(taking.stuck | {one.path: one.problem for one in lying if one.problem})
    if not is_done:
        raise NotYet("There is more in the inbox.", 0)
    if is_new:
        raise NotYet("Files are coming into the inbox.", SETTLE)
    return dict(taking.counts)


def problems() -> list[str]:
    """Return what of the inbox needs a person, in words."""
    found = []
    for folder, count in clearing.refused().items():
        files = "1 file was" if count == 1 else f"{count} files were"
        found.append(f"{files} not taken out of the inbox. Look into {folder}")
    found += [
        f"{inbox_files.spoken(str(link))} is a link: what is not taken out of the inbox cannot be "
        "moved there. Put a folder in its place."
        for link in clearing.diverted()
    ]
    stuck = [one for one in inbox_files.look() if one.problem]
    if stuck:
        found.append(f"The inbox: {_first([one.path for one in stuck])}. {stuck[0].problem}")
    if waiting := inbox_files.unfinished():
        found.append(
            f"The inbox: {_first(waiting)}: named like something unfinished, for a day now. Rename "
            "what is to be taken, and delete the rest."
        )
    if links := inbox_files.links():
        found.append(
            f"The inbox: {_first(links)}: links are not followed. Put the photos there themselves."
        )
    named = config.settings().inbox.owner
    names = {users.alike(user.name) for user in User.select()}
    if named and users.alike(named) not in names:
        found.append(f"The inbox: [inbox] owner is {named}, and there is nobody called so.")
    return [plain(line) for line in found]


def _first(paths: Sequence[Path]) -> str:
    """Name the first of some paths, and how many more there are."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{inbox_files.spoken(str(paths[0]))}{more}"


def _settled(lying: Sequence[Lying]) -> list[Lying]:
    """Return the files that have looked the same for a while, and remember how all look now."""
    now = time.monotonic()
    looks = {one.path: (one.look, now) for one in lying}
    for path, (look, since) in _seen.items():
        if path in looks and looks[path][0] == look:
            looks[path] = look, since
    _seen.clear()
    _seen.update(looks)
    return [one for one in lying if not one.problem and now >= looks[one.path][1] + SETTLE]


class _Taking:
    """Taking what lies in the inbox, some at a time."""

    def __init__(self, defer: ingest.Defer, report: notify.Report, lying: Iterable[Lying]) -> None:
        self._defer, self._report = defer, report
        #: How many files a sidecar is that of: it goes with the last of them.
        self._beside = Counter(one.beside for one in lying)
        self._until = time.monotonic() + LONGEST
        self.counts: Counter[str] = Counter()
        #: Files that can be neither taken nor moved aside, each with the reason.
        self.stuck: dict[Path, str] = {}

    def take(self, owner: User, files: Sequence[Lying]) -> bool:
        """Take the files of a user; tell whether there was time for all."""
        for some in _portions(files):
            if time.monotonic() >= self._until:
                return False
            read: list[Read] = []
            try:
                for lying in some:
                    read += self._read(lying)
                if read:
                    self._keep(owner, read)
            finally:
                for one in read:
                    one.received.incoming.discard()
        return True

    def _read(self, lying: Lying) -> list[Read]:
        try:
            if lying.is_alone:
                raise Unsupported(LEFT[_reason_alone(lying)])
            ingest.check_size(lying.size)
            ingest.check_room(lying.size)
            text, is_whole = _sidecar(lying)
            name = ingest.plain_name(inbox_files.spoken(lying.name))
            upload = ingest.Upload(lying.owner, name, lying.modified, text)
            with inbox_files.opened(lying) as file:
                received = ingest.receive(upload, iter(lambda: file.read(CHUNK), b""))
                may_take = _is_complete(file, received.identity) or _has_rested(lying)
            if may_take and inbox_files.is_as_it_was(lying):
                return [Read(lying, received, is_whole)]
            received.incoming.discard()
        except Gone:
            pass  # whoever put it there has taken it back, or goes on writing
        except (NoSpace, OSError) as error:
            self.stuck[lying.path] = inbox_files.why(error)
        except Unavailable:
            raise
        except HomequeueError as error:
            self._refuse(lying, error)
        return []

    def _keep(self, owner: User, read: Sequence[Read]) -> None:
        has_sidecar: list[bool] = []

        def also(kept: list[ingest.Kept]) -> None:
            for one, what in zip(read, kept, strict=True):
                text = one.received.upload.sidecar
                has_sidecar.append(sidecars.give(what.asset.id, text, self._defer))
            notify.tell(owner, self._report, *(one.outcome for one in kept))

        files = [one.received for one in read]
        batch = partial(batches.of_inbox, owner)
        kept = ingest.record(files, self._defer, batch, also, durable=True)
        for one, what, has in zip(read, kept, has_sidecar, strict=True):
            self.counts[what.outcome] += 1
            is_kept = has and one.is_whole_sidecar
            try:
                clearing.remove(one.lying, with_sidecar=self._is_last(one.lying), is_kept=is_kept)
            except OSError as error:
                self.stuck[one.lying.path] = inbox_files.why(error)

    def _refuse(self, lying: Lying, error: HomequeueError) -> None:
        may_come = not lying.size or isinstance(error, Unreadable)
        if (may_come and not _has_rested(lying)) or not inbox_files.is_as_it_was(lying):
            return
        reason = REASONS.get(type(error), "not-accepted") if lying.size else "empty"
        if lying.is_alone:
            reason = _reason_alone(lying)
        try:
            clearing.put_aside(lying, reason, with_sidecar=self._is_last(lying))
        except OSError as trouble:
            self.stuck[lying.path] = inbox_files.why(trouble)
            return
        name = ingest.plain_name(inbox_files.spoken(lying.name))
        with db.atomic():
            batch = batches.of_inbox(lying.owner)
            receipts.refuse(batch, [receipts.Refusal(name, str(error), lying.size)])
        self.counts[receipts.REFUSED] += 1

    def _is_last(self, lying: Lying) -> bool:
        """Count a file as done; tell whether no other lies there that has the same sidecar."""
        self._beside[lying.beside] -= 1
        return not self._beside[lying.beside]


def _reason_alone(lying: Lying) -> str:
    """Return the folder for what goes with a photo and was left alone."""
    is_sidecar = lying.path.suffix.lower() == sidecars.ENDING
    return clearing.SIDECAR if is_sidecar else clearing.COMPANION


def _sidecar(lying: Lying) -> tuple[str, bool]:
    """Return the text of the sidecar of a file, and whether that is all that it holds."""
    data = inbox_files.sidecar(lying, 2 * xmp.MOST)
    text = xmp.decode(data)
    is_all = lying.beside is None or len(data) == inbox_files.size_of_sidecar(lying)
    # What is no text was replaced, and PostgreSQL keeps no zeros.
    return text, is_all and len(text) < xmp.MOST and not {"\ufffd", "\0"} & set(text)


def _is_complete(file: BinaryIO, identity: Identity) -> bool:
    """Tell whether one sees that a file is whole; of some kinds nobody can."""
    if not any(_tail(file)):
        return False  # as while programs fill a file that they have made as long as it will be
    if identity.mime.startswith("video/"):
        return identity.format in SHOWN and not identity.is_truncated
    return identity.format not in raw.NAMED and trial.is_whole(file, identity)


def _tail(file: BinaryIO) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
    return file.read(TAIL)


def _has_rested(lying: Lying) -> bool:
    return time.monotonic() >= _seen[lying.path][1] + REST


def _complain(stuck: Mapping[Path, str]) -> None:
    """Say once which files can be neither taken nor moved, and leave them alone for a while."""
    for path in stuck.keys() - _stuck.keys():
        words = plain(f"{inbox_files.spoken(str(path))}: {stuck[path]}")
        logger.warning("The inbox: %s", words)
    _stuck.clear()
    _stuck.update(dict.fromkeys(stuck, time.monotonic()))


def _by_owner(files: Sequence[Lying]) -> list[tuple[User, list[Lying]]]:
    owners = {one.owner.id: one.owner for one in files}
    return [(owner, [one for one in files if one.owner.id == key]) for key, owner in owners.items()]


def _portions(files: Sequence[Lying]) -> Iterator[list[Lying]]:
    some: list[Lying] = []
    for lying in files:
        some.append(lying)
        if len(some) >= BATCH or sum(one.size for one in some) >= BATCH_BYTES:
            yield some
            some = []
    if some:
        yield some
