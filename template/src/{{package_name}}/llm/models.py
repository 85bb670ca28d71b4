"""One id string, one model: `openai:gpt-5`, `ollama:qwen3`, `lmstudio:auto`, `demo`.

A provider's library is imported when one of its models is first asked for, and the model is
kept, with its HTTP connections, until the service ends.
"""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from ..core.errors import AppError
from .errors import ModelNotConfigured, ModelUnreachable, explain_setup
from .settings import LlmSettings

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers.openai import OpenAIProvider

DEMO = "demo"

_LM_STUDIO = "lmstudio:"
_DETECTION_TIMEOUT_S = 5.0


class Models:
    """The models of this service, by id. Making one imports and opens nothing."""

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self._open: dict[str, Model] = {}
        self._exits = AsyncExitStack()

    @property
    def default_id(self) -> str:
        """The id of the model that answers where an agent names none."""
        return self.settings.default_model

    async def get(self, model_id: str | None = None) -> "Model":
        """Return the model of `model_id`, by default the one of the settings.

        Raises `ModelNotConfigured`, `ModelUnknown` or `ModelUnreachable`, each with what to do.
        """
        model_id = model_id or self.default_id
        if model_id == f"{_LM_STUDIO}auto":
            model_id = await self._detect_lm_studio()
        if model_id not in self._open:
            model = self._make(model_id)
            self._open[model_id] = await self._exits.enter_async_context(model)
        return self._open[model_id]

    async def close(self) -> None:
        """Close the HTTP connections of every model."""
        self._open.clear()
        await self._exits.aclose()

    def _make(self, model_id: str) -> "Model":
        if model_id == DEMO:
            from .demo import demo_model

            return demo_model(self.settings.demo_word_pause_s)
        try:
            return self._make_of_provider(model_id)
        except AppError:
            raise
        except Exception as error:  # each provider raises its own when it is not set up
            raise explain_setup(error, model_id) from error

    def _make_of_provider(self, model_id: str) -> "Model":
        from pydantic_ai.models import infer_model

        export_provider_variables(self.settings)
        if model_id.startswith(_LM_STUDIO):
            from pydantic_ai.models.openai import OpenAIChatModel

            name = model_id.removeprefix(_LM_STUDIO)
            return OpenAIChatModel(name, provider=self._lm_studio())
        return infer_model(model_id)

    def _lm_studio(self) -> "OpenAIProvider":
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIProvider(base_url=self.settings.lm_studio_base_url, api_key="lm-studio")

    async def _detect_lm_studio(self) -> str:
        """Return the id of the first chat model that LM Studio offers."""
        try:
            provider = self._lm_studio()
        except ImportError as error:
            raise explain_setup(error, f"{_LM_STUDIO}auto") from error
        from openai import OpenAIError

        where = self.settings.lm_studio_base_url
        async with provider:
            try:
                client = provider.client.with_options(max_retries=0)
                found = await client.models.list(timeout=_DETECTION_TIMEOUT_S)
            except OpenAIError as error:
                raise ModelUnreachable(
                    f"lmstudio:auto: no LM Studio answers at {where}: start its server, "
                    f"or correct LM_STUDIO__BASE_URL"
                ) from error
        names = [model.id for model in found.data if "embed" not in model.id.lower()]
        if not names:
            raise ModelNotConfigured(
                f"lmstudio:auto: LM Studio at {where} has no chat model: load one"
            )
        return _LM_STUDIO + names[0]


def export_provider_variables(settings: LlmSettings) -> None:
    """Put the keys of `settings` and of `.env` where the providers look: in `os.environ`.

    What is set there already wins; empty values are left out, for an empty key is no key.
    """
    for name, value in {**_settled(settings), **_from_dotenv(settings)}.items():
        if value:
            os.environ.setdefault(name, value)


def _settled(settings: LlmSettings) -> Mapping[str, str | None]:
    keys = {
        "OPENAI_API_KEY": settings.openai_api_key,
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
        "DEEPSEEK_API_KEY": settings.deepseek_api_key,
        "ALIBABA_API_KEY": settings.qwen_api_key,
    }
    secrets = {name: key.get_secret_value() for name, key in keys.items() if key}
    return {**secrets, "OLLAMA_BASE_URL": settings.ollama_base_url}


def _from_dotenv(settings: LlmSettings) -> Mapping[str, str | None]:
    env_file = settings.model_config.get("env_file")
    return dotenv_values(env_file) if isinstance(env_file, str) else {}
