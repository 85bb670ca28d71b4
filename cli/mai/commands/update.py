"""`mai update`: the project as the installed versions of mai and plugins make it."""

from typing import TYPE_CHECKING

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Option, Ours, Skip, Theirs, Yes

if TYPE_CHECKING:
    from ..river.opening import Opened
    from ..river.planning import Wish

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
    from ..plan.intents import migrated
    from ..plan.updates import leave_out_older, notes_between
    from ..plan.wishes import parse_options
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.planning import Wish

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    stated = parse_options(option or ())
    asker = None if yes or as_json else person.asker()

    def wished(opened: "Opened") -> "Wish":
        lock = opened.base.lock
        leave_out_older(lock, opened.catalog)
        migration = migrated(opened.manifest, lock, opened.catalog, stated, asker)
        notes = (*migration.dropped, *notes_between(lock, opened.catalog))
        return Wish(migration.manifest, newest=True, notes=notes)

    status = run("update", (), wished, choices)
    raise typer.Exit(status)
