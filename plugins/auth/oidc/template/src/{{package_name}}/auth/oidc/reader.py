"""Reads the token of a request, and opens at the start what it takes to believe one."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from starlette.requests import HTTPConnection

from ...core.errors import Unauthenticated
from ...core.health import HealthReport
from ...core.orm import utc_now
from ...core.services import Services
from ..caller import Caller, bearer_token
from ..known import KnownCallers, Recognised
from .claims import as_caller
from .issuer import IssuerClient, IssuerKeys
from .settings import OidcSettings
from .tokens import IntrospectedTokens, SignedTokens, Tokens

log = structlog.get_logger(__name__)

MAX_TOKEN_CHARS = 16_384
WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""


@dataclass(frozen=True)
class Issuers:
    """What believes tokens, None when no issuer is named, and the keys that it knows."""

    tokens: Tokens | None = None
    keys: tuple[IssuerKeys, ...] = ()


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide the `Issuers`, whose keys are asked for at once; nobody waits for them."""
    settings = services.get(OidcSettings)
    settings.check(services.settings.environment)
    if not settings.issuer:
        log.warning("oidc_knows_nobody", hint="set OIDC__ISSUER and OIDC__AUDIENCE")
    async with IssuerClient(settings.timeout_s) as client:
        issuers = _issuers(settings, client)
        services.provide(Issuers, issuers)
        for keys in issuers.keys:
            keys.ask_again()
        try:
            yield
        finally:
            for keys in issuers.keys:
                await keys.close()


def _issuers(settings: OidcSettings, client: IssuerClient) -> Issuers:
    if not settings.issuer:
        return Issuers()
    if settings.introspection_url:
        return Issuers(IntrospectedTokens(settings, client))
    keys = {issuer: IssuerKeys(issuer, settings, client) for issuer in settings.issuer}
    return Issuers(SignedTokens(settings, keys), tuple(keys.values()))


async def health(services: Services) -> HealthReport:
    """Degraded while an issuer gives no keys, or did not say what the last token was worth."""
    issuers = services.get(Issuers)
    away = [keys.issuer for keys in issuers.keys if keys.is_away]
    if away:
        return HealthReport(status="degraded", summary=f"no keys from {', '.join(away)}")
    if issuers.tokens and issuers.tokens.is_away:
        return HealthReport(status="degraded", summary="the issuer does not answer")
    return HealthReport()


async def authenticate(connection: HTTPConnection, services: Services) -> Caller | None:
    """Whose token the request bears; raises `Unauthenticated` for one that does not hold."""
    token, tokens = bearer_token(connection), services.get(Issuers).tokens
    if token is None or tokens is None:
        return None
    if len(token) > MAX_TOKEN_CHARS or not WELL_FORMED.fullmatch(token):
        raise Unauthenticated(
            f"the token is none: letters, digits and -._~+/ are, {MAX_TOKEN_CHARS} at most"
        )

    async def look() -> Recognised:
        return _recognised(await tokens.read(token), services.get(OidcSettings))

    return await services.get(KnownCallers).recognise("oidc", token, look)


def _recognised(claims: Mapping[str, Any], settings: OidcSettings) -> Recognised:
    caller = as_caller(claims, settings)
    tomorrow = (utc_now() + timedelta(days=1)).timestamp()
    end = min(float(claims.get("exp") or tomorrow), tomorrow)  # some are beyond any date
    about = frozenset({f"oidc:{caller.id}"})
    return Recognised(caller, about, datetime.fromtimestamp(end, UTC))
