"""Logging: one event, one line, nothing in it that could forge another line."""

import logging
import sys

CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
CONTROL |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, 0x202E, *range(0xD800, 0xE000))}


def plain(text: str) -> str:
    """Return text in which nothing can begin a line or colour a terminal."""
    return text.translate(CONTROL)


class OneLine(logging.Formatter):
    """A formatter whose output never spans lines, whatever a file name or error contains."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event on one line, control characters escaped."""
        return plain(super().format(record))


def set_up(level: str) -> None:
    """Send all logs of this process to stderr from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("huey", "apprise", "PIL", "peewee"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    # It warns whenever a request waits for a thread, which is what its queue is for.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
