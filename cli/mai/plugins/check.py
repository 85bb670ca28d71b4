"""One thing that `mai check` and `mai doctor` look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    told: str
    mend: str = ""
    """What to type, or to do, when it is not ok."""
