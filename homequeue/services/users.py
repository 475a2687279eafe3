"""Accounts, and the two ways in: sessions of browsers and tokens of programs."""

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final
from unicodedata import normalize

from peewee import OperationalError

from homequeue import facts
from homequeue.db import db
from homequeue.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooMany
from homequeue.models import Asset, Session, Token, User
from homequeue.services import passwords

#: Days that a token may last, if it is to expire at all.
LONGEST_TOKEN = 3650
#: That a token was used is written down at most this often, in seconds.
NOTICED = 3600.0
#: Scopes of tokens, each with what it may do.
SCOPES: dict[str, tuple[str, ...]] = {
    "upload": ("upload",),
    "read": ("read",),
    "write": ("upload", "read", "write"),
    "admin": ("upload", "read", "write", "admin"),
}
#: argon2id as OWASP's password storage cheat sheet has it: 19 MiB, two passes, one lane.
ARGON2: Final[dict[str, Any]] = {"memory_cost": 19 * 1024, "time_cost": 2, "parallelism": 1}
#: At most two passwords are hashed at a time, so that guessing cannot fill the memory.
_hashing = threading.BoundedSemaphore(2)
#: Names and passwords that were right, as keyed hashes, with the stored hash that said so.
_seen: dict[bytes, str] = {}
_seen_key = secrets.token_bytes(32)
MOST_SEEN = 100


class Throttle:
    """Counts failures of a name or an address; each beyond `free` doubles the wait."""

    free = 5
    longest = 900
    #: Beyond so many keys, those that need not wait are forgotten.
    most = 10_000

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def check(self, *keys: str) -> None:
        """Raise TooMany while one of the keys has to wait."""
        now = time.monotonic()
        with self._lock:
            wait = max(self._failures.get(digest(key), (0, 0.0))[1] - now for key in keys)
        if wait > 0:
            seconds = int(wait) + 1
            words = "1 second" if seconds == 1 else f"{seconds} seconds"
            raise TooMany(f"Too many tries. Try again in {words}.", seconds)

    def failed(self, *keys: str) -> None:
        """Count a failure for each key."""
        now = time.monotonic()
        with self._lock:
            if len(self._failures) > self.most:
                self._failures = {k: found for k, found in self._failures.items() if found[1] > now}
            for key in map(digest, keys):
                count = self._failures.get(key, (0, 0.0))[0] + 1
                wait = min(2 ** (count - self.free), self.longest) if count >= self.free else 0
                self._failures[key] = (count, now + wait)

    def passed(self, *keys: str) -> None:
        """Forget the failures of each key."""
        with self._lock:
            for key in map(digest, keys):
                self._failures.pop(key, None)


throttle = Throttle()


def add(name: str, password: str, *, is_admin: bool = False) -> User:
    """Create an account; Invalid or Conflict say what is wrong with it."""
    name = normalize("NFC", name).strip()
    if not re.fullmatch(r"[^\s\x00-\x1f/\\:][^\x00-\x1f/\\:]{0,63}", name):
        raise Invalid("A name has 1 to 64 characters, without / \\ and :")
    passwords.check(password, name)
    hashed = hash_password(password)
    with db.atomic():
        if find(name) is not None:
            raise Conflict(f"There already is someone called {name}.")
        return User.create(name=name, password=hashed, is_admin=is_admin)


def find(name: str) -> User | None:
    """Return the user of a name, in whatever case it is written; None if there is none."""
    wanted = alike(name)
    return next((user for user in User.select() if alike(user.name) == wanted), None)


def alike(name: str) -> str:
    """Return what is the same of names that people take for the same."""
    return normalize("NFC", name).strip().casefold()


def get(name: str) -> User:
    """Return the user of a name; NotFound if there is none."""
    user = find(name)
    if user is None:
        raise NotFound(f"There is nobody called {name}.")
    return user


def everyone() -> list[User]:
    """Return all users by name."""
    return list(User.select().order_by(User.name))


def remove(user: User) -> None:
    """Delete an account that owns nothing and is not the last that may administer."""
    if Asset.select().where(Asset.owner == user).exists():
        raise Conflict(f"{user.name} still has photos here.")
    others = User.select().where(User.is_admin, User.id != user.id)
    if user.is_admin and not others.exists():
        raise Conflict("The last administrator cannot be removed.")
    user.delete_instance()


def set_password(user: User, password: str) -> None:
    """Set a new password and end every session; Invalid if it is a weak one."""
    passwords.check(password, user.name)
    hashed = hash_password(password)
    with db.atomic():
        User.update(password=hashed).where(User.id == user.id).execute()
        Session.delete().where(Session.user == user).execute()


def sign_in(name: str, password: str, address: str) -> User:
    """Return the user if the password is right, with the same words whatever was wrong.

    Raises TooMany after repeated failures for the name or from the address.
    """
    keys = (f"name {alike(name)}", f"address {network(address)}")
    throttle.check(*keys)
    user = find(name)
    right = verify_password(user.password if user else None, password)
    if user is None or not right:
        throttle.failed(*keys)
        raise NotSignedIn("The name or the password is wrong.")
    throttle.passed(*keys)
    return user


def by_password(name: str, password: str, address: str) -> User:
    """Return the user if the password is right, as `sign_in` does.

    Programs send it with each request; what was right is known again without hashing it, until it
    is changed or the process ends.
    """
    said = f"{alike(name)}\0{password}".encode(errors="replace")
    mark = hmac.digest(_seen_key, said, "sha256")
    user = find(name)
    if user is not None and _seen.get(mark) == user.password:
        return user
    user = sign_in(name, password, address)
    if len(_seen) >= MOST_SEEN:
        _seen.clear()
    _seen[mark] = user.password
    return user


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _hashing:
        return str(_hasher().hash(password))


def verify_password(hashed: str | None, password: str) -> bool:
    """Tell whether a password is right; it takes as long where there is no such user."""
    import argon2  # noqa: PLC0415  (3 MB that only a sign-in needs)

    with _hashing:
        try:
            return bool(_hasher().verify(hashed or _nobody(), password[: passwords.LONGEST]))
        except argon2.exceptions.VerificationError:
            return False


def open_session(user: User, days: int) -> str:
    """Begin a session and return the secret for its cookie (256 bit)."""
    secret = secrets.token_urlsafe(32)
    Session.create(digest=digest(secret), user=user, expires_at=time.time() + days * 86400)
    return secret


def by_session(secret: str) -> User | None:
    """Return whose session this is; None if it has ended."""
    session = (
        Session.select(Session, User)
        .join(User)
        .where(Session.digest == digest(secret), Session.expires_at > time.time())
        .first()
    )
    if session is None:
        return None
    user: User = session.user
    user.came_by = f"session {session.digest}"
    return user


def close_session(secret: str) -> None:
    """End a session."""
    Session.delete().where(Session.digest == digest(secret)).execute()


def forget_sessions() -> int:
    """Delete sessions and tokens that have expired; return how many."""
    now = time.time()
    tokens = Token.delete().where(Token.expires_at < now).execute()
    return int(Session.delete().where(Session.expires_at < now).execute() + tokens)


def add_token(user: User, name: str, scope: str, days: int | None) -> str:
    """Create a token and return it (256 bit); it is shown only this once."""
    if scope not in SCOPES:
        raise Invalid(f"A scope is one of {', '.join(SCOPES)}.")
    if days is not None and not 1 <= days <= LONGEST_TOKEN:
        raise Invalid(f"A token lasts from 1 to {LONGEST_TOKEN} days.")
    if scope == "admin" and not user.is_admin:
        raise NotAllowed(f"{user.name} does not administer this server.")
    token = "hq_" + secrets.token_urlsafe(32)
    expires_at = time.time() + days * 86400 if days is not None else None
    Token.create(digest=digest(token), user=user, name=name, scope=scope, expires_at=expires_at)
    return token


def tokens(user: User | None = None) -> list[Token]:
    """Return the tokens that work, of one user or of all, oldest first."""
    works = Token.expires_at.is_null() | (Token.expires_at > time.time())
    whose = Token.user == user if user else True
    return list(Token.select(Token, User).join(User).where(works, whose).order_by(Token.id))


def remove_tokens(ids: Iterable[int]) -> list[Token]:
    """Make tokens worthless and return them; NotFound, and none is, if one is not there."""
    works = {token.id: token for token in tokens()}
    ids = list(dict.fromkeys(ids))
    if missing := [str(token_id) for token_id in ids if token_id not in works]:
        raise NotFound(f"There is no token {', '.join(missing)}; nothing was removed.")
    Token.delete().where(Token.id.in_(ids)).execute()
    return [works[token_id] for token_id in ids]


def by_token(token: str) -> tuple[User, str] | None:
    """Return whose token this is and its scope; None if it is unknown or has expired."""
    row = Token.select(Token, User).join(User).where(Token.digest == digest(token)).first()
    now = time.time()
    if row is None or (row.expires_at is not None and row.expires_at < now):
        return None
    if row.used_at is None or row.used_at < now - NOTICED:
        # Whoever only looks is let in though the disk be full.
        with suppress(OperationalError):
            Token.update(used_at=now).where(Token.id == row.id).execute()
    row.user.came_by = f"token {row.id}"
    return row.user, row.scope


def is_set_up() -> bool:
    """Tell whether there is any user."""
    return bool(User.select().exists())


def new_set_up_code() -> str:
    """Return a new one-time code with which the first account is made."""
    code = "-".join(f"{secrets.randbelow(10_000):04}" for _ in range(3))
    facts.remember("set_up_code", digest(code))
    return code


def set_up(code: str, name: str, password: str, address: str) -> User:
    """Make the first account, an administrator's, for whoever holds the one-time code."""
    key = f"set-up {network(address)}"
    throttle.check(key)
    written = re.sub(r"\D", "", code)
    code = "-".join(written[at : at + 4] for at in range(0, len(written), 4))
    expected = facts.recall("set_up_code", "")
    if not hmac.compare_digest(digest(code), expected):
        throttle.failed(key)
        raise NotAllowed("This is not the set-up code that homequeue printed when it started.")
    with db.atomic():
        if is_set_up():
            raise Conflict("This server has been set up already. Please sign in.")
        user = add(name, password, is_admin=True)
        facts.forget("set_up_code")
    return user


def digest(secret: str) -> str:
    """Return the SHA-256 under which a secret is stored."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def network(address: str) -> str:
    """Return what a guesser cannot change: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def _hasher() -> Any:
    import argon2  # noqa: PLC0415  (3 MB that only a sign-in needs)

    return argon2.PasswordHasher(**ARGON2)


_NOBODY: list[str] = []


def _nobody() -> str:
    if not _NOBODY:
        _NOBODY.append(str(_hasher().hash(secrets.token_hex())))
    return _NOBODY[0]
