"""One thing that `mai check` and `mai doctor` look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    """What was looked at."""
    ok: bool
    """Whether it is right."""
    told: str
    """What was found, in one line."""
    mend: str = ""
    """What to type, or to do, when it is not ok."""
