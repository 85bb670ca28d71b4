"""Settings of the models: which one answers, and how its provider is reached."""

from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
)
from pydantic_core import from_json
from pydantic_settings import NoDecode

from ..core.settings import RoomSettings


class ModelOptions(BaseModel):
    """What differs for one model; agents and requests win over its `settings`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    context_window: int | None = Field(None, ge=1)
    max_concurrent_requests: int | None = Field(None, ge=1)
    settings: dict[str, Any] = {}


_NO_OPTIONS = ModelOptions()


def _read_json(value: Any) -> Any:
    return from_json(value) if isinstance(value, str) else value


OptionsByModel = Annotated[dict[str, ModelOptions], NoDecode, BeforeValidator(_read_json)]


class LlmSettings(RoomSettings):
    """Which model answers, and the keys of the providers that most projects use.

    Any other variable that a provider of Pydantic AI reads (`GROQ_API_KEY`,
    `AZURE_OPENAI_ENDPOINT`, …) may stand in the environment or in `.env` as well.
    """

    default_model: str = Field(
        "demo",
        min_length=1,
        description="Answers for every agent that names no model: an id of Pydantic AI "
        "(openai:gpt-5), qwen:NAME, lmstudio:NAME, lmstudio:auto, or demo, which is offline. "
        "Of several ids with commas between, the next one is asked when one fails.",
    )
    balancing: Literal["failover", "round_robin"] = Field(
        "failover",
        validation_alias=AliasChoices("LLM__BALANCING"),
        description="Of several ids, each run begins with the first, or with the next in turn.",
    )
    timeout_s: float = Field(
        120,
        gt=0,
        validation_alias=AliasChoices("LLM__TIMEOUT_S"),
        description="A model that is silent for so long, before or in its answer, has failed.",
    )
    max_retries: int = Field(
        2,
        ge=0,
        le=10,
        validation_alias=AliasChoices("LLM__MAX_RETRIES"),
        description="A model that stands alone is asked so often again, when its provider says.",
    )
    max_concurrent_requests: int | None = Field(
        None,
        ge=1,
        validation_alias=AliasChoices("LLM__MAX_CONCURRENT_REQUESTS"),
        description="Requests of one process to one model at once; one more waits.",
    )
    models: OptionsByModel = Field(
        {},
        validation_alias=AliasChoices("LLM__MODELS"),
        description="By id, in JSON: context_window, max_concurrent_requests, settings.",
    )
    openai_api_key: SecretStr | None = Field(None, description="For openai: models.")
    anthropic_api_key: SecretStr | None = Field(None, description="For anthropic: models.")
    deepseek_api_key: SecretStr | None = Field(None, description="For deepseek: models.")
    qwen_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("QWEN_API_KEY", "ALIBABA_API_KEY", "DASHSCOPE_API_KEY"),
        description="For qwen: models, which are those of alibaba:.",
    )
    ollama_base_url: str = Field(
        "http://localhost:11434/v1", description="Where Ollama listens, for ollama: models."
    )
    lm_studio_base_url: str = Field(
        "http://localhost:1234/v1",
        validation_alias=AliasChoices("LM_STUDIO__BASE_URL", "LM_STUDIO_BASE_URL"),
        description="Where LM Studio listens, for lmstudio: models.",
    )
    vllm_base_url: str | None = Field(
        None, description="Where a vLLM server listens, for vllm: models."
    )
    gather_window_s: float = Field(
        0.05,
        ge=0,
        le=10,
        validation_alias=AliasChoices("LLM__GATHER_WINDOW_S"),
        description="Streamed text arrives at most this often, in seconds; 0 passes every piece.",
    )

    @field_validator("default_model")
    @classmethod
    def _let_demo_stand_alone(cls, value: str) -> str:
        if "demo" in (ids := split_ids(value)) and len(ids) > 1:
            raise ValueError("demo stands alone, it answers for no other")
        return value

    def options(self, model_id: str) -> ModelOptions:
        """What `LLM__MODELS` says of a model."""
        return self.models.get(model_id, _NO_OPTIONS)

    def context_window(self, ids: str) -> int | None:
        """How many tokens each of these models can read, as far as `LLM__MODELS` says."""
        windows = (self.options(one).context_window for one in split_ids(ids))
        return min(filter(None, windows), default=None)


def split_ids(model_id: str) -> list[str]:
    """The ids in a list with commas between, each once; a single id is a list of one."""
    ids = [one for one in map(str.strip, model_id.split(",")) if one]
    return list(dict.fromkeys(ids)) or [model_id]
