"""Letting somebody in by a password: counts the attempt, looks at it, begins a login."""

from ...core.errors import Unauthenticated
from ...core.services import Services
from ..audit import record
from ..caller import Caller
from ..models import User
from ..users import as_caller
from . import logins, passwords
from .logins import Continued
from .models import Password
from .passwords import Account, PasswordHasher
from .settings import JwtSettings
from .throttle import Attempts

NOBODY = "nobody"
"""The subject of refused logins whose name no user has."""


async def log_in(services: Services, name: str, password: str, address: str) -> Continued:
    """Begin a login; raises `Unauthenticated`, or `TooManyRequests` before it looks.

    Somebody whom nobody knows is refused after the same work and in the same words.
    """
    async with services.database.session() as db:
        account = await passwords.find(db, name)
    user, kept = await _verify(services, account, password, address)
    hasher = services.get(PasswordHasher)
    renewed = await hasher.hash(password) if hasher.is_outdated(kept.hash) else kept.hash
    async with services.database.transaction() as db:
        locked = await passwords.lock(db, kept)
        if locked is None:
            raise _wrong()
        locked.hash = renewed
        begun = await logins.begin(db, user.user_id, services.get(JwtSettings).login_lifetime)
        about = {"login_id": str(begun.login.login_id), "address": address}
        record(db, "login", str(user.user_id), as_caller(user), **about)
    return begun


async def change_password(
    services: Services, caller: Caller, current: str, new: str, address: str
) -> Continued:
    """Change the caller's password and begin a login in place of all others.

    Raises as `log_in` does, `NotFound` when they have none, `InvalidRequest` when the new one is
    too short. Then let `KnownCallers` forget the user.
    """
    async with services.database.session() as db:
        account = await passwords.find_own(db, caller)
    passwords.check_new(new, services.get(JwtSettings).password_min_length, "new_password")
    user, kept = await _verify(services, account, current, address)
    made = await services.get(PasswordHasher).hash(new)
    async with services.database.transaction() as db:
        if await passwords.lock(db, kept) is None:
            raise _wrong()
        await passwords.set_password(db, caller, user.user_id, made)
        return await logins.begin(db, user.user_id, services.get(JwtSettings).login_lifetime)


async def hash_new(services: Services, password: str, field: str) -> str:
    """What is kept of a new password; raises `InvalidRequest` when it is too short."""
    passwords.check_new(password, services.get(JwtSettings).password_min_length, field)
    return await services.get(PasswordHasher).hash(password)


async def _verify(
    services: Services, account: Account, password: str, address: str
) -> tuple[User, Password]:
    attempts, user, kept = services.get(Attempts), account.user, account.password
    await attempts.count(account.key, address)
    is_right = await services.get(PasswordHasher).verify(password, kept.hash if kept else None)
    if user and kept and is_right and user.is_active:
        await attempts.succeeded(account.key, address)
        return user, kept
    # A name that nobody has may be a password in the wrong field, and is not kept.
    subject = str(user.user_id) if user else NOBODY
    async with services.database.transaction() as db:
        record(db, "login.refused", subject, address=address)
    raise _wrong()


def _wrong() -> Unauthenticated:
    return Unauthenticated("the name or the password is wrong")
