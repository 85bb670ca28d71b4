"""`mai undo`: the project as it was before the last change, with what was edited since."""

from pathlib import Path

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Ours, Theirs

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def undo(
    dry_run: DryRun = False,
    as_json: AsJson = False,
    ours: Ours = False,
    theirs: Theirs = False,
    no_install: NoInstall = False,
) -> None:
    """Take back the last change that mai made; what was edited since stays."""
    from ..console import report
    from ..project.reader import find_root
    from ..river.choices import Choices
    from ..river.flow import at_work
    from ..river.undoing import take_back, undoing_of

    choices = Choices(dry_run, as_json, False, ours, theirs, no_install=no_install)
    root = find_root(Path.cwd())
    with at_work(root, resolving=True):
        undoing = undoing_of(root, choices)
        if dry_run:
            report.planned(undoing.told("planned"), undoing.outcomes, as_json=as_json)
            return
        undoing.refuse_conflicts()
        if not as_json:
            report.changes(undoing.outcomes)
        report.done(take_back(undoing, choices), as_json=as_json)
