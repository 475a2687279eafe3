"""Causes: what errors have in common that say the same of different files or numbers."""

import re

#: So much of an error is looked at, and a cause is no longer than this.
TELLING, LONGEST = 2000, 300
#: What is quoted, a path, and any word with a digit in it tell of one case only.
PARTICULARS = re.compile(
    r"""“[^”]*”|(?<!\w)(?P<quote>['"`]).*?(?P=quote)(?!\w)|(?<!\w)~?/\S+"""
    r"""|(?<!\w)\w*\d(?:[.,:]?\w)*""",
    re.DOTALL,
)


def cause(error: str) -> str:
    """Return an error, on one line, without what tells it from others of the same cause.

    >>> cause("OSError: [Errno 28] No space left on device: '/srv/07/263-preview-1f.jpg'")
    'OSError: [Errno …] No space left on device: …'
    >>> cause("It didn't answer, and isn't there."), cause("IMG_12.jpg is no picture.")
    ("It didn't answer, and isn't there.", '… is no picture.')
    """
    # On one line, for a form of a page would send other ends of lines than it was given.
    return " ".join(PARTICULARS.sub("…", error[:TELLING]).split())[:LONGEST].strip()
