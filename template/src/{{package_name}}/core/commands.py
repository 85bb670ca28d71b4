"""The commands of group `db`, and how a command reaches the database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .errors import StartupError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from .db import Database

T = TypeVar("T")

app = typer.Typer(name="db", help="The database's schema.", no_args_is_help=True)


def with_database(action: "Callable[[Database], Awaitable[T]]") -> T:
    """What `action` makes of the configured database; `StartupError` if it does not answer.

    What is logged meanwhile goes to stderr alone, unless the command has configured it.
    """
    import structlog
    from sqlalchemy.exc import DBAPIError

    from .db import Database
    from .logging import configure_logging
    from .settings import get_settings

    settings = get_settings()
    if not structlog.is_configured():
        configure_logging(settings.model_copy(update={"log_file": None}))

    async def run() -> T:
        database = Database(settings)
        try:
            await database.ping()
        except (OSError, DBAPIError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise StartupError(
                f"the database {database.url!r} does not answer ({reason}): "
                f"start it, or correct DATABASE_URL"
            ) from error
        try:
            return await action(database)
        finally:
            await database.close()

    return asyncio.run(run())


def with_rows(action: "Callable[[AsyncSession], Awaitable[T]]") -> T:
    """What `action` makes of one transaction in the configured database, whose schema is new."""

    async def transact(database: "Database") -> T:
        from .migrate import prepare_schema

        await prepare_schema(database)
        async with database.transaction() as db:
            return await action(db)

    return with_database(transact)


@app.command()
def upgrade(revision: Annotated[str, typer.Argument(help="Up to this one.")] = "heads") -> None:
    """Apply the migrations that the database lacks."""
    from . import migrate

    with_database(lambda database: migrate.upgrade(database, revision))
    current()


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="Down to this one: app@-1, core@base.")],
) -> None:
    """Take migrations back; what only they hold is lost."""
    from . import migrate

    with_database(lambda database: migrate.downgrade(database, revision))
    current()


@app.command()
def revision(
    message: Annotated[str, typer.Option("-m", "--message", help="What it does, in a few words.")],
    empty: Annotated[bool, typer.Option(help="Don't compare models and tables.")] = False,
) -> None:
    """Write a migration from what the models have and the database lacks."""
    from . import migrate

    typer.echo(with_database(lambda database: migrate.write_revision(database, message, empty)))


@app.command()
def check() -> None:
    """Compare the database with the models; exit code 1 when they differ."""
    from . import migrate

    drift = with_database(migrate.find_drift)
    if drift is not None:
        raise StartupError(f"{drift}: write a migration with `db revision -m MESSAGE`")
    typer.echo("The database is what the models say.")


@app.command()
def current() -> None:
    """Print the revisions that the database is at, and whether they are the newest."""
    from . import migrate

    async def look(database: "Database") -> tuple[Sequence[str], Sequence[str], bool]:
        return *await migrate.current_revisions(database), await migrate.is_current(database)

    applied, newest, is_current = with_database(look)
    state = "up to date" if is_current else f"behind {', '.join(newest)}"
    typer.echo(f"{', '.join(applied) or 'no migration applied'} ({state})")
