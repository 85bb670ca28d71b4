"""How the models take part in the life of the service: opened, announced, closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from ..core.health import HealthReport
from ..core.services import Services
from .models import DEMO, Models
from .settings import LlmSettings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide `Models` and say in the log which model answers."""
    models = Models(services.get(LlmSettings))
    services.provide(Models, models)
    if models.default_id == DEMO:
        log.warning("demo_model", model=DEMO, hint="offline answers: set DEFAULT_MODEL in .env")
    else:
        log.info("default_model", model=models.default_id)
    try:
        yield
    finally:
        await models.close()


async def health(services: Services) -> HealthReport:
    """Which model answers by default, and whether it is only the demo."""
    model_id = services.get(LlmSettings).default_model
    demo = model_id == DEMO
    summary = "the offline demo model answers: set DEFAULT_MODEL in .env" if demo else ""
    return HealthReport(summary=summary, facts={"model": model_id, "demo": demo})
