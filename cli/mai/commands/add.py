"""`mai add`: one more agent, tool, memory, auth mode or feature."""

from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .completion import components, kinds, names
from .options import AsJson, DryRun, NoInstall, Option, Ours, Skip, Theirs, Yes

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def add(
    kind: Annotated[
        str, typer.Argument(help="agent, tool, memory, auth or feature.", autocompletion=kinds)
    ],
    name: Annotated[
        str, typer.Argument(help="What it is called in the project.", autocompletion=names)
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="COMPONENT",
            help="The component; by default that of this name.",
            autocompletion=components,
        ),
    ] = None,
    option: Option = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
    ours: Ours = False,
    theirs: Theirs = False,
    skip: Skip = None,
    no_install: NoInstall = False,
) -> None:
    """Add a component to the project."""
    from ..console import person
    from ..plan.wishes import CORE, parse_options
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.wishes import adding

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    stated = parse_options(option or ()).get(CORE, {})
    if from_:
        stated["from"] = from_
    asker = None if yes or as_json else person.asker()
    status = run("add", (kind, name), adding(kind, name, stated, asker), choices)
    raise typer.Exit(status)
