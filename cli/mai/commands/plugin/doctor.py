"""`mai plugin doctor`: what is wrong with a plugin, and how to mend it."""

from typing import TYPE_CHECKING

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson

if TYPE_CHECKING:
    from ...plugins.check import Check

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Find what is wrong with a plugin, and tell how to mend it; exit code 1 when something is."""
    from ...console import report
    from ...console.documents import Checked
    from ...plugins import loader
    from ...river.plugin_checks import of_installed

    found = [_home(), *of_installed(loader.load_catalog())]
    told = Checked.of("plugin doctor", found)
    report.checks(told, as_json=as_json)
    if told.status == "failed":
        raise typer.Exit(1)


def _home() -> "Check":
    """Whether a plugin could be installed beside this mai."""
    from ...errors import Refused
    from ...plugins.check import Check
    from ...plugins.installer import find_home

    try:
        return Check("mai", True, f"it is {find_home().told}")
    except Refused as problem:
        return Check("mai", False, problem.message, problem.hint)
