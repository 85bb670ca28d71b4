"""One model id, one model of Pydantic AI, with its provider's client and its own settings.

A provider's library is imported when one of its models is first made.
"""

import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any, get_args, get_type_hints

import httpx2
from dotenv import dotenv_values
from pydantic_ai.models import Model, infer_model
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider, infer_provider, infer_provider_class
from pydantic_ai.providers.gateway import gateway_provider

from .local import AUTO, LoadedModel
from .settings import LlmSettings

_GATEWAY = "gateway/"
# They say how each answer ended, so a stream that ends without a word of it was cut.
_SAY_HOW_IT_ENDED = {"alibaba", "deepseek", "lmstudio", "ollama", "openai-chat", "qwen", "vllm"}


def make_model(
    model_id: str,
    settings: LlmSettings,
    max_retries: int,
    http_client: httpx2.AsyncClient | None,
) -> Model:
    """The model of one id, set up as the settings say.

    It is reached by `http_client`, if its library allows for that, else by a client of its own.
    """
    export_provider_variables(settings)
    find_provider = partial(_provider, http_client=http_client)
    set_up = partial(_set_up, model_id=model_id, settings=settings, max_retries=max_retries)
    provider, _, name = model_id.partition(":")
    if not name:
        raise ValueError("Unknown model")
    if provider == "qwen":
        return set_up(infer_model(f"alibaba:{name}", find_provider))
    if provider != "lmstudio":
        return set_up(infer_model(model_id, find_provider))
    lm_studio = _lm_studio(settings.lm_studio_base_url, http_client)

    def make(name: str) -> Model:
        return set_up(infer_model(f"openai-chat:{name}", lambda _: lm_studio))

    return LoadedModel(make, settings.lm_studio_base_url) if model_id == AUTO else make(name)


def _set_up(model: Model, model_id: str, settings: LlmSettings, max_retries: int) -> Model:
    """The same model with its own settings and profile, which it can only be made with."""
    options = settings.options(model_id)
    if unknown := sorted(options.settings.keys() - (known := _known_settings(model))):
        near = get_close_matches(unknown[0], known, 1) or ["temperature"]
        raise ValueError(f"LLM__MODELS: no setting {unknown[0]!r}: did you mean {near[0]!r}?")
    limits = {"timeout": settings.timeout_s, "max_retries": max_retries}
    own = {key: value for key, value in limits.items() if key not in model.unsupported_settings}
    profile = OpenAIModelProfile()
    if model_id.partition(":")[0] in _SAY_HOW_IT_ENDED:
        profile["openai_chat_streaming_requires_finish_reason"] = True
    if options.context_window:
        profile["context_window"] = options.context_window
    make: Callable[..., Model] = type(model)
    return make(
        model.model_name,
        provider=model.provider,
        settings={**own, **options.settings},
        profile=profile,
    )


def _known_settings(model: Model) -> set[str]:
    """The names in every `…ModelSettings` that stands beside the model's class or its bases."""
    modules = (vars(sys.modules[kind.__module__]).items() for kind in type(model).__mro__)
    kinds = [one for module in modules for name, one in module if name.endswith("ModelSettings")]
    return {name for kind in kinds for name in kind.__annotations__}


def _provider(name: str, http_client: httpx2.AsyncClient | None) -> Provider[Any]:
    provider_class = infer_provider_class(name)
    if http_client is None or not _takes_httpx2(provider_class):
        return infer_provider(name)
    make: Callable[..., Provider[Any]] = provider_class
    if name.startswith(_GATEWAY):
        make = partial(gateway_provider, name.removeprefix(_GATEWAY))
    return make(http_client=http_client)


def _lm_studio(base_url: str, http_client: httpx2.AsyncClient | None) -> Provider[Any]:
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIProvider(base_url=base_url, api_key="lm-studio", http_client=http_client)


def _takes_httpx2(provider_class: type[Provider[Any]]) -> bool:
    """Whether the provider may be given an HTTP client of httpx2, and streams text that we know."""
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
    addresses = {
        "OLLAMA_BASE_URL": settings.ollama_base_url,
        "VLLM_BASE_URL": settings.vllm_base_url,
    }
    for name, value in {**variables, **addresses, **dotenv_values(".env")}.items():
        if value:
            os.environ.setdefault(name, value)
