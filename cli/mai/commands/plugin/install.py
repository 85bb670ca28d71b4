"""`mai plugin install`: a plugin beside this mai, whatever way mai was installed."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson, Yes
from .options import DryRun

if TYPE_CHECKING:
    from ...console.documents import PluginChanged
    from ...plugins.installer import Command
    from ...plugins.offer import Offer

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def install(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PLUGIN",
            help="`mai-sundial`, `mai-sundial>=1`, a folder, a wheel, `git+https://…`.",
        ),
    ],
    editable: Annotated[
        bool, typer.Option("--editable", "-e", help="Use a folder as it stands, for its author.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", "-U", help="Bring it to the newest version.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Install a plugin beside this mai; every other plugin stays.

    Tells first what it would add. Once installed, its code runs as part of mai: what you do not
    trust, do not install.
    """
    from ...console import report
    from ...plugins.installer import find_home, wanted
    from ...programs import installers

    home = find_home()
    plugin = wanted(source, editable=editable, upgrade=upgrade)
    reading = report.progress("Reading the plugin", quiet=as_json)
    with reading, installers.read(home, plugin) as offer:
        command = home.install(replace(plugin, name=offer.name))
        told = _planned(offer, command, home.told)
    if not as_json:
        report.plugin_offer(told)
    if dry_run:
        report.plugin_done(told, as_json=as_json)
        return
    _refuse_unasked(offer.name, yes=yes, as_json=as_json)
    with report.progress("Installing", quiet=as_json):
        installers.run(command)
        told = _done(told)
    report.plugin_done(told, as_json=as_json)
    if told.status == "failed":
        raise typer.Exit(1)


def _planned(offer: "Offer", command: "Command", home: str) -> "PluginChanged":
    from ...console.documents import PluginChanged

    return PluginChanged(
        command="plugin install",
        status="planned",
        distribution=offer.name,
        version=offer.version,
        components=[component.id for component in offer.components],
        requires=offer.requires,
        run=[command.typed],
        notes=[f"mai is {home}", *offer.problems],
    )


def _refuse_unasked(name: str, *, yes: bool, as_json: bool) -> None:
    """Raises `Refused` unless somebody said that code of the plugin may run here."""
    from ...console import person
    from ...errors import Refused

    if yes:
        return
    if as_json or not person.is_there():
        raise Refused(
            f"nobody is there to say that the code of {name} may run as part of mai",
            "if you trust it: --yes",
        )
    from ...console import ask

    if not ask.confirm(f"Do you trust {name}, and want to install it?"):
        raise Refused("nothing was installed")


def _done(planned: "PluginChanged") -> "PluginChanged":
    """What a new process finds: this one was started before the plugin was there."""
    import json
    import sys

    from ...plugins.installer import Command
    from ...programs import installers

    said = installers.run(Command((sys.executable, "-P", "-m", "mai", "plugin", "list", "--json")))
    found = {one["distribution"]: one for one in json.loads(said)["plugins"]}
    plugin = found[planned.distribution]
    is_well = plugin["state"] == "ok"
    return replace(
        planned,
        status="done" if is_well else "failed",
        version=plugin["version"],
        components=plugin["components"],
        notes=[] if is_well else plugin["problems"],
    )
