"""`mai remove`: a component out of the project, with everything that it brought."""

from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Skip, Yes

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def remove(
    kind: Annotated[str, typer.Argument(help="agent, tool, memory, auth or feature.")],
    name: Annotated[str, typer.Argument(help="What it is called in the project.")],
    ours: Annotated[
        bool, typer.Option("--ours", help="Keep its files, as your own code from now on.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Remove its files, your edits in them too.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
    skip: Skip = None,
    no_install: NoInstall = False,
) -> None:
    """Remove a component from the project."""
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.wishes import removing

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    status = run("remove", (kind, name), removing(kind, name, choices), choices)
    raise typer.Exit(status)
