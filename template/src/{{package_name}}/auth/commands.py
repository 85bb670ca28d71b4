"""The commands of group `user`: who there is, who is let in, and who owns what `local` made."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..core.commands import with_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

app = typer.Typer(name="user", help="Whom the service knows by name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A user's name or email address.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Letters, digits and . _ -, such as anna.")],
    email: Annotated[str | None, typer.Option(help="Their email address.")] = None,
    superuser: Annotated[bool, typer.Option(help="They may do everything.")] = False,
    scope: Annotated[list[str] | None, typer.Option(help="They may do this, too.")] = None,
) -> None:
    """Add a user."""
    from pydantic import ValidationError

    from ..core.errors import InvalidRequest
    from .schemas import UserCreate
    from .users import create_user

    try:
        asked = UserCreate(username=name, email=email, is_superuser=superuser, scopes=scope or [])
    except ValidationError as error:
        raise InvalidRequest.of(error.errors()) from None
    with_rows(lambda db: create_user(db, None, asked))
    typer.echo(f"{asked.username} is known now")


@app.command("list")
def list_them() -> None:
    """Print the users, newest first: name, email address, and what they are."""
    from .users import list_users

    for user in with_rows(lambda db: list_users(db, limit=10_000)):
        role = "superuser" if user.is_superuser else " ".join(["user", *user.scopes])
        state = "" if user.is_active else "disabled"
        typer.echo("  ".join(filter(None, (user.username, user.email, role, state))))


@app.command()
def disable(name: Name) -> None:
    """Let a user in no longer, within seconds in every process; what is theirs stays."""
    _change(name, "is disabled", is_active=False)


@app.command()
def enable(name: Name) -> None:
    """Let a user in again."""
    _change(name, "is let in again", is_active=True)


@app.command()
def promote(name: Name) -> None:
    """Make a user a superuser, who may do everything."""
    _change(name, "is a superuser", is_superuser=True)


@app.command()
def demote(name: Name) -> None:
    """Make a superuser a user like others."""
    _change(name, "is a superuser no longer", is_superuser=False)


@app.command()
def adopt_local(name: Name) -> None:
    """Hand a user what was made here while nothing asked who was calling."""
    from . import users

    async def adopt(db: "AsyncSession") -> int:
        return await users.adopt_local(db, await users.get_user_named(db, name))

    typer.echo(f"{name} owns {with_rows(adopt)} more rows")


def _change(name: str, told: str, **changes: bool) -> None:
    from .schemas import UserPatch
    from .users import change_user, get_user_named

    async def change(db: "AsyncSession") -> None:
        user = await get_user_named(db, name)
        await change_user(db, None, user.user_id, UserPatch.model_validate(changes))

    with_rows(change)
    typer.echo(f"{name} {told}")
