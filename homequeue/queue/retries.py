"""Retries: which errors are worth one, when it comes, and what a person reads of an error."""

import errno
import random

from peewee import OperationalError

from homequeue import db
from homequeue.errors import HomequeueError
from homequeue.queue.light import Task

#: The longest a retry is put off, in seconds.
LONGEST_DELAY = 6 * 3600
#: What may pass by itself, besides errors that say so of themselves.
PASSING = (OSError, MemoryError, OperationalError)
TOO_MUCH_MEMORY = "It needed more memory than it may have."
NO_ROOM = "There is no room left on the disk."
SICK = "The disk could not be read or written. It may be failing."
READ_ONLY = "Nothing can be written to the disk: it is mounted for reading only."
CLOSED = "homequeue may not open a file or folder that it needs."
AWAY = "A file or folder that it needs is not there."
TOO_MANY = "Too many files are open at once."
CUT_OFF = "The storage does not answer."
SILENT = "What it needs in the network does not answer."
#: What people are told of the errors of the system, by their numbers.
OF_THE_SYSTEM = {
    errno.ENOSPC: NO_ROOM,
    errno.EDQUOT: NO_ROOM,
    errno.EIO: SICK,
    errno.EUCLEAN: SICK,
    errno.EROFS: READ_ONLY,
    errno.EACCES: CLOSED,
    errno.EPERM: CLOSED,
    errno.ENOENT: AWAY,
    errno.ENOTDIR: AWAY,
    errno.EMFILE: TOO_MANY,
    errno.ENFILE: TOO_MANY,
    errno.ENOMEM: TOO_MUCH_MEMORY,
    errno.ENODEV: CUT_OFF,
    errno.ENXIO: CUT_OFF,
    errno.ESTALE: CUT_OFF,
    errno.ENOTCONN: CUT_OFF,
    errno.ECONNREFUSED: SILENT,
    errno.ECONNRESET: SILENT,
    errno.EHOSTUNREACH: SILENT,
    errno.ENETUNREACH: SILENT,
    errno.ETIMEDOUT: SILENT,
}


def describe(error: Exception) -> str:
    """Return an error in words for people; what Python says of it is in its traceback.

    >>> describe(OSError(28, "No space left on device", "/srv/07/263-preview-1f.jpg"))
    'There is no room left on the disk.'
    >>> describe(KeyError("egg"))
    'Something unexpected went wrong (KeyError).'
    """
    if isinstance(error, OperationalError):
        return str(db.in_words(error))
    if isinstance(error, HomequeueError):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_MUCH_MEMORY
    if isinstance(error, OSError) and (words := OF_THE_SYSTEM.get(error.errno or 0)):
        return words
    # The kind is no word for people, but tells apart what else would be one cause.
    return f"Something unexpected went wrong ({type(error).__name__})."


def may_pass(error: Exception) -> bool:
    """Tell whether trying again later may help."""
    return error.passing if isinstance(error, HomequeueError) else isinstance(error, PASSING)


def retry_delay(task: Task, attempt: int) -> float:
    """Return the seconds to wait after the n-th attempt: growing, capped, never in step."""
    growth = (task.retry_backoff or 1) ** (attempt - 1)
    return float(min(task.retry_delay * growth, LONGEST_DELAY) * random.uniform(0.9, 1.1))
