"""`mai plugin list`: which plugins this mai has, and what each brings."""

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command("list")
def list_plugins(as_json: AsJson = False) -> None:
    """List the installed plugins: version, where from, components, state."""
    from ...console import report
    from ...console.documents import Plugins
    from ...plugins import loader
    from .told import told_plugins

    found = told_plugins(loader.load_catalog())
    if as_json:
        report.document(Plugins(plugins=found))
    else:
        report.plugins(found)
