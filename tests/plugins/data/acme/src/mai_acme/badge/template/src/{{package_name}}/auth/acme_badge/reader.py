"""A badge: `NAME.SIGNATURE`, the HMAC-SHA256 of the name in hexadecimal digits."""

import hmac

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from starlette.requests import HTTPConnection

from ...core.errors import Unauthenticated
from ...core.services import Services
from ...core.settings import RoomSettings
from ..caller import EVERY_SCOPE, Caller

HEADER = "X-Acme-Badge"


class BadgeSettings(RoomSettings):
    """How badges are checked."""

    model_config = SettingsConfigDict(env_prefix="ACME_BADGE__")

    secret: SecretStr = Field(SecretStr(""), description="What the gate signs badges with.")


async def authenticate(connection: HTTPConnection, services: Services) -> Caller | None:
    """Who wears the badge; raises `Unauthenticated` for one that the gate did not sign."""
    badge = connection.headers.get(HEADER)
    if badge is None:
        return None
    name, _, signature = badge.rpartition(".")
    secret = services.get(BadgeSettings).secret.get_secret_value()
    signed = sign(name, secret).encode()
    if not (name and secret and hmac.compare_digest(signed, signature.encode())):
        raise Unauthenticated("the gate did not sign this badge: get a new one there")
    return Caller(name, frozenset({EVERY_SCOPE}))


def sign(name: str, secret: str) -> str:
    """What the gate writes behind a name."""
    return hmac.digest(secret.encode(), name.encode(), "sha256").hex()
