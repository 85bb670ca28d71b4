"""`mai set`: other answers than those that the project was made with."""

from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Ours, Skip, Theirs, Yes

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command("set")
def set_answers(
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="`database=postgresql`, `agent.support.model=demo`; "
            "none to bring in what you wrote into the manifest.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
    ours: Ours = False,
    theirs: Theirs = False,
    skip: Skip = None,
    no_install: NoInstall = False,
) -> None:
    """Change answers of the project, its package's name too."""
    from ..plan.wishes import parse_options
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.wishes import setting

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    status = run("set", answers or (), setting(parse_options(answers or ())), choices)
    raise typer.Exit(status)
