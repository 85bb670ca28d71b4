"""What can be wrong with a model, in one line that says how to mend it.

ModelError                      502  model_error              retryable
├── ModelTimeout                504  model_timeout            retryable
├── ModelNotConfigured          503  model_not_configured
├── ModelUnknown                503  model_unknown
├── ModelKeyRefused             502  model_key_refused
├── ModelUnreachable            502  model_unreachable        retryable
├── ModelBusy                   503  model_busy               retryable
└── ModelContextFull            502  model_context_full
"""

import re

from ..core.errors import AppError, ModelError, ModelTimeout


class ModelNotConfigured(ModelError):
    """The model's provider lacks a key, an address or its Python package."""

    code = "model_not_configured"
    status = 503
    title = "The model is not configured"
    retryable = False


class ModelUnknown(ModelError):
    """No provider, or no model of that provider, has this name."""

    code = "model_unknown"
    status = 503
    title = "There is no such model"
    retryable = False


class ModelKeyRefused(ModelError):
    """The provider does not accept the key."""

    code = "model_key_refused"
    title = "The model provider refused the key"
    retryable = False


class ModelUnreachable(ModelError):
    """Nothing answers at the provider's address."""

    code = "model_unreachable"
    title = "The model cannot be reached"


class ModelBusy(ModelError):
    """The provider limits how much may be asked at once."""

    code = "model_busy"
    status = 503
    title = "The model is busy"


class ModelContextFull(ModelError):
    """The conversation is longer than what the model can read."""

    code = "model_context_full"
    title = "The conversation is too long for the model"
    retryable = False


_KEYS = {"alibaba": "QWEN_API_KEY", "openai-chat": "OPENAI_API_KEY", "google": "GOOGLE_API_KEY"}
_ADDRESSES = {
    "lmstudio": "is LM Studio's server started, and LM_STUDIO__BASE_URL right?",
    "ollama": "is Ollama running, and OLLAMA_BASE_URL right?",
}


def explain(error: BaseException, model_id: str) -> AppError | None:
    """Say in one line what `error` means for `model_id` and what to do; None if it is no model's.

    What the provider wrote stays out of it, for it may quote the request: log the error itself.
    """
    from pydantic_ai import exceptions as ai

    provider = model_id.partition(":")[0]
    key = _KEYS.get(provider, f"{provider.upper().replace('-', '_')}_API_KEY")
    match error:
        case AppError():
            return error
        case ai.ModelNotFoundError():
            return ModelUnknown(f"{model_id}: the provider has no such model: check its name")
        case ai.ModelQuotaExceededError():
            return ModelBusy(f"{model_id}: the quota is used up: see your account there")
        case ai.ModelRateLimitError(retry_after=seconds):
            wait = f"in {seconds:.0f} s" if seconds else "later"
            return ModelBusy(f"{model_id}: too many requests to the provider: try again {wait}")
        case ai.ModelContextWindowExceededError():
            return ModelContextFull(f"{model_id}: the conversation is too long: start a new one")
        case ai.ModelTimeoutError() | ai.ModelRequestTimeout():
            return ModelTimeout(f"{model_id}: no answer in time: try again, or another model")
        case ai.ModelConnectionError():
            where = _ADDRESSES.get(provider, "is the network up, and the address right?")
            return ModelUnreachable(f"{model_id}: nothing answers: {where}")
        case ai.ModelUnavailableError() | ai.ModelServerError():
            return ModelBusy(f"{model_id}: the provider is in trouble: try again later")
        case ai.ModelAuthenticationError() | ai.ModelHTTPError(status_code=401 | 403):
            return ModelKeyRefused(f"{model_id}: the provider refused the key: check {key}")
        case ai.ModelHTTPError(status_code=status) if status >= 500:
            return ModelBusy(f"{model_id}: the provider is in trouble: try again later")
        case ai.ModelHTTPError(status_code=status):
            return ModelError(f"{model_id}: the provider answered with HTTP status {status}")
        case ai.ModelAPIError() | ai.UnexpectedModelBehavior():
            return ModelError(f"{model_id}: {_first_line(error)}")
    return None


def explain_setup(error: Exception, model_id: str) -> AppError:
    """Say in one line why no model can be made from `model_id`, and what to do."""
    message = str(error)
    if extra := re.search(r"pydantic-ai-slim\[([\w-]+)\]", message):
        install = f"uv add 'pydantic-ai-slim[{extra.group(1)}]'"
        return ModelNotConfigured(f"{model_id}: its package is not installed: run {install}")
    if variable := re.search(r"`([A-Z][A-Z0-9_]+)`", message):
        return ModelNotConfigured(f"{model_id}: set {variable.group(1)} in .env")
    if message.startswith("Unknown model"):
        guess = re.search(r"Did you mean '([^']+)'", message)
        instead = f"did you mean {guess.group(1)}?" if guess else "expected PROVIDER:NAME or demo"
        return ModelUnknown(f"{model_id!r} is no known model: {instead}")
    return ModelNotConfigured(f"{model_id}: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
