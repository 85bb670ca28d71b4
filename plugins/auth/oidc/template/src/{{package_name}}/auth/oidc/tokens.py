"""Two ways to learn what a token is worth: its signature, or the word of its issuer."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote_plus

import jwt
import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, ValidationError

from ...core.errors import Unauthenticated
from .issuer import IssuerAway, IssuerClient, IssuerKeys
from .settings import OidcSettings

log = structlog.get_logger(__name__)

ACCESS_TOKENS = {"jwt", "at+jwt", "application/at+jwt"}
"""What the header `typ` may be, when it is there: issuers sign other things with the same key."""

_REASONS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it has expired: get a new one",
    jwt.ImmatureSignatureError: "it is not valid yet: is the clock of this service right?",
    jwt.InvalidAudienceError: "it is for another service: ask the issuer for one for this",
    jwt.InvalidAlgorithmError: "it is signed in a way that is not taken here",
    jwt.InvalidSignatureError: "the issuer did not sign it",
}


class Tokens(ABC):
    """How the claims of a token come to be believed.

    `is_away` while whoever is asked for each of them does not answer.
    """

    is_away = False

    @abstractmethod
    async def read(self, token: str) -> dict[str, Any]:
        """What it claims, `iss` always.

        Raises `Unauthenticated` when it does not hold, `IssuerAway` when nobody knows.
        """


class SignedTokens(Tokens):
    """JSON Web Tokens, checked by the keys of their issuers."""

    def __init__(self, settings: OidcSettings, keys: Mapping[str, IssuerKeys]) -> None:
        self._settings = settings
        self._keys = keys

    async def read(self, token: str) -> dict[str, Any]:
        if (unproven := _decode(token)) is None:
            raise Unauthenticated("the token is no JSON Web Token, of which the issuer makes them")
        header, issuer = unproven["header"], unproven["payload"].get("iss")
        keys = self._keys.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise Unauthenticated(f"the token is of none of the issuers {', '.join(self._keys)}")
        if str(header.get("typ", "jwt")).lower() not in ACCESS_TOKENS:
            raise Unauthenticated("what the issuer signed there is no access token")
        if header.get("alg") not in self._settings.algorithms:
            raise _not_taken(jwt.InvalidAlgorithmError())
        # Nothing else in the header leads to a key: neither `jwk` nor `jku`, `x5c` or `x5u`.
        key = await keys.find(header["kid"]) if "kid" in header else None
        if key is None:
            raise Unauthenticated("the issuer has no such key as the token is signed with")
        return self._claims(token, key, keys.issuer)

    def _claims(self, token: str, key: jwt.PyJWK, issuer: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=self._settings.algorithms,
                audience=self._settings.audience,
                issuer=issuer,
                leeway=self._settings.leeway_s,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise _not_taken(error) from error


class IntrospectedTokens(Tokens):
    """Tokens of any kind, shown to their issuer, https://www.rfc-editor.org/rfc/rfc7662."""

    def __init__(self, settings: OidcSettings, client: IssuerClient) -> None:
        self._settings = settings
        self._client = client
        (self._issuer,) = settings.issuer

    async def read(self, token: str) -> dict[str, Any]:
        unproven = _decode(token)
        if unproven is not None:  # another issuer's is not shown to this one
            self._check_issuer(unproven["payload"].get("iss"))
        try:
            claims = await self._ask(token)
        except IssuerAway:
            self.is_away = True
            raise
        self.is_away = False
        self._check(claims)
        return {**claims.model_dump(), "iss": self._issuer}

    async def _ask(self, token: str) -> "_Introspection":
        settings = self._settings
        assert settings.introspection_url is not None
        assert settings.client_secret is not None
        # https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
        secret = quote_plus(settings.client_secret.get_secret_value())
        told = await self._client.ask(
            "POST",
            settings.introspection_url,
            auth=(quote_plus(str(settings.client_id)), secret),
            data={"token": token, "token_type_hint": "access_token"},
        )
        try:
            return _Introspection.model_validate(told)
        except ValidationError as error:
            log.warning("introspection_unreadable", errors=error.errors(include_input=False))
            raise IssuerAway("the issuer of tokens answers what nobody understands") from error

    def _check(self, claims: "_Introspection") -> None:
        now, leeway_s = time.time(), self._settings.leeway_s
        if not claims.active:
            raise Unauthenticated("the token holds no longer, or never did: get a new one")
        self._check_issuer(claims.iss)
        if claims.exp is not None and claims.exp < now - leeway_s:
            raise _not_taken(jwt.ExpiredSignatureError())
        if claims.nbf is not None and claims.nbf > now + leeway_s:
            raise _not_taken(jwt.ImmatureSignatureError())
        if self._settings.audience and set(self._settings.audience).isdisjoint(claims.aud):
            raise _not_taken(jwt.InvalidAudienceError())

    def _check_issuer(self, issuer: object) -> None:
        if issuer not in {None, self._issuer}:
            raise Unauthenticated(f"the token is of another issuer than {self._issuer}")


def _as_list(audience: Any) -> Any:
    return [audience] if isinstance(audience, str) else audience


class _Introspection(BaseModel):
    """What an issuer says of a token; its other claims are kept."""

    model_config = ConfigDict(extra="allow")

    active: StrictBool
    iss: str | None = None
    aud: Annotated[list[str], BeforeValidator(_as_list)] = []
    exp: float | None = None
    nbf: float | None = None


def _decode(token: str) -> dict[str, Any] | None:
    """What a JSON Web Token says, not proven by anything; None when it is none."""
    try:
        return jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None


def _not_taken(error: jwt.PyJWTError) -> Unauthenticated:
    reason = _REASONS.get(type(error), f"its claims or its key are wrong: {error}")
    return Unauthenticated(f"the token is not taken: {reason}")
