"""Notifications: one message for a batch of uploads, through the channels of the settings."""

import time
from typing import Any

from homequeue import config, facts, ledger
from homequeue.errors import DeliveryFailed, NotYet
from homequeue.models import Asset, User
from homequeue.services import assets, sandbox, users

#: How many failures a message names; the rest is counted.
MOST_NAMED = 10
#: Apprise and its parsers take this much memory, and a slow mail server this many seconds.
LIMITS = sandbox.Limits(memory=256 * 2**20, seconds=60)


def is_wanted() -> bool:
    """Tell whether there is any channel."""
    return bool(config.settings().notifications.urls)


def report_uploads(user_id: int) -> None:
    """Tell of a user's uploads since the last report, once the batch is complete and processed.

    Raises NotYet while more is coming in or being processed, DeliveryFailed if no channel takes it.
    """
    batch = list(Asset.select().where(Asset.owner == user_id, Asset.notified_at.is_null()))
    if not batch:
        return
    quiet = config.settings().notifications.quiet
    since = time.time() - max(asset.uploaded_at for asset in batch)
    if 0 <= since < quiet:
        raise NotYet("More may be coming.", quiet - since)
    if any(asset.state in (assets.PENDING, assets.PROCESSING) for asset in batch):
        raise NotYet("Some are still being processed.", max(1, quiet / 3))
    send(*compose(User.get_by_id(user_id), batch), f"told {user_id}")
    newest = max(asset.uploaded_at for asset in batch)
    reported = (Asset.owner == user_id) & Asset.notified_at.is_null()
    with ledger.finishing():
        facts.forget(f"told {user_id}")
        Asset.update(notified_at=time.time()).where(reported, Asset.uploaded_at <= newest).execute()


def compose(user: User, batch: list[Asset]) -> tuple[str, str]:
    """Return the title and the text of a report on a batch."""
    failed = [asset for asset in batch if asset.state == assets.FAILED]
    ready = len(batch) - len(failed)
    title = f"{user.name} added {_photos(len(batch))}"
    lines = [f"{_photos(ready)} {'is' if ready == 1 else 'are'} ready to look at."]
    if failed:
        lines += ["", f"{_photos(len(failed))} could not be shown (the originals are kept):"]
        lines += [
            f"- {_line(asset.filename)}: {_line(asset.error)}" for asset in failed[:MOST_NAMED]
        ]
        if len(failed) > MOST_NAMED:
            lines.append(f"- and {len(failed) - MOST_NAMED} more")
    if config.settings().server.url:
        lines += ["", config.settings().server.url]
    return title, "\n".join(lines)


def send(title: str, text: str, name: str = "told") -> None:
    """Deliver a message through every channel; DeliveryFailed unless all of them took it.

    Which have taken it is remembered under `name`, so that trying again tells nobody twice.
    """
    told = list(facts.recall(name, []))
    failed = ""
    for url in config.settings().notifications.urls:
        channel = users.digest(url)
        if channel not in told:
            why = _deliver(url, title, text)
            failed = why or failed
            if not why:
                told.append(channel)
                facts.remember(name, told)
    if failed:
        raise DeliveryFailed(failed)


def _deliver(url: str, title: str, text: str) -> str:
    """Return why a channel did not take a message; empty if it did."""
    try:
        answer = sandbox.run(_send, url, title, text, limits=LIMITS)
    except sandbox.ChildFailed as error:
        return f"The notification could not be delivered: {error}"
    return "" if answer.value else "The notification could not be delivered."


def _send(url: str, title: str, text: str) -> tuple[Any, list[bytes]]:
    import apprise  # noqa: PLC0415  (30 MB that only this child needs)

    channel = apprise.Apprise()
    return channel.add(url) and bool(channel.notify(title=title, body=text)), []


def _line(text: str | None) -> str:
    """Return text on one line, so that no file name can add lines to a message."""
    return " ".join((text or "").split())


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"
