"""Has errors sent while the service runs. Without a DSN nothing of Sentry is even imported."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import NAME, __version__
from ..core import problems
from ..core.services import Services
from .settings import SentrySettings

FLUSH_TIMEOUT_S = 5.0
"""How long the end of the service waits for what is still to be sent."""


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Send what is logged as an error, and what was logged before it, as breadcrumbs."""
    settings = services.get(SentrySettings)
    if settings.dsn is None:
        yield
        return
    import sentry_sdk
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.integrations.starlette import StarletteIntegration

    from .handlers import Breadcrumbs, Errors

    sentry_sdk.init(
        dsn=settings.dsn.get_secret_value(),
        release=settings.release or f"{NAME}@{__version__}",
        environment=services.settings.environment,
        # Others patch what is already made by now, or report what this service has foreseen.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[StarletteIntegration(), DedupeIntegration()],
        auto_session_tracking=False,
        data_collection={
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "off"}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "stack_frame_variables": False,
        },
    )
    ignore_logger(problems.__name__)  # it logs what clients are told, which is foreseen
    handlers = (Breadcrumbs(logging.INFO), Errors(logging.ERROR))
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
        await asyncio.to_thread(sentry_sdk.get_client().close, FLUSH_TIMEOUT_S)
