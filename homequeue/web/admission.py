"""Admission: whether a body may come, and where to, answered before a byte of it is there."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.cookies import CookieError, SimpleCookie

from homequeue import config
from homequeue.errors import HomequeueError, Invalid, TooLarge
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.models import Guest, User
from homequeue.services import creation, ingest, resumable, room, shares
from homequeue.services.resumable import Piece
from homequeue.web import forms, principals, tus
from homequeue.web.forms import Form
from homequeue.web.principals import Principal
from homequeue.web.security import DAV_PATH, DAV_PATHS, TUS_PATH, TUS_PATHS
from homequeue.web.visits import LONGEST_FORM, text_of

#: Where bodies of any size are welcome; elsewhere a body is a form, JSON or a sidecar.
UPLOADS = re.compile(
    rf"POST (/api/assets|/upload|/share-target|{TUS_PATH})"
    rf"|PUT (/api/assets(?!/\d+/sidecar$)(/.*)?|{DAV_PATH}/.+)"
    rf"|PATCH {TUS_PATH}/[^/]+|POST /s/[^/]+/uploads?|PATCH /s/[^/]+/uploads/[^/]+",
    re.DOTALL,
)
#: The forms of upload pages, in which their tokens come, and what phones share, which has none.
PAGE_FORM = re.compile(r"/upload|/s/[^/]+/upload|/share-target")
#: The longest body of somebody who is not signed in, in bytes.
SHORT_FORM = 16 * 1024
#: The longest form of many files, in bytes.
MOST_FORM = 2**40
#: A short body beyond this is received into a file, in bytes.
IN_MEMORY = 2**18
#: Of a body of unknown length, the free room is looked at again after so many bytes.
LOOK_EVERY = 2**22


class NoLength(HomequeueError):
    """A body that could fill the disk before anybody knows how long it is."""

    status = 411
    code = "no_length"


class Arrival:
    """The buffer of a raw upload: its file in the library, hashed as the bytes come.

    `check` raises what is said of a file of so many bytes, and writes it down.
    """

    def __init__(self, expected: int = 0, check: Callable[[int], None] = lambda _: None) -> None:
        self.incoming = media.receive()
        self.check = check
        self._look_at = LOOK_EVERY if not expected else math.inf
        room.expect(self, lambda: max(0, expected - self.incoming.size))

    def append(self, data: bytes) -> None:
        """Take bytes from the line; NoSpace when one of unknown length fills the disk."""
        self.incoming.write(data)
        if self.incoming.size >= self._look_at:
            self._look_at += LOOK_EVERY
            ingest.check_room()

    def __len__(self) -> int:
        return self.incoming.size

    def getfile(self) -> Incoming:
        """Return what the application is given as the body."""
        return self.incoming

    def close(self) -> None:
        """Forget the upload, unless it was kept."""
        room.release(self)
        self.incoming.discard()


@dataclass(frozen=True)
class Asked:
    """A request whose headers have come, named as waitress does: `CONTENT_TYPE`.

    `size` is that of its body, 0 if it is not known before.
    """

    command: str
    path: str
    headers: dict[str, str]
    size: int
    #: Where it comes from.
    address: str | None = None

    @property
    def is_upload(self) -> bool:
        """Whether its body may be of any size."""
        return UPLOADS.fullmatch(f"{self.command} {self.path}") is not None

    @property
    def is_short(self) -> bool:
        """Whether its body may come without a question, whoever sends it."""
        return not self.is_upload and 0 < self.size <= SHORT_FORM

    @property
    def filename(self) -> str:
        """The name of the file that is its body, as its sender gives it."""
        named = text_of(self.header("X-Filename"))
        path = self.path.encode("latin-1", "replace").decode(errors="replace")
        return named or path.removeprefix("/api/assets").removeprefix("/")

    def header(self, name: str) -> str:
        """Return a header by its name; empty if it is absent."""
        return self.headers.get(name.upper().replace("-", "_"), "")


#: The most bytes that a body may have, and where they go as they come.
Admitted = tuple[int, Arrival | Form | Piece | None]


def admit(asked: Asked, secret: bytes) -> Admitted:
    """Decide about the body of a request; refused as the application would refuse it.

    Whoever is not signed in may send a short form and no more.
    """
    cookie = partial(_cookie, asked)
    principal = principals.who(asked.path, asked.header("Authorization"), cookie, asked.address)
    if not asked.is_upload:
        most = LONGEST_FORM if principal.user else SHORT_FORM
        if asked.size > most:
            raise TooLarge("This is more than can be sent here.")
        return most, None
    principals.check_host(asked.header("Host"))
    principals.authorise(principal, "drop" if principal.share else "upload")
    _check_site(asked, principal, secret)
    assert principal.receiver is not None  # nobody else may upload
    resumable_path = TUS_PATHS.fullmatch(asked.path)
    if resumable_path:
        upload_id = resumable_path["upload"]
        return _admit_resumable(principal.receiver, principal.guest, asked, upload_id)
    shares.check_room(principal.guest, asked.size)
    return _admit_files(principal.receiver, asked)


def _check_site(asked: Asked, principal: Principal, secret: bytes) -> None:
    # The application asks this too, but what came of a resumable upload by then would stay.
    principals.check_same_site(
        asked.header("Origin"), asked.header("Sec-Fetch-Site"), asked.header("Host")
    )
    if PAGE_FORM.fullmatch(asked.path):
        principals.check_browser(principal)
    else:
        principals.check_csrf(principal, asked.header("X-CSRF-Token"), secret)


def _admit_files(user: User, asked: Asked) -> Admitted:
    # What is put by WebDAV is a file, whatever it is called.
    is_file = DAV_PATHS.fullmatch(asked.path) is not None
    boundary = None if is_file else forms.boundary_of(asked.header("Content-Type"))
    if boundary is not None:
        # A form may hold many files, each of which is measured when it comes.
        if not asked.size:
            raise NoLength("A form must say how long it is.")
        with room.turn():
            room.check(2 * asked.size)
            return MOST_FORM, Form(boundary, asked.size)
    if PAGE_FORM.fullmatch(asked.path):
        raise Invalid("This is not the form of a page.")
    if asked.size:
        ingest.check_file(user, asked.filename, asked.size)
    with room.turn():
        # It may be there twice for a moment: as it was received, and as it is kept.
        room.check(2 * asked.size)
        check = partial(ingest.check_file, user, asked.filename)
        return config.settings().uploads.max_size, Arrival(asked.size, check)


def _admit_resumable(
    user: User, guest: Guest | None, asked: Asked, upload_id: str | None
) -> Admitted:
    if upload_id is not None:
        piece = tus.admit_piece(user, asked.header, upload_id, asked.size, guest)
        return piece.room, piece
    most = tus.admit_creation(asked.header, asked.size)
    with room.turn():
        said = user, most, asked.header("Upload-Metadata"), guest
        if creation.begun_before(*said) is None:
            resumable.check(*said)
        return most, Arrival(asked.size)


def _cookie(asked: Asked, name: str) -> str:
    try:
        morsel = SimpleCookie(asked.header("Cookie")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
