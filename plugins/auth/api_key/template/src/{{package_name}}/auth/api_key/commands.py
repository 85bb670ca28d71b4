"""The commands of group `key`: keys of any user."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ...core.commands import with_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from .models import ApiKey

app = typer.Typer(name="key", help="Keys of users.", no_args_is_help=True)


@app.command()
def create(
    user: Annotated[str, typer.Argument(help="Whose: a user's name or email address.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    scope: Annotated[
        list[str] | None, typer.Option(help="It may do this; by default all that the user may.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="It holds so long; by default for ever.")] = None,
) -> None:
    """Make a key and print it, this once."""
    from pydantic import ValidationError

    from ...core.errors import InvalidRequest
    from ...core.settings import load_settings
    from ..users import get_user_named
    from .keys import create_key
    from .schemas import KeyCreate
    from .settings import ApiKeySettings

    try:
        asked = KeyCreate(name=name, scopes=scope or None, expires_in_days=days)
    except ValidationError as error:
        raise InvalidRequest.of(error.errors()) from None
    prefix = load_settings(ApiKeySettings).prefix

    async def make(db: "AsyncSession") -> str:
        _, key = await create_key(db, None, await get_user_named(db, user), asked, prefix)
        return key

    typer.echo(with_rows(make))


@app.command("list")
def list_them(
    user: Annotated[str, typer.Argument(help="Whose; by default everybody's.")] = "",
) -> None:
    """Print keys, newest first: id, user, name, scopes, when last used, whether it holds."""
    from sqlalchemy import select

    from ..models import User
    from ..users import get_user_named
    from .keys import list_keys

    async def read(db: "AsyncSession") -> "list[tuple[ApiKey, str]]":
        user_id = str((await get_user_named(db, user)).user_id) if user else None
        keys = await list_keys(db, user_id, limit=10_000)
        rows = await db.execute(select(User.user_id, User.username))
        names = {str(row.user_id): row.username for row in rows}
        return [(key, names.get(key.user_id, key.user_id)) for key in keys]

    for key, owner in with_rows(read):
        typer.echo("  ".join([str(key.key_id), owner, key.name, *_facts(key)]))


@app.command()
def revoke(key_id: Annotated[UUID, typer.Argument(help="The middle part of the key.")]) -> None:
    """Let a key hold no more, within seconds in every process, for good."""
    from .keys import revoke_key

    key = with_rows(lambda db: revoke_key(db, None, key_id))
    typer.echo(f"{key.name} is revoked")


def _facts(key: "ApiKey") -> list[str]:
    from ...core.orm import utc_now

    scopes = "all that its user may" if key.scopes is None else " ".join(key.scopes) or "no scope"
    used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    facts = [scopes, used]
    if key.revoked_at is not None:
        facts.append(f"revoked {key.revoked_at:%Y-%m-%d %H:%M}")
    elif key.expires_at is not None:
        ends = "expired" if key.expires_at <= utc_now() else "expires"
        facts.append(f"{ends} {key.expires_at:%Y-%m-%d %H:%M}")
    return facts
