"""Notifications: one message for a batch of uploads, through the channels of the settings."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from homequeue import config, facts, ledger
from homequeue.config import Settings
from homequeue.errors import ConfigError, DeliveryFailed, NotYet
from homequeue.models import Asset, Job, User
from homequeue.services import assets, receipts, sandbox, users

logger = logging.getLogger("homequeue.notify")

#: Defers the report on a user's uploads until no more of them come, by the user's id.
Report = Callable[[int], object]

#: The name of the fact that holds which videos of a user the next report tells of.
CONVERTED = "converted {}"
#: The title and the text that are sent to see whether messages arrive.
TRIAL = ("homequeue: a test", "This is a test from homequeue. If you can read it, all is well.")
#: How many failures a message names; the rest is counted.
MOST_NAMED = 10
#: How much of the reason is kept why a channel did not take a message, in characters.
MOST_WORDS = 300
#: How the error begins of a message that was not taken.
UNDELIVERED = "The notification could not be delivered"
#: How the lines of Apprise's log begin that hold what a server or the system answered.
DETAIL = "Socket Exception: "
#: Apprise and its parsers take this much memory, and a slow mail server this many seconds.
LIMITS = sandbox.Limits(memory=256 * 2**20, seconds=60)


def is_wanted() -> bool:
    """Tell whether there is any channel."""
    return bool(config.settings().notifications.urls)


def tell(user: User, report: Report, *outcomes: str | None) -> None:
    """See to it that channels are told of what a user has sent, if anything of it is new.

    To be asked in the transaction of what is new, so that neither is there without the other.
    """
    if is_wanted() and receipts.ADDED in outcomes:
        report(user.id)


def report_uploads(user_id: int) -> None:
    """Tell of a user's uploads since the last report, once the batch is complete and processed.

    Raises NotYet while more is coming in or being processed, DeliveryFailed if no channel takes it.
    """
    batch = list(Asset.select().where(Asset.owner == user_id, Asset.notified_at.is_null()))
    videos = _converted(user_id)
    if not batch and not videos:
        return
    _wait_for_the_rest(user_id, batch)
    news = [asset for asset in batch if not asset.is_clip]  # those are part of a photo
    if news or videos:
        send(*compose(User.get_by_id(user_id), news, videos), f"told {user_id}")
    newest = max((asset.uploaded_at for asset in batch), default=0.0)
    reported = (Asset.owner == user_id) & Asset.notified_at.is_null()
    with ledger.finishing():
        facts.forget(f"told {user_id}")
        if videos:
            _forget_videos(user_id, videos)
        Asset.update(notified_at=time.time()).where(reported, Asset.uploaded_at <= newest).execute()


def remember_video(asset: Asset) -> None:
    """Have the next report to its owner say that a video can be watched now."""
    name = CONVERTED.format(asset.owner_id)
    facts.remember(name, [*facts.recall(name, []), asset.id])


def _converted(user_id: int) -> list[Asset]:
    ids = facts.recall(CONVERTED.format(user_id), [])
    return list(Asset.select().where(Asset.id.in_(ids)).order_by(Asset.id))


def _forget_videos(user_id: int, told: list[Asset]) -> None:
    name, known = CONVERTED.format(user_id), {asset.id for asset in told}
    facts.remember(name, [n for n in facts.recall(name, []) if n not in known])


def _wait_for_the_rest(user_id: int, batch: list[Asset]) -> None:
    """Raise NotYet while more is coming in, or being made of what came in."""
    quiet = config.settings().notifications.quiet
    if not batch:
        # Videos take long: what came with them was reported before, and they are reported together.
        own = Asset.select(Asset.id).where(Asset.owner == user_id)
        others = Job.select().where(Job.task == "convert_video", Job.asset.in_(own))
        if others.where(Job.state.in_((*ledger.WAITING, ledger.RUNNING))).exists():
            raise NotYet("More videos are being converted.", max(60, quiet))
        return
    since = time.time() - max(asset.uploaded_at for asset in batch)
    if 0 <= since < quiet:
        raise NotYet("More may be coming.", quiet - since)
    if any(asset.state in (assets.PENDING, assets.PROCESSING) for asset in batch):
        raise NotYet("Some are still being processed.", max(1, quiet / 3))


def compose(user: User, batch: list[Asset], videos: Sequence[Asset] = ()) -> tuple[str, str]:
    """Return the title and the text of a report on a batch, and on videos that were converted."""
    failed = [asset for asset in batch if asset.state == assets.FAILED]
    own = [asset for asset in batch if asset.share is None]
    waiting = [asset for asset in batch if asset.awaits]
    shown = [asset for asset in batch if asset.share is not None and not asset.awaits]
    lines = []
    if own:
        ready = [asset for asset in own if asset.state != assets.FAILED]
        title = f"{user.name} added {_named(own)}"
        lines = [f"{_named(ready)} {'is' if len(ready) == 1 else 'are'} ready to look at."]
    elif waiting:
        title = f"{_named(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for your yes"
    elif shown:
        title = f"Guests sent {_named(shown)}"
    else:
        title = "Your video is ready" if len(videos) == 1 else "Your videos are ready"
    lines += _sent("Waiting for your yes:", waiting) + _sent("By a drop link came:", shown)
    lost = [asset for asset in failed if not assets.has_original(asset)]
    lines += _failures([one for one in failed if one not in lost], "kept")
    lines += _failures(lost, "missing from the disk")
    if videos:
        lines += [""] if batch else []
        lines += ["Every browser can play now:"]
        lines += _listed([_line(asset.filename) for asset in videos])
    if url := config.settings().server.url:
        lines += ["", f"{url.rstrip('/')}/waiting" if waiting and not own else url]
    return title, "\n".join(lines)


def _sent(heading: str, gifts: list[Asset]) -> list[str]:
    """Return lines that say how much came from which guest."""
    senders: dict[str, list[Asset]] = {}
    for asset in gifts:
        senders.setdefault(_line(asset.guest) or "a guest", []).append(asset)
    listed = _listed([f"{_named(some)} from {name}" for name, some in senders.items()])
    return [heading, *listed] if listed else []


def _failures(failed: list[Asset], fate: str) -> list[str]:
    if not failed:
        return []
    originals = "original is" if len(failed) == 1 else "originals are"
    head = f"{_named(failed)} could not be shown (the {originals} {fate}):"
    names = [f"{_line(asset.filename)}: {_line(asset.error)}" for asset in failed]
    return ["", head, *_listed(names)]


def send(title: str, text: str, name: str = "told") -> None:
    """Deliver a message through every channel; DeliveryFailed unless all of them took it.

    Which have taken it is remembered under `name`, so that trying again tells nobody twice.
    """
    told = list(facts.recall(name, []))
    failed = []
    for place, url in enumerate(config.settings().notifications.urls, 1):
        channel = users.digest(url)
        if channel not in told:
            why = _deliver(url, title, text)
            if why:
                failed.append(f"{_called(place, url)}: {why}")
            else:
                told.append(channel)
                facts.remember(name, told)
    if failed:
        raise DeliveryFailed(f"{UNDELIVERED}: {'; '.join(failed)}")


def undelivered() -> Job | None:
    """Return the newest report that no channel, or not every one, has taken yet; None if none."""
    unfinished = Job.state.in_((*ledger.WAITING, ledger.RUNNING)) & Job.error.is_null(False)
    reports = Job.select().where(Job.task == "report_uploads", unfinished)
    job: Job | None = reports.order_by(Job.id.desc()).first()
    return job


def try_channels(settings: Settings) -> dict[str, str]:
    """Send a message through every channel; return of each why it did not take it, or nothing."""
    urls = enumerate(settings.notifications.urls, 1)
    return {_called(place, url): _deliver(url, *TRIAL) for place, url in urls}


def check(settings: Settings) -> None:
    """Raise ConfigError if Apprise cannot use one of the addresses in the settings.

    Its answer costs a child process and up to a few seconds on a small machine.
    """
    urls = settings.notifications.urls
    if not urls:
        return
    try:
        reasons = sandbox.run(_try, list(urls), limits=LIMITS).value
    except sandbox.ChildFailed as error:
        # Photos do not wait for mail: what is wrong will be seen when something is to be sent.
        logger.warning("The notification addresses could not be checked: %s", _in_words(error))
        return
    for place, (url, why) in enumerate(zip(urls, reasons, strict=True), 1):
        if why:
            where = f"notifications.urls ({settings.sources.get('notifications.urls', 'default')})"
            words = f"{_called(place, url)} cannot be used: {without_secrets(why, url)}"
            raise ConfigError(f"{where}: {words}")


def without_secrets(text: str, url: str) -> str:
    """Return text on one line in which stars stand for what may be secret in an address.

    That is nearly all of it: some services have a token where others have the host or the path.
    """
    rest = re.sub(r"[?&]((to|from|cc|bcc|smtp)=[^&]*|[\w.+-]+=)", "/", url.partition("://")[2])
    host = re.match(r"[^/?#]*@([^/?#:]*)", rest)
    pieces = set(re.split(r"[:/?#&=@,]", rest)) - {"", host[1] if host else ""}
    secrets = {form for piece in pieces for form in (piece, unquote(piece), quote(piece))}
    for secret in sorted(secrets, key=len, reverse=True):
        # A short one is part of many words that have nothing to do with it.
        pattern = r"(?<!\w){}(?!\w)" if len(secret) < 4 else "{}"
        text = re.sub(pattern.format(re.escape(secret)), "****", text)
    return _line(text)


def _called(place: int, url: str) -> str:
    return f"address {place} ({url.partition('://')[0]}://…)"


def _deliver(url: str, title: str, text: str) -> str:
    """Return why a channel did not take a message; empty if it did."""
    try:
        why = str(sandbox.run(_send, url, title, text, limits=LIMITS).value)
    except sandbox.ChildFailed as error:
        return _in_words(error)
    return without_secrets(why, url)[:MOST_WORDS]


def _in_words(error: sandbox.ChildFailed) -> str:
    """Return how a child ended that had no file to open."""
    words = str(error)
    return "What sends it crashed." if words in (sandbox.CRASHED, sandbox.SILENT) else words


def _send(url: str, title: str, text: str) -> tuple[Any, list[bytes]]:
    import apprise  # noqa: PLC0415  (30 MB that only this child needs)

    heard = _Listener()
    channel = apprise.Apprise()
    taken = channel.add(url) and channel.notify(title=title, body=text)
    return "" if taken else heard.reason(), []


def _try(urls: list[str]) -> tuple[Any, list[bytes]]:
    """Return of each address why Apprise cannot use it; empty if it can."""
    import apprise  # noqa: PLC0415  (30 MB that only this child needs)

    reasons = []
    for url in urls:
        heard = _Listener()
        reasons.append("" if apprise.Apprise.instantiate(url) else heard.reason())
    return reasons, []


class _Listener(logging.Handler):
    """Hears what Apprise says in its log, the only place where it gives reasons."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[str] = []
        log = logging.getLogger("apprise")
        log.handlers = [self]
        log.setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep warnings and errors, and the detail that follows one; the rest tells secrets."""
        text = record.getMessage()
        # urllib3 wraps the cause into what it was doing, and where.
        detail = re.sub(r'.*Caused by .*?: (.*?)"?\)+$', r"\1", text.partition(DETAIL)[2])
        if record.levelno >= logging.WARNING or detail:
            self._said.append(detail or text)

    def reason(self) -> str:
        """Return what went wrong, in Apprise's words."""
        return "; ".join(dict.fromkeys(self._said)) or "Apprise gives no reason."


def _line(text: str | None) -> str:
    """Return text on one line, so that no file name can add lines to a message."""
    return " ".join((text or "").split())


def _listed(names: list[str]) -> list[str]:
    """Return lines that name the first of many, and count the rest."""
    lines = [f"- {name}" for name in names[:MOST_NAMED]]
    return lines + ([f"- and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else [])


def _named(batch: list[Asset]) -> str:
    """Return how many photos and how many videos these are, in words."""
    films = sum(asset.kind == assets.VIDEO for asset in batch)
    counts = (len(batch) - films, "photo"), (films, "video")
    words = [f"{count} {what}{'s' * (count != 1)}" for count, what in counts if count]
    return " and ".join(words) or "0 photos"
