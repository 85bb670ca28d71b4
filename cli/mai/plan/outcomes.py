"""What would happen to each file: the result of a plan, and all that a dry run shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..project.tree import File

Action = Literal["create", "identical", "change", "skip", "conflict", "remove"]


@dataclass(frozen=True)
class Outcome:
    path: str
    action: Action
    file: File | None
    """What the file will be; nothing for `remove` and for what is left alone."""
    before: File | None = None
    """What the file is now."""

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "action": self.action}


Outcomes = Sequence[Outcome]
