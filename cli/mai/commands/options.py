"""The options that every command on a project shares."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError

if TYPE_CHECKING:
    from ..merge.lines import Favor

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would happen, with a diff; write nothing.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
Ours = Annotated[bool, typer.Option("--ours", help="Where both changed the same, yours stays.")]
Theirs = Annotated[bool, typer.Option("--theirs", help="Where both changed the same, mai's comes.")]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", metavar="PATH", help="Leave this file as it is.")
]
NoInstall = Annotated[
    bool, typer.Option("--no-install", help="Lock and install nothing; no network is needed.")
]
Option = Annotated[
    list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="One answer.")
]


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
    def favor(self) -> "Favor":
        return "ours" if self.ours else "theirs" if self.theirs else None
