"""Drop links: who has one sends photos to its user without an account, and the user says yes first.

What waits for a yes is out of sight as what is in the trash is: whoever leaves out the trash leaves
it out. Only what lists or empties the trash must know that it is not in there (`Asset.awaits`).
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from peewee import fn

from homequeue.db import db
from homequeue.errors import Conflict, Gone, Invalid, Locked, NotFound, TooLarge
from homequeue.media import media
from homequeue.models import Asset, Batch, Guest, Receipt, Share, Upload, User
from homequeue.services import albums, assets, pairs, receipts, users

DAY = 86400.0
LONGEST_DAYS = 366
MOST_FILES = 100_000
MOST_SIZE = 10**13
LONGEST_NAME = 80
#: Browsers that may come by one link: each is a row, and whoever has the link may make them.
MOST_GUESTS = 2000
#: How many of their files a guest is shown.
SHOWN = 500
#: Photos about which one transaction decides, and how long others have their turn between two, in
#: seconds: who waits for SQLite looks at least every tenth of one.
PORTION, PAUSE = 100, 0.05
ENDED = "This link has ended. Ask whoever sent it to you for a new one."
FULL = "This link takes no more photos. Ask whoever sent it to you for a new one."


@dataclass(frozen=True)
class Terms:
    """What a link is for, how long it lasts and what it takes: `max_size` bytes of all files."""

    title: str
    album: str = ""
    days: int = 30
    max_files: int = 500
    max_size: int = 20 * 10**9
    needs_approval: bool = True


# Links


def make(user: User, terms: Terms) -> tuple[Share, str]:
    """Make a drop link; return it and its token (256 bit), which is shown only this once."""
    title = "".join(albums.titles(terms.title))
    if not title:
        raise Invalid("A link needs a title: whoever opens it reads what you ask for.")
    _check("A link lasts", terms.days, LONGEST_DAYS, "days")
    _check("A link takes", terms.max_files, MOST_FILES, "photos")
    _check("A link takes", terms.max_size, MOST_SIZE, "bytes")
    token = secrets.token_urlsafe(32)
    share: Share = Share.create(
        digest=users.digest(token),
        user=user,
        title=title,
        album="".join(albums.titles(terms.album)),
        needs_approval=terms.needs_approval,
        max_files=terms.max_files,
        max_size=terms.max_size,
        expires_at=time.time() + terms.days * DAY,
    )
    return share, token


def by_token(token: str, address: str | None = None) -> Share:
    """Return the link of a token; NotFound if there is none, Gone if it has ended.

    Who tries tokens from an address that is told has to wait after some that were wrong. A right
    one is let in all the same: a whole party may share that address, and nobody guesses 256 bit.
    """
    found: Share | None = (
        Share.select(Share, User).join(User).where(Share.digest == users.digest(token)).first()
    )
    if found is None:
        if address is not None:
            users.throttle.check(f"link {users.network(address)}")
            users.throttle.failed(f"link {users.network(address)}")
        raise NotFound("There is no such link. Perhaps a part of it was lost on the way.")
    if is_over(found):
        raise Gone(ENDED)
    return found


def by_id(share_id: int) -> Share:
    """Return a link as it is now: others send by it, too."""
    found: Share = Share.get_by_id(share_id)
    return found


def is_open(share: Share) -> bool:
    """Tell whether a link still lets anybody in and takes what they send."""
    return not is_over(share) and not is_full(share)


def is_full(share: Share) -> bool:
    """Tell whether all that a link takes has come: guests then see what they sent, no more."""
    return bool(share.files >= share.max_files or share.size >= share.max_size)


def is_over(share: Share) -> bool:
    """Tell whether a link lets in nobody any more, also none of those who were in."""
    return share.ended_at is not None or bool(share.expires_at <= time.time())


def listed(user: User) -> list[Share]:
    """Return the links of a user, newest first.

    Each has `waiting`, how many photos wait for a yes, and `known`, how many were here already.
    """
    waits = Asset.select(fn.COUNT(Asset.id)).where(Asset.share == Share.id, Asset.awaits)
    columns = Share, waits.alias("waiting"), _known().alias("known")
    query: Any = Share.select(*columns).where(Share.user == user)
    return list(query.order_by(Share.id.desc()))


def _known() -> Any:
    """Select how many files came by a link that were here, in view, and not by that link."""
    sent = Receipt.select(fn.COUNT(Receipt.id)).join(Batch)
    sent = sent.join(Guest, on=(Batch.guest == Guest.id))
    sent = sent.join(Asset, on=(Receipt.asset == Asset.id))
    elsewhere = Asset.share.is_null() | (Asset.share != Share.id)
    return sent.where(Guest.share == Share.id, Receipt.outcome == receipts.KNOWN, elsewhere)


def get(user: User, share_id: int) -> Share:
    """Return a user's link; NotFound if it is missing or somebody else's."""
    found: Share | None = Share.get_or_none((Share.id == share_id) & (Share.user == user))
    if found is None:
        raise NotFound("There is no such link.")
    return found


def end(share: Share) -> None:
    """Let nobody in by a link any more; what came stays."""
    still_open = (Share.id == share.id) & Share.ended_at.is_null()
    Share.update(ended_at=time.time()).where(still_open).execute()


def forget_before(moment: float) -> int:
    """Forget links that ended before a moment and of which nothing waits; return how many."""
    waiting = Asset.select(Asset.share).where(Asset.awaits, Asset.share.is_null(False))
    old = (Share.ended_at < moment) | (Share.expires_at < moment)
    return int(Share.delete().where(old, Share.id.not_in(waiting)).execute())


# Guests


def welcome(share: Share, name: str) -> str:
    """Let a browser in by a link; return the secret for its cookie (256 bit)."""
    check_door(share)
    if Guest.select().where(Guest.share == share).count() >= MOST_GUESTS:
        raise Conflict("Too many have come by this link. Ask for a new one.")
    called = "".join(albums.titles(name))[:LONGEST_NAME]
    secret = secrets.token_urlsafe(32)
    Guest.create(digest=users.digest(secret), share=share, name=called)
    return secret


def check_door(share: Share) -> None:
    """Raise Gone if a link lets in nobody new, as all that it takes has come."""
    if is_full(share):
        raise Gone(FULL)


def guest(share: Share, secret: str) -> Guest | None:
    """Return who has this secret of a link; None if nobody has."""
    same = (Guest.digest == users.digest(secret)) & (Guest.share == share)
    found: Guest | None = Guest.get_or_none(same)
    if found is not None:
        found.share = share
    return found


def sent(who: Guest) -> list[Receipt]:
    """Return what became of the newest files of a guest, newest first."""
    own = Batch.select(Batch.id).where(Batch.guest == who.id)
    rows = Receipt.select().where(Receipt.batch.in_(own))
    return list(rows.order_by(Receipt.id.desc()).limit(SHOWN))


# Limits


def check_room(who: Guest | None, size: int, files: int = 1) -> None:
    """Raise Gone or TooLarge if a guest may not send so many bytes.

    What is under way counts, but may never come: Locked says that it may be asked later.
    """
    if who is None:
        return
    open_: Any = Upload.select(fn.COUNT(Upload.id), fn.COALESCE(fn.SUM(Upload.size), 0))
    # What somebody has begun and left alone must not close the link for a week.
    grows = Upload.id.in_(list(media.growing())) & Upload.ended_at.is_null()
    under_way = open_.join(Guest).where(Guest.share == who.share_id, grows)
    others, taken = under_way.scalar(as_tuple=True)
    share = Share.get_by_id(who.share_id)
    _check_left(share, files, size)
    try:
        _check_left(share, int(others) + files, int(taken) + size)
    except TooLarge:
        raise Locked("This link is nearly full with what is being sent just now.") from None


@contextmanager
def counted(who: Guest | None, sizes: Sequence[int]) -> Iterator[None]:
    """Count files towards what a guest's link takes, unless they are not kept after all.

    They are counted before they are kept: two that come at once must not both be the last.
    """
    if who is None:
        yield
        return
    _count(who.share_id, len(sizes), sum(sizes))
    try:
        yield
    except BaseException:
        _add(who.share_id, -len(sizes), -sum(sizes)).execute()
        raise


def _count(share_id: int, files: int, size: int) -> None:
    with db.atomic():
        _check_left(Share.get_by_id(share_id), files, size)
        _add(share_id, files, size).execute()


def _add(share_id: int, files: int, size: int) -> Any:
    grown = {"files": Share.files + files, "size": Share.size + size}
    return Share.update(**grown).where(Share.id == share_id)


def _check_left(share: Share, files: int, size: int) -> None:
    if is_over(share):
        raise Gone(ENDED)
    if share.files + files > share.max_files:
        raise TooLarge("No more photos fit into this link. Ask whoever sent it for a new one.")
    if share.size + size > share.max_size:
        raise TooLarge("This link has not enough room left for it. Ask for a new one.")


# What waits for a yes


def columns(who: Guest | None) -> dict[str, Any]:
    """Return what the row of a new asset says of the guest who sent it."""
    if who is None:
        return {}
    waits = who.share.needs_approval
    hidden = {"awaits": True, "trashed_at": time.time()} if waits else {}
    return {"share": who.share_id, "guest": who.name, **hidden}


def offer(who: Guest, asset: Asset) -> None:
    """Take an asset that a guest has sent again out of the trash, or ask its owner for a yes.

    Its other half comes with it. Whose it was, it stays: only the link says by which it came.
    """
    again: dict[str, Any] = {"trashed_at": None, **columns(who)}
    del again["guest"]
    in_trash = Asset.trashed_at.is_null(False) & ~Asset.awaits
    found = list(Asset.select(Asset.id).where(pairs.together(asset.id), in_trash))
    ids = [one.id for one in found]
    if ids:
        Asset.update(again).where(Asset.id.in_(ids)).execute()
        assets.ask_of_copies(ids, is_asked=True)
        pairs.link(asset.id)  # the other half may have come meanwhile


def waiting(user: User) -> int:
    """Return how many photos wait for a user's yes."""
    # Compared with a value, so that the index of just these is used.
    return int(Asset.select().where(_of(user), Asset.is_clip == 0).count())


def say_yes(user: User, chosen: Sequence[int] | float) -> int:
    """Show photos that wait, each in the album of its link; return how many files these are.

    So does what came in their batch and was here already: of that nobody is asked.

    They are chosen by their ids, or all that waited at a moment: what came since nobody has seen.
    """
    return _in_portions(_show, user, chosen)


def say_no(user: User, chosen: Sequence[int] | float) -> int:
    """Put photos that wait into the trash, chosen as for `say_yes`; return how many."""
    return _in_portions(_throw_away, user, chosen)


def _in_portions(
    decide: Callable[[User, Sequence[int]], int], user: User, chosen: Sequence[int] | float
) -> int:
    """Decide about what is chosen, some at a time; return about how many."""
    if isinstance(chosen, int | float):
        rows = Asset.select(Asset.id).where(_of(user), Asset.trashed_at <= chosen)
        ids = [asset.id for asset in rows.order_by(Asset.id)]
    else:
        ids = sorted(set(chosen))
    count = 0
    for start in range(0, len(ids), PORTION):
        if start:
            time.sleep(PAUSE)
        count += decide(user, ids[start : start + PORTION])
    return count


def _show(user: User, chosen: Sequence[int]) -> int:
    with db.atomic():
        found = _waiting(user, chosen)
        links: Any = Share.select(Share.id, Share.album).where(Share.user == user)
        titles: dict[int | None, str] = dict(links.tuples())
        members: dict[int | None, list[int]] = {}
        for asset in found:
            members.setdefault(asset.share, []).append(asset.id)
        _settle(found, None)
        pairs.link_all(found)  # another half may have come meanwhile
        for share_id, ids in members.items():
            if title := titles.get(share_id):
                albums.add(albums.named(user, title), [*ids, *_here_already(share_id, ids)])
    return len(found)


def _here_already(share_id: int | None, ids: Sequence[int]) -> list[int]:
    """Return the photos in view that were here already when they came by a link with some."""
    came = Receipt.select(Receipt.batch).join(Batch).join(Guest, on=(Batch.guest == Guest.id))
    came = came.where(Guest.share == share_id, Receipt.asset.in_(list(ids)))
    known = Receipt.select(Receipt.asset).where(
        Receipt.batch.in_(came), Receipt.outcome == receipts.KNOWN
    )
    shown = Asset.select(Asset.id).where(Asset.id.in_(known), Asset.trashed_at.is_null())
    return [asset.id for asset in shown]


def _throw_away(user: User, chosen: Sequence[int]) -> int:
    with db.atomic():
        found = _waiting(user, chosen)
        _settle(found, time.time())
        assets.ask_of_copies([asset.id for asset in found], is_asked=False)
    return len(found)


def _waiting(user: User, chosen: Sequence[int]) -> list[Asset]:
    found = list(Asset.select().where(_of(user), Asset.id.in_(list(chosen))))
    ids = [asset.id for asset in found]
    # The clip of a photo goes where the photo goes, whenever it came.
    halves = Asset.select().where(Asset.pair.in_(ids), Asset.id.not_in(ids), Asset.awaits)
    return found + list(halves)


def _of(user: User) -> Any:
    return (Asset.owner == user) & Asset.awaits


def _settle(found: Sequence[Asset], trashed_at: float | None) -> None:
    # Whoever has decided need not be told of them any more.
    decided = {"awaits": False, "trashed_at": trashed_at, "notified_at": time.time()}
    ids = [asset.id for asset in found]
    Asset.update(decided).where(Asset.id.in_(ids)).execute()


def _check(what: str, number: int, most: int, unit: str) -> None:
    if not 1 <= number <= most:
        raise Invalid(f"{what} from 1 to {most:,} {unit}.")
