"""Logins: each begins with a password and goes on by refresh tokens, which hold once.

A refresh token has two halves: `family`, the same for the whole login, and a secret that each
refresh replaces. One whose family is known and whose secret is an old one has been copied: its
login ends, whoever has the copy. For a moment after a refresh the old one is only refused, since
two tabs of a browser may have sent it at once.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.errors import Conflict, NotFound, Unauthenticated
from ...core.orm import utc_now
from ..audit import record
from ..caller import Caller
from ..models import User
from ..users import get_user
from .models import Login

AT_ONCE = timedelta(seconds=10)

_FAMILY_BYTES = 16
_SECRET_BYTES = 32


class RefreshedMeanwhile(Conflict):
    """The refresh token was used a moment ago: use the token that was given for it."""

    code, title = "refreshed_meanwhile", "The login has been refreshed meanwhile"


@dataclass(frozen=True)
class Continued:
    """A login and the refresh token that it goes on by."""

    login: Login
    refresh_token: str


@dataclass(frozen=True)
class Ended:
    """A login that is over, because one of its refresh tokens came twice."""

    login_id: UUID


async def begin(db: AsyncSession, user_id: UUID, lifetime: timedelta) -> Continued:
    """Begin a login; those of the user that have expired are forgotten."""
    await db.execute(delete(Login).where(Login.user_id == user_id, Login.expires_at <= utc_now()))
    family, secret = token_urlsafe(_FAMILY_BYTES), token_urlsafe(_SECRET_BYTES)
    login = Login(
        user_id=user_id,
        family_digest=digest(family),
        secret_digest=digest(secret),
        expires_at=utc_now() + lifetime,
    )
    db.add(login)
    await db.flush()
    return Continued(login, f"{family}.{secret}")


async def refresh(db: AsyncSession, token: str, lifetime: timedelta) -> Continued | Ended:
    """Go on with a login, or end it when `token` has been used before.

    Raises `Unauthenticated` when there is no such login, or its user is disabled, and
    `RefreshedMeanwhile` for the slower one of two that came at once.
    """
    family, _, secret = token.partition(".")
    login = await _find_for_update(db, family)
    if login is None:
        raise Unauthenticated("this login is over: log in again")
    given, now = digest(secret), utc_now()
    if given == login.secret_digest:
        fresh = token_urlsafe(_SECRET_BYTES)
        login.previous_digest, login.secret_digest = login.secret_digest, digest(fresh)
        login.refreshed_at, login.expires_at = now, now + lifetime
        return Continued(login, f"{family}.{fresh}")
    if given == login.previous_digest and now < login.refreshed_at + AT_ONCE:
        raise RefreshedMeanwhile("this refresh token was used a moment ago: use the new one")
    await db.delete(login)
    record(db, "refresh.reused", str(login.user_id), login_id=str(login.login_id))
    return Ended(login.login_id)


async def end(db: AsyncSession, token: str) -> UUID | None:
    """End the login that a refresh token, used or not, belongs to; return its id, if there is."""
    family = digest(token.partition(".")[0])
    ended = delete(Login).where(Login.family_digest == family)
    row = (await db.execute(ended.returning(Login.login_id, Login.user_id))).one_or_none()
    if row is None:
        return None
    login_id, user_id = row
    record(db, "logout", str(user_id), login_id=str(login_id))
    return login_id


async def end_all(db: AsyncSession, caller: Caller) -> None:
    """End every login of the caller; raises `NotFound` for one who is no user of this service."""
    user = await own_user(db, caller)
    await db.execute(delete(Login).where(Login.user_id == user.user_id))
    record(db, "logout", caller.id, caller, everywhere=True)


async def own_user(db: AsyncSession, caller: Caller) -> User:
    """The user who calls; raises `NotFound` when the caller is none, but known from elsewhere."""
    try:
        return await get_user(db, UUID(caller.id))
    except ValueError:
        raise NotFound("you are no user of this service: it knows you from elsewhere") from None


async def user_of(db: AsyncSession, user_id: UUID, login_id: UUID) -> User | None:
    """The user of a login; None when either is over, or the user is disabled."""
    query = select(User).join(Login, Login.user_id == User.user_id)
    of_both = Login.login_id == login_id, User.user_id == user_id
    return await db.scalar(query.where(*of_both, User.is_active, Login.expires_at > utc_now()))


def label(login_id: UUID) -> str:
    """The word for a login by which `KnownCallers` forget."""
    return f"login:{login_id}"


def digest(secret: str) -> str:
    """What is kept of a secret that nobody can guess, so that it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def _find_for_update(db: AsyncSession, family: str) -> Login | None:
    """The login, which nobody else changes before the transaction is over."""
    query = select(Login).join(User, Login.user_id == User.user_id).with_for_update(of=Login)
    lives = User.is_active, Login.expires_at > utc_now()
    return await db.scalar(query.where(Login.family_digest == digest(family), *lives))
