"""The commands of group `sessions`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..core.db import Database

app = typer.Typer(name="sessions", help="Conversations.", no_args_is_help=True)


@app.command()
def purge(
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Deleted so many days ago; by default as .env says, else 0."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Erase the conversations that were deleted, with all that was said in them, for good."""
    from ..core.commands import with_database
    from ..core.settings import load_settings
    from .erasure import count_deleted, days_ago, erase_deleted
    from .settings import HistorySettings

    age = days if days is not None else load_settings(HistorySettings).retention_days or 0
    before = days_ago(age)

    async def ask_and_erase(database: "Database") -> int:
        count = await count_deleted(database, before)
        if count and not yes:
            since = f", deleted {_count(age, 'day')} ago or earlier" if age else ""
            question = f"Erase {_count(count, 'deleted session')}{since}, for good?"
            typer.confirm(question, abort=True)
        return await erase_deleted(database, before)

    typer.echo(f"erased {_count(with_database(ask_and_erase), 'deleted session')}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
