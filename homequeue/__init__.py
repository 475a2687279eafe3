"""homequeue: a home server for photos, in one command."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__version__ = "0.1.0"


@contextmanager
def absent(*libraries: str) -> Iterator[None]:
    """Let imports inside find none of these libraries, except what has been imported before."""
    hidden = set(libraries) - set(sys.modules)
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None fails an import
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# It imports the drivers of PostgreSQL wherever they are installed: 6 MB that only a home with
# PostgreSQL needs. `postgres` imports its own.
with absent("psycopg", "psycopg2"):
    import peewee  # noqa: F401
