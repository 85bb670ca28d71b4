"""`password set` and `invite`: letting somebody in from the command line."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.commands import with_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

app = typer.Typer()
passwords = typer.Typer(name="password", help="What users log in with.", no_args_is_help=True)
app.add_typer(passwords)


@passwords.command("set")
def set_password(
    name: Annotated[str, typer.Argument(help="A user's name or email address.")],
) -> None:
    """Let a user log in with a password that you type, or give on stdin; their logins end."""
    import asyncio

    from ...core.errors import NotFound
    from ...core.settings import load_settings
    from ..users import find_user
    from .passwords import PasswordHasher, check_new
    from .passwords import set_password as set_kept
    from .settings import JwtSettings

    settings = load_settings(JwtSettings)
    password = _ask()
    check_new(password, settings.password_min_length, "password")
    kept = asyncio.run(PasswordHasher(settings.bcrypt_cost).hash(password))

    async def change(db: "AsyncSession") -> None:
        user = await find_user(db, name)
        if user is None:
            raise NotFound(f"there is no user {name!r}: `user create` adds one")
        await set_kept(db, None, user.user_id, kept)

    with_rows(change)
    typer.echo(f"{name} logs in with this password now")


@app.command()
def invite(
    days: Annotated[int, typer.Option(min=1, max=90, help="How long it holds.")] = 7,
) -> None:
    """Print a code by which one person may register."""
    from datetime import timedelta

    from ...core.settings import load_settings
    from .invitations import invite as make
    from .settings import JwtSettings

    registration = load_settings(JwtSettings).registration
    lifetime = timedelta(days=days)
    invitation, code = with_rows(lambda db: make(db, None, lifetime, registration))
    typer.echo(code)
    typer.echo(f"it holds until {invitation.expires_at:%Y-%m-%d %H:%M} UTC", err=True)


def _ask() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
