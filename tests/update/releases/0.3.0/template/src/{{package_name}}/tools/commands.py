"""The commands of group `tools`: which there are, and switching them for every process."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.db import Database

app = typer.Typer(name="tools", help="What agents can use.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of a tool; `tools list` shows them.")]


@app.command("list")
def list_them(
    category: Annotated[str, typer.Option(help="Only those of this category.")] = "",
) -> None:
    """Print the tools: name, version, category, and whether they are enabled."""
    from ..core.bus import Bus
    from ..core.commands import with_database
    from ..core.migrate import prepare_schema
    from .definition import list_tools
    from .switches import ToolSwitches

    async def read(database: "Database") -> "Mapping[str, bool]":
        await prepare_schema(database)
        return await ToolSwitches(database, Bus()).read()

    states = with_database(read)
    for one in list_tools(category or None):
        state = "enabled" if one.is_enabled(states) else "disabled"
        typer.echo(f"{one.tool.name}  {one.version}  {one.category}  {state}")


@app.command()
def enable(name: Name) -> None:
    """Give a tool to agents again, in every process."""
    _switch(name, enabled=True)


@app.command()
def disable(name: Name) -> None:
    """Take a tool away from all agents, in every process."""
    _switch(name, enabled=False)


def _switch(name: str, enabled: bool) -> None:
    from ..core.bus import make_bus
    from ..core.commands import with_database
    from ..core.migrate import prepare_schema
    from ..core.settings import get_settings
    from .definition import find_tool
    from .switches import ToolSwitches

    find_tool(name)

    async def switch(database: "Database") -> None:
        await prepare_schema(database)
        async with make_bus(get_settings(), database) as bus:
            await ToolSwitches(database, bus).switch(name, enabled)

    with_database(switch)
    typer.echo(f"{name} is {'enabled' if enabled else 'disabled'}")
