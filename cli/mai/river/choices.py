"""How a command on a project was asked to work."""

from dataclasses import dataclass

from ..errors import UsageError
from ..merge.lines import Favor


@dataclass(frozen=True)
class Choices:
    """How a command on a project was asked to work."""

    dry_run: bool = False
    as_json: bool = False
    yes: bool = False
    ours: bool = False
    theirs: bool = False
    skip: tuple[str, ...] = ()
    no_install: bool = False

    def __post_init__(self) -> None:
        if self.ours and self.theirs:
            raise UsageError("--ours and --theirs exclude each other", "choose one of them")

    @property
    def favor(self) -> Favor:
        return "ours" if self.ours else "theirs" if self.theirs else None
