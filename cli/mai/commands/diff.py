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
    from ..plan.outcomes import Outcome
    from ..plugins import loader
    from ..project.reader import find_root, read_yours
    from ..river.opening import existing, open_project

    root = find_root(Path.cwd())
    catalog = loader.load_catalog()
    with report.plugin_problems(catalog):
        opened = open_project(root, catalog)
    base = opened.base
    yours = read_yours(root, base.tree)
    wanted = [existing(opened, path) for path in paths or ()]
    edits = [
        Outcome(path, "change" if path in yours else "remove", yours.get(path), file)
        for path, file in sorted(base.tree.items())
        if yours.get(path) != file
        and (not wanted or any(Path(path).is_relative_to(one) for one in wanted))
    ]
    if as_json:
        diffs = {outcome.path: diff_of(outcome) for outcome in edits}
        report.document(Diffs(diffs=diffs))
    else:
        for outcome in edits:
            report.text(diff_of(outcome))
