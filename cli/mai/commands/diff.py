"""`mai diff`: what you changed in the files that mai made."""

from pathlib import Path
from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def diff(
    paths: Annotated[list[Path] | None, typer.Argument(help="Only these files or folders.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show your edits in the files that mai made."""
    from ..console import report
    from ..console.diffs import diff as diff_of
    from ..console.documents import Diffs
    from ..plugins import loader
    from ..project.reader import find_root
    from ..river.edits import edits_of
    from ..river.opening import open_project

    catalog = loader.load_catalog()
    root = find_root(Path.cwd())
    with report.plugin_problems(catalog):
        edits = edits_of(open_project(root, catalog), paths or ())
    if as_json:
        diffs = {outcome.path: diff_of(outcome) for outcome in edits}
        report.document(Diffs(diffs=diffs))
    else:
        for outcome in edits:
            report.text(diff_of(outcome))
