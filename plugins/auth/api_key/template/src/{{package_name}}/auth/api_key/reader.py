"""Reads the key of a request, from `X-API-Key` or `Authorization: Bearer`."""

from starlette.requests import HTTPConnection

from ...core.errors import Unauthenticated
from ...core.services import Services
from ..caller import Caller
from ..known import KnownCallers, Recognised
from ..users import label as user_label
from .keys import SentKey, find_caller, label
from .settings import ApiKeySettings
from .uses import KeyUses

HEADER = "X-API-Key"


async def authenticate(connection: HTTPConnection, services: Services) -> Caller | None:
    """Whose key was sent; raises `Unauthenticated` for one that does not hold."""
    sent = read_key(connection, services)
    if sent is None:
        return None

    async def look() -> Recognised:
        async with services.database.session() as db:
            caller, key = await find_caller(db, sent)
        about = frozenset({user_label(caller.id), label(key.key_id)})
        return Recognised(caller, about, key.expires_at)

    caller = await services.get(KnownCallers).recognise("api_key", sent.text, look)
    services.get(KeyUses).note(sent.key_id)
    return caller


def read_key(connection: HTTPConnection, services: Services) -> SentKey | None:
    """The key that was sent, whether it holds or not.

    A bearer token that begins otherwise is meant for another mode. Raises `Unauthenticated` when
    something else than a key was sent as one, or two of them.
    """
    prefix = services.get(ApiKeySettings).prefix
    keys = set(connection.headers.getlist(HEADER))
    for header in connection.headers.getlist("Authorization"):
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and token.strip().startswith(f"{prefix}_"):
            keys.add(token.strip())
    if len(keys) > 1:
        raise Unauthenticated("these are several keys: send one of them")
    return SentKey.parse(keys.pop(), prefix) if keys else None
