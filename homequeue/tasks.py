"""Every queued and every periodic task of the house: this list, and no logic.

The ledger knows a task by its function's name: renaming one orphans the jobs that wait.
"""

from homequeue import config
from homequeue.queue import crontab, every, queue
from homequeue.services import cleanup, conversion, figures, inbox, notify, processing

#: The house's own chores are short and go first, then what people wait for, then new uploads, then
#: the next of a full inbox, then what takes long, and last what is done once more for all photos.
CHORE, PEOPLE, UPLOAD, INBOX, CONVERSION, BULK = 30, 20, 10, 7, 5, 0


@queue.task(
    label="Making the preview of {}",
    kind="Making previews",
    subject="asset",
    unique=True,
    priority=UPLOAD,
    retries=4,
    retry_delay=20,
    retry_backoff=4,
    given_up=processing.give_up,
    revived=processing.revive,
)
def process_asset(asset_id: int) -> None:
    """Make the renditions of an asset and read its metadata."""
    processing.process(asset_id, convert_video)


def process_again(asset_id: int) -> object:
    """Defer `process_asset` for an asset that has pictures, after all that people wait for."""
    return queue.enqueue(process_asset.s(asset_id, priority=BULK))


@queue.task(
    label="Converting {}",
    kind="Converting videos",
    loud=True,
    long=True,
    subject="asset",
    unique=True,
    once=True,
    priority=CONVERSION,
    retries=4,
    retry_delay=60,
    retry_backoff=4,
)
def convert_video(asset_id: int) -> None:
    """Make of a video that browsers do not play one that they do."""
    conversion.convert(asset_id, report_uploads)


@queue.task(
    label="Telling about new photos",
    loud=True,
    subject="user",
    unique=True,
    priority=PEOPLE,
    retries=12,
    retry_delay=30,
    retry_backoff=2,
)
def report_uploads(user_id: int) -> None:
    """Send one message about a user's batch of uploads."""
    notify.report_uploads(user_id)


def report_soon(user_id: int) -> object:
    """Defer `report_uploads` until nothing more is likely to come."""
    quiet = config.settings().notifications.quiet
    return report_uploads.schedule((user_id,), delay=quiet)


@queue.task(label="Answering a ping", priority=PEOPLE, expires=60, timeout=10)
def ping(word: str) -> str:
    """Give the word back: whoever gets it knows that the whole queue works."""
    return word


@queue.periodic_task(crontab(minute="2"), label="Counting the work of the hour", priority=CHORE)
def tally() -> int:
    """Write down how the jobs of the last hours fared."""
    return figures.tally()


@queue.periodic_task(crontab(minute="*/5"), label="Checking the disk", priority=CHORE)
def check_disk() -> dict[str, int]:
    """Write down how full the disk is."""
    return cleanup.check_disk()


@queue.periodic_task(
    every(minutes=1),
    label="Looking into the inbox",
    priority=INBOX,
    long=True,
    only_if=inbox.is_wanted,
)
def empty_inbox() -> dict[str, int]:
    """Bring in what lies in the inbox."""
    return inbox.take(process_asset, report_soon)


@queue.periodic_task(
    crontab(minute="7,37"), label="Looking for lost work", priority=CHORE, unique=True
)
def rescue() -> dict[str, int]:
    """Queue work that was lost, adopt originals without a row."""
    return cleanup.rescue(process_asset, report_soon)


@queue.periodic_task(
    crontab(minute="20", hour="3"), label="Emptying the trash", priority=CHORE, unique=True
)
def purge_trash() -> int:
    """Delete for good what lay in the trash long enough."""
    return cleanup.purge_trash()


@queue.periodic_task(
    crontab(minute="40", hour="3"), label="Tidying up", priority=CHORE, unique=True
)
def forget_stale() -> dict[str, int]:
    """Forget given-up uploads, expired sessions and old job history."""
    return cleanup.forget_stale()
