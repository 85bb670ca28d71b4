"""What can be wrong with a model, in one line that says how to mend it.

ModelError (core)          502  model_error            retryable
├── ModelTimeout (core)    504  model_timeout          retryable
├── ModelBusy              503  model_busy             retryable
└── ModelNotConfigured     503  model_not_configured
"""

import os
import re
from difflib import get_close_matches
from typing import get_args

from ..core.errors import AppError, InvalidRequest, ModelError, ModelTimeout


class ModelBusy(ModelError):
    """The provider is in trouble, or limits how much may be asked at once."""

    code, status, title = "model_busy", 503, "The model is busy"


class ModelNotConfigured(ModelError):
    """There is no such model, or its provider lacks a valid key, an address or its package."""

    code, status, title = "model_not_configured", 503, "The model is not configured"
    retryable = False


ADDRESSES = {
    "lmstudio": "LM_STUDIO__BASE_URL",
    "ollama": "OLLAMA_BASE_URL",
    "vllm": "VLLM_BASE_URL",
}
_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    **dict.fromkeys(("alibaba", "qwen"), "QWEN_API_KEY or ALIBABA_API_KEY or DASHSCOPE_API_KEY"),
    **dict.fromkeys(("openai", "openai-chat", "openai-responses"), "OPENAI_API_KEY"),
}
_CODE = re.compile(r"[a-z0-9_.\[\]-]{1,64}")
_NO_TOOLS = re.compile(r"support tool|support function|tool.?choice", re.IGNORECASE)


def missing_key(model_id: str) -> str | None:
    """Say which key a model of a well-known provider lacks; the provider is not imported."""
    names = _KEYS.get(model_id.partition(":")[0], "")
    is_own_server = "OPENAI" in names and os.environ.get("OPENAI_BASE_URL")
    if not names or is_own_server or any(map(os.environ.get, names.split(" or "))):
        return None
    return f"{model_id}: set {names} in .env"


def explain(error: BaseException, model_id: str) -> AppError | None:
    """Say in one line what `error` means for `model_id` and what to do; None if it is no model's.

    What the provider wrote stays out of it, for it may quote the request.
    """
    from pydantic_ai import exceptions as ai

    provider, _, name = model_id.partition(":")
    match error:
        case AppError():
            return error
        case ai.ModelHTTPError(status_code=400 | 404, body=body) if _NO_TOOLS.search(str(body)):
            return ModelNotConfigured(f"{model_id}: it calls no tools: choose a model that does")
        case ai.ModelAuthenticationError() | ai.ModelHTTPError(status_code=401 | 403):
            key = _KEYS.get(provider, f"{provider.upper().replace('-', '_')}_API_KEY")
            return ModelNotConfigured(f"{model_id}: the provider refused the key: check {key}")
        case ai.ModelNotFoundError():
            mend = f"run ollama pull {name}" if provider == "ollama" else "check its name"
            return ModelNotConfigured(f"{model_id}: the provider has no such model: {mend}")
        case ai.ModelContextWindowExceededError():
            return InvalidRequest(f"{model_id}: the conversation is too long: begin a new one")
        case ai.ModelTimeoutError() | ai.ModelRequestTimeout():
            return ModelTimeout(f"{model_id}: no answer in time: try again, or another model")
        case ai.ModelConnectionError(phase="read"):
            return ModelError(f"{model_id}: the connection broke in mid-answer: try again")
        case ai.ModelConnectionError():
            where = ADDRESSES.get(provider, "the network")
            return ModelBusy(f"{model_id}: nothing answers: does the server run? check {where}")
        case ai.ModelQuotaExceededError() | ai.ModelRateLimitError():
            wait = {"retry_after_s": error.retry_after} if error.retry_after else None
            message = f"{model_id}: the provider wants no more requests: try again later"
            return ModelBusy(message, details=wait)
        case ai.ModelHTTPError(status_code=status) if status < 500:
            return ModelError(f"{model_id}: the provider answered with HTTP status {status}")
        case ai.ModelUnavailableError() | ai.ModelServerError() | ai.ModelHTTPError():
            return ModelBusy(f"{model_id}: the provider is in trouble: try again later")
        case ai.AgentRunError():
            return ModelError(f"{model_id}: {first_line(error)}")
    return None


def codes_of(error: BaseException) -> str:
    """What the log tells of an error of a provider: kind, status and codes, no word of a text."""
    facts = {"status": getattr(error, "status_code", ""), "code": getattr(error, "code", "")}
    match getattr(error, "body", None):
        case {"error": dict(said)} | dict(said):
            facts |= {name: said[name] for name in ("type", "code", "param") if name in said}
    codes = (f"{name}={code}" for name, code in facts.items() if _CODE.fullmatch(str(code)))
    return " ".join([type(error).__name__, *codes])


def explain_setup(error: Exception, model_id: str) -> ModelNotConfigured:
    """Say in one line why no model can be made from `model_id`, and what to do."""
    message = str(error)
    if extra := re.search(r"pydantic-ai-slim\[([\w-]+)\]", message):
        what = f"its package is not installed: run uv add 'pydantic-ai-slim[{extra[1]}]'"
    elif variable := re.search(r"`([A-Z][A-Z0-9_]+)`", message):
        name = variable[1]
        what = f"set {_KEYS['qwen'] if name == 'ALIBABA_API_KEY' else name} in .env"
    elif message.startswith(("Unknown model", "Unknown provider")):
        what = f"no known model: {_nearest(model_id)}"
    else:
        what = first_line(error)
    return ModelNotConfigured(f"{model_id}: {what}")


def _nearest(model_id: str) -> str:
    from pydantic_ai.models import KnownModelName

    known = {one.partition(":")[0] for one in get_args(KnownModelName.__value__)}
    provider, colon, name = model_id.partition(":")
    if colon and (near := get_close_matches(provider, known | {"lmstudio", "qwen"}, 1)):
        return f"did you mean {near[0]}:{name}?"
    return "expected PROVIDER:NAME, such as openai:gpt-5, or demo"


def first_line(error: BaseException) -> str:
    """The beginning of what an error says; its kind when it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
