"""How the agents take part in the life of the service: checked and announced at its start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from ..core.services import Services
from .registry import AgentRegistry
from .settings import AgentsSettings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Say which agents there are; raises `StartupError` when AGENTS__DEFAULT names none of them."""
    agents = services.get(AgentRegistry)
    log.info(
        "agents", names=list(agents), default=agents.default(services.get(AgentsSettings).default)
    )
    yield
