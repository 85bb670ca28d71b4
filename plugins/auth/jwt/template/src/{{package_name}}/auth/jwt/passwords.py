"""Passwords: which are good enough, how they are kept, and who changes them.

bcrypt reads 72 bytes and no more. It is given a digest instead, so that a password may be as long
as it likes, in any script; the salt is the digest's key, so that a digest that somebody has stolen
elsewhere is of no use here.
"""

import hmac
import os
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

import bcrypt
from anyio import CapacityLimiter, to_thread
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.errors import InvalidRequest, NotFound
from ...core.orm import utc_now
from ..audit import record
from ..caller import Caller
from ..models import User
from ..users import find_user
from .logins import digest, own_user
from .models import Login, Password

MAX_LENGTH = 256

_SALT_CHARACTERS = 29


class PasswordHasher:
    """bcrypt in threads, no more of them than there are processors; others wait."""

    def __init__(self, cost: int) -> None:
        self._cost = cost
        self._threads = CapacityLimiter(os.cpu_count() or 1)

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        return await to_thread.run_sync(_hash, password, self._cost, limiter=self._threads)

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether `kept` was made of this password; None takes as long as the wrong one."""
        kept = kept or f"$2b${self._cost:02}$".ljust(60, ".")
        return await to_thread.run_sync(_verify, password, kept, limiter=self._threads)

    def is_outdated(self, kept: str) -> bool:
        """Whether it was made at another cost than passwords are now."""
        return int(kept.split("$")[2]) != self._cost


def _hash(password: str, cost: int) -> str:
    salt = bcrypt.gensalt(cost)
    return bcrypt.hashpw(_digest(password, salt), salt).decode()


def _verify(password: str, kept: str) -> bool:
    salt = kept[:_SALT_CHARACTERS].encode()
    return bcrypt.checkpw(_digest(password, salt), kept.encode())


def _digest(password: str, salt: bytes) -> bytes:
    """44 characters. Keyboards differ in how they write `é`; that makes no difference here."""
    return b64encode(hmac.digest(salt, _normalise(password).encode(), "sha256"))


def _normalise(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def check_new(password: str, min_length: int, field: str) -> None:
    """Raise `InvalidRequest` for a password that is too short to be hard to guess."""
    if len(_normalise(password)) < min_length:
        msg = f"expected {min_length} characters or more; a few words are easy to remember"
        error = {"loc": (field,), "msg": msg, "type": "string_too_short"}
        raise InvalidRequest.of([error], "body")


@dataclass(frozen=True)
class Account:
    """What a name stands for: a user, with or without a password, or nobody.

    Attempts are counted by `key`.
    """

    key: str
    user: User | None
    password: Password | None


async def find(db: AsyncSession, name: str) -> Account:
    """The account of this name or email address."""
    if user := await find_user(db, name):
        return Account(str(user.user_id), user, await db.get(Password, user.user_id))
    # Asked, too, so that whether there is such a user makes no difference in time.
    return Account(digest(name.lower()), None, await db.get(Password, UUID(int=0)))


async def find_own(db: AsyncSession, caller: Caller) -> Account:
    """The caller's account; raises `NotFound` when they are no user, or have no password."""
    user = await own_user(db, caller)
    if password := await db.get(Password, user.user_id):
        return Account(caller.id, user, password)
    raise NotFound("you have no password yet: ask who runs this service for one")


async def lock(db: AsyncSession, seen: Password) -> Password | None:
    """The same password, which nobody changes before the transaction is over.

    None when it has been changed since it was seen.
    """
    same = Password.user_id == seen.user_id, Password.changed_at == seen.changed_at
    return await db.scalar(select(Password).where(*same).with_for_update())


async def set_password(db: AsyncSession, caller: Caller | None, user_id: UUID, kept: str) -> None:
    """Let a user log in with the password that `kept` was made of; the logins they have end.

    Then let `KnownCallers` forget the user.
    """
    password = await db.get(Password, user_id, with_for_update=True)
    if password is None:
        db.add(Password(user_id=user_id, hash=kept))
    else:
        password.hash, password.changed_at = kept, utc_now()
    await db.flush()
    await db.execute(delete(Login).where(Login.user_id == user_id))
    record(db, "password.changed", str(user_id), caller)
