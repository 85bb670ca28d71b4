"""The commands of group `sessions`."""

from typing import Annotated

import typer

app = typer.Typer(name="sessions", help="Conversations.", no_args_is_help=True)


@app.command()
def purge(
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Deleted so many days ago; by default as .env says, else 0."),
    ] = None,
) -> None:
    """Erase the conversations that were deleted, with all that was said in them."""
    from ..core.commands import with_database
    from ..core.settings import load_settings
    from .erasure import erase_deleted
    from .settings import HistorySettings

    age = days if days is not None else load_settings(HistorySettings).retention_days or 0
    count = with_database(lambda database: erase_deleted(database, age))
    typer.echo(f"erased {count} deleted session{'' if count == 1 else 's'}")
