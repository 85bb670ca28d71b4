"""`mai plugin uninstall`: a plugin away from this mai."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson, Yes
from .options import DryRun

if TYPE_CHECKING:
    from ...console.documents import PluginChanged
    from ...plugins.installer import Command, Home

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def uninstall(
    name: Annotated[str, typer.Argument(metavar="PLUGIN", help="Its distribution.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Uninstall a plugin; what it made in a project stays, as `mai doctor` says there."""
    from ...console import report
    from ...plugins.installer import find_home
    from ...programs import installers

    commands, told = _planned(name, find_home())
    if not as_json:
        report.plugin_offer(told)
    if dry_run:
        report.plugin_done(told, as_json=as_json)
        return
    if not (yes or as_json):
        _confirm(told.distribution)
    with report.progress("Uninstalling", quiet=as_json):
        for command in commands:
            installers.run(command)
    report.plugin_done(replace(told, status="done"), as_json=as_json)


def _planned(name: str, home: "Home") -> "tuple[tuple[Command, ...], PluginChanged]":
    from ...console.documents import PluginChanged
    from ...errors import Refused
    from ...plugins import loader
    from ...plugins.installed import OWN_DISTRIBUTION
    from .told import told_plugin

    catalog = loader.load_catalog()
    plugin = told_plugin(catalog.installed_plugin(name), catalog)
    if plugin.distribution == OWN_DISTRIBUTION:
        raise Refused(f"{OWN_DISTRIBUTION} is mai itself", f"mai is {home.told}")
    commands = home.uninstall(plugin.distribution)
    told = PluginChanged(
        command="plugin uninstall",
        status="planned",
        distribution=plugin.distribution,
        version=plugin.version,
        components=plugin.components,
        requires=(),
        run=[command.typed for command in commands],
        notes=list(_in_use(plugin.components)),
    )
    return commands, told


def _in_use(components: Iterable[str]) -> Iterator[str]:
    """Which instances of the project here lose the plugin that they come from."""
    from ...errors import MaiError
    from ...project.reader import find_root, read_lock

    try:
        instances = read_lock(find_root(Path.cwd())).instances
    except MaiError:
        return  # here is no project, or none that tells
    for key, locked in instances.items():
        if locked.component in components:
            yield f"{key} of this project is from it: its files stay, and mai changes them no more"


def _confirm(name: str) -> None:
    from ...console import person

    if not person.is_there():
        return
    from ...console import ask
    from ...errors import Refused

    if not ask.confirm(f"Uninstall {name}?"):
        raise Refused("nothing was uninstalled")
