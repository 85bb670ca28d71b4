"""What the routes and the reader share while the service runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from ...core.services import Services
from .passwords import PasswordHasher
from .settings import JwtSettings
from .throttle import Attempts
from .tokens import AccessTokens

log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide them; `StartupError` for settings that are good enough for development only."""
    settings = services.get(JwtSettings)
    settings.check(services.settings.environment)
    if not settings.secrets:
        log.warning("jwt_secret_missing", consequence="access tokens end with this process")
    services.provide(AccessTokens, AccessTokens(settings))
    services.provide(PasswordHasher, PasswordHasher(settings.bcrypt_cost))
    services.provide(Attempts, Attempts(services.kv, settings.attempts_per_address))
    yield
