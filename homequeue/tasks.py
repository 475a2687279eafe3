"""Every queued and every periodic task of the house: this list, and no logic.

The ledger knows a task by its function's name: renaming one orphans the jobs that wait.
"""

from homequeue.queue import crontab, queue
from homequeue.services import cleanup, notify, processing

#: The house's own chores are short and go first, then what people wait for, then new uploads.
CHORE, PEOPLE, UPLOAD = 30, 20, 10


@queue.task(
    label="Making the preview of {}",
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
    processing.process(asset_id)


@queue.task(
    label="Telling about new photos",
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


@queue.periodic_task(crontab(minute="*/5"), label="Checking the disk", priority=CHORE)
def check_disk() -> dict[str, int]:
    """Write down how full the disk is."""
    return cleanup.check_disk()


@queue.periodic_task(
    crontab(minute="7,37"), label="Looking for lost work", priority=CHORE, unique=True
)
def rescue() -> dict[str, int]:
    """Queue work that was lost, adopt originals without a row."""
    return cleanup.rescue(process_asset)


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
