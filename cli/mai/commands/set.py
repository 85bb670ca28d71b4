"""`mai set`: other answers than those that the project was made with."""

from typing import TYPE_CHECKING, Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Ours, Skip, Theirs, Yes

if TYPE_CHECKING:
    from ..river.opening import Opened
    from ..river.planning import Wish

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
    from ..plan.intents import answered, differences
    from ..plan.wishes import parse_options
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.planning import Wish

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    stated = parse_options(answers or ())

    def wished(opened: "Opened") -> "Wish":
        manifest = answered(opened.manifest, opened.catalog, stated)
        return Wish(manifest, notes=differences(opened.base.manifest, manifest))

    status = run("set", answers or (), wished, choices)
    raise typer.Exit(status)
