"""Huey without the Redis client it imports where one is installed: 11 MB that most homes never use.

Everything of the house takes Huey's names from here, so that this import comes first.
"""

import sys

_absent = "redis" not in sys.modules
if _absent:
    sys.modules["redis"] = None  # type: ignore[assignment]  # makes `import redis` fail
try:
    from huey.api import Huey, PeriodicTask, Task, chord, crontab, group
    from huey.exceptions import ConfigurationError
    from huey.serializer import Serializer
    from huey.storage import BaseStorage
finally:
    if _absent:
        del sys.modules["redis"]

__all__ = [
    "BaseStorage",
    "ConfigurationError",
    "Huey",
    "PeriodicTask",
    "Serializer",
    "Task",
    "chord",
    "crontab",
    "group",
]
