"""`mai update`: the project as the installed versions of mai and plugins make it."""

from typing import TYPE_CHECKING

import typer

from .app import HELP_OPTIONS
from .options import AsJson, Choices, DryRun, NoInstall, Option, Ours, Skip, Theirs, Yes

if TYPE_CHECKING:
    from .opening import Opened
    from .river import Wish

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
    from ..console import ask
    from ..plan.intents import migrated
    from ..plan.updates import notes_between
    from ..plan.wishes import parse_options
    from .river import Wish, run

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    stated = parse_options(option or ())
    person = None if yes or as_json or not ask.can_ask() else ask.question

    def wished(opened: "Opened") -> "Wish":
        lock = opened.base.lock
        migration = migrated(opened.manifest, lock, opened.catalog, stated, person)
        notes = (*migration.dropped, *notes_between(lock, opened.catalog))
        return Wish(migration.manifest, newest=True, notes=notes)

    run("mai update", wished, choices)
