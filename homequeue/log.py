"""Logging: one event, one line, nothing in it that could forge another line."""

import logging
import re
import sys

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]")
#: Whoever has the address of a link has its token.
TOKEN = re.compile(r"(/s/)[\w-]{20,}")


def plain(text: str) -> str:
    """Return text in which nothing can begin a line or colour a terminal."""
    return CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class OneLine(logging.Formatter):
    """A formatter whose output never spans lines, whatever a file name or error contains."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event on one line, control characters escaped and no token of a link in it."""
        return TOKEN.sub(r"\1…", plain(super().format(record)))


def set_up(level: str) -> None:
    """Send all logs of this process to stderr from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("huey", "apprise", "PIL", "peewee"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    # It warns whenever a request waits for a thread, which is what its queue is for.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
