"""Whether somebody is there to ask. The prompts are heavy: they are loaded for a person only."""

import sys

from ..plan.answers import Ask


def is_there() -> bool:
    """Never when stdin is no terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def asker() -> Ask | None:
    """What asks the person one question; nothing when nobody is there."""
    if not is_there():
        return None
    from . import ask

    return ask.question
