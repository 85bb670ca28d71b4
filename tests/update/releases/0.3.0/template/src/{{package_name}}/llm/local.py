"""Model servers that people run by themselves: they tell for nothing which models they have."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from pydantic import BaseModel, ValidationError
from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from ..core.errors import AppError
from .errors import ADDRESSES, ModelBusy, ModelNotConfigured
from .settings import LlmSettings

AUTO = "lmstudio:auto"

_UNREACHABLE = (httpx2.HTTPError, httpx2.InvalidURL)
_HEALTH_TIMEOUT_S = 1.0
_DETECTION_TIMEOUT_S = 5.0


class _Listed(BaseModel):
    id: str
    type: str = "llm"
    state: str = "loaded"

    @property
    def is_ready(self) -> bool:
        return self.state == "loaded" and self.type in {"llm", "vlm"} and "embed" not in self.id


class _Listing(BaseModel):
    data: list[_Listed]


class LoadedModel(WrapperModel):
    """The model that LM Studio has loaded, found out anew for each request."""

    def __init__(self, make: Callable[[str], Model], base_url: str) -> None:
        super().__init__(make("auto"))
        self._make = make
        self._where = base_url

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask the model that is loaded; raises `AppError` when there is none."""
        await self._follow()
        return await super().request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask the model that is loaded; raises `AppError` when there is none."""
        await self._follow()
        async with super().request_stream(
            messages, model_settings, model_request_parameters, run_context
        ) as response:
            yield response

    async def _follow(self) -> None:
        name = await loaded_model(self._where)
        if name != self.wrapped.model_name:
            self.wrapped = self._make(name)


async def loaded_model(base_url: str, timeout_s: float = _DETECTION_TIMEOUT_S) -> str:
    """The name of the chat model that LM Studio has loaded; raises `AppError` without one.

    Its own API (https://lmstudio.ai/docs/developer/rest/endpoints) tells what is loaded and what
    only lies on the disk; where there is none, OpenAI's lists what it would answer with.
    """
    own_api = f"{base_url.rstrip('/').removesuffix('/v1')}/api/v0"
    try:
        models = await _list(own_api, timeout_s) or await _list(base_url, timeout_s)
    except _UNREACHABLE as error:
        raise ModelBusy(f"{AUTO}: {_silent(base_url, 'lmstudio')}") from error
    for model in models:
        if model.is_ready:
            return model.id
    raise ModelNotConfigured(
        f"{AUTO}: LM Studio at {base_url} has no chat model loaded: load one, or name lmstudio:NAME"
    )


async def server_problem(model_id: str, settings: LlmSettings) -> str | None:
    """Say in one line what is wrong with the server of a local model; None for any other model."""
    provider, _, name = model_id.partition(":")
    addresses = {
        "lmstudio": settings.lm_studio_base_url,
        "ollama": settings.ollama_base_url,
        "vllm": settings.vllm_base_url,
    }
    if not (base_url := addresses.get(provider)):
        return None
    try:
        if model_id == AUTO:
            await loaded_model(base_url, _HEALTH_TIMEOUT_S)
            return None
        names = {model.id for model in await _list(base_url, _HEALTH_TIMEOUT_S)}
    except AppError as error:
        return error.message
    except _UNREACHABLE:
        return f"{model_id}: {_silent(base_url, provider)}"
    if not names or names & {name, f"{name}:latest"}:
        return None
    return f"{model_id}: the server at {base_url} has no such model"


def _silent(base_url: str, provider: str) -> str:
    return f"nothing answers at {base_url}: start the server, or correct {ADDRESSES[provider]}"


async def _list(base_url: str, timeout_s: float) -> list[_Listed]:
    """The models that a server lists; none when it says something else."""
    with_tls = base_url.startswith("https:")  # loading the certificates takes longer than asking
    async with httpx2.AsyncClient(timeout=timeout_s, verify=with_tls) as client:
        response = await client.get(f"{base_url.rstrip('/')}/models")
    try:
        return _Listing.model_validate_json(response.content).data
    except ValidationError:
        return []
