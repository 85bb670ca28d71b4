"""Who sent a request, by the access token in it."""

from starlette.requests import HTTPConnection

from ...core.errors import Unauthenticated
from ...core.services import Services
from .. import users
from ..caller import Caller, bearer_token
from ..known import KnownCallers, Recognised
from . import logins
from .tokens import AccessTokens


async def authenticate(connection: HTTPConnection, services: Services) -> Caller | None:
    """Whose access token the request bears; raises `Unauthenticated` when it does not hold."""
    token = bearer_token(connection)
    if token is None:
        return None
    known = services.get(KnownCallers)
    return await known.recognise("jwt", token, lambda: _look(token, services))


async def _look(token: str, services: Services) -> Recognised | None:
    told = services.get(AccessTokens).read(token)
    if told is None:
        return None
    async with services.database.session() as db:
        user = await logins.user_of(db, told.user_id, told.login_id)
    if user is None:
        raise Unauthenticated("this login is over: log in again")
    about = frozenset({users.label(user.user_id), logins.label(told.login_id)})
    return Recognised(users.as_caller(user), about, told.expires_at)
