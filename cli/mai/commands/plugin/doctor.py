"""`mai plugin doctor`: what is wrong with a plugin, and how to mend it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson

if TYPE_CHECKING:
    from ...console.documents import Plugin
    from ...plugins.check import Check

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Find what is wrong with a plugin, and tell how to mend it; exit code 1 when something is."""
    from ...console import report
    from ...console.documents import Checked
    from ...plugins import loader
    from .told import told_plugins

    found = [_home(), *(c for one in told_plugins(loader.load_catalog()) for c in _checks(one))]
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


def _checks(plugin: "Plugin") -> "Iterator[Check]":
    from ...plugins.check import Check

    name = plugin.distribution
    if not plugin.problems:
        offered = ", ".join(plugin.components) or "hooks only"
        yield Check(name, True, f"{plugin.version} offers {offered}")
    mend = f"mai plugin install --upgrade {name}; or mai plugin uninstall {name}"
    for problem in plugin.problems:
        yield Check(name, False, f"{plugin.version} is skipped: {problem}", mend)
