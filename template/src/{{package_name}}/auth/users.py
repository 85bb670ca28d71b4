"""Users: whom this service knows by name. Modes turn what somebody sends into one of them.

This is the administrators' side: each change takes the caller who makes it, None for the command
line, and is recorded. What somebody owns are the rows with their id in a column `user_id`.
"""

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import CursorResult, String, Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ..core.errors import Conflict, NotFound
from ..core.migrate import load_metadata
from .audit import record
from .caller import EVERY_SCOPE, LOCAL, Caller
from .models import User
from .schemas import UserCreate, UserPatch


def as_caller(user: User) -> Caller:
    """Who calls when `user` does."""
    scopes = [EVERY_SCOPE] if user.is_superuser else user.scopes
    return Caller(str(user.user_id), frozenset(scopes), name=user.username)


def label(user_id: UUID | str) -> str:
    """The word for a user by which `KnownCallers` forget; publish it when their rights change."""
    return f"user:{user_id}"


async def create_user(db: AsyncSession, caller: Caller | None, asked: UserCreate) -> User:
    """Add a user; raises `Conflict` when the name or the email address is taken."""
    user = User(**asked.model_dump())
    db.add(user)
    await _flush(db)
    record(db, "user.created", str(user.user_id), caller, username=user.username)
    return user


async def get_user(db: AsyncSession, user_id: UUID, *, for_update: bool = False) -> User:
    """The user; raises `NotFound`."""
    user = await db.get(User, user_id, with_for_update=for_update)
    if user is None:
        raise NotFound(f"there is no user {str(user_id)!r}")
    return user


async def find_user(db: AsyncSession, name: str) -> User | None:
    """The user with this name or email address, whatever its case."""
    name = name.lower()
    column = User.email if "@" in name else User.username
    return await db.scalar(select(User).where(column == name))


async def get_user_named(db: AsyncSession, name: str) -> User:
    """The user with this name or email address; raises `NotFound`."""
    if user := await find_user(db, name):
        return user
    raise NotFound(f"there is no user {name!r}: `user list` shows them")


async def list_users(db: AsyncSession, *, limit: int, before: UUID | None = None) -> Sequence[User]:
    """Return users, newest first, those made before user `before`."""
    query = select(User).order_by(User.user_id.desc()).limit(limit)
    if before is not None:
        query = query.where(User.user_id < before)
    return (await db.scalars(query)).all()


async def change_user(
    db: AsyncSession, caller: Caller | None, user_id: UUID, patch: UserPatch
) -> User:
    """Apply a patch; raises `NotFound`, or `Conflict` when no superuser would be left.

    Then let `KnownCallers` forget the user.
    """
    superusers = await _lock_superusers(db)
    user = await get_user(db, user_id, for_update=True)
    changes = patch.model_dump(exclude_unset=True)
    for name, value in changes.items():
        setattr(user, name, value)
    if not (user.is_active and user.is_superuser):
        _check_another(superusers, user_id)
    await _flush(db)
    record(db, "user.changed", str(user_id), caller, **changes)
    return user


async def delete_user(db: AsyncSession, caller: Caller | None, user_id: UUID) -> None:
    """Erase a user with all that is theirs; raises as `change_user` does, and then likewise."""
    _check_another(await _lock_superusers(db), user_id)
    user = await get_user(db, user_id, for_update=True)
    for table in _owned_tables():
        await db.execute(delete(table).where(table.c.user_id == str(user_id)))
    await db.delete(user)
    record(db, "user.deleted", str(user_id), caller, username=user.username)


async def adopt_local(db: AsyncSession, user: User) -> int:
    """Hand what `local` owns to `user`; return how many rows there were."""
    count = 0
    for table in _owned_tables():
        mine = update(table).where(table.c.user_id == LOCAL.id)
        adopted = await db.execute(mine.values(user_id=str(user.user_id)))
        count += cast("CursorResult[tuple[()]]", adopted).rowcount
    record(db, "user.adopted_local", str(user.user_id), rows=count)
    return count


async def has_users(db: AsyncSession) -> bool:
    """Whether there is any user."""
    return await db.scalar(select(User.user_id).limit(1)) is not None


def _owned_tables() -> Iterable[Table]:
    """Every room's tables of rows that belong to callers, those that others refer to first."""
    for table in load_metadata().sorted_tables:
        if "user_id" in table.c and isinstance(table.c.user_id.type, String):
            yield table


async def _flush(db: AsyncSession) -> None:
    try:
        await db.flush()
    except IntegrityError as error:
        taken = "email address" if "email" in str(error.orig) else "name"
        raise Conflict(f"this {taken} is another user's") from None


async def _lock_superusers(db: AsyncSession) -> Sequence[UUID]:
    """The superusers who are let in, whom nobody else changes before the transaction is over."""
    query = select(User.user_id).where(User.is_superuser, User.is_active).order_by(User.user_id)
    return (await db.scalars(query.with_for_update())).all()


def _check_another(superusers: Sequence[UUID], user_id: UUID) -> None:
    if [*superusers] == [user_id]:
        raise Conflict("this is the last superuser who is let in: make another one first")
