"""What the doctor says: one finding for each thing that was looked at."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

OK = "ok"
NOTE = "note"  # it works, and could be better
PROBLEM = "problem"  # it does not work, or photos are in danger

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Finding:
    """How one thing is, and what to do about it; there is nothing to do where all is well."""

    state: str
    words: str
    advice: str = ""


def ok(words: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(OK, words)


def note(words: str, advice: str) -> Finding:
    """Return that a thing works, and could be better."""
    return Finding(NOTE, words, advice)


def problem(words: str, advice: str) -> Finding:
    """Return that a thing does not work, or that photos are in danger."""
    return Finding(PROBLEM, words, advice)


def within(seconds: float, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """Return the answer of what may be silent, or `otherwise` if it takes too long or fails.

    Looking a name up in the network, or a disk of it, cannot be told when to give up.
    """
    answers: list[Answer] = []

    def run() -> None:
        try:
            answers.append(ask())
        except OSError:
            answers.append(otherwise)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else otherwise
