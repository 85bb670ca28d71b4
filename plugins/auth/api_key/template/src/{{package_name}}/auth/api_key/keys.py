"""Keys: `<prefix>_<id>_<secret>`, each of which stands for a user.

The secret is 256 random bits, so nobody finds one by trying, and the digest that is kept needs no
slow hash.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.db import Database
from ...core.errors import Forbidden, NotFound, Unauthenticated
from ...core.orm import utc_now, uuid7
from ...core.settings import load_settings
from ..audit import record
from ..caller import Caller
from ..models import User
from ..schemas import UserCreate
from ..users import as_caller, create_user, has_users
from .models import ApiKey
from .schemas import KeyCreate
from .settings import ApiKeySettings

FIRST_USER = "admin"

_SECRET_BYTES = 32


@dataclass(frozen=True)
class SentKey:
    """A key that somebody sent, and its parts."""

    key_id: UUID
    text: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str, prefix: str) -> "SentKey":
        """Read a key; raises `Unauthenticated` when this is none."""
        found = _form(prefix).fullmatch(text)
        if found is None:
            raise Unauthenticated(f"this is no key of this service: they begin with {prefix}_")
        return cls(UUID(found[1]), text, found[2])


@cache
def _form(prefix: str) -> re.Pattern[str]:
    return re.compile(prefix + "_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def label(key_id: UUID) -> str:
    """The word for a key by which `KnownCallers` forget."""
    return f"key:{key_id}"


async def find_caller(db: AsyncSession, sent: SentKey) -> tuple[Caller, ApiKey]:
    """Who calls with this key; raises `Unauthenticated` when it does not hold."""
    key = await db.get(ApiKey, sent.key_id)
    if key is None or not hmac.compare_digest(key.digest, digest(sent.secret)):
        raise Unauthenticated("nobody has this key: is it one of this service, and all of it?")
    if key.revoked_at is not None:
        raise Unauthenticated("this key was revoked: ask for a new one")
    if key.expires_at is not None and key.expires_at <= utc_now():
        raise Unauthenticated(f"this key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC")
    user = await db.get(User, UUID(key.user_id))
    if user is None or not user.is_active:
        raise Unauthenticated("the user of this key is let in no longer")
    return _restricted(as_caller(user), key.scopes), key


def _restricted(caller: Caller, scopes: Sequence[str] | None) -> Caller:
    """The caller who may, of what it may, no more than this; None restricts nothing."""
    if scopes is None:
        return caller
    return replace(caller, scopes=frozenset(one for one in scopes if caller.may([one])))


async def create_key(
    db: AsyncSession,
    caller: Caller | None,
    user: User,
    asked: KeyCreate,
    prefix: str,
    made_with: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of `user`; return its row and the key itself, which nobody can read later.

    It does not outlive the one that it is made with.
    """
    key_id, secret = uuid7(), secrets.token_urlsafe(_SECRET_BYTES)
    ends = [made_with.expires_at] if made_with and made_with.expires_at else []
    if asked.expires_in_days is not None:
        ends.append(utc_now() + timedelta(days=asked.expires_in_days))
    key = ApiKey(
        key_id=key_id,
        user_id=str(user.user_id),
        name=asked.name,
        digest=digest(secret),
        scopes=asked.scopes,
        expires_at=min(ends, default=None),
    )
    db.add(key)
    about = {"key_id": str(key_id), "name": key.name}
    if made_with is not None:
        about["made_with"] = str(made_with.key_id)
    record(db, "key.created", key.user_id, caller, **about)
    return key, f"{prefix}_{key_id.hex}_{secret}"


async def create_own_key(
    db: AsyncSession, caller: Caller, asked: KeyCreate, prefix: str, made_with: ApiKey | None
) -> tuple[ApiKey, str]:
    """Make a key of the caller, which may no more than the caller.

    Raises `Forbidden` when the caller lacks one of the scopes, or is no user with a row.
    """
    user = await _own_row(db, caller)
    if asked.scopes is None and not caller.may(as_caller(user).scopes):
        asked = asked.model_copy(update={"scopes": sorted(caller.scopes)})
    caller.require(asked.scopes or (), "such a key")
    return await create_key(db, caller, user, asked, prefix, made_with)


async def _own_row(db: AsyncSession, caller: Caller) -> User:
    """The caller's row, which nobody erases before the transaction is over."""
    try:
        user = await db.get(User, UUID(caller.id), with_for_update=True)
    except ValueError:
        user = None
    if user is None:
        raise Forbidden(f"keys are for the users of this service, and {caller.id!r} is none")
    return user


async def list_keys(
    db: AsyncSession, user_id: str | None, *, limit: int, before: UUID | None = None
) -> Sequence[ApiKey]:
    """Return a user's keys, or everybody's, newest first, those made before key `before`."""
    query = select(ApiKey).order_by(ApiKey.key_id.desc()).limit(limit)
    if user_id is not None:
        query = query.where(ApiKey.user_id == user_id)
    if before is not None:
        query = query.where(ApiKey.key_id < before)
    return (await db.scalars(query)).all()


async def revoke_key(db: AsyncSession, caller: Caller | None, key_id: UUID) -> ApiKey:
    """Let a key of the caller hold no more; None as the caller is the command line.

    Then let `KnownCallers` forget it. Raises `NotFound`.
    """
    query = select(ApiKey).where(ApiKey.key_id == key_id).with_for_update()
    if caller is not None:
        query = query.where(ApiKey.user_id == caller.id)
    key = await db.scalar(query)
    if key is None:
        raise NotFound(f"there is no key {str(key_id)!r}")
    if key.revoked_at is None:
        key.revoked_at = utc_now()
        record(db, "key.revoked", key.user_id, caller, key_id=str(key_id), name=key.name)
    return key


async def make_first_key(database: Database) -> Mapping[str, str]:
    """Make a superuser and a key where there is no user yet; return the key for `.env`."""
    async with database.transaction() as db:
        if await has_users(db):
            return {}
        user = await create_user(db, None, UserCreate(username=FIRST_USER, is_superuser=True))
        prefix = load_settings(ApiKeySettings).prefix
        _, key = await create_key(db, None, user, KeyCreate(name="first"), prefix)
    return {"API_TOKEN": key}
