"""`mai plugin`: the plugins of this mai, one file a command."""

from collections.abc import Mapping
from typing import ClassVar

import typer

from ..app import HELP_OPTIONS, LazyGroup


class PluginGroup(LazyGroup):
    package = __package__
    summaries: ClassVar[Mapping[str, str]] = {
        "list": "List the installed plugins.",
        "install": "Install a plugin beside this mai.",
        "uninstall": "Uninstall a plugin.",
        "doctor": "Find what is wrong with a plugin, and tell how to mend it.",
        "new": "Make a plugin of your own.",
    }


app = typer.Typer(
    cls=PluginGroup,
    help="List, install, remove, check and make plugins.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    context_settings=HELP_OPTIONS,
)


@app.callback()
def _group() -> None:
    pass
