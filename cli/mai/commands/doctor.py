"""`mai doctor`: what is wrong with a project or with this machine, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Restore a lost base where that is certain.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Do without a lost base: files that you edited are your own from now on.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong, and tell how to mend it; exit code 1 when something is."""
    from contextlib import nullcontext

    from ..console import report
    from ..console.documents import Checked
    from ..errors import NotAProject
    from ..plugins import loader
    from ..project.reader import find_root
    from ..river.checks import everything
    from ..river.flow import at_work
    from ..river.lost_base import adopt_tree, restore_base

    catalog = loader.load_catalog()
    try:
        root = find_root(Path.cwd())
    except NotAProject:
        root = None
    # Whatever a killed command left is finished first.
    with at_work(root, resolving=True) if root else nullcontext():
        if root and fix:
            restore_base(root, catalog)
        if root and adopt:
            adopt_tree(root)
        found = everything(root, catalog)
    told = Checked.of("doctor", found)
    report.checks(told, as_json=as_json)
    if told.status == "failed":
        raise typer.Exit(1)
