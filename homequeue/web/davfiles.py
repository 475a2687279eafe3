"""The inbox as WsgiDAV sees it: folders and files, on top of the deposits.

It is imported with the first request to `/dav` only, as WsgiDAV and what it needs take 6 MB.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from xml.etree.ElementTree import register_namespace

from peewee import OperationalError
from wsgidav.dav_error import (
    HTTP_FORBIDDEN,
    HTTP_INTERNAL_ERROR,
    HTTP_NO_CONTENT,
    HTTP_NOT_MODIFIED,
    DAVError,
    get_http_status_string,
)
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.mw.base_mw import BaseMiddleware
from wsgidav.request_resolver import RequestResolver
from wsgidav.util import parse_time_string
from wsgidav.wsgidav_app import WsgiDAVApp

from homequeue import config, db
from homequeue.errors import HomequeueError
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.models import User
from homequeue.services import deposits, ingest
from homequeue.services.deposits import Entry
from homequeue.web.dav import ONLY_SENDS
from homequeue.web.security import DAV_PATH, Wsgi

logger = logging.getLogger("homequeue.web")
# What goes wrong is answered, and what is our fault is logged where that is done.
logging.getLogger("wsgidav").setLevel(logging.CRITICAL + 1)
# Some programs look for the customary prefix, not for what it stands for.
register_namespace("D", "DAV:")

#: The last moment that has a date with four digits for the year.
LAST = 253402300799.0


class Errors(BaseMiddleware):  # type: ignore[misc]
    """Says in a line what is wrong, or in XML where the protocol has a word for it."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        """Answer, or say why not."""
        pieces = iter(self.next_app(environ, start_response))
        try:
            first = next(pieces, b"")
        except DAVError as error:
            yield _said(error, start_response)
            return
        except Exception:
            logger.exception("A defect at %s", DAV_PATH)
            yield _said(DAVError(HTTP_INTERNAL_ERROR), start_response)
            return
        yield first
        yield from pieces


def _said(error: DAVError, start_response: Any) -> bytes:
    status = get_http_status_string(error)
    kind, page = error.get_response_page() if error.err_condition else ("text/plain", b"")
    if error.value not in (HTTP_NO_CONTENT, HTTP_NOT_MODIFIED) and not page:
        page = f"{error.context_info or status}\n".encode()
    page = page if error.add_body else b""
    headers = [("Content-Type", kind), ("Content-Length", str(len(page)))]
    start_response(status, headers + (error.add_headers or []))
    return bytes(page)


CONFIG: dict[str, Any] = {
    "mount_path": DAV_PATH,
    # We have asked who it is, and people have pages to look at.
    "middleware_stack": [Errors, RequestResolver],
    "logging": {"enable": False},
    "verbose": 0,
    "suppress_version_info": True,
    "hotfixes": {"re_encode_path_info": False, "emulate_win32_lastmod": True},
    "lock_storage": True,
    "property_manager": None,
}


def application(user: User) -> Wsgi:
    """Return the WebDAV server of a user's inbox, with its locks."""
    app: Wsgi = WsgiDAVApp(CONFIG | {"provider_mapping": {"/": Inbox(user)}})
    return app


class Inbox(DAVProvider):  # type: ignore[misc]
    """The inbox of a user."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user

    def get_resource_inst(
        self, path: str | None, environ: dict[str, Any]
    ) -> "File | Folder | None":
        """Return what is at a path, None if there is nothing, as above the inbox."""
        if path is None:
            return None
        place = path.strip("/")
        with _in_words():
            entry = deposits.look(self.user, place)
        return None if entry is None else made(self.user, path, environ, entry)


class File(DAVNonCollection):  # type: ignore[misc]
    """A file that lies in the inbox, or was taken from it."""

    provider: Inbox

    def __init__(self, user: User, path: str, environ: dict[str, Any], entry: Entry) -> None:
        super().__init__(path, environ)
        self._user = user
        self._place = path.strip("/")
        self._entry = entry

    def get_content_length(self) -> int:
        """Return its size in bytes."""
        return self._entry.size

    def get_content_type(self) -> str:
        """Return its type, by its name."""
        return deposits.kind(self._place)

    def get_last_modified(self) -> float:
        """Return when it was changed last, in seconds since 1970."""
        return _shown(self._entry.modified_at)

    def get_etag(self) -> str:
        """Return what changes with its bytes."""
        return self._entry.tag

    def support_etag(self) -> bool:
        """Say that it has such a thing."""
        return True

    def support_ranges(self) -> bool:
        """Say that a part of it can be had."""
        return True

    def get_content(self) -> BinaryIO:
        """Open it."""
        with _in_words():
            return deposits.read(self._user, self._place)

    def begin_write(self, *, content_type: str | None = None) -> "File":
        """Take what was sent in the place of it."""
        return self

    def writelines(self, _pieces: Iterator[bytes]) -> None:
        """Keep the body, which the server has received as a file already."""
        body = self.environ["wsgi.input"]
        given = self.environ.get("HTTP_X_OC_MTIME", "")
        modified_at = float(given) if given.isascii() and given.isdecimal() else None
        with _in_words():
            self._check(self._place)
            # A body that is short enough for the memory is no file yet.
            pieces = iter(lambda: body.read(2**20), b"")
            received = body if isinstance(body, Incoming) else ingest.copy(pieces)
            try:
                self._entry = deposits.put(self._user, self._place, received, modified_at)
            finally:
                received.discard()

    def close(self) -> None:
        """Do nothing: all was done when it was written."""

    def set_last_modified(self, dest_path: str, time_stamp: str, *, dry_run: bool) -> bool:
        """Take over the moment that Windows gives it."""
        moment = parse_time_string(time_stamp)
        if moment is None:
            raise DAVError(HTTP_FORBIDDEN)
        if not dry_run:
            with _in_words():
                self._check(self._place)
                deposits.touch(self._user, self._place, float(moment))
        return True

    def delete(self) -> None:
        """Take it out of the inbox."""
        _delete(self._user, self)

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        """Have it at another place too."""
        with _in_words():
            self._check(dest_path.strip("/"))
            deposits.copy(self._user, self._place, dest_path.strip("/"))

    def support_recursive_move(self, dest_path: str) -> bool:
        """Say that it can be moved as it is."""
        return True

    def move_recursive(self, dest_path: str) -> list[Any]:
        """Give it another place."""
        return _move(self._user, self, dest_path)

    def _check(self, place: str) -> None:
        """Refuse to replace what came another way if who asks may only send."""
        if self.environ[ONLY_SENDS]:
            deposits.sent(self._user, place)


class Folder(DAVCollection):  # type: ignore[misc]
    """A folder of the inbox."""

    def __init__(self, user: User, path: str, environ: dict[str, Any], entry: Entry) -> None:
        super().__init__(path, environ)
        self._user = user
        self._place = path.strip("/")
        self._entry = entry

    def get_last_modified(self) -> float:
        """Return when something came or went last, in seconds since 1970."""
        return _shown(self._entry.modified_at)

    def get_available_bytes(self) -> int:
        """Return how much may still be sent."""
        return max(0, media.free_bytes() - config.settings().uploads.min_free)

    def get_used_bytes(self) -> int:
        """Return how much of the disk is used."""
        return max(0, media.disk_bytes() - media.free_bytes())

    def get_member_names(self) -> list[str]:
        """Return the names of what is in it."""
        return list(deposits.members(self._user, self._place))

    def get_member_list(self) -> list["File | Folder"]:
        """Return what is in it."""
        begin = self.path if self.path.endswith("/") else f"{self.path}/"
        found = deposits.members(self._user, self._place)
        return [made(self._user, begin + n, self.environ, entry) for n, entry in found.items()]

    def create_empty_resource(self, name: str) -> File:
        """Make an empty file; one that is being put is made when it is there."""
        path = f"{self.path.rstrip('/')}/{name}"
        entry = Entry(is_folder=False)
        if self.environ["REQUEST_METHOD"] != "PUT":
            with _in_words():
                entry = deposits.put(self._user, path.strip("/"), None, None)
        return File(self._user, path, self.environ, entry)

    def create_collection(self, name: str) -> None:
        """Make a folder in it."""
        with _in_words():
            deposits.make_folder(self._user, f"{self._place}/{name}".strip("/"))

    def support_recursive_delete(self) -> bool:
        """Say that it can be deleted with all that is in it."""
        return True

    def delete(self) -> None:
        """Take it and what is in it out of the inbox."""
        if not self._place:
            raise DAVError(HTTP_FORBIDDEN)
        _delete(self._user, self)

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        """Have a folder without what is in it at another place too."""
        with _in_words():
            deposits.make_folder(self._user, dest_path.strip("/"))

    def support_recursive_move(self, dest_path: str) -> bool:
        """Say that it can be moved as it is, unless it is the inbox."""
        return bool(self._place)

    def move_recursive(self, dest_path: str) -> list[Any]:
        """Give it another place."""
        return _move(self._user, self, dest_path)


def made(user: User, path: str, environ: dict[str, Any], entry: Entry) -> File | Folder:
    """Return an entry as WsgiDAV knows them."""
    return (Folder if entry.is_folder else File)(user, path, environ, entry)


def _delete(user: User, found: File | Folder) -> None:
    only_sent = found.environ[ONLY_SENDS]
    with _in_words():
        deposits.remove(user, found.path.strip("/"), only_sent=only_sent)
    found.remove_all_locks(recursive=True)


def _move(user: User, found: File | Folder, dest_path: str) -> list[Any]:
    with _in_words():
        if found.environ[ONLY_SENDS]:
            deposits.sent(user, found.path.strip("/"))
        deposits.move(user, found.path.strip("/"), dest_path.strip("/"))
    # Locks are of addresses, and do not move (RFC 4918, 7.5).
    found.remove_all_locks(recursive=True)
    return []


def _shown(moment: float) -> float:
    """Return a moment that there is a date for: of files that came another way it may be any."""
    return min(max(0.0, moment), LAST)


@contextmanager
def _in_words() -> Iterator[None]:
    """Have WsgiDAV answer our errors with their status and words."""
    try:
        yield
    except HomequeueError as error:
        raise DAVError(error.status, str(error)) from error
    except OperationalError as error:
        told = db.in_words(error)
        raise DAVError(told.status, str(told)) from error
    except Exception as error:
        # WsgiDAV would only tell the client, of some without any words.
        logger.exception("A defect at %s", DAV_PATH)
        raise DAVError(HTTP_INTERNAL_ERROR) from error
