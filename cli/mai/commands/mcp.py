"""`mai mcp`: the project's changes as tools of a coding assistant."""

from pathlib import Path
from typing import Annotated

import typer

from .app import HELP_OPTIONS

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def mcp(
    project: Annotated[
        Path,
        typer.Option("--project", metavar="FOLDER", help="By default the current folder."),
    ] = Path(),
) -> None:
    """Serve a coding assistant over MCP, on stdin and stdout, until it closes stdin."""
    import gc
    import os
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        _refuse_without_sdk()
    from ..errors import UsageError
    from ..mcp.server import make_server

    try:
        os.chdir(project)
    except OSError as error:
        raise UsageError(f"--project {str(project)!r}: {error.strerror}") from error
    # It lives as long as the assistant does.
    gc.enable()
    make_server().run()


def _refuse_without_sdk() -> None:
    """Raises `Refused` with the command that installs the SDK beside this mai."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    from ..errors import Refused
    from ..plugins.installed import OWN_DISTRIBUTION
    from ..plugins.installer import Wanted, find_home

    stated = map(Requirement, requires(OWN_DISTRIBUTION) or ())
    sdk = next(one for one in stated if one.name == "mcp")
    command = find_home().install(Wanted(f"{sdk.name}{sdk.specifier}", sdk.name))
    raise Refused("mai mcp needs the MCP SDK, which is not installed", command.typed)
