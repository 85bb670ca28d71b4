"""One id string, one model: `openai:gpt-5`, `ollama:qwen3`, `lmstudio:auto`, `demo`.

A provider's library is imported when one of its models is first asked for, and the model is
kept, with its HTTP connections, until the service ends.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import structlog
from dotenv import dotenv_values

from ..core.errors import AppError
from ..core.health import HealthReport
from ..core.services import Services
from .errors import ModelNotConfigured, explain_setup, missing_key
from .settings import LlmSettings

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider
    from pydantic_ai.providers.openai import OpenAIProvider

log = structlog.get_logger(__name__)

DEMO = "demo"

_LM_STUDIO = "lmstudio:"
_GATEWAY = "gateway/"
_DETECTION_TIMEOUT_S = 5.0
_DEMO_HINT = "the offline demo model answers: set DEFAULT_MODEL in .env"


class Models:
    """The models of this service, by id. Making one imports and opens nothing."""

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self._open: dict[str, Model] = {}
        self._exits = AsyncExitStack()

    async def get(self, model_id: str) -> "Model":
        """The model of this id; raises `ModelNotConfigured` that says what to do."""
        try:
            if model_id == f"{_LM_STUDIO}auto":
                model_id = await self._detect_lm_studio()
            if model_id not in self._open:
                self._open[model_id] = await self._make_and_enter(model_id)
            return self._open[model_id]
        except AppError:
            raise
        except Exception as error:  # each provider raises its own when it is not set up
            raise explain_setup(error, model_id) from error

    async def close(self) -> None:
        """Close the HTTP connections of every model."""
        self._open.clear()
        await self._exits.aclose()

    async def _make_and_enter(self, model_id: str) -> "Model":
        async with AsyncExitStack() as exits:
            model = await exits.enter_async_context(self._make(model_id, exits))
            self._exits.push_async_exit(exits.pop_all())
            return model

    def _make(self, model_id: str, exits: AsyncExitStack) -> "Model":
        if model_id == DEMO:
            from .demo import demo_model

            return demo_model()
        export_provider_variables(self.settings)
        if model_id.startswith(_LM_STUDIO):
            from pydantic_ai.models.openai import OpenAIChatModel

            provider = self._lm_studio(self._http_client(exits))
            return OpenAIChatModel(model_id.removeprefix(_LM_STUDIO), provider=provider)
        from pydantic_ai.models import infer_model

        return infer_model(model_id, lambda name: self._provider(name, exits))

    def _provider(self, name: str, exits: AsyncExitStack) -> "Provider[Any]":
        """Return a provider whose streamed text is gathered, if its library allows for that."""
        from pydantic_ai.providers import infer_provider, infer_provider_class
        from pydantic_ai.providers.gateway import gateway_provider

        provider_class = infer_provider_class(name)
        if not _takes_httpx2(provider_class) or not (client := self._http_client(exits)):
            return infer_provider(name)
        make: Callable[..., Provider[Any]] = provider_class
        if name.startswith(_GATEWAY):
            make = partial(gateway_provider, name.removeprefix(_GATEWAY))
        return make(http_client=client)

    def _http_client(self, exits: AsyncExitStack) -> "httpx2.AsyncClient | None":
        """Return a client that gathers streamed text, or None, for the provider's own."""
        if not self.settings.gather_window_s:
            return None
        from .gathering import gathering_client

        client = gathering_client(self.settings.gather_window_s)
        exits.push_async_callback(client.aclose)
        return client

    def _lm_studio(self, http_client: "httpx2.AsyncClient | None" = None) -> "OpenAIProvider":
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIProvider(
            base_url=self.settings.lm_studio_base_url, api_key="lm-studio", http_client=http_client
        )

    async def _detect_lm_studio(self) -> str:
        """Return the id of the first chat model that LM Studio offers."""
        where = self.settings.lm_studio_base_url
        async with self._lm_studio() as provider:
            from openai import OpenAIError

            client = provider.client.with_options(max_retries=0, timeout=_DETECTION_TIMEOUT_S)
            try:
                names = [model.id async for model in client.models.list()]
            except OpenAIError as error:
                raise ModelNotConfigured(
                    f"lmstudio:auto: no LM Studio answers at {where}: start its server, or correct "
                    f"LM_STUDIO__BASE_URL"
                ) from error
        for name in names:
            if "embed" not in name.lower():
                return _LM_STUDIO + name
        raise ModelNotConfigured(f"lmstudio:auto: LM Studio at {where} has no chat model: load one")


def _takes_httpx2(provider_class: "type[Provider[Any]]") -> bool:
    """Whether the provider may be given an HTTP client of httpx2, and streams text that we know."""
    import httpx2

    if provider_class.__name__.startswith("Google"):  # its format differs, its timeout is longer
        return False
    try:
        hints = get_type_hints(provider_class.__init__)
    except NameError:  # names the older httpx, which is not installed
        return False
    return httpx2.AsyncClient in get_args(hints.get("http_client"))


def export_provider_variables(settings: LlmSettings) -> None:
    """Put the keys of `settings` and `.env` in `os.environ`, which wins: providers look there."""
    keys = {
        "OPENAI_API_KEY": settings.openai_api_key,
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
        "DEEPSEEK_API_KEY": settings.deepseek_api_key,
        "ALIBABA_API_KEY": settings.qwen_api_key,
    }
    variables = {name: key.get_secret_value() for name, key in keys.items() if key}
    variables["OLLAMA_BASE_URL"] = settings.ollama_base_url
    for name, value in {**variables, **dotenv_values(".env")}.items():
        if value:
            os.environ.setdefault(name, value)


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
    """Which model answers by default, whether it is only the demo, and whether it lacks its key."""
    model_id = services.get(LlmSettings).default_model
    report = HealthReport(facts={"model": model_id, "demo": model_id == DEMO})
    if model_id == DEMO:
        report.summary = _DEMO_HINT
    elif hint := missing_key(model_id):
        report.status, report.summary = "degraded", hint
    return report
