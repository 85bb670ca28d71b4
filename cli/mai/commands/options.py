"""The options that commands share."""

from typing import Annotated

import typer

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
NoGit = Annotated[bool, typer.Option("--no-git", help="Make no repository.")]
Option = Annotated[
    list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="One answer.")
]
