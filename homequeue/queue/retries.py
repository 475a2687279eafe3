"""Retries: which errors are worth one, when it comes, and what a person reads of an error."""

import random

from peewee import OperationalError

from homequeue.errors import HomequeueError
from homequeue.queue.light import Task

#: The longest a retry is put off, in seconds.
LONGEST_DELAY = 6 * 3600
#: What may pass by itself, besides errors that say so of themselves.
PASSING = (OSError, MemoryError, OperationalError)


def describe(error: Exception) -> str:
    """Return an error in words: its own if it was made for people, else its kind and text."""
    if isinstance(error, MemoryError):
        return "It needed more memory than it may have."
    return str(error) if isinstance(error, HomequeueError) else f"{type(error).__name__}: {error}"


def may_pass(error: Exception) -> bool:
    """Tell whether trying again later may help."""
    return error.passing if isinstance(error, HomequeueError) else isinstance(error, PASSING)


def retry_delay(task: Task, attempt: int) -> float:
    """Return the seconds to wait after the n-th attempt: growing, capped, never in step."""
    growth = (task.retry_backoff or 1) ** (attempt - 1)
    return float(min(task.retry_delay * growth, LONGEST_DELAY) * random.uniform(0.9, 1.1))
