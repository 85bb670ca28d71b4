"""Access tokens: JWTs after https://www.rfc-editor.org/rfc/rfc9068, signed with HS256.

They say who has logged in and nothing of what they may do, which stands in the user's row.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID, uuid4

import jwt

from ...core.errors import Unauthenticated
from ...core.orm import utc_now
from .models import Login
from .settings import SECRET_BYTES, JwtSettings

ALGORITHM = "HS256"
TYPE = "at+jwt"

_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "sid")


@dataclass(frozen=True)
class AccessToken:
    """What an access token says."""

    user_id: UUID
    login_id: UUID
    expires_at: datetime


class AccessTokens:
    """Makes and reads them. A token names the secret that signed it by an id, `kid`.

    The id is made of the secret itself, so that it stays when a newer secret is put before it.
    Without a secret there is one for this process alone.
    """

    def __init__(self, settings: JwtSettings) -> None:
        secrets = settings.secrets or [token_urlsafe(SECRET_BYTES)]
        self._keys = {_key_id(one): one for one in secrets}
        self._signing_id = _key_id(secrets[0])
        self._settings = settings

    def make(self, login: Login) -> str:
        """A token for a login that holds."""
        now = utc_now()
        claims = {
            "iss": self._settings.issuer,
            "sub": str(login.user_id),
            "aud": self._settings.audience,
            "exp": now + timedelta(seconds=self._settings.access_lifetime_s),
            "iat": now,
            "jti": str(uuid4()),
            "sid": str(login.login_id),
        }
        headers = {"kid": self._signing_id, "typ": TYPE}
        return jwt.encode(claims, self._keys[self._signing_id], ALGORITHM, headers)

    def read(self, token: str) -> AccessToken | None:
        """What a token says; None for one that is not of this issuer.

        Raises `Unauthenticated` when it does not hold, or no longer.
        """
        try:
            # Nothing of it is believed yet: this tells what is to be checked, and by which key.
            given = jwt.decode_complete(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return None
        if given["payload"].get("iss") != self._settings.issuer:
            return None
        try:
            return _told(self._check(token, given["header"]))
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the access token has expired: refresh it") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated("this access token does not hold: log in again") from None

    def _check(self, token: str, header: dict[str, Any]) -> dict[str, Any]:
        key = self._keys.get(header.get("kid", ""))
        if key is None or header.get("typ") != TYPE:
            raise jwt.InvalidTokenError
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=self._settings.leeway_s,
            options={"require": [*_CLAIMS], "strict_aud": True},
        )


def _key_id(secret: str) -> str:
    return hmac.digest(secret.encode(), b"kid", "sha256").hex()[:8]


def _told(claims: dict[str, Any]) -> AccessToken:
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return AccessToken(UUID(claims["sub"]), UUID(str(claims["sid"])), expires_at)
