"""`mai check`: whether a project's files belong together, for CI."""

from pathlib import Path

import typer

from .app import HELP_OPTIONS
from .options import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check that manifest, lock, base and uv.lock belong together; exit code 1 when not."""
    from ..console import report
    from ..console.documents import Checked
    from ..plugins import loader
    from ..project.reader import find_root
    from ..river.checks import of_project

    catalog = loader.load_catalog()
    with report.plugin_problems(catalog):
        found = list(of_project(find_root(Path.cwd()), catalog))
    told = Checked.of("check", found)
    report.checks(told, as_json=as_json)
    if told.status == "failed":
        raise typer.Exit(1)
