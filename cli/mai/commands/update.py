"""`mai update`: the project as the installed versions of mai and plugins make it."""

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Option, Ours, Skip, Theirs, Yes

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def update(
    option: Option = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
    ours: Ours = False,
    theirs: Theirs = False,
    skip: Skip = None,
    no_install: NoInstall = False,
) -> None:
    """Bring the project to the installed versions of mai and its plugins."""
    from ..console import person
    from ..plan.wishes import parse_options
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.wishes import updating

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    asker = None if yes or as_json else person.asker()
    status = run("update", (), updating(parse_options(option or ()), asker), choices)
    raise typer.Exit(status)
