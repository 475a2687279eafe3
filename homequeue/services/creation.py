"""What the maker of a resumable upload says of it, and whether it was said before.

Who did not hear the answer asks once more. By a key of its own, which it sends along, it is told
of the upload that there is instead of being given another one.
"""

import base64
import binascii
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from homequeue.errors import BadRequest, Gone, Locked
from homequeue.media import media
from homequeue.models import Asset, Guest, Upload, User

BUSY = "This upload is being begun already."

_beginning: set[str] = set()
_turn = threading.Lock()


def metadata_of(text: str) -> dict[str, str]:
    """Return what `Upload-Metadata` says: names, each with a value in Base64 or with none.

    >>> metadata_of("filename c2VhLmpwZw==,is_new")
    {'filename': 'sea.jpg', 'is_new': ''}
    """
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, _, value = pair.partition(" ")
        if name in found:
            raise BadRequest(f"“{name}” is in the metadata twice.")
        found[name] = decoded(value).decode(errors="replace")
    return found


def decoded(text: str) -> bytes:
    """Return what is written in Base64; BadRequest if it is not."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("This is not Base64.") from None


def new_id(user: User, size: int, metadata: str, guest: Guest | None = None) -> str:
    """Return the id of an upload: the same one for the same words with a key by one sender."""
    return _keyed(user, size, metadata, guest) or secrets.token_hex(16)


def begun_before(user: User, size: int, metadata: str, guest: Guest | None = None) -> Upload | None:
    """Return the upload that these words have begun; Locked while a request is just doing so."""
    upload_id = _keyed(user, size, metadata, guest)
    if upload_id in _beginning:
        raise Locked(BUSY)
    return _found(upload_id, user)


@contextmanager
def once(
    user: User, size: int, metadata: str, guest: Guest | None = None
) -> Iterator[Upload | None]:
    """Yield what `begun_before` returns, and let nobody else begin it meanwhile."""
    upload_id = _keyed(user, size, metadata, guest)
    if not upload_id:
        yield None
        return
    with _turn:
        if upload_id in _beginning:
            raise Locked(BUSY)
        _beginning.add(upload_id)
    try:
        yield _found(upload_id, user)
    finally:
        _beginning.discard(upload_id)


def _keyed(user: User, size: int, metadata: str, guest: Guest | None) -> str:
    """Return the id that words with a key give an upload; empty without one."""
    if not metadata_of(metadata).get("key"):
        return ""
    said = f"{user.id} {guest.id if guest else ''} {size} {metadata}"
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:32]


def _found(upload_id: str, user: User) -> Upload | None:
    """Return an upload, if what it has become, or its bytes, are still there."""
    upload: Upload | None = Upload.get_or_none(Upload.id == upload_id) if upload_id else None
    if upload is None:
        return None
    upload.user = user  # who asks knows by what they have come in
    if upload.asset is not None:
        if not Asset.select().where(Asset.id == upload.asset).exists():
            # It was deleted for good since: who sends it again must not be told that it is kept.
            Upload.delete().where(Upload.id == upload_id).execute()
            return None
        return upload
    try:
        media.resumable_since(upload_id)
    except Gone:
        is_open = (Upload.id == upload_id) & Upload.asset.is_null()
        # It may have become a photo since its row was read.
        return None if Upload.delete().where(is_open).execute() else _found(upload_id, user)
    return upload
