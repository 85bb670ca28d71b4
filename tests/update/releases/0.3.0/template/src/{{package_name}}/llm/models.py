"""One id string, one model: `openai:gpt-5`, `ollama:qwen3`, `lmstudio:auto`, `demo`.

Several ids with commas between are one model, too, which goes on with the next when one fails. A
model is made when it is first asked for, and kept, with its HTTP connections, until the end.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from itertools import count

import httpx2
import structlog
from pydantic_ai import ConcurrencyLimiter
from pydantic_ai.models import Model
from pydantic_ai.models.concurrency import limit_model_concurrency

from ..core.health import HealthReport
from ..core.services import Services
from .errors import ModelNotConfigured, explain_setup, missing_key
from .failover import Failover, NamedModel
from .gathering import gathering_client
from .local import server_problem
from .providers import export_provider_variables, make_model
from .settings import LlmSettings, split_ids

log = structlog.get_logger(__name__)

DEMO = "demo"

_DEMO_HINT = "the offline demo model answers: set DEFAULT_MODEL in .env"


class Models:
    """The models of this service, by id. Making one imports and opens nothing.

    `broken` are those that could not be made when they were wanted, each with what to do.
    """

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self.broken: dict[str, ModelNotConfigured] = {}
        self._open: dict[tuple[str, int], Model] = {}
        self._limiters: dict[str, ConcurrencyLimiter] = {}
        self._turns: defaultdict[str, count[int]] = defaultdict(count)
        self._exits = AsyncExitStack()

    async def get(self, model_id: str) -> Model:
        """The model of this id or ids; raises `ModelNotConfigured` that says what to do."""
        ids = split_ids(model_id)
        if len(ids) == 1:
            return await self.get_one(ids[0], self.settings.max_retries)
        if DEMO in ids:
            raise ModelNotConfigured(f"{model_id}: demo stands alone, it answers for no other")
        usable, broken = {}, []
        for one in ids:
            try:
                usable[one] = await self.get_one(one)
            except ModelNotConfigured as problem:
                broken.append(problem)
        if not usable:
            raise ModelNotConfigured("; ".join(problem.message for problem in broken))
        order = self._in_turn(model_id, list(usable))
        return Failover({one: usable[one] for one in order}, broken)

    async def get_one(self, model_id: str, max_retries: int = 0) -> Model:
        """The model of a single id, which by default is asked once and not again.

        Raises `ModelNotConfigured` that says what to do.
        """
        try:
            if (model_id, max_retries) not in self._open:
                self._open[model_id, max_retries] = await self._make(model_id, max_retries)
        except Exception as error:  # each provider raises its own when it is not set up
            problem = explain_setup(error, model_id)
            if model_id not in self.broken:
                log.warning("model_not_configured", hint=problem.message)
            self.broken[model_id] = problem
            raise problem from error
        self.broken.pop(model_id, None)
        return self._open[model_id, max_retries]

    async def close(self) -> None:
        """Close the HTTP connections of every model."""
        self._open.clear()
        await self._exits.aclose()

    async def _make(self, model_id: str, max_retries: int) -> Model:
        if model_id == DEMO:
            from .demo import demo_model

            return demo_model()
        made = make_model(model_id, self.settings, max_retries, self._http_client)
        model = await self._exits.enter_async_context(made)
        return NamedModel(model_id, limit_model_concurrency(model, self._limiter(model_id)))

    @cached_property
    def _http_client(self) -> httpx2.AsyncClient | None:
        """One client for all, which gathers streamed text; None when nothing is to be gathered."""
        if not self.settings.gather_window_s:
            return None
        client = gathering_client(self.settings.gather_window_s)
        self._exits.push_async_callback(client.aclose)
        return client

    def _limiter(self, model_id: str) -> ConcurrencyLimiter | None:
        own = self.settings.options(model_id).max_concurrent_requests
        limit = own or self.settings.max_concurrent_requests
        if limit is None:
            return None
        return self._limiters.setdefault(model_id, ConcurrencyLimiter(limit))

    def _in_turn(self, model_id: str, ids: list[str]) -> list[str]:
        """The ids in the order in which they are asked this time."""
        if self.settings.balancing == "failover":
            return ids
        first = next(self._turns[model_id]) % len(ids)
        return ids[first:] + ids[:first]


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide `Models` and say in the log which model answers."""
    models = Models(services.get(LlmSettings))
    services.provide(Models, models)
    export_provider_variables(models.settings)
    report = await health(services)
    tell = log.warning if report.summary else log.info
    tell("default_model", **report.facts, hint=report.summary)
    try:
        yield
    finally:
        await models.close()


async def health(services: Services) -> HealthReport:
    """Which model answers by default, whether it is only the demo, and what is wrong with models.

    It looks at those that answer by default and at those that could not be made so far.
    """
    model_id = services.get(LlmSettings).default_model
    ids = dict.fromkeys((*split_ids(model_id), *services.get(Models).broken))
    asked = await asyncio.gather(*(_problem(one, services) for one in ids))
    problems = [problem for problem in asked if problem]
    return HealthReport(
        status="degraded" if problems else "ok",
        summary="; ".join([_DEMO_HINT] * (model_id == DEMO) + problems),
        facts={"model": model_id, "demo": model_id == DEMO},
    )


async def _problem(model_id: str, services: Services) -> str | None:
    """What is known to be wrong with a model; nothing that costs is asked."""
    if broken := services.get(Models).broken.get(model_id):
        return broken.message
    return missing_key(model_id) or await server_problem(model_id, services.get(LlmSettings))
